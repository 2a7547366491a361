"""From what a user asks for to the parts of a protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ssl_irmae._support.compute import Precision
from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.contenders.registry import (
    CONTENDERS,
    DEFAULT,
    REFERENCE_PROTOCOL,
    Contender,
    choose,
    contenders_of,
)
from ssl_irmae.protocols.learners.joint import joint
from ssl_irmae.protocols.presets import find_preset
from ssl_irmae.protocols.readouts.metric_learning import LOSSES
from ssl_irmae.protocols.running.trials import Part


@dataclass(frozen=True)
class Plan:
    """What is run.

    Args:
        dataset: A name, or a path to the user's own images.
        reference: The contender that differences are taken to.
        parts: Contenders, budgets and seeds.
        contenders: By name, every one that is run.
        precision: ``"auto"`` unless a preset holds one.
        comparisons: Pairs of contenders that a preset declared.
    """

    dataset: str
    reference: str
    parts: tuple[Part, ...]
    contenders: Mapping[str, Contender]
    precision: Precision | Literal["auto"] = "auto"
    comparisons: tuple[tuple[str, str], ...] = ()


def make_plan(
    *,
    budgets: tuple[int | None, ...] | None = None,
    seeds: tuple[int, ...] | None = None,
    dataset: str | None = None,
    contenders: Sequence[str] | None = None,
    reference: str | None = None,
    preset: str | None = None,
    leaky: bool = False,
    own: Sequence[str] = (),
    metric_loss: str | None = None,
    steps: int | None = None,
) -> Plan:
    """Fill in what is not given: the eight default contenders on MNIST at 100 labels over 10 subsets.

    Args:
        budgets: Numbers of labels; None within stands for all.
        seeds: Of subsets and training.
        dataset: A name or a path.
        contenders: By name.
        reference: The contender that differences are taken to.
        preset: A whole protocol by name; it leaves only ``own`` and ``reference`` to be given.
        leaky: Run what the public reference script does, instead of the default contenders.
        own: Names of the user's own encoders, whose linear and joint contenders join the default ones.
        metric_loss: Added to the objective of joint training, by name; those contenders are renamed after it.
        steps: Optimiser steps of every network trained end to end.

    Raises:
        UserError: If a name is unknown, or a preset is given together with what it holds.
    """
    asked = reference
    known = dict(REFERENCE_PROTOCOL if leaky else CONTENDERS)
    for name in own:
        known |= contenders_of(name)
    added = tuple(f"{name}-{readout}" for name in own for readout in ("linear", "joint"))
    if preset is not None:
        found = find_preset(preset)
        given = {
            "--labels": budgets,
            "--seeds": seeds,
            "--dataset": dataset,
            "--contenders": contenders,
            "--steps": steps,
        }
        for option, value in given.items():
            if value is not None:
                raise UserError(f"--preset {preset} holds what {option} would say: leave one of the two out")
        if leaky:
            raise UserError(f"--preset {preset} has no --protocol reference: name --labels and --seeds instead")
        parts = tuple(part.model_copy(update={"contenders": part.contenders + added}) for part in found.parts)
        dataset, reference = found.dataset, reference or found.reference
    else:
        usual = list(known) if leaky else [*DEFAULT, *added]
        names = tuple(choose(usual if contenders is None else list(contenders), known))
        parts = (Part(contenders=names, budgets=budgets or (100,), seeds=seeds or tuple(range(10)), steps=steps),)
    run = choose([name for part in parts for name in part.contenders], known)
    for name in own:
        if all(contender.encoder != name for contender in run.values()):
            raise UserError(f"--encoder: no contender that is run uses {name}: add {name}-linear to --contenders")
    honest = [name for name, contender in run.items() if contender.looks == 1] or list(run)
    reference = reference or ("supervised" if "supervised" in run else honest[0])
    if reference not in known:
        raise unknown_name("contender", reference, known)
    if asked is not None and asked not in run:
        raise UserError(f"--reference {asked} is not among the contenders that are run: add it to --contenders")
    plan = Plan(dataset or "mnist", reference, parts, run)
    if preset is not None:
        plan = replace(plan, precision=found.precision or "auto", comparisons=found.comparisons)
    return _with_metric_loss(plan, metric_loss) if metric_loss else plan


def _with_metric_loss(plan: Plan, loss: str) -> Plan:
    if loss not in LOSSES:
        raise unknown_name("metric loss", loss, LOSSES)
    new = {
        name: (f"{name}+{loss}", replace(c, settings={**c.settings, "metric_loss": loss}))
        for name, c in plan.contenders.items()
        if c.readout is joint
    }
    if not new:
        raise UserError(f"--metric-loss {loss}: no contender trains jointly: add one such as irmae-joint")
    names = {name: renamed for name, (renamed, _) in new.items()}
    parts = tuple(
        part.model_copy(update={"contenders": tuple(names.get(name, name) for name in part.contenders)})
        for part in plan.parts
    )
    contenders = dict(new.get(name, (name, c)) for name, c in plan.contenders.items())
    return replace(plan, parts=parts, contenders=contenders, reference=names.get(plan.reference, plan.reference))
