"""Which images have labels: a reviewer asked how the paper's subsets were chosen, and what its errors are over."""

from ssl_irmae.protocols.contenders.on_codes import READOUTS
from ssl_irmae.protocols.contenders.published import PUBLISHED_PROTOCOL
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import RANK
from ssl_irmae.protocols.studying.phrases import change, value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import Level, Panel, Study, error_column
from ssl_irmae.protocols.subsets import Rule

_RULES: tuple[Rule, ...] = ("balanced", "uniform", "typical", "first")
_HONEST, _BEST, _PUBLISHED = "balanced", "published, best of 50", "published, last"
_ERROR, _HEAD = error_column("linear", 100), error_column("head", 100)


def study(*, quick: bool) -> Study:
    """Score the same encoders on subsets of each rule, and by the public script's head on the first images."""
    irmae = (EncoderSettings(depth=4),)
    names = ("linear", "poisson-prior")
    readouts = {name: READOUTS[name] for name in names}
    best, last = (PUBLISHED_PROTOCOL[f"irmae-published-{which}"] for which in ("best", "last"))
    return Study(
        title="How labelled subsets are drawn",
        question="How much do errors depend on which images are labelled, and on how the error is read off?",
        levels=(
            *(Level(rule, irmae, rule=rule, contenders=readouts) for rule in _RULES),
            Level(_BEST, irmae, rule="first", contenders={"head": best}),
            Level(_PUBLISHED, irmae, rule="first", contenders={"head": last}),
        ),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(RANK,),
        budgets=(100,) if quick else (10, 100, 1000),
        steps=1200 if quick else None,
        panels=(Panel((_ERROR,)), Panel((error_column("poisson-prior", 100),)), Panel((_HEAD,))),
        axis="rules",
        answer=answer,
    )


def answer(results: Results) -> list[str]:
    """Compare every rule with balanced subsets, then the published reading of the error with an honest one."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset} {_verdict(results, dataset)}" for dataset in datasets)
    sentences = [f"Errors of linear with 100 labels differ with the labelled images: {first}."]
    for dataset in datasets:
        rules = "; ".join(_rule(results, rule, dataset) for rule in _RULES[1:])
        sentences.append(
            f"{dataset}: the error of linear with 100 labels is {value(results, _ERROR, _HONEST, dataset)} on balanced "
            f"subsets. Compared with these, it is {rules}."
        )
    sentences += [
        f"{dataset}: the public script reads off the best of 50 errors on the images that are scored, which is "
        f"{change(results, _HEAD, _BEST, _PUBLISHED, dataset)} compared with the last of them "
        f"({value(results, _HEAD, _PUBLISHED, dataset)}); the leak alone makes this difference."
        for dataset in datasets
    ]
    sentences.append(
        "The first images are one subset: what is said of them holds for this subset, and its ± does not cover another."
    )
    return sentences


def _verdict(results: Results, dataset: str) -> str:
    """Compare what the rule does with the luck of one draw: of single balanced subsets, over all encoders."""
    errors, subsets, _ = results.matrix(_ERROR, _HONEST, dataset)
    means = [mean.mean for rule in _RULES if (mean := results.mean(_ERROR, rule, dataset)) is not None]
    if not errors.size:
        return "it is not known"
    drawn = errors.mean(axis=1)
    return (
        f"by up to {max(means) - min(means):.1f} points between rules, and by {drawn.max() - drawn.min():.1f} between "
        f"the luckiest and the unluckiest of {len(subsets)} balanced subsets"
    )


def _rule(results: Results, rule: str, dataset: str) -> str:
    named = "the first images" if rule == "first" else f"{rule} ones"
    return f"on {named} {change(results, _ERROR, rule, _HONEST, dataset)}"
