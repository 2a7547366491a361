"""From what a user asks for to a plan."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import TypeGuard

import torch

from ssl_irmae._support.compute import Precision, find_precision
from ssl_irmae.datasets.registry import Dataset, holds_rows
from ssl_irmae.errors import UserError, check_choice
from ssl_irmae.methods import METHODS
from ssl_irmae.networks.registry import Network, check_name, find_networks
from ssl_irmae.networks.sizes import ROW
from ssl_irmae.plugins.lookup import registered, unknown_with_plugins
from ssl_irmae.protocols.budgets import Budget, is_relative
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.metric_losses import with_metric_losses
from ssl_irmae.protocols.contenders.patterns import is_pattern, match
from ssl_irmae.protocols.contenders.plugins import contenders_of_plugins
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.contenders.registry import (
    CONTENDERS,
    DEFAULT,
    DEFAULT_BASELINE,
    DEFAULT_OF_CODES,
    DEFAULT_OF_ENCODER,
    choose,
    contenders_of,
    contenders_of_codes,
)
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.presets import PUBLISHED, Preset, find_preset
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.representations.pretrained import needed_methods
from ssl_irmae.protocols.subsets import Rule
from ssl_irmae.protocols.task import ScoredOn
from ssl_irmae.protocols.typical_subsets import DEFAULT_REPRESENTATION, TYPICAL

Budgets = int | str | Sequence[Budget]
Seeds = int | Sequence[int]
_MOST_SEEDS = 10_000
_DRAWN: tuple[Rule, ...] = ("balanced", "stratified", "uniform")


def read_budgets(budgets: Budgets) -> tuple[Budget, ...]:
    """Read ``100``, ``"1%"``, ``"5/class"``, ``"all"`` or a list of these; None stands for all.

    Raises:
        UserError: If one is not a number of labels.

    >>> read_budgets([10, "1%", "all"])
    (10, '1%', None)
    """
    read: list[Budget] = []
    for budget in _listed(budgets):
        if budget is None or (isinstance(budget, str) and budget == "all"):
            read.append(None)
        elif isinstance(budget, str) and is_relative(budget):
            read.append(budget)
        elif _is_whole(budget) and budget > 0:
            read.append(int(budget))
        else:
            raise UserError(f"`budgets`: {budget!r} is not a number of labels; use 1 or more, '1%', '5/class' or 'all'")
    if not read:
        raise UserError("`budgets`: the list is empty; use, for example, [10, 100]")
    return tuple(dict.fromkeys(read))


def read_seeds(seeds: Seeds, argument: str = "seeds") -> tuple[int, ...]:
    """Read a number of seeds, counted from 0, or a list of seeds.

    Raises:
        UserError: If it is neither.

    >>> read_seeds(3), read_seeds([0, 3, 7])
    ((0, 1, 2), (0, 3, 7))
    """
    if _is_whole(seeds):
        if not 1 <= seeds <= _MOST_SEEDS:
            raise UserError(f"`{argument}`: {seeds} is out of range; use 1 to {_MOST_SEEDS:,}, or a list of seeds")
        return tuple(range(int(seeds)))
    read: list[int] = []
    for seed in _listed(seeds):
        if not _is_whole(seed) or seed < 0:
            raise UserError(
                f"`{argument}`: {seed!r} is not a seed; use how many, such as 10, or a list of whole numbers from 0"
            )
        read.append(int(seed))
    if not read:
        raise UserError(f"`{argument}`: the list is empty; use, for example, [0, 1]")
    return tuple(dict.fromkeys(read))


def read_names(names: str | Iterable[str], argument: str) -> list[str]:
    """Read one name or several; each counts once.

    Raises:
        UserError: If there is none.

    >>> read_names("vib", "contenders"), read_names(["vib", "supervised"], "contenders")
    (['vib'], ['vib', 'supervised'])
    """
    read = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    if not read:
        raise UserError(f"`{argument}`: the list is empty; name at least one, or leave it out")
    return read


def _listed(values: object) -> Iterable[object]:
    return values if isinstance(values, Iterable) and not isinstance(values, str) else [values]


def _is_whole(value: object) -> TypeGuard[int]:
    """Return whether a value is an integer, of Python or of numpy; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def make_plan(
    *,
    budgets: Budgets | None = None,
    seeds: Seeds | None = None,
    dataset: Dataset | CodesFile | None = None,
    contenders: str | Sequence[str] | None = None,
    baseline: str | None = None,
    preset: str | None = None,
    encoders: Sequence[str] = (),
    network: Network | None = None,
    codes: Sequence[str] = (),
    steps: int | None = None,
    rule: str = "balanced",
    scored_on: ScoredOn | None = None,
    precision: str = "auto",
    device: torch.device | str = "cpu",
) -> Plan:
    """Fill in what is not given: the default contenders on MNIST at 100 labels over 10 subsets.

    Args:
        budgets: A number of labels, ``"1%"`` of them, ``"5/class"``, ``"all"``, or a list of these.
        seeds: How many subsets, or a list of seeds.
        dataset: A name, a path to the user's images, or arrays; or codes with labels, of which there are no images.
        contenders: Their names, patterns such as ``"irmae-*"``, or one of these; ``"irmae-joint+supcon"`` adds a metric
            loss to the objective of joint training.
        baseline: The contender that differences are taken to.
        preset: A whole protocol by name, to which ``encoders`` and ``codes`` add theirs; it cannot be given with what
            it holds. ``"published"`` is what the public reference script does, with its contenders by default, and
            holds no budgets, seeds or data set.
        encoders: Names of the user's encoders, whose linear, joint and poisson-prior contenders join the default ones;
            a preset, which has no floor on a graph, is joined by the first two. The name of a method adds none.
        network: The family of networks, which a preset holds already.
        codes: Names of codes that are not made here, or of objects that make them. All readouts of frozen codes that
            are not transductive join the default contenders and those of a preset. Where there are no images they are
            the default contenders.
        steps: Optimiser steps of every network trained end to end.
        rule: ``"balanced"``, ``"stratified"``, ``"uniform"`` or ``"typical"``; ``"typical:NAME"`` chooses typical
            images on that representation instead of the principal components.
        scored_on: Test images, held-out training images or folds of these; None prefers test images.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``; auto is what a preset declares, or bf16 where it is fast.
        device: Where networks are trained.

    Raises:
        UserError: If a name is unknown, a pattern matches nothing, or a preset is given together with what it holds.
    """
    published = preset == PUBLISHED
    drawn_by, chosen_on = _read_rule(rule, [*encoders, *codes])
    known = dict(PUBLISHED_PROTOCOL if published else CONTENDERS)
    if isinstance(dataset, CodesFile):
        _require_no_images(codes, contenders, baseline, chosen_on, published=published)
        known = {}
    for name in encoders:
        known |= contenders_of(name)
    for name in codes:
        known |= contenders_of_codes(name)
    asked = [] if contenders is None else read_names(contenders, "contenders")
    for method in () if published or isinstance(dataset, CodesFile) else METHODS:
        # a pattern such as '*-linear' is not to pretrain an encoder of every method there is
        named = any(name.startswith(f"{method}-") for name in (*asked, baseline) if name is not None)
        if named and not _in_table(method):
            known |= contenders_of(method)
    known |= with_metric_losses([name for name in (*asked, baseline) if name is not None], known)
    if not published and any(is_pattern(name) or name not in known for name in (*asked, baseline) if name is not None):
        of_plugins = contenders_of_plugins(encoders, codes)
        known |= {
            name: contender
            for name, contender in of_plugins.items()
            if name not in known and (not isinstance(dataset, CodesFile) or contender.representation in codes)
        }
    if rows := not isinstance(dataset, CodesFile) and holds_rows(dataset):
        _require_no_pictures(known, contenders, baseline, network, published=published)
        known = {name: contender for name, contender in known.items() if contender.frozen}
    # the others take the place of what is run anyway
    own = [name for name in encoders if not _in_table(name)]
    of_codes = [f"{name}-{readout}" for name in codes for readout in DEFAULT_OF_CODES]
    added = (*(f"{name}-{readout}" for name in own for readout in ("linear", "joint")), *of_codes)
    if steps is not None and steps < 1:
        raise UserError(f"`steps`: {steps} is not a number of steps; use 1 or more")
    if network is not None:
        check_name(network)
        if published:
            raise UserError("`network`: the preset published has the paper's networks; leave `network` out")
    found: Preset | None = None
    patterns: dict[str, tuple[str, ...]] = {}
    if preset is not None and not published:
        found = find_preset(preset)
        given: dict[str, object] = {"budgets": budgets, "seeds": seeds, "dataset": dataset, "contenders": contenders}
        given |= {"steps": steps, "network": network}
        for argument, value in given.items():
            if value is not None:
                raise UserError(f"`preset`: {preset} has its own `{argument}`; leave one of the two out")
        if rule != "balanced" or scored_on not in (None, "test"):
            raise UserError(
                f"`preset`: {preset} draws balanced subsets and scores on test images; leave `rule` and `scored_on` out"
            )
        parts = _with_contenders(found.parts, added, known)
        dataset, scored_on = found.dataset, "test"
    else:
        of_encoders = (f"{name}-{readout}" for name in own for readout in DEFAULT_OF_ENCODER)
        usual = [*PUBLISHED_PROTOCOL, *added] if published else [*DEFAULT, *of_encoders, *of_codes]
        usual = of_codes if isinstance(dataset, CodesFile) else usual
        usual = [name for name in usual if name in known] if rows else usual
        names = usual if contenders is None else read_names(contenders, "contenders")
        patterns = match(names, known)
        part = Part(
            contenders=tuple(choose([each for name in names for each in patterns.get(name, (name,))], known)),
            budgets=read_budgets(100 if budgets is None else budgets),
            seeds=read_seeds(10 if seeds is None else seeds),
            steps=steps,
        )
        parts = (part,)
    if published and rule != "balanced":
        raise UserError(
            f"`rule`: {rule} cannot be used, because the preset published takes the first images; leave it out"
        )
    run = choose([name for part in parts for name in part.contenders], known)
    used = needed_methods(run.values(), chosen_on)
    for argument, name in [*(("encoders", name) for name in encoders), *(("codes", name) for name in codes)]:
        if name not in used:
            raise UserError(f"`{argument}`: no contender that is run uses {name}; add {name}-linear to `contenders`")
    return Plan(
        parts,
        run,
        _baseline(baseline, None if found is None else found.baseline, run, known),
        "mnist" if dataset is None else dataset,
        rule="first" if published else drawn_by,
        chosen_on=chosen_on,
        scored_on=scored_on,
        precision=_precision(precision, found, torch.device(device)),
        device=str(device),
        comparisons=() if found is None else found.comparisons,
        drawn=() if found is None else found.drawn,
        patterns=patterns,
    )


def _in_table(encoder: str) -> bool:
    """Return whether contenders of an encoder of this name are in the table that is known from the start."""
    return bool(contenders_of(encoder).keys() & CONTENDERS.keys())


def _with_contenders(parts: Sequence[Part], added: Sequence[str], known: Mapping[str, Contender]) -> tuple[Part, ...]:
    """Add contenders to parts that hold their kind, since a trained network has steps that depend on the budget.

    Of several parts that hold a kind at the same budgets the first counts.
    """
    found, covered = [], set[tuple[bool, Budget]]()
    for part in parts:
        kinds = {known[name].frozen for name in part.contenders}
        new = {(frozen, budget) for frozen in kinds for budget in part.budgets}
        joining = () if new <= covered else tuple(name for name in added if known[name].frozen in kinds)
        covered |= new
        found.append(part.model_copy(update={"contenders": (*part.contenders, *joining)}))
    return tuple(found)


def _require_no_images(
    codes: Sequence[str],
    contenders: str | Sequence[str] | None,
    baseline: str | None,
    chosen_on: str | None,
    *,
    published: bool,
) -> None:
    """Check that nothing is asked for that reads images, where there are codes alone."""
    named = [] if contenders is None else read_names(contenders, "contenders")
    asked = {
        "contenders": next((name for name in named if name in CONTENDERS), None),
        "baseline": baseline if baseline in CONTENDERS else None,
        "rule": None if chosen_on is None or chosen_on in codes else f"{TYPICAL} (on {chosen_on})",
        "preset": PUBLISHED if published else None,
    }
    for argument, value in asked.items():
        if value is not None:
            raise UserError(
                f"`{argument}`: {value} needs images, and of {codes[0]} there are codes alone: give the `dataset` that "
                "these are codes of, or " + (f"use {TYPICAL}:{codes[0]}" if argument == "rule" else "leave it out")
            )


def _require_no_pictures(
    known: Mapping[str, Contender],
    contenders: str | Sequence[str] | None,
    baseline: str | None,
    network: Network | None,
    *,
    published: bool,
) -> None:
    """Check that nothing is asked for that learns from pictures, where there are rows of numbers."""
    named = [] if contenders is None else read_names(contenders, "contenders")
    trained = {name for name, contender in known.items() if not contender.frozen}
    asked = {
        "contenders": next((name for name in named if name in trained), None),
        "baseline": baseline if baseline in trained else None,
        "preset": PUBLISHED if published else None,
    }
    for argument, value in asked.items():
        if value is not None:
            raise UserError(
                f"`{argument}`: {value} trains a network on pictures, and the data are rows of numbers: leave it out, "
                "or use readouts of codes, such as irmae-linear, and of the columns themselves, such as pixels-linear"
            )
    if isinstance(network, str):
        find_networks(network, channels=1, image_size=ROW)


def _read_rule(rule: str, encoders: Sequence[str]) -> tuple[Rule, str | None]:
    """Read ``typical:NAME`` as the rule and the representation that typical images are chosen on."""
    drawn_by, colon, name = rule.partition(":")
    if drawn_by == TYPICAL and bool(name) == bool(colon):
        known = dict.fromkeys(c.representation for c in CONTENDERS.values() if c.representation is not None)
        known |= dict.fromkeys(METHODS)
        if name and name not in (*known, *encoders) and name not in (methods := registered("method")):
            raise unknown_with_plugins("representation", name, (*known, *methods, *encoders))
        return TYPICAL, name or DEFAULT_REPRESENTATION
    check_choice("rule", rule, (*_DRAWN, TYPICAL, f"{TYPICAL}:NAME"))
    return next(each for each in _DRAWN if each == rule), None


def _baseline(
    asked: str | None, declared: str | None, run: Mapping[str, Contender], known: Mapping[str, Contender]
) -> str:
    if asked is not None:
        if asked not in known:
            raise unknown_with_plugins("contender", asked, known)
        if asked not in run:
            raise UserError(f"`baseline`: {asked} is not among the contenders that are run; add it to `contenders`")
        return asked
    if declared is not None:
        return declared
    # in the order of the registry, as a report of the stored rows has it, whatever the order in which they were named
    names = [name for name in known if name in run]
    honest = [name for name in names if run[name].test_peeks == 1] or names
    return DEFAULT_BASELINE if DEFAULT_BASELINE in run else honest[0]


def _precision(asked: str, preset: Preset | None, device: torch.device) -> Precision:
    # what a preset declares is checked where a network has to be trained in it
    if asked == "auto" and preset is not None and preset.precision is not None:
        return preset.precision
    return find_precision(asked, device)
