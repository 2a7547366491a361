"""From rows to numbers; imports numpy, scipy, the row type and errors, nothing else."""
