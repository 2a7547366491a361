"""Internals of the package: not part of the API."""
