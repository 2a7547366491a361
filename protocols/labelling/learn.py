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
    contenders_for_few_labels,
    frozen_counterpart,
    on_representation,
    usual_readout,
)
from ssl_irmae.protocols.contenders.registry import choose
from ssl_irmae.protocols.labelling.calibration import fit_temperature
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.expected_error import ExpectedError, expected_error
from ssl_irmae.protocols.labelling.held_out import HeldOut, fold_count, held_out_logits
from ssl_irmae.protocols.labelling.pool import Pool
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder

_FOLDS, _REPEATS = 10, 5
_NETWORK_FOLDS = 3
_CALIBRATED_FROM = 50  # held-out pictures


@dataclass(frozen=True)
class Learned:
    """A classifier and what is known about it.

    Args:
        classifier: The classifier.
        contender: Its name.
        reason: Why this contender, as a clause.
        expected: What error to expect; None if no class has two labels.
    """

    classifier: Classifier
    contender: str
    reason: str
    expected: ExpectedError | None


def learn(
    images: ImageSet,
    encoder: PretrainedEncoder,
    *,
    contender: str | None = None,
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
        encoder: The pretrained encoder.
        contender: Name of the contender to fit instead of the usual one.
        seed: Seed of every random choice.
        device: Where networks run.
        progress: Told about what takes long.

    Raises:
        UserError: If fewer than two classes have a label, or the contender is unknown or cannot be kept.
    """
    check_request(images, encoder.name, contender)
    pool = Pool(images, {encoder.name: encoder}, device)
    _, labels = pool.labelled
    present = labels.unique()
    known = contenders_for_few_labels(encoder.name)
    if contender is None:
        name, held_out, reason = _on_codes_or_pixels(
            pool, usual_readout(len(labels), len(present)), encoder.name, known, seed
        )
    else:
        name, reason = contender, "the contender that was asked for"
        held_out = _held_out(pool, known[frozen_counterpart(name, known)], seed)
    chosen = known[name]
    stand_in = frozen_counterpart(name, known)
    progress(Message(f"fitting {name} on {count(len(labels), 'label')} of {count(len(present), 'class', 'classes')}"))
    (predictor,) = pool.fit(chosen, [pool.labelled], seed=seed)
    expected = expected_error(
        stand_in,
        held_out.logits.argmax(1),
        held_out.labels,
        repeats=_REPEATS,
        left_out=tuple(images.classes[int(c)] for c in present if int((labels == c).sum()) == 1),
    )
    temperature = None
    if expected is not None and expected.pictures >= _CALIBRATED_FROM:
        if stand_in != name:
            folds = fold_count(labels, most=_NETWORK_FOLDS)
            held_out = held_out_logits(pool, chosen, count=folds, repeats=1, seed=seed, progress=progress)
        temperature = fit_temperature(held_out.logits, held_out.labels)
    classifier = Classifier.of(
        predictor,
        representation=pool.representation(chosen),
        reads=chosen.reads,
        classes=images.classes,
        train=images.images,
        device=str(device),
    )
    changed = [] if images.reading is None else list(images.reading.changed)
    card = {
        "contender": name,
        "changed": changed,
        "labels": len(labels),
        "expected_error": None if expected is None else asdict(expected),
    }
    return Learned(
        replace(classifier, temperature=temperature or 1.0, calibrated=temperature is not None, card=card),
        name,
        reason,
        expected,
    )


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
    if contender is not None:
        choose([contender], contenders_for_few_labels(encoder))


def few_label_probabilities(
    images: ImageSet, encoder: PretrainedEncoder, device: torch.device, seed: int, positions: Tensor, labels: Tensor
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


def _held_out(pool: Pool, contender: Contender, seed: int) -> HeldOut:
    folds = fold_count(pool.labelled[1], most=_FOLDS)
    return held_out_logits(pool, contender, count=folds, repeats=_REPEATS, seed=seed)


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
    codes, pixels = (_held_out(pool, known[name], seed) for name in counterparts)
    usual = "the usual contender for so many labels"
    if not len(codes.labels):
        return names[0], codes, f"{usual}; with one label per class, codes and pixels cannot be compared"
    difference = (pixels.errors - codes.errors).reshape(_REPEATS, -1).mean(0)
    better = float(difference.mean()) < -float(difference.std()) / len(difference) ** 0.5
    errors = " and ".join(
        f"{100 * float(held_out.errors.mean()):.1f} % by {name}"
        for name, held_out in zip(counterparts, (codes, pixels), strict=True)
    )
    reason = f"{usual}, on {'plain pixels' if better else 'codes'}: errors in cross-validation are {errors}"
    if better:
        return names[1], pixels, f"{reason}; the lower of two numbers is slightly too low"
    return names[0], codes, reason
