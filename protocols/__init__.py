"""Judging representations: budgets, subsets, seeds, rows. Nothing here prints."""
