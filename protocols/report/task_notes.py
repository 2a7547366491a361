"""What is said of a task's images that rows do not record."""

from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.report.note import Note
from ssl_irmae.protocols.representations.retrieval import lone_classes
from ssl_irmae.protocols.task import Task


def describe_folds(task: Task, *, asked: bool) -> str:
    """Say which images are scored in folds.

    Args:
        task: A task that is scored on folds.
        asked: Whether the user asked for folds; if not, there is no test split.
    """
    why = "" if asked else " has no test split"
    noun = task.train.noun
    text = (
        f"{task.train.name}{why}: {len(task.scored):,} labelled {noun}s are scored in folds, each fold by what was "
        "learned from the others"
    )
    alone = len(task.train.labelled) - len(task.scored)
    never = count(alone, f"{noun} that is alone in its class is", f"{noun}s that are alone in their classes are")
    return f"{text}; {never} never scored" if alone else text


def not_scored_notes(task: Task) -> list[Note]:
    """Say how many test images are not scored because they have no label."""
    if not task.not_scored:
        return []
    total = len(task.scored) + task.not_scored
    verb = "has no label and is" if task.not_scored == 1 else "have no label and are"
    text = f"{task.not_scored:,} of the {total:,} test {task.train.noun}s of {task.train.name} {verb} not scored."
    return [Note("not scored", text, text)]


def clustering_note(task: Task) -> Note:
    """Say what the table of zero labels is."""
    text = (
        f"Zero labels: as many clusters as there are classes, found without a label among the training "
        f"{task.train.noun}s; the scorer alone names them, one class each. A clustering score, not to be compared "
        "with contenders."
    )
    return Note("clusters", text, text)


def retrieval_notes(task: Task) -> list[Note]:
    """Say how many scored images have no other of their class to be found."""
    assert task.scored.labels is not None  # load_task makes sure of it
    lone = lone_classes(task.scored.labels)
    if lone == len(task.scored):
        text = f"Retrieval cannot be measured: each scored {task.scored.noun} is the only one of its class."
    elif lone:
        text = f"Retrieval leaves out {count(lone, f'scored {task.scored.noun}')} without another of the same class."
    else:
        return []
    return [Note("retrieval", text, text)]
