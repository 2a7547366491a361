"""Contenders that train jointly with a metric-learning loss, such as ``irmae-joint+supcon``."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from ssl_irmae.errors import UserError, unknown_name
from ssl_irmae.protocols.contenders.contender import Contender
from ssl_irmae.protocols.contenders.patterns import is_pattern
from ssl_irmae.protocols.readouts.metric_learning import LOSSES


def with_metric_losses(names: Iterable[str], known: Mapping[str, Contender]) -> dict[str, Contender]:
    """Return the contenders that names such as ``irmae-joint+supcon``, or patterns of these, ask for.

    Args:
        names: What is asked for; names in ``known``, and those that say no loss, ask for nothing here.
        known: Every contender without a loss.

    Raises:
        UserError: If there is no such loss, or the contender does not train jointly.

    >>> from ssl_irmae.protocols.contenders.registry import CONTENDERS
    >>> list(with_metric_losses(["vib", "ae-joint+triplet"], CONTENDERS))
    ['ae-joint+triplet']
    """
    found: dict[str, Contender] = {}
    for name in names:
        plain, plus, loss = name.rpartition("+")
        if not plus or name in known:
            continue
        if is_pattern(name):
            asked = [each for each, c in known.items() if c.takes_metric_loss and fnmatchcase(each, plain)]
            found |= {f"{each}+{loss}": _with_loss(known[each], loss) for each in asked if loss in LOSSES}
        elif plain in known:
            if loss not in LOSSES:
                raise unknown_name("metric loss", loss, LOSSES)
            if not known[plain].takes_metric_loss:
                raise UserError(
                    f"`contenders`: {name} cannot be run, because {plain} does not train jointly; add +{loss} to one "
                    "that does, such as irmae-joint"
                )
            found[name] = _with_loss(known[plain], loss)
    return found


def _with_loss(contender: Contender, loss: str) -> Contender:
    changed = contender.with_settings(metric_loss=loss)
    return replace(changed, software=(*changed.software, "pytorch-metric-learning"))
