"""Whether settings were chosen on other data than those at hand."""

from ssl_irmae.datasets.reading import listed
from ssl_irmae.protocols.contenders.candidates import CHOSEN_ON
from ssl_irmae.protocols.report.checks.check import PASSED, Check, Evidence, Result, failed, unknown
from ssl_irmae.protocols.report.checks.tuned import of_plugins, tuned_groups, untraced
from ssl_irmae.protocols.report.note import join


def settings_of_other_data(evidence: Evidence) -> Result:
    """Compare the data set with the one that chose the settings."""
    groups, plugins = tuned_groups(evidence.rows), of_plugins(evidence.rows)
    others = [name for name in untraced(evidence.rows) if name not in plugins]
    dataset = evidence.first.dataset
    told = [f"{join(others)}: where their settings come from is not recorded."] if others else []
    if plugins:
        authors = join(list(dict.fromkeys(plugins.values())))
        told.append(f"{join(list(plugins))}: with the settings of the author of a plug-in ({authors}), not tuned here.")
    not_told = " ".join(told)
    if groups and dataset != CHOSEN_ON:
        what = f"Chosen on {CHOSEN_ON}, not on {dataset}: settings of"
        return failed(f"{what} {listed(list(groups), 3)}.", f"{what} {join(list(groups))}. {not_told}".strip())
    return unknown(not_told) if not_told else PASSED


SETTINGS_OF_OTHER_DATA = Check(
    "settings tuned on other data",
    settings_of_other_data,
    looks_for="Fixed settings that were chosen on another data set than the one at hand: those in force were chosen on "
    "the development split of MNIST. Settings that were given with the command are not looked at, and of "
    "plug-ins, whose authors fixed them, and of the public script, it cannot be told.",
    why="What is best on one data set need not be best on another, and some contenders lose more by it than others.",
    remedy="Choose settings on development images of these data, with as many candidates for every contender, or say "
    "where the settings come from.",
)
