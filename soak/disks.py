"""Commands on a file system that fills up, and on one that may not be written to; root alone can mount one."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from soak import contents
from soak.commands import Command, prepare
from soak.fault import Case, Fault
from soak.workshop import Workshop, explained

MEGABYTES = 5
_FULL = 3  # runs of each command into a full disk
_FULL_DEVICE = Path("/dev/full")
_EVERY = 4  # commands, of which one's results are redirected there: these import everything, as a user's do


def can_mount() -> bool:
    """Return whether file systems can be mounted here."""
    return os.name == "posix" and os.geteuid() == 0 and Path("/proc/mounts").is_file()


def full_cases(workshop: Workshop) -> Iterator[Case]:
    """Fill the disk while every command writes, and free it again."""
    for i in range(workshop.number(_FULL)):
        for command in workshop.commands():
            yield f"{command.name} {i}", partial(_full, workshop, command, i)
    if _FULL_DEVICE.exists():
        for command in [each for each in workshop.commands() if not each.forked][::_EVERY]:
            yield f"{command.name}, results", partial(_full_output, workshop, command)


def read_only_cases(workshop: Workshop) -> Iterator[Case]:
    """Let every command write where it may not, and then where it may."""
    for command in workshop.commands():
        yield command.name, partial(_read_only, workshop, command)


@contextlib.contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """Mount a file system in memory of a few megabytes, for the length of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _full(workshop: Workshop, command: Command, number: int) -> Fault:
    """Leave room for a part of what a command writes; in every second run its caches are there too."""
    rng = workshop.rng("full", command.name, number)
    usual = workshop.undisturbed(command)
    elsewhere = workshop.scratch / "cache"
    shutil.rmtree(elsewhere, ignore_errors=True)
    with mounted(workshop.fresh(f"full {command.name} {number}").parent) as disk:
        folder = disk / "work"
        prepare(command, folder, workshop.inputs)
        cache = disk / "cache" if number % 2 else elsewhere
        room = int(min(usual.size, MEGABYTES * 2**20) * rng.random())
        filler = disk / "filler"
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        filler.write_bytes(bytes(max(0, free - room)))
        ended = workshop.start(command, folder, cache=cache).end()
        counts = explained(ended)
        torn = contents.torn(folder)
        filler.unlink()
        fits = usual.size < MEGABYTES * 2**20
        end = workshop.complete(command, folder, cache=elsewhere) if fits else {}
        note = f"room for {room:,} bytes: code {ended.code}, {_last(ended.stderr)}; {end.pop('note', '')}; {torn}"
        counts = {name: counts.get(name, 0) + int(end.get(name, 0)) for name in {*counts, *end}}
        return Fault("full disk", f"{command.name} {number}", 1, torn=len(torn), note=note, **counts)


def _full_output(workshop: Workshop, command: Command) -> Fault:
    """Let the disk be full to which a command's results are redirected: ``ssl-irmae ... > file``."""
    folder = workshop.fresh(f"output {command.name}")
    prepare(command, folder, workshop.inputs)
    ended = workshop.start(command, folder, anew=True, stdout=_FULL_DEVICE).end()
    counts, torn = explained(ended), contents.torn(folder)
    note = f"code {ended.code}, {_last(ended.stderr)}"
    return Fault("full disk", f"{command.name}, results", 1, torn=len(torn), note=note, **counts)


def _read_only(workshop: Workshop, command: Command) -> Fault:
    workshop.undisturbed(command)
    with mounted(workshop.fresh(f"read-only {command.name}").parent) as disk:
        folder = disk / "work"
        prepare(command, folder, workshop.inputs)
        before = contents.of_folder(folder)
        _mount("-o", "remount,ro", str(disk))
        ended = workshop.start(command, folder, cache=disk / "cache").end()
        counts = explained(ended)
        changed = contents.differing(contents.of_folder(folder), before)
        _mount("-o", f"remount,rw,size={64 * MEGABYTES}m", str(disk))
        end = workshop.complete(command, folder)
        note = f"code {ended.code}, {_last(ended.stderr)}; {end.pop('note')}"
        counts = {name: counts.get(name, 0) + int(end.get(name, 0)) for name in {*counts, *end}}
        return Fault("read-only folder", command.name, 1, torn=len(changed), note=note, **counts)


def _last(stderr: str) -> str:
    return (stderr.strip().splitlines() or [""])[-1][:200]
