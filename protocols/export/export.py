"""An encoder or a kept classifier as an ONNX file, compared with torch before it is written."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.extras import require
from ssl_irmae._support.files import sha256, write_atomically
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.files import CONFIG, find_encoder
from ssl_irmae.errors import UserError, check_choice
from ssl_irmae.protocols.export.classifiers import add_classifier
from ssl_irmae.protocols.export.graph import Graph
from ssl_irmae.protocols.export.networks import add_codes
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.predictors.code_network import CodeNetwork

_COMPARED = 64
_TOLERANCE = 1e-3  # of the largest value; float arithmetic in another order stays far below


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        path: The file.
        size: Its size in bytes.
        images: Channels, height and width of the images that it reads, uint8.
        outputs: Width of each output, by name.
        differences: The largest difference from torch over the images compared, by output.
        compared: How many images were compared.
    """

    path: Path
    size: int
    images: tuple[int, int, int]
    outputs: dict[str, int]
    differences: dict[str, float]
    compared: int

    def __str__(self) -> str:
        largest = ", ".join(f"{value:.1e} of {name}" for name, value in self.differences.items())
        channels, height, width = self.images
        outputs = " and ".join(f"{name} (batch, {width})" for name, width in self.outputs.items())
        return (
            f"{self.path}: images uint8 (batch, {channels}, {height}, {width}) -> {outputs}, {self.size / 1e6:.1f} MB\n"
            f"largest difference from torch over {self.compared} images: {largest}"
        )


def export(encoder: str | Path, *, out: str | Path, file_format: Literal["onnx"] = "onnx") -> Exported:
    """Write an encoder, or a kept classifier, as one ONNX file that needs no torch.

    The file reads uint8 images of the encoder's size and scales them itself; the linear stack is folded in. Resizing
    is not in it: ONNX has no operator that does it as torch does, bit for bit, so the file's metadata say what it is.
    What onnxruntime computes from it is compared with torch before anything is written.

    Args:
        encoder: A bundled name, the folder of an encoder, or the folder ``classifier`` of ``classify``.
        out: The file to write, which must not exist.
        file_format: ``"onnx"``.

    Raises:
        UserError: If the extra is not installed, the encoder cannot be exported, the file exists, or it would not
            compute what torch does.
    """
    check_choice("format", file_format, ("onnx",))
    path = Path(out)
    if path.suffix != ".onnx":
        raise UserError(f"`out`: {path} must end in .onnx")
    if path.exists():
        raise UserError(f"`out`: {path} exists already: choose another file, or remove it")
    require("export", "export to ONNX")
    graph = Graph()
    x = graph.node("Div", graph.node("Cast", "images", to=1), graph.weight(torch.tensor(255.0)))
    classifier = _find_classifier(Path(encoder))
    references: dict[str, Callable[[Tensor], Tensor]] = {}
    if classifier is not None:
        folder, images = Path(encoder), (classifier.channels, classifier.image_size, classifier.image_size)
        outputs = add_classifier(graph, classifier, x)
        references = {"code": classifier.codes, "probabilities": classifier.probabilities}
        more = {
            "classes": json.dumps(classifier.classes, ensure_ascii=False),
            "calibrated": json.dumps(classifier.calibrated),
        }
    else:
        folder = find_encoder(encoder)
        loaded = Encoder.from_pretrained(folder)
        architecture = loaded.config.architecture
        images = (architecture.channels, architecture.image_size, architecture.image_size)
        network = CodeNetwork.of(loaded.autoencoder, architecture, "code")
        graph.node("Identity", add_codes(graph, network, x), output="code")
        outputs, more = {"code": network.width}, {}
        references = {"code": loaded.encode}
    metadata = {
        "name": folder.resolve().name,
        "card_sha256": sha256(folder / CONFIG),
        "input": f"images: uint8 (batch, {', '.join(map(str, images))}), 0 to 255, scaled to [0, 1] in the model",
        "resize": "to this size before, as torch's bilinear interpolation with antialiasing, rounded to whole numbers; "
        "colour to grey by luminance, grey to colour by repetition",
        **more,
    }
    contents = graph.model(images, outputs, metadata)
    differences = _compare(contents, images, {name: references[name] for name in outputs})
    write_atomically(path, contents)
    return Exported(path, len(contents), images, outputs, differences, _COMPARED)


def _find_classifier(folder: Path) -> Classifier | None:
    """Load a classifier if that is what a folder holds; a broken one is its own error."""
    if (folder / "classifier" / CONFIG).is_file():
        return Classifier.load(folder)  # an error, which names the folder in it
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return None
    return Classifier.load(folder) if isinstance(config, dict) and "predictor" in config else None


def _compare(
    contents: bytes, images: tuple[int, int, int], references: dict[str, Callable[[Tensor], Tensor]]
) -> dict[str, float]:
    """Return the largest difference from torch by output; images are compared one alone, and all at once."""
    import onnxruntime

    session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (_COMPARED, *images))
    contrast = rng.random((_COMPARED, 1, 1, 1))  # from black to full contrast
    x = (noise * contrast).astype(np.uint8)
    differences = {}
    for name, reference in references.items():
        expected = reference(torch.from_numpy(x)).numpy()
        found = session.run([name], {"images": x})[0]
        alone = session.run([name], {"images": x[:1]})[0]
        difference = max(float(np.abs(found - expected).max()), float(np.abs(alone - expected[:1]).max()))
        if not difference <= _TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise UserError(
                f"`encoder`: onnxruntime computes another {name} than torch (by {difference:.1e}), so nothing is "
                f"written: try another version of onnxruntime than {onnxruntime.__version__}"
            )
        differences[name] = difference
    return differences
