"""Whether all is well where ssl-irmae runs: what is installed, what is missing and what brings it, what is kept."""

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_irmae._support.extras import EXTRAS, install_command, missing_packages
from ssl_irmae._support.files import obstacle
from ssl_irmae._support.home import home
from ssl_irmae.datasets.idx_files import FILES, SIZES, missing_files, raw_folder
from ssl_irmae.datasets.registry import DATASETS, default_data_dir
from ssl_irmae.encoders.files import CONFIG, list_bundled
from ssl_irmae.plugins.installed import load_installed
from ssl_irmae.plugins.registered import IN_WORDS, REGISTERED

_FETCHED = [name for name, listed in DATASETS.items() if listed.has_files]
_WIDTH = 80  # columns of a terminal
_SHOWN = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pytorch-metric-learning")


@dataclass(frozen=True)
class Missing:
    """Something that is not there, or not as it should be.

    Args:
        what: What it is.
        command: What brings it.
    """

    what: str
    command: str


@dataclass(frozen=True)
class Compute:
    """What networks are computed with unless options say otherwise.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        processor: Its name, and the widest vectors that torch uses on it.
        gpu: Name of the GPU that torch can use, if there is one.
        threads: Number of torch's threads.
        processors: How many this process may use.
        precision: What ``"auto"`` stands for.
        bf16: Whether the device has instructions for bf16, so that it is fast; None if torch does not know.
    """

    device: str
    processor: str
    gpu: str | None
    threads: int
    processors: int
    precision: str
    bf16: bool | None


@dataclass(frozen=True)
class Folder:
    """What is kept in a folder.

    Args:
        path: The folder.
        files: How many files are in it and below it.
        bytes: Their size.
        unreadable: How many folders in it cannot be read, so that what is in them is not counted.
        unfinished: How many encoders in it are half-trained; the command that began one continues it.
    """

    path: str
    files: int
    bytes: int
    unreadable: int = 0
    unfinished: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """What ``doctor`` found. ``print`` it, or read its parts.

    Args:
        problems: What keeps commands from working, and what mends it.
        available: What is not there and not needed by all, and what brings it.
        python: Version.
        platform: Name of the system.
        packages: Versions by distribution; None for one that is not installed.
        compute: None where torch cannot be imported.
        home: The folder of everything that is kept; ``SSL_IRMAE_HOME`` moves it.
        kept: Folders by what is in them; those that do not exist yet are left out.
        data: By data set that can be fetched, what is there of it.
        encoders: Names of the bundled ones.
        extras: By name, whether all their packages are installed.
        plugins: By installed plug-in with its version, what it registers; nothing for one that cannot be loaded.
    """

    problems: tuple[Missing, ...]
    available: tuple[Missing, ...]
    python: str
    platform: str
    packages: dict[str, str | None]
    compute: Compute | None
    home: str
    kept: dict[str, Folder]
    data: dict[str, str]
    encoders: tuple[str, ...]
    extras: dict[str, bool]
    plugins: dict[str, list[str]]

    @property
    def well(self) -> bool:
        """Whether nothing keeps commands from working."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return {"well": self.well, **dataclasses.asdict(self)}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def doctor(*, data_dir: str | Path | None = None) -> Diagnosis:
    """Look at versions, device, threads, precision, what is kept, data, extras and plug-ins.

    Nothing is written or fetched; plug-ins are imported.

    Args:
        data_dir: Where data are kept; ``default_data_dir()`` unless given.

    >>> doctor().packages.keys() >= {"ssl-irmae", "torch"}
    True
    """
    folder = default_data_dir() if data_dir is None else Path(data_dir)
    packages = _packages()
    absent = [name for name, version in packages.items() if version is None]
    problems = [Missing(f"{name} is not installed", f"pip install {name}") for name in absent]
    compute = None
    if "torch" not in absent:
        try:
            import torch

            compute = _compute()
            packages["torch"] = torch.__version__  # which names the build too
        except (ImportError, OSError) as error:
            problems.append(Missing(f"torch cannot be imported ({error})", "pip install --force-reinstall torch"))
    problems += _unwritable(folder)
    plugins = load_installed()
    problems += [
        Missing(f"the plug-in {plugin} cannot be loaded ({plugin.problem})", plugin.remedy)
        for plugin in plugins
        if plugin.problem is not None
    ]
    data = {}
    available = []
    for name in _FETCHED:
        missing, damaged = missing_files(name, folder), _damaged(name, folder)
        data[name] = _state(missing, damaged)
        fetch = f"{_moved(data_dir)}ssl-irmae data fetch {name}"
        if damaged:
            problems.append(Missing(f"{name}: {damaged[0].name} is cut short", f"{_remove(damaged)} && {fetch}"))
        elif missing:
            available.append(Missing(name, fetch))
    extras = {extra: not missing_packages(extra) for extra in EXTRAS}
    available += [
        Missing(f"{EXTRAS[extra].brings}", install_command(extra)) for extra, there in extras.items() if not there
    ]
    return Diagnosis(
        problems=tuple(problems),
        available=tuple(available),
        python=platform.python_version(),
        platform=platform.platform(),
        packages=packages,
        compute=compute,
        home=str(home()),
        kept=_kept(folder),
        data=data,
        encoders=tuple(list_bundled()),
        extras=extras,
        plugins={
            str(plugin): [
                f"{IN_WORDS[each.kind]} {each.name}" for each in REGISTERED.values() if str(each.origin) == str(plugin)
            ]
            for plugin in plugins
        },
    )


def _packages() -> dict[str, str | None]:
    """Return the versions of ssl-irmae and of all that it requires."""
    requirements = [line for line in importlib.metadata.requires("ssl-irmae") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requirements]
    found: dict[str, str | None] = {}
    for name in ("ssl-irmae", *sorted(names)):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def _compute() -> Compute:
    import torch

    from ssl_irmae._support.compute import find_device, find_precision, has_bf16
    from ssl_irmae._support.environment import processor

    device = find_device("auto")
    return Compute(
        device=device.type,
        processor=processor(),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        threads=torch.get_num_threads(),
        processors=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        precision=find_precision("auto", device),
        bf16=has_bf16(device),
    )


def _unwritable(data_dir: Path) -> list[Missing]:
    """List folders that cannot be written to, with what moves them."""
    found = []
    if reason := obstacle(home()):
        found.append(Missing(f"{home()} cannot be written to ({reason})", "export SSL_IRMAE_HOME=FOLDER"))
    if not data_dir.is_relative_to(home()) and (reason := obstacle(data_dir)):
        found.append(Missing(f"{data_dir} cannot be written to ({reason})", "export SSL_IRMAE_DATA_DIR=FOLDER"))
    return found


def _kept(data_dir: Path) -> dict[str, Folder]:
    # a person may keep much else where the data are
    found = {}
    if _exists(data_dir):
        sets = [_measure(raw_folder(name, data_dir)) for name in _FETCHED]
        found["data"] = Folder(str(data_dir), sum(each.files for each in sets), sum(each.bytes for each in sets))
    with contextlib.suppress(OSError):  # there is nothing yet, or it is among the problems
        folders = [path for path in sorted(home().iterdir()) if path.is_dir() and path != data_dir]
        found |= {path.name: _measure(path, of_encoders=path.name == "encoders") for path in folders}
    return found


def _measure(folder: Path, *, of_encoders: bool = False) -> Folder:
    files = size = unreadable = unfinished = 0

    def note(_: OSError) -> None:
        nonlocal unreadable
        unreadable += 1

    for path, _, names in os.walk(folder, onerror=note if _exists(folder) else None):
        for name in names:
            try:
                size += (Path(path) / name).lstat().st_size
                files += 1
            except OSError:
                continue  # deleted since, by the process that was writing it
        unfinished += of_encoders and Path(path).parent == folder and CONFIG not in names
    return Folder(str(folder), files, size, unreadable, unfinished)


def _exists(folder: Path) -> bool:
    """Return whether a folder exists; one in a folder that may not be entered does not."""
    try:
        return folder.exists()
    except OSError:
        return False


def _damaged(name: str, data_dir: Path) -> list[Path]:
    """List the files of a data set that do not have their size."""
    missing = missing_files(name, data_dir)
    files = [raw_folder(name, data_dir) / file for file in FILES if file not in missing]
    return [file for file in files if file.stat().st_size != SIZES[file.name]]


def _state(missing: list[str], damaged: list[Path]) -> str:
    if damaged:
        return f"{damaged[0].name} is cut short"
    if not missing:
        return "fetched"
    return "not fetched" if len(missing) == len(FILES) else f"{len(missing)} of {len(FILES)} files are not fetched"


def _remove(files: list[Path]) -> str:
    return shlex.join(["rm", *map(str, files)])


def _moved(data_dir: str | Path | None) -> str:
    return "" if data_dir is None else f"SSL_IRMAE_DATA_DIR={shlex.quote(str(data_dir))} "


def _lines(found: Diagnosis) -> list[str]:
    """Describe a diagnosis: whether all is well, what is missing, then what there is."""
    lines = ["All is well." if found.well else "Something is wrong:"]
    lines += [line for problem in found.problems for line in (f"  {problem.what}", f"    {problem.command}")]
    if found.available:
        lines += ["", "Not here, and not needed for everything:"]
        width = max(len(missing.what) for missing in found.available)
        beside = [f"  {missing.what:<{width}}  {missing.command}" for missing in found.available]
        below = [line for missing in found.available for line in (f"  {missing.what}", f"    {missing.command}")]
        lines += beside if max(map(len, beside)) <= _WIDTH else below
    there = [extra for extra, installed in found.extras.items() if installed]
    table = {
        "ssl-irmae": f"{found.packages['ssl-irmae']}, Python {found.python}, {found.platform}",
        "packages": ", ".join(f"{name} {found.packages.get(name)}" for name in _SHOWN),
        "extras": ", ".join(there) or "none",
        "plug-ins": "; ".join(f"{name}: {', '.join(what) or 'nothing'}" for name, what in found.plugins.items())
        or "none",
        **_compute_rows(found.compute),
        "encoders": ", ".join(found.encoders),
        "data sets": "; ".join(f"{name}: {state}" for name, state in found.data.items()),
    }
    lines += ["", *(f"{name:<11}{text}" for name, text in table.items())]
    lines += ["", f"Kept in {found.home} (SSL_IRMAE_HOME moves it, SSL_IRMAE_DATA_DIR the data alone):"]
    lines += [f"  {_folder(name, folder, found.home)}" for name, folder in found.kept.items()] or ["  nothing yet"]
    return lines


def _compute_rows(compute: Compute | None) -> dict[str, str]:
    if compute is None:
        return {}
    why = {
        True: "its bf16 is fast",
        False: "it has no instructions for bf16, which would be slow",
        None: "torch does not know whether its bf16 is fast",
    }[compute.bf16]
    held_back = os.environ.get("OMP_NUM_THREADS")
    because = f" (OMP_NUM_THREADS={held_back})" if held_back else ""
    return {
        "device": f"{compute.device}: {compute.gpu or compute.processor}",
        "threads": f"{compute.threads} on {compute.processors} processor{'s' * (compute.processors > 1)}{because}",
        "precision": f"auto is {compute.precision}: {why}",
    }


def _folder(name: str, folder: Folder, home: str) -> str:
    text = f"{name:<11}{folder.bytes / 1e6:>9,.1f} MB  {folder.files:,} files"
    if Path(folder.path) != Path(home, name):
        text += f"  {folder.path}"
    if folder.unreadable:
        text += f"  ({folder.unreadable} folders cannot be read)"
    if folder.unfinished:
        text += f"  ({folder.unfinished} half-trained: the same command continues)"
    return text
