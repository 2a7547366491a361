"""``ssl-irmae evaluate``: how well contenders do with few labels."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ssl_irmae.cli.options import parse_budgets, parse_seeds
from ssl_irmae.cli.terminal import gentle_interrupt, give, plainly, say

if TYPE_CHECKING:
    from ssl_irmae.protocols.grid import Outcome
    from ssl_irmae.runs import Run

EPILOG = """
Examples:

  ssl-irmae evaluate --labels 100 --seeds 10

  ssl-irmae evaluate --labels 10,100,1000 --encoder runs/mine

  ssl-irmae evaluate --contenders irmae-linear,supervised --labels all

  ssl-irmae evaluate --dataset my-images/ --labels 50

A folder of your own pictures has sub-folders train/CLASS and test/CLASS. The
same command again runs only what is missing. Contenders: irmae-linear,
irmae-joint, ae-linear, ae-joint, vae-linear, vae-joint, supervised, vib;
--encoder runs/mine adds mine-linear and mine-joint.
"""


@plainly
def command(
    labels: Annotated[str, typer.Option(help="Label budgets, such as 100 or 10,100,1000,all.")] = "100",
    seeds: Annotated[str, typer.Option(help="How many subsets, such as 10, or which, such as 0,3,7.")] = "10",
    dataset: Annotated[
        str, typer.Option(help="A name (see `ssl-irmae data list`), a folder of pictures, an .npz or an IDX file.")
    ] = "mnist",
    contenders: Annotated[str | None, typer.Option(help="Which rows, separated by commas.", show_default="all")] = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="A pretrained encoder of your own, added to the rows; repeatable.")
    ] = None,
    reference: Annotated[str, typer.Option(help="The row that differences are taken to.")] = "supervised",
    rule: Annotated[Literal["balanced", "uniform"], typer.Option(help="How labelled subsets are drawn.")] = "balanced",
    scored_on: Annotated[
        Literal["test", "development"],
        typer.Option(help="Test images, or (for tuning) a held-out sixth of the training images."),
    ] = "test",
    store: Annotated[Path, typer.Option(help="Where finished trials are kept.")] = Path("runs/results.sqlite"),
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Of networks trained here; auto is bf16 where it is fast.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Compare contenders at label budgets, over repeated labelled subsets that all of them share."""
    result = evaluate(
        labels=labels,
        seeds=seeds,
        dataset=dataset,
        contenders=contenders,
        encoders=encoder or [],
        reference=reference,
        rule=rule,
        scored_on=scored_on,
        store=store,
        precision=precision,
        device=device,
        data_dir=data_dir,
        quiet=quiet,
        table=not json_,
    )
    if json_:
        give(json.dumps(result, indent=2))


def evaluate(
    *,
    labels: str,
    seeds: str,
    dataset: str,
    contenders: str | None,
    encoders: list[str],
    reference: str,
    rule: Literal["balanced", "uniform"],
    scored_on: Literal["test", "development"],
    store: Path,
    precision: str,
    device: str,
    data_dir: Path | None,
    quiet: bool,
    table: bool,
) -> dict[str, Any]:
    """Do what the command says; return what ``--json`` prints."""
    budgets, chosen_seeds = parse_budgets(labels), parse_seeds(seeds)

    from rich.console import Console

    from ssl_irmae.cli.progress import TrialProgress, fetch_progress
    from ssl_irmae.compute import find_device, find_precision
    from ssl_irmae.protocols.contenders import CONTENDERS, DEFAULT, choose, contenders_of
    from ssl_irmae.protocols.data import load_data
    from ssl_irmae.protocols.grid import Grid, Part, Spec, draw_subsets
    from ssl_irmae.protocols.pretrained import encoder_of_method, needed_methods, own_encoders
    from ssl_irmae.protocols.report.table import protocol_tables
    from ssl_irmae.protocols.report.words import explain
    from ssl_irmae.protocols.results import Store
    from ssl_irmae.protocols.statistics import summarise

    chosen_device = find_device(device)
    own = own_encoders(encoders)
    known = dict(CONTENDERS)
    for name in own:
        known |= contenders_of(name)
    usual = [*DEFAULT, *(f"{name}-{readout}" for name in own for readout in ("linear", "joint"))]
    rows_wanted = choose([name.strip() for name in contenders.split(",")] if contenders else usual, known)
    choose([reference], known)
    kept = Store(store)
    spec = Spec(
        parts=(Part(contenders=tuple(rows_wanted), budgets=budgets, seeds=chosen_seeds),),
        rule=rule,
        scored_on=scored_on,
        precision=find_precision(precision, chosen_device),
        device=str(chosen_device),
    )
    with fetch_progress(quiet=quiet) as progress:
        data = load_data(
            dataset,
            scored_on=scored_on,
            architectures=[encoder.architecture for encoder in own.values()],
            data_dir=data_dir,
            progress=progress,
        )
    for part in spec.parts:
        draw_subsets(part, rule, data)  # an impossible budget is said before anything is pretrained
    pretrained = own | {
        method: encoder_of_method(
            method,
            data,
            dataset=dataset,
            device=chosen_device,
            data_dir=data_dir,
            train=lambda run, steps: _pretrain_quickly(run, steps, quiet=quiet),
        )
        for method in needed_methods(rows_wanted.values())
        if method not in own
    }
    grid = Grid(spec, data, rows_wanted, {name: (encoder,) for name, encoder in pretrained.items()}, kept)
    groups = [(cell.trial.contender, cell.trial.budget) for cell in grid.cells]
    outcomes = []
    with gentle_interrupt() as interrupted, TrialProgress(groups, quiet=quiet) as view:
        for outcome in grid.run():
            outcomes.append(outcome)
            view.show(outcome)
            if interrupted():
                raise KeyboardInterrupt
    rows = [outcome.row for outcome in outcomes]
    summaries = summarise(rows, reference=reference)
    quick = [name for name, encoder in pretrained.items() if encoder.quick]
    words = explain(rows, summaries, reference=reference, quick=quick)
    if table:
        console = Console(stderr=False)
        for each in protocol_tables(rows, summaries, reference=reference):
            console.print(each)
        for line in words:
            console.print(line, highlight=False)
    return {
        "spec": spec.model_dump(mode="json"),
        "reference": reference,
        "rows": [row.model_dump(mode="json") for row in rows],
        "summary": [dataclasses.asdict(summary) for summary in summaries],
        "notes": words,
        "seconds": {
            "fresh_trials": round(sum(o.kept.seconds for o in outcomes if o.fresh), 3),
            "by_contender": _seconds(outcomes),
        },
        "environments": _distinct([outcome.kept.environment for outcome in outcomes]),
    }


def _seconds(outcomes: "list[Outcome]") -> dict[str, float]:
    total: dict[str, float] = {}
    for outcome in outcomes:
        total[outcome.row.contender] = total.get(outcome.row.contender, 0.0) + outcome.kept.seconds
    return {name: round(seconds, 3) for name, seconds in total.items()}


def _distinct(environments: list[dict[str, object]]) -> list[dict[str, object]]:
    return [e for i, e in enumerate(environments) if e not in environments[:i]]


def _pretrain_quickly(run: "Run", steps: int, *, quiet: bool) -> None:
    from ssl_irmae.cli.progress import train_with_progress

    recipe = run.recipe
    if not quiet:
        say(
            f"no bundled {recipe.architecture.method} encoder for {recipe.dataset}: pretraining one for {steps} steps, "
            "kept for next time; for a thorough one use `ssl-irmae pretrain` and --encoder"
        )
    train_with_progress(run, epochs=-(-steps // run.state.steps_per_epoch), max_steps=steps, quiet=quiet)
    run.finish(f"ssl-irmae evaluate --dataset {recipe.dataset}")
