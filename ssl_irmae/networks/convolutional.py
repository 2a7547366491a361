"""Convolutional encoders and decoders: those of the IRMAE paper, and the same layers for other sizes and channels.

Source: Jing, Zbontar and LeCun, "Implicit Rank-Minimizing Autoencoder", NeurIPS 2020,
https://arxiv.org/abs/2010.00679, supplement. Module names follow the public IRMAE code (``dcnn``, ``fc``), so
that its state dicts need no renaming inside the networks.
"""

import itertools
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.networks.parts import ImageDecoder, ImageEncoder
from ssl_irmae.networks.sizes import check_pictures, is_large

Output = Literal["tanh", "sigmoid", "linear"]

_GRID = 8  # largest side of the map at which a decoder begins
_WIDEST = 1024


class ConvEncoder(ImageEncoder):
    """Map images to features: strided convolutions, then one linear layer.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels.
        features: Width d of the output.
        widths: Output channels of the convolutions (kernel 4, stride 2, padding 1), each of which halves the image,
            rounding down.
    """

    def __init__(self, *, channels: int, image_size: int, features: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.dcnn = nn.Sequential()
        for i, (c_in, c_out) in enumerate(itertools.pairwise((channels, *widths))):
            self.dcnn.add_module(str(2 * i), nn.Conv2d(c_in, c_out, 4, 2, 1))
            self.dcnn.add_module(str(2 * i + 1), nn.ReLU(inplace=True))
        self.fc = nn.Linear(widths[-1] * (image_size >> len(widths)) ** 2, features)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to (n, features)."""
        out: Tensor = self.fc(self.dcnn(x).flatten(1))
        return out

    @property
    def last(self) -> nn.Linear:
        """The last affine layer, the one a linear stack folds into."""
        return self.fc


class TransposedConv(nn.Module):
    """Apply a transposed convolution and add its bias in a separate step.

    Function, initial weights and state dict are those of ``nn.ConvTranspose2d``, whose backward pass on a CPU sums the
    gradient of the bias in a slow loop (docs/performance.md); a plain sum takes next to no time.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        kernel: Side of the kernel.
        stride: Factor by which the image grows.
        padding: Pixels removed from each border of the output.
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        layer = nn.ConvTranspose2d(c_in, c_out, kernel, stride, padding)
        assert layer.bias is not None
        self.weight, self.bias = layer.weight, layer.bias
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c_in, h, w) to (n, c_out, stride * (h - 1) + kernel - 2 * padding, ...)."""
        out = F.conv_transpose2d(x, self.weight, None, self.stride, self.padding)
        return out.add_(self.bias.to(out.dtype)[:, None, None])


class ConvDecoder(ImageDecoder):
    """Map codes to images: one linear layer to a small map, then transposed convolutions.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels.
        code: Width d of the code.
        widths: Channels of the map and after each transposed convolution (kernel 4, stride 2, padding 1), which doubles
            it. A 1x1 convolution follows, and what goes beyond s pixels is cut off.
        rectify_first: Whether a ReLU follows the linear layer (MNIST's decoder has one, CelebA's does not).
        output: Last activation.
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        code: int,
        widths: tuple[int, ...],
        rectify_first: bool,
        output: Output,
    ) -> None:
        super().__init__()
        side = -(-image_size >> (len(widths) - 1))
        self.image_size = image_size
        self.fc = nn.Linear(code, side**2 * widths[0])
        self.grid = (widths[0], side, side)
        layers: list[nn.Module] = [nn.ReLU(inplace=True)] if rectify_first else []
        for c_in, c_out in itertools.pairwise(widths):
            layers += [TransposedConv(c_in, c_out, 4, 2, 1), nn.ReLU(inplace=True)]
        self.dcnn = nn.Sequential(*layers, TransposedConv(widths[-1], channels, 1, 1, 0))
        self.output = activation(output)

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        out: Tensor = self.dcnn(self.fc(z).unflatten(1, self.grid)).float()
        return cut(out, self.image_size)


class ShapesEncoder(ImageEncoder):
    """Map 32x32 colour images to features with convolutions alone (the paper's encoder for its synthetic shapes).

    Args:
        channels: Image channels c.
        features: Width d of the output.
    """

    def __init__(self, *, channels: int, features: int) -> None:
        super().__init__()
        self.dcnn = nn.Sequential()
        for i, (c_in, c_out) in enumerate(itertools.pairwise((channels, 32, 64, 128, 256))):
            self.dcnn.add_module(str(2 * i), nn.Conv2d(c_in, c_out, 4, 2, 1))
            self.dcnn.add_module(str(2 * i + 1), nn.ReLU(inplace=True))
        self.dcnn.add_module("8", nn.Conv2d(256, features, 2, 1, 0))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, 32, 32) in [0, 1] to (n, features)."""
        out: Tensor = self.dcnn(x).flatten(1)
        return out

    @property
    def last(self) -> nn.Conv2d:
        """The last affine layer, the one a linear stack folds into."""
        layer = self.dcnn.get_submodule("8")
        assert isinstance(layer, nn.Conv2d)
        return layer


class ShapesDecoder(ImageDecoder):
    """Map codes to 32x32 images with transposed convolutions alone.

    Args:
        channels: Image channels c.
        code: Width d of the code.
        output: Last activation.
    """

    def __init__(self, *, channels: int, code: int, output: Output) -> None:
        super().__init__()
        layers: list[nn.Module] = [TransposedConv(code, 256, 2, 1, 0), nn.ReLU(inplace=True)]
        for c_in, c_out in ((256, 128), (128, 64), (64, 32)):
            layers += [TransposedConv(c_in, c_out, 4, 2, 1), nn.ReLU(inplace=True)]
        self.dcnn = nn.Sequential(*layers, TransposedConv(32, channels, 4, 2, 1))
        self.output = activation(output)

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, 32, 32), in fp32."""
        out: Tensor = self.dcnn(z[:, :, None, None]).float()
        return out


def conv_encoder(*, channels: int, image_size: int, features: int) -> ImageEncoder:
    """Build an encoder, freshly initialised: the paper's for 32 and 64 pixels, its layers for other sizes.

    From 48 pixels on, convolutions halve the image until 4 to 7 pixels are left, the first with 128 channels; beyond
    127 pixels one more stands in front, half as wide, and from 256 on two. Below 48 pixels 2 or 3 are left, and the
    first has 32 channels. Each has twice as many channels as the one before.

    Args:
        channels: Image channels, any number.
        image_size: 8 to 256 pixels.
        features: Width of the output.

    Raises:
        UserError: If there are no networks for such images.

    >>> encoder = conv_encoder(channels=4, image_size=100, features=64)
    >>> encoder.outputs
    64
    """
    check_pictures(channels=channels, image_size=image_size)
    if (channels, image_size) == (3, 32):
        return ShapesEncoder(channels=channels, features=features)
    halvings = (image_size // (4 if is_large(image_size) else 2)).bit_length() - 1
    first = 128 >> max(0, halvings - 4) if is_large(image_size) else 32
    widths = tuple(first << i for i in range(halvings))
    return ConvEncoder(channels=channels, image_size=image_size, features=features, widths=widths)


def conv_decoder(*, channels: int, image_size: int, code: int, output: Output) -> ImageDecoder:
    """Build a decoder, freshly initialised: the paper's for 32 and 64 pixels, its layers for other sizes.

    It begins with a map of 5 to 8 pixels, of 4 for an image of 8. From 48 pixels on the map has 1,024 channels, which
    are halved at each doubling of its size; below, they end at 32.

    Args:
        channels: Image channels, any number.
        image_size: 8 to 256 pixels.
        code: Width of the code.
        output: Last activation: ``"tanh"`` with squared error, ``"sigmoid"`` with cross-entropy.

    Raises:
        UserError: If there are no networks for such images.
    """
    check_pictures(channels=channels, image_size=image_size)
    if (channels, image_size) == (3, 32):
        return ShapesDecoder(channels=channels, code=code, output=output)
    doublings = max(1, (-(-image_size // _GRID) - 1).bit_length())
    large = is_large(image_size)
    first = _WIDEST if large else 32 << doublings
    return ConvDecoder(
        channels=channels,
        image_size=image_size,
        code=code,
        widths=tuple(first >> i for i in range(doublings + 1)),
        rectify_first=not large,
        output=output,
    )


def cut(x: Tensor, side: int) -> Tensor:
    """Cut images (n, c, h, w) down to (n, c, side, side), where they are larger."""
    return x if x.shape[2] == side else x[:, :, :side, :side]


def activation(output: Output) -> nn.Module:
    """Return the last activation of a decoder."""
    return {"tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "linear": nn.Identity}[output]()
