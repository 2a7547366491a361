"""``ssl-irmae plan``: how many subsets, and how many minutes, before anything runs."""

from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.contenders import print_contenders
from ssl_irmae.cli.help import RUN
from ssl_irmae.cli.options import (
    AddedEncoder,
    Classes,
    Contenders,
    Dataset,
    Device,
    Jobs,
    Json,
    Labels,
    LabelsFrom,
    Network,
    OwnCodes,
    Preset,
    PretrainSeeds,
    Quiet,
    ScoredOn,
    Seeds,
    Steps,
    TrialPrecision,
    parse_budgets,
    parse_names,
    parse_network,
    parse_seeds,
)
from ssl_irmae.cli.terminal import handle_errors, print_json, print_lines

EXAMPLES = """
ssl-irmae plan --detect 0.5 --between irmae-linear vae-linear --labels 100
ssl-irmae plan --preset mnist-full
ssl-irmae plan --contenders "irmae-*" --labels 10,100 --steps 600
"""
EPILOG = """
With --detect it says how many subsets it takes to find a difference between two contenders, at one number of --labels
and with the --steps of the stored trials unless others are given. Without --detect it takes most options of
`ssl-irmae evaluate` and says how long that would run. Trials that are in --store cost nothing. Nothing is trained;
data that are missing are fetched.
""".replace("\n", " ")


@handle_errors
def command(
    dataset: Dataset = None,
    labels_from: LabelsFrom = None,
    classes: Classes = None,
    detect: Annotated[
        float | None,
        typer.Option(
            metavar="POINTS",
            help="The difference in mean error to find.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    power: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="The probability of finding it, 0.8 unless it is given.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    between: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="A B",
            help="The two contenders that it is between.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    labels: Labels = None,
    seeds: Seeds = None,
    contenders: Contenders = None,
    encoder: AddedEncoder = None,
    codes: OwnCodes = None,
    network: Network = None,
    preset: Preset = None,
    steps: Steps = None,
    scored_on: ScoredOn = None,
    pretrain_seeds: PretrainSeeds = None,
    store: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Finished trials: they are not run again, and are estimated from.",
            rich_help_panel=RUN,
        ),
    ] = Path("runs/results.sqlite"),
    results: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="More finished trials to estimate from: another store, or the rows.csv of a report; repeatable.",
            show_default=False,
            rich_help_panel=RUN,
        ),
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
    precision: TrialPrecision = "auto",
    jobs: Jobs = None,
    device: Device = "auto",
) -> None:
    """Estimate how many subsets it takes to find a difference, and how long `evaluate` would take here."""
    if contenders == "help":
        print_contenders()
        return

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
            network=parse_network(network),
            preset=preset,
            steps=steps,
            scored_on=scored_on,
            store=store,
            results=results or [],
            precision=precision,
            jobs=jobs,
            device=device,
            labels_from=labels_from,
            classes=parse_names(classes),
            progress=display,
        )
    if json_:
        print_json(forecast.document())
        return
    print_lines(str(forecast))
