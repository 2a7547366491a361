"""How labels train a network: one learner per file."""
