"""A plug-in: nearest class means of whitened codes, and an autoencoder with noise on its code."""

import torch
from torch import Tensor

import ssl_irmae
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.bottlenecks import Bottleneck
from ssl_irmae.networks.registry import Networks
from ssl_irmae.protocols.readouts.sample import Predictor, Sample


def whitened_mean(sample: Sample, *, shrinkage: float) -> Predictor:
    r"""Choose the class whose mean is nearest where the codes of all training images have unit covariance.

    .. math:: \Sigma = (1 - s) \operatorname{cov}(Z) + s \tfrac{\operatorname{tr} \operatorname{cov}(Z)}{d} I

    Args:
        sample: Codes or features, shape (m, d).
        shrinkage: s, from 0 to 1: how far the covariance is drawn towards a sphere.
    """

    def whitening() -> Tensor:
        covariance = torch.atleast_2d(torch.cov(sample.unlabelled.double().T))
        sphere = covariance.trace() / len(covariance) * torch.eye(len(covariance), dtype=torch.float64)
        factor: Tensor = torch.linalg.cholesky((1 - shrinkage) * covariance + shrinkage * sphere)
        return factor.inverse().T

    # a function of the unlabelled codes alone, so that all subsets may share it
    whiten = sample.memo.once(f"whitening {shrinkage}", whitening)
    present: Tensor = sample.labels.unique()
    codes = sample.inputs.double() @ whiten
    means = torch.stack([codes[sample.labels == label].mean(0) for label in present])

    def predict(inputs: Tensor) -> Tensor:
        return present[torch.cdist(inputs.double() @ whiten, means).argmin(1)]

    return predict


class Noise(Bottleneck):
    """Add Gaussian noise to the code that is decoded in training; the code itself is the features.

    Args:
        size: Standard deviation of the noise in each direction, as a share of that of the batch.
    """

    def __init__(self, *, size: float) -> None:
        super().__init__()
        self.size = size

    def forward(self, h: Tensor) -> Tensor:
        """Return the features (n, d) as the code."""
        return h.float()

    def sample(self, h: Tensor, rng: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Return the code with noise (n, d), and no penalty."""
        z = self(h)
        noise = torch.empty_like(z).normal_(generator=rng)
        return z + self.size * z.detach().std(0) * noise, z.new_zeros(())


def noisy_ae(*, channels: int, image_size: int, latent_dim: int, networks: Networks) -> Autoencoder:
    """Build an autoencoder with noise on its code."""
    return Autoencoder(
        encoder=networks.encoder(channels=channels, image_size=image_size, features=latent_dim),
        bottleneck=Noise(size=0.3),
        decoder=networks.decoder(channels=channels, image_size=image_size, code=latent_dim, output="tanh"),
        latent_dim=latent_dim,
        reconstruction="squared-error",
    )


ssl_irmae.register(
    "whitened-mean",
    readout=whitened_mean,
    settings={"shrinkage": 0.95},
    summary="the class with the nearest mean of whitened codes",
    deterministic=True,
)
ssl_irmae.register("noisy-ae", method=noisy_ae, summary="an autoencoder with noise on its code")
