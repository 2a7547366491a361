"""From rows to numbers; imports numpy, scipy and the row type, nothing else."""
