"""``ssl-irmae report``: finished trials as tables, figures and a page."""

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ssl_irmae.cli.terminal import give, plainly, say

if TYPE_CHECKING:
    from ssl_irmae.protocols.report.figures.codes import Codes
    from ssl_irmae.protocols.report.report import Report

EPILOG = """
Examples:

  ssl-irmae report runs/results.sqlite --html

  ssl-irmae report runs/results.sqlite --contenders irmae-linear,supervised

  ssl-irmae report rows.csv --scored-on development --out runs/dev-report

  ssl-irmae report runs/results.sqlite --encoder mnist-irmae --encoder mnist-ae

Written: table.md, table.tex (booktabs), summary.csv, rows.csv with
environments.json and (which images were wrong) mistakes.npz, report.json,
and as PNG, SVG and PDF error-against-labels and paired-differences; with
--encoder also spectra and codes; with --html the page report.html.
"""


@plainly
def command(
    store: Annotated[
        Path, typer.Argument(help="The --store of `ssl-irmae evaluate`, its --json output, or a rows.csv.")
    ] = Path("runs/results.sqlite"),
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("runs/report"),
    html: Annotated[bool, typer.Option("--html", help="Write report.html too: one page, no network.")] = False,
    reference: Annotated[
        str | None,
        typer.Option(help="The row that differences are taken to.", show_default="supervised, if run"),
    ] = None,
    contenders: Annotated[
        str | None,
        typer.Option(help="What the figures draw, separated by commas; tables hold all.", show_default="a few"),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="The protocol that was run: adds the comparisons it declared, draws what it declared."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Which, if there are trials of several.")] = None,
    scored_on: Annotated[
        Literal["test", "development"] | None, typer.Option(help="Which, if there are trials of both.")
    ] = None,
    rule: Annotated[
        Literal["balanced", "uniform", "first"] | None, typer.Option(help="Which, if there are trials of several.")
    ] = None,
    encoder: Annotated[
        list[str] | None,
        typer.Option(help="Draw the spectrum and the codes of this encoder, which trials used; repeatable."),
    ] = None,
    made_by: Annotated[
        list[str] | None, typer.Option(help="A command that made the trials, to be printed; repeatable.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print report.json instead of the tables.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not list what was written.")] = False,
) -> None:
    """Write finished trials as tables, figures and one page."""
    result = report(
        store=store,
        out=out,
        html=html,
        reference=reference,
        contenders=contenders,
        preset=preset,
        dataset=dataset,
        scored_on=scored_on,
        rule=rule,
        encoders=encoder or [],
        made_by=made_by or [],
        data_dir=data_dir,
        quiet=quiet,
        table=not json_,
    )
    if json_:
        give(json.dumps(result, indent=2, ensure_ascii=False))


def report(
    *,
    store: Path,
    out: Path,
    html: bool,
    reference: str | None,
    contenders: str | None,
    preset: str | None,
    dataset: str | None,
    scored_on: Literal["test", "development"] | None,
    rule: Literal["balanced", "uniform", "first"] | None,
    encoders: list[str],
    made_by: list[str],
    data_dir: Path | None,
    quiet: bool,
    table: bool,
) -> dict[str, Any]:
    """Do what the command says; return what ``--json`` prints."""
    from rich.console import Console

    from ssl_irmae._support.files import write_atomically
    from ssl_irmae.protocols.presets import find_preset
    from ssl_irmae.protocols.report import export, figures
    from ssl_irmae.protocols.report.report import make_report
    from ssl_irmae.protocols.report.selection import keep_newest, select_protocol
    from ssl_irmae.protocols.report.tables.comparisons import comparisons_table
    from ssl_irmae.protocols.report.tables.terminal import protocol_tables
    from ssl_irmae.protocols.storage.files import read_trials

    chosen = select_protocol(read_trials(store), dataset=dataset, scored_on=scored_on, rule=rule)
    trials, left_out = keep_newest(chosen)
    options = {
        "--reference": reference,
        "--contenders": contenders,
        "--preset": preset,
        "--dataset": dataset,
        "--scored-on": scored_on,
        "--rule": rule,
    }
    given = [word for option, value in options.items() if value is not None for word in (option, value)]
    given += [word for name in encoders for word in ("--encoder", name)]
    own = shlex.join(["ssl-irmae", "report", str(store), *given, *(["--html"] if html else [])])
    made = make_report(
        trials,
        reference=reference,
        drawn=[name.strip() for name in contenders.split(",")] if contenders else None,
        preset=find_preset(preset) if preset is not None else None,
        notes=left_out,
        commands=[*made_by, own],
    )
    drawn = {
        "error-against-labels": figures.error_against_labels(made),
        "paired-differences": figures.paired_differences(made),
    }
    codes = _encode(made, encoders, data_dir=data_dir, quiet=quiet) if encoders else None
    if codes is not None:
        from ssl_irmae.protocols.report.figures.codes import code_view, spectra_figure

        drawn |= {"spectra": spectra_figure(codes), "codes": code_view(codes)}
    # everything is made before anything is written
    files: dict[str, str | bytes] = {
        "table.md": export.markdown(made),
        "table.tex": export.latex(made),
        "summary.csv": export.summary_csv(made),
        "rows.csv": export.rows_csv(made.trials),
        "environments.json": export.environments_json(made.trials),
        "report.json": export.report_json(made),
    }
    mistakes = export.mistakes_npz(made.trials)
    if mistakes is not None:
        files["mistakes.npz"] = mistakes
    for name, figure in drawn.items():
        if figure is not None:
            files |= {
                f"{name}.{kind}": figures.render(figure, kind, source=made.fingerprint) for kind in figures.FORMATS
            }
    if html:
        from ssl_irmae.protocols.report.page.page import html_page

        files["report.html"] = html_page(made, pictures=_pictures(files))
    for name, content in files.items():
        write_atomically(out / name, content)
    if table:
        console = Console(stderr=False)
        for each in protocol_tables(made.rows, made.summaries, reference=made.reference, width=console.width):
            console.print(each)
        if made.comparisons:
            console.print(comparisons_table(made.comparisons))
        for line in (*made.notes, *made.audit):
            console.print(line, highlight=False)
    if not quiet:
        say(f"{out}: {', '.join(files)}")
    return export.document(made)


def _encode(made: "Report", names_or_paths: list[str], *, data_dir: Path | None, quiet: bool) -> "Codes":
    from ssl_irmae.cli.progress import fetch_progress
    from ssl_irmae.errors import UserError
    from ssl_irmae.protocols.report.figures.codes import encode_sample, encoders_of
    from ssl_irmae.protocols.task import load_data

    first = made.rows[0]
    encoders = encoders_of(made.rows, names_or_paths)
    with fetch_progress(quiet=quiet) as progress:
        data = load_data(
            first.dataset,
            scored_on="test" if first.scored_on == "test" else "development",
            architectures=[encoder.architecture for encoder in encoders.values()],
            data_dir=data_dir,
            progress=progress,
        )
    if data.train.fingerprint != first.data_fingerprint:
        raise UserError(f"--encoder: {first.dataset} is no longer what the trials learned from: leave --encoder out")
    colours = {look.representation: look.light for look in made.looks.values()}
    return encode_sample(encoders, data, colours)


def _pictures(files: dict[str, str | bytes]) -> list[Any]:
    from ssl_irmae.protocols.report.page.page import Picture

    words = {
        "spectra": (
            "Spectra",
            "Singular values of the code covariance, relative to the largest, for each encoder; effective rank is the "
            "exponential of their entropy.",
        ),
        "codes": (
            "Codes in two dimensions",
            "Training images by each encoder's code, coloured by class. Above: along its first two principal "
            "components. Below: t-SNE, which keeps neighbourhoods; distances between groups and their sizes mean "
            "nothing there.",
        ),
    }
    found = ((title, caption, files.get(f"{name}.png")) for name, (title, caption) in words.items())
    return [Picture(title, caption, png) for title, caption, png in found if isinstance(png, bytes)]
