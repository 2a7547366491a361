"""Finished trials as rows, in stores and in files; and the cache that makes the next ones faster."""
