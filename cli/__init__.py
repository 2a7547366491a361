"""The command line: one command per file, the only layer that prints."""
