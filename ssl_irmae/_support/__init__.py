"""What the package needs and does not offer: no API."""
