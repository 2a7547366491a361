"""Numbered checks of what a result rests on: one file per check, and their registry."""
