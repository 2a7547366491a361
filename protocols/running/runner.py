"""Fit a trial and score it: the only place where test labels meet predictions."""

import datetime
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.environment import describe_environment
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.contenders.registry import Contender, call_readouts
from ssl_irmae.protocols.readouts import Memo, Predictor, Sample
from ssl_irmae.protocols.representations.floors import FLOORS
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder
from ssl_irmae.protocols.representations.retrieval import Retrieval, retrieval_quality
from ssl_irmae.protocols.running.trials import Cell, Spec
from ssl_irmae.protocols.storage.cache import cached
from ssl_irmae.protocols.storage.rows import Kept, Row
from ssl_irmae.protocols.subsets import Subset
from ssl_irmae.protocols.task import Data


@dataclass
class Encoding:
    """What encoding for frozen readouts took in this process.

    Args:
        images: How many, each representation counted.
        seconds: Wall clock.
    """

    images: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float | None:
        """None if nothing was encoded."""
        return self.images / self.seconds if self.images else None


class Runner:
    """Runs trials, and keeps what they share: encoders, codes, graphs over unlabelled images.

    Args:
        spec: What is run.
        data: Train and scored images.
        contenders: By name.
    """

    def __init__(self, spec: Spec, data: Data, contenders: Mapping[str, Contender]) -> None:
        self.spec = spec
        self.data = data
        self.contenders = contenders
        self._environment = describe_environment()
        self.encoding = Encoding()
        self._loaded: dict[str, Encoder] = {}
        self._encoded: dict[tuple[str, Reads], tuple[Tensor, Tensor]] = {}
        self._memos: dict[tuple[str | None, str, bool], Memo] = {}

    def __reduce__(self) -> tuple[object, ...]:
        # another process makes for itself what is kept here
        return type(self), (self.spec, self.data, self.contenders)

    def run(self, cells: Sequence[Cell]) -> list[Kept]:
        """Fit, predict and score trials of one contender that differ in the subset alone.

        The seconds of each are an equal share of what all took; they leave out the encoding, which all trials share.
        """
        # the settings that the trial was planned with, some of which are its part's
        contender = replace(self.contenders[cells[0].trial.contender], settings=cells[0].trial.settings)
        prepared = [self._prepare(contender, cell.subset, cell.encoder) for cell in cells]
        _, scored, start = prepared[0]
        began = time.perf_counter()
        learned = call_readouts(contender, [sample for sample, *_ in prepared], start)
        looks = [[predict(p, scored) for p in ([each] if callable(each) else each)] for each in learned]
        seconds = (time.perf_counter() - began) / len(cells)
        scored_rows = [
            min((self._score(cell, predictions) for predictions in each), key=lambda found: found[0].error)
            for cell, each in zip(cells, looks, strict=True)
        ]
        finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        environment = {**self._environment, "threads": torch.get_num_threads()}  # which differ between contenders
        return [Kept(row, seconds, finished, environment, wrong) for row, wrong in scored_rows]

    def retrieval(self, name: str, encoder: PretrainedEncoder | None, reads: Reads, told: str) -> Retrieval:
        """Measure the scored images' codes without any classifier.

        Args:
            name: Of the encoder, or of a floor.
            encoder: None for a floor.
            reads: Code or features.
            told: What to call the representation.
        """
        labels = self.data.scored.labels
        assert labels is not None  # load_data has seen to it
        return retrieval_quality(told, self._encode(name, encoder, reads)[1], labels)

    def _prepare(
        self, contender: Contender, subset: Subset, encoder: PretrainedEncoder | None
    ) -> tuple[Sample, Tensor, torch.nn.Module | None]:
        """Collect what a readout may see, what it will predict, and the autoencoder that it starts from."""
        chosen = torch.from_numpy(subset.indices)
        train_labels = self.data.train.labels
        assert train_labels is not None  # load_data has seen to it
        start = None
        if contender.reads == "images":
            unlabelled, scored = self.data.train.images, self.data.scored.images
            if encoder is not None:
                start = self._load(encoder).autoencoder
        else:
            assert contender.encoder is not None
            unlabelled, scored = self._encode(contender.encoder, encoder, contender.reads)
        of = contender.encoder if encoder is None else encoder.hash
        memo = self._memos.setdefault((of, contender.reads, contender.transductive), Memo())
        sample = Sample(
            inputs=unlabelled if torch.equal(chosen, torch.arange(len(unlabelled))) else unlabelled[chosen],
            labels=train_labels[chosen],
            unlabelled=memo.once("with scored", lambda: torch.cat([unlabelled, scored]))
            if contender.transductive
            else unlabelled,
            positions=chosen,
            classes=len(self.data.train.classes),
            seed=derive_seed("learner", subset.seed),
            device=torch.device(self.spec.device),
            precision=self.spec.precision,
            memo=memo,
        )
        return sample, scored, start

    def _load(self, encoder: PretrainedEncoder) -> Encoder:
        if encoder.hash not in self._loaded:
            self._loaded[encoder.hash] = encoder.load()
        return self._loaded[encoder.hash]

    def _encode(self, name: str, encoder: PretrainedEncoder | None, reads: Reads) -> tuple[Tensor, Tensor]:
        """Encode training and scored images, once; what takes a network or a fit is kept in the user's cache."""
        of = name if encoder is None else encoder.hash
        train, scored = self.data.train, self.data.scored

        def compute() -> dict[str, Tensor]:
            began = time.perf_counter()
            if encoder is None:
                encode = FLOORS[name](train.images)
                codes = {"train": encode(train.images), "scored": encode(scored.images)}
            else:
                loaded = self._load(encoder).to(self.spec.device)
                codes = {"train": loaded.encode(train.images, reads), "scored": loaded.encode(scored.images, reads)}
            if not all(code.isfinite().all() for code in codes.values()):
                raise UserError(f"the {reads} of {name} is not finite for some images: pretrain the encoder anew")
            self.encoding.seconds += time.perf_counter() - began
            self.encoding.images += len(train.images) + len(scored.images)
            return codes

        if (of, reads) not in self._encoded:
            if encoder is None and name == "pixels":
                codes = compute()
            else:
                parts = (of, reads, train.fingerprint, scored.fingerprint, self.spec.device)
                codes = cached("codes", *parts, compute=compute)
            self._encoded[of, reads] = (codes["train"], codes["scored"])
        return self._encoded[of, reads]

    def _score(self, cell: Cell, predictions: Tensor) -> tuple[Row, bytes]:
        """Compare predictions with the labels: the row, and which images were wrong."""
        labels = self.data.scored.labels
        assert labels is not None  # load_data has seen to it
        wrong = (predictions != labels).numpy()
        row = Row(
            **cell.trial.model_dump(),
            error=100 * int(wrong.sum()) / len(labels),
            n_scored=len(labels),
            predictions=hashlib.sha256(predictions.numpy().tobytes()).hexdigest(),
            dataset=self.data.train.name,
            pretraining=cell.encoder.pretraining if cell.encoder else None,
            quick=cell.encoder is not None and cell.encoder.quick,
            classes_predicted=len(np.unique(predictions.numpy())),
        )
        return row, np.packbits(wrong).tobytes()


def predict(predictor: Predictor, inputs: Tensor) -> Tensor:
    """Ask a predictor for the classes of inputs (m, ...), and hold it to its contract.

    Raises:
        TypeError: If the answer is not int64 of shape (m,).
    """
    predictions = predictor(inputs)
    if predictions.shape != (len(inputs),) or predictions.dtype != torch.int64:
        raise TypeError(f"a predictor must return int64 of shape (m,), got {predictions.dtype} {predictions.shape}")
    return predictions
