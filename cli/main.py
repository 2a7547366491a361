"""The command ``ssl-irmae`` and its sub-commands, one per file."""

import io
import sys
from typing import Annotated

import typer

from ssl_irmae._support.torchrun import refuse_copies
from ssl_irmae.cli import (
    classify,
    data,
    dimension,
    doctor,
    encode,
    encoders,
    evaluate,
    export,
    generate,
    plan,
    predict,
    pretrain,
    report,
    study,
    suggest,
)
from ssl_irmae.cli.help import CACHES, Command, Group, with_examples
from ssl_irmae.cli.terminal import first_process_alone, print_result, print_status
from ssl_irmae.errors import UserError

app = typer.Typer(
    cls=Group,
    name="ssl-irmae",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Learn from few labels: pretrain rank-minimising autoencoders, and measure how many labels you need.",
    epilog=CACHES,
)


def _version(requested: bool) -> None:
    if requested:
        import importlib.metadata

        print_result(f"ssl-irmae {importlib.metadata.version('ssl-irmae')}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback prints it
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand == "pretrain":
        return
    try:
        refuse_copies(f"ssl-irmae {context.invoked_subcommand}")
    except UserError as error:
        print_status(f"error: {error}")
        raise typer.Exit(2) from error


for _name, _module in {
    "pretrain": pretrain,
    "plan": plan,
    "evaluate": evaluate,
    "report": report,
    "study": study,
    "suggest": suggest,
    "classify": classify,
    "predict": predict,
    "encode": encode,
    "export": export,
    "dimension": dimension,
    "doctor": doctor,
}.items():
    _help = with_examples(_module.command, _module.EXAMPLES)
    app.command(_name, cls=Command, help=_help, epilog=_module.EPILOG)(_module.command)
app.add_typer(generate.app, name="generate")
app.add_typer(encoders.app, name="encoders")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ± shows a question mark
    with first_process_alone():
        app()
