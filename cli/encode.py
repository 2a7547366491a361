def command() -> None:
    """To come."""
