"""Trials and how they are run: in this process, or in several."""
