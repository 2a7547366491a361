"""Predicted labels of pictures, and the table of them."""

import csv
import io
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ssl_irmae._support.files import check_folder, sha256, write_atomically
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.labelling.classifier import Classifier

_COLUMNS = ("path", "label", "confidence", "second")
_LOW = (0.5, 0.8)


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of pictures, in their order.

    Args:
        paths: Path of each picture, relative to the folder that was read; its index if it has no file.
        labels: The most probable class of each.
        confidence: Its probability.
        second: The next class of each; empty if there is one class only.
        calibrated: Whether the probabilities are the chances of being right, or only rank the pictures.
    """

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    confidence: tuple[float, ...]
    second: tuple[str, ...]
    calibrated: bool

    @classmethod
    def of(cls, classifier: Classifier, images: ImageSet) -> Self:
        """Predict the labels of images.

        Raises:
            UserError: If the classifier has no finite scores for some of them.
        """
        probabilities = classifier.probabilities(images.images)
        bad = (~probabilities.isfinite().all(1)).nonzero().flatten()
        paths = images.paths or tuple(map(str, range(len(images))))
        if len(bad):
            raise UserError(
                f"the classifier has no finite scores for {count(len(bad), 'picture')}, such as {paths[int(bad[0])]}: "
                "classify again"
            )
        # stable, so that equal probabilities have one order
        values, order = probabilities.sort(dim=1, descending=True, stable=True)
        names = classifier.classes
        second = tuple(names[i] for i in order[:, 1]) if len(names) > 1 else ("",) * len(paths)
        labels = tuple(names[i] for i in order[:, 0])
        return cls(paths, labels, tuple(values[:, 0].tolist()), second, classifier.calibrated)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def doubt(self) -> float | None:
        """How many of the labels are wrong by their own confidence, percent; None if this is not calibrated."""
        return 100 * (1 - statistics.fmean(self.confidence)) if self.calibrated and self.confidence else None

    def __str__(self) -> str:
        """Return one line: how many labels, how certain, and whether the confidence is calibrated.

        >>> print(Predictions(("0", "1"), ("cat", "dog"), (0.7, 0.9), ("dog", "cat"), calibrated=True))
        2 labels, 0 with a confidence below 0.5 and 1 below 0.8; confidence is calibrated
        """
        if not self.calibrated:
            return f"{count(len(self), 'label')}; confidence is not calibrated: it ranks the pictures, and no more"
        half, most = (sum(p < limit for p in self.confidence) for limit in _LOW)
        return (
            f"{count(len(self), 'label')}, {half:,} with a confidence below {_LOW[0]} and {most:,} below {_LOW[1]}; "
            "confidence is calibrated"
        )

    def write_csv(self, path: Path) -> None:
        """Write path, label, confidence and second of every picture, completely or not at all."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_COLUMNS)
        confidence = (f"{p:.4f}" for p in self.confidence)
        writer.writerows(zip(self.paths, self.labels, confidence, self.second, strict=True))
        # names of files need not be UTF-8: they are written as the bytes that they are
        write_atomically(path, buffer.getvalue().encode("utf-8", "surrogateescape"))


def keep_record(table: Path, record: Path) -> None:
    """Write down what a table holds, so that ``changed_since`` can tell whether somebody corrected it."""
    write_atomically(record, sha256(table.read_bytes()) + "\n")


def changed_since(table: Path, record: Path) -> bool:
    """Return whether a table holds something else than when the record was written."""
    return table.is_file() and record.is_file() and sha256(table.read_bytes()) != record.read_text().strip()


def check_table(out: Path, source: object) -> None:
    """Check that a table of predictions can be written without losing anything but an older one.

    Args:
        out: File to write.
        source: What pictures are read from: a name, a path or arrays.

    Raises:
        UserError: If it is not a .csv, cannot be written, or there is something else in its place.
    """
    if out.suffix.lower() != ".csv":
        raise UserError(f"`out` {out}: the name must end in .csv")
    if out.is_dir():
        raise UserError(f"`out` {out} is a folder: give a file in it, such as {out / 'labels.csv'}")
    check_folder(out.parent)
    folder = Path(source).resolve() if isinstance(source, str | Path) else None
    if folder is not None and folder.is_dir() and out.resolve().is_relative_to(folder):
        raise UserError(f"`out` {out} lies among the pictures: give another file")
    if not out.exists():
        return
    if isinstance(source, str | Path) and Path(source).exists() and out.samefile(source):
        raise UserError(f"`out` {out} is the data itself, which would be lost: give another file")
    with out.open(encoding="utf-8", errors="replace") as file:
        first = file.readline()
    if first.strip() not in ("", ",".join(_COLUMNS)):
        raise UserError(
            f"`out` {out} exists and is not a table of predictions, so it is not overwritten: give another file"
        )
