"""Codes that do not depend on their neighbours, and their scale, which an encoder's folder keeps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.code_scale import SCALE, measure_scale, read_scale, write_scale
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig, read_config
from ssl_irmae.encoders.encoding import ENCODE_CHUNK
from ssl_irmae.encoders.files import BUNDLED, list_bundled
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.pretrain import pretrain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an encoder whose codes have a scale."""
    architecture = Architecture.paper(method="ae", channels=1, image_size=32, latent_dim=3)
    Encoder(EncoderConfig(architecture=architecture)).save_pretrained(tmp_path)
    write_scale(tmp_path, torch.arange(12.0).reshape(4, 3), "these images", threads=torch.get_num_threads())
    return tmp_path


@pytest.mark.parametrize("method", ["irmae", "vae"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_code_of_an_image_does_not_depend_on_the_others_in_its_chunk(method: str, channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2 * ENCODE_CHUNK + 1, channels, 32, 32), dtype=np.uint8)
    images = torch.from_numpy(pixels)
    encoder = Encoder(EncoderConfig(architecture=Architecture.paper(method=method, channels=channels, image_size=32)))
    codes = encoder.encode(images)
    chosen = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    for part in (chosen, chosen[:ENCODE_CHUNK], chosen[: ENCODE_CHUNK + 1], chosen[: ENCODE_CHUNK + 100]):
        assert torch.equal(encoder.encode(images[part]), codes[part])


def test_pretraining_leaves_the_scale_of_the_codes_as_whoever_encodes_its_images_measures_it(tmp_path: Path) -> None:
    out = pretrain(dataset="digits", out=tmp_path, max_steps=5, latent_dim=4, depth=1).folder
    fingerprint = read_config(out).card["data_fingerprint"]
    codes = Encoder.from_pretrained(out).encode(load_images("digits", image_size=32).images)
    before = torch.get_num_threads()
    try:
        for threads in range(1, before + 1):  # which decides how a sum is rounded
            torch.set_num_threads(threads)
            found, expected = read_scale(out, fingerprint), measure_scale(codes)
            assert found is not None
            assert torch.equal(found.mean, expected.mean)
            assert torch.equal(found.rms, expected.rms)
        torch.set_num_threads(before + 1)
        assert read_scale(out, fingerprint) is None
    finally:
        torch.set_num_threads(before)


def test_a_scale_is_that_of_exactly_these_weights_and_images(folder: Path) -> None:
    found = read_scale(folder, "these images")
    assert found is not None
    assert found.mean.tolist() == [4.5, 5.5, 6.5]
    assert float(found.rms) == pytest.approx(np.sqrt(np.mean(np.array([-4.5, -1.5, 1.5, 4.5]) ** 2)))
    assert read_scale(folder, "other images") is None
    other = Architecture.paper(method="ae", channels=1, image_size=32, latent_dim=2)
    Encoder(EncoderConfig(architecture=other)).save_pretrained(folder)
    assert read_scale(folder, "these images") is None
    (folder / SCALE).unlink()
    assert read_scale(folder, "these images") is None


def test_a_scale_that_is_not_finite_does_not_count_and_a_damaged_file_is_named(folder: Path) -> None:
    write_scale(folder, torch.full((4, 3), torch.inf), "these images", threads=torch.get_num_threads())
    assert read_scale(folder, "these images") is None
    (folder / SCALE).write_bytes((folder / SCALE).read_bytes()[:100])
    with pytest.raises(UserError, match=f"{SCALE} is damaged .*: delete it, and the scale is measured from all codes"):
        read_scale(folder, "these images")


@pytest.mark.parametrize("name", list_bundled())
def test_the_scales_of_bundled_encoders_belong_to_their_weights_and_images(name: str) -> None:
    """After another export ``write_scale`` has to be called again, with the codes of all training images."""
    scale = read_scale(BUNDLED / name, read_config(BUNDLED / name).card["data_fingerprint"])
    assert scale is not None
    assert scale.mean.shape == (128,)
    assert 0.1 < float(scale.rms) < 1
