"""What bottlenecks and penalties state: gradients, limits, and agreement with slow and independent computations."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch import Tensor, nn
from torch.autograd import gradcheck

from ssl_irmae.architecture import Architecture
from ssl_irmae.bottlenecks import LowRankLayer, Penalised, SketchedGaussian, Truncated
from ssl_irmae.bottlenecks.low_rank_layer import nuclear_norm
from ssl_irmae.bottlenecks.sketched_gaussian import epps_pulley
from ssl_irmae.bottlenecks.truncated import truncate
from ssl_irmae.contraction import squared_jacobian
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import Pretraining
from ssl_irmae.pretraining.recipes import find_recipe

WIDTH = 6


def _randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)).requires_grad_()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_gradients_of_singular_values_agree_with_differences(shape: tuple[int, int]) -> None:
    H = _randn(*shape)
    assert gradcheck(nuclear_norm, H)
    for k in (1, 2):
        assert gradcheck(lambda x, k=k: truncate(x, k), H)


def test_the_gradient_of_the_characteristic_functions_agrees_with_differences() -> None:
    assert gradcheck(epps_pulley, _randn(5, 3))


def test_the_gradient_of_the_jacobian_agrees_with_differences() -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    x, directions = _randn(3, 1, 2, 2), _randn(3, 1, 2, 2, seed=1).detach()

    def norm(*weights: Tensor) -> Tensor:
        state = dict(zip(dict(encoder.named_parameters()), weights, strict=True))

        class Called(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                out: Tensor = torch.func.functional_call(encoder, state, (x,))
                return out

        return squared_jacobian(Called(), x, directions)

    assert gradcheck(norm, tuple(encoder.parameters()))


def test_the_jacobian_is_measured_without_bias() -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(9, 5))
    x = torch.rand(20_000, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    directions = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    estimated = squared_jacobian(linear, x, directions).item()
    assert estimated == pytest.approx(linear[1].get_parameter("weight").square().sum().item(), rel=0.03)


def test_the_jacobian_of_a_network_with_kinks_is_that_at_the_images() -> None:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(4, 300), nn.ReLU(), nn.Linear(300, 3)).double()
    x, directions = (_randn(5, 1, 2, 2, seed=seed).detach() for seed in (0, 1))
    J = torch.func.vmap(torch.func.jacrev(lambda image: encoder(image[None])[0]))(x).flatten(2)
    expected = (J @ directions.flatten(1)[:, :, None]).square().sum((1, 2)).mean()
    torch.testing.assert_close(squared_jacobian(encoder, x, directions), expected)


def test_the_statistic_is_the_integral_that_it_states() -> None:
    x = np.random.default_rng(0).normal(1.0, 0.5, 7)

    def distance(t: float) -> float:
        return float(abs(np.exp(1j * t * x).mean() - np.exp(-(t**2) / 2)) ** 2 * np.exp(-(t**2) / 2))

    whole = len(x) * quad(distance, -20, 20)[0]
    assert float(epps_pulley(torch.from_numpy(x)[:, None])) == pytest.approx(whole, rel=1e-3)


def test_a_gaussian_batch_has_the_stated_mean_statistic() -> None:
    x = torch.randn(64, 20_000, generator=torch.Generator().manual_seed(0))
    assert float(epps_pulley(x).mean()) == pytest.approx(np.sqrt(2 * np.pi) * (1 - 1 / np.sqrt(3)), rel=0.02)


def test_a_truncated_batch_is_the_nearest_of_its_rank() -> None:
    H = _randn(8, 5).detach()
    Z = truncate(H, 2)
    s = torch.linalg.svdvals(H)
    assert int(torch.linalg.matrix_rank(Z)) == 2
    assert float((H - Z).norm()) == pytest.approx(float(s[2:].norm()))
    assert truncate(H, 5) is H


@pytest.mark.parametrize("rows", [1, 2, 9])
@pytest.mark.parametrize("code", [0.0, 1.0, 1e6])
@pytest.mark.parametrize(
    "bottleneck",
    [
        LowRankLayer(width=WIDTH, strength=1.0),
        Truncated(width=WIDTH, directions=2),
        Penalised(norm="l1", strength=1.0),
        Penalised(norm="l2", strength=1.0),
        SketchedGaussian(strength=1.0),
    ],
    ids=lambda bottleneck: type(bottleneck).__name__,
)
def test_constant_codes_have_finite_losses_and_gradients(
    bottleneck: LowRankLayer | Truncated | Penalised | SketchedGaussian, code: float, rows: int
) -> None:
    h = torch.full((rows, WIDTH), code, requires_grad=True)
    z, penalty = bottleneck.sample(h, torch.Generator().manual_seed(0))
    (z.sum() + penalty).backward()
    assert z.isfinite().all()
    assert penalty.isfinite()
    assert h.grad is not None
    assert h.grad.isfinite().all()


@pytest.mark.parametrize("bottleneck", [LowRankLayer(width=WIDTH, strength=1.0), Truncated(width=WIDTH, directions=2)])
def test_what_is_not_finite_stays_so_and_does_not_raise(bottleneck: LowRankLayer | Truncated) -> None:
    with torch.no_grad():
        for parameter in bottleneck.parameters():
            parameter.fill_(torch.nan)
    z, penalty = bottleneck.sample(torch.full((4, WIDTH), torch.nan))
    bottleneck.eval()
    assert not (z.sum() + penalty).isfinite()


def test_outside_training_codes_are_projected_on_the_leading_directions_of_training() -> None:
    rng = torch.Generator().manual_seed(0)
    directions, _ = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=rng))
    scales = torch.tensor([9.0, 5.0, 1.0, 0.5, 0.1, 0.1])
    bottleneck = Truncated(width=WIDTH, directions=2)
    for _ in range(200):
        bottleneck.sample(torch.randn(32, WIDTH, generator=rng) * scales @ directions.T)
    bottleneck.eval()
    torch.testing.assert_close(bottleneck.product().float(), directions[:, :2] @ directions[:, :2].T, atol=0.05, rtol=0)


@pytest.mark.parametrize(("images", "batch_size"), [(40, 8), (8, 32)])
def test_truncating_to_as_many_directions_as_a_batch_has_is_refused(images: int, batch_size: int) -> None:
    def pretraining(strength: float) -> Pretraining:
        return Pretraining(
            Architecture.paper(method="rrae", channels=1, image_size=8, latent_dim=16, strength=strength).build(),
            torch.zeros(images, 1, 8, 8, dtype=torch.uint8),
            seed=0,
            batch_size=batch_size,
            learning_rate=1e-2,
            precision="fp32",
            device=torch.device("cpu"),
        )

    pretraining(7)
    with pytest.raises(UserError, match="`strength` 8: batches of 8 images"):
        pretraining(8)


@pytest.mark.parametrize("image_size", [8, 32, 64, 256])
def test_by_default_a_usual_batch_has_more_directions_than_are_kept(image_size: int) -> None:
    bottleneck = Architecture.paper(method="rrae", channels=1, image_size=image_size).build().bottleneck
    assert bottleneck.least_images <= find_recipe("short").batch_size


def test_a_share_of_the_pixels_is_set_to_zero_before_encoding_alone() -> None:
    net = Architecture.paper(method="denoising", channels=1, image_size=32, latent_dim=4, strength=0.3).build()
    seen: list[Tensor] = []
    net.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    x = torch.rand(20, 1, 32, 32) + 0.1
    net.loss(x, torch.Generator().manual_seed(0))
    net.code(x)
    corrupted, clean = seen
    assert float((corrupted == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(corrupted[corrupted != 0], x[corrupted != 0])
    assert torch.equal(clean, x)


def _run(architecture: Architecture, steps: int) -> Pretraining:
    images = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    run = Pretraining(
        architecture.build(),
        images,
        seed=0,
        batch_size=8,
        learning_rate=1e-2,
        precision="fp32",
        device=torch.device("cpu"),
    )
    list(run.run(max_steps=steps))
    return run


def test_frozen_layers_stay_as_they_were_initialised() -> None:
    architecture = Architecture.paper(method="irmae", channels=1, image_size=8, latent_dim=4, depth=2, variant="frozen")
    before, after = architecture.build().state_dict(), _run(architecture, 3).autoencoder.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {"bottleneck.hidden.0.weight", "bottleneck.hidden.1.weight"}


def test_weight_decay_makes_weights_smaller() -> None:
    def size(strength: float) -> float:
        architecture = Architecture.paper(method="irmae-wd", channels=1, image_size=8, latent_dim=4, strength=strength)
        return sum(p.square().sum().item() for p in _run(architecture, 4).autoencoder.parameters())

    assert size(10.0) < 0.7 * size(0.0)
