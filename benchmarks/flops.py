"""How much arithmetic an image costs, from the layers alone."""

import torch
from torch import Tensor, nn


def forward_flops(net: nn.Module, *inputs: Tensor) -> int:
    """Count the floating-point operations of convolutions and linear layers in one forward pass.

    A product and its sum count as two. A convolution multiplies each output position by its whole kernel, a transposed
    one each input position.

    Args:
        net: Called once.
        *inputs: What it is called with.
    """
    total = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)
        x = given[0] if isinstance(layer, nn.ConvTranspose2d) else out
        positions = len(x) if isinstance(layer, nn.Linear) else x.numel() // x.shape[1]
        total += 2 * positions * layer.weight.numel()

    counted = [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
    hooks = [m.register_forward_hook(count) for m in counted]
    with torch.no_grad():
        net(*inputs)
    for hook in hooks:
        hook.remove()
    return total


def training_flops(net: nn.Module, x: Tensor) -> float:
    """Estimate the operations of one training step an image: forward, and twice as many backward.

    Backward needs the gradient of every weight and of every input; that of the pixels, which nobody needs, is counted
    too: it is below one per cent.

    Args:
        net: The whole autoencoder.
        x: Images (n, c, s, s).
    """
    return 3 * forward_flops(net, x) / len(x)
