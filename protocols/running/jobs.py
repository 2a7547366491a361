"""List the trials of a plan, each with what it needs to run."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ssl_irmae._support.environment import versions
from ssl_irmae.protocols.budgets import number_of_labels
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.plan import Part, Plan
from ssl_irmae.protocols.representations.floors import FLOOR_SOFTWARE
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.storage.rows import Trial
from ssl_irmae.protocols.subsets import Rule, Subset, draw_subset
from ssl_irmae.protocols.task import Task


class Job(NamedTuple):
    """A trial with what it needs to run.

    Args:
        trial: Everything that its row depends on.
        subset: Its labelled images.
        contender: What is fitted, with the settings of this trial.
        representation: What the contender reads or starts from; None for learning from scratch.
    """

    trial: Trial
    subset: Subset
    contender: Contender
    representation: Representation | None


def draw_subsets(part: Part, rule: Rule, task: Task) -> list[list[Subset]]:
    """Draw every labelled subset of a part: for each budget, once, one per seed.

    Raises:
        UserError: If a budget cannot be met.
    """
    assert task.train.labels is not None  # load_task makes sure of it
    labels = task.train.labels.numpy()
    labelled = labels[task.train.labelled]
    classes = len(np.unique(labelled))
    # two ways to ask for one number of labels are one budget
    budgets = dict.fromkeys(number_of_labels(b, labelled=len(labelled), classes=classes) for b in part.budgets)
    return [
        [
            draw_subset(labels, fingerprint=task.train.fingerprint, budget=budget, seed=seed, rule=rule)
            for seed in part.seeds
        ]
        for budget in budgets
    ]


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
                # at the full set all subsets are the same: without randomness there is one result, not n
                once = _deterministic_at_full_set(contender, task) and subsets[0].rule == "full"
                sources = (None,) if contender.representation is None else representations[contender.representation]
                for representation in sources:
                    for subset in subsets[:1] if once else subsets:
                        trial = _trial(name, contender, subset, representation, plan, task, threads[name])
                        yield Job(trial, subset, contender, representation)


def _trial(
    name: str,
    contender: Contender,
    subset: Subset,
    representation: Representation | None,
    plan: Plan,
    task: Task,
    threads: int,
) -> Trial:
    counting = {*contender.software, *FLOOR_SOFTWARE.get(contender.representation or "", ())}
    return Trial(
        contender=name,
        budget=len(subset.indices),
        seed=subset.seed,
        subset=subset.hash,
        rule=subset.rule,
        dataset=task.train.name,
        data_fingerprint=task.train.fingerprint,
        scored_fingerprint=task.scored.fingerprint,
        scored_on=task.scored_on,
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
