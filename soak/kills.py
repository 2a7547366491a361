"""Commands that are killed at random moments, and started again until they end."""

import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial

from soak import contents
from soak.commands import STORE, Command, prepare
from soak.fault import Case, Fault
from soak.workshop import Workshop, explained

_RESULTS = 6  # of each command
_KILLS = 3  # of each result
_ANEW = 3  # one result in so many is of processes that import everything, as a user's do
_IMPORTING = 5.0  # seconds that takes
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def cases(workshop: Workshop) -> Iterator[Case]:
    """Kill every command, by SIGKILL, SIGTERM and Ctrl-C."""
    for i in range(workshop.number(_RESULTS)):
        for command in workshop.commands():
            yield f"{command.name} {i}", partial(_killed, workshop, command, i)


def _killed(workshop: Workshop, command: Command, number: int) -> Fault:
    rng = workshop.rng("kills", command.name, number)
    folder = workshop.fresh(f"kill {command.name} {number}")
    prepare(command, folder, workshop.inputs)
    usual = workshop.undisturbed(command).seconds
    anew = number % _ANEW == _ANEW - 1 and command.name != "data fetch" and not command.forked
    counts: Counter[str] = Counter()
    sent, notes = [], []
    steps, keys = 0, set[str]()
    for _ in range(_KILLS):
        moment, kind = rng.uniform(0, usual + anew * _IMPORTING), rng.choice(_SIGNALS)
        process = workshop.start(command, folder, anew=anew)
        hit = process.stop_after(moment, kind)
        ended = process.end()
        if not hit:
            break
        sent.append(f"{kind.name} after {moment:.2f} s")
        counts.update(explained(ended))
        if ended.has_traceback or not ended.is_explained:
            notes.append(f"{ended.code}: {ended.stderr.strip()[-300:]}")
        torn = contents.torn(folder)
        counts["torn"] += len(torn)
        notes += torn
        if command.has_store:
            found = contents.stored(folder / STORE)
            counts["lost"] += len(keys - found)
            keys = found
        if command.run_folder:
            now = contents.steps_of(folder / command.run_folder)
            counts["lost"] += max(0, steps - now)
            steps = now
    end = workshop.complete(command, folder)
    notes.append(str(end.pop("note")))
    counts.update({name: int(value) for name, value in end.items()})
    said = "; ".join(note for note in (f"{', '.join(sent)}{' (anew)' * anew}", *notes) if note)
    return Fault("kills", f"{command.name} {number}", len(sent), note=said, **counts)
