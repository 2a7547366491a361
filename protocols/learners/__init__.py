"""What trains a network with the labels: one learner a file."""
