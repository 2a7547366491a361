"""Two commands at once: on one store, in one folder, on one cache, for one download."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from soak import contents
from soak.commands import Command, prepare
from soak.fault import Case, Fault
from soak.workshop import Workshop, explained

_PAIRS = 4  # of each command
_REFUSED = ("by another process", "exists already", "was changed while")


def cases(workshop: Workshop) -> Iterator[Case]:
    """Start every command twice at nearly the same time, in the same folder and with the same cache."""
    for i in range(workshop.number(_PAIRS)):
        for command in workshop.commands():
            yield f"{command.name} {i}", partial(_pair, workshop, command, i)


def _pair(workshop: Workshop, command: Command, number: int) -> Fault:
    """Run a pair, and then the command once more: what is there is what one run leaves.

    Both succeed, or one refuses in a sentence because the other is at work. Of a store, trials that are missing when
    both look may be run by both: that is no harm, and no promise.
    """
    rng = workshop.rng("pairs", command.name, number)
    folder = workshop.fresh(f"pair {command.name} {number}")
    prepare(command, folder, workshop.inputs)
    usual = workshop.undisturbed(command).seconds
    first = workshop.start(command, folder)
    first.stop_after(rng.uniform(0, usual / 2), 0)  # signal 0 is none
    second = workshop.start(command, folder)
    both = [first.end(), second.end()]
    counts: Counter[str] = Counter()
    for ended in both:
        counts.update(explained(ended))
        refused = ended.code == 2 and any(reason in ended.stderr for reason in _REFUSED)
        counts["unexplained"] += ended.code != 0 and not refused and ended.is_explained
    counts["unexplained"] += all(ended.code != 0 for ended in both)
    torn = contents.torn(folder)
    end = workshop.complete(command, folder)
    by_both = end.pop("twice")
    bad = [f"{ended.code}: {ended.stderr.strip()[-200:]}" for ended in both if ended.code != 0]
    notes = [*bad, *torn, str(end.pop("note")), f"{by_both} trials run by both" if by_both else ""]
    counts.update({name: int(value) for name, value in end.items()})
    return Fault(
        "pairs", f"{command.name} {number}", 1, torn=len(torn), note="; ".join(n for n in notes if n), **counts
    )
