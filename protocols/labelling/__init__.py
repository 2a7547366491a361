"""From a folder of pictures and a few labels to labels for all: what to label first, and what the others are."""
