"""Everything that determines what a pretraining run computes, frozen."""

from pydantic import BaseModel, ConfigDict, Field

from ssl_irmae._support.compute import Precision
from ssl_irmae.architecture import Architecture


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
