"""Studies that take seconds; forked commands find them among the others."""
