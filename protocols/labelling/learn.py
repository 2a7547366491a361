"""Learn a classifier from a few labels among many pictures, and what error to expect of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.for_few_labels import (
    contender_of,
    contenders_for_few_labels,
    frozen_counterpart,
    on_representation,
    usual_readout,
)
from ssl_irmae.protocols.contenders.registry import CONTENDERS, choose
from ssl_irmae.protocols.labelling.calibration import fit_temperature
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.expected_error import ExpectedError, expected_error
from ssl_irmae.protocols.labelling.held_out import HeldOut, distinct, fold_count, held_out_logits
from ssl_irmae.protocols.labelling.own_encoder import own_name
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.representations.floors import Floor
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder

_FOLDS, _REPEATS = 10, 5
_NETWORK_FOLDS = 3
_CALIBRATED_FROM = 50  # held-out pictures
_ROWS = "rows"


@dataclass(frozen=True)
class Learned:
    """A classifier and what is known about it.

    Args:
        classifier: The classifier.
        contender: Its name.
        reason: Why this contender, as a clause.
        expected: What error to expect; None if no class has two pictures that differ.
    """

    classifier: Classifier
    contender: str
    reason: str
    expected: ExpectedError | None


@dataclass(frozen=True)
class Fitted:
    """A predictor and what cross-validation says of it.

    Args:
        predictor: The predictor.
        contender: Name of the contender.
        expected: What error to expect; None if no class has two pictures that differ, or nothing was held out.
        temperature: What its logits are divided by to be calibrated; None if there are too few labels for that.
    """

    predictor: Form
    contender: str
    expected: ExpectedError | None
    temperature: float | None


def learn(
    images: ImageSet,
    encoder: OpenedEncoder | None,
    *,
    contender: str | None = None,
    estimate: bool = True,
    seed: int = 0,
    device: torch.device,
    progress: Listener = silent,
) -> Learned:
    """Choose a contender, fit it on all labels, estimate its error and calibrate its confidence.

    The usual contender is the one that made the fewest errors on development images of MNIST and Fashion-MNIST with
    about so many labels per class (docs/results/few-labels), on the codes of the encoder. Cross-validation over the
    labelled pictures may choose plain pixels instead. All pictures are its unlabelled pool.

    Args:
        images: All pictures, at the size and with the channels that the encoder reads; a label of -1 is none.
        encoder: The pretrained encoder; None for a contender that needs none.
        contender: Name of the contender to fit instead of the usual one.
        estimate: Whether to estimate the error and calibrate, where ``contender`` makes it unnecessary to choose.
        seed: Seed of every random choice.
        device: Where networks run.
        progress: Told about what takes long.

    Raises:
        UserError: If fewer than two classes have a label, or the contender is unknown or cannot be kept.
    """
    source = own_name(None) if encoder is None else encoder.name
    check_request(images, source, contender)
    pool = Pool(images, {} if encoder is None else {source: encoder}, device)
    _, labels = pool.labelled
    present = labels.unique()
    known = contenders_for_few_labels(source)
    held_out: HeldOut | None
    if contender is None:
        name, held_out, reason = _on_codes_or_pixels(
            pool, usual_readout(len(labels), len(present)), source, known, seed
        )
    else:
        name, reason = contender, "the contender that was asked for"
        held_out = hold_out(pool, name, known, seed) if estimate else None
    progress(Message(f"fitting {name} on {count(len(labels), 'label')} of {count(len(present), 'class', 'classes')}"))
    fitted = fit(pool, name, known, held_out=held_out, seed=seed, progress=progress)
    classifier = Classifier.of(
        fitted.predictor,
        representation=pool.representation(known[name]),
        reads=known[name].reads,
        classes=images.classes,
        train=images.images,
        device=str(device),
    )
    changed = [] if images.reading is None else list(images.reading.changed)
    card = {
        "contender": name,
        "changed": changed,
        "labels": len(labels),
        "expected_error": None if fitted.expected is None else asdict(fitted.expected),
    }
    temperature = fitted.temperature
    classifier = replace(
        classifier,
        temperature=temperature or 1.0,
        calibrated=temperature is not None,
        card=card,
        scale=images.scale,
    )
    return Learned(classifier, name, reason, fitted.expected)


def learn_from_rows(
    rows: Tensor,
    labels: Tensor,
    classes: tuple[str, ...],
    *,
    readout: str | None = None,
    estimate: bool,
    seed: int = 0,
    device: torch.device,
) -> Fitted:
    """Fit a readout of rows of numbers, such as codes that were made elsewhere.

    The usual readout for so many labels is the one of ``learn``, where that is one of frozen codes, or else its frozen
    counterpart.

    Args:
        rows: fp32 (n, d).
        labels: Class indices, int64 (n,), -1 for a row without a label.
        classes: Names of the classes, of which two or more have a label.
        readout: Name of the readout to fit instead of the usual one.
        estimate: Whether to estimate the error and calibrate.
        seed: Seed of every random choice.
        device: Where networks run.

    Raises:
        UserError: If there is no such readout, or its classifier cannot be kept.
    """
    known = contenders_for_few_labels(_ROWS)
    given = Floor(_ROWS, lambda _train: lambda _images: rows)  # nothing to encode
    pool = Pool(ImageSet(_ROWS, rows[:, :, None, None], labels, classes), {_ROWS: given}, device)
    usual = usual_readout(len(pool.images.labelled), len(classes))
    name = frozen_counterpart(on_representation(_ROWS, usual, known), known)
    if readout is not None:
        name = contender_of(_ROWS, readout=readout, learner=None)
    return fit(pool, name, known, held_out=hold_out(pool, name, known, seed) if estimate else None, seed=seed)


def fit(
    pool: Pool,
    name: str,
    known: Mapping[str, Contender],
    *,
    held_out: HeldOut | None,
    seed: int,
    progress: Listener = silent,
) -> Fitted:
    """Fit a contender on all labels of a pool; estimate its error and calibrate it where something was held out.

    Args:
        pool: The pictures and their labels.
        name: Name of the contender.
        known: Every contender there is.
        held_out: What ``hold_out`` returned for it; None for neither estimate nor calibration.
        seed: Seed of every random choice.
        progress: Told about what takes long.
    """
    chosen, stand_in = known[name], frozen_counterpart(name, known)
    (predictor,) = pool.fit(chosen, [pool.labelled], seed=seed)
    if held_out is None:
        return Fitted(predictor, name, None, None)
    _, labels = pool.labelled
    apart = set(labels.tolist()) - set(held_out.labels.tolist())
    expected = expected_error(
        stand_in,
        held_out.logits.argmax(1),
        held_out.labels,
        repeats=_REPEATS,
        left_out=tuple(pool.images.classes[c] for c in sorted(apart)),
        copies=len(labels) - len(pool.originals.unique()),
    )
    if expected is None or expected.pictures < _CALIBRATED_FROM:
        return Fitted(predictor, name, expected, None)
    if stand_in != name:
        held_out = held_out_logits(
            pool, chosen, count=_folds(pool, most=_NETWORK_FOLDS), repeats=1, seed=seed, progress=progress
        )
    temperature = fit_temperature(held_out.logits, held_out.labels, pictures=expected.pictures)
    return Fitted(predictor, name, expected, temperature)


def hold_out(pool: Pool, name: str, known: Mapping[str, Contender], seed: int) -> HeldOut:
    """Return what a contender, or its frozen counterpart, says of labelled pictures that were held out."""
    contender = known[frozen_counterpart(name, known)]
    return held_out_logits(pool, contender, count=_folds(pool, most=_FOLDS), repeats=_REPEATS, seed=seed)


def _folds(pool: Pool, *, most: int) -> int:
    _, labels = pool.labelled
    return fold_count(labels[distinct(labels, pool.originals)], most=most)


def check_request(images: ImageSet, encoder: str, contender: str | None) -> None:
    """Check what can be checked before anything is pretrained.

    Args:
        images: The pictures and their labels.
        encoder: The name of the encoder.
        contender: Name of the contender that was asked for, if one was.

    Raises:
        UserError: If fewer than two classes have a label, or the contender is unknown or cannot be kept.
    """
    present = [] if images.labels is None else images.labels[images.labelled].unique().tolist()
    if len(present) < 2:
        found = f"all labels are {images.classes[present[0]]!r}" if present else "no picture has a label"
        raise UserError(f"{images.name}: {found}: label pictures of at least two classes")
    known = contenders_for_few_labels(encoder)
    if contender in CONTENDERS and contender not in known:
        raise UserError(
            f"unknown contender {contender!r} here: it can be evaluated, but not kept as a classifier; take another, "
            f"such as {encoder}-poisson"
        )
    if contender is not None:
        choose([contender], known)


def few_label_probabilities(
    images: ImageSet, encoder: OpenedEncoder, device: torch.device, seed: int, positions: Tensor, labels: Tensor
) -> Tensor:
    """Return what the usual contender makes of all pictures, or its frozen counterpart if it trains a network.

    Args:
        images: All pictures, at the size and with the channels that the encoder reads; their labels are not used.
        encoder: The pretrained encoder.
        device: Where networks run.
        seed: Seed of every random choice.
        positions: The labelled pictures, int64 (l,), ascending.
        labels: Their classes, int64 (l,); every class from 0 to the largest occurs, and there are at least two.

    Returns:
        Uncalibrated probabilities, fp32 (n, classes).
    """
    classes = int(labels.max()) + 1
    every = torch.full((len(images),), UNLABELLED)
    every[positions] = labels
    pool = Pool(replace(images, labels=every, classes=tuple(map(str, range(classes)))), {encoder.name: encoder}, device)
    known = contenders_for_few_labels(encoder.name)
    usual = on_representation(encoder.name, usual_readout(len(labels), classes), known)
    contender = known[frozen_counterpart(usual, known)]
    (predictor,) = pool.fit(contender, [pool.labelled], seed=seed)
    return predictor.logits(pool.inputs(contender)).softmax(1)


def _on_codes_or_pixels(
    pool: Pool, readout: str, encoder: str, known: Mapping[str, Contender], seed: int
) -> tuple[str, HeldOut, str]:
    """Choose between the encoder's codes and plain pixels by cross-validation, since an encoder can do harm.

    Pixels are taken only if they err less by more than one standard error of the difference, over the pictures: with
    few labels that is rare.

    Returns:
        The contender's name, what its frozen counterpart says of held-out pictures, and why it was chosen.
    """
    names = [on_representation(source, readout, known) for source in (encoder, "pixels")]
    counterparts = [frozen_counterpart(name, known) for name in names]
    codes, pixels = (hold_out(pool, name, known, seed) for name in counterparts)
    usual = f"the usual contender for {count(len(pool.images.labelled), 'label')}"
    if not len(codes.labels):
        return names[0], codes, f"{usual}; with one picture per class, codes and pixels cannot be compared"
    difference = (pixels.errors - codes.errors).reshape(_REPEATS, -1).mean(0)
    better = float(difference.mean()) < -float(difference.std()) / len(difference) ** 0.5
    errors = " and ".join(
        f"{100 * float(held_out.errors.mean()):.1f} % by {name}"
        for name, held_out in zip(counterparts, (codes, pixels), strict=True)
    )
    reason = f"{usual}, on {'plain pixels' if better else 'codes'}: errors in cross-validation are {errors}"
    if better:
        return names[1], pixels, f"{reason}; picking the lower of the two makes it slightly too low"
    return names[0], codes, reason
