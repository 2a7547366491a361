"""Label all pictures from few labels, and say how far to trust it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ssl_irmae._support.compute import find_device
from ssl_irmae._support.files import write_atomically
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet, require_pictures
from ssl_irmae.datasets.label_table import same_form
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.datasets.reading import count, listed
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.encoders.files import CONFIG
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair, name_of
from ssl_irmae.protocols.labelling.expected_error import ExpectedError
from ssl_irmae.protocols.labelling.learn import Learned, check_request, learn
from ssl_irmae.protocols.labelling.out_folder import all_labelled, own_folder, refuse_labels_of_others, remember
from ssl_irmae.protocols.labelling.own_encoder import (
    at_usual_size,
    find_own_encoder,
    fitted_to,
    needs_encoder,
    own_name,
)
from ssl_irmae.protocols.labelling.page.pictures_page import Shown, link, pictures_page
from ssl_irmae.protocols.labelling.predictions import Predictions, changed_since, keep_record
from ssl_irmae.protocols.representations.pretrained import open_encoder
from ssl_irmae.protocols.running.trouble import solvers_watched

TABLE, PAGE, CLASSIFIER = "predictions.csv", "report.html", "classifier"
_RECORD = "predictions.sha256"  # in the folder of the classifier
_LEVELS = (0.9, 0.5)


@dataclass(frozen=True, repr=False)
class Classification:
    """Labels for all pictures that had none; printing it says how far to trust them.

    Args:
        dataset: Name of the pictures.
        predictions: Label, confidence and second label of every picture that had no label.
        learned: The classifier and what is known about it.
        labels: Number of labels it learned from.
        folder: The folder that was written.
        command: The command that suggests what to label next.
    """

    dataset: str
    predictions: Predictions
    learned: Learned
    labels: int
    folder: Path
    command: str

    def __repr__(self) -> str:
        return "\n".join([*self.answer(), *self.caveats(), *self.what_next()])

    def answer(self) -> list[str]:
        """Say what was done and how good it is."""
        classes = len(self.learned.classifier.classes)
        lines = [
            f"{count(len(self.predictions.paths), 'picture')} labelled by {self.learned.contender} from "
            f"{count(self.labels, 'label')} of {count(classes, 'class', 'classes')}."
        ]
        expected = self.learned.expected
        if expected is None:
            lines.append(
                "Expected error: it cannot be estimated from one picture per class; label two or more of each that "
                "differ."
            )
        elif expected.bound_only:
            lines.append(
                f"Expected error: below {expected.high:.0f} % if the labelled pictures are a random sample; five "
                "labels per class give an estimate."
            )
        else:
            lines.append(
                f"Expected error: {expected.mean:.1f} %, with a 95 % interval from {expected.low:.1f} to "
                f"{expected.high:.1f} % if the labelled pictures are a random sample."
            )
            doubt = self.predictions.doubt
            if doubt is not None and doubt > expected.high:
                lines.append(
                    f"By the confidence of the others about {doubt:.0f} % are wrong: they may be harder than these."
                )
        if expected is not None and expected.no_better:
            lines.append(
                f"Always naming the most frequent class would be wrong for {expected.most_frequent:.0f} %: these "
                "labels do not show that the classifier is better. Label more."
            )
        never = [name for name in self.learned.classifier.classes if name not in set(self.predictions.labels)]
        if never:
            lines.append(f"No picture was labelled {listed(never)}.")
        return lines

    def caveats(self) -> list[str]:
        """Say what the expected error leaves out, and whether confidence is calibrated."""
        learned = self.learned
        lines = [] if learned.expected is None else expected_error_caveats(learned.expected, learned.contender)
        return [*lines, f"{learned.contender} is {learned.reason}."]

    def what_next(self) -> list[str]:
        """Say how many pictures are uncertain, and what to label next."""
        confidence = torch.tensor(self.predictions.confidence)
        below = [f"{count(int((confidence < level).sum()), 'picture')} below {level:g}" for level in _LEVELS]
        trust = (
            f"Confidence: {', '.join(below)}."
            if self.learned.classifier.calibrated
            else "Confidence only ranks the pictures: with so few labels it cannot be calibrated."
        )
        return [trust, "To label what it is least sure of:", f"  {self.command}"]


def expected_error_caveats(expected: ExpectedError, contender: str) -> list[str]:
    """Return what the expected error rests on, one sentence each."""
    lines = [
        f"The expected error comes from cross-validation on {count(expected.pictures, 'labelled picture')}, with fewer "
        "labels than the classifier has, so it is probably somewhat too high.",
        "If you labelled pictures that were suggested, they are not a random sample, and the error is a rough guide.",
        "Pictures were held out without their labels but stayed in the pool of unlabelled pictures, as those to be "
        "labelled are.",
    ]
    if expected.contender != contender:
        lines.insert(1, f"{expected.contender} stands in for {contender}, which takes too long to cross-validate.")
    if expected.left_out:
        lines.append(
            "Classes with one labelled picture, copies aside, are not in the expected error: "
            f"{', '.join(expected.left_out)}."
        )
    if expected.copies:
        lines.append(
            f"Labelled pictures that are copies of others: {expected.copies}; they count once, or not at all where "
            "their labels differ."
        )
    return lines


def classify(
    dataset: Dataset,
    *,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    encoder: str | Path | None = None,
    network: Pair | None = None,
    contender: str | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    strict: bool = False,
    data_dir: str | Path | None = None,
    progress: Listener = silent,
) -> Classification:
    """Label every picture that has no label.

    Pretrains an encoder on all pictures, unless a contender is asked for that needs none, fits the contender that so
    many labels call for, and estimates its error by cross-validation over the labelled pictures.

    Args:
        dataset: A folder of pictures, an ``.npz``, or arrays, as in ``load_images``; labels of -1 are none.
        labels_from: A table with the columns ``path`` and ``label``, for a folder.
        classes: Every class there is, for the table; its labels unless given.
        encoder: Name of a bundled encoder, or a folder; one is pretrained on all pictures unless given.
        network: The function that returns the encoder's networks, if it was pretrained with networks of one's own.
        contender: Name of a contender to fit instead of the one that so many labels call for.
        out: The folder to write; ``runs/NAME-classify`` unless given.
        seed: Seed of every random choice.
        device: ``"auto"`` or a device that torch knows.
        strict: Whether anything left out or changed while reading is an error.
        data_dir: Folder of the data, for a named data set.
        progress: Called with every event.

    Returns:
        The labels, and how far to trust them. ``out`` holds ``predictions.csv`` (path, label, confidence, second),
        ``report.html`` and the folder ``classifier``, which ``predict`` takes.

    Raises:
        UserError: If the pictures or labels cannot be used; nothing is half written.
    """
    torch_device = find_device(device)
    refuse_labels_of_others(labels_from, dataset)
    size = default_image_size(dataset)
    if encoder is not None:
        size = open_encoder("own", encoder, network).architecture.image_size
    images = load_images(
        dataset,
        image_size=size,
        labels_from=labels_from,
        classes=classes,
        strict=strict,
        data_dir=data_dir,
        progress=progress,
    )
    require_pictures(images)
    if images.labels is None:
        raise UserError(
            f"{images.name}: no picture has a label: put a few into labelled/CLASS/, or name a table with `labels_from`"
        )
    if absent := [name for name in classes or () if same_form(name.strip()) not in images.classes]:
        progress(Message(f"{images.name}: no picture has the label {listed(absent)}, so none can get it"))
    rest = (images.labels == UNLABELLED).nonzero().flatten()
    if not len(rest):
        raise UserError(
            f"{images.name}: there is nothing to classify, since it has {all_labelled(images, labels_from)}"
        )
    folder = own_folder(out, f"{images.name}-classify", dataset)
    foreign = [name for name in (TABLE, PAGE) if (folder / name).exists()]
    if foreign and not (folder / CLASSIFIER / CONFIG).is_file():
        raise UserError(f"`out`: {folder} has its own {listed(foreign)}, which would be lost: name another folder")
    if changed_since(folder / TABLE, folder / CLASSIFIER / _RECORD):
        raise UserError(
            f"`out`: {folder / TABLE} was changed since it was written, and this would be lost: move it, or name "
            "another folder"
        )
    check_request(images, own_name(encoder), contender)
    found = None
    if encoder is not None or network is not None or contender is None or needs_encoder(contender):
        found = find_own_encoder(images, encoder=encoder, network=network, device=torch_device, progress=progress)
        if encoder is not None and (other_kind := found.other_kind(images.images)):
            progress(Message(other_kind))
    images = at_usual_size(images) if found is None else fitted_to(found, images)
    with solvers_watched() as trouble:
        learned = learn(images, found, contender=contender, seed=seed, device=torch_device, progress=progress)
    if trouble:
        progress(Message(f"not converged, here or in cross-validation: {listed(trouble)}"))
    paths = images.paths or tuple(map(str, range(len(images))))
    unlabelled = ImageSet(images.name, take(images.images, rest), paths=tuple(paths[i] for i in rest.tolist()))
    predictions = Predictions.of(learned.classifier, unlabelled)
    words = ["suggest", str(dataset) if isinstance(dataset, str | Path) else "PICTURES"]
    given = {"--labels-from": labels_from, "--classes": classes and ",".join(classes), "--encoder": encoder}
    given["--network"] = None if network is None else name_of(network)
    words += [word for option, value in given.items() if value is not None for word in (option, str(value))]
    result = Classification(
        images.name,
        predictions,
        learned,
        len(images.labelled),
        folder,
        shlex.join(["ssl-irmae", *words]),
    )
    remember(folder, dataset)
    learned.classifier.save(folder / CLASSIFIER)
    write_atomically(folder / PAGE, _page(result, dataset, unlabelled))
    record = folder / CLASSIFIER / _RECORD
    record.unlink(missing_ok=True)  # after a kill between the two, the table is not taken for a corrected one
    predictions.write_csv(folder / TABLE)
    keep_record(folder / TABLE, record)
    return result


def _page(result: Classification, dataset: Dataset, images: ImageSet) -> str:
    predictions = result.predictions
    shown = [
        Shown(
            predictions.paths[i],
            images.images[i],
            (f"{predictions.labels[i]} ({predictions.confidence[i]:.2f}), or {predictions.second[i]}",),
            file=link(dataset, predictions.paths[i], result.folder),
        )
        for i in torch.tensor(predictions.confidence).argsort(stable=True).tolist()
    ]
    lines = [*result.answer(), *result.what_next()]
    return pictures_page(f"{result.dataset}: the least certain first", lines, shown, details=result.caveats())
