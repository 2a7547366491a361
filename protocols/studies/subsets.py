"""Which images have labels: a reviewer asked how the paper's subsets were chosen, and what its errors are over."""

import statistics

from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.phrases import change, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column
from ssl_irmae.protocols.subsets import Rule

_DRAWN: tuple[Rule, ...] = ("balanced", "uniform", "typical")
_HONEST: Rule = "balanced"
_FIRST: Rule = "first"
_BEST, _LAST, _ELSEWHERE = "first, best of 50 looks", "first, last look", "balanced, last look"
_READOUTS = ("linear", "poisson-prior")
_ERRORS = {name: error_column(name, 100) for name in (*_READOUTS, "head")}


def study(*, quick: bool) -> Study:
    """Score the same encoders on subsets of each rule, and by the public script's head on the first images.

    That head is scored on balanced subsets too, so that the readout and the rule can be told apart.
    """
    irmae = (EncoderSettings(depth=4),)
    readouts = {name: READOUTS[name] for name in _READOUTS}
    best, last = (PUBLISHED_PROTOCOL[f"irmae-published-{which}"] for which in ("best", "last"))
    return Study(
        title="How labelled subsets are drawn",
        question="How much do errors depend on which images are labelled, and on how the error is read off?",
        levels=(
            *(Level(rule, irmae, rule=rule, contenders=readouts) for rule in (*_DRAWN, _FIRST)),
            Level(_BEST, irmae, rule="first", contenders={"head": best}),
            Level(_LAST, irmae, rule="first", contenders={"head": last}),
            Level(_ELSEWHERE, irmae, contenders={"head": last}),
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else FULL_STEPS,
        panels=tuple(Panel((column,)) for column in _ERRORS.values()),
        axis="rules",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Compare every rule with balanced subsets, then the published reading of the error with an honest one."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset}, {_spans(results, dataset)}" for dataset in datasets)
    sentences = [f"Standard deviations of the error with 100 labels: {first}."]
    for dataset in datasets:
        for name in _READOUTS:
            column = _ERRORS[name]
            rules = "; ".join(
                f"on {'the first images' if rule == _FIRST else rule} {change(results, column, rule, _HONEST, dataset)}"
                for rule in (*_DRAWN[1:], _FIRST)
            )
            sentences.append(
                f"{dataset}: the error of {name} is {value(results, column, _HONEST, dataset)} on balanced subsets. "
                f"Compared with these, it is {rules}."
            )
        head = _ERRORS["head"]
        sentences.append(
            f"{dataset}: the head of the public script looks 50 times at the images that are scored. Its best look, "
            f"which the script reports, is {change(results, head, _BEST, _LAST, dataset)} compared with the last "
            f"({value(results, head, _LAST, dataset)}): a minimum over looks is never higher. The last look is "
            f"{change(results, head, _LAST, _ELSEWHERE, dataset)} compared with balanced subsets."
        )
    sentences.append(
        "The first images are one subset, which may be a lucky or an unlucky one: it says little about the rule."
    )
    return sentences


def _spans(results: Results, dataset: str) -> str:
    """Compare the rules that draw with the luck of one draw and of one pretraining, for each readout."""
    said = []
    for name in _READOUTS:
        column = _ERRORS[name]
        means = [mean.mean for rule in _DRAWN if (mean := results.mean(column, rule, dataset)) is not None]
        errors, _, _ = results.matrix(column, _HONEST, dataset)
        if not errors.size:
            continue
        drawn, pretrained = errors.mean(axis=1), errors.mean(axis=0)
        apart = {
            f"the rules {', '.join(_DRAWN)}": means,
            f"{len(drawn)} balanced subsets": list(drawn),
            f"{len(pretrained)} pretraining seeds": list(pretrained),
        }
        each = [
            f"{statistics.stdev(values):.1f} points over {what}" for what, values in apart.items() if len(values) > 1
        ]
        said.append(f"of {name} {', '.join(each)}")
    return "; ".join(said) or "it is not known"
