"""Which networks: enough to build an autoencoder that a state dict fits."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ssl_irmae._support.seeding import seeded
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.errors import UserError
from ssl_irmae.methods import find_method
from ssl_irmae.networks import reference_settings


class Architecture(BaseModel):
    """Which networks: enough to build an autoencoder that a state dict fits.

    ``depth``, ``init_scale`` and ``share_weights`` are IRMAE's alone and None for other methods.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    channels: int
    image_size: int
    latent_dim: int = Field(ge=1, le=65536)
    depth: int | None = Field(default=None, ge=0, le=65536)
    init_scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    share_weights: bool | None = None

    @model_validator(mode="after")
    def _stack_is_of_irmae(self) -> Self:
        given = [value is not None for value in (self.depth, self.init_scale, self.share_weights)]
        if any(given) != all(given) or all(given) != (self.method == "irmae"):
            raise ValueError("depth, init_scale and share_weights belong to irmae, all three, and to no other method")
        return self

    @classmethod
    def reference(
        cls,
        *,
        method: str,
        channels: int,
        image_size: int,
        latent_dim: int | None = None,
        depth: int | None = None,
        init_scale: float | None = None,
        share_weights: bool | None = None,
    ) -> Self:
        """Fill in what is not given from the reference settings for this kind of image.

        Raises:
            UserError: If a value is out of range, or is IRMAE's and the method is another.
        """
        find_method(method)
        settings = reference_settings(channels=channels, image_size=image_size)
        if method == "irmae":
            depth = settings.depth if depth is None else depth
            init_scale = 1.0 if init_scale is None else init_scale
            share_weights = bool(share_weights)
        else:
            given = {"--depth": depth, "--init-scale": init_scale, "--share-weights": share_weights or None}
            for flag, value in given.items():
                if value is not None:
                    raise UserError(f"{flag} belongs to the linear stack of irmae, not to {method}: leave it out")
            share_weights = None
        try:
            return cls(
                method=method,
                channels=channels,
                image_size=image_size,
                latent_dim=settings.latent_dim if latent_dim is None else latent_dim,
                depth=depth,
                init_scale=init_scale,
                share_weights=share_weights,
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"{first['loc'][0]} {first['input']}: {first['msg'].lower()}") from error

    def build(self, seed: int = 0) -> Autoencoder:
        """Build the autoencoder, initialised from a seed; torch's global generator is left as it was."""
        arguments = self.model_dump(exclude={"method"}, exclude_none=True)
        with seeded(seed, "initialise"):
            return find_method(self.method)(**arguments)
