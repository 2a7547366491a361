"""What readouts and learners return: predictors with scores per class, which can be kept without any code in them."""
