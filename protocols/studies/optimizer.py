"""Which optimiser: a reviewer doubted the paper's claim that rank is minimised with all of them."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK, SAMPLES
from ssl_irmae.protocols.studying.phrases import change, lowest, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)
_RATES = {
    "sgd": (0.1, 0.3, 1.0, 3.0),
    "momentum": (0.01, 0.03, 0.1, 0.3),
    "rmsprop": (1e-4, 3e-4, 1e-3, 3e-3),
    "adagrad": (1e-3, 3e-3, 1e-2, 3e-2),
    "adam": (1e-4, 3e-4, 1e-3, 3e-3),
    "adamw": (1e-4, 3e-4, 1e-3, 3e-3),
}
"""Learning rates that are tried, as many of each and in the same steps of about three."""
_QUICK = ("sgd", "rmsprop", "adam")


def study(*, quick: bool) -> Study:
    """Pretrain IRMAE and the plain autoencoder by each optimiser, at the rate that reconstructs held-out images best.

    The quick form has three optimisers, a stack of two layers, which leaves the plateau sooner, and the three larger
    rates, as its runs are short.
    """
    optimizers = _QUICK if quick else tuple(_RATES)
    stacks = {"AE": EncoderSettings(method="ae"), "IRMAE": EncoderSettings(depth=2 if quick else 4)}
    return Study(
        title="The optimiser",
        question="Is rank minimised by every optimiser, or is it Adam's doing?",
        levels=tuple(
            Level(
                _name(method, optimizer),
                tuple(
                    settings.model_copy(update={"optimizer": optimizer, "learning_rate": rate})
                    for rate in _RATES[optimizer][1 if quick else 0 :]
                ),
                line=method,
            )
            for optimizer in optimizers
            for method, settings in stacks.items()
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=(0, 1, 2),
        measures=(RANK, MSE, SAMPLES),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        chosen_by=MSE.name,
        panels=(Panel((RANK.name,)), Panel((MSE.name,), log=True), Panel((_ERROR,))),
        axis="optimisers",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Say with which optimisers the rank is lower than the plain autoencoder's, then what each does."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset} {_verdict(results, dataset)}" for dataset in datasets)
    return [f"Is the rank of IRMAE's codes below that of a plain AE by the same optimiser: {first}."] + [
        _on(results, dataset) for dataset in datasets
    ]


def _optimizers(results: Results) -> list[str]:
    return [name for name in _RATES if _name("IRMAE", name) in results.levels]


def _verdict(results: Results, dataset: str) -> str:
    found: dict[str, list[str]] = {"yes with": [], "no with": [], "not shown with": []}
    for optimizer in _optimizers(results):
        irmae, ae = _name("IRMAE", optimizer), _name("AE", optimizer)
        gap = results.gap(RANK.name, irmae, ae, dataset)
        learned = {irmae, ae} <= set(results.learned(dataset))  # on the plateau any rank is low
        certain = learned and gap is not None and gap.known
        below = certain and gap is not None and gap.mean < 0
        found["yes with" if below else "no with" if certain else "not shown with"].append(optimizer)
    return ", ".join(f"{verdict} {listed(names)}" for verdict, names in found.items() if names)


def _on(results: Results, dataset: str) -> str:
    each = "; ".join(_beside_ae(results, optimizer, dataset) for optimizer in _optimizers(results))
    return (
        f"{dataset}: effective ranks of IRMAE are, by {each}. Where an MSE is far above the others, that encoder has "
        "learned less, and its rank says less too. The error of linear with 100 labels is "
        f"{lowest(results, _ERROR, dataset)}, the reconstruction MSE {lowest(results, MSE.name, dataset)}. With "
        "encoders on the plateau one cannot tell, as their codes say nothing."
    )


def _beside_ae(results: Results, optimizer: str, dataset: str) -> str:
    irmae, ae = _name("IRMAE", optimizer), _name("AE", optimizer)
    mse, mse_of_ae = (value(results, MSE.name, level, dataset) for level in (irmae, ae))
    return (
        f"{optimizer} {value(results, RANK.name, irmae, dataset)}, compared with the AE "
        f"{change(results, RANK.name, irmae, ae, dataset)}, at MSE {mse} and {mse_of_ae}"
    )


def _name(method: str, optimizer: str) -> str:
    return f"{method}, {optimizer}"
