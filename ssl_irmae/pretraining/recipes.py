"""Named recipes: at which rate to pretrain, and for how long, as a function of the number of images."""

from dataclasses import dataclass

from ssl_irmae.errors import unknown_name

_MANY_IMAGES = 20_000


@dataclass(frozen=True)
class NamedRecipe:
    """How an encoder is pretrained, whatever its networks and images are.

    Args:
        batch_size: Images per step.
        learning_rate: Adam's learning rate, before any cooldown.
        epochs: Passes over the images.
        least_steps: Optimiser steps that few images get, however many epochs these are.
        most_steps: Optimiser steps that many images get, however few epochs these are; None for no limit.
        cooldown: Share of the steps, at their end, over which the learning rate falls linearly to zero; 0 keeps it.
        depths: Most linear layers of an IRMAE whose depth is not given, with fewer than 20,000 images and with more;
            None for as many as the paper has.
    """

    batch_size: int
    learning_rate: float
    epochs: int
    least_steps: int = 1
    most_steps: int | None = None
    cooldown: float = 0.0
    depths: tuple[int, int] | None = None

    def most_depth(self, images: int) -> int | None:
        """Return the most linear layers of an IRMAE on a number of images; None for as many as the paper has.

        >>> [RECIPES["short"].most_depth(n) for n in (5_000, 60_000)]
        [2, 4]
        """
        return None if self.depths is None else self.depths[images >= _MANY_IMAGES]

    def steps(
        self, images: int, *, batch_size: int | None = None, epochs: int | None = None, max_steps: int | None = None
    ) -> int:
        """Return how many optimiser steps to take.

        Args:
            images: Number of images.
            batch_size: Images per step; the recipe's unless given.
            epochs: Passes over the images, exactly; by the recipe unless given.
            max_steps: The most steps to take.

        >>> short = RECIPES["short"]
        >>> short.steps(60_000), short.steps(200), short.steps(1_000_000)
        (18750, 3000, 20000)
        >>> short.steps(60_000, epochs=2), short.steps(60_000, max_steps=500)
        (3750, 500)
        """
        per_epoch = -(-images // (batch_size or self.batch_size))
        if epochs is not None:
            steps = epochs * per_epoch
        else:
            steps = max(self.epochs * per_epoch, self.least_steps)
            steps = steps if self.most_steps is None else min(steps, self.most_steps)
        return steps if max_steps is None else min(steps, max_steps)


RECIPES: dict[str, NamedRecipe] = {
    # Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations", NeurIPS 2024,
    # https://arxiv.org/abs/2405.18392: a constant rate with a cooldown over the last fifth does as well as a cosine
    "short": NamedRecipe(
        batch_size=32,
        learning_rate=5e-4,
        epochs=10,
        least_steps=3000,
        most_steps=20_000,
        cooldown=0.2,
        depths=(2, 4),  # docs/results/rank: deeper stacks take longer to train, and do harm where labels are many
    ),
    # Jing, Zbontar and LeCun, "Implicit Rank-Minimizing Autoencoder", NeurIPS 2020, https://arxiv.org/abs/2010.00679
    "paper": NamedRecipe(batch_size=32, learning_rate=1e-4, epochs=100),
}
DEFAULT = "short"


def find_recipe(name: str) -> NamedRecipe:
    """Look up a recipe by name.

    Raises:
        UserError: If the name is unknown; it lists the known ones and the nearest.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]


def learning_rate_at(step: int, *, learning_rate: float, cooldown: float, steps: int) -> float:
    r"""Return the learning rate of a step: constant, then falling linearly to zero.

    .. math:: \eta_t = \eta \cdot \min\Bigl(1, \frac{T - t}{c \, T}\Bigr)

    Args:
        step: Steps taken before it, t.
        learning_rate: The constant rate.
        cooldown: Share c of the steps over which it falls; 0 keeps it constant.
        steps: Steps altogether, T.

    >>> [learning_rate_at(t, learning_rate=1.0, cooldown=0.4, steps=10) for t in (0, 5, 6, 7, 8, 9)]
    [1.0, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    return learning_rate * min(1.0, (steps - step) / (cooldown * steps)) if cooldown else learning_rate
