"""The main thing: evaluate contenders at label budgets; and read the results of earlier runs."""

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Literal

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae._support.stages import Stages
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.encoders.kind import describe_other_kind
from ssl_irmae.errors import UserError, check_choice
from ssl_irmae.networks.registry import DEFAULT, Network
from ssl_irmae.plugins.installed import new_problems
from ssl_irmae.protocols.duplicates import Duplicates, count_duplicates
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.presets import PUBLISHED, find_preset
from ssl_irmae.protocols.report.checks.registry import read_codes
from ssl_irmae.protocols.report.preset_trials import trials_of_preset, trials_of_published
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.selection import keep_crossed, keep_newest, select_protocol
from ssl_irmae.protocols.report.task_notes import clustering_note, describe_folds, not_scored_notes, retrieval_notes
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.representations.fused import fuse
from ssl_irmae.protocols.representations.pretrained import (
    OpenedEncoder,
    encoder_of_method,
    needed_methods,
    user_encoders,
)
from ssl_irmae.protocols.representations.user_codes import GivenAs, user_codes
from ssl_irmae.protocols.request import Budgets, Seeds, make_plan, read_names, read_seeds
from ssl_irmae.protocols.running.executors import Factory, find_pool
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.jobs import read_part_budgets
from ssl_irmae.protocols.running.reported import run_reported
from ssl_irmae.protocols.same_encoders import describe_usual, show_once
from ssl_irmae.protocols.storage.files import read_duplicates, read_trials
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import ScoredOn, Task, load_task

_NAMED, _DECLARED = "named by the user", "declared by the protocol"


def evaluate(
    *,
    budgets: Budgets | None = None,
    seeds: Seeds | None = None,
    dataset: Dataset | None = None,
    contenders: str | Sequence[str] | None = None,
    encoders: str | Path | Sequence[str | Path] | Mapping[str, Any] = (),
    codes: GivenAs = (),
    pretrain_seeds: Seeds | None = None,
    network: Network | None = None,
    preset: str | None = None,
    steps: int | None = None,
    metrics: Literal["error", "retrieval", "clusters"] = "error",
    baseline: str | None = None,
    rule: str = "balanced",
    scored_on: ScoredOn | None = None,
    store: str | Path = "runs/results.sqlite",
    import_trials: str | Path | Sequence[str | Path] = (),
    precision: Literal["auto", "fp32", "bf16"] = "auto",
    jobs: int | None = None,
    executor: str | Executor | Factory | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    target_error: float | None = None,
    ignore: str | Sequence[str] = (),
    progress: Listener = silent,
) -> Report:
    """Compare contenders at label budgets, over repeated labelled subsets that all of them share.

    Finished trials are kept in a store; calling again runs only what is missing.

    Args:
        budgets: A number of labels, ``"1%"`` of the labelled training images (rounded up), ``"5/class"``, ``"all"``,
            or a list of these; 100 by default.
        seeds: How many labelled subsets, or a list of seeds; 10 by default.
        dataset: A name such as ``"mnist"`` (the default) or ``"digits"``; a path to a folder of pictures, an ``.npz``,
            a ``.csv`` of rows of numbers or an IDX file; or arrays, ``(images, labels)`` or ``(images, labels,
            test_images, test_labels)``. Of rows, frozen codes and the standardised columns alone are compared.
        contenders: Their names, patterns such as ``"irmae-*"``, or one of these; those of a first look by default,
            floors among them. A pattern has contenders that see the scored images only if it says ``transductive``.
            ``"irmae-joint+supcon"`` adds a metric-learning loss to joint training.
        encoders: Folders of pretrained encoders, which join the contenders under the last part of their path, or
            under the names of a mapping. Under the name of its method, as in ``"irmae=runs/mine"`` or a mapping, an
            encoder takes the place of the bundled one. In a mapping, also any object with ``encode``, ``transform`` or
            ``forward``, whose codes are then treated as ``codes`` are; what it is called with:
            :class:`~ssl_irmae.protocols.representations.codes_object.CodesObject`.
        codes: Codes that were not made here, which join the contenders: ``"mine=embeddings.npz"`` with the arrays
            ``code``, ``labels``, ``test_code`` and ``test_labels``, one row per image of ``dataset`` in its order, as
            ``encode`` writes them; a list of these; or a mapping of names and files or arrays. Their trials are
            identified by the numbers. Without ``dataset`` they are the data set.
        pretrain_seeds: Cross the subsets with encoders of several pretraining seeds, and report the components of
            variance: ``encoders`` then have ``{seed}`` in their paths, or short encoders are pretrained on the spot.
        network: A family of networks, ``"conv"`` or ``"residual"``, or a function of your own that returns an encoder
            and a decoder: networks from scratch are of it, and so are the untrained encoder and the encoders of
            ``irmae``, ``ae`` and ``vae``, which are pretrained with it on the spot. Encoders that were pretrained with
            a function need it here. Unless given, networks from scratch are of the family of ``encoders``.
        preset: A whole protocol by name, such as ``"mnist-quick"``; or ``"published"``: what the public reference
            script does, leaks and all, at the ``budgets`` that are asked for.
        steps: Optimiser steps of every network trained end to end; 100 by default, 2,000 for ``fused-propagate``.
        metrics: ``"retrieval"`` adds the quality of frozen codes without any classifier; ``"clusters"`` how far
            clusters that are found without a label agree with the classes.
        baseline: The contender that differences are taken to; ``"supervised"`` by default, if it is run.
        rule: How labelled subsets are drawn: ``"balanced"`` (equally many of each class), ``"stratified"`` (each class
            by its share of the labelled images), ``"uniform"`` (without looking at classes) or ``"typical"`` (images
            that stand for many others, by the principal components of the pixels; ``"typical:irmae"`` or another
            representation by its codes).
        scored_on: ``"test"``; ``"development"`` for a held-out sixth of the training images; or ``"folds"`` for the
            labelled training images in five folds, each scored by what was learned from the others. By default the
            test images, or folds if there is no test split.
        store: The file of finished trials.
        import_trials: Finished trials from elsewhere, another store, the rows.csv of a report or the JSON of
            ``evaluate --json``: those that this run would repeat exactly are taken over.
        precision: Arithmetic of the networks trained here; auto is what a preset declares, or bf16 where it is fast.
        jobs: Processes that run trials and share the threads; None chooses. With an ``executor``, its workers: by
            default one per thread of this machine.
        executor: What runs trials: ``"processes"`` of this machine (the default), ``"dask"``, ``"slurm"``, ``"mpi"``,
            ``"ray"``, or ``"MODULE:FACTORY"``; a function that returns a ``concurrent.futures.Executor`` or a context
            manager of one, called with ``jobs`` if it takes an argument; or an executor, which cannot be built again if
            it breaks. Every trial then has one thread. Workers may be on other machines that reach the same
            ``SSL_IRMAE_HOME`` and encoders.
        device: Where networks are trained: ``"auto"``, ``"cpu"``, ``"cuda"``, ...
        data_dir: Where data are kept; ``default_data_dir()`` unless given.
        labels_from: A CSV or TSV file with the columns ``path`` and ``label``, for the pictures of a folder.
        classes: The labels that may be in that table; unless given, a label that looks like a slip is refused.
        strict: Whether to refuse images of the user's own of which anything was left out or changed.
        target_error: An error in percent; the report says how many labels each contender needs for it.
        ignore: Codes of checks that are not to count, such as ``"SSI010"``; the report names them as ignored.
        progress: Called with every event.

    Returns:
        The report: ``print`` it, or use ``to_frame()``, ``rows()``, ``plot()`` and ``save_html()``.

    Raises:
        UserError: If a value cannot be used; nothing is half done.
    """
    check_choice("metrics", metrics, ("error", "retrieval", "clusters"))
    check_target_error(target_error)
    ignored = read_codes(ignore)
    pool = find_pool(executor, jobs)
    stages = Stages()
    data_dir = None if data_dir is None else Path(data_dir)
    torch_device = find_device(device)
    pretraining_seeds = () if pretrain_seeds is None else read_seeds(pretrain_seeds, "pretrain_seeds")
    named = user_encoders(encoders, pretraining_seeds, network)
    given = user_codes(codes, encoders, dataset=dataset, preset=preset, taken=list(named))
    plan = make_plan(
        network=network,
        budgets=budgets,
        seeds=seeds,
        dataset=given.dataset,
        contenders=contenders,
        baseline=baseline,
        preset=preset,
        encoders=list(named),
        codes=list(given.sources),
        steps=steps,
        rule=rule,
        scored_on=scored_on,
        precision=precision,
        device=torch_device,
    )
    methods = [m for m in needed_methods(plan.contenders.values(), plan.chosen_on) if m not in given.sources]
    if pretraining_seeds and not methods:
        raise UserError("`pretrain_seeds`: none of the contenders has a pretrained encoder; leave it out")
    files = [import_trials] if isinstance(import_trials, str | Path) else import_trials
    imported = [trial for path in files for trial in read_trials(Path(path))]
    for line in (*plan.explain_patterns(), *new_problems()):
        progress(Message(line))
    kept = Store(Path(store))
    with stages("load"):
        architectures = [encoder.architecture for several in named.values() for encoder in several]
        task = load_task(
            plan.dataset,
            scored_on=plan.scored_on,
            architectures=architectures,
            network=network,
            codes=given.sources,
            data_dir=data_dir,
            labels_from=labels_from,
            classes=classes,
            strict=strict,
            progress=progress,
        )
        if metrics == "clusters" and task.scored_on == "folds":
            raise UserError("`metrics`: clusters are scored on a test split, and here there are only folds")
        duplicates = count_duplicates(task) if task.has_images else None
        if duplicates is not None:
            kept.add_duplicates(task.train.fingerprint, task.scored.fingerprint, dataclasses.asdict(duplicates))
    for part in plan.parts:
        read_part_budgets(part, plan.rule, task)  # an impossible budget is reported before anything is pretrained
    if task.scored_on == "folds":
        progress(Message(describe_folds(task, asked=plan.scored_on is not None)))
    notes = not_scored_notes(task)
    for note in notes:
        progress(Message(note.text))
    with stages("find encoders"):
        opened: dict[str, tuple[OpenedEncoder, ...]] = {
            name: tuple(encoder.noting_other_data(task) for encoder in several) for name, several in named.items()
        }
        for name, several in opened.items():
            if worst := max(encoder.pretraining.times_worse or 0 for encoder in several):
                progress(Message(describe_other_kind(name, worst)))
        for method in methods:
            if method not in opened:
                assert not isinstance(plan.dataset, CodesFile)  # which has no contender with an encoder
                opened[method] = tuple(
                    encoder_of_method(
                        method,
                        task,
                        dataset=plan.dataset,
                        device=torch_device,
                        data_dir=data_dir,
                        labels_from=labels_from,
                        classes=classes,
                        progress=progress,
                        seed=seed,
                        network=DEFAULT if network is None else network,
                    )
                    for seed in pretraining_seeds or (None,)
                )
    by_default = contenders is None and preset is None
    if by_default and named:
        plan, same = show_once(plan, opened, list(named))
        notes += same
        usual = describe_usual(plan, list(named))
        for line in (*(note.text for note in same), *([] if usual is None else [usual])):
            progress(Message(line))
    grid = Grid(plan, task, {**opened, **fuse(opened), **given.of(task)}, kept, jobs, pool, progress)
    if import_trials:
        adopted, differences = grid.adopt(imported)
        progress(Message(f"imported {adopted:,} finished trials"))
        for difference in differences:
            progress(Message(f"not imported: {difference}"))
    with stages("trials"):
        outcomes = sorted(run_reported(grid, progress), key=lambda outcome: outcome.place)
    encoding = dataclasses.replace(grid.runner.codes.encoding)
    with stages("retrieval"):
        retrieval = grid.retrieval() if metrics == "retrieval" else []
        notes += retrieval_notes(task) if metrics == "retrieval" else []
    with stages("clusters"):
        clustering = grid.clustering() if metrics == "clusters" else []
        notes += [clustering_note(task)] if metrics == "clusters" else []
    with stages("summarise"):
        report = make_report(
            [outcome.trial for outcome in outcomes],
            baseline=plan.baseline,
            order=list(plan.contenders),
            drawn=plan.drawn,
            drawn_because=_DECLARED,
            comparisons=plan.comparisons,
            notes=notes,
            retrieval=retrieval,
            clustering=clustering,
            duplicates=duplicates,
            target_error=target_error,
            ignore=ignored,
        )
    seconds = stages.rounded()
    # encoding is shared by the trials; in other processes it stays in their time
    seconds |= {"encode": round(encoding.seconds, 3), "trials": round(seconds["trials"] - encoding.seconds, 3)}
    run = {
        "plan": _plan_values(plan, task),
        "images_per_second": encoding.images_per_second,
        "seconds": {
            "stages": seconds,
            "fresh_trials": round(sum(o.trial.seconds for o in outcomes if o.fresh), 3),
        },
    }
    return dataclasses.replace(report, run=run)


def read_results(
    path: str | Path = "runs/results.sqlite",
    *,
    baseline: str | None = None,
    draw: str | Sequence[str] | None = None,
    preset: str | None = None,
    dataset: str | None = None,
    scored_on: ScoredOn | None = None,
    rule: str | None = None,
    target_error: float | None = None,
    commands: Sequence[str] = (),
    ignore: str | Sequence[str] = (),
) -> Report:
    """Read finished trials and summarise them.

    Args:
        path: A store of ``evaluate``, the rows.csv of a report, or the JSON of ``evaluate --json``.
        baseline: The contender that differences are taken to; by default that of the preset or ``"supervised"``, if it
            was run.
        draw: The contenders that figures show; a few by default.
        preset: The protocol that was run: adds the comparisons it declared and draws what it declared. ``"published"``
            keeps the trials on the first images.
        dataset: Which data set, if there are trials of several: a name, or the beginning of a fingerprint.
        scored_on: Which images were scored, if there are trials of several kinds.
        rule: How subsets were drawn, if there are trials of several rules.
        target_error: An error in percent; the report says how many labels each contender needs for it.
        commands: The commands that made the trials, to be recorded in the report.
        ignore: Codes of checks that are not to count, such as ``"SSI010"``; the report names them as ignored.

    Raises:
        UserError: If the file cannot be read, or holds trials of several protocols and none is chosen.
    """
    check_target_error(target_error)
    named = None if draw is None else read_names(draw, "draw")
    ignored = read_codes(ignore)
    if preset == PUBLISHED:
        if rule not in (None, "first"):
            raise UserError(f"`rule`: the preset published takes the first images, not {rule} ones; leave `rule` out")
        rule = "first"
    chosen = select_protocol(read_trials(Path(path)), dataset=dataset, scored_on=scored_on, rule=rule)
    if preset == PUBLISHED:
        chosen = trials_of_published(chosen)
    trials, notes = keep_newest(chosen)
    duplicates = _read_duplicates(Path(path), chosen[0].row)
    if preset is None or preset == PUBLISHED:
        trials, more = keep_crossed(trials)
        return make_report(
            trials,
            baseline=baseline,
            drawn=named or (),
            notes=[*notes, *more],
            commands=commands,
            duplicates=duplicates,
            ignore=ignored,
            target_error=target_error,
        )
    declared = find_preset(preset)
    trials, more = trials_of_preset(declared, trials)
    trials, uncrossed = keep_crossed(trials)
    run = {trial.row.contender for trial in trials}
    if baseline is None and declared.baseline in run:  # a protocol under way may not have come to it
        baseline = declared.baseline
    return make_report(
        trials,
        baseline=baseline,
        drawn=named or [name for name in declared.drawn if name in run],
        drawn_because=_NAMED if named else _DECLARED,
        comparisons=declared.comparisons,
        notes=[*notes, *more, *uncrossed],
        commands=commands,
        duplicates=duplicates,
        ignore=ignored,
        target_error=target_error,
    )


def check_target_error(target: float | None) -> None:
    """Check that a target error is one.

    Raises:
        UserError: If it is not between 0 and 100 %.
    """
    if target is not None and not 0 < target < 100:
        raise UserError(f"`target_error`: {target:g} is not an error in percent; use a number between 0 and 100")


def _read_duplicates(path: Path, row: Row) -> Duplicates | None:
    found = read_duplicates(path, row.data_fingerprint, row.scored_fingerprint)
    expected = {field.name for field in dataclasses.fields(Duplicates)}
    return Duplicates(**found) if found is not None and found.keys() == expected else None


def _plan_values(plan: Plan, task: Task) -> dict[str, Any]:
    return {
        "parts": [part.model_dump(mode="json") for part in plan.parts],
        "rule": plan.rule,
        "scored_on": task.scored_on,
        "precision": plan.precision,
        "device": plan.device,
    }
