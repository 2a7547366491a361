"""HTML pages of pictures, which request nothing from the network."""
