"""What is learned from and what is scored on."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet, Split, fit_images
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.datasets.registry import DATASETS, Dataset, dataset_plugin, default_image_size, load_images
from ssl_irmae.errors import NoTestSplitError, UserError, check_choice
from ssl_irmae.networks.registry import CONV, NETWORKS, Network, Networks, find_networks
from ssl_irmae.networks.sizes import ROW
from ssl_irmae.protocols.contenders.plugins import as_used
from ssl_irmae.protocols.development import hold_out
from ssl_irmae.protocols.folds import can_be_scored
from ssl_irmae.protocols.representations.codes_file import CodesFile
from ssl_irmae.protocols.representations.given_codes import CodesOfTask, CodesSource
from ssl_irmae.protocols.storage.rows import PluginUsed

ScoredOn = Literal["test", "development", "folds"]


@dataclass(frozen=True)
class Task:
    """Images at the size that the networks read.

    Args:
        train: Images to learn from, of which some or all are labelled; a learner gets the labels of its subset alone.
        scored: Images that are predicted, all with the labels that only the scorer reads.
        source_fingerprint: Fingerprint of the training images as they came, which identifies the data that an encoder
            was pretrained on.
        unlabelled_fingerprint: The same without their labels, as ``suggest`` and ``classify`` pretrain on them; None if
            no encoder is the user's.
        scored_on: ``"test"``; ``"development"`` for held-out training images; or ``"folds"``: the scored images are
            labelled training images, each scored by what was learned without the labels of its fold.
        not_scored: Number of test images that are not scored because they have no label.
        networks: The family of networks that are trained from scratch.
        codes: Codes of these images that were not made here, by the name that contenders use.
        has_images: Whether there are images; if not, blank ones stand for the rows of ``codes``.
        plugin: What the data set is of, if it was registered from outside.
    """

    train: ImageSet
    scored: ImageSet
    source_fingerprint: str
    unlabelled_fingerprint: str | None = None
    scored_on: ScoredOn = "test"
    not_scored: int = 0
    networks: Networks = CONV
    codes: Mapping[str, CodesOfTask] = dataclasses.field(default_factory=dict)
    has_images: bool = True
    plugin: PluginUsed | None = None


def load_task(
    dataset: Dataset | CodesFile,
    *,
    scored_on: ScoredOn | None = None,
    architectures: Sequence[Architecture] = (),
    network: Network | None = None,
    codes: Mapping[str, CodesSource] | None = None,
    data_dir: Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    progress: Listener = silent,
) -> Task:
    """Load a labelled data set and arrange what is learned from and what is scored on.

    Args:
        dataset: A name, a path to the user's images, or arrays; or codes with labels, of which there are no images.
        scored_on: ``"test"``; or ``"development"``: a sixth of the labelled training images, drawn by their
            fingerprint, is held out and labels come from the rest (MNIST: 10,000 and 50,000), so that settings can be
            chosen without the test images. Of the user's own images it is a sixth of each class. Pretrained encoders
            have seen the held-out images, without labels. Or ``"folds"``: the labelled training images, each scored by
            what was learned from the other folds. None takes the test images, and folds if there is no test split.
        architectures: Architectures of the user's encoders: images get the size and the channels that these read.
        network: The family of networks that are trained from scratch, or a function of one's own; None takes that of
            the encoders, and the usual one if there are none or they differ.
        codes: Where codes of the images come from that are not made here, by the name that contenders use.
        data_dir: Where data are kept.
        labels_from: A table of labels beside a folder of pictures, as in ``load_images``.
        classes: The labels that may be in that table.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Listener of what ``load_images`` reports.

    Raises:
        UserError: If labels or the test split are missing, if all labels are of one class, or if splits or encoders do
            not fit each other.
    """
    if scored_on is not None:
        check_choice("scored_on", scored_on, get_args(ScoredOn))
    wanted = {(a.channels, a.image_size) for a in architectures}
    if len(wanted) > 1:
        raise UserError(
            f"the encoders read images of different channels and sizes {sorted(wanted)}: use encoders of one kind"
        )
    channels, size = next(iter(wanted), (None, 1 if isinstance(dataset, CodesFile) else default_image_size(dataset)))

    def load(split: Split) -> ImageSet:
        if isinstance(dataset, CodesFile):
            if labels_from is not None or classes is not None:
                argument = "classes" if labels_from is None else "labels_from"
                raise UserError(f"`{argument}` is about pictures, and {dataset.title} has its own labels: leave it out")
            rows = dataset.as_images(split)
            progress(Message(f"{rows.name}, {split}: {rows.reading}"))
            return rows
        return load_images(
            dataset,
            split,
            data_dir=data_dir,
            image_size=size,
            labels_from=labels_from,
            classes=classes,
            strict=strict,
            progress=progress,
        )

    source = load("train")
    _require_classes(source)
    if wanted:
        _require_kind(source, columns=channels if size == ROW else None)
    size = ROW if source.are_rows else size
    channels = channels or source.images.shape[1]

    def fitted(images: ImageSet) -> ImageSet:
        return dataclasses.replace(images, images=fit_images(images.images, channels=channels, image_size=size))

    sources, plugin = codes or {}, dataset_plugin(dataset)
    codes_of_train = {name: each.of(source, "train") for name, each in sources.items()}
    arrange = partial(
        Task,
        source_fingerprint=source.fingerprint,
        unlabelled_fingerprint=source.without_labels().fingerprint if architectures else None,
        networks=_networks(network, architectures, source, channels, size, progress),
        has_images=not isinstance(dataset, CodesFile),
        plugin=None if plugin is None else as_used(plugin),
    )
    test = None
    if scored_on not in ("development", "folds"):
        try:
            test = load("test")
        except NoTestSplitError:
            if scored_on == "test":
                raise
    train = fitted(source)
    if test is None and scored_on == "development":
        named = isinstance(dataset, str) and dataset in DATASETS
        rest, held_out = hold_out(train, by_class=not named)
        divided = {
            name: CodesOfTask(rows[rest.numpy()], rows[held_out.numpy()]) for name, rows in codes_of_train.items()
        }
        return arrange(_part(train, rest), _part(train, held_out), scored_on="development", codes=divided)
    if test is None:
        alone = {name: CodesOfTask(rows, None) for name, rows in codes_of_train.items()}
        return arrange(train, _part(train, can_be_scored(train)), scored_on="folds", codes=alone)
    scored = fitted(_with_classes_of(train, test))
    if not len(scored.labelled):
        raise UserError(f"{source.name} has no labels to score with: give its test split labels too")
    codes_of_test = {name: each.of(test, "test") for name, each in sources.items()}
    not_scored = len(scored) - len(scored.labelled)
    if not_scored:
        codes_of_test = {name: rows[scored.labelled.numpy()] for name, rows in codes_of_test.items()}
        scored = _part(scored, scored.labelled)
    both = {name: CodesOfTask(rows, codes_of_test[name]) for name, rows in codes_of_train.items()}
    return arrange(train, scored, not_scored=not_scored, codes=both)


def _require_kind(source: ImageSet, columns: int | None) -> None:
    """Check that the user's encoders read what there is: rows of so many columns, or pictures if None."""
    width = source.images.shape[1] if source.are_rows else None
    if width == columns:
        return
    has = "pictures" if width is None else f"{count(width, 'column')} of numbers"
    if columns is None:
        raise UserError(f"{source.name} has {has}, and the encoders read pictures: name encoders of such rows")
    remedy = "name encoders of pictures" if width is None else "give the columns of their pretraining, in their order"
    raise UserError(f"{source.name} has {has}, and the encoders read rows of {count(columns, 'column')}: {remedy}")


def _networks(
    network: Network | None,
    architectures: Sequence[Architecture],
    source: ImageSet,
    channels: int,
    size: int,
    progress: Listener,
) -> Networks:
    """Return the family of networks from scratch: what is asked for, or what all encoders have."""
    if isinstance(network, str) and network in NETWORKS and not source.are_rows:
        return NETWORKS[network]  # also of codes without images, which have no size
    if source.are_rows or network is not None:
        return find_networks(network, channels=channels, image_size=size)
    found = {architecture.network: architecture.networks for architecture in architectures}
    if len(found) > 1:
        text = (
            f"the encoders have networks of several families ({', '.join(found)}): those from scratch are {CONV.name}"
        )
        progress(Message(text))
    return found.popitem()[1] if len(found) == 1 else CONV


def _require_classes(train: ImageSet) -> None:
    """Check that there are labels, and that they are of two classes at least."""
    if train.labels is None or not len(train.labelled):
        raise UserError(
            f"{train.name} has no labels to learn from: use one sub-folder per class, a table with `labels_from`, "
            "an array 'labels', or a column 'label' of a table of numbers"
        )
    present = train.labels[train.labelled].unique().tolist()
    if len(present) == 1:
        raise UserError(
            f"{train.name}: there is nothing to learn, as the only class among its "
            f"{count(len(train.labelled), f'labelled {train.noun}')} is {train.classes[present[0]]!r}; give labelled "
            f"{train.noun}s of two classes or more"
        )


def _with_classes_of(train: ImageSet, test: ImageSet) -> ImageSet:
    """Number the classes of test images as in training, which may have more of them."""
    if test.labels is None or test.classes == train.classes:
        return test
    unknown = [name for name in test.classes if name not in train.classes]
    if unknown:
        raise UserError(
            f"{train.name}: training has no {train.noun} of the test {'class' if len(unknown) == 1 else 'classes'} "
            f"{listed(unknown)}; add some, or leave the class out of the test split"
        )
    numbers = torch.tensor([train.classes.index(name) for name in test.classes])
    labels = torch.where(test.labels == UNLABELLED, test.labels, numbers[test.labels])
    return dataclasses.replace(test, labels=labels, classes=train.classes)


def _part(images: ImageSet, part: Tensor) -> ImageSet:
    assert images.labels is not None
    return ImageSet(images.name, take(images.images, part), images.labels[part], images.classes)
