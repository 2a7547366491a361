"""Whether tensors from a file are what a predictor is rebuilt from."""

from collections.abc import Iterable, Mapping

import torch

from ssl_irmae.protocols.predictors.form import Settings, Tensors

Layout = Mapping[str, tuple[torch.dtype, str]]
"""Type of each tensor, and its dimensions by name: equal names have equal sizes, those of settings included."""


def check_tensors(tensors: Tensors, layout: Layout, settings: Settings, needs: Iterable[str] = ()) -> None:
    """Check names, types and shapes of tensors, and which settings there are.

    Args:
        tensors: What was read.
        layout: What is expected.
        settings: Sizes that are known.
        needs: Names of the settings that there must be, and no others.

    Raises:
        ValueError: If anything is missing, unexpected, empty or of another shape.

    >>> check_tensors({"w": torch.zeros(3, 2)}, {"w": (torch.float32, "classes d")}, {"classes": 4}, ["classes"])
    Traceback (most recent call last):
        ...
    ValueError: 'w' has shape (3, 2), expected (classes 4, d)
    """
    for kind, found, expected in (("tensors", tensors, set(layout)), ("settings", settings, set(needs))):
        if set(found) != expected:
            raise ValueError(f"the {kind} are {sorted(found)}, expected {sorted(expected)}")
    sizes = dict(settings)
    for name, (dtype, dimensions) in layout.items():
        x, dims = tensors[name], dimensions.split()
        if x.dtype != dtype:
            raise ValueError(f"{name!r} has type {x.dtype}, expected {dtype}")
        fits = x.ndim == len(dims) and all(
            size > 0 and sizes.setdefault(dim, size) == size for dim, size in zip(dims, x.shape, strict=True)
        )
        if not fits:
            expected_shape = ", ".join(f"{dim} {sizes[dim]}" if dim in sizes else dim for dim in dims)
            raise ValueError(f"{name!r} has shape {tuple(x.shape)}, expected ({expected_shape})")


def check_classes(labels: torch.Tensor, classes: int) -> None:
    """Check that labels, int64 of any shape, are class indices.

    Raises:
        ValueError: If one is not.
    """
    if int(labels.min()) < 0 or int(labels.max()) >= classes:
        raise ValueError(f"a label is not one of {classes} class indices")


def part_of(tensors: Tensors, name: str) -> dict[str, torch.Tensor]:
    """Return the tensors of one part, whose names begin with ``name`` and a dot, without that beginning.

    >>> part_of({"head.bias": torch.zeros(2), "mean": torch.zeros(3)}, "head")
    {'bias': tensor([0., 0.])}
    """
    return {key.removeprefix(f"{name}."): x for key, x in tensors.items() if key.startswith(f"{name}.")}


def named_part(name: str, tensors: Tensors) -> dict[str, torch.Tensor]:
    """Return tensors under names that begin with the name of a part and a dot."""
    return {f"{name}.{key}": x for key, x in tensors.items()}
