"""How many dimensions rows of numbers, images or their codes have, each measure with its spread."""

import textwrap
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.extras import install_command, missing_packages
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.image_set import ImageSet, pixel_rows
from ssl_irmae.datasets.reading import count
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.spectrum import effective_rank, spectrum

EXTRA = "dimension"
THRESHOLD = 0.01
"""Share of the largest singular value from which one is counted."""

_MOST = 5000  # rows whose neighbours are searched: the time grows with the square of their number
_LEAST = 50  # different ones: half of them are more than the 20 neighbours that are asked for
_NAME = 28  # characters of a name in one line, so that a source fits beside it in 80
_RANK = "Roy and Vetterli, 2007"
_ESTIMATORS = {
    "lPCA": "Fukunaga and Olsen, 1971",
    "MLE": "Levina and Bickel, 2004",
    "CorrInt": "Grassberger and Procaccia, 1983",
    "TwoNN": "Facco et al., 2017",
}
"""Estimators of scikit-dimension, by their names there, with its settings."""


@dataclass(frozen=True)
class Measure:
    """One measure of dimension.

    Args:
        name: What is measured.
        value: Of all rows; of several encoders, the mean.
        spread: Standard deviation (ddof=1) over random halves of the rows or, of several encoders, over these.
        source: Authors and year.
    """

    name: str
    value: float
    spread: float
    source: str


@dataclass(frozen=True, repr=False)
class Dimensions:
    """Measures of dimension of some rows.

    Args:
        what: What was measured.
        rows: Number of rows.
        width: Numbers in each.
        measures: The measures.
        threshold: Share of the largest singular value from which one is counted.
        over: What the spread is over.
        notes: What a reader of the numbers needs to know.
    """

    what: str
    rows: int
    width: int
    measures: tuple[Measure, ...]
    threshold: float
    over: str
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values that JSON can hold."""
        return asdict(self)

    def __repr__(self) -> str:
        lines = [f"{self.what}: {count(self.rows, 'row')} of {count(self.width, 'number')}"]
        for m in self.measures:
            *above, last = textwrap.wrap(m.name, _NAME, subsequent_indent="  ")
            lines += [f"  {part}" for part in above]
            lines.append(f"  {last:{_NAME}}  {m.value:7.2f} ± {m.spread:.2f}  {m.source}".rstrip())
        return "\n".join([*lines, f"±: standard deviation over {self.over}.", *self.notes])


def dimension(
    dataset: Dataset,
    *,
    encoder: str | Path | Sequence[str | Path] | None = None,
    seeds: int = 10,
    threshold: float = THRESHOLD,
    network: Pair | None = None,
    data_dir: str | Path | None = None,
    strict: bool = False,
    progress: Listener = silent,
) -> Dimensions:
    """Measure how many dimensions a data set has, or its codes.

    Three kinds of measure: the effective rank of the covariance (Roy and Vetterli, 2007); how many of its singular
    values are above a share of the largest; and, if the extra ``dimension`` is installed, estimators of
    scikit-dimension with its settings. The first two and lPCA count directions of the space that the rows lie in, and
    are large where they lie on a curved surface; MLE, CorrInt and TwoNN look at neighbours, and follow the surface.

    The spread is over random halves of the rows: the standard deviation over halves without replacement is about the
    standard error of the value of all rows (Shao and Wu, "A general theory for jackknife variance estimation", Annals
    of Statistics 1989). With several encoders it is over these, such as pretrainings of several seeds.

    Args:
        dataset: A name, a path or arrays, as in ``load_images``; the training split. Rows of numbers are standardised,
            pixels lie in [0, 1].
        encoder: Folder of an encoder or name of a bundled one, whose codes are measured; several are measured one by
            one. None measures the rows or pixels themselves.
        seeds: Number of random halves, at least 2.
        threshold: Share of the largest singular value from which one is counted, above 0 and below 1.
        network: The function that returns the encoders' networks, if they are one's own.
        data_dir: Folder of the data.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Called with what ``load_images`` reports.

    Raises:
        UserError: If an argument or the data cannot be used.

    >>> print(dimension(np.eye(4)[:, :2], seeds=2).measures[0].name)
    effective rank
    """
    if seeds < 2:
        raise UserError(f"`seeds`: {seeds} is too few for a spread: use 2 or more")
    if not 0 < threshold < 1:
        raise UserError(f"`threshold` must be a share of the largest, above 0 and below 1, got {threshold:g}")
    folders = [] if encoder is None else [encoder] if isinstance(encoder, str | Path) else list(encoder)
    if not folders and encoder is not None:
        raise UserError("`encoder`: there is none in the list; leave it out to measure the data themselves")
    opened = [Encoder.from_pretrained(folder, network=network) for folder in folders]
    # pictures are read at the size of each encoder: resized twice, they would be others
    sizes = [each.config.architecture.image_size for each in opened] or [default_image_size(dataset)]
    read: dict[int, ImageSet] = {}
    for size in sizes:
        said = silent if read else progress  # what is read is said once
        if size not in read:
            read[size] = load_images(
                dataset, data_dir=data_dir, image_size=size, labelled=False, strict=strict, progress=said
            )
    images = read[sizes[0]]
    if len(images) < 4:
        raise UserError(f"{images.name} has {count(len(images), 'row')}: a dimension and its spread need at least 4")
    for each in opened:
        if each.config.columns is not None and images.are_rows:
            title = str(dataset) if isinstance(dataset, str | Path) else images.name
            each.config.columns.require(images.columns, width=images.images.shape[1], title=title)
    what = _describe(images, [str(folder) for folder in folders])
    every = [each.encode(read[each.config.architecture.image_size].images) for each in opened] or [_themselves(images)]
    return measure_dimension(every, what=what, seeds=seeds, threshold=threshold)


def measure_dimension(
    every: Sequence[Tensor], *, what: str = "rows", seeds: int = 10, threshold: float = THRESHOLD
) -> Dimensions:
    """Measure how many dimensions rows have.

    Args:
        every: Rows (n, d), at least 4 of them; or several such, the codes of several encoders.
        what: What they are.
        seeds: Number of random halves, if there are no several.
        threshold: Share of the largest singular value from which one is counted.
    """
    several = len(every) > 1
    spectra = [spectrum(rows) for rows in _with_halves(every, seeds)]
    above = [float((values > threshold * values[0]).sum()) for values in spectra]
    measures = [
        _measure("effective rank", [effective_rank(values) for values in spectra], _RANK, several=several),
        _measure(f"singular values above {threshold:.3g} of the largest", above, "", several=several),
    ]
    notes = []
    different = [_different(rows) for rows in every]
    if missing_packages(EXTRA):
        notes.append(f"Estimators of scikit-dimension are not installed: {install_command(EXTRA)}")
    elif min(len(rows) for rows in different) < _LEAST:
        notes.append(f"Estimators of scikit-dimension need {_LEAST} different rows: there are fewer.")
    else:
        if len(every[0]) > len(different[0]):
            drawn = f"{count(len(different[0]), 'row')}: equal ones count once, and {_MOST:,} at most are drawn"
            notes.append(f"{', '.join(_ESTIMATORS)} look at {drawn}.")
        for name, source in _ESTIMATORS.items():
            estimates = _estimate(name, _with_halves(different, seeds))
            if isinstance(estimates, str):
                notes.append(f"{name} cannot be estimated here ({estimates}).")
            else:
                measures.append(_measure(name, estimates, source, several=several))
    return Dimensions(
        what=what,
        rows=len(every[0]),
        width=every[0].shape[1],
        measures=tuple(measures),
        threshold=threshold,
        over=f"{len(every)} encoders, whose mean is shown" if several else f"{seeds} random halves of the rows",
        notes=tuple(notes),
    )


def estimate_dimension(name: str, rows: Tensor) -> float | None:
    """Estimate the dimension of rows by an estimator of scikit-dimension, which has to be installed.

    Args:
        name: ``"lPCA"``, ``"MLE"``, ``"CorrInt"`` or ``"TwoNN"``.
        rows: Shape (n, d); of very many some are drawn, and equal ones count once.

    Returns:
        The estimate; None if there is none, as for fewer than 50 different rows.
    """
    different = _different(rows)
    found = _estimate(name, [different]) if len(different) >= _LEAST else ""
    return None if isinstance(found, str) else found[0]


def _measure(name: str, values: Sequence[float], source: str, *, several: bool) -> Measure:
    value = float(np.mean(values)) if several else values[0]
    return Measure(name, value, float(np.std(values if several else values[1:], ddof=1)), source)


def _themselves(images: ImageSet) -> Tensor:
    x = images.images
    return Columns.of(x).standardise(x).flatten(1) if images.are_rows else pixel_rows(x)


def _describe(images: ImageSet, folders: Sequence[str]) -> str:
    if folders:
        return f"codes of {images.name} by {', '.join(folders)}"
    return f"{images.name}, {'standardised columns' if images.are_rows else 'pixels'}"


def _with_halves(every: Sequence[Tensor], seeds: int) -> Iterator[Tensor]:
    """Yield what is measured: several sets of rows each, of a single one itself and then its random halves."""
    yield from every
    for seed in range(seeds if len(every) == 1 else 0):
        rows = every[0]
        order = torch.randperm(len(rows), generator=generator("cpu", "half of the rows", seed))
        yield rows[order[: len(rows) // 2]]


def _different(rows: Tensor) -> Tensor:
    """Draw from the rows that differ: of a distance of zero no estimator can take the logarithm."""
    different = torch.unique(rows, dim=0)
    order = torch.randperm(len(different), generator=generator("cpu", "rows for estimators"))
    drawn: Tensor = different[order[:_MOST]]
    return drawn


def _estimate(name: str, every: Iterable[Tensor]) -> tuple[float, ...] | str:
    """Return an estimate for each of several sets of rows, or why there is none."""
    import skdim

    found = []
    for rows in every:
        estimator: Any = getattr(skdim.id, name)()
        fit: Callable[[Any], Any] = estimator.fit
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what it cannot do is seen from its result
                found.append(float(fit(rows.double().numpy()).dimension_))
        except Exception as error:  # the code is not ours, and may raise anything
            return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
    return tuple(found) if np.isfinite(found).all() else "it is not a finite number"
