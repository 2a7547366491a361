"""``ssl-irmae evaluate``: how well contenders do with few labels."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.cli.contenders import print_contenders
from ssl_irmae.cli.help import OUTPUT, RUN
from ssl_irmae.cli.options import (
    AddedEncoder,
    Baseline,
    Classes,
    Contenders,
    Dataset,
    Device,
    Executor,
    Ignore,
    Jobs,
    Json,
    Labels,
    LabelsFrom,
    Network,
    Notes,
    OwnCodes,
    Preset,
    PretrainSeeds,
    Quiet,
    ScoredOn,
    Seeds,
    Steps,
    Strict,
    TargetError,
    TrialPrecision,
    parse_budgets,
    parse_names,
    parse_network,
    parse_seeds,
)
from ssl_irmae.cli.terminal import handle_errors, print_json

EXAMPLES = """
ssl-irmae evaluate --labels 100 --seeds 10
ssl-irmae evaluate --labels 10,100,1000 --encoder runs/mine
ssl-irmae evaluate --labels 10 --contenders irmae-propagate,supervised
ssl-irmae evaluate --contenders "irmae-*" --dataset digits
ssl-irmae evaluate --preset mnist-full
ssl-irmae evaluate --dataset my-images/ --labels 50
ssl-irmae evaluate --dataset mnist --codes mine=embeddings.npz
ssl-irmae evaluate --preset mnist-full --executor slurm --jobs 20
"""
EPILOG = """
A folder of your own pictures has one sub-folder per class, or train/CLASS and test/CLASS. The same command again runs
only what is missing. --encoder runs/mine adds mine-linear, mine-joint and mine-poisson-prior to the default rows;
`--contenders help` explains these and all others.
""".replace("\n", " ")


@handle_errors
def command(
    dataset: Dataset = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    strict: Strict = False,
    labels: Labels = None,
    seeds: Seeds = None,
    contenders: Contenders = None,
    encoder: AddedEncoder = None,
    codes: OwnCodes = None,
    network: Network = None,
    preset: Preset = None,
    steps: Steps = None,
    rule: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How labelled subsets are drawn: balanced (equally many of each class), stratified (by its share), "
            "uniform (whatever the class), or typical (chosen on principal components; typical:NAME on that "
            "encoder's code).",
            rich_help_panel=RUN,
        ),
    ] = "balanced",
    scored_on: ScoredOn = None,
    pretrain_seeds: PretrainSeeds = None,
    metrics: Annotated[
        Literal["error", "retrieval", "clusters"],
        typer.Option(
            metavar="NAME",
            help="What is measured. error: errors alone. retrieval: also the quality of codes without a classifier. "
            "clusters: also the error of clusters found without labels.",
            rich_help_panel=RUN,
        ),
    ] = "error",
    store: Annotated[
        Path, typer.Option(metavar="FILE", help="Where finished trials are kept.", rich_help_panel=OUTPUT)
    ] = Path("runs/results.sqlite"),
    import_trials: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Take over trials that this run would repeat exactly, from another store, the rows.csv of a report "
            "or --json output; repeatable.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    baseline: Baseline = None,
    target_error: TargetError = None,
    notes: Notes = "short",
    ignore: Ignore = None,
    json_: Json = False,
    quiet: Quiet = False,
    precision: TrialPrecision = "auto",
    jobs: Jobs = None,
    executor: Executor = "processes",
    device: Device = "auto",
) -> None:
    """Compare ways to learn from few labels, contenders, on labelled subsets that all of them share."""
    if contenders == "help":
        print_contenders()
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
            network=parse_network(network),
            preset=preset,
            steps=steps,
            metrics=metrics,
            baseline=baseline,
            rule=rule,
            scored_on=scored_on,
            store=store,
            import_trials=import_trials or [],
            precision=precision,
            jobs=jobs,
            executor=executor,
            device=device,
            labels_from=labels_from,
            classes=parse_names(classes),
            strict=strict,
            target_error=target_error,
            ignore=parse_names(ignore) or (),
            progress=display,
        )
    if json_:
        print_json(document(report))
    else:
        print_report(report, notes=notes)
