"""What ± has to cover: a reviewer asked what the paper's errors were averaged over."""

from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.statistics.spreads import Spread, crossed_spreads, spread_within
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import MSE, RANK
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_LINEAR, _MLP = error_column("linear", 100), error_column("mlp", 100)
_METHODS = {
    "IRMAE": (EncoderSettings(depth=4),),
    "AE": (EncoderSettings(method="ae"),),
    "VAE": (EncoderSettings(method="vae"),),
}
_CROSSED, _ONE = "drawn", "one subset"
_BOTH = "which encoder meets which subset"


def study(*, quick: bool) -> Study:
    """Cross labelled subsets with eight pretraining seeds, and train a network often on one subset.

    The linear readout has no training seed. The network has one, which is that of the subset where subsets are drawn;
    on the first images, which are one subset, it is alone.
    """
    return Study(
        title="Where errors vary",
        question="What varies more: which images are labelled, the pretraining seed, or the training seed?",
        levels=tuple(
            level
            for name, settings in _METHODS.items()
            for level in (
                Level(_name(name, _CROSSED), settings, contenders={n: READOUTS[n] for n in ("linear", "mlp")}),
                Level(_name(name, _ONE), settings, rule="first", contenders={"mlp": READOUTS["mlp"]}),
            )
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(8)),
        measures=(RANK, MSE),
        steps=1200 if quick else FULL_STEPS,
        panels=(Panel((_LINEAR,)), Panel((_MLP,)), Panel((RANK.name,))),
        axis="encoders and subsets",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Name what varies most for IRMAE, then give every standard deviation with its interval."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset} {_verdict(results, dataset)}" for dataset in datasets)
    return [
        f"Standard deviations of the error of IRMAE with 100 labels, in points: {first}.",
        *(_on(results, dataset, method) for dataset in datasets for method in _METHODS),
        "Points are standard deviations of the error, with intervals of 95 % that rest on normal effects. A ± over "
        "subsets of one encoder leaves out what the pretraining seed adds, however many subsets there are. Of the "
        "network, the subset's part has what its training seed does to all encoders alike, and "
        "that of which encoder meets which subset the rest. The training seed's part is within one encoder and subset.",
    ]


def spreads(results: Results, column: str, method: str, dataset: str) -> dict[str, Spread]:
    """Return what each source adds to an error; without training, where that has not been seen alone."""
    errors, _, _ = results.matrix(column, _name(method, _CROSSED), dataset)
    alone, _, _ = results.matrix(column, _name(method, _ONE), dataset)
    found = {}
    if min(errors.shape) > 1:
        both = crossed_spreads(errors)
        found = {"the subset": both.subset, "the pretraining seed": both.pretraining, _BOTH: both.rest}
    if alone.shape[0] > 1 and alone.shape[1]:
        found["the training seed"] = spread_within(alone)
    return found


def most(found: dict[str, Spread]) -> str | None:
    """Name the source whose interval is above those of all others; None if they overlap."""
    best = max(found, key=lambda source: found[source].points)
    return best if all(found[best].low > each.high for source, each in found.items() if source != best) else None


def _verdict(results: Results, dataset: str) -> str:
    clauses = []
    for title, column in (("the linear readout", _LINEAR), ("the network", _MLP)):
        found = spreads(results, column, "IRMAE", dataset)
        if len(found) < 2:
            clauses.append(f"of {title} it is not known")
            continue
        each = ", ".join(f"{x.points:.1f} by {source}" for source, x in found.items())
        source = most(found)
        certain = f"{source} most" if source else "one cannot tell which is most"
        clauses.append(f"of {title} {each} ({certain})")
    return "; ".join(clauses)


def _on(results: Results, dataset: str, method: str) -> str:
    linear, mlp = (spreads(results, column, method, dataset) for column in (_LINEAR, _MLP))
    return f"{dataset}, {method}: of the linear readout {_shown(linear)}; of the network {_shown(mlp)}."


def _shown(found: dict[str, Spread]) -> str:
    each = [f"{source} adds {x.points:.1f} points ({x.low:.1f} to {x.high:.1f})" for source, x in found.items()]
    return ", ".join(each) if each else "it is not known"


def _name(method: str, which: str) -> str:
    return f"{method}, {which}"
