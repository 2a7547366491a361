"""Pretraining: the loop, its recipe, its run folder, and the function that does it all."""
