"""A linear head on the code of an autoencoder, both trained together."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ssl_irmae._support.seeding import derive_seed, seeded
from ssl_irmae.architecture import Architecture
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.protocols.predictors.code_network import CodeNetwork
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling

_SCALING_IMAGES = 2000


class CodeClassifier:
    """A copy of an autoencoder with a linear head on its scaled code.

    The scale is measured once, on the codes of unlabelled images under the starting weights. A linear stack is folded
    into the encoder first: it has done its work in pretraining, and training on would have to pass through eight small
    factors.

    Args:
        sample: Images, uint8 (m, c, s, s).
        autoencoder: The pretrained start, which is not changed; None starts from a fresh plain AE of the sample's
            family of networks.
    """

    def __init__(self, sample: Sample, autoencoder: Autoencoder | None) -> None:
        self._sample = sample
        pretrained = autoencoder is not None
        if autoencoder is None:
            channels, image_size = sample.inputs.shape[1:3]
            fresh = Architecture.paper(method="ae", channels=channels, image_size=image_size, networks=sample.networks)
            autoencoder = fresh.build(derive_seed(sample.seed, "network"))
        self.autoencoder = autoencoder.fold().to(sample.device).to(memory_format=torch.channels_last).eval()
        probe = sample.unlabelled[:: max(1, len(sample.unlabelled) // _SCALING_IMAGES)]

        @torch.no_grad()
        def scaling() -> Scaling:
            return Scaling.of(self.autoencoder.code(as_float(probe, sample.device)))

        # all subsets share the scale of a pretrained start; every fresh network has its own
        self.scaling = sample.memo.once("scaling of the start", scaling) if pretrained else scaling()
        self.autoencoder.train(not pretrained)  # of one's own networks: what a pretrained one normalises by is kept
        with seeded(sample.seed, "head"):
            self.head = nn.Linear(self.autoencoder.latent_dim, sample.classes).to(sample.device)

    def parameters(self, *, decoder: bool) -> Iterator[nn.Parameter]:
        """Yield the parameters to train; the decoder's only where a reconstruction loss trains it."""
        yield from self.autoencoder.encoder.parameters()
        yield from self.autoencoder.bottleneck.parameters()
        yield from self.head.parameters()
        if decoder:
            yield from self.autoencoder.decoder.parameters()

    def code(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to scaled codes (n, d)."""
        return self.scaling(self.autoencoder.code(x))

    def logits(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to logits (n, classes), fp32."""
        z: Tensor = self.head(self.code(x))
        return z.float()

    def predictor(self) -> Network:
        """Return the predictor that this has become."""
        channels, image_size = self._sample.inputs.shape[1:3]
        code = CodeNetwork(self.autoencoder.encoder.eval(), channels, image_size, self.autoencoder.latent_dim)
        return Network(code, self.scaling, self.head, self._sample.device, self._sample.precision)
