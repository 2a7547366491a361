"""Networks and losses agree with an independent, functional re-typing of the public IRMAE code."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ssl_irmae.architecture import Architecture

State = dict[str, Tensor]


def _conv(s: State, key: str, x: Tensor, stride: int = 2, padding: int = 1) -> Tensor:
    return F.conv2d(x, s[f"{key}.weight"], s[f"{key}.bias"], stride, padding)


def _up(s: State, key: str, x: Tensor, stride: int = 2, padding: int = 1) -> Tensor:
    return F.conv_transpose2d(x, s[f"{key}.weight"], s[f"{key}.bias"], stride, padding)


def _encode(s: State, kind: str, x: Tensor) -> Tensor:
    for i in (0, 2, 4, 6):
        x = torch.relu(_conv(s, f"encoder.dcnn.{i}", x))
    if kind == "shapes":
        return _conv(s, "encoder.dcnn.8", x, 1, 0).reshape(len(x), -1)
    return x.reshape(len(x), -1) @ s["encoder.fc.weight"].T + s["encoder.fc.bias"]


def _decode(s: State, kind: str, z: Tensor, *, vae: bool) -> Tensor:
    if kind == "shapes":
        x = torch.relu(_up(s, "decoder.dcnn.0", z.reshape(len(z), -1, 1, 1), 1, 0))
        for i in (2, 4, 6):
            x = torch.relu(_up(s, f"decoder.dcnn.{i}", x))
        x = _up(s, "decoder.dcnn.8", x)
    else:
        x = (z @ s["decoder.fc.weight"].T + s["decoder.fc.bias"]).reshape(len(z), -1, 8, 8)
        if kind == "mnist":
            x = torch.relu(_up(s, "decoder.dcnn.1", torch.relu(x)))
            x = torch.relu(_up(s, "decoder.dcnn.3", x))
            x = _up(s, "decoder.dcnn.5", x, 1, 0)
        else:
            for i in (0, 2, 4):
                x = torch.relu(_up(s, f"decoder.dcnn.{i}", x))
            x = _up(s, "decoder.dcnn.6", x, 1, 0)
    return torch.sigmoid(x) if vae else torch.tanh(x)


def _published_loss(s: State, kind: str, method: str, x: Tensor, noise: Tensor) -> Tensor:
    h = _encode(s, kind, x)
    if method == "vae":
        d = h.shape[1] // 2
        mu, logvar = h[:, :d], h[:, d:]
        x_hat = _decode(s, kind, mu + noise * torch.exp(0.5 * logvar), vae=True)
        cross_entropy = -(x * x_hat.log() + (1 - x) * (1 - x_hat).log()).mean()
        return cross_entropy - 0.1 * (1 + logvar - mu**2 - torch.exp(logvar)).mean()
    i = 0
    while f"bottleneck.hidden.{i}.weight" in s:
        h = h @ s[f"bottleneck.hidden.{i}.weight"].T
        i += 1
    return ((_decode(s, kind, h, vae=False) - x) ** 2).mean()


@pytest.mark.parametrize("method", ["irmae", "ae", "vae"])
@pytest.mark.parametrize(("kind", "channels", "size"), [("mnist", 1, 32), ("shapes", 3, 32), ("celeba", 3, 64)])
def test_loss_and_gradients_agree_with_a_re_typing(kind: str, channels: int, size: int, method: str) -> None:
    # a narrow code keeps the fully connected layers small at 64 pixels
    architecture = Architecture.paper(method=method, channels=channels, image_size=size, latent_dim=16)
    net = architecture.build(seed=1).double()
    for layer in net.bottleneck.parameters():
        layer.data *= 3  # undo the small start, so that rounding does not swamp gradients through the stack
    x = torch.rand(2, channels, size, size, dtype=torch.float64)
    state = {name: w.detach().clone().requires_grad_() for name, w in net.named_parameters()}
    # the networks return their last activation and code in fp32, hence the tolerance
    noise = torch.empty(2, 16).normal_(generator=torch.Generator().manual_seed(5)).double()
    expected = _published_loss(state, kind, method, x, noise)
    net = net.float()
    loss = net.loss(x.float(), torch.Generator().manual_seed(5))
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=1e-7)
    loss.backward()
    expected.backward()
    for name, parameter in net.named_parameters():
        theirs = state[name].grad
        assert parameter.grad is not None
        assert theirs is not None
        # relative in norm: near a kink of ReLU, fp32 and fp64 may fall on different sides in single entries
        assert (parameter.grad.double() - theirs).norm() <= 5e-3 * theirs.norm(), name


def test_default_sizes_are_the_published_ones() -> None:
    architecture = Architecture.paper(method="irmae", channels=1, image_size=32)
    assert (architecture.latent_dim, architecture.depth) == (128, 8)
    shapes = {name: tuple(w.shape) for name, w in architecture.build().state_dict().items()}
    assert shapes["encoder.dcnn.0.weight"] == (32, 1, 4, 4)
    assert shapes["encoder.fc.weight"] == (128, 1024)
    assert shapes["bottleneck.hidden.7.weight"] == (128, 128)
    assert shapes["decoder.fc.weight"] == (8192, 128)
    assert shapes["decoder.dcnn.5.weight"] == (32, 1, 1, 1)
