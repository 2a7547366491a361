"""Functions of rows: numpy, scipy and the row type, nothing else."""
