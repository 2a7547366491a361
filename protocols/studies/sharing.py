"""What of the linear layers matters: reviewers asked what was shared and what was fixed in the paper's ablations."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK, SAMPLES, START_NORM
from ssl_irmae.protocols.studying.phrases import change, lowest, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)
_FREE, _NONE = "free", "no layers"
_DEPTH = 4
_LAYERS = {
    _NONE: EncoderSettings(method="ae"),
    _FREE: EncoderSettings(depth=_DEPTH),
    "shared": EncoderSettings(depth=_DEPTH, share_weights=True),
    "tied": EncoderSettings(depth=_DEPTH, variant="tied"),
    "frozen": EncoderSettings(depth=_DEPTH, variant="frozen"),
    "with ReLU": EncoderSettings(depth=_DEPTH, variant="relu"),
}
"""Four layers that are free; one matrix four times; each second layer the transpose of the one before it; as they were
initialised; with a ReLU between any two. Without layers it is the plain autoencoder."""


def study(*, quick: bool) -> Study:
    """Change one thing about four linear layers at a time; the quick form is on MNIST alone."""
    return Study(
        title="Layers that are shared, tied, frozen or not linear",
        question="What lowers the rank: that the linear layers are free, that they learn, or that they are linear?",
        levels=tuple(Level(name, (settings,)) for name, settings in _LAYERS.items()),
        datasets=("mnist",) if quick else ("shapes", "mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(START_NORM, RANK, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        panels=(Panel((RANK.name,)), Panel((MSE.name,), log=True), Panel((_ERROR,)), Panel((SAMPLES.name,), log=True)),
        axis="what the layers are",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say which layers lower the rank everywhere, then how each differs from free ones."""
    datasets = listed(results.study.datasets)
    lower = [level for level in results.levels if level != _NONE and _lowers_everywhere(results, level)]
    others = [level for level in results.levels if level not in (_NONE, *lower)]
    unclear = f" Of those that are {', '.join(others)} a lower rank was not shown." if others else ""
    sentence = (
        f"On {datasets}, the rank is lower with layers that are {', '.join(lower)} than without any.{unclear}"
        if lower
        else f"Of none of these layers can one tell that they lower the rank on {datasets}."
    )
    return [sentence, *(_on(results, dataset) for dataset in results.study.datasets)]


def _lowers_everywhere(results: Results, level: str) -> bool:
    """Tell whether a rank is lower than without layers on every data set, of encoders that have left the plateau."""
    datasets = results.study.datasets
    gaps = [results.gap(RANK.name, level, _NONE, dataset) for dataset in datasets if level in results.learned(dataset)]
    return len(gaps) == len(datasets) and all(gap is not None and gap.known and gap.mean < 0 for gap in gaps)


def _on(results: Results, dataset: str) -> str:
    others = "; ".join(
        f"{level} {change(results, RANK.name, level, _FREE, dataset)}"
        for level in results.levels
        if level not in (_FREE, _NONE)
    )
    errors = "; ".join(
        f"{level} {change(results, _ERROR, level, _NONE, dataset)}" for level in results.levels if level != _NONE
    )
    return (
        f"{dataset}: the effective rank is {value(results, RANK.name, _NONE, dataset)} without layers and "
        f"{value(results, RANK.name, _FREE, dataset)} with free ones. Differences from free layers: {others}. "
        f"The error of linear with 100 labels is {value(results, _ERROR, _NONE, dataset)} without layers. Differences "
        f"from none: {errors}. The reconstruction MSE is {lowest(results, MSE.name, dataset)}."
    )
