"""Pretrained encoders, kept as a folder with config.json and model.safetensors: nothing that could run code."""

import json
from pathlib import Path
from typing import Any, Literal, Self

import safetensors
import safetensors.torch
import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from torch import Tensor, nn

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.formats import format_of, refuse_later
from ssl_irmae._support.seeding import generator
from ssl_irmae.architecture import Architecture
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.image_set import as_float, fit_images
from ssl_irmae.encoders.checks import check_codes, check_weights, misfit
from ssl_irmae.encoders.encoding import Reads, encode
from ssl_irmae.encoders.files import CONFIG, WEIGHTS, find_encoder
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair, evenly, name_of
from ssl_irmae.networks.registry import registered_function
from ssl_irmae.networks.sizes import is_row

_FORMAT: Literal[2] = 2  # 1 had no hash of the weights
_PROBED = 16  # numbers of a code, and of a reconstruction
_TOLERANCE = 0.01  # of the largest: weights rounded to float16 are the same network


class EncoderConfig(BaseModel):
    """The contents of config.json.

    Args:
        format: Version of this layout.
        architecture: What defines the networks.
        folded: Whether the linear stack has been multiplied into the encoder.
        card: Where the weights come from: command, data, loss, effective rank. Most of it is for
            people; data, steps and seed also say which trials an encoder can serve.
        probe: What networks or a method that are not ours make of a fixed picture: a few numbers of its code and
            reconstruction. They tell whether the function that is given when the encoder is loaded, or the plug-in that
            is installed then, returns the networks of its weights.
        columns: The scale of the columns that it reads, if it encodes rows of numbers.
        weights: SHA-256 of model.safetensors; None in the format 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2] = _FORMAT
    architecture: Architecture
    folded: bool = False
    card: dict[str, Any] = {}
    probe: tuple[float, ...] | None = None
    columns: Columns | None = None
    weights: str | None = None

    @model_validator(mode="after")
    def _columns_are_of_rows(self) -> Self:
        rows = is_row(self.architecture.image_size)
        if rows != (self.columns is not None):
            raise ValueError("columns belong to an encoder of rows of numbers, and to no other")
        if self.columns is not None and len(self.columns.mean) != self.architecture.channels:
            raise ValueError(f"there are {len(self.columns.mean)} columns for {self.architecture.channels} channels")
        return self

    @model_serializer(mode="wrap")
    def _without_columns_of_images(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = handler(self)
        if self.columns is None:  # the file of an encoder of images is what it was before there were rows
            del values["columns"]
        if self.weights is None:
            del values["weights"]
        return values


class Encoder(nn.Module):
    """A pretrained encoder with its decoder, as a module: of images, or of rows of numbers.

    One of rows standardises them by the columns of its configuration, and reconstructs them in their own units. As a
    module, it reads standardised rows, as images of one pixel.

    Args:
        config: Architecture and card.
        state: State dict of the autoencoder, which is copied; None initialises the networks from seed 0.

    Raises:
        RuntimeError: If the state does not fit the architecture.

    >>> encoder = Encoder.from_pretrained("mnist-irmae")
    >>> encoder(torch.zeros(2, 1, 32, 32)).shape
    torch.Size([2, 128])
    """

    def __init__(self, config: EncoderConfig, state: dict[str, Tensor] | None = None) -> None:
        super().__init__()
        self.config = config
        if state is None:
            self.autoencoder = config.architecture.build()
            if config.folded:
                self.autoencoder = self.autoencoder.fold()
        else:
            # networks that the state does not fit are found out before they take memory
            self.autoencoder = config.architecture.build_empty(folded=config.folded)
            if reason := misfit(state, self.autoencoder.state_dict()):
                raise RuntimeError(reason)
            own = {name: _as_loaded(w) for name, w in state.items()}
            self.autoencoder.load_state_dict(own, strict=True, assign=True)
        self.eval()

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path, *, fold: bool = False, network: Pair | None = None) -> Self:
        """Load a bundled encoder by name, or one from a folder (a pretraining run's, or ``save_pretrained``'s).

        Args:
            name_or_path: A name such as ``"mnist-irmae"``, or a folder such as ``"runs/mnist-irmae"``.
            fold: Whether to multiply the linear stack into the encoder: the same code, faster, without features.
            network: The function that returns its networks, if it was pretrained with networks of one's own: the folder
                records that it was, not with which. Registered ones are found without it.

        Raises:
            UserError: If there is no such encoder, its two files do not match exactly, are damaged or of a later
                version, a weight is not finite, or the function is missing, is not the one of the pretraining, or is
                not needed.
        """
        folder = find_encoder(name_or_path)
        config = _with_network(read_config(folder), folder, network)
        try:
            weights = (folder / WEIGHTS).read_bytes()
            state = safetensors.torch.load(weights)
            encoder = cls(config, state)
        except (OSError, RuntimeError, safetensors.SafetensorError) as error:
            if isinstance(error, RuntimeError) and (other := _not_as_recorded(config, folder, str(error))):
                raise other from error
            raise UserError(
                f"{folder / WEIGHTS} does not match {folder / CONFIG} ({error}): pretrain or export the encoder again"
            ) from error
        check_weights(state, f"{folder / WEIGHTS}", "pretrain or export the encoder again")
        if config.weights is not None and sha256(weights) != config.weights:
            raise UserError(
                f"{folder / WEIGHTS} is damaged, or not the one that {folder / CONFIG} was written with: repeat the "
                "command that wrote them"
            )
        other = _not_as_recorded(config, folder, "a fixed picture has another code or reconstruction")
        if other is not None and not encoder._is_as_probed():
            raise other
        return encoder.fold() if fold else encoder

    def save_pretrained(self, folder: str | Path, *, half: bool = False) -> None:
        """Write model.safetensors, then config.json, which knows it by its hash; each completely or not at all.

        Args:
            folder: The folder; it is created if it does not exist.
            half: Whether to round the weights to float16, half the size; they are fp32 again when loaded.

        Raises:
            UserError: If a weight is not finite, or too large for float16.
        """
        folder = Path(folder)
        state = {
            name: (w.half() if half and w.is_floating_point() else w).contiguous().cpu()
            for name, w in self.autoencoder.state_dict().items()
        }
        check_weights(state, "the encoder" + " in float16" * half, "leave out `half`" if half else "pretrain it again")
        weights = safetensors.torch.save(state)
        write_atomically(folder / WEIGHTS, weights)
        architecture = self.config.architecture
        probe = self._probe() if architecture.own or architecture.plugin else None
        self.config = self.config.model_copy(update={"format": _FORMAT, "probe": probe, "weights": sha256(weights)})
        write_atomically(folder / CONFIG, self.config.model_dump_json(indent=2) + "\n")

    def fold(self) -> Self:
        """Return a copy of this encoder with a linear bottleneck multiplied into its last layer."""
        autoencoder = self.autoencoder.fold()
        folded = type(self)(self.config.model_copy(update={"folded": autoencoder.folded}))
        folded.autoencoder = autoencoder
        return folded.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, c, s, s) in [0, 1] to codes (n, d)."""
        return self.autoencoder.code(x)

    def fit_images(self, images: Tensor) -> Tensor:
        """Convert uint8 images (n, c, h, w) to the size and channels that this encoder reads, still uint8.

        Rows of numbers, of shape (n, d) or (n, d, 1, 1), become fp32 (n, d, 1, 1) of its scale.

        Raises:
            UserError: If they are anything else, such as floats for an encoder of images.
        """
        architecture = self.config.architecture
        if self.config.columns is not None:
            if isinstance(images, Tensor) and images.ndim == 4:  # where they are pictures, this says so
                images = fit_images(images, channels=architecture.channels, image_size=architecture.image_size)
            return self.config.columns.standardise(images)
        return fit_images(images, channels=architecture.channels, image_size=architecture.image_size)

    def encode(self, images: Tensor, reads: Reads = "code") -> Tensor:
        """Encode any number of uint8 images, a chunk at a time.

        Args:
            images: uint8, shape (n, c, h, w), any size; resized and made grey or colour as the encoder needs. For an
                encoder of rows, rows of numbers (n, d).
            reads: ``"code"`` or ``"features"``.

        Returns:
            fp32 on the CPU, shape (n, d).

        Raises:
            UserError: If the images are anything else, features are read from a folded encoder, or a code is not
                finite.
        """
        codes = encode(self.autoencoder, self.fit_images(images), reads=reads)
        check_codes(codes)
        return codes

    @torch.no_grad()
    def reconstruct(self, images: Tensor) -> Tensor:
        """Encode and decode uint8 images (n, c, h, w); return fp32 (n, c, s, s) in the range of the decoder.

        Of rows of numbers (n, d), return fp64 (n, d) in the units of the columns.
        """
        device = next(self.autoencoder.parameters()).device
        return self._restored(self.autoencoder.reconstruct(as_float(self.fit_images(images), device)))

    @torch.no_grad()
    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes, fp32 (n, d), to what ``reconstruct`` returns of what they are the codes of."""
        device = next(self.autoencoder.parameters()).device
        return self._restored(self.autoencoder.decode(codes.to(device)))

    def _restored(self, decoded: Tensor) -> Tensor:
        return decoded.cpu() if self.config.columns is None else self.config.columns.restore(decoded)

    @torch.no_grad()
    def _probe(self) -> tuple[float, ...]:
        architecture = self.config.architecture
        size = (1, architecture.channels, architecture.image_size, architecture.image_size)
        x = torch.rand(size, generator=generator("cpu", "probe")).to(next(self.parameters()).device)
        self.eval()
        z = self(x)
        return tuple(float(number) for out in (z, self.autoencoder.decode(z)) for number in evenly(out, _PROBED))

    def _is_as_probed(self) -> bool:
        recorded, now = torch.tensor(self.config.probe or ()), torch.tensor(self._probe())
        if recorded.shape != now.shape:
            return False
        parts = zip(recorded.split(_PROBED), now.split(_PROBED), strict=True)
        return all(float((a - b).abs().max()) <= _TOLERANCE * float(a.abs().max()) for a, b in parts)


def read_config(folder: Path) -> EncoderConfig:
    """Read an encoder's config.json.

    Raises:
        UserError: If this version cannot read it.
    """
    content = b""
    try:
        content = (folder / CONFIG).read_bytes()
        return EncoderConfig.model_validate_json(content)
    except (OSError, ValidationError) as error:
        refuse_later(f"{folder / CONFIG}", format_of(content, having="architecture"), _FORMAT)
        reason = _first_of(error) if isinstance(error, ValidationError) else str(error)
        raise UserError(f"{folder / CONFIG} is not an encoder's configuration ({reason})") from error


def _with_network(config: EncoderConfig, folder: Path, network: Pair | None) -> EncoderConfig:
    """Give a configuration the function that returns its networks, if it needs one, and only then."""
    architecture = config.architecture
    if architecture.own and network is None:
        network = registered_function(
            architecture.network,
            channels=architecture.channels,
            image_size=architecture.image_size,
            code=architecture.latent_dim,
        )
        if network is None:
            raise UserError(
                f"{folder} was pretrained with networks of one's own, and no file names code to run: give `network` "
                "again, the function that returns them"
            )
    if network is None:
        return config
    if not architecture.own:
        raise UserError(f"{folder} has networks of the family {architecture.network!r}: leave `network` out")
    return config.model_copy(update={"architecture": architecture.with_network(network)})


def _not_as_recorded(config: EncoderConfig, folder: Path, reason: str) -> UserError | None:
    """Build the error for code that is not ours and not that of the weights; None if all of it is ours."""
    architecture = config.architecture
    if architecture.function is not None:
        return UserError(
            f"`network`: {name_of(architecture.function)} does not return the networks that {folder} was pretrained "
            f"with ({reason}): give the function as it was then, or pretrain again"
        )
    if architecture.plugin is None:
        return None
    return UserError(
        f"the method {architecture.method} does not build what {folder} was pretrained with, by "
        f"{architecture.plugin} ({reason}): install the plug-in as it was then, or pretrain again"
    )


def _as_loaded(weights: Tensor) -> Tensor:
    weights = weights.float() if weights.is_floating_point() else weights  # counters stay whole numbers
    return weights.clone(memory_format=torch.contiguous_format)


def _first_of(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def weights_hash(name_or_path: str | Path) -> str:
    """Hash an encoder's weights and architecture: the SHA-256 that identifies it in results."""
    folder = find_encoder(name_or_path)
    config = read_config(folder)
    identity: list[object] = [sha256(folder / WEIGHTS), config.architecture.identity(), config.folded]
    if config.columns is not None:
        identity += [config.columns.mean, config.columns.scale]
    return sha256(json.dumps(identity).encode())
