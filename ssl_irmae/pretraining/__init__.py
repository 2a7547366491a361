"""Pretraining: the loop, its run folder and its recipe."""
