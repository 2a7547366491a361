"""What a study takes, before it runs: a rough number, from speeds that were measured once."""

from ssl_irmae.datasets.reading import count
from ssl_irmae.pretraining.recipes import find_recipe
from ssl_irmae.protocols.studying.study import Study

_STEPS_PER_SECOND = 40.0  # of 32 images of 32 x 32 pixels, on one core with bf16 instructions
_SECONDS_OF_MEASURES = 15.0  # of one encoder at one level, those of its readouts included
_IMAGES = 50_000  # of MNIST, without those that are held out
_CORES = 2


def describe_cost(study: Study) -> str:
    """Say how many encoders a study pretrains, for how long, and about how many minutes or hours that takes."""
    steps = study.steps or find_recipe("short").steps(_IMAGES)
    seconds = (study.encoders * steps / _STEPS_PER_SECOND + study.measurements * _SECONDS_OF_MEASURES) / _CORES
    time = f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
    encoders = f"{count(study.encoders, 'encoder')} of {steps:,} steps" if study.encoders else "no encoder"
    return f"{encoders}, about {time} on two cores"
