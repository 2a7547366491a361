"""Families of encoders and decoders, and one's own."""
