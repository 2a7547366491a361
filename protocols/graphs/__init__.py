"""Numerics on graphs of codes: arrays and tensors, no samples."""
