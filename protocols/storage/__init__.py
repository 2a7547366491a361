"""Finished trials, and what is kept to make the next ones faster."""
