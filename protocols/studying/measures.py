"""The measures that several studies have; one that a single study has stands in its file."""

import functools
import math
from statistics import mean

from ssl_irmae.bottlenecks import Gaussian
from ssl_irmae.encoders.encoding import reconstruction_error
from ssl_irmae.generation.picture_maker import FITTED_TO, PictureMaker
from ssl_irmae.intrinsic_dimension import EXTRA, THRESHOLD, estimate_dimension
from ssl_irmae.protocols.generation.distance import distances_to_real, samples_of
from ssl_irmae.protocols.generation.judge import Judge, train_judge
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.task import Task
from ssl_irmae.spectrum import decay_exponent, effective_rank, rank_me, spectrum

_PICTURES, _DRAWS = 2000, 2
_ACTIVE = 0.01  # variance
_judges: dict[str, Judge] = {}  # of the last task alone


def rank(encoder: MeasuredEncoder) -> float:
    """Measure the effective rank of the codes' covariance (Roy and Vetterli, 2007)."""
    return effective_rank(spectrum(encoder.codes))


def rank_before(encoder: MeasuredEncoder) -> float:
    """Measure the effective rank of the features' covariance: before the linear stack."""
    return effective_rank(spectrum(encoder.features))


def above(encoder: MeasuredEncoder) -> float:
    """Count the singular values of the codes' covariance that are above 1 % of the largest."""
    values = spectrum(encoder.codes)
    return float((values > THRESHOLD * values[0]).sum())


def mse(encoder: MeasuredEncoder) -> float:
    """Measure the squared error of reconstruction per pixel, for pixels in [0, 1]."""
    return reconstruction_error(encoder.encoder.autoencoder, encoder.held_out)


def sample_distance(encoder: MeasuredEncoder) -> float | None:
    """Measure how far samples are from held-out images: the squared Fréchet distance, mean of two draws.

    Codes are drawn from a Gaussian fitted to codes of the images of the pretraining, whatever the method, and pictures
    are compared by the features of one classifier per data set, trained on the labels of those images. None for codes
    that are all the same, to which no Gaussian can be fitted.
    """
    if bool((encoder.codes == encoder.codes[:1]).all()):
        return None
    maker = PictureMaker(encoder.folder, encoder.task.train, device=str(encoder.device))
    images = maker.train.images
    # evenly spaced, not drawn as for `generate`: with other images the number is another, of a new revision
    codes = maker.encoder.encode(images[:: -(-len(images) // FITTED_TO)])
    kinds = {"gaussian": samples_of(maker, codes, "gaussian")}
    n = min(_PICTURES, len(encoder.held_out) // 2)
    found = distances_to_real(kinds, _judge_of(encoder), encoder.held_out, n=n, seeds=_DRAWS)
    return mean(frechet for frechet, _ in found["gaussian"])


def _judge_of(encoder: MeasuredEncoder) -> Judge:
    """Return the judge of a data set; a process trains it once for all encoders of one."""
    task: Task = encoder.task
    if task.train.fingerprint not in _judges:
        _judges.clear()
        _judges[task.train.fingerprint] = train_judge(task.train, None, device=encoder.device)
    return _judges[task.train.fingerprint]


def rankme(encoder: MeasuredEncoder) -> float:
    """Measure RankMe of the codes (Garrido et al., 2023)."""
    return rank_me(encoder.codes)


def exponent(encoder: MeasuredEncoder) -> float | None:
    """Measure the exponent of the spectrum's decay, as alpha-ReQ (Agrawal et al., 2022)."""
    return decay_exponent(spectrum(encoder.codes))


def dimension(encoder: MeasuredEncoder, *, estimator: str) -> float | None:
    """Estimate the intrinsic dimension of the codes, by scikit-dimension."""
    return estimate_dimension(estimator, encoder.codes)


def start_norm(encoder: MeasuredEncoder) -> float | None:
    """Measure the size of the stack's product as it was initialised: Frobenius norm / sqrt(d), 1 if orthogonal."""
    bottleneck = encoder.start.bottleneck
    if not bottleneck.linear:
        return None
    product = bottleneck.product()
    return float(product.norm()) / math.sqrt(len(product))


def active_units(encoder: MeasuredEncoder) -> float | None:
    """Count a VAE's active units: code directions whose mean varies over images by more than 0.01 (Burda et al., 2016).

    The prior fixes the scale that this is on; codes of other methods have none.
    """
    if not isinstance(encoder.encoder.autoencoder.bottleneck, Gaussian):
        return None
    return float((encoder.codes.double().var(dim=0) > _ACTIVE).sum())


RANK = Measure("rank", "effective rank", rank)
RANK_BEFORE = Measure("rank before", "effective rank before the stack", rank_before)
ABOVE = Measure("above", f"number of singular values above {100 * THRESHOLD:g} % of the largest", above)
MSE = Measure("mse", "reconstruction MSE", mse, digits=4)
SAMPLES = Measure(
    "samples",
    "Fréchet distance of samples",
    sample_distance,
    note="Samples are decoded from a Gaussian fitted to the codes. Their squared Fréchet distance to held-out images "
    "is by the features of our own small classifier of each data set, and not comparable with others, nor between data "
    "sets.",
)
RANK_ME = Measure("rankme", "RankMe", rankme)
EXPONENT = Measure("exponent", "spectrum's exponent", exponent, digits=2, revision=2)
MLE, TWO_NN = (
    Measure(name, f"dimension by {name}", functools.partial(dimension, estimator=name), extra=EXTRA)
    for name in ("MLE", "TwoNN")
)
START_NORM = Measure("start norm", "norm of the stack's product at the start", start_norm, digits=3)
ACTIVE = Measure(
    "active",
    "number of active units",
    active_units,
    note="A unit of a VAE is active if its mean varies over the images by more than 0.01 (Burda et al., 2016).",
)
