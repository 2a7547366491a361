"""A small residual encoder and decoder: another kind of network, to see whether an effect depends on it.

Blocks are those of He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", ECCV 2016,
https://arxiv.org/abs/1603.05027, with the normalisation of Wu and He, "Group Normalization", ECCV 2018,
https://arxiv.org/abs/1803.08494, so that the code of an image never depends on other images.
"""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.networks.convolutional import Output, TransposedConv, activation, cut
from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder
from ssl_irmae.networks.sizes import check_pictures, is_large

_FIRST, _WIDEST, _GROUPS = 32, 128, 8  # channels and groups of them


class ResidualBlock(nn.Module):
    """Add two 3x3 convolutions, each after normalisation and a ReLU, to their input, projected where its shape changes.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        stride: Stride of the first convolution.
    """

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_GROUPS, c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1)
        self.norm2 = nn.GroupNorm(_GROUPS, c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else nn.Conv2d(c_in, c_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c_in, h, w) to (n, c_out, h / stride, w / stride), rounded up."""
        h = self.conv1(F.relu(self.norm1(x)))
        out: Tensor = self.conv2(F.relu(self.norm2(h))) + self.shortcut(x)
        return out


class ResidualEncoder(ImageEncoder):
    """Map images to features: a strided convolution, residual blocks that halve the image, one linear layer.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels.
        features: Width d of the output.
        widths: Channels of the convolution and of each block; each halves the image, rounding up.
    """

    def __init__(self, *, channels: int, image_size: int, features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, widths[0], 3, 2, 1)
        pairs = itertools.pairwise(widths)
        self.blocks = nn.Sequential(*(ResidualBlock(c_in, c_out, stride=2) for c_in, c_out in pairs))
        self.norm = nn.GroupNorm(_GROUPS, widths[-1])
        self.fc = nn.Linear(widths[-1] * (-(-image_size >> len(widths))) ** 2, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to (n, features)."""
        out: Tensor = self.fc(F.relu(self.norm(self.blocks(self.first(x)))).flatten(1))
        return out

    @property
    def last(self) -> nn.Linear:
        """The last affine layer, the one a linear stack folds into."""
        return self.fc


class ResidualDecoder(ImageDecoder):
    """Map codes to images: one linear layer to a small map, residual blocks that double it, a transposed convolution.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels.
        code: Width d of the code.
        widths: Channels of the map and of each block. What goes beyond s pixels is cut off.
        output: Last activation.
    """

    def __init__(self, *, channels: int, image_size: int, code: int, widths: tuple[int, ...], output: Output) -> None:
        super().__init__()
        side = -(-image_size >> len(widths))
        self.image_size = image_size
        self.grid = (widths[0], side, side)
        self.fc = nn.Linear(code, widths[0] * side**2)
        pairs = itertools.pairwise(widths)
        blocks = ((nn.Upsample(scale_factor=2), ResidualBlock(c_in, c_out)) for c_in, c_out in pairs)
        self.blocks = nn.Sequential(*(layer for both in blocks for layer in both))
        self.norm = nn.GroupNorm(_GROUPS, widths[-1])
        self.last = TransposedConv(widths[-1], channels, 4, 2, 1)
        self.output = activation(output)

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        h = self.blocks(self.fc(z).unflatten(1, self.grid))
        out: Tensor = self.last(F.relu(self.norm(h))).float()
        return cut(out, self.image_size)


def residual_encoder(*, channels: int, image_size: int, features: int) -> ImageEncoder:
    """Build a residual encoder, freshly initialised.

    Args:
        channels: Image channels, any number.
        image_size: 8 to 256 pixels.
        features: Width of the output.

    Raises:
        UserError: If there are no networks for such images.

    >>> residual_encoder(channels=1, image_size=17, features=128).outputs
    128
    """
    widths = _widths(channels, image_size)
    return ResidualEncoder(channels=channels, image_size=image_size, features=features, widths=widths)


def residual_decoder(*, channels: int, image_size: int, code: int, output: Output) -> ImageDecoder:
    """Build a residual decoder, freshly initialised.

    Args:
        channels: Image channels, any number.
        image_size: 8 to 256 pixels.
        code: Width of the code.
        output: Last activation: ``"tanh"`` with squared error, ``"sigmoid"`` with cross-entropy.

    Raises:
        UserError: If there are no networks for such images.
    """
    widths = _widths(channels, image_size)[::-1]
    return ResidualDecoder(channels=channels, image_size=image_size, code=code, widths=widths, output=output)


def _widths(channels: int, image_size: int) -> tuple[int, ...]:
    """Return the channels of each halving, down to 2 to 4 pixels, from 48 pixels on 4 to 8."""
    check_pictures(channels=channels, image_size=image_size)
    halvings = (image_size // (4 if is_large(image_size) else 2)).bit_length() - 1
    return tuple(min(_FIRST << i, _WIDEST) for i in range(halvings))
