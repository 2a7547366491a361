"""List the trials of a plan, each with what it needs to run."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssl_irmae._support.environment import versions
from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.protocols.budgets import number_of_labels
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.folds import Fold, Indices, draw_folds, without_labels_of
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.floors import FLOOR_SOFTWARE
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.storage.rows import Trial
from ssl_irmae.protocols.subsets import Rule, Subset, check_budget, draw_subset
from ssl_irmae.protocols.task import Task


class Job(NamedTuple):
    """A trial with what it needs to run.

    Args:
        trial: Everything that its row depends on.
        subset: Its labelled images, and the fold that is scored if there are folds.
        contender: What is fitted, with the settings of this trial.
        representation: What the contender reads or starts from; None for learning from scratch.
    """

    trial: Trial
    subset: Subset
    contender: Contender
    representation: Representation | None


def draw_subsets(part: Part, rule: Rule, task: Task) -> list[list[Subset]]:
    """Draw every labelled subset of a part: for each budget, once, one per seed or, with folds, per seed and fold.

    Raises:
        UserError: If a budget cannot be met.
    """
    # how many images a fold leaves of each class does not depend on the seed
    left = [_count_classes(labels) for _, labels in _to_draw_from(task, part.seeds[0])]
    limits = {
        "labelled": min(int(counts.sum()) for counts in left),
        "classes": len(left[0]),
        "rarest": min(int(counts.min()) for counts in left),
    }
    # two ways to ask for one number of labels are one budget
    labelled, classes = limits["labelled"], limits["classes"]
    budgets = dict.fromkeys(number_of_labels(b, labelled=labelled, classes=classes) for b in part.budgets)
    for budget in budgets:
        check_budget(budget, rule, **limits)

    def draw(budget: int, seed: int, fold: Fold | None, labels: Indices) -> Subset:
        fingerprint = task.train.fingerprint + ("" if fold is None else f" without fold {fold.number}")
        # some folds leave one label more than others: all that are left is all of them
        n = int((labels != UNLABELLED).sum()) if budget == labelled else budget
        subset = draw_subset(labels, fingerprint=fingerprint, budget=n, seed=seed, rule=rule)
        return dataclasses.replace(subset, fold=fold)

    return [
        [draw(budget, seed, fold, labels) for seed in part.seeds for fold, labels in _to_draw_from(task, seed)]
        for budget in budgets
    ]


def _to_draw_from(task: Task, seed: int) -> list[tuple[Fold | None, Indices]]:
    """Return the labels that may be learned from; with folds, for every fold those of the others."""
    assert task.train.labels is not None  # load_task makes sure of it
    labels = task.train.labels.numpy()
    if task.scored_on != "folds":
        return [(None, labels)]
    return [(fold, without_labels_of(labels, fold)) for fold in draw_folds(task.train, seed)]


def _count_classes(labels: Indices) -> Indices:
    return np.unique(labels[labels != UNLABELLED], return_counts=True)[1]


def list_jobs(
    plan: Plan, task: Task, representations: Mapping[str, Sequence[Representation]], threads: Mapping[str, int]
) -> Iterator[Job]:
    """Yield every trial of a plan: by part, then budget, contender, representation and seed.

    Args:
        plan: What is run.
        task: Training and scored images.
        representations: Representations by the name that contenders use; several of one name differ in the seed of
            their pretraining and are crossed with the subsets.
        threads: Number of threads of each contender's trials.
    """
    for part in plan.parts:
        for subsets in draw_subsets(part, plan.rule, task):
            for name in part.contenders:
                contender = plan.contenders[name].with_steps(part.steps)
                # at the full set all subsets are the same: without randomness there is one result, not n; but folds
                # leave other labels for every seed
                deterministic = _deterministic_at_full_set(contender, task)
                once = deterministic and subsets[0].rule == "full" and subsets[0].fold is None
                budget = min(len(subset.indices) for subset in subsets)
                sources = (None,) if contender.representation is None else representations[contender.representation]
                for representation in sources:
                    for subset in subsets[:1] if once else subsets:
                        trial = _trial(name, contender, budget, subset, representation, plan, task, threads[name])
                        yield Job(trial, subset, contender, representation)


def _trial(
    name: str,
    contender: Contender,
    budget: int,
    subset: Subset,
    representation: Representation | None,
    plan: Plan,
    task: Task,
    threads: int,
) -> Trial:
    counting = {*contender.software, *FLOOR_SOFTWARE.get(contender.representation or "", ())}
    return Trial(
        contender=name,
        budget=budget,
        seed=subset.seed,
        subset=subset.hash,
        rule=subset.rule,
        dataset=task.train.name,
        data_fingerprint=task.train.fingerprint,
        scored_fingerprint=task.scored.fingerprint,
        scored_on=task.scored_on,
        fold=None if subset.fold is None else subset.fold.number,
        folds=None if subset.fold is None else subset.fold.folds,
        readout=contender.readout,
        reads=contender.reads,
        settings=dict(sorted(contender.settings.items())),  # the order in which they are written must not matter
        given=contender.given,
        cross_validated=contender.cross_validated,
        settings_from=contender.settings_from,
        family=contender.family,
        deterministic_at_full_set=_deterministic_at_full_set(contender, task),
        transductive=contender.transductive,
        test_peeks=contender.test_peeks,
        revision=contender.revision,
        representation=contender.representation,
        encoder_hash=None if representation is None else representation.hash,
        pretrain_seed=None if representation is None else representation.pretrain_seed,
        pretraining=None if representation is None else representation.pretraining,
        quick=representation is not None and representation.quick,
        precision="fp32" if contender.frozen else plan.precision,
        device=plan.device,
        threads=threads,
        software={name: version for name, version in versions().items() if name in counting},
    )


def _deterministic_at_full_set(contender: Contender, task: Task) -> bool:
    partly_labelled = len(task.train.labelled) < len(task.train)
    return contender.deterministic_at_full_set and not (contender.draws_unlabelled and partly_labelled)
