"""List the trials of a plan, each with what it needs to run."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssl_irmae._support.environment import versions
from ssl_irmae.datasets.image_set import UNLABELLED
from ssl_irmae.networks.registry import CONV
from ssl_irmae.plugins.lookup import registered_network
from ssl_irmae.protocols.budgets import number_of_labels
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.plugins import as_used
from ssl_irmae.protocols.folds import Fold, Indices, draw_folds, without_labels_of
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.floors import FLOOR_SOFTWARE
from ssl_irmae.protocols.representations.fused import parts_of
from ssl_irmae.protocols.representations.given_codes import GivenCodes
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.representations.representation import Representation, identity
from ssl_irmae.protocols.storage.rows import PluginUsed, Trial
from ssl_irmae.protocols.subsets import Rule, Subset, check_budget, draw_subset
from ssl_irmae.protocols.task import Task
from ssl_irmae.protocols.typical_subsets import TYPICAL, CodesOf, choose_typical


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


def read_part_budgets(part: Part, rule: Rule, task: Task) -> list[int]:
    """Return the numbers of labels of a part's budgets, each once.

    Raises:
        UserError: If one cannot be met; with folds, if the smallest part that a fold leaves cannot meet it.
    """
    # how many images a fold leaves of each class does not depend on the seed
    left = [_count_classes(labels) for _, labels in _to_draw_from(task, part.seeds[0])]
    labelled, classes = min(int(counts.sum()) for counts in left), len(left[0])
    budgets = dict.fromkeys(number_of_labels(b, labelled=labelled, classes=classes) for b in part.budgets)
    for budget in budgets:
        rarest = min(int(counts.min()) for counts in left)
        check_budget(
            budget, rule, labelled=labelled, classes=classes, rarest=rarest, in_folds=task.scored_on == "folds"
        )
    return list(budgets)


def draw_subsets(part: Part, rule: Rule, task: Task, codes_of: CodesOf | None = None) -> list[list[Subset]]:
    """Draw every labelled subset of a part: for each budget, once, one per seed or, with folds, per seed and fold.

    Args:
        part: Its budgets and seeds count.
        rule: How they are drawn.
        task: What is learned from.
        codes_of: What typical images are chosen on; needed by that rule alone.

    Raises:
        UserError: If a budget cannot be met.
    """
    fewest = min(int(_count_classes(labels).sum()) for _, labels in _to_draw_from(task, part.seeds[0]))

    def draw(budget: int, seed: int, fold: Fold | None, labels: Indices) -> Subset:
        fingerprint = task.train.fingerprint + ("" if fold is None else f" without fold {fold.number}")
        # some folds leave one label more than others: all that are left is all of them
        n = int((labels != UNLABELLED).sum()) if budget == fewest else budget
        if rule == TYPICAL:
            assert codes_of is not None  # as the rule needs
            return choose_typical(labels, codes_of(fold), fingerprint=fingerprint, budget=n, seed=seed, fold=fold)
        subset = draw_subset(labels, fingerprint=fingerprint, budget=n, seed=seed, rule=rule)
        return dataclasses.replace(subset, fold=fold)

    return [
        [draw(budget, seed, fold, labels) for seed in part.seeds for fold, labels in _to_draw_from(task, seed)]
        for budget in read_part_budgets(part, rule, task)
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
    plan: Plan,
    task: Task,
    representations: Mapping[str, Sequence[Representation]],
    threads: Mapping[str, int],
    codes_of: CodesOf | None = None,
) -> Iterator[Job]:
    """Yield every trial of a plan: by part, then budget, contender, representation and seed.

    Args:
        plan: What is run.
        task: Training and scored images.
        representations: Representations by the name that contenders use; several of one name differ in the seed of
            their pretraining and are crossed with the subsets.
        threads: Number of threads of each contender's trials.
        codes_of: What typical images are chosen on, where the plan's rule is that.
    """
    chosen_on = None if plan.chosen_on is None else identity(representations[plan.chosen_on][0])
    for part in plan.parts:
        for subsets in draw_subsets(part, plan.rule, task, codes_of):
            for name in part.contenders:
                contender = plan.contenders[name].with_steps(part.steps)
                # at the full set, and of first images, all subsets are the same: without randomness there is one
                # result, not n; but folds leave other labels for every seed
                deterministic = _deterministic_at_full_set(contender, task, subsets[0])
                once = deterministic and subsets[0].rule in ("full", "first") and subsets[0].fold is None
                budget = min(len(subset.indices) for subset in subsets)
                sources = (None,) if contender.representation is None else representations[contender.representation]
                for representation in sources:
                    for subset in subsets[:1] if once else subsets:
                        trial = _trial(name, contender, budget, subset, representation, plan, task, threads[name])
                        if subset.rule == TYPICAL:
                            trial = trial.model_copy(update={"chosen_on": chosen_on})
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
    assert task.train.labels is not None  # load_task makes sure of it
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
        noun=task.train.noun,
        readout=contender.readout,
        reads=contender.reads,
        settings=dict(sorted(contender.settings.items())),  # the order in which they are written must not matter
        given=contender.given,
        cross_validated=contender.cross_validated,
        settings_from=contender.settings_from,
        family=contender.family,
        deterministic_at_full_set=_deterministic_at_full_set(contender, task, subset),
        transductive=contender.transductive,
        test_peeks=contender.test_peeks,
        revision=contender.revision_for(task.train.labels[subset.indices]),
        representation=contender.representation,
        encoder_hash=None if representation is None else representation.hash,
        pretrain_seed=None if representation is None else representation.pretrain_seed,
        pretraining=None if representation is None else representation.pretraining,
        quick=representation is not None and representation.quick,
        network=_network(contender, representation, task),
        codes_from=representation.codes_from if isinstance(representation, GivenCodes) else None,
        plugins=_plugins(contender, representation, task),
        precision="fp32" if contender.frozen else plan.precision,
        device=plan.device,
        threads=threads,
        software={name: version for name, version in versions().items() if name in counting},
    )


def _network(contender: Contender, representation: Representation | None, task: Task) -> str | None:
    if contender.fresh_encoder and task.networks != CONV:
        return task.networks.name
    return None if representation is None else representation.network


def _plugins(contender: Contender, representation: Representation | None, task: Task) -> tuple[PluginUsed, ...]:
    """Collect what takes part that was registered from outside, each once."""
    found = [] if contender.plugin is None else [contender.plugin]
    for part in () if representation is None else parts_of(representation):
        if isinstance(part, OpenedEncoder):
            found += map(as_used, part.architecture.plugins)
    fresh = contender.fresh_encoder or (representation is not None and representation.network is not None)
    networks = registered_network(task.networks.function) if fresh else None
    found += [] if networks is None else [as_used(networks)]
    found += [] if task.plugin is None else [task.plugin]
    return tuple(dict.fromkeys(found))


def _deterministic_at_full_set(contender: Contender, task: Task, subset: Subset) -> bool:
    partly_labelled = len(task.train.labelled) < len(task.train) or subset.rule == "first"
    return contender.deterministic_at_full_set and not (contender.draws_unlabelled and partly_labelled)
