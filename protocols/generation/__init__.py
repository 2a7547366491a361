"""How far generated pictures are from real ones."""
