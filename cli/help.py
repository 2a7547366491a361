"""How every command speaks of its options: examples first, then panels by purpose; and a sentence on removed ones."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from ssl_irmae.cli.removed import REMOVED
from ssl_irmae.cli.terminal import print_status

DATA, RUN, OUTPUT, MACHINE = "Data", "What is run", "Output", "Machine"
"""The panels. An option that several commands share is in the same one everywhere."""
CACHES = (
    "Data sets, encoders that were pretrained on the spot and codes are kept in the user's cache. The environment "
    "variable SSL_IRMAE_HOME names another folder for all of it, SSL_IRMAE_DATA_DIR one for the data alone."
)
"""What no option says: where is kept what outlives a command."""


class Group(TyperGroup):
    """A command that has commands of its own."""

    def get_params(self, ctx: Any) -> list[Any]:  # typer's own types are private
        """Return its options."""
        return _without_type_of_flags(super().get_params(ctx))


class Command(TyperCommand):
    """A command that lists ``--help`` beside the other options of the output, and knows which options are gone."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its arguments and options."""
        return _without_type_of_flags(super().get_params(ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option ``--help``."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.rich_help_panel = OUTPUT
        return option

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line; an option that is gone ends it with a sentence."""
        options = {option for parameter in self.params for option in parameter.opts}
        for word in args:
            name = word.partition("=")[0]
            removed = REMOVED.get(name)
            if removed is not None and name not in options and (removed.of is None or removed.of in options):
                print_status(f"error: {name} is gone: {removed.use}")
                raise typer.Exit(2)
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            _name_value(error)
            raise


def _without_type_of_flags(parameters: list[Any]) -> list[Any]:
    """Take away the ``<bool>`` that typer shows beside an option that takes no value, as if it took one."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


def _name_value(error: typer.BadParameter) -> None:
    """Put what was given into an error of pydantic, by which typer reads options, where it says "Input"."""
    message = error.message or ""
    found: list[dict[str, object]] = getattr(error.__cause__, "errors", list)()
    if found and message.startswith("Input "):
        message = f"{found[0].get('input')} {message.removeprefix('Input ')}"
    error.message = message.removeprefix("Value error, ")


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
