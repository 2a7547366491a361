"""Everything that determines what a pretraining run computes, frozen."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ssl_irmae._support.compute import Precision
from ssl_irmae.architecture import Architecture
from ssl_irmae.errors import UserError

CHECKPOINT = "checkpoint.pt"
RECIPE = "recipe.json"


class Recipe(BaseModel):
    """One pretraining run: networks, data, optimiser, arithmetic, seed.

    How long to train is not part of it: a run that is continued to more epochs is the same run.
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

    def differences(self, other: "Recipe") -> list[str]:
        """Describe where another recipe differs, one entry per field."""
        mine, theirs = self._flat(), other._flat()
        return [f"`{key}` {theirs[key]} (now {mine[key]})" for key in mine if mine[key] != theirs[key]]

    def _flat(self) -> dict[str, object]:
        fields = self.model_dump()
        return {**fields.pop("architecture"), **fields}


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
        others = {entry.name for entry in folder.iterdir()} - {RECIPE} if folder.is_dir() else set()
        if any(not name.startswith(".") for name in others):
            raise UserError(f"{folder} contains files that are not a pretraining run: choose another `out`")
        return None
    try:
        return Recipe.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UserError(f"{path} is not a recipe of this version: choose another `out`") from error
