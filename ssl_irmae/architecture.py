"""What defines an autoencoder's networks."""

import contextlib
from typing import Self, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from ssl_irmae._support.seeding import seeded
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.bottlenecks import Identity
from ssl_irmae.bottlenecks.linear_stack import Init, Variant
from ssl_irmae.errors import UserError, check_choice
from ssl_irmae.methods import STACKED, find_method, method_plugin
from ssl_irmae.networks.own import Pair
from ssl_irmae.networks.registry import CONV, DEFAULT, NETWORKS, Networks, check_name, is_own, own_networks
from ssl_irmae.networks.sizes import paper_settings
from ssl_irmae.plugins.lookup import registered_network
from ssl_irmae.plugins.registered import Registered
from ssl_irmae.strength import check_strength, usual_strength

_FIRST_VERSION = ("method", "channels", "image_size", "latent_dim", "depth", "init_scale", "share_weights")


class Architecture(BaseModel):
    """What defines an autoencoder's networks: enough to build one that a state dict fits.

    Args:
        method: Name in ``METHODS``, or of a plug-in's method.
        channels: Image channels.
        image_size: Height and width of the images in pixels, 8 to 256; 1 for rows of as many numbers as there are
            channels.
        latent_dim: Code width d.
        depth: Number l of linear layers; None for methods without a stack of them.
        init_scale: Factor on the initial weights of these layers, likewise.
        share_weights: Whether these layers are one matrix, likewise.
        variant: What else is different in these layers, as ``LinearStack`` takes it; None is nothing.
        init: Their initial weights, likewise; None is torch's.
        strength: How much the method does (``ssl_irmae.strength``); None is its usual strength.
        network: Name in ``NETWORKS``, or what identifies networks of one's own: these are built only after
            ``with_network`` has been given the function that returns them, which no file records.
        plugin: If the method is of a plug-in: its distribution and version, and the stamp of its source, as they were
            when the architecture was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    channels: int
    image_size: int
    latent_dim: int = Field(ge=1, le=65536)
    depth: int | None = Field(default=None, ge=0, le=1024)
    init_scale: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    share_weights: bool | None = None
    variant: Variant | None = None
    init: Init | None = None
    strength: float | None = None
    network: str = DEFAULT
    plugin: str | None = None
    _function: Pair | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        find_method(self.method)
        if not is_own(self.network):
            check_name(self.network)
        paper_settings(channels=self.channels, image_size=self.image_size)
        return self

    @model_validator(mode="after")
    def _stack_is_of_irmae(self) -> Self:
        given = [value is not None for value in (self.depth, self.init_scale, self.share_weights)]
        stacked = self.method in STACKED
        if any(given) != all(given) or all(given) != stacked:
            raise ValueError("depth, init_scale and share_weights belong to irmae, all three, and to no other method")
        if not stacked and (self.variant or self.init):
            raise ValueError("variant and init belong to irmae, and to no other method")
        check_strength(self.method, self.strength)
        return self

    @classmethod
    def paper(
        cls,
        *,
        method: str,
        channels: int,
        image_size: int,
        latent_dim: int | None = None,
        depth: int | None = None,
        most_depth: int | None = None,
        init_scale: float | None = None,
        share_weights: bool | None = None,
        variant: str | None = None,
        init: str | None = None,
        strength: float | None = None,
        networks: Networks = CONV,
    ) -> Self:
        """Build an architecture, with the paper's settings for this kind of image where an argument is None.

        With ``most_depth`` a stack whose ``depth`` is None and follows the kind of image has no more linear layers than
        that.

        Raises:
            UserError: If a value is out of range, or belongs to IRMAE and the method is another.
        """
        plugin = method_plugin(method)
        check_strength(method, strength)
        settings = paper_settings(channels=channels, image_size=image_size)
        if method in STACKED:
            usual = STACKED[method] or min(settings.depth, most_depth or settings.depth)
            depth = usual if depth is None else depth
            init_scale = 1.0 if init_scale is None else init_scale
            share_weights = bool(share_weights)
            check_choice("variant", variant or "free", get_args(Variant))
            check_choice("init", init or "default", get_args(Init))
        else:
            given: dict[str, object] = {"depth": depth, "init_scale": init_scale, "variant": variant, "init": init}
            given["share_weights"] = share_weights or None
            for name, value in given.items():
                if value is not None:
                    raise UserError(f"`{name}` belongs to the linear stack of irmae, not to {method}: leave it out")
            share_weights = None
        try:
            architecture = cls(
                method=method,
                channels=channels,
                image_size=image_size,
                latent_dim=settings.latent_dim if latent_dim is None else latent_dim,
                depth=depth,
                init_scale=init_scale,
                share_weights=share_weights,
                variant=next((name for name in get_args(Variant) if name == variant != "free"), None),
                init=next((name for name in get_args(Init) if name == init != "default"), None),
                strength=None if strength == usual_strength(method) else strength,
                network=networks.name,
                plugin=None if plugin is None else f"{plugin.origin}, source {plugin.origin.stamp}",
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(f"`{first['loc'][0]}` {first['input']}: {first['msg'].lower()}") from error
        return architecture if networks.function is None else architecture.with_network(networks.function)

    def with_network(self, function: Pair) -> Self:
        """Return the architecture with the function that returns its networks, which are one's own."""
        architecture = self.model_copy()
        architecture._function = function
        return architecture

    @property
    def own(self) -> bool:
        """Whether its networks are one's own, so that building them takes a function that no file records."""
        return is_own(self.network)

    @property
    def function(self) -> Pair | None:
        """The function that returns its networks, if they are one's own and it was given."""
        return self._function

    @property
    def plugins(self) -> tuple[Registered, ...]:
        """What of it is of plug-ins, as they are now: its method, its networks."""
        both = (method_plugin(self.method), registered_network(self._function))
        return tuple(plugin for plugin in both if plugin is not None)

    @property
    def networks(self) -> Networks:
        """What its networks are built by.

        Raises:
            UserError: If they are one's own, and the function was not given.
        """
        if not self.own:
            return NETWORKS[self.network]
        if self._function is None:
            raise UserError("`network`: these networks are not ours: give the function that returns them again")
        return own_networks(self.network, self._function)

    def identity(self) -> dict[str, object]:
        """Return what identifies these networks in the hash of an encoder.

        The hash of an encoder must never change, since results refer to it. So these are always the seven fields of the
        first version, in that order; a field added later is included only if it is not at its default.
        """
        values = self.model_dump(mode="json")
        added = {
            name: values[name]
            for name, field in type(self).model_fields.items()
            if name not in _FIRST_VERSION and getattr(self, name) != field.get_default(call_default_factory=True)
        }
        return {name: values[name] for name in _FIRST_VERSION} | added

    def build(self, seed: int = 0) -> Autoencoder:
        """Build the autoencoder, initialised from a seed; torch's global generator stays as it was."""
        arguments = self.model_dump(exclude={"method", "network", "plugin"}, exclude_none=True)
        networks = self.networks
        with seeded(seed, "initialise"):
            return find_method(self.method)(**arguments, networks=networks)

    def build_empty(self, *, folded: bool = False) -> Autoencoder:
        """Build the autoencoder for its shapes: on torch's device "meta", where it takes no memory, if all is ours.

        Args:
            folded: Whether its linear stack has been folded into the encoder.
        """
        # a function that is not ours may compute with what it makes, which "meta" cannot
        with contextlib.nullcontext() if self.own or self.plugin else torch.device("meta"):
            autoencoder = self.build()
            if folded and autoencoder.bottleneck.linear:
                autoencoder.encoder.make_room()
                autoencoder.bottleneck = Identity()
                autoencoder.folded = True
        return autoencoder
