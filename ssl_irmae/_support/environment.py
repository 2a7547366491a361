"""Where a result was computed: versions, processor, commit."""

import functools
import importlib.metadata
import platform
import subprocess
from pathlib import Path

import torch

_PACKAGES = (
    "ssl-irmae",
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "scikit-learn",
    "pytorch-metric-learning",
    "graphlearning",
)


def describe_environment() -> dict[str, object]:
    """Collect what a reader needs to judge or repeat a number.

    Returns:
        Versions by package, Python, platform, processor, number of torch threads, GPU if any, and the git commit if
        the package runs from a checkout (with ``+changes`` if that has uncommitted ones).
    """
    return {
        "packages": _versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "commit": _commit(),
    }


@functools.cache
def software() -> str:
    """Name the versions of ssl-irmae and of all that its results are computed with."""
    return ", ".join(f"{name} {version}" for name, version in {**_versions(), "torch": torch.__version__}.items())


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # an extra
            continue
    return found


def processor() -> str:
    """Name the processor, as well as the system tells, and the widest vectors that torch uses on it.

    Machines that are rented by the hour tell no more than the maker: ``"AMD EPYC, AVX2"`` and ``"AMD EPYC, AVX512"``
    are years apart, in speed and in how sums are rounded.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def _commit() -> str | None:
    here = Path(__file__).parent.parent
    if not (here.parent / ".git").exists():
        return None  # installed: a .git further up would be somebody else's
    try:
        commit = _git(here, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
