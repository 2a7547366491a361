"""Autoencoders of rows of numbers: their scale, their networks, and the folder that keeps both."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig, weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.networks.registry import NETWORKS
from ssl_irmae.networks.sizes import ROW
from ssl_irmae.pretraining.loop import Pretraining


def plane(n: int = 200, columns: int = 6, dimension: int = 2, seed: int = 0) -> Tensor:
    """Return rows of a linear subspace, in units that differ from column to column."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, dimension)) @ rng.normal(size=(dimension, columns))
    return torch.from_numpy(rows * 10.0 ** np.arange(columns) + 1e3)


def of_rows(method: str, *, columns: int, **settings: Any) -> Architecture:
    return Architecture.paper(
        method=method, channels=columns, image_size=ROW, **({"networks": NETWORKS["mlp"]} | settings)
    )


def trained(method: str, rows: Tensor, steps: int = 400) -> Encoder:
    columns = Columns.of(rows)
    architecture = of_rows(method, columns=rows.shape[1], most_depth=2)
    state = Pretraining(
        architecture.build(0),
        columns.standardise(rows),
        seed=0,
        batch_size=32,
        learning_rate=1e-3,
        precision="fp32",
        device=torch.device("cpu"),
    )
    list(state.run(max_steps=steps))
    return Encoder(EncoderConfig(architecture=architecture, columns=columns), state.autoencoder.state_dict())


def test_standardised_columns_have_mean_0_and_variance_1() -> None:
    rows = plane()
    x = Columns.of(rows).standardise(rows)
    assert x.shape == (200, 6, 1, 1)
    torch.testing.assert_close(x.mean(0), torch.zeros(6, 1, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(x.var(0, correction=0), torch.ones(6, 1, 1))


def test_small_differences_of_large_numbers_survive_the_scale() -> None:
    seconds = 1.7e9 + torch.arange(10, dtype=torch.float64)[:, None] / 1000
    columns = Columns.of(seconds)
    assert len(columns.standardise(seconds).unique()) == 10
    torch.testing.assert_close(columns.restore(columns.standardise(seconds)), seconds, atol=1e-6, rtol=0)


def test_a_constant_column_says_nothing_and_comes_back_as_its_mean() -> None:
    rows = torch.stack([torch.arange(5.0), torch.full((5,), 0.1)], 1)
    columns = Columns.of(rows)
    assert columns.constant == [1]
    other = torch.tensor([[1.0, 7.0]])
    assert columns.standardise(other)[0, 1] == 0
    torch.testing.assert_close(columns.restore(columns.standardise(other)), torch.tensor([[1.0, 0.1]]).double())
    with pytest.raises(UserError, match="all 3 rows hold the same numbers"):
        Columns.of(torch.ones(3, 2))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (torch.tensor([[1.0, 2.0], [3.0, torch.nan]]), "row 1, column 1 .from 0. holds nan: fill it in"),
        (torch.tensor([[1.0, -torch.inf]]), "row 0, column 1 .* holds -inf"),
        (torch.zeros(3), r"must be numbers of shape \(n, d\), not empty, got float32 of shape \(3,\)"),
        (torch.zeros(0, 4), "not empty"),
        (np.zeros((2, 2)), "must be a tensor of numbers .*, got ndarray"),
    ],
)
def test_what_are_not_rows_of_numbers_is_refused(rows: Tensor, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Columns.of(rows)


@pytest.mark.parametrize("method", ["irmae", "ae", "vae"])
def test_an_encoder_of_rows_reconstructs_them_in_their_own_units(method: str) -> None:
    rows = plane()
    encoder = trained(method, rows)
    assert encoder.encode(rows).shape == (200, 6)
    rebuilt = encoder.reconstruct(rows)
    unexplained = (rebuilt - rows).square().sum(0) / (rows - rows.mean(0)).square().sum(0)
    assert float(unexplained.max()) < 0.2, "of the variance of each column"
    torch.testing.assert_close(encoder.decode(encoder.encode(rows)), rebuilt)


def test_the_loss_of_a_vae_of_rows_is_a_gaussian_evidence_bound() -> None:
    autoencoder = of_rows("vae", columns=6, latent_dim=4).build(0)
    x = torch.randn(32, 6, 1, 1)
    h = autoencoder.encoder(x)
    mean, log_variance = h[:, :4], h[:, 4:]
    noise = torch.empty_like(mean).normal_(generator=torch.Generator().manual_seed(0))
    decoded = autoencoder.decode(mean + (log_variance / 2).exp() * noise)
    negative_log_likelihood = (decoded - x).square().sum((1, 2, 3)) / (2 * 0.1)
    divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(1)
    bound = (negative_log_likelihood + divergence).mean()
    loss = autoencoder.loss(x, torch.Generator().manual_seed(0))
    torch.testing.assert_close(loss, 0.2 / 6 * bound)


def test_the_folder_of_an_encoder_of_rows_keeps_its_scale(tmp_path: Path) -> None:
    rows = plane()
    encoder = trained("irmae", rows, steps=5)
    encoder.save_pretrained(tmp_path / "a")
    again = Encoder.from_pretrained(tmp_path / "a")
    assert torch.equal(again.encode(rows), encoder.encode(rows))
    torch.testing.assert_close(encoder.fold().encode(rows), encoder.encode(rows), rtol=1e-4, atol=1e-6)
    scaled = encoder.config.model_copy(update={"columns": Columns.of(2 * rows)})
    Encoder(scaled, encoder.autoencoder.state_dict()).save_pretrained(tmp_path / "b")
    assert weights_hash(tmp_path / "a") != weights_hash(tmp_path / "b"), "with another scale it is another encoder"
    with pytest.raises(UserError, match="rows of 5 numbers, where the encoder reads 6"):
        encoder.encode(rows[:, :5])
    with pytest.raises(UserError, match="these are pictures, where rows of numbers are read"):
        encoder.encode(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))


def test_the_file_of_an_encoder_of_images_says_nothing_of_columns(tmp_path: Path) -> None:
    Encoder.from_pretrained("mnist-ae").save_pretrained(tmp_path)
    assert "columns" not in json.loads((tmp_path / "config.json").read_text())


def test_rows_have_fully_connected_networks_alone() -> None:
    for name, networks in NETWORKS.items():
        if name != "mlp":
            with pytest.raises(UserError, match="1 pixels is out of range"):
                of_rows("ae", columns=3, networks=networks).build()
