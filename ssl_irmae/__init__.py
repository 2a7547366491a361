"""ssl-irmae: learning from few labels with implicit rank-minimising autoencoders."""

__version__ = "0.1.0"
