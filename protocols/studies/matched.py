"""How many dimensions a VAE needs for IRMAE's reconstruction: a reviewer asked for this instead of singular values."""

from typing import NamedTuple

from ssl_irmae.protocols.statistics.intervals import StandardError, t_interval
from ssl_irmae.protocols.studies.latent_dim import BETA_OF_WIDTH, OTHERS, QUICK, WIDTH, at_width, levels_of, lines
from ssl_irmae.protocols.studying.encoder_settings import EncoderSettings
from ssl_irmae.protocols.studying.measures import ACTIVE, MSE, RANK
from ssl_irmae.protocols.studying.phrases import value
from ssl_irmae.protocols.studying.results import Results
from ssl_irmae.protocols.studying.study import FULL_STEPS, Level, Panel, Study, error_column

_ERROR = error_column("linear", 100)
_IRMAE = f"IRMAE, d {WIDTH}"


def study(*, quick: bool) -> Study:
    """Pretrain AE and VAE at growing code widths, and IRMAE at 128, and compare reconstructions of held-out images."""
    widths = (8, 16, 32) if quick else (4, 6, 8, 12, 16, 24, 32, 64, 128)
    others = tuple(
        Level(f"{line}, d {width}", (at_width(settings, width),), at=width, line=line)
        for line, settings in OTHERS.items()
        if not quick or line in QUICK
        for width in widths
    )
    return Study(
        title="Dimensions for the same reconstruction",
        question="How many code dimensions do AE and VAE need to reconstruct as well as IRMAE, beside its rank?",
        levels=(*others, Level(_IRMAE, (EncoderSettings(latent_dim=WIDTH),), at=WIDTH, line="IRMAE")),
        datasets=("mnist",) if quick else ("mnist", "fashion-mnist"),
        seeds=tuple(range(5 if quick else 3)),
        measures=(MSE, RANK, ACTIVE),
        steps=1200 if quick else FULL_STEPS,
        panels=(Panel((MSE.name,), log=True), Panel((RANK.name, ACTIVE.name)), Panel((_ERROR,))),
        axis="code width",
        log=True,
        answer=answer,
    )


class Width(NamedTuple):
    """The code width at which a method reconstructs as well as IRMAE.

    Args:
        too_narrow: The widest below it that reconstructs worse for certain; 0 if none does.
        enough: The smallest that reconstructs better for certain; None if none does.
    """

    too_narrow: float
    enough: float | None


def answer(results: Results) -> list[str]:
    """Say what width each method needs, and whether that is more than IRMAE's rank; then give MSE and units."""
    datasets = results.study.datasets
    first = "; ".join(f"on {dataset} {_verdict(results, dataset)}" for dataset in datasets)
    sentences = [f"To reconstruct as well as IRMAE: {first}."]
    sentences += [_on(results, dataset) for dataset in datasets]
    sentences.append(
        "An effective rank is no count of dimensions: codes vary a little beyond it, and reconstructions use that. So "
        "a width above the rank does not show that a method wastes dimensions."
    )
    sentences.append(BETA_OF_WIDTH)
    return sentences


def needed(results: Results, line: str, dataset: str) -> Width:
    """Find the width that a method needs, by paired intervals of the reconstruction MSE."""
    narrow, enough = 0.0, None
    for level in sorted(levels_of(results, line), key=lambda level: level.at or 0.0):
        gap = results.gap(MSE.name, level.name, _IRMAE, dataset)
        if gap is None or not gap.known or level.at is None:
            continue
        if gap.mean < 0:
            enough = level.at
            break
        narrow = level.at
    return Width(narrow, enough)


def _verdict(results: Results, dataset: str) -> str:
    rank = results.mean(RANK.name, _IRMAE, dataset)
    if rank is None or rank.error is None:
        return "it is not known"
    low, high = t_interval(rank.mean, StandardError(rank.error, rank.seeds - 1))
    widths = {line: needed(results, line, dataset) for line in lines(results)}
    widest = {line: max(level.at or 0.0 for level in levels_of(results, line)) for line in widths}
    # of a method that is worse at every width, width need not be what it lacks
    more = [line for line, width in widths.items() if high < width.too_narrow < widest[line]]
    no_more = [line for line, width in widths.items() if width.enough is not None and low > width.enough]
    rest = [line for line in widths if line not in (*more, *no_more)]
    each = ", ".join(f"{line} {_described(width, widest[line])}" for line, width in widths.items())
    related = {
        "more is needed by": more,
        "no more is needed by": no_more,
        "one cannot tell whether more is needed by": rest,
    }
    rank_said = ", ".join(f"{relation} {' and '.join(lines)}" for relation, lines in related.items() if lines)
    return f"{each}. IRMAE's effective rank is {value(results, RANK.name, _IRMAE, dataset)}: {rank_said}"


def _described(width: Width, widest: float) -> str:
    narrow, enough = width
    if narrow == widest:
        return f"is as good at none up to {widest:g}"
    if enough is None:
        tried = f"of {widest:g}, the most tried, one cannot tell"
        return f"needs more than {narrow:g} dimensions ({tried})" if narrow else "cannot be told from it at any width"
    return f"needs {f'more than {narrow:g} and ' if narrow else ''}at most {enough:g} dimensions"


def _on(results: Results, dataset: str) -> str:
    """Give the MSE of IRMAE, and the active units of the widest VAEs."""
    clauses = [f"the reconstruction MSE of IRMAE is {value(results, MSE.name, _IRMAE, dataset)}"]
    for line in lines(results):
        widest = levels_of(results, line)[-1].name
        if results.mean(ACTIVE.name, widest, dataset) is not None:
            clauses.append(f"of {widest}, {value(results, ACTIVE.name, widest, dataset)} units are active")
    return f"{dataset}: {'; '.join(clauses)}."
