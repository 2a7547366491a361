"""Which studies there are: the modules of the package ``protocols.studies``."""

import importlib
import pkgutil
from collections.abc import Callable

from ssl_irmae.errors import unknown_name
from ssl_irmae.protocols import studies
from ssl_irmae.protocols.studying.study import Study


def study_names() -> list[str]:
    """Return the name of every study, in alphabetical order."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(studies.__path__))


def find_study(name: str) -> Callable[..., Study]:
    """Look a study up by name; what is returned is called with ``quick``.

    Raises:
        UserError: If there is no study of that name; it lists those that there are and the nearest.
    """
    if name not in study_names():
        raise unknown_name("study", name, study_names())
    module = importlib.import_module(f"{studies.__name__}.{name.replace('-', '_')}")
    found: Callable[..., Study] = module.study
    return found
