"""Which array of an archive is which: our names, and the well-known names of other makers."""

import re
from collections.abc import Iterable

from ssl_irmae.datasets.reading import listed
from ssl_irmae.errors import UserError

ALIASES = {
    "images": ("train_images", "x_train", "x", "data", "rows", "train_rows"),
    "labels": ("train_labels", "y_train", "y", "targets", "target"),
    "test_images": ("x_test", "test_rows"),
    "test_labels": ("y_test",),
}
"""Names of MedMNIST, Keras, scikit-learn and torchvision, and those of rows of numbers, in lower case, which the names
in archives need not be."""

_VALIDATION = re.compile(r"(val|valid|validation)_|.*_(val|valid|validation)$", re.IGNORECASE)


def find_names(names: Iterable[str], title: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Find the arrays that are read.

    Args:
        names: Names of all arrays.
        title: How error messages call the archive.

    Returns:
        The name of each array that is read, under ours; and what is left out.

    Raises:
        UserError: If several arrays could be meant.

    >>> find_names(["X_train", "y_train", "x_val", "ids"], "m.npz")
    ({'images': 'X_train', 'labels': 'y_train'}, ('validation array x_val', 'array ids'))
    """
    names = sorted(names)
    found = {}
    for ours, aliases in ALIASES.items():
        meant = [ours] if ours in names else [name for name in names if name.lower() in aliases]
        if len(meant) > 1:
            raise UserError(f"{title}: {' and '.join(meant)} could all be the array '{ours}': name the one '{ours}'")
        if meant:
            found[ours] = meant[0]
    others = [name for name in names if name not in found.values()]
    validation = [name for name in others if _VALIDATION.match(name)]
    unknown = [name for name in others if name not in validation]
    left_out = [_counted("validation array", validation), _counted("array", unknown)]
    return found, tuple(part for part in left_out if part)


def _counted(noun: str, names: list[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {listed(names)}" if names else ""
