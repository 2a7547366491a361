"""Talking to a person: one command per file, the only layer that prints."""
