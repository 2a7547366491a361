"""What a study takes, before it runs: a rough number, from speeds that were measured once."""

from ssl_irmae._support.compute import Precision
from ssl_irmae.datasets.reading import count
from ssl_irmae.protocols.studying.study import Study

_STEPS_PER_SECOND: dict[Precision, float] = {"bf16": 40.0, "fp32": 18.0}  # of 32 images of 32 x 32 pixels, on one core
_SECONDS_OF_MEASURES = 15.0  # of one encoder at one level, those of its readouts included
_CORES = 2


def describe_cost(study: Study, precision: Precision) -> str:
    """Say how many encoders a study pretrains, for how long, and about how many minutes or hours that takes.

    Args:
        study: What is carried out.
        precision: The arithmetic: without bf16 instructions a step takes more than twice as long.
    """
    pretraining = study.encoders * study.steps / _STEPS_PER_SECOND[precision]
    seconds = (pretraining + study.measurements * _SECONDS_OF_MEASURES) / _CORES
    time = f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.0f} hours"
    encoders = f"{count(study.encoders, 'encoder')} of {study.steps:,} steps" if study.encoders else "no encoder"
    return f"{encoders}, about {time} on two cores in {precision}"
