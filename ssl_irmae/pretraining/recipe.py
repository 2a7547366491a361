"""Everything that determines what a pretraining run computes, frozen."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.formats import format_of, refuse_later
from ssl_irmae.architecture import Architecture
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.optimizers import USUAL

CHECKPOINT = "checkpoint.pt"
RECIPE = "recipe.json"
TENSORBOARD = "tensorboard"

_FORMAT: Literal[1] = 1


class Recipe(BaseModel):
    """One pretraining run: networks, data, optimiser, arithmetic, seed, length.

    At a constant rate the length only says how far to train this time: a run that is continued to more steps is the
    same run. With a cooldown it determines every rate of the cooldown, and another length is another run.

    Args:
        architecture: The networks.
        dataset: Name of the images.
        data_fingerprint: SHA-256 of the images.
        seed: Seed of initial weights, order of images and noise.
        batch_size: Images per step.
        learning_rate: Learning rate, before any cooldown.
        precision: Arithmetic of the networks.
        device: Device on which it began.
        recipe: Named recipe from which it was made; that of the first versions, which recorded none, was the paper's.
        cooldown: Share of the steps, at their end, over which the learning rate falls linearly to zero.
        steps: Optimiser steps to take altogether; None in a recipe of the first versions.
        minutes: Minutes of training that were asked for, if these made the steps.
        optimizer: What takes the steps, a name in ``OPTIMIZERS``; not written where it is the usual one.
        format: Version of this layout; the first versions recorded none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: Architecture
    dataset: str
    data_fingerprint: str
    seed: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    precision: Precision
    device: str
    recipe: str = "paper"
    cooldown: float = Field(default=0.0, ge=0, le=1)
    steps: int | None = Field(default=None, ge=1)
    minutes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    optimizer: str = USUAL
    format: Literal[1] = _FORMAT

    def written(self) -> str:
        """Return it as JSON, as it is kept in the run folder."""
        return self.model_dump_json(indent=2, exclude={"optimizer"} if self.optimizer == USUAL else None)

    def differences(self, other: "Recipe") -> list[str]:
        """Describe where another recipe differs apart from its length, one entry per field."""
        mine, theirs = self._flat(), other._flat()
        changed = [key for key in mine if mine[key] != theirs[key]]
        if "method" in changed:  # which says that options of one of the two have no value
            changed = [key for key in changed if None not in (mine[key], theirs[key])]
        return [f"`{key}` {theirs[key]} (now {mine[key]})" for key in changed]

    def _flat(self) -> dict[str, object]:
        # the cooldown follows from the named recipe, and steps and minutes are the length
        fields = self.model_dump(exclude={"cooldown", "steps", "minutes", "format"})
        return {**fields.pop("architecture"), **fields}


def written_recipe(folder: Path) -> Recipe | None:
    """Return the recipe that is written in a folder, whether or not its run got anywhere; None if there is none."""
    try:
        return Recipe.model_validate_json((folder / RECIPE).read_bytes())
    except (OSError, ValidationError):
        return None


def recorded_recipe(folder: Path) -> Recipe | None:
    """Return the recipe of the run in a folder; None if the folder is empty, or its run never got anywhere.

    Raises:
        UserError: If it is a file, contains anything else, or a run that this version cannot read.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: choose another `out`, a folder")
    path = folder / RECIPE
    if not (folder / CHECKPOINT).is_file():
        # a recipe without a checkpoint belongs to a run that never got anywhere
        others = {entry.name for entry in folder.iterdir()} - {RECIPE, TENSORBOARD} if folder.is_dir() else set()
        if any(not name.startswith(".") for name in others):
            raise UserError(f"{folder} contains files that are not a pretraining run: choose another `out`")
        return None
    content = b""
    try:
        content = path.read_bytes()
        return Recipe.model_validate_json(content)
    except (OSError, ValidationError) as error:
        refuse_later(f"{path}", format_of(content, having="architecture"), _FORMAT)
        raise UserError(f"{path} is not a recipe of this version: choose another `out`") from error
