"""An encoder or a kept classifier as an ONNX file, compared with torch before it is written."""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from ssl_irmae._support.extras import require
from ssl_irmae._support.files import check_folder, sha256, write_atomically
from ssl_irmae._support.progress import Listener, Message, silent
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.files import CONFIG, find_encoder
from ssl_irmae.errors import UserError, check_choice
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.codes import Codes, Encoded
from ssl_irmae.protocols.predictors.code_network import CodeNetwork

_COMPARED = 64
_TOLERANCE = 1e-3  # of the largest value; float arithmetic in another order stays far below
_MOST_APART = 3  # images: where two neighbours are equally near, rounding decides which of them votes


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
        beyond: How many of these have other probabilities, beyond rounding: two neighbours are equally near to them.
    """

    path: Path
    size: int
    images: tuple[int, int, int]
    outputs: dict[str, int]
    differences: dict[str, float]
    compared: int
    beyond: int = 0

    def __str__(self) -> str:
        largest = ", ".join(f"{value:.1e} of {name}" for name, value in self.differences.items())
        channels, height, width = self.images
        outputs = " and ".join(f"{name} (batch, {width})" for name, width in self.outputs.items())
        beyond = f" ({self.beyond} of them equally near to two neighbours)" if self.beyond else ""
        return (
            f"{self.path}: images uint8 (batch, {channels}, {height}, {width}) -> {outputs}, {self.size / 1e6:.1f} MB\n"
            f"largest difference from torch over {self.compared} images{beyond}: {largest}"
        )


def export(
    encoder: str | Path,
    *,
    out: str | Path,
    file_format: Literal["onnx"] = "onnx",
    network: Pair | None = None,
    progress: Listener = silent,
) -> Exported:
    """Write an encoder, or a kept classifier, as one ONNX file that needs no torch.

    The file reads uint8 images of the encoder's size and scales them itself; the linear stack is folded in. Resizing
    is not in it: ONNX has no operator that does it as torch does, bit for bit, so the file's metadata say what it is.
    What onnxruntime computes from it is compared with torch before anything is written.

    Args:
        encoder: A bundled name, the folder of an encoder, or the folder ``classifier`` of ``classify``.
        out: The file to write, which must not exist.
        file_format: ``"onnx"``.
        network: The function that returns the encoder's networks, if they are one's own.
        progress: Called with a ``Message`` before what takes seconds.

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
    check_folder(path.parent)
    require("export", "export to ONNX")
    classifier = _find_classifier(Path(encoder), network)
    references: dict[str, Callable[[Tensor], Tensor]]
    if classifier is not None:
        folder, images = Path(encoder), (classifier.channels, classifier.image_size, classifier.image_size)
        codes = classifier.codes
        references = {"code": codes} if isinstance(codes, Encoded) else {}
        references["probabilities"] = classifier.probabilities
        more = {
            "classes": json.dumps(classifier.classes, ensure_ascii=False),
            "calibrated": json.dumps(classifier.calibrated),
        }
    else:
        folder = find_encoder(encoder)
        loaded = Encoder.from_pretrained(folder, network=network)
        architecture = loaded.config.architecture
        if loaded.config.columns is not None:
            raise UserError(
                f"`encoder`: {folder} reads rows of numbers, and only encoders of pictures are written as ONNX"
            )
        images = (architecture.channels, architecture.image_size, architecture.image_size)
        codes = Encoded(CodeNetwork.of(loaded.autoencoder, architecture, "code"), torch.device("cpu"))
        references, more = {"code": loaded.encode}, {}
    metadata = {
        "name": folder.resolve().name,
        "card_sha256": sha256(folder / CONFIG),
        "input": f"images: uint8 (batch, {', '.join(map(str, images))}), 0 to 255, scaled to [0, 1] in the model",
        "resize": "to this size before, as torch's bilinear interpolation with antialiasing, rounded to whole numbers; "
        "colour to grey by luminance, grey to colour by repetition",
        **more,
    }
    progress(Message(f"exporting {metadata['name']} to ONNX"))
    contents = _to_onnx(_Model(codes, classifier), images, list(references), metadata)
    widths, differences, beyond = _compare(contents, images, references)
    write_atomically(path, contents)
    return Exported(path, len(contents), images, widths, differences, _COMPARED, beyond)


class _Model(nn.Module):
    """Map images to code and probabilities.

    Args:
        codes: What becomes of an image.
        classifier: The classifier whose codes these are; None gives the code alone.
    """

    def __init__(self, codes: Codes, classifier: Classifier | None) -> None:
        super().__init__()
        self._codes, self._classifier = codes, classifier

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map uint8 images (n, c, s, s) to what there is of code and probabilities, fp32."""
        code = self._codes(images)
        outputs = (code,) if isinstance(self._codes, Encoded) else ()
        if self._classifier is None:
            return outputs
        logits = self._classifier.predictor.logits(code)
        return (*outputs, (logits / self._classifier.temperature).softmax(1))


def _find_classifier(folder: Path, network: Pair | None) -> Classifier | None:
    """Load a classifier if that is what a folder holds; a broken one is its own error."""
    if (folder / "classifier" / CONFIG).is_file():
        return Classifier.load(folder)  # an error, which names the folder in it
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError):
        return None
    is_classifier = isinstance(config, dict) and "predictor" in config
    return Classifier.load(folder, network=network) if is_classifier else None


def _to_onnx(model: _Model, images: tuple[int, int, int], outputs: list[str], metadata: dict[str, str]) -> bytes:
    """Return the contents of the file."""
    example = torch.zeros(2, *images, dtype=torch.uint8)
    try:
        with _in_silence():
            program = torch.onnx.export(
                model.eval(),
                (example,),
                input_names=["images"],
                output_names=outputs,
                dynamo=True,
                dynamic_shapes={"images": {0: "batch"}},
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        cause = " ".join(str(error.__cause__ or error).split())[:200]
        raise UserError(
            f"`encoder`: torch cannot export it to ONNX ({cause}): choose another encoder, or another `contender` for "
            "`classify`"
        ) from error
    assert program is not None
    proto = program.model_proto
    proto.producer_name = "ssl-irmae"
    for part in (proto.graph, *proto.functions):
        for node in part.node:
            del node.metadata_props[:]  # where in which file on this machine torch found it
    del proto.graph.metadata_props[:], proto.metadata_props[:]
    for name, value in metadata.items():
        proto.metadata_props.add(key=name, value=value)
    contents: bytes = proto.SerializeToString(deterministic=True)
    return contents


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """Keep what torch's exporter prints, logs and warns of from a person: the comparison says whether it is right."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _compare(
    contents: bytes, images: tuple[int, int, int], references: dict[str, Callable[[Tensor], Tensor]]
) -> tuple[dict[str, int], dict[str, float], int]:
    """Return the width of outputs, their largest difference from torch, and how many images are beyond rounding.

    An image alone is compared, and all at once.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (_COMPARED, *images))
    contrast = rng.random((_COMPARED, 1, 1, 1))  # from black to full contrast
    x = (noise * contrast).astype(np.uint8)
    widths, differences, beyond = {}, {}, 0
    for name, reference in references.items():
        expected = reference(torch.from_numpy(x)).numpy()
        found, alone = (session.run([name], {"images": each})[0] for each in (x, x[:1]))
        apart = np.abs(np.concatenate([found - expected, alone - expected[:1]])).max(1)
        far = int((~(apart <= _TOLERANCE * max(1.0, float(np.abs(expected).max())))).sum())
        if far > (_MOST_APART if name == "probabilities" else 0) or not np.isfinite(found).all():
            raise UserError(
                f"`encoder`: onnxruntime computes another {name} than torch (by {apart.max():.1e}), so nothing is "
                f"written: try another version of onnxruntime than {onnxruntime.__version__}"
            )
        widths[name], differences[name], beyond = expected.shape[1], float(apart.max()), beyond + far
    return widths, differences, beyond
