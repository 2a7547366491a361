"""Pictures from codes: reconstructions, ways between codes, samples; and grids to look at."""
