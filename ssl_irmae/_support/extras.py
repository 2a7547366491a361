"""Optional packages, which the user installs through an extra."""

import importlib.util
from dataclasses import dataclass

from ssl_irmae.errors import UserError


@dataclass(frozen=True)
class Extra:
    """An extra of pyproject.toml.

    Args:
        packages: What it installs; each is imported under its own name, or under that in ``_MODULES``.
        brings: What can be done with it.
    """

    packages: tuple[str, ...]
    brings: str


_MODULES = {"dask-jobqueue": "dask_jobqueue", "scikit-dimension": "skdim"}

EXTRAS = {
    "dask": Extra(("distributed",), "trials on dask's workers"),
    "dimension": Extra(("scikit-dimension",), "estimators of intrinsic dimension"),
    "export": Extra(("onnx", "onnxruntime", "onnxscript"), "encoders and classifiers as ONNX files"),
    "mpi": Extra(("mpi4py",), "trials on MPI processes"),
    "pandas": Extra(("pandas",), "a report as a table of pandas"),
    "ray": Extra(("ray",), "trials on Ray's workers"),
    "slurm": Extra(("dask-jobqueue",), "trials in Slurm jobs"),
    "tensorboard": Extra(("tensorboard",), "pretraining as TensorBoard shows it"),
}
"""By name."""


def missing_packages(extra: str) -> list[str]:
    """List the packages of an extra that are not installed."""
    return [p for p in EXTRAS[extra].packages if importlib.util.find_spec(_MODULES.get(p, p)) is None]


def install_command(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'ssl-irmae[{extra}]'"


def require(extra: str, purpose: str) -> None:
    """Check that the packages of an extra are installed.

    Args:
        extra: Name of the extra.
        purpose: What needs it; the error message begins with it.

    Raises:
        UserError: If a package is missing; the message says how to install it.
    """
    missing = missing_packages(extra)
    if missing:
        *others, last = missing
        packages = f"packages {', '.join(others)} and {last}, which are" if others else f"package {last}, which is"
        raise UserError(f"{purpose} needs the {packages} not installed: {install_command(extra)}")
