"""A classifier of images that is kept as two files, config.json and model.safetensors: nothing that could run code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import safetensors.torch
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae._support.formats import format_of, refuse_later
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import fit_images
from ssl_irmae.datasets.pixel_range import PixelScale
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.encoders.files import CONFIG, WEIGHTS
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import NetworkError, Pair
from ssl_irmae.protocols.labelling.codes import CODES, Codes, Encoded, codes_for, codes_name
from ssl_irmae.protocols.predictors.checks import named_part, part_of
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.predictors.registry import FORMS, form_name, is_kept_form
from ssl_irmae.protocols.readouts.sample import Predictor
from ssl_irmae.protocols.representations.representation import Representation

_FORMAT: Literal[2] = 2  # 1 had no scale
_CHUNK = 2048
_TOLERANCE = 0.01  # between the scores of one network on two machines

Size = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Temperature = Annotated[float, Field(ge=1e-4, le=1e4, allow_inf_nan=False)]


class _Part(BaseModel):
    """One part of a classifier: the name of its kind, and the numbers that rebuild it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    settings: dict[str, Size]


class ClassifierConfig(BaseModel):
    """The contents of config.json.

    Args:
        format: Version of this layout.
        classes: Names of the classes.
        channels: Channels of the images that it reads.
        image_size: Their height and width in pixels.
        codes: What becomes of an image, a kind in ``CODES``.
        predictor: What predicts from that, a kind in ``FORMS``.
        temperature: What logits are divided by before they become probabilities.
        calibrated: Whether the temperature was chosen so that probabilities are the chances of being right.
        weights: SHA-256 of model.safetensors.
        card: Where the classifier comes from, for people.
        probe: Scores of a fixed picture, where networks are one's own: whether the function that is given when the
            classifier is loaded returns those of its weights.
        scale: How its pictures became 8 bits; None where that is not known, as in the format 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2] = _FORMAT
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    channels: Annotated[int, Field(strict=True, ge=1, le=4096)]
    image_size: Annotated[int, Field(strict=True, ge=1, le=4096)]
    codes: _Part
    predictor: _Part
    temperature: Temperature
    calibrated: bool
    weights: str
    card: dict[str, Any] = {}
    probe: tuple[float, ...] | None = None
    scale: PixelScale | None = None


@dataclass(frozen=True)
class Classifier:
    """Everything from an image to the probabilities of its classes.

    Args:
        classes: Names of the classes.
        channels: Channels of the images that it reads; grey and colour are converted.
        image_size: Their height and width in pixels.
        codes: What becomes of an image.
        predictor: What predicts from that.
        temperature: What logits are divided by before they become probabilities.
        calibrated: Whether the temperature was chosen so that probabilities are the chances of being right.
        card: Where it comes from, such as contender, number of labels, command and expected error; JSON values.
        scale: How the pictures that it learned from became 8 bits, so that later ones become so alike; None if that is
            not known.
    """

    classes: tuple[str, ...]
    channels: int
    image_size: int
    codes: Codes
    predictor: Form
    temperature: float = 1.0
    calibrated: bool = False
    card: Mapping[str, Any] = field(default_factory=dict)
    scale: PixelScale | None = None

    @classmethod
    def of(
        cls,
        predictor: Predictor,
        *,
        representation: Representation | None,
        reads: Reads | Literal["images"],
        classes: Sequence[str],
        train: Tensor,
        device: str = "cpu",
    ) -> Self:
        """Make a classifier of a contender's predictor.

        Args:
            predictor: What the contender returned.
            representation: The contender's representation; None for learning from scratch.
            reads: What the contender reads.
            classes: Names of the classes.
            train: The images that the contender was fitted with, labelled or not, uint8 (n, c, s, s).
            device: Where an encoder runs.

        Raises:
            UserError: If the predictor, the representation or the name of a class cannot be kept.
        """
        if not is_kept_form(predictor):
            raise UserError(
                "`contender`: its predictions cannot be kept for other images: choose another contender, one that is "
                "neither transductive nor has a linear stack of its own"
            )
        for name in classes:
            if name.encode("utf-8", "ignore").decode() != name:  # no JSON could hold it
                raise UserError(f"the class {name!r} has a name that is not UTF-8: rename its folder or label")
        codes = codes_for(predictor, representation, reads, train, device)
        channels, image_size = train.shape[1:3]
        classifier = cls(tuple(classes), channels, image_size, codes, predictor)
        classifier._check()
        return classifier

    def logits(self, images: Tensor) -> Tensor:
        """Score the classes of images.

        Args:
            images: uint8, shape (n, c, h, w), any size; resized and made grey or colour as the classifier needs.

        Returns:
            fp32 on the CPU, shape (n, classes).

        Raises:
            UserError: If they are anything else.
        """
        fitted = fit_images(images, channels=self.channels, image_size=self.image_size)
        return torch.cat([self.predictor.logits(self.codes(x)) for x in torch.split(fitted, _CHUNK)])

    def probabilities(self, images: Tensor) -> Tensor:
        """Return the probability of every class for images as in ``logits``: fp32 (n, classes)."""
        return (self.logits(images) / self.temperature).softmax(1)

    def save(self, folder: str | Path) -> None:
        """Write model.safetensors, then config.json, which knows it by its hash; each completely or not at all.

        Args:
            folder: The folder; it is created if it does not exist.
        """
        parts = {**named_part("codes", self.codes.tensors()), **named_part("predictor", self.predictor.tensors())}
        weights = safetensors.torch.save({name: x.contiguous() for name, x in parts.items()})
        config = ClassifierConfig(
            classes=self.classes,
            channels=self.channels,
            image_size=self.image_size,
            codes=_Part(kind=codes_name(self.codes), settings=self.codes.settings()),
            predictor=_Part(kind=form_name(self.predictor), settings=self.predictor.settings()),
            temperature=self.temperature,
            calibrated=self.calibrated,
            weights=sha256(weights),
            card=dict(self.card),
            probe=self._probe() if any(".net." in name for name in parts) else None,
            scale=self.scale,
        )
        write_atomically(Path(folder) / WEIGHTS, weights)
        write_atomically(Path(folder) / CONFIG, config.model_dump_json(indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | Path, device: str | torch.device = "cpu", *, network: Pair | None = None) -> Self:
        """Load a classifier from the folder that ``save`` wrote.

        Args:
            folder: The folder.
            device: Where networks run.
            network: The function that returns its networks, if they are one's own.

        Raises:
            UserError: If there is no classifier, or its files are damaged, of another version or do not fit each other.
        """
        folder = Path(folder)
        _require_files(folder)
        try:
            config = ClassifierConfig.model_validate_json((folder / CONFIG).read_bytes())
            weights = (folder / WEIGHTS).read_bytes()
            if sha256(weights) != config.weights:
                raise ValueError(f"{WEIGHTS} is not the one that {CONFIG} was written with")
            return cls._rebuild(config, safetensors.torch.load(weights), torch.device(device), network)
        except NetworkError:
            raise
        except ValidationError as error:
            refuse_later(f"{folder / CONFIG}", format_of((folder / CONFIG).read_bytes(), having="classes"), _FORMAT)
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            reason = f"{CONFIG}: {place}: {first['msg']}" if place else f"{CONFIG}: {first['msg']}"
            raise _unusable(folder, reason) from error
        except (ValueError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
            reason = f"{error} is unknown or missing" if isinstance(error, KeyError) else str(error)
            raise _unusable(folder, reason) from error

    @classmethod
    def _rebuild(
        cls, config: ClassifierConfig, tensors: dict[str, Tensor], device: torch.device, network: Pair | None
    ) -> Self:
        for name, x in tensors.items():
            if not x.isfinite().all():
                raise ValueError(f"{name!r} is not finite")
        if network is not None and config.probe is None:
            raise NetworkError("this classifier has no networks of one's own: leave `network` out")
        codes, predictor = part_of(tensors, "codes"), part_of(tensors, "predictor")
        if len(codes) + len(predictor) < len(tensors):
            raise ValueError("there are tensors that belong to neither codes nor predictor")
        kinds = CODES[config.codes.kind], FORMS[config.predictor.kind]
        settings = config.codes.settings, config.predictor.settings
        classifier = cls(
            classes=config.classes,
            channels=config.channels,
            image_size=config.image_size,
            codes=Encoded.rebuild(codes, settings[0], device, network)
            if kinds[0] is Encoded
            else kinds[0].rebuild(codes, settings[0], device),
            predictor=Network.rebuild(predictor, settings[1], device, network)
            if kinds[1] is Network
            else kinds[1].rebuild(predictor, settings[1], device),
            temperature=config.temperature,
            calibrated=config.calibrated,
            card=config.card,
            scale=config.scale,
        )
        classifier._check()
        if config.probe is not None:
            now = torch.tensor(classifier._probe())
            if not torch.allclose(torch.tensor(config.probe), now, rtol=_TOLERANCE, atol=_TOLERANCE):
                raise NetworkError(
                    "`network`: it does not return the networks that this classifier was fitted with (a fixed picture "
                    "has other scores): give the function as it was then"
                )
        return classifier

    def _probe(self) -> tuple[float, ...]:
        size = (1, self.channels, self.image_size, self.image_size)
        picture = torch.randint(256, size, generator=generator("cpu", "probe"), dtype=torch.uint8)
        return tuple(self.logits(picture)[0].tolist())

    def _check(self) -> None:
        """Check, on one black image, that codes, predictor and classes fit each other."""
        logits = self.logits(torch.zeros(1, self.channels, self.image_size, self.image_size, dtype=torch.uint8))
        if logits.shape != (1, len(self.classes)) or not logits.isfinite().all():
            raise ValueError(f"scores of shape {tuple(logits.shape)} are not those of {len(self.classes)} classes")


def _require_files(folder: Path) -> None:
    wanted = "give the folder `classifier` that `ssl-irmae classify` wrote"
    if (folder / "classifier" / CONFIG).is_file():
        raise UserError(f"{folder} is the folder of a whole run: give {folder / 'classifier'}")
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: {wanted}")
    missing = [name for name in (CONFIG, WEIGHTS) if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{folder} contains no classifier ({' and '.join(missing)} missing): {wanted}")


def _unusable(folder: Path, reason: str) -> UserError:
    return UserError(
        f"{folder} cannot be used as a classifier ({' '.join(reason.split())[:300]}): give a folder `classifier` that "
        "this version of `ssl-irmae classify` wrote, or write it again"
    )
