"""Named pretraining methods: each is one function that holds its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, Unpack

from ssl_irmae.autoencoder import Autoencoder, Reconstruction
from ssl_irmae.bottlenecks import (
    Bottleneck,
    Gaussian,
    Identity,
    LinearStack,
    LowRankLayer,
    Penalised,
    SketchedGaussian,
    Truncated,
)
from ssl_irmae.bottlenecks.linear_stack import Init, Variant
from ssl_irmae.errors import UserError, describe_exception
from ssl_irmae.networks.convolutional import Output
from ssl_irmae.networks.registry import CONV, Networks
from ssl_irmae.networks.sizes import is_row
from ssl_irmae.plugins.lookup import find_registered, registered
from ssl_irmae.plugins.registered import Registered


class Sizes(TypedDict):
    """What every method is given.

    Args:
        channels: Image channels.
        image_size: Height and width in pixels, 8 to 256.
        latent_dim: Code width d.
        networks: The family of encoder and decoder.
    """

    channels: int
    image_size: int
    latent_dim: int
    networks: NotRequired[Networks]


def irmae(
    *,
    depth: int,
    init_scale: float = 1.0,
    share_weights: bool = False,
    variant: Variant = "free",
    init: Init = "default",
    **sizes: Unpack[Sizes],
) -> Autoencoder:
    """Build an Implicit Rank-Minimizing Autoencoder: a linear stack between encoder and decoder, squared error.

    The decoder ends in tanh, or in nothing for rows of numbers.

    Source: Jing, Zbontar and LeCun, NeurIPS 2020, https://arxiv.org/abs/2010.00679.

    Args:
        depth: Number l of linear layers; 0 is exactly the plain autoencoder.
        init_scale: Factor on the initial weights of the stack.
        share_weights: Whether one matrix is used l times.
        variant: What is different in the linear layers, as ``LinearStack`` takes it.
        init: Their initial weights, likewise.
        sizes: As every method is given.
    """
    return irmae_wd(
        depth=depth,
        init_scale=init_scale,
        share_weights=share_weights,
        variant=variant,
        init=init,
        strength=0.0,
        **sizes,
    )


def irmae_wd(
    *,
    depth: int,
    init_scale: float = 1.0,
    share_weights: bool = False,
    variant: Variant = "free",
    init: Init = "default",
    strength: float = 1e-6,
    **sizes: Unpack[Sizes],
) -> Autoencoder:
    r"""Build an IRMAE that is trained with weight decay on all its weights, decoupled as in AdamW.

    The paper has four linear layers, a learning rate :math:`\eta` of 1e-3 and the decay :math:`\lambda` of 1e-6. Each
    step multiplies the weights by :math:`1 - \eta \lambda`, which over T steps makes :math:`e^{-\eta \lambda T}`: at
    these numbers a change by a millionth per thousand steps, so that a short training is nearly that of IRMAE. Decays
    that change the codes of a short training are near :math:`1 / (\eta T)`, of the order of 0.1 to 1.

    Source: Zeng et al., "Autoencoders for discovering manifold dimension and coordinates in data from complex dynamical
    systems", 2023, https://arxiv.org/abs/2305.01090.

    Args:
        depth: Number l of linear layers.
        init_scale: Factor on the initial weights of the stack.
        share_weights: Whether one matrix is used l times.
        variant: What is different in the linear layers, as ``LinearStack`` takes it.
        init: Their initial weights, likewise.
        strength: Weight decay lambda.
        sizes: As every method is given.
    """
    return _compose(
        lambda: (
            LinearStack(
                width=sizes["latent_dim"],
                depth=depth,
                init_scale=init_scale,
                share_weights=share_weights,
                variant=variant,
                init=init,
            )
            if depth
            else Identity()
        ),
        weight_decay=strength,
        **sizes,
    )


def ae(**sizes: Unpack[Sizes]) -> Autoencoder:
    """Build a plain autoencoder, squared error: IRMAE at depth 0.

    Args:
        sizes: As every method is given.
    """
    return irmae(depth=0, **sizes)


def lorae(*, strength: float = 1e-3, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a low-rank autoencoder: one linear layer whose nuclear norm is penalised.

    Source: Mazumder et al., WACV 2024, https://arxiv.org/abs/2310.16194.

    Args:
        strength: Weight of the nuclear norm.
        sizes: As every method is given.
    """
    return _compose(lambda: LowRankLayer(width=sizes["latent_dim"], strength=strength), **sizes)


def rrae(*, strength: float | None = None, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a rank reduction autoencoder: each batch of codes is truncated to its leading singular directions.

    Source: Mounayer et al., 2024, https://arxiv.org/abs/2405.13980.

    Args:
        strength: Number of directions that are kept: fewer are stronger; None is an eighth of the code's width, at
            most 16. A batch has to have more images than that.
        sizes: As every method is given.
    """
    return _compose(
        lambda: Truncated(
            width=sizes["latent_dim"],
            directions=min(max(1, sizes["latent_dim"] // 8), _MOST_DIRECTIONS) if strength is None else int(strength),
        ),
        **sizes,
    )


def denoising(*, strength: float = 0.25, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a denoising autoencoder: a share of the pixels is set to zero before encoding, and has to be restored.

    It is masking noise, drawn for each number of each image in each step. The code is that of the image as it is.

    Source: Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008.

    Args:
        strength: Share of the numbers that are set to zero.
        sizes: As every method is given.
    """
    return _compose(Identity, corruption=strength, **sizes)


def contractive(*, strength: float = 1e-4, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a contractive autoencoder: the encoder's Jacobian is penalised.

    .. math:: \text{penalty} = \lambda \cdot \text{mean}_x \lVert J_f(x) \rVert_F^2

    The paper computes the norm for one layer, in closed form; of a deep encoder it is estimated from one random
    direction per image (``squared_jacobian``). Nor are decoder and encoder tied here, so that a decoder with larger
    weights can make up for a smaller code.

    Source: Rifai et al., "Contractive auto-encoders: explicit invariance during feature extraction", ICML 2011.

    Args:
        strength: Weight lambda of the penalty.
        sizes: As every method is given.
    """
    return _compose(Identity, contraction=strength, **sizes)


def sparse(*, strength: float = 1e-3, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a sparse autoencoder: the mean absolute value of the code is penalised.

    Of the ways to make codes sparse this is the L1 penalty, not the k largest entries, nor a target for their mean.

    Source: Ng, "Sparse autoencoder", lecture notes CS294A, Stanford 2011, which penalises the mean instead.

    Args:
        strength: Weight of the penalty.
        sizes: As every method is given.
    """
    return _compose(lambda: Penalised(norm="l1", strength=strength), **sizes)


def rae(*, strength: float = 1e-3, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a regularised autoencoder: half the mean square of the code is penalised.

    Of the paper's terms this is the one of the code; its decoder's weights are not penalised.

    Source: Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, https://arxiv.org/abs/1903.12436.

    Args:
        strength: Weight of the penalty.
        sizes: As every method is given.
    """
    return _compose(lambda: Penalised(norm="l2", strength=strength), **sizes)


def sigreg(*, strength: float = 1e-3, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build an autoencoder whose codes are drawn to an isotropic Gaussian, by tests on random projections.

    Source: Balestriero and LeCun, "LeJEPA", 2025, https://arxiv.org/abs/2511.08544.

    Args:
        strength: Weight of the mean statistic of Epps and Pulley.
        sizes: As every method is given.
    """
    return _compose(lambda: SketchedGaussian(strength=strength), **sizes)


def vae(*, strength: float = 0.1, **sizes: Unpack[Sizes]) -> Autoencoder:
    r"""Build a variational autoencoder: Gaussian bottleneck (beta 0.1), sigmoid output, cross-entropy.

    For rows of c numbers the decoder is linear at its end, and the loss is the evidence bound of a Gaussian of variance
    0.1 around each standardised number, times :math:`0.2 / c`: squared error, and a beta of :math:`0.1 \, d / c`.

    Source: Kingma and Welling, ICLR 2014, https://arxiv.org/abs/1312.6114, with the weight of the public IRMAE code.

    Args:
        strength: Weight beta of the penalty; for rows the variance, in the place of 0.1.
        sizes: As every method is given.
    """
    rows, width = is_row(sizes["image_size"]), sizes["latent_dim"]
    return _compose(
        lambda: Gaussian(width=width, beta=strength * width / sizes["channels"] if rows else strength),
        features=2 * width,
        output="linear" if rows else "sigmoid",
        reconstruction="squared-error" if rows else "cross-entropy",
        **sizes,
    )


METHODS: dict[str, Callable[..., Autoencoder]] = {
    "irmae": irmae,
    "ae": ae,
    "vae": vae,
    "irmae-wd": irmae_wd,
    "lorae": lorae,
    "rrae": rrae,
    "denoising": denoising,
    "contractive": contractive,
    "sparse": sparse,
    "rae": rae,
    "sigreg": sigreg,
}

REVISIONS: dict[str, int] = {"contractive": 2}
"""Of the methods whose arithmetic was changed, so that what was pretrained before is not taken for what is now."""

_MOST_DIRECTIONS = 16  # of rrae: half of the usual batch, in which 32 directions are all

STACKED: dict[str, int | None] = {"irmae": None, "irmae-wd": 4}
"""The methods with a linear stack, and its usual depth; None follows the kind of image."""


def _compose(
    bottleneck: Callable[[], Bottleneck],
    *,
    channels: int,
    image_size: int,
    latent_dim: int,
    networks: Networks = CONV,
    features: int | None = None,
    output: Output | None = None,
    reconstruction: Reconstruction = "squared-error",
    corruption: float = 0.0,
    contraction: float = 0.0,
    weight_decay: float = 0.0,
) -> Autoencoder:
    """Compose an autoencoder, initialised in the order encoder, bottleneck, decoder; with as many features as codes."""
    output = output or ("linear" if is_row(image_size) else "tanh")
    return Autoencoder(
        encoder=networks.encoder(channels=channels, image_size=image_size, features=features or latent_dim),
        bottleneck=bottleneck(),
        decoder=networks.decoder(channels=channels, image_size=image_size, code=latent_dim, output=output),
        latent_dim=latent_dim,
        reconstruction=reconstruction,
        corruption=corruption,
        contraction=contraction,
        weight_decay=weight_decay,
    )


def find_method(name: str) -> Callable[..., Autoencoder]:
    """Look up a method by name, among ours and among those of plug-ins.

    Raises:
        UserError: If the name is unknown; it lists the known ones and the nearest.
    """
    if name in METHODS:
        return METHODS[name]
    return _Guarded(find_registered("method", name, METHODS))


def is_method(name: str) -> bool:
    """Return whether there is a method of this name, ours or of a plug-in."""
    return name in METHODS or name in registered("method")


def method_plugin(name: str) -> Registered | None:
    """Return the plug-in that a method is of; None if it is one of ours.

    Raises:
        UserError: If the name is unknown.
    """
    return None if name in METHODS else find_registered("method", name, METHODS)


@dataclass(frozen=True)
class _Guarded:
    """A method of a plug-in, held to its contract."""

    plugin: Registered

    def __call__(self, *, latent_dim: int, **arguments: Any) -> Autoencoder:
        try:
            built: object = self.plugin.function(latent_dim=latent_dim, **arguments)
        except Exception as error:  # the code is not ours, and may raise anything
            raise UserError(f"{self.plugin.title} fails ({describe_exception(error)})") from error
        if not isinstance(built, Autoencoder) or built.latent_dim != latent_dim:
            got = f"`latent_dim` {built.latent_dim}" if isinstance(built, Autoencoder) else type(built).__name__
            raise UserError(
                f"{self.plugin.title} must return an Autoencoder with the `latent_dim` that it is given, {latent_dim}: "
                f"got {got}"
            )
        return built
