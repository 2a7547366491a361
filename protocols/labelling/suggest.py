"""Which pictures to label first: from a folder of pictures to a table to fill in."""

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.files import write_atomically
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.image_set import ImageSet, require_pictures
from ssl_irmae.datasets.label_table import NO_LABEL, same_form
from ssl_irmae.datasets.near_labels import near_labels
from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.encoders.encoder import read_config
from ssl_irmae.encoders.files import find_encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.labelling.choose import choose
from ssl_irmae.protocols.labelling.label_sheet import LabelSheet, plain_path
from ssl_irmae.protocols.labelling.learn import few_label_probabilities
from ssl_irmae.protocols.labelling.out_folder import all_labelled, own_folder, refuse_labels_of_others, remember
from ssl_irmae.protocols.labelling.own_encoder import find_own_encoder, fitted_to
from ssl_irmae.protocols.labelling.page.pictures_page import Shown, link, pictures_page
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.labelling.suggestion import Suggestion

TABLE = "labels.csv"
PAGE = "suggestions.html"


@dataclass(frozen=True, repr=False)
class Suggestions:
    """Pictures to label, and where the table to fill in is.

    Args:
        folder: The folder that was written.
        suggestions: What to label and why, the most useful first.
        paths: Path of each suggested picture; its position in the archive if there are no files.
        labelled: How many pictures had a label already.
        total: How many pictures there are.
    """

    folder: Path
    suggestions: tuple[Suggestion, ...]
    paths: tuple[str, ...]
    labelled: int
    total: int

    @property
    def table(self) -> Path:
        """The table, with the columns path and label."""
        return self.folder / TABLE

    @property
    def page(self) -> Path:
        """The page that shows the pictures."""
        return self.folder / PAGE

    def __repr__(self) -> str:
        return (
            f"{count(len(self.paths), 'picture')} to label, of {self.total - self.labelled:,} without a label: "
            f"see {self.page}, and fill in the column label of {self.table}"
        )


def suggest(
    dataset: Dataset,
    *,
    n: int = 20,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    encoder: str | Path | None = None,
    network: Pair | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    strict: bool = False,
    data_dir: str | Path | None = None,
    progress: Listener = silent,
) -> Suggestions:
    """Suggest which pictures to label first, and write a table to fill in and a page that shows them.

    Without labels they are typical of groups of similar pictures; with labels of two classes, every second one is a
    picture of which a classifier of these labels is uncertain. The table holds the known labels too, so that it can be
    given as ``labels_from`` once it is filled in. Labels that stand in the table already, from an earlier call, count
    as known and are kept.

    Args:
        dataset: A name, a path or images in memory, as in ``load_images``.
        n: How many pictures to suggest.
        labels_from: A table with the columns path and label, as in ``load_images``.
        classes: The labels that may be in ``labels_from``, likewise.
        encoder: Folder of a pretrained encoder or the name of a bundled one; unless given, one is pretrained on all the
            pictures and kept in the user's cache.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.
        out: Folder for ``labels.csv`` and ``suggestions.html``; ``runs/NAME-suggest`` unless given.
        seed: Seed of the choice; the same pictures, labels and seed give the same suggestions.
        device: ``"auto"`` or a device that torch knows, such as ``"cuda:1"``.
        strict: Whether pictures that are left out or changed on reading are an error.
        data_dir: Folder of the data; ``$SSL_IRMAE_DATA_DIR`` or the user's cache unless given.
        progress: Called with ``Message`` events and those of pretraining.

    Raises:
        UserError: If an argument, the pictures or the table cannot be used, or fewer than ``n`` have no label.
    """
    if n < 1:
        raise UserError(f"`n`: {n} pictures cannot be suggested; use 1 or more")
    where = find_device(device)
    refuse_labels_of_others(labels_from, dataset)
    size = default_image_size(dataset) if encoder is None else _image_size(encoder)
    images = load_images(
        dataset,
        data_dir=data_dir,
        image_size=size,
        labels_from=labels_from,
        classes=classes,
        strict=strict,
        progress=progress,
    )
    require_pictures(images)
    paths = images.paths or tuple(map(str, range(len(images))))
    _require_utf8(paths)
    folder = own_folder(out, f"{images.name}-suggest", dataset)
    sheet = LabelSheet.read(folder / TABLE)
    known = _known_labels(images, paths, sheet)
    _refuse_other_labels(sheet, known, classes)
    if sheet.labels:
        progress(Message(f"{sheet.file}: {count(len(sheet.labels), 'label')} filled in already, kept"))
    left = len(images) - len(known)
    if left < n:
        raise UserError(
            f"`n`: {count(n, 'picture')} cannot be suggested, since {images.name} has "
            + (f"only {left:,} without a label; use {left:,} or fewer" if left else all_labelled(images, labels_from))
        )
    pretrained = find_own_encoder(images, encoder=encoder, network=network, device=where, progress=progress)
    if encoder is not None and (other_kind := pretrained.other_kind(images.images)):
        progress(Message(other_kind))
    pictures = fitted_to(pretrained, images)
    codes = Pool(pictures, {pretrained.name: pretrained}, where).codes(pretrained)
    progress(Message(f"choosing {n:,} of {count(left, 'picture')} without a label"))
    probabilities_of = functools.partial(few_label_probabilities, pictures, pretrained, where, seed)
    chosen = choose(codes, known, n, seed=seed, probabilities_of=probabilities_of)
    remember(folder, dataset)
    # the page first: after a kill, the table is that of the last complete call, and nothing filled in is lost
    write_atomically(folder / PAGE, _page(dataset, images, paths, chosen, folder=folder, labelled=len(known)))
    rows = [(paths[i], known[i]) for i in sorted(known)] + [(paths[s.position], "") for s in chosen]
    sheet.replace(rows)
    return Suggestions(folder, chosen, tuple(paths[s.position] for s in chosen), len(known), len(images))


def _refuse_other_labels(sheet: LabelSheet, known: dict[int, str], classes: Sequence[str] | None) -> None:
    """Refuse labels that are not meant, or look like slips of others, before they become classes of their own."""
    filled_in = set(sheet.labels.values())
    if classes is not None:
        if others := filled_in - {same_form(name.strip()) for name in classes}:
            named = listed([repr(label) for label in sorted(others)], most=3)
            raise UserError(f"{sheet.file}: {named}: `classes` has only {listed(list(classes), most=20)}")
        return
    if unknown := sorted(NO_LABEL & filled_in):
        raise UserError(
            f"{sheet.file}: {listed([repr(label) for label in unknown])}: leave the label empty where it is not known "
            "or, if a class has this name, name it in `labels_from` and all classes in `classes`"
        )
    pairs = near_labels(Counter(known.values())) if filled_in else []
    if pairs:
        named = listed([f"{rare!r} looks like {frequent!r}" for rare, frequent in pairs], most=3)
        raise UserError(
            f"{sheet.file}: {named}: correct the table or, if both are meant, name it in `labels_from` and all classes "
            "in `classes`"
        )


def _require_utf8(paths: Sequence[str]) -> None:
    bad = [repr(path) for path in paths if path.encode("utf-8", "ignore").decode() != path]
    if bad:
        raise UserError(f"{listed(bad)}: the name is not UTF-8, in which the table is written: rename the file")


def _image_size(encoder: str | Path) -> int:
    return read_config(find_encoder(encoder)).architecture.image_size


def _known_labels(images: ImageSet, paths: Sequence[str], sheet: LabelSheet) -> dict[int, str]:
    """Join the labels of the images with those filled in in the table, by position."""
    known: dict[int, str] = {}
    if images.labels is not None:
        known = {i: images.classes[int(images.labels[i])] for i in images.labelled.tolist()}
    position = {plain_path(path): i for i, path in enumerate(paths)}
    absent = [path for path in sheet.labels if path not in position]
    if absent:
        raise UserError(
            f"{sheet.file} has labels of pictures that {images.name} does not have ({listed(absent)}): remove these "
            "rows, or set `out` to another folder"
        )
    for path, label in sheet.labels.items():
        other = known.setdefault(position[path], label)
        if other != label:
            raise UserError(
                f"{path} is {label!r} in {sheet.file} and {other!r} in the labels of {images.name}: keep one of them, "
                "or set `out` to another folder"
            )
    return known


def _page(
    dataset: Dataset,
    images: ImageSet,
    paths: Sequence[str],
    chosen: Sequence[Suggestion],
    *,
    folder: Path,
    labelled: int,
) -> str:
    left = count(len(images) - labelled, "picture")
    shown = [
        Shown(paths[s.position], images.images[s.position], (s.reason,), file=link(dataset, paths[s.position], folder))
        for s in chosen
    ]
    lines = [
        f"Label these first, of {left} without a label; the most useful come first. Fill in the column label of "
        f"{TABLE}, in the same folder as this page.",
        "Below each picture is why it was chosen."
        + (" Click a picture to open its file." if any(picture.file for picture in shown) else ""),
    ]
    return pictures_page(f"Pictures to label: {images.name}", lines, shown, most=len(shown))
