"""An encoder and a decoder of one's own: a small pair for images of any size and number of channels."""

from torch import nn


def small(*, channels: int, image_size: int, code: int) -> tuple[nn.Module, nn.Module]:
    """Return an encoder with one strided convolution and a decoder of two dense layers.

    Args:
        channels: Image channels c.
        image_size: Height and width s in pixels.
        code: Width d of the code.

    Returns:
        The encoder, images (n, c, s, s) in [0, 1] to codes (n, d); and the decoder, codes (n, d) to images
        (n, c, s, s), before the last activation.
    """
    side = -(-image_size // 4)
    encoder = nn.Sequential(nn.Conv2d(channels, 16, 5, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(16 * side**2, code))
    decoder = nn.Sequential(
        nn.Linear(code, 64),
        nn.ReLU(),
        nn.Linear(64, channels * image_size**2),
        nn.Unflatten(1, (channels, image_size, image_size)),
    )
    return encoder, decoder
