"""The contract of every method, and the stated properties of the stack and of folding."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from ssl_irmae.architecture import Architecture
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.bottlenecks import LinearStack
from ssl_irmae.errors import UserError
from ssl_irmae.methods import METHODS
from ssl_irmae.strength import STRENGTHS

KINDS = [(1, 32), (3, 32), (1, 64), (3, 64)]


def _architecture(method: str, channels: int = 1, size: int = 32, **more: Any) -> Architecture:
    return Architecture.paper(method=method, channels=channels, image_size=size, latent_dim=12, **more)


@pytest.mark.parametrize(
    ("method", "channels", "size"),
    [(method, *kind) for method in METHODS for kind in KINDS if kind == KINDS[0] or method in ("irmae", "vae")],
)
def test_contract_of_every_method(method: str, channels: int, size: int) -> None:
    net = _architecture(method, channels, size).build().eval()
    x = torch.rand(3, channels, size, size)
    assert net.features(x).shape == net.code(x).shape == (3, 12)
    assert net.reconstruct(x).shape == x.shape
    assert torch.equal(net.code(x), net.code(x))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses = net.losses(x, torch.Generator().manual_seed(0))
        loss = net.loss(x, torch.Generator().manual_seed(0))
    assert [part.dtype for part in losses] == [torch.float32, torch.float32]
    assert loss.shape == ()
    assert loss.item() == (losses[0] + losses[1]).item()
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_builds_the_same_weights_and_keeps_torchs_global_state(method: str) -> None:
    before = torch.random.get_rng_state()
    a, b, c = (_architecture(method).build(seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)


@pytest.mark.parametrize(("channels", "size"), KINDS)
def test_folding_changes_codes_by_float_error_only(channels: int, size: int) -> None:
    _assert_folds(_architecture("irmae", channels, size, depth=3).build().eval(), torch.rand(5, channels, size, size))


LINEAR: list[dict[str, Any]] = [
    {"method": "lorae"},
    {"method": "rrae"},
    {"method": "irmae-wd", "share_weights": True},
    {"method": "irmae", "depth": 3, "variant": "tied"},
    {"method": "irmae", "depth": 2, "variant": "frozen", "init": "orthogonal"},
]


@pytest.mark.parametrize("arguments", LINEAR, ids=str)
def test_every_linear_bottleneck_folds(arguments: dict[str, Any]) -> None:
    net = _architecture(**arguments).build()
    x = torch.rand(8, 1, 32, 32)
    net.loss(x)  # after which the directions of rrae are no longer those of its start
    _assert_folds(net.eval(), x)
    empty = _architecture(**arguments).build_empty(folded=True)
    assert {k: v.shape for k, v in empty.state_dict().items()} == {
        k: v.shape for k, v in net.fold().state_dict().items()
    }


def _assert_folds(net: Autoencoder, x: torch.Tensor) -> None:
    with torch.no_grad():
        code, folded = net.code(x), net.fold().code(x)
    torch.testing.assert_close(folded, code, rtol=1e-4, atol=1e-6)
    assert not torch.equal(code, net.features(x))


def test_a_stack_with_relu_is_not_folded() -> None:
    net = _architecture("irmae", depth=2, variant="relu").build()
    with pytest.raises(UserError, match="`variant` relu is not one matrix"):
        net.fold()


def test_a_folded_encoder_has_no_features() -> None:
    with pytest.raises(UserError, match="folded"):
        _architecture("irmae").build().fold().features(torch.rand(1, 1, 32, 32))


def test_folding_keeps_the_original_unchanged() -> None:
    net = _architecture("irmae").build()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    net.fold()
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_depth_zero_is_the_plain_autoencoder_exactly() -> None:
    a = _architecture("irmae", depth=0).build(7).state_dict()
    b = _architecture("ae").build(7).state_dict()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("share", [False, True])
def test_the_stack_equals_its_product(share: bool) -> None:
    stack = LinearStack(width=5, depth=4, share_weights=share)
    matrices = [p.detach().double() for p in stack.parameters()] * (4 if share else 1)
    assert len(matrices) == 4
    product = matrices[3] @ matrices[2] @ matrices[1] @ matrices[0]
    h = torch.randn(6, 5)
    torch.testing.assert_close(stack(h).double(), h.double() @ product.T, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(stack.product(), product)


def test_tied_layers_are_transposes_of_those_before_them() -> None:
    stack = LinearStack(width=5, depth=3, variant="tied")
    one, two = (p.detach().double() for p in stack.parameters())
    torch.testing.assert_close(stack.product(), two @ one.T @ one)


def test_relu_stands_between_layers_and_not_after_the_last() -> None:
    stack = LinearStack(width=5, depth=2, variant="relu")
    one, two = stack.parameters()
    h = torch.randn(6, 5)
    torch.testing.assert_close(stack(h), (h @ one.T).relu() @ two.T)


def test_an_orthogonal_start_keeps_the_size_of_a_signal() -> None:
    W = LinearStack(width=6, depth=4, init="orthogonal").product()
    torch.testing.assert_close(W.T @ W, torch.eye(6, dtype=torch.float64), atol=1e-5, rtol=0)


def test_each_default_layer_shrinks_a_signal_by_sqrt_three() -> None:
    shrink = LinearStack(width=512, depth=1)(torch.randn(2000, 512)).std().item()
    assert shrink == pytest.approx(1 / math.sqrt(3), rel=0.02)


def test_the_initial_scale_multiplies_every_layer() -> None:
    torch.manual_seed(0)
    plain = LinearStack(width=4, depth=2)
    torch.manual_seed(0)
    scaled = LinearStack(width=4, depth=2, init_scale=0.5)
    torch.testing.assert_close(scaled.product(), plain.product() * 0.25)


def test_the_stack_stays_fp32_under_autocast() -> None:
    stack = LinearStack(width=64, depth=8)
    h = torch.randn(10, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = stack(h)
        assert nn.functional.linear(h, torch.eye(64)).dtype == torch.bfloat16  # autocast is on
    assert torch.equal(inside, stack(h))


@pytest.mark.parametrize(
    "bad",
    [
        {"depth": 0},
        {"depth": 2, "init_scale": 0.0},
        {"depth": 2, "init_scale": math.nan},
        {"depth": 2, "variant": "tide"},
        {"depth": 2, "init": "none"},
        {"depth": 2, "share_weights": True, "variant": "tied"},
    ],
)
def test_what_makes_no_stack_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        LinearStack(width=4, **bad)


def test_the_gaussian_samples_in_the_loss_and_reports_the_mean() -> None:
    net = _architecture("vae").build()
    x = torch.rand(4, 1, 32, 32)
    one, two = (net.loss(x, torch.Generator().manual_seed(s)) for s in (0, 1))
    again = net.loss(x, torch.Generator().manual_seed(0))
    assert one.item() == again.item() != two.item()
    assert torch.equal(net.code(x), net.encoder(x)[:, :12])


def test_arguments_of_the_stack_are_rejected_for_other_methods() -> None:
    with pytest.raises(UserError, match="`depth` belongs to the linear stack of irmae, not to vae"):
        _architecture("vae", depth=3)


def test_what_is_at_its_default_is_not_part_of_the_identity() -> None:
    plain = _architecture("irmae").identity()
    assert set(plain) == {"method", "channels", "image_size", "latent_dim", "depth", "init_scale", "share_weights"}
    assert _architecture("irmae", variant="free", init="default").identity() == plain
    assert _architecture("irmae", variant="tied").identity() == {**plain, "variant": "tied"}
    assert _architecture("lorae", strength=1e-3).identity() == _architecture("lorae").identity()
    assert _architecture("vae", strength=0.1).identity() == _architecture("vae").identity()
    assert _architecture("vae", strength=0.5).identity()["strength"] == 0.5


@pytest.mark.parametrize("method", STRENGTHS)
def test_strength_reaches_every_method_that_has_one(method: str) -> None:
    x, strong = torch.rand(4, 1, 32, 32), {"rrae": 2, "denoising": 0.9}.get(method, 100.0)
    weak, usual, strong_one = (
        _architecture(method, strength=strength).build().train() for strength in (STRENGTHS[method].least, None, strong)
    )
    if method == "irmae-wd":
        assert [net.weight_decay for net in (weak, usual, strong_one)] == [0, 1e-6, 100]
    else:
        losses = [net.loss(x, torch.Generator().manual_seed(0)).item() for net in (weak, usual, strong_one)]
        assert method == "rrae" or losses[0] != losses[1]
        assert losses[0] != losses[2]


@pytest.mark.parametrize(
    ("method", "strength", "reason"),
    [
        ("irmae", 1.0, "`strength` belongs to vae, .*, not to irmae"),
        ("lorae", -1.0, "`strength` -1: that of lorae, weight of .*, is a number from 0; its usual one is 0.001"),
        ("lorae", math.nan, "`strength` nan"),
        ("sparse", math.inf, "`strength` inf"),
        ("denoising", 1.0, "is a number from 0 to below 1"),
        ("rrae", 2.5, "is a whole number from 1"),
        ("rrae", 13.0, "of a code of width 12, 1 to 12 directions"),
    ],
)
def test_a_strength_out_of_range_is_refused_in_one_sentence(method: str, strength: float, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        _architecture(method, strength=strength).build()


def test_an_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'irmae'"):
        _architecture("irmea")
