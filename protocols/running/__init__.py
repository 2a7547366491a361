"""Run trials: here, or in several processes."""
