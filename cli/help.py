"""How the help of every command is laid out: examples first, then the options in panels by purpose."""

from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand

DATA, RUN, OUTPUT, MACHINE = "Data", "What is run", "Output", "Machine"
"""The panels. An option that several commands share is in the same one everywhere."""


class Command(TyperCommand):
    """A command that lists ``--help`` beside the other options of the output, not in a panel of its own."""

    def get_help_option(self, ctx: Any) -> Any:  # typer's own types are private
        """Return the option ``--help``."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel, option.metavar = OUTPUT, ""
        return option


def with_examples(command: Callable[..., Any], examples: str) -> str:
    """Return the text above a command's options: what it does, and lines to copy.

    Args:
        command: The command, whose docstring is one sentence.
        examples: Command lines, one per line.

    >>> def command() -> None: "Do it."
    >>> print(with_examples(command, "ssl-irmae it"))
    Do it.
    <BLANKLINE>
    Examples:
    [not dim]  ssl-irmae it[/]
    """
    lines = "\n".join(f"[not dim]  {line}[/]" for line in examples.strip().splitlines())
    return f"{command.__doc__}\n\nExamples:\n{lines}"
