"""Options that are gone: who gives one by habit is told what to use."""

from typing import NamedTuple


class Removed(NamedTuple):
    """What took the place of an option.

    Args:
        use: What to do, as the end of a sentence.
        of: The option that took its place; it is gone from the commands that have that one. None: from every command.
    """

    use: str
    of: str | None = None


REMOVED: dict[str, Removed] = {
    "--data-dir": Removed("set the environment variable SSL_IRMAE_DATA_DIR to that folder"),
    "--metric-loss": Removed(
        "add the loss to a contender's name, as in --contenders irmae-joint+supcon", "--contenders"
    ),
    "--protocol": Removed(
        "use --preset published for what the public reference script does, or leave it out", "--preset"
    ),
}
