"""Minutes of training, turned into a number of steps once, before the first of them."""

import statistics
import time
from pathlib import Path

import torch
from torch import Tensor

from ssl_irmae._support.progress import Listener, Message
from ssl_irmae.datasets.reading import count
from ssl_irmae.pretraining.elsewhere import as_begun
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.processes import ALONE, Processes
from ssl_irmae.pretraining.recipe import Recipe, written_recipe

_SHARE = 0.02  # of the minutes that are asked for, which may be spent on measuring
_MOST_SECONDS = 3.0  # to measure: then the speed is known well enough
_LEAST_STEPS = 5  # to warm up, and to measure


def with_steps(
    recipe: Recipe, folder: Path, images: Tensor, progress: Listener, processes: Processes = ALONE
) -> Recipe:
    """Return a recipe with as many steps as its minutes hold.

    They are measured once: where the run has been planned already, in this folder and for as many minutes, the steps
    are those that it was planned for, also on a slower machine.

    Args:
        recipe: A recipe with minutes and a number of steps that does not count.
        folder: The run folder.
        images: Training images, already of the recipe's size.
        progress: Called with a ``Message`` that says how many steps were planned.
        processes: The processes that train together; the first one's clock counts.
    """
    before = written_recipe(folder)
    if before is not None and before.minutes == recipe.minutes:
        planned = recipe.model_copy(update={"steps": before.steps})
        if not as_begun(planned, before).differences(before):
            return planned
    assert recipe.minutes is not None
    steps = processes.agree(max(1, int(60 * recipe.minutes / seconds_per_step(recipe, images, processes))))
    progress(Message(f"planned {count(steps, 'step')}: about {recipe.minutes:g} min on this machine"))
    return recipe.model_copy(update={"steps": steps})


def seconds_per_step(recipe: Recipe, images: Tensor, processes: Processes = ALONE) -> float:
    """Measure the time per step, with its share of what ends an epoch, on networks that are thrown away.

    Args:
        recipe: A recipe with minutes.
        images: Training images, already of the recipe's size.
        processes: The processes that train together.
    """
    state = Pretraining(
        recipe.architecture.build(recipe.seed),
        images,
        seed=recipe.seed,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        precision=recipe.precision,
        device=torch.device(recipe.device),
        optimizer=recipe.optimizer,
        processes=processes,
    )
    assert recipe.minutes is not None
    images_per_step = len(images) / state.steps_per_epoch
    rates = [record.images_per_second for record in state.run(max_steps=_LEAST_STEPS)]
    seconds = min(_MOST_SECONDS, 60 * recipe.minutes * _SHARE)
    steps = processes.agree(max(_LEAST_STEPS, int(seconds * rates[-1] / images_per_step)))
    rates = [record.images_per_second for record in state.run(max_steps=_LEAST_STEPS + steps)]
    start = time.perf_counter()
    state.effective_rank()
    end_of_epoch = time.perf_counter() - start
    return images_per_step / statistics.median_high(rates) + end_of_epoch / state.steps_per_epoch
