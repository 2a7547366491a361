"""Numerics on graphs of codes: they know arrays and tensors, but no samples."""
