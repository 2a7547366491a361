"""Pretrained encoders and their files."""
