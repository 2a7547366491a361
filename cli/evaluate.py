"""``ssl-irmae evaluate``: how well contenders do with few labels."""

import contextlib
import dataclasses
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ssl_irmae._support.stages import Stages
from ssl_irmae.cli.options import parse_budgets, parse_seeds
from ssl_irmae.cli.terminal import gentle_interrupt, give, plainly, say

if TYPE_CHECKING:
    from ssl_irmae.pretraining.run_folder import Run
    from ssl_irmae.protocols.running.grid import Outcome

EPILOG = """
Examples:

  ssl-irmae evaluate --labels 100 --seeds 10

  ssl-irmae evaluate --labels 10,100,1000 --encoder runs/mine

  ssl-irmae evaluate --labels 10 --contenders irmae-propagate,supervised

  ssl-irmae evaluate --preset mnist-full

  ssl-irmae evaluate --dataset my-images/ --labels 50

A folder of your own pictures has sub-folders train/CLASS and test/CLASS. The
same command again runs only what is missing. --encoder runs/mine adds
mine-linear and mine-joint to the eight default rows; `--contenders help`
lists all others.
"""


@plainly
def command(
    labels: Annotated[
        str | None, typer.Option(help="Label budgets, such as 100 or 10,100,1000,all.", show_default="100")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="How many subsets, such as 10, or which, such as 0,3,7.", show_default="10")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="A name (see `ssl-irmae data list`), a folder of pictures, an .npz or an IDX file.",
            show_default="mnist",
        ),
    ] = None,
    contenders: Annotated[
        str | None,
        typer.Option(
            help="Which rows, separated by commas; `help` lists all.", show_default="the eight of a first look"
        ),
    ] = None,
    encoder: Annotated[
        list[str] | None, typer.Option(help="A pretrained encoder of your own, added to the rows; repeatable.")
    ] = None,
    pretrain_seeds: Annotated[
        str | None,
        typer.Option(
            help="Cross subsets with encoders of several pretraining seeds, such as 0,1,2, and report the components "
            "of variance; write {seed} in --encoder, or short ones are pretrained on the spot.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="A whole protocol: mnist-quick, mnist-full.", show_default=False),
    ] = None,
    protocol: Annotated[
        Literal["honest", "reference"],
        typer.Option(help="`reference` does what the public reference script does, leaks and all, to compare."),
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
        Literal["error", "retrieval"],
        typer.Option(help="`retrieval` adds the quality of frozen codes without any classifier."),
    ] = "error",
    reference: Annotated[
        str | None, typer.Option(help="The row that differences are taken to.", show_default="supervised")
    ] = None,
    rule: Annotated[Literal["balanced", "uniform"], typer.Option(help="How labelled subsets are drawn.")] = "balanced",
    scored_on: Annotated[
        Literal["test", "development"],
        typer.Option(help="Test images, or (for tuning) a held-out sixth of the training images."),
    ] = "test",
    store: Annotated[Path, typer.Option(help="Where finished trials are kept.")] = Path("runs/results.sqlite"),
    known: Annotated[
        list[Path] | None,
        typer.Option(
            help="Finished trials from elsewhere, another --store, the rows.csv of a report or --json: where nothing "
            "but machine and commit differ they are taken over and not run again; repeatable.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        typer.Option(help="Of networks trained here; auto is what a preset says, or bf16 where it is fast."),
    ] = "auto",
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that run trials, sharing the threads; 1 gives all threads to one trial.",
            show_default="one for each thread where networks are trained on the CPU, else 1",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of the table.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")] = False,
) -> None:
    """Compare contenders at label budgets, over repeated labelled subsets that all of them share."""
    if contenders == "help":
        _list_contenders()
        return
    result = evaluate(
        labels=labels,
        seeds=seeds,
        dataset=dataset,
        contenders=contenders,
        encoders=encoder or [],
        pretrain_seeds=pretrain_seeds,
        preset=preset,
        protocol=protocol,
        steps=steps,
        metric_loss=metric_loss,
        metrics=metrics,
        reference=reference,
        rule=rule,
        scored_on=scored_on,
        store=store,
        known=known or [],
        precision=precision,
        jobs=jobs,
        device=device,
        data_dir=data_dir,
        quiet=quiet,
        table=not json_,
    )
    if json_:
        give(json.dumps(result, indent=2, allow_nan=False))


def evaluate(
    *,
    labels: str | None,
    seeds: str | None,
    dataset: str | None,
    contenders: str | None,
    encoders: list[str],
    pretrain_seeds: str | None,
    preset: str | None,
    protocol: Literal["honest", "reference"],
    steps: int | None,
    metric_loss: str | None,
    metrics: Literal["error", "retrieval"],
    reference: str | None,
    rule: Literal["balanced", "uniform"],
    scored_on: Literal["test", "development"],
    store: Path,
    known: list[Path],
    precision: str,
    jobs: int | None,
    device: str,
    data_dir: Path | None,
    quiet: bool,
    table: bool,
) -> dict[str, Any]:
    """Do what the command says; return what ``--json`` prints."""
    pretraining_seeds = parse_seeds(pretrain_seeds, "--pretrain-seeds") if pretrain_seeds is not None else ()

    stages = Stages()
    with stages("import"):
        from rich.console import Console

        from ssl_irmae._support.allocator import keep_freed_memory
        from ssl_irmae._support.compute import find_device, find_precision
        from ssl_irmae.cli.progress import TrialProgress, fetch_progress
        from ssl_irmae.errors import UserError
        from ssl_irmae.protocols.report.audit import leak_audit
        from ssl_irmae.protocols.report.notes import explain
        from ssl_irmae.protocols.report.tables.comparisons import comparisons_table, explain_comparisons
        from ssl_irmae.protocols.report.tables.retrieval import retrieval_table
        from ssl_irmae.protocols.report.tables.terminal import protocol_tables
        from ssl_irmae.protocols.representations.pretrained import encoder_of_method, needed_methods, own_encoders
        from ssl_irmae.protocols.request import make_plan
        from ssl_irmae.protocols.running.grid import Grid
        from ssl_irmae.protocols.running.trials import Spec, draw_subsets
        from ssl_irmae.protocols.statistics.summary import compare, summarise
        from ssl_irmae.protocols.statistics.variance import variance_components
        from ssl_irmae.protocols.storage.files import read_trials
        from ssl_irmae.protocols.storage.rows import mistakes
        from ssl_irmae.protocols.storage.store import Store
        from ssl_irmae.protocols.task import load_data

    keep_freed_memory()
    chosen_device = find_device(device)
    own = own_encoders(encoders, pretraining_seeds)
    if preset is not None and (rule != "balanced" or scored_on != "test"):
        raise UserError(
            f"--preset {preset} draws balanced subsets and scores on test images: leave --rule and --scored-on out"
        )
    if protocol == "reference" and rule != "balanced":
        raise UserError(f"--rule {rule}: the reference protocol takes the first images: leave --rule out")
    plan = make_plan(
        budgets=parse_budgets(labels) if labels is not None else None,
        seeds=parse_seeds(seeds) if seeds is not None else None,
        dataset=dataset,
        contenders=[name.strip() for name in contenders.split(",")] if contenders is not None else None,
        reference=reference,
        preset=preset,
        leaky=protocol == "reference",
        own=list(own),
        metric_loss=metric_loss,
        steps=steps,
    )
    if pretraining_seeds and not (own or needed_methods(plan.contenders.values())):
        raise UserError("--pretrain-seeds: none of the contenders has a pretrained encoder: leave it out")
    elsewhere = [trial for path in known for trial in read_trials(path)]
    kept = Store(store)
    spec = Spec(
        parts=plan.parts,
        rule="first" if protocol == "reference" else rule,
        scored_on=scored_on,
        # a preset's is looked at where a network has to be trained in it
        precision=plan.precision
        if precision == "auto" and plan.precision != "auto"
        else find_precision(precision, chosen_device),
        device=str(chosen_device),
    )
    with stages("load"), fetch_progress(quiet=quiet) as progress:
        data = load_data(
            plan.dataset,
            scored_on=scored_on,
            architectures=[encoder.architecture for several in own.values() for encoder in several],
            data_dir=data_dir,
            progress=progress,
        )
    for part in spec.parts:
        draw_subsets(part, spec.rule, data)  # an impossible budget is said before anything is pretrained
    with stages("find encoders"):
        own = {name: tuple(encoder.noting_other_data(data) for encoder in several) for name, several in own.items()}
        pretrained = own | {
            method: tuple(
                encoder_of_method(
                    method,
                    data,
                    dataset=plan.dataset,
                    device=chosen_device,
                    data_dir=data_dir,
                    train=lambda run, steps: _pretrain_quickly(run, steps, quiet=quiet),
                    seed=seed,
                )
                for seed in pretraining_seeds or (None,)
            )
            for method in needed_methods(plan.contenders.values())
            if method not in own
        }
    grid = Grid(spec, data, plan.contenders, pretrained, kept, jobs)
    adopted = grid.adopt(elsewhere)
    if known and not quiet:
        say(f"taken over from {', '.join(map(str, known))}: {adopted:,} finished trials")
    groups = [(cell.trial.contender, cell.trial.budget) for cell in grid.cells]
    outcomes = []
    with (
        stages("trials"),
        gentle_interrupt() as interrupted,
        TrialProgress(groups, quiet=quiet) as view,
        contextlib.closing(grid.run()) as trials,
    ):
        for outcome in trials:
            outcomes.append(outcome)
            view.show(outcome)
            if interrupted():
                raise KeyboardInterrupt
    encoding = dataclasses.replace(grid.runner.encoding)
    outcomes.sort(key=lambda outcome: outcome.place)
    with stages("summarise"):
        finished = [outcome.kept for outcome in outcomes]
        rows = [outcome.row for outcome in outcomes]
        summaries = summarise(rows, reference=plan.reference)
        words = explain(rows, summaries, reference=plan.reference)
        comparisons = compare(rows, plan.comparisons, mistakes(finished))
        words += explain_comparisons(comparisons, declared=len(plan.comparisons)) if comparisons else []
        audit = leak_audit(finished)
    with stages("retrieval"):
        retrieval = grid.retrieval() if metrics == "retrieval" else []
    if table:
        console = Console(stderr=False)
        for each in protocol_tables(rows, summaries, reference=plan.reference, width=console.width):
            console.print(each)
        if comparisons:
            console.print(comparisons_table(comparisons))
        if retrieval:
            console.print(retrieval_table(retrieval))
        for line in [*words, *audit]:
            console.print(line, highlight=False)
    return {
        "spec": spec.model_dump(mode="json"),
        "reference": plan.reference,
        "rows": [row.model_dump(mode="json") for row in rows],
        "summary": [dataclasses.asdict(summary) for summary in summaries],
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
        "variance_components": [dataclasses.asdict(c) for c in variance_components(rows)],
        "retrieval": [dataclasses.asdict(quality) for quality in retrieval],
        "notes": words,
        "leak_audit": audit,
        "images_per_second": encoding.images_per_second,
        "seconds": {
            "stages": _stages(stages, encoding.seconds),
            "fresh_trials": round(sum(o.kept.seconds for o in outcomes if o.fresh), 3),
            "by_contender": _seconds(outcomes),
        },
        "environments": _distinct([outcome.kept.environment for outcome in outcomes]),
    }


def _list_contenders() -> None:
    from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT

    for name, contender in CONTENDERS.items():
        told = [f"reads {contender.reads}"]
        told += ["transductive"] if contender.transductive else []
        told += ["default"] if name in DEFAULT else []
        give(f"{name:<44}{', '.join(told)}")


def _stages(stages: Stages, encoding: float) -> dict[str, float]:
    """Take the encoding that trials share out of their stage; with --jobs it is the workers' and stays in it."""
    seconds = stages.rounded()
    return {**seconds, "encode": round(encoding, 3), "trials": round(seconds["trials"] - encoding, 3)}


def _seconds(outcomes: "list[Outcome]") -> dict[str, float]:
    total: dict[str, float] = {}
    for outcome in outcomes:
        if not math.isnan(outcome.kept.seconds):  # of a trial from elsewhere they may not be known
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
