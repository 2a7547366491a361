"""From labelled pictures to a classifier that is kept, and from it to labels of other pictures."""
