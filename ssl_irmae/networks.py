"""Convolutional encoders and decoders of the IRMAE paper, and the settings it used at each image size.

Source: Jing, Zbontar and LeCun, "Implicit Rank-Minimizing Autoencoder", NeurIPS 2020,
https://arxiv.org/abs/2010.00679, supplement. Module names follow the public IRMAE code (``dcnn``, ``fc``), so
that its state dicts need no renaming inside the networks.
"""

import itertools
from typing import Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae.errors import UserError

Output = Literal["tanh", "sigmoid"]


class ConvEncoder(nn.Module):
    """Map images to features: four strided convolutions, then one linear layer.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels, a multiple of 16.
        features: Width d of the output.
        widths: Output channels of the four convolutions (kernel 4, stride 2, padding 1).
    """

    def __init__(self, *, channels: int, image_size: int, features: int, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        self.dcnn = nn.Sequential()
        for i, (c_in, c_out) in enumerate(itertools.pairwise((channels, *widths))):
            self.dcnn.add_module(str(2 * i), nn.Conv2d(c_in, c_out, 4, 2, 1))
            self.dcnn.add_module(str(2 * i + 1), nn.ReLU(inplace=True))
        self.fc = nn.Linear(widths[-1] * (image_size // 16) ** 2, features)

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


class ConvDecoder(nn.Module):
    """Map codes to images: one linear layer to an 8x8 map, then transposed convolutions.

    Args:
        channels: Image channels c.
        code: Width d of the code.
        widths: Channels of the 8x8 map and after each transposed convolution (kernel 4, stride 2, padding 1). A 1x1
            convolution follows; the image is 8 * 2 ** (len(widths) - 1) pixels wide.
        rectify_first: Whether a ReLU follows the linear layer (MNIST's decoder has one, CelebA's does not).
        output: Last activation.
    """

    def __init__(
        self, *, channels: int, code: int, widths: tuple[int, ...], rectify_first: bool, output: Output
    ) -> None:
        super().__init__()
        self.fc = nn.Linear(code, 64 * widths[0])
        self.grid = (widths[0], 8, 8)
        layers: list[nn.Module] = [nn.ReLU(inplace=True)] if rectify_first else []
        for c_in, c_out in itertools.pairwise(widths):
            layers += [TransposedConv(c_in, c_out, 4, 2, 1), nn.ReLU(inplace=True)]
        self.dcnn = nn.Sequential(*layers, TransposedConv(widths[-1], channels, 1, 1, 0))
        self.output = _activation(output)

    def forward(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, s, s)."""
        out: Tensor = self.output(self.before_output(z))
        return out

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, s, s), in fp32."""
        out: Tensor = self.dcnn(self.fc(z).unflatten(1, self.grid)).float()
        return out


class ShapesEncoder(nn.Module):
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


class ShapesDecoder(nn.Module):
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
        self.output = _activation(output)

    def forward(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to images (n, c, 32, 32)."""
        out: Tensor = self.output(self.before_output(z))
        return out

    def before_output(self, z: Tensor) -> Tensor:
        """Map codes (n, d) to the input of the last activation (n, c, 32, 32), in fp32."""
        out: Tensor = self.dcnn(z[:, :, None, None]).float()
        return out


AnyEncoder = ConvEncoder | ShapesEncoder
AnyDecoder = ConvDecoder | ShapesDecoder


class PaperSettings(NamedTuple):
    """The paper's settings for one kind of image: code width d and stack depth l."""

    latent_dim: int
    depth: int


def paper_settings(*, channels: int, image_size: int) -> PaperSettings:
    """Look up the paper's code width and depth for a kind of image.

    Args:
        channels: 1 (grey) or 3 (colour).
        image_size: 32 or 64 pixels.

    Returns:
        Those of MNIST for 32x32 grey, of the synthetic shapes for 32x32 colour, of CelebA for 64x64.

    Raises:
        UserError: If the paper has no networks for these images.
    """
    if channels not in (1, 3) or image_size not in (32, 64):
        raise UserError(
            f"there are no networks for {channels}-channel images of {image_size}x{image_size}: "
            "use 1 or 3 channels and `image_size` 32 or 64"
        )
    if image_size == 64:
        return PaperSettings(latent_dim=512, depth=4)
    return PaperSettings(latent_dim=128, depth=8) if channels == 1 else PaperSettings(latent_dim=32, depth=2)


def paper_encoder(*, channels: int, image_size: int, features: int) -> AnyEncoder:
    """Build the paper's encoder for a kind of image, freshly initialised.

    Args:
        channels: 1 (grey) or 3 (colour).
        image_size: 32 or 64 pixels.
        features: Width of the output.

    Raises:
        UserError: If the paper has no networks for these images.
    """
    paper_settings(channels=channels, image_size=image_size)
    if image_size == 64:
        return ConvEncoder(channels=channels, image_size=64, features=features, widths=(128, 256, 512, 1024))
    if channels == 1:
        return ConvEncoder(channels=1, image_size=32, features=features, widths=(32, 64, 128, 256))
    return ShapesEncoder(channels=channels, features=features)


def paper_decoder(*, channels: int, image_size: int, code: int, output: Output) -> AnyDecoder:
    """Build the paper's decoder for a kind of image, freshly initialised.

    Args:
        channels: 1 (grey) or 3 (colour).
        image_size: 32 or 64 pixels.
        code: Width of the code.
        output: Last activation: ``"tanh"`` with squared error, ``"sigmoid"`` with cross-entropy.

    Raises:
        UserError: If the paper has no networks for these images.
    """
    paper_settings(channels=channels, image_size=image_size)
    if image_size == 64:
        widths = (1024, 512, 256, 128)
        return ConvDecoder(channels=channels, code=code, widths=widths, rectify_first=False, output=output)
    if channels == 1:
        return ConvDecoder(channels=1, code=code, widths=(128, 64, 32), rectify_first=True, output=output)
    return ShapesDecoder(channels=channels, code=code, output=output)


def _activation(output: Output) -> nn.Module:
    return nn.Sigmoid() if output == "sigmoid" else nn.Tanh()
