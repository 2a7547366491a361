"""Contenders: what is compared, one row of a table each."""
