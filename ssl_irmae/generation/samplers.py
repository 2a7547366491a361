"""Distributions of codes to draw from: fitted to the codes of training images, or the prior that a method draws to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.reading import count
from ssl_irmae.errors import UserError
from ssl_irmae.spectrum import effective_rank, spectrum

WITH_PRIOR = ("vae", "sigreg")
"""Methods whose codes are drawn to a standard Gaussian in training."""

_PARTS = 10  # as in Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020
_LEAST_CODES = 20  # per part of a mixture
_NEGLIGIBLE = 1e-8  # of the largest variance: directions that vary less are not told from none


@dataclass(frozen=True)
class Sampler:
    """A distribution of codes, called with a number and a generator: it draws as many codes, fp32 (n, d), on the CPU.

    Args:
        draw: What draws them.
        description: What it is, in a few words, with ``{codes}`` where the codes are named.
    """

    draw: Callable[[int, torch.Generator], Tensor]
    description: str

    def __call__(self, n: int, rng: torch.Generator) -> Tensor:
        """Draw codes, fp32 (n, d), on the CPU."""
        return self.draw(n, rng)


@dataclass(frozen=True)
class Principal:
    """Codes along their principal components, largest variance first: all that vary.

    Args:
        mean: Mean code, float64 (d,).
        deviations: Standard deviation along each component, float64 (k,).
        components: Orthonormal rows, float64 (k, d).
    """

    mean: Tensor
    deviations: Tensor
    components: Tensor

    @classmethod
    def of(cls, codes: Tensor) -> Self:
        """Find the components of codes, shape (n, d), n at least 2.

        Raises:
            UserError: If all codes are the same.
        """
        z = codes.double()
        mean = z.mean(0)
        centred = z - mean
        variances, vectors = torch.linalg.eigh(centred.T @ centred / (len(z) - 1))
        variances, vectors = variances.flip(0), vectors.flip(1)
        kept = variances > _NEGLIGIBLE * variances[0].clamp_min(torch.finfo(torch.float32).tiny)
        if not kept.any():
            raise UserError(
                "all images have the same code, so that there is nothing to draw: train the encoder, or give images "
                "that differ"
            )
        return cls(mean, variances[kept].sqrt(), vectors[:, kept].T.contiguous())

    def whiten(self, codes: Tensor) -> Tensor:
        """Map codes (n, d) to coordinates of unit variance, float64 (n, k)."""
        return (codes.double() - self.mean) @ self.components.T / self.deviations

    def colour(self, coordinates: Tensor) -> Tensor:
        """Map coordinates (n, k) back to codes, fp32 (n, d)."""
        return (self.mean + coordinates.double() * self.deviations @ self.components).float()


def gaussian(codes: Tensor, *, method: str, seed: int) -> Sampler:  # noqa: ARG001 (as of every sampler)
    """Fit a Gaussian to the codes: their mean and covariance."""
    principal = Principal.of(codes)

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return principal.colour(torch.randn(n, len(principal.deviations), generator=rng))

    return Sampler(draw, "a Gaussian fitted to {codes}")


def mixture_parts(n: int, directions: int) -> int:
    """Return how many Gaussians a mixture has: ten, or as many as there are enough codes for, at least one.

    Enough are 20 codes per Gaussian, and twice as many as there are directions, of which each Gaussian estimates a
    covariance. A Gaussian of one code or two would draw these codes again, and their pictures would pass for new ones.

    >>> mixture_parts(10_000, 128), mixture_parts(1000, 128), mixture_parts(24, 4)
    (10, 3, 1)
    """
    return max(1, min(_PARTS, n // max(_LEAST_CODES, 2 * directions)))


def mixture(codes: Tensor, *, method: str, seed: int) -> Sampler:  # noqa: ARG001 (as of every sampler)
    """Fit a mixture of Gaussians, each with a covariance of its own, to the whitened codes, by scikit-learn.

    There are ``mixture_parts`` of them. The codes are whitened, so that the fit does not depend on their scale, which
    differs from direction to direction.
    """
    from sklearn.mixture import GaussianMixture

    principal = Principal.of(codes)
    parts = mixture_parts(len(codes), len(principal.deviations))
    fitted = GaussianMixture(parts, random_state=derive_seed(seed, "mixture") % 2**32, reg_covar=1e-4)
    fitted.fit(principal.whiten(codes).numpy())
    weights = torch.from_numpy(fitted.weights_)
    means = torch.from_numpy(fitted.means_)
    factors = torch.linalg.cholesky(torch.from_numpy(fitted.covariances_))

    def draw(n: int, rng: torch.Generator) -> Tensor:
        part = torch.multinomial(weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, means.shape[1], dtype=torch.float64, generator=rng)
        return principal.colour(means[part] + torch.einsum("nij,nj->ni", factors[part], noise))

    few = "" if parts == _PARTS else f" (codes are too few for {_PARTS})"
    return Sampler(draw, f"a mixture of {count(parts, 'Gaussian')}{few} fitted to {{codes}}")


def prior(codes: Tensor, *, method: str, seed: int) -> Sampler:  # noqa: ARG001 (as of every sampler)
    """Take the standard Gaussian, to which nothing is fitted.

    A VAE is a model whose codes have this distribution. SIGReg only draws codes to it, and they may remain far from it:
    the description has their effective rank.

    Raises:
        UserError: If the method does not draw its codes to it.
    """
    if method not in WITH_PRIOR:
        raise UserError(
            f"`sampler` prior: only codes of {' and '.join(WITH_PRIOR)} are drawn to a standard Gaussian in training, "
            f"and this is {method}: use gaussian or mixture, which are fitted to its codes"
        )
    width = codes.shape[1]

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return torch.randn(n, width, generator=rng)

    if method == "vae":
        return Sampler(draw, "its prior, the standard Gaussian")
    rank = effective_rank(spectrum(codes))
    return Sampler(
        draw,
        f"the standard Gaussian, to which its training draws codes; {{codes}} have an effective rank of {rank:.0f}, "
        f"and those of that Gaussian one of {width}",
    )


SAMPLERS: dict[str, Callable[..., Sampler]] = {"gaussian": gaussian, "mixture": mixture, "prior": prior}
"""By name; called with codes (n, d), and with ``method`` and ``seed`` by name."""


def samplers_of(method: str) -> tuple[str, ...]:
    """Return the names of the samplers that codes of a method have.

    >>> samplers_of("irmae"), samplers_of("vae")
    (('gaussian', 'mixture'), ('gaussian', 'mixture', 'prior'))
    """
    return tuple(name for name in SAMPLERS if name != "prior" or method in WITH_PRIOR)
