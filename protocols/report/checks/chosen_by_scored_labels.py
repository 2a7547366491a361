"""Whether the scored labels chose what is reported of them."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.contenders.candidates import CHOSEN_ON
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed
from ssl_irmae.protocols.report.checks.tuned import tuned_groups
from ssl_irmae.protocols.report.note import join

_WITH_DEVELOPMENT = {"development": "these very images", "folds": "a sixth of these very images"}


def chosen_by_scored_labels(evidence: Evidence) -> Result:
    """Find contenders that report the best of several looks, and settings that were chosen on the scored images."""
    first = evidence.first
    leaky = sorted({row.contender for row in evidence.rows if row.test_peeks > 1})
    sentences, details = [], []
    if leaky:
        what = f"the best of several looks at the {first.scored_on} labels, which estimates nothing."
        sentences.append(f"LEAKY: {listed(leaky, 2)} report{'s' * (len(leaky) == 1)} {what}")
        details.append(f"LEAKY, as the public reference script is: {join(leaky)} report {what}")
    if first.dataset == CHOSEN_ON and first.scored_on in _WITH_DEVELOPMENT and tuned_groups(evidence.rows):
        chosen = f"The settings were chosen on {_WITH_DEVELOPMENT[first.scored_on]}."
        sentences.append(chosen)
        details.append(chosen)
    return failed(" ".join(sentences), " ".join(details)) if sentences else PASSED


CHOSEN_BY_SCORED_LABELS = Check(
    "scored labels used for choosing",
    chosen_by_scored_labels,
    looks_for="Contenders whose error is the best of several looks at the scored labels; and settings that were chosen "
    "on images that are scored now. Those of the package were chosen on development images of MNIST, which "
    "folds of MNIST score too.",
    why="The smallest of many errors is partly luck with these very labels, so it lies below the error on new images.",
    remedy="Report contenders that look once, on test images, or in folds of other data. Show a leaky number only "
    "beside the same without the leak.",
)
