"""How fast ssl-irmae is beside what a user would otherwise run: `python -m benchmarks --help`."""
