"""The command ``ssl-irmae`` and its sub-commands, one per file."""

import io
import sys
from typing import Annotated

import typer

from ssl_irmae.cli import classify, data, encode, encoders, evaluate, plan, predict, pretrain, report, suggest
from ssl_irmae.cli.terminal import print_result

app = typer.Typer(
    name="ssl-irmae",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Learn from few labels: pretrain rank-minimising autoencoders, and measure how many labels you need.",
)


def _version(requested: bool) -> None:
    if requested:
        import importlib.metadata

        print_result(f"ssl-irmae {importlib.metadata.version('ssl-irmae')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


app.command("pretrain", epilog=pretrain.EPILOG)(pretrain.command)
app.command("plan", epilog=plan.EPILOG)(plan.command)
app.command("evaluate", epilog=evaluate.EPILOG)(evaluate.command)
app.command("report", epilog=report.EPILOG)(report.command)
app.command("suggest", epilog=suggest.EPILOG)(suggest.command)
app.command("classify", epilog=classify.EPILOG)(classify.command)
app.command("predict", epilog=predict.EPILOG)(predict.command)
app.command("encode", epilog=encode.EPILOG)(encode.command)
app.add_typer(encoders.app, name="encoders")
app.add_typer(data.app, name="data")


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without ± shows a question mark
    app()
