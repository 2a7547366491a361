"""A small residual network that reads images."""

from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssl_irmae._support.compute import Precision, autocast
from ssl_irmae.protocols.predictors.chunks import in_chunks
from ssl_irmae.protocols.predictors.form import Settings, Tensors

_LANES = 16
_SIZES = ("channels", "width", "classes")
_COUNTER = "num_batches_tracked"  # of batch norm, which does not use it at a fixed momentum


class Block(nn.Module):
    """Add two 3x3 convolutions with batch norm to their input, which is projected where its shape changes.

    Args:
        c_in: Input channels.
        c_out: Output channels.
        stride: Stride of the first convolution.
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(c_in, c_out, 3, stride, 1)
        self.second = _convolution(c_out, c_out, 3, 1, 1)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else _convolution(c_in, c_out, 1, stride, 0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, c_in, h, w) to (n, c_out, h / stride, w / stride)."""
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ResidualNetwork(nn.Module):
    """Map images of any size to class scores: a strided convolution, three residual blocks, the mean over pixels.

    Blocks and shortcuts are those of He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
    https://arxiv.org/abs/1512.03385. The first convolution halves the image, which keeps training on a CPU affordable.

    Args:
        channels: Image channels.
        width: Channels of the first convolution and block, a multiple of 16; the second block has twice, the third four
            times as many.
        classes: Number of classes.

    Raises:
        ValueError: If the width is another: torch's convolutions on a CPU (2.14, oneDNN) then write beyond their
            memory for some batch sizes, such as 12 channels and 85 images in two threads.
    """

    def __init__(self, *, channels: int, width: int, classes: int) -> None:
        super().__init__()
        if width % _LANES:
            raise ValueError(f"the width is {width}, expected a multiple of {_LANES}")
        self.first = _convolution(channels, width, 4, 2, 1)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.head = nn.Linear(4 * width, classes)
        self.sizes = {"channels": channels, "width": width, "classes": classes}

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to logits (n, classes), fp32."""
        logits: Tensor = self.head(self.blocks(F.relu(self.first(x))).mean((2, 3)))
        return logits.float()


@dataclass(frozen=True)
class Residual:
    """Predict the classes of images, each for itself: batch norm uses the statistics of the training.

    Predictions are computed in the precision of the training, logits always in fp32, as of ``Network``.

    Args:
        network: The network, in eval mode.
        device: Where it is.
        precision: Arithmetic of predictions.
    """

    network: ResidualNetwork
    device: torch.device
    precision: Precision = "fp32"

    def __call__(self, images: Tensor) -> Tensor:
        """Predict the classes of images, uint8 (m, c, s, s)."""
        with autocast(self.device, self.precision):
            return in_chunks(lambda x: self.network(x).argmax(1), images, self.device)

    def logits(self, images: Tensor) -> Tensor:
        """Score every class."""
        return in_chunks(self.network, images, self.device)

    def tensors(self) -> dict[str, Tensor]:
        """Return weights and statistics of batch norm, on the CPU."""
        return {name: x.detach().cpu().contiguous() for name, x in _kept(self.network).items()}

    def settings(self) -> dict[str, int]:
        """Return the sizes of the network."""
        return dict(self.network.sizes)

    @classmethod
    def rebuild(cls, tensors: Tensors, settings: Settings, device: torch.device) -> Self:
        """Rebuild the predictor."""
        channels, width, classes = (settings[name] for name in _SIZES)
        if min(channels, width, classes) < 1 or set(settings) != set(_SIZES):
            raise ValueError(f"the settings are {dict(settings)}, expected a size for each of {', '.join(_SIZES)}")
        with torch.device("meta"):  # sizes from a file allocate nothing before the weights are seen to fit
            network = ResidualNetwork(channels=channels, width=width, classes=classes)
        found, expected = ({n: (x.shape, x.dtype) for n, x in each.items()} for each in (tensors, _kept(network)))
        if found != expected:
            raise ValueError("the weights are not those expected of a residual network of the sizes that are recorded")
        network = network.to_empty(device=device)
        network.load_state_dict(dict(tensors), strict=False)  # all but the counters
        return cls(network.to(memory_format=torch.channels_last).eval().requires_grad_(False), device)


def _convolution(c_in: int, c_out: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=False), nn.BatchNorm2d(c_out))


def _kept(network: ResidualNetwork) -> dict[str, Tensor]:
    return {name: x for name, x in network.state_dict().items() if not name.endswith(_COUNTER)}
