"""What a result was computed with: versions, processor, commit."""

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
)


def describe_environment() -> dict[str, object]:
    """Collect what a reader needs to judge or reproduce a number.

    Returns:
        Versions by package, Python, platform, processor, number of torch threads, GPU if any, and the git commit if
        the package runs from a checkout (with ``+changes`` if there are uncommitted changes).
    """
    return {
        "packages": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "commit": _commit(),
    }


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of ssl-irmae and of what its results are computed with, by distribution."""
    found = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {**found, "torch": torch.__version__}  # which names the build too


def processor() -> str:
    """Name the processor, as precisely as the system does, and the widest vectors that torch uses on it.

    Rented machines often report only the brand, yet ``"AMD EPYC, AVX2"`` and ``"AMD EPYC, AVX512"`` differ by years, in
    speed and in how sums are rounded.
    """
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"


def _commit() -> str | None:
    package = Path(__file__).parent.parent
    if not (package.parent / ".git").exists():
        return None  # installed: a .git further up belongs to another project
    try:
        commit = _git(package, "rev-parse", "HEAD")
        return commit + ("+changes" if _git(package, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()
