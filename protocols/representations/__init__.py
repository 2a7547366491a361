"""What images are turned into before a readout sees them."""
