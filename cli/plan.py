"""``ssl-irmae plan``: how many subsets, and how many minutes, before anything runs."""

import json
import shutil
import textwrap
from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.cli.options import (
    AddedEncoder,
    Classes,
    DataDir,
    Dataset,
    Device,
    Jobs,
    LabelsFrom,
    OwnCodes,
    Preset,
    Quiet,
    Seeds,
    TrialPrecision,
    parse_budgets,
    parse_names,
    parse_seeds,
)
from ssl_irmae.cli.terminal import handle_errors, print_result

EPILOG = """
Examples:

  ssl-irmae plan --detect 0.5 --power 0.8 --between irmae-linear vae-linear --labels 100

  ssl-irmae plan --preset mnist-full

  ssl-irmae plan --contenders irmae-joint,supervised --labels 10,100 --steps 600

With --detect it finds how many subsets show a difference between two contenders;
without, it takes a request as `ssl-irmae evaluate` would. Trials that are in
--store cost nothing. Nothing is trained or stored.
"""


@handle_errors
def command(
    detect: Annotated[
        float | None, typer.Option(help="The difference in mean error to find, in points.", show_default=False)
    ] = None,
    power: Annotated[float, typer.Option(help="The probability of finding it.")] = 0.8,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="The two contenders that differ by so much.", show_default=False),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(help="Label budgets, such as 100 or 10,1%,5/class,all; one with --detect.", show_default="100"),
    ] = None,
    seeds: Seeds = None,
    dataset: Dataset = None,
    contenders: Annotated[
        str | None, typer.Option(help="Which rows, separated by commas.", show_default="those of a first look")
    ] = None,
    encoder: AddedEncoder = None,
    codes: OwnCodes = None,
    pretrain_seeds: Annotated[
        str | None, typer.Option(help="Encoders of several pretraining seeds, such as 0,1,2.", show_default=False)
    ] = None,
    preset: Preset = None,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Optimiser steps of every network trained end to end.",
            show_default="100; with --detect those of the stored trials",
        ),
    ] = None,
    scored_on: Annotated[
        Literal["test", "development", "folds"] | None,
        typer.Option(help="Which images are scored.", show_default="test, or folds without a test split"),
    ] = None,
    store: Annotated[
        Path, typer.Option(help="Finished trials: they are not run again, and are estimated from.")
    ] = Path("runs/results.sqlite"),
    results: Annotated[
        list[Path] | None,
        typer.Option(
            help="More finished trials to estimate from (another store, or the rows.csv of a report); repeatable.",
            show_default=False,
        ),
    ] = None,
    precision: TrialPrecision = "auto",
    jobs: Jobs = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")] = False,
    quiet: Quiet = False,
) -> None:
    """Say how many subsets find a difference, and how long a request takes here, before anything runs."""
    from ssl_irmae._support.allocator import keep_freed_memory
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.forecast.forecast import plan

    keep_freed_memory()  # as `evaluate` does, whose speed is measured
    with Display(quiet=quiet) as display:
        forecast = plan(
            detect=detect,
            power=power,
            between=between,
            budgets=None if labels is None else parse_budgets(labels),
            seeds=None if seeds is None else parse_seeds(seeds),
            dataset=dataset,
            contenders=parse_names(contenders),
            encoders=encoder or [],
            codes=codes or [],
            pretrain_seeds=None if pretrain_seeds is None else parse_seeds(pretrain_seeds, "--pretrain-seeds"),
            preset=preset,
            steps=steps,
            scored_on=scored_on,
            store=store,
            results=results or [],
            precision=precision,
            jobs=jobs,
            device=device,
            data_dir=data_dir,
            labels_from=labels_from,
            classes=parse_names(classes),
            progress=display,
        )
    if json_:
        print_result(json.dumps(forecast.document(), indent=2, allow_nan=False))
        return
    width = min(shutil.get_terminal_size().columns, 120)
    for line in str(forecast).splitlines():
        # the lines of a table, and commands to be copied, stay as they are
        wrapped = textwrap.fill(line, width, break_on_hyphens=False, break_long_words=False)
        print_result(line if line.startswith("  ") else wrapped)
