"""How many subsets and how many minutes a plan needs, before any of it runs."""
