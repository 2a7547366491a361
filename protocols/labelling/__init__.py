"""From a folder of pictures and a few labels to a labelled folder."""
