"""What was read from a folder of pictures, and what was left out, in words."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ssl_irmae.datasets.picture_files import Listing, describe
from ssl_irmae.datasets.pictures import Picture
from ssl_irmae.datasets.reading import count, listed


def what_was_read(pictures: Sequence[Picture], names: Sequence[str | None], *, deeper: bool = False) -> tuple[str, ...]:
    """Write what pictures there are.

    Args:
        pictures: At least one.
        names: Name of the class of each, None for one without a label.
        deeper: Whether folders further down were passed over, so that a person may want to know what the classes are.
    """
    classes = sorted({name for name in names if name is not None})
    sizes = sorted({p.size for p in pictures}, key=lambda size: (size[0] * size[1], size))
    smallest, largest = (f"{width}x{height}" for width, height in (sizes[0], sizes[-1]))
    unlabelled = sum(name is None for name in names)
    what = [
        count(len(pictures), "picture"),
        f"{smallest} pixels" if len(sizes) == 1 else f"{len(sizes):,} sizes from {smallest} to {largest} pixels",
        "grey" if all(p.grey for p in pictures) else "colour",
    ]
    if not classes:
        return (*what, "no labels")
    named = f"the top folders {listed(classes)}" if deeper else listed(classes)
    what.insert(1, f"{count(len(classes), 'class', 'classes')} ({named})")
    if not unlabelled:
        return (*what, "all labelled")
    return (*what, f"{len(names) - unlabelled:,} labelled", f"{unlabelled:,} unlabelled")


def left_out(listing: Listing, pictures: Sequence[Picture], others: Sequence[Path]) -> list[str]:
    """Write what was left out.

    Args:
        listing: What the folder holds.
        pictures: Its pictures.
        others: Its files that are not pictures.
    """
    parts = describe(listing.left_out)
    if others:
        kinds = Counter(file.suffix.lower().removeprefix(".") or "no suffix" for file in others)
        nouns = ("file that is not a picture", "files that are not pictures")
        parts.append(f"{count(len(others), *nouns)} ({listed(sorted(kinds))})")
    pages = sum(p.further_pages for p in pictures)
    if pages:
        parts.append(count(pages, "further page or frame", "further pages or frames"))
    bands = sum(p.further_bands > 0 for p in pictures)
    if bands:
        parts.append(f"bands that are neither colour nor transparency in {count(bands, 'picture')}")
    return parts
