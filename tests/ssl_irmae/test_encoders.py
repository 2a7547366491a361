"""Pretrained encoders: what is saved is what is loaded, and nothing else is loaded."""

import json
import pickle
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.encoders.card import model_card
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig, read_config, weights_hash
from ssl_irmae.encoders.files import BUNDLED, list_bundled
from ssl_irmae.encoders.published_checkpoint import read_published_checkpoint
from ssl_irmae.errors import UserError


def _fresh(method: str = "irmae", channels: int = 1, size: int = 32) -> Encoder:
    depth = 3 if method == "irmae" else None
    architecture = Architecture.paper(method=method, channels=channels, image_size=size, latent_dim=8, depth=depth)
    return Encoder(EncoderConfig(architecture=architecture))


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    encoder = _fresh()
    encoder.save_pretrained(tmp_path)
    loaded = Encoder.from_pretrained(tmp_path)
    x = torch.rand(4, 1, 32, 32)
    assert torch.equal(encoder(x), loaded(x))
    assert torch.equal(encoder.autoencoder.features(x), loaded.autoencoder.features(x))
    assert loaded.config == encoder.config


def test_encoders_are_folded_on_demand_and_saved_folded(tmp_path: Path) -> None:
    encoder = _fresh()
    encoder.save_pretrained(tmp_path / "a")
    x = torch.rand(4, 1, 32, 32)
    folded = Encoder.from_pretrained(tmp_path / "a", fold=True)
    torch.testing.assert_close(folded(x), encoder(x), rtol=1e-4, atol=1e-6)
    folded.save_pretrained(tmp_path / "b")
    again = Encoder.from_pretrained(tmp_path / "b")
    assert torch.equal(again(x), folded(x))
    with pytest.raises(UserError, match="folded"):
        again.autoencoder.features(x)


def test_half_size_weights_are_float16_on_disk_and_fp32_in_memory(tmp_path: Path) -> None:
    encoder = _fresh()
    encoder.save_pretrained(tmp_path / "full")
    encoder.save_pretrained(tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.51 * sizes[0]
    for name, weight in Encoder.from_pretrained(tmp_path / "half").state_dict().items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, encoder.state_dict()[name].half().float())


def test_encode_takes_images_of_any_size_and_agrees_with_the_module(digits: ImageSet) -> None:
    encoder = _fresh()
    expected = encoder(digits.images[:50].float() / 255)
    torch.testing.assert_close(encoder.encode(digits.images[:50]), expected)
    colour = torch.randint(0, 256, (3, 3, 50, 40), dtype=torch.uint8)
    assert encoder.encode(colour).shape == (3, 8)


def test_an_unknown_reading_is_rejected(digits: ImageSet) -> None:
    with pytest.raises(UserError, match="did you mean 'code'"):
        _fresh().encode(digits.images[:1], reads="codes")  # type: ignore[arg-type]


def test_missing_or_extra_weights_are_rejected(tmp_path: Path) -> None:
    encoder = _fresh()
    encoder.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["architecture"]["depth"] = 4
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="does not match"):
        Encoder.from_pretrained(tmp_path)


def test_damaged_files_are_rejected(tmp_path: Path) -> None:
    _fresh().save_pretrained(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(UserError, match="does not match"):
        Encoder.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"format": 1}')
    with pytest.raises(UserError, match="not an encoder's configuration"):
        Encoder.from_pretrained(tmp_path)


def test_unknown_names_list_the_bundled_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'mnist-irmae'"):
        Encoder.from_pretrained("mnist-irme")
    with pytest.raises(UserError, match="contains no pretrained encoder"):
        Encoder.from_pretrained(tmp_path)
    with pytest.raises(UserError, match="there is no encoder folder"):
        Encoder.from_pretrained(tmp_path / "nothing")


def test_the_hash_depends_on_the_weights(tmp_path: Path) -> None:
    _fresh().save_pretrained(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert weights_hash(tmp_path / "a") == weights_hash(tmp_path / "b")
    other = _fresh()
    other.autoencoder.encoder.last.weight.data[0, 0] += 1
    other.save_pretrained(tmp_path / "b")
    assert weights_hash(tmp_path / "a") != weights_hash(tmp_path / "b")


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("mnist-irmae", "7a1af54fde5a5cfa2a5c00d7a4d6f7bc4d74e7932eaa70f312ad9073f82d3817"),
        ("mnist-ae", "a32a3a2465a0ff3845e697d54747c9c6863d422c7d7636dbf3c3a2a3f2427752"),
        ("mnist-vae", "417d82a0532707afe447f07ec031f08bd50d34871683a699ac61048d4ba82fcb"),
        ("fashion-mnist-irmae", "a823843189ad174ef8341fc41b169d95f82ee00e963f201acf0deed7fbd90a2d"),
        ("fashion-mnist-ae", "137a6b2a7a9dc3a9988436a2675cf0b65b6c2c611e3ae9368fb2c720bb3a3301"),
        ("fashion-mnist-vae", "3656979657ddff19071316ebbdaa03f83170d8a98e954a88d39548178bd2945b"),
    ],
)
def test_hashes_are_those_of_the_stored_results(name: str, published: str) -> None:
    assert weights_hash(name) == published


class _Later(Architecture):
    """An architecture as a later version might extend it."""

    padding: str = "zeros"
    strides: tuple[int, ...] = (2, 2)


@pytest.mark.parametrize("method", ["irmae", "vae"])
def test_a_field_added_later_changes_the_identity_only_if_it_is_set(method: str) -> None:
    first = Architecture.paper(method=method, channels=1, image_size=32)
    later = _Later(**first.model_dump())
    assert json.dumps(later.identity()) == json.dumps(first.identity())
    padded = later.model_copy(update={"padding": "reflect"})
    assert padded.identity() == {**first.identity(), "padding": "reflect"}
    assert later.model_copy(update={"strides": (4,)}).identity() == {**first.identity(), "strides": [4]}


@pytest.mark.parametrize("name", list_bundled())
def test_the_cards_of_bundled_encoders_are_up_to_date(name: str) -> None:
    assert (BUNDLED / name / "README.md").read_text() == model_card(name, read_config(BUNDLED / name))


@pytest.mark.parametrize("name", list_bundled())
def test_bundled_encoders_work_and_record_where_they_come_from(name: str) -> None:
    encoder = Encoder.from_pretrained(name)
    x = torch.rand(2, 1, 32, 32)
    assert encoder(x).shape == (2, encoder.config.architecture.latent_dim)
    assert torch.equal(encoder(x), encoder(x))
    card = read_config(BUNDLED / name).card
    assert card["command"].startswith("ssl-irmae pretrain")
    assert {"data_fingerprint", "effective_rank", "reconstruction_mse_test", "training_loss"} <= card.keys()


def test_the_bundle_is_complete_and_small() -> None:
    assert list_bundled() == [
        f"{dataset}-{m}" for dataset in ("fashion-mnist", "mnist") for m in ("ae", "irmae", "vae")
    ]
    assert sum(f.stat().st_size for f in BUNDLED.rglob("*")) < 30e6


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_irmaes_effective_rank_is_below_half_of_the_plain_autoencoders(dataset: str) -> None:
    irmae, ae = (read_config(BUNDLED / f"{dataset}-{m}").card["effective_rank"] for m in ("irmae", "ae"))
    assert irmae < 0.5 * ae


def _as_published(encoder: Encoder) -> dict[str, torch.Tensor]:
    names = {"encoder.": "enc.", "bottleneck.": "mlp.", "decoder.": "dec."}
    state = {}
    for key, value in encoder.autoencoder.state_dict().items():
        part = next(p for p in names if key.startswith(p))
        state[names[part] + key.removeprefix(part)] = value
    return state


@pytest.mark.parametrize("method", ["irmae", "ae", "vae"])
@pytest.mark.parametrize(("channels", "size"), [(1, 32), (3, 32), (3, 64)])
def test_checkpoints_of_the_public_code_are_imported(tmp_path: Path, method: str, channels: int, size: int) -> None:
    original = _fresh(method, channels, size)
    torch.save(_as_published(original), tmp_path / "checkpoint")
    imported = read_published_checkpoint(tmp_path / "checkpoint")
    assert imported.config.architecture == original.config.architecture
    x = torch.rand(2, channels, size, size)
    assert torch.equal(imported(x), original(x))


def test_the_published_names_of_weights_are_the_ones_imported() -> None:
    keys = set(_as_published(_fresh()))
    assert {"enc.dcnn.0.weight", "enc.dcnn.6.bias", "enc.fc.weight", "mlp.hidden.0.weight", "dec.fc.bias"} <= keys
    assert {f"dec.dcnn.{i}.weight" for i in (1, 3, 5)} <= keys


class _Malicious:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('code was run')",)


@pytest.mark.parametrize("content", [pickle.dumps(_Malicious()), b"", b"PK\x03\x04 no archive"])
def test_only_tensors_are_unpickled(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(UserError, match="not a checkpoint"):
        read_published_checkpoint(tmp_path / "x")


def test_other_state_dicts_are_rejected(tmp_path: Path) -> None:
    for state, message in (
        ({"layer.weight": torch.zeros(2)}, "unexpected entry"),
        ({"enc.dcnn.0.weight": torch.zeros(32, 1, 4, 4)}, "does not match any"),
        ({"enc.fc.weight": 3}, "not a state dict"),
        ({}, "not a state dict"),
    ):
        torch.save(state, tmp_path / "x")
        with pytest.raises(UserError, match=message):
            read_published_checkpoint(tmp_path / "x")


@pytest.mark.parametrize(
    "images",
    [
        torch.rand(2, 1, 32, 32),
        torch.zeros(2, 32, 32, dtype=torch.uint8),
        torch.zeros(0, 1, 32, 32, dtype=torch.uint8),
        torch.zeros(2, 1, 32, 32, dtype=torch.uint8).numpy(),
    ],
)
def test_anything_but_a_batch_of_uint8_images_is_rejected(images: Any) -> None:
    for read in (_fresh().encode, _fresh().reconstruct):
        with pytest.raises(UserError, match="must be a uint8 tensor of shape"):
            read(images)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 0}, "Input should be 1"),
        ({"architecture": {"depth": None}}, "belong to irmae"),
        ({"architecture": {"method": "ae"}}, "belong to irmae"),
        ({"architecture": {"init_scale": "inf"}}, "finite"),
    ],
)
def test_inconsistent_configurations_are_rejected(tmp_path: Path, change: Any, message: str) -> None:
    _fresh().save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    for key, value in change.items():
        config[key] = {**config[key], **value} if isinstance(value, dict) else value
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=message):
        Encoder.from_pretrained(tmp_path)


def test_checkpoints_damaged_anywhere_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "c"
    torch.save({1: torch.zeros(2)}, path)
    with pytest.raises(UserError, match="not a state dict"):
        read_published_checkpoint(path)
    torch.save({"enc.fc.weight": torch.zeros(2)}, path)
    content = path.read_bytes()
    for place in range(0, len(content), 23):
        damaged = bytearray(content)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        with pytest.raises(UserError):
            read_published_checkpoint(path)


def _saved(folder: Path, **architecture: object) -> Path:
    """Save an encoder with another architecture in its configuration."""
    _fresh().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["architecture"] |= architecture
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"latent_dim": 65536}, "encoder.fc.weight is 8x1024, where 65536x1024 is needed"),
        ({"depth": 1024}, "bottleneck.hidden.3.weight is missing"),
        ({"depth": 2}, "bottleneck.hidden.2.weight belongs to no layer"),
        ({"image_size": 64}, "is needed"),
        ({"latent_dim": 65537}, "architecture.latent_dim: "),
        ({"latent_dim": -8}, "architecture.latent_dim: "),
        ({"depth": 1025}, "architecture.depth: "),
        ({"image_size": 1 << 20}, "1048576 pixels is out of range"),
        ({"channels": 0}, "there are no images of 0 channels"),
        ({"method": "gan"}, "unknown method 'gan'"),
    ],
)
def test_an_architecture_that_the_weights_do_not_fit_takes_no_memory(
    tmp_path: Path, architecture: dict[str, object], message: str
) -> None:
    _saved(tmp_path, **architecture)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=message) as raised:
        Encoder.from_pretrained(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1.5 * before
    assert str(tmp_path) in str(raised.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("half", [False, True])
def test_weights_that_are_not_finite_are_neither_loaded_nor_saved(tmp_path: Path, value: float, half: bool) -> None:
    encoder = _fresh()
    encoder.save_pretrained(tmp_path / "r", half=half)
    weights = tmp_path / "r" / "model.safetensors"
    state = safetensors.torch.load_file(weights)
    state["encoder.fc.weight"][1, 2] = value
    safetensors.torch.save_file(state, weights)
    with pytest.raises(UserError, match=rf"{weights} contains weights .*\(encoder\.fc\.weight\)"):
        Encoder.from_pretrained(tmp_path / "r")
    encoder.autoencoder.encoder.last.weight.data[1, 2] = value
    with pytest.raises(UserError, match="not a number"):
        encoder.save_pretrained(tmp_path / "new", half=half)
    torch.save(_as_published(encoder), tmp_path / "checkpoint")
    with pytest.raises(UserError, match=rf"^{tmp_path / 'checkpoint'} contains weights"):
        read_published_checkpoint(tmp_path / "checkpoint")
    assert not (tmp_path / "new").exists()


def test_weights_too_large_for_float16_are_not_saved_at_half_the_size(tmp_path: Path) -> None:
    encoder = _fresh()
    encoder.autoencoder.encoder.last.weight.data[0, 0] = 1e6
    with pytest.raises(UserError, match=r"encoder in float16 contains .* leave out `half`"):
        encoder.save_pretrained(tmp_path / "r", half=True)
    assert not (tmp_path / "r").exists()


def test_codes_that_are_not_finite_are_an_error_and_never_returned(digits: ImageSet) -> None:
    encoder = _fresh()
    encoder.autoencoder.encoder.last.weight.data.fill_(1e38)
    with pytest.raises(UserError, match="maps 5 images of 5 to codes that are infinite"):
        encoder.encode(digits.images[:5])


@pytest.mark.parametrize("folded", [False, True])
def test_a_loaded_encoder_shares_no_memory_with_its_state(folded: bool) -> None:
    encoder = _fresh().fold() if folded else _fresh()
    state = {name: w.clone() for name, w in encoder.autoencoder.state_dict().items()}
    copy = Encoder(encoder.config, state)
    for w in state.values():
        w.zero_()
    x = torch.rand(2, 1, 32, 32)
    assert torch.equal(copy(x), encoder(x))
    assert copy.autoencoder.folded == folded
