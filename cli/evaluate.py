"""``ssl-irmae evaluate``: how well contenders do with few labels."""

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
    Ignore,
    Jobs,
    LabelsFrom,
    OwnCodes,
    Preset,
    Quiet,
    Seeds,
    Strict,
    TargetError,
    TrialPrecision,
    parse_budgets,
    parse_names,
    parse_seeds,
)
from ssl_irmae.cli.terminal import handle_errors, print_result

EPILOG = """
Examples:

  ssl-irmae evaluate --labels 100 --seeds 10

  ssl-irmae evaluate --labels 10,100,1000 --encoder runs/mine

  ssl-irmae evaluate --labels 10 --contenders irmae-propagate,supervised

  ssl-irmae evaluate --preset mnist-full

  ssl-irmae evaluate --dataset my-images/ --labels 50

  ssl-irmae evaluate --codes mine=embeddings.npz --dataset mnist

A folder of your own pictures has one sub-folder per class, or train/CLASS and
test/CLASS. The same command again runs only what is missing. --encoder runs/mine adds
mine-linear, mine-joint and mine-poisson-prior to the default rows;
`--contenders help` lists these and all others.
"""


@handle_errors
def command(
    labels: Annotated[
        str | None, typer.Option(help="Label budgets, such as 100 or 10,1%,5/class,all.", show_default="100")
    ] = None,
    seeds: Seeds = None,
    dataset: Dataset = None,
    contenders: Annotated[
        str | None,
        typer.Option(help="Which rows, separated by commas; `help` lists all.", show_default="those of a first look"),
    ] = None,
    encoder: AddedEncoder = None,
    codes: OwnCodes = None,
    pretrain_seeds: Annotated[
        str | None,
        typer.Option(
            help="Cross the subsets with encoders of several pretraining seeds, such as 0,1,2, and report the "
            "components of variance; write {seed} in --encoder, or short ones are pretrained on the spot.",
            show_default=False,
        ),
    ] = None,
    preset: Preset = None,
    protocol: Annotated[
        Literal["honest", "published"],
        typer.Option(help="`published` does what the public reference script does, leaks and all, for comparison."),
    ] = "honest",
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Optimiser steps of every network trained end to end; more are slower and better.",
            show_default="100",
        ),
    ] = None,
    metric_loss: Annotated[
        str | None,
        typer.Option(help="Add a metric-learning loss to joint training: supcon, triplet, ...", show_default=False),
    ] = None,
    metrics: Annotated[
        Literal["error", "retrieval", "clusters"],
        typer.Option(
            help="`retrieval` adds the quality of frozen codes without any classifier, `clusters` the error of "
            "clusters found without a label."
        ),
    ] = "error",
    baseline: Annotated[
        str | None, typer.Option(help="The row that differences are taken to.", show_default="supervised")
    ] = None,
    rule: Annotated[
        str,
        typer.Option(
            help="How labelled subsets are drawn: balanced (equally many of each class), stratified (by each class's "
            "share), uniform (without looking at classes), or typical (chosen on principal components; typical:NAME "
            "on that encoder's code)."
        ),
    ] = "balanced",
    scored_on: Annotated[
        Literal["test", "development", "folds"] | None,
        typer.Option(
            help="Test images; folds of the labelled images, each scored by the others; or (for tuning) a held-out "
            "sixth of the training images.",
            show_default="test, or folds without a test split",
        ),
    ] = None,
    store: Annotated[Path, typer.Option(help="Where finished trials are kept.")] = Path("runs/results.sqlite"),
    import_trials: Annotated[
        list[Path] | None,
        typer.Option(
            help="Finished trials from elsewhere (another store, the rows.csv of a report, or --json output): those "
            "that this run would repeat exactly are taken over; repeatable.",
            show_default=False,
        ),
    ] = None,
    precision: TrialPrecision = "auto",
    jobs: Jobs = None,
    device: Device = "auto",
    data_dir: DataDir = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    target_error: TargetError = None,
    notes: Annotated[
        Literal["short", "full"], typer.Option(help="At most five short notes, or all of them with every check.")
    ] = "short",
    ignore: Ignore = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare contenders at label budgets, over repeated labelled subsets that all of them share."""
    if contenders == "help":
        _list_contenders()
        return

    from ssl_irmae._support.allocator import keep_freed_memory
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.cli.report import print_report
    from ssl_irmae.protocols.evaluation import evaluate
    from ssl_irmae.protocols.report.document import document

    keep_freed_memory()
    with Display(quiet=quiet) as display:
        report = evaluate(
            budgets=None if labels is None else parse_budgets(labels),
            seeds=None if seeds is None else parse_seeds(seeds),
            dataset=dataset,
            contenders=parse_names(contenders),
            encoders=encoder or [],
            codes=codes or [],
            pretrain_seeds=None if pretrain_seeds is None else parse_seeds(pretrain_seeds, "--pretrain-seeds"),
            preset=preset,
            protocol=protocol,
            steps=steps,
            metric_loss=metric_loss,
            metrics=metrics,
            baseline=baseline,
            rule=rule,
            scored_on=scored_on,
            store=store,
            import_trials=import_trials or [],
            precision=precision,
            jobs=jobs,
            device=device,
            data_dir=data_dir,
            labels_from=labels_from,
            classes=parse_names(classes),
            strict=strict,
            target_error=target_error,
            ignore=parse_names(ignore) or (),
            progress=display,
        )
    if json_:
        print_result(json.dumps(document(report), indent=2, allow_nan=False))
    else:
        print_report(report, notes=notes)


def _list_contenders() -> None:
    """Print what a contender's name is made of, and what each means."""
    from ssl_irmae.protocols.contenders.fused import FUSED, FUSED_CONTENDERS
    from ssl_irmae.protocols.contenders.on_codes import READOUTS
    from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT
    from ssl_irmae.protocols.contenders.trained import FROM_ENCODER, FROM_SCRATCH
    from ssl_irmae.protocols.report.note import join

    single = [c for c in CONTENDERS.values() if c.representation not in (None, *FUSED)]
    codes = dict.fromkeys(f"{c.representation}{'-features' * (c.reads == 'features')}" for c in single if c.frozen)
    starts = dict.fromkeys(f"{c.representation}" for c in single if not c.frozen)
    together = "; ".join(f"{name} stands for {join(parts)}" for name, parts in FUSED.items())
    groups = (
        (f"Classifiers of frozen codes: one of {', '.join(codes)}, NAME, NAME-features, and", "-", READOUTS),
        (f"Networks trained from an encoder: one of {', '.join(starts)}, NAME, and", "-", FROM_ENCODER),
        (f"Several encoders at once, where {together}:", "", FUSED_CONTENDERS),
        ("Networks trained from scratch:", "", FROM_SCRATCH),
    )
    width = min(shutil.get_terminal_size().columns, 120)
    for heading, dash, contenders in groups:
        print_result(textwrap.fill(heading, width, break_on_hyphens=False))
        for name, contender in contenders.items():
            summary = f"{contender.summary}{' (sees the scored images)' * contender.transductive}"
            line = f"  {dash + name:<28}{summary}"
            print_result(textwrap.fill(line, width, subsequent_indent=" " * 30, break_on_hyphens=False))
        print_result("")
    print_result("NAME is the last part of an --encoder: mine-linear, mine-joint for runs/mine.")
    print_result("Codes of your own have classifiers alone: mine-linear for --codes mine=embeddings.npz.")
    print_result(textwrap.fill(f"Default: {', '.join(DEFAULT)}.", width, break_on_hyphens=False))
