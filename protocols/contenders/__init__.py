"""The rows of a table: what is compared."""
