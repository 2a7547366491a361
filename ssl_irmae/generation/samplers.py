"""Distributions of codes to draw from: fitted to the codes of training images, or the prior that a method draws to."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.errors import UserError

MIXTURE_PARTS = 10
"""Gaussians of the mixture, as in Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020."""

WITH_PRIOR = ("vae", "sigreg")
"""Methods whose codes are drawn to a standard Gaussian in training."""

_NEGLIGIBLE = 1e-8  # of the largest variance: directions that vary less are not told from none


class Sampler(Protocol):
    """A distribution of codes."""

    def __call__(self, n: int, rng: torch.Generator, /) -> Tensor:
        """Draw codes, fp32 (n, d), on the CPU."""
        ...


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
            raise UserError("the encoder gives all images the same code, so that there is nothing to draw: train it")
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

    return draw


def mixture(codes: Tensor, *, method: str, seed: int) -> Sampler:  # noqa: ARG001 (as of every sampler)
    """Fit a mixture of ten Gaussians, each with a covariance of its own, to the whitened codes, by scikit-learn.

    Whitened, so that it does not depend on the scale of the codes, which differs from direction to direction.
    """
    from sklearn.mixture import GaussianMixture

    principal = Principal.of(codes)
    parts = min(MIXTURE_PARTS, len(codes))
    fitted = GaussianMixture(parts, random_state=derive_seed(seed, "mixture") % 2**32, reg_covar=1e-4)
    fitted.fit(principal.whiten(codes).numpy())
    weights = torch.from_numpy(fitted.weights_)
    means = torch.from_numpy(fitted.means_)
    factors = torch.linalg.cholesky(torch.from_numpy(fitted.covariances_))

    def draw(n: int, rng: torch.Generator) -> Tensor:
        part = torch.multinomial(weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, means.shape[1], dtype=torch.float64, generator=rng)
        return principal.colour(means[part] + torch.einsum("nij,nj->ni", factors[part], noise))

    return draw


def prior(codes: Tensor, *, method: str, seed: int) -> Sampler:  # noqa: ARG001 (as of every sampler)
    """Take the standard Gaussian, to which nothing is fitted.

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

    return draw


SAMPLERS: dict[str, Callable[..., Sampler]] = {"gaussian": gaussian, "mixture": mixture, "prior": prior}
"""By name; called with codes (n, d), and with ``method`` and ``seed`` by name."""


def samplers_of(method: str) -> tuple[str, ...]:
    """Return the names of the samplers that codes of a method have.

    >>> samplers_of("irmae"), samplers_of("vae")
    (('gaussian', 'mixture'), ('gaussian', 'mixture', 'prior'))
    """
    return tuple(name for name in SAMPLERS if name != "prior" or method in WITH_PRIOR)
