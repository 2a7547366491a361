"""Fully connected encoders and decoders: for rows of numbers, which have no neighbouring pixels."""

import math

from torch import Tensor, nn

from ssl_irmae.networks.convolutional import Output, activation
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder
from ssl_irmae.networks.sizes import paper_settings

_HIDDEN = 256


class MlpEncoder(ImageEncoder):
    """Map images, or rows of numbers, to features: two hidden layers of 256 units with ReLU, then one linear layer.

    Args:
        channels: Image channels c, or columns.
        image_size: Height and width s in pixels; 1 for rows of c numbers.
        features: Width d of the output.
    """

    def __init__(self, *, channels: int, image_size: int, features: int) -> None:
        super().__init__()
        self.hidden = nn.Sequential(*_hidden(channels * image_size**2))
        self.fc = nn.Linear(_HIDDEN, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) to (n, features)."""
        out: Tensor = self.fc(self.hidden(x.flatten(1)))
        return out

    @property
    def last(self) -> nn.Linear:
        """The last affine layer, the one a linear stack folds into."""
        return self.fc


class MlpDecoder(ImageDecoder):
    """Map codes to images, or to rows of numbers: two hidden layers of 256 units with ReLU, then one linear layer.

    Args:
        channels: Image channels c, or columns.
        image_size: Height and width s in pixels; 1 for rows of c numbers.
        code: Width d of the code.
        output: Last activation.
    """

    def __init__(self, *, channels: int, image_size: int, code: int, output: Output) -> None:
        super().__init__()
        self.shape = (channels, image_size, image_size)
        self.hidden = nn.Sequential(*_hidden(code))
        self.fc = nn.Linear(_HIDDEN, math.prod(self.shape))
        self.output = activation(output)

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        out: Tensor = self.fc(self.hidden(z)).float().unflatten(1, self.shape)
        return out


def mlp_encoder(*, channels: int, image_size: int, features: int) -> ImageEncoder:
    """Build a fully connected encoder, freshly initialised.

    Args:
        channels: Image channels, or columns of a table.
        image_size: 8 to 256 pixels; 1 for rows of numbers.
        features: Width of the output.

    Raises:
        UserError: If there are no networks for such images.

    >>> mlp_encoder(channels=30, image_size=1, features=8).outputs
    8
    """
    paper_settings(channels=channels, image_size=image_size)
    return MlpEncoder(channels=channels, image_size=image_size, features=features)


def mlp_decoder(*, channels: int, image_size: int, code: int, output: Output) -> ImageDecoder:
    """Build a fully connected decoder, freshly initialised.

    Args:
        channels: Image channels, or columns of a table.
        image_size: 8 to 256 pixels; 1 for rows of numbers.
        code: Width of the code.
        output: Last activation: ``"linear"`` for rows of numbers.

    Raises:
        UserError: If there are no networks for such images.
    """
    paper_settings(channels=channels, image_size=image_size)
    return MlpDecoder(channels=channels, image_size=image_size, code=code, output=output)


def _hidden(inputs: int) -> list[nn.Module]:
    return [nn.Linear(inputs, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU()]
