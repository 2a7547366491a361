"""What a plan needs before any of it runs: how many subsets find a difference, and how long it takes here."""

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.registry import Dataset
from ssl_irmae.networks.own import name_of
from ssl_irmae.networks.registry import DEFAULT, Network
from ssl_irmae.plugins.installed import new_problems
from ssl_irmae.protocols.forecast.cost import Cost, cost_of_missing
from ssl_irmae.protocols.forecast.description import describe
from ssl_irmae.protocols.forecast.speed import Taken
from ssl_irmae.protocols.forecast.stored_errors import errors_of, shipped_errors
from ssl_irmae.protocols.forecast.subsets import POWER, Subsets, check_request, find_subsets
from ssl_irmae.protocols.plan import Plan
from ssl_irmae.protocols.representations.fused import fuse
from ssl_irmae.protocols.representations.pretrained import (
    QUICK_STEPS,
    OpenedEncoder,
    find_encoder_of_method,
    needed_methods,
    not_yet_pretrained,
    user_encoders,
)
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.representations.user_codes import GivenAs, user_codes
from ssl_irmae.protocols.request import Budgets, Seeds, make_plan, read_seeds
from ssl_irmae.protocols.running.grid import Grid
from ssl_irmae.protocols.running.jobs import read_part_budgets
from ssl_irmae.protocols.same_encoders import show_once
from ssl_irmae.protocols.storage.files import read_trials
from ssl_irmae.protocols.storage.store import Store
from ssl_irmae.protocols.task import ScoredOn, Task, load_task

RESULTS = "runs/results.sqlite"


@dataclass(frozen=True)
class Forecast:
    """What a plan needs, before any of it runs; ``print`` it.

    Args:
        cost: What its missing trials cost on this machine.
        subsets: How many subsets it has and why, if they were to be found.
    """

    cost: Cost
    subsets: Subsets | None = None

    def __str__(self) -> str:
        return "\n".join(describe(self.cost, self.subsets))

    def document(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON."""
        found = dataclasses.asdict(self)
        found["cost"]["core_seconds"] = self.cost.core_seconds
        return found


def plan(
    *,
    detect: float | None = None,
    power: float | None = None,
    between: tuple[str, str] | None = None,
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
    scored_on: ScoredOn | None = None,
    store: str | Path = RESULTS,
    results: str | Path | Sequence[str | Path] = (),
    precision: str = "auto",
    jobs: int | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    progress: Listener = silent,
) -> Forecast:
    """Estimate how long a request of ``evaluate`` takes here, or first how many subsets find a difference.

    Nothing is trained or stored. Trials that the store has cost nothing.

    Args:
        detect: The difference between two contenders' mean errors to find, points.
        power: The probability of finding it, by default 0.8.
        between: The two contenders; the number of subsets is found, and not given.
        budgets: As in ``evaluate``; a single number of labels if subsets are to be found.
        seeds: As in ``evaluate``.
        dataset: As in ``evaluate``.
        contenders: As in ``evaluate``.
        encoders: As in ``evaluate``; objects encode all images, as their codes decide which trials are missing.
        codes: As in ``evaluate``.
        pretrain_seeds: As in ``evaluate``.
        network: As in ``evaluate``; what subsets are estimated from may be of other networks.
        preset: As in ``evaluate``.
        steps: As in ``evaluate``; if subsets are to be found, by default those of the stored trials.
        scored_on: As in ``evaluate``.
        store: The file of finished trials, which is also estimated from.
        results: More finished trials to estimate from: another store, the rows.csv of a report, or a list of these.
        precision: As in ``evaluate``.
        jobs: As in ``evaluate``.
        device: As in ``evaluate``.
        data_dir: As in ``evaluate``.
        labels_from: As in ``evaluate``.
        classes: As in ``evaluate``.
        progress: Called with every event of loading the images, and what patterns stand for.

    Raises:
        UserError: If a value cannot be used, or nothing is stored that the subsets can be estimated from.
    """
    check_request(detect, power, between, {"seeds": seeds, "contenders": contenders, "preset": preset})
    torch_device = find_device(device)
    pretraining_seeds = () if pretrain_seeds is None else read_seeds(pretrain_seeds, "pretrain_seeds")
    named = user_encoders(encoders, pretraining_seeds, network)
    given = user_codes(codes, encoders, dataset=dataset, preset=preset, taken=list(named))

    def planned(seeds: Seeds | None, steps: int | None) -> Plan:
        return make_plan(
            budgets=budgets,
            seeds=seeds,
            dataset=given.dataset,
            contenders=contenders if between is None else between,
            preset=preset,
            encoders=list(named),
            network=network,
            codes=list(given.sources),
            steps=steps,
            scored_on=scored_on,
            precision=precision,
            device=torch_device,
        )

    chosen = planned(seeds if between is None else 1, steps)
    for line in (*chosen.explain_patterns(), *new_problems()):
        progress(Message(line))
    began = Taken.now()
    task = load_task(
        chosen.dataset,
        scored_on=chosen.scored_on,
        architectures=[encoder.architecture for several in named.values() for encoder in several],
        network=network,
        codes=given.sources,
        data_dir=None if data_dir is None else Path(data_dir),
        labels_from=labels_from,
        classes=classes,
        progress=progress,
    )
    loaded = Taken.since(began)
    budgets_of_parts = [read_part_budgets(part, chosen.rule, task) for part in chosen.parts]
    subsets = None
    has_store = Path(store).is_file()
    if detect is not None:
        files = [results] if isinstance(results, str | Path) else results
        stored = errors_of(Store(Path(store)).trials(), str(store)) if has_store else []
        stored += [errors for path in files for errors in errors_of(read_trials(Path(path)), str(path))]
        subsets = find_subsets(
            [*stored, *shipped_errors()],
            task,
            chosen.contenders,
            budgets=budgets_of_parts[0],
            steps=steps,
            detect=detect,
            power=POWER if power is None else power,
        )
        subsets = subsets.with_command(
            dataset=None if dataset == "mnist" else dataset,
            encoder=encoders if isinstance(encoders, str | Path | list | tuple) else [encoders],
            codes=codes if isinstance(codes, str | Path | list | tuple) else [codes],
            pretrain_seeds=",".join(map(str, pretraining_seeds)) or None,
            network=name_of(network) if callable(network) else network,
            scored_on=scored_on,
            labels_from=labels_from,
            classes=None if classes is None else ",".join(classes),
            store=None if str(store) == RESULTS else store,
            precision=None if precision == "auto" else precision,
            jobs=jobs,
            device=None if device == "auto" else device,
        )
        chosen = planned(subsets.needed.n, subsets.steps)
    usual = DEFAULT if network is None else network
    methods = [m for m in needed_methods(chosen.contenders.values()) if m not in given.sources]
    seeds_of_each = pretraining_seeds or (None,)
    encoders_at_hand, missing = _encoders(named, methods, task, torch_device, seeds_of_each, usual)
    if named and contenders is None and between is None and preset is None:
        chosen, same = show_once(chosen, encoders_at_hand, list(named))
        for note in same:
            progress(Message(note.text))
    with tempfile.TemporaryDirectory() as empty:
        kept = Store(Path(store) if has_store else Path(empty) / "store.sqlite")  # none is made where there is none
        represented: dict[str, Sequence[Representation]] = {
            **encoders_at_hand,
            **fuse(encoders_at_hand),
            **given.of(task),
        }
        grid = Grid(chosen, task, represented, kept, jobs)
        return Forecast(cost_of_missing(grid, loaded=loaded, pretrainings=missing, steps=QUICK_STEPS), subsets)


def _encoders(
    named: Mapping[str, tuple[OpenedEncoder, ...]],
    methods: Sequence[str],
    task: Task,
    device: torch.device,
    seeds: Sequence[int | None],
    network: Network,
) -> tuple[dict[str, tuple[OpenedEncoder, ...]], int]:
    """Find the encoders that a plan needs, and count those that would be pretrained on the spot."""
    found, missing = dict(named), 0
    for method in methods:
        if method not in found:
            at_hand = [find_encoder_of_method(method, task, device=device, seed=s, network=network) for s in seeds]
            missing += at_hand.count(None)
            each = zip(at_hand, seeds, strict=True)
            found[method] = tuple(
                encoder or not_yet_pretrained(method, task, seed=seed, network=network) for encoder, seed in each
            )
    return found, missing
