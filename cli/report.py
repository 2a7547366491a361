"""``ssl-irmae report``: finished trials as tables, figures and a page."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ssl_irmae.cli.help import DATA, OUTPUT, RUN
from ssl_irmae.cli.options import (
    Baseline,
    Ignore,
    Json,
    Notes,
    OwnNetwork,
    Quiet,
    TargetError,
    parse_names,
    parse_own_network,
)
from ssl_irmae.cli.terminal import handle_errors, print_json, print_status

if TYPE_CHECKING:
    from ssl_irmae.protocols.report.report import Report

EXAMPLES = """
ssl-irmae report runs/results.sqlite --html
ssl-irmae report runs/results.sqlite --draw irmae-linear,supervised
ssl-irmae report rows.csv --scored-on development --out runs/dev-report
ssl-irmae report --encoder mnist-irmae --encoder mnist-ae
"""
EPILOG = """
Written: table.md, table.tex (booktabs), summary.csv, report.json; rows.csv with environments.json and mistakes.npz
(which images were wrong); the figures error-against-labels and paired-differences as PNG, SVG and PDF, with --encoder
also spectra and codes; with --html the page report.html.
""".replace("\n", " ")


@handle_errors
def command(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS", help="The --store of `ssl-irmae evaluate`, its --json output, or a rows.csv."
        ),
    ] = Path("runs/results.sqlite"),
    dataset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which data set, if there are trials of several.", rich_help_panel=DATA),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The preset that was run: reports its trials alone, with the comparisons and curves that it declared.",
            rich_help_panel=RUN,
        ),
    ] = None,
    scored_on: Annotated[
        Literal["test", "development", "folds"] | None,
        typer.Option(
            metavar="IMAGES",
            help="Which images were scored (test, development or folds), if there are trials of several.",
            rich_help_panel=RUN,
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which rule, if there are trials of several.", rich_help_panel=RUN),
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Draw the spectrum and the codes of this encoder, which trials used; repeatable.",
            rich_help_panel=RUN,
        ),
    ] = None,
    network: OwnNetwork = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder to write into.", rich_help_panel=OUTPUT)
    ] = Path("runs/report"),
    html: Annotated[
        bool,
        typer.Option(
            "--html",
            help="Also write report.html, one page that needs no network.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    baseline: Baseline = None,
    draw: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Which contenders the figures show; the tables hold all.",
            show_default="a few",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    target_error: TargetError = None,
    notes: Notes = "short",
    ignore: Ignore = None,
    made_by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COMMAND",
            help="A command that made the trials, to be printed in the report; repeatable.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write finished trials as tables, figures and one page."""
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.evaluation import read_results
    from ssl_irmae.protocols.report.document import document
    from ssl_irmae.protocols.report.files import write_report

    given = {
        "--baseline": baseline,
        "--draw": draw,
        "--preset": preset,
        "--dataset": dataset,
        "--scored-on": scored_on,
        "--rule": rule,
        "--target-error": None if target_error is None else f"{target_error:g}",
        "--ignore": ignore,
    }
    words = [word for option, value in given.items() if value is not None for word in (option, value)]
    words += [word for name in encoder or [] for word in ("--encoder", name)]
    words += [] if network is None else ["--network", network]
    this_command = shlex.join(["ssl-irmae", "report", str(source), *words, *(["--html"] if html else [])])
    report = read_results(
        source,
        baseline=baseline,
        draw=parse_names(draw),
        preset=preset,
        dataset=dataset,
        scored_on=scored_on,
        rule=rule,
        target_error=target_error,
        commands=[*(made_by or []), this_command],
        ignore=parse_names(ignore) or (),
    )
    with Display(quiet=quiet) as display:
        files = write_report(
            report,
            out,
            html=html,
            encoders=encoder or [],
            network=parse_own_network(network),
            progress=display,
        )
    if json_:
        print_json(document(report))
    else:
        print_report(report, notes=notes)
    if not quiet:
        print_status(f"{out}: {', '.join(files)}")


def print_report(report: "Report", *, notes: Literal["short", "full"]) -> None:
    """Print the answer, the tables and the notes of a report on standard output."""
    from rich.console import Console

    from ssl_irmae.protocols.report.text import report_parts

    console = Console(stderr=False)
    more = "--notes full (checks: docs/checks.md). What each contender is: ssl-irmae evaluate --contenders help"
    for part in report_parts(report, width=console.width, notes=notes, more=more):
        console.print(part)
