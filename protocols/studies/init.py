"""How the linear layers start: a reviewer asked for the initial variance, and whether low rank needs a small start."""

from ssl_irmae.protocols.report.note import upper_first
from ssl_irmae.protocols.statistics.rank_correlation import rank_correlation
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK, SAMPLES, START_NORM
from ssl_irmae.protocols.studying.phrases import change, lowest, p_value, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)
_STARTS = ("default", "orthogonal")
_NONE = "no layers"


def study(*, quick: bool) -> Study:
    """Start the layers from torch's weights and from orthogonal ones, times a factor from 0.1 to 10.

    Beside them is the autoencoder without layers, whose rank they are said to lower. The factor is on each layer, so
    that of the product is its power. The quick form has two layers; of deeper ones the smallest starts would not leave
    the plateau in its steps.
    """
    scales = (0.1, 1.0, 10.0) if quick else (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
    depth = 2 if quick else 4
    return Study(
        title="The start of the linear layers",
        question="Does low rank need a small start of the linear layers?",
        levels=(
            *(
                Level(
                    _name(start, scale),
                    (EncoderSettings(depth=depth, init_scale=scale, init=start),),
                    at=scale,
                    line=start,
                )
                for start in _STARTS
                for scale in scales
            ),
            Level(_NONE, (EncoderSettings(method="ae"),), at=1.0, line=_NONE),
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(START_NORM, RANK, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        panels=(
            Panel((RANK.name,)),
            Panel((RANK.name,), against=START_NORM.name, log_against=True),
            Panel((MSE.name,), log=True),
            Panel((_ERROR,)),
        ),
        axis="factor on the initial weights of each layer",
        log=True,
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say at which starts layers lower the rank, and whether it goes with their size; then what they do to the rest."""
    datasets = results.study.datasets
    first = "; ".join(
        f"on {dataset}, {_lowered(results, dataset)}, and {_verdict(results, dataset)}" for dataset in datasets
    )
    return [f"{upper_first(first)}.", *(_on(results, dataset) for dataset in datasets)]


def _lowered(results: Results, dataset: str) -> str:
    """Say of how many starts the rank is below that without layers."""
    starts = [level for level in results.learned(dataset) if level != _NONE]
    gaps = [results.gap(RANK.name, level, _NONE, dataset) for level in starts]
    lower = [level for level, gap in zip(starts, gaps, strict=True) if gap is not None and gap.known and gap.mean < 0]
    if not lower:
        return f"of no start can one tell that it lowers the rank below that of {_NONE}"
    which = f"all {len(lower)} starts" if len(lower) == len(starts) else f"of {len(starts)} starts, {', '.join(lower)}"
    return f"{which} have a lower rank than {_NONE}"


def _verdict(results: Results, dataset: str) -> str:
    pairs = [
        (start.mean, rank.mean, mse.mean)
        for level in results.learned(dataset)
        if (start := results.mean(START_NORM.name, level, dataset)) is not None
        and (rank := results.mean(RANK.name, level, dataset)) is not None
        and (mse := results.mean(MSE.name, level, dataset)) is not None
    ]
    if len(pairs) < 3:
        return "it is not known whether a smaller start makes a lower rank, as too few starts leave the plateau"
    rho, p = rank_correlation([start for start, _, _ in pairs], [rank for _, rank, _ in pairs])
    with_mse, _ = rank_correlation([start for start, _, _ in pairs], [mse for _, _, mse in pairs])
    found = f"Spearman's rank correlation of the two {rho:+.2f}, {p_value(p)}, {len(pairs)} starts"
    if p >= 0.05:
        return f"one cannot tell whether a smaller start makes a lower rank ({found})"
    said = f"a smaller start makes a {'lower' if rho > 0 else 'higher'} rank ({found})"
    if rho * with_mse >= 0:
        return said
    less = f"it reconstructs worse too ({with_mse:+.2f}), so that these encoders may just have learned less"
    return f"{said}; {less}" if rho > 0 else said


def _on(results: Results, dataset: str) -> str:
    ranks = ", ".join(f"{value(results, RANK.name, level, dataset)} at {level}" for level in results.levels)
    usual, orthogonal = (_name(start, 1.0) for start in _STARTS)
    dropped = [level for level in results.levels if level not in results.learned(dataset)]
    plateau = (
        f" Not counted in the correlation, as encoders ended on the plateau: {', '.join(dropped)}." if dropped else ""
    )
    return (
        f"{dataset}: effective ranks are {ranks}. At factor 1 the rank of an orthogonal start is "
        f"{change(results, RANK.name, orthogonal, usual, dataset)} compared with torch's. The error of linear with 100 "
        f"labels is {lowest(results, _ERROR, dataset)}, the reconstruction MSE {lowest(results, MSE.name, dataset)}."
        f"{plateau}"
    )


def _name(start: str, scale: float) -> str:
    return f"{start} x {scale:g}"
