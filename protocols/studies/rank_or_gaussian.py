"""Low rank or Gaussian: which codes are good for labels, and which measure that needs no label says so beforehand.

Reviewers asked how IRMAE compares with other regularised autoencoders. Since then Gaussian codes have been argued for
on the same grounds (Balestriero and LeCun, "LeJEPA", 2025), and measures of rank have been proposed that choose
encoders without labels (RankMe, alpha-ReQ).
"""

from ssl_irmae.protocols.statistics.rank_correlation import rank_correlation
from ssl_irmae.protocols.statistics.significance import holm
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.studying.measures import EXPONENT, MLE, MSE, RANK, RANK_ME, SAMPLES, TWO_NN
from ssl_irmae.protocols.studying.phrases import DEPTH_IS_TUNED, change, lowest, p_value, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column
from ssl_irmae.spectrum import spectrum

_ERROR, _KNN = error_column("linear", 100), error_column("knn", 100)
_LOW_RANK, _GAUSSIAN = ("IRMAE", "IRMAE-WD", "LoRAE", "RRAE"), ("VAE", "AE + SIGReg", "AE + SIGReg, d 16")
_LABEL_FREE = (RANK, RANK_ME, EXPONENT, MLE, TWO_NN, MSE)
_METHODS = {
    "AE": (EncoderSettings(method="ae"),),
    "VAE": tuple(EncoderSettings(method="vae", strength=x) for x in (0.01, 0.1, 1.0)),
    "IRMAE": tuple(EncoderSettings(depth=depth) for depth in (2, 4, 8)),
    "IRMAE-WD": tuple(EncoderSettings(method="irmae-wd", strength=x) for x in (1e-6, 0.1, 1.0)),
    "LoRAE": tuple(EncoderSettings(method="lorae", strength=x) for x in (1e-4, 1e-3, 1e-2)),
    "RRAE": tuple(EncoderSettings(method="rrae", strength=x) for x in (8, 16, 24)),
    "AE + SIGReg": tuple(EncoderSettings(method="sigreg", strength=x) for x in (1e-4, 1e-3, 1e-2)),
    "AE + SIGReg, d 16": tuple(EncoderSettings(method="sigreg", latent_dim=16, strength=x) for x in (1e-4, 1e-3, 1e-2)),
}
"""Three candidates of each method but the first, which has nothing to choose.

SIGReg has a narrow code too. In 128 dimensions it sets the variance of random projections to 1 and leaves the code in
as few directions as before, which batches of 32 do not show; in 16 dimensions codes do come near a Gaussian.
"""


def from_gaussian(encoder: MeasuredEncoder) -> float:
    r"""Measure how far codes are from a standard Gaussian: squared Fréchet distance by mean and covariance, over d.

    .. math:: \frac{1}{d} \Bigl(\lVert \mu \rVert^2 + \sum_i \bigl(1 - \sqrt{s_i}\bigr)^2\Bigr)

    Source: Dowson and Landau, "The Fréchet distance between multivariate normal distributions", Journal of Multivariate
    Analysis 1982.
    """
    deviations = spectrum(encoder.codes).sqrt()
    squared = encoder.codes.double().mean(dim=0).square().sum() + (1 - deviations).square().sum()
    return float(squared) / len(deviations)


FROM_GAUSSIAN = Measure(
    "from gaussian",
    "distance to N(0, I)",
    from_gaussian,
    digits=2,
    note="The distance to N(0, I) is the squared Fréchet distance of the codes' Gaussian to it, divided by the number "
    "of dimensions: 0 for codes of its mean and covariance, 1 for codes that are all 0. Of a VAE it is that of the "
    "means, to which noise is added in training.",
)


def study(*, quick: bool) -> Study:
    """Pretrain seven methods with the same networks, images and steps, and read their codes in the same ways.

    In the full form the strength of each method, and the depth of IRMAE, is chosen among three by the error with 100
    labels of an encoder that no result is of. The quick form takes the second of each, untuned. Of IRMAE-WD that is a
    decay of 0.1: the paper's, 1e-6, gave what IRMAE gives in every digit shown.
    """
    return Study(
        title="Low rank or Gaussian",
        question="Low rank or Gaussian: which codes are better for few labels, and can one tell without labels?",
        levels=tuple(
            Level(name, candidates[-2:-1] or candidates if quick else candidates)
            for name, candidates in _METHODS.items()
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(RANK, RANK_ME, EXPONENT, FROM_GAUSSIAN, MLE, TWO_NN, MSE, SAMPLES),
        readouts=("linear", "knn") if quick else ("linear", "knn", "poisson-prior"),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        chosen_by=_ERROR,
        panels=(
            Panel((RANK.name, RANK_ME.name)),
            Panel((MLE.name, TWO_NN.name)),
            Panel((MSE.name,), log=True),
            Panel((_ERROR,)),
            Panel((_ERROR,), against=RANK.name),
            Panel((SAMPLES.name,), log=True),
        ),
        axis="the methods",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Compare the best low-rank method with the best Gaussian one, then say what measures without labels tell."""
    datasets = results.study.datasets
    verdicts = {dataset: _verdict(results, dataset) for dataset in datasets}
    first = "; ".join(f"on {dataset} {verdict}" for dataset, verdict in verdicts.items())
    tuned = any(len(level.candidates) > 1 for level in results.study.levels)
    untuned = "" if tuned else f" Here nothing is tuned. {DEPTH_IS_TUNED}"
    sentences = [
        f"For a linear readout of 100 labels, {first}. It is the best of {len(_LOW_RANK)} methods for low rank "
        f"against the best of {len(_GAUSSIAN)} that draw codes to a Gaussian, which favours low rank.{untuned}"
    ]
    for dataset in datasets:
        ranks = ", ".join(f"{level} {value(results, RANK.name, level, dataset)}" for level in results.levels)
        distances = ", ".join(f"{level} {value(results, FROM_GAUSSIAN.name, level, dataset)}" for level in _GAUSSIAN)
        sentences += [
            f"{dataset}: the error of linear with 100 labels is {lowest(results, _ERROR, dataset)}, that of knn "
            f"{lowest(results, _KNN, dataset)}, the reconstruction "
            f"MSE {lowest(results, MSE.name, dataset)}, the Fréchet distance of samples "
            f"{lowest(results, SAMPLES.name, dataset)}. Effective ranks: {ranks}. The {FROM_GAUSSIAN.title} is "
            f"{distances}.",
            _without_labels(results, dataset),
        ]
    return sentences


def _verdict(results: Results, dataset: str) -> str:
    low, gaussian = (results.lowest(_ERROR, dataset, levels) for levels in (_LOW_RANK, _GAUSSIAN))
    if low is None or gaussian is None:
        return "it is not known"
    gap = results.gap(_ERROR, low.level, gaussian.level, dataset)
    if gap is None or not gap.known:
        return f"one cannot tell {low.level}, the best of low rank, from {gaussian.level}, the best Gaussian one"
    found = change(results, _ERROR, low.level, gaussian.level, dataset)
    others = [
        level
        for level in _LOW_RANK
        if level != low.level
        and not ((each := results.gap(_ERROR, level, gaussian.level, dataset)) and each.known and each.mean < 0)
    ]
    also = f"; {', '.join(others)} are not shown to be better than {gaussian.level}" if gap.mean < 0 and others else ""
    return f"the error of {low.level} is {found} compared with {gaussian.level}{also}"


def _without_labels(results: Results, dataset: str) -> str:
    """Say which measures order the methods as their error does, after Holm's correction for their number."""
    learned = results.learned(dataset)  # on the plateau ranks and errors go together, and say nothing
    errors = [results.mean(_ERROR, level, dataset) for level in learned]
    found = {}
    for measure in _LABEL_FREE:
        means = [results.mean(measure.name, level, dataset) for level in learned]
        pairs = [(m.mean, e.mean) for m, e in zip(means, errors, strict=True) if m is not None and e is not None]
        if len(pairs) > 2:
            found[measure.title] = rank_correlation(*map(list, zip(*pairs, strict=True)))
    corrected = dict(zip(found, holm([p for _, p in found.values()]), strict=True))
    telling = [
        f"the {title} (Spearman's rank correlation with the error {found[title][0]:+.2f}, {p_value(p)})"
        for title, p in corrected.items()
        if p < 0.05
    ]
    number = f"{len(learned)} methods and {len(found)} measures"
    if not telling:
        whether = "one cannot tell whether a measure without labels orders methods as their error does"
        return f"{dataset}: {whether} ({number})."
    return f"{dataset}: beyond chance, these go with the error, or against it: {', '.join(telling)} ({number})."
