"""Pretrained encoders, their files and their cards."""
