"""Faults injected into every command and every kind of file, and what they did: ``make soak``."""
