"""What images become before a readout sees them."""
