"""Fit a trial and score it: the only place where test labels meet predictions."""

import datetime
import functools
import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.environment import describe_environment
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample
from ssl_irmae.protocols.representations.pretrained import PretrainedEncoder
from ssl_irmae.protocols.representations.representation import Representation
from ssl_irmae.protocols.representations.retrieval import Retrieval, retrieval_quality
from ssl_irmae.protocols.running.by_class import errors_by_class
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.storage.cache import cached
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from ssl_irmae.protocols.task import Task


@dataclass
class Encoding:
    """How much was encoded for frozen readouts in this process.

    Args:
        images: Number of images, counted once per representation.
        seconds: Wall-clock time that it took.
    """

    images: int = 0
    seconds: float = 0.0

    @property
    def images_per_second(self) -> float | None:
        """Images per second; None if nothing was encoded."""
        return self.images / self.seconds if self.images else None


class Runner:
    """Run trials, and keep what they share: encoders, codes, graphs over unlabelled images.

    Args:
        task: Training and scored images.
        device: Where images are encoded and networks are trained.
        precision: Arithmetic of networks that are trained.
    """

    def __init__(self, task: Task, *, device: str, precision: Precision) -> None:
        self.task = task
        self.device = device
        self.precision = precision
        self._environment = describe_environment()
        self.encoding = Encoding()
        self._autoencoders: dict[str, torch.nn.Module] = {}
        self._encoded: dict[tuple[str, Reads], tuple[Tensor, Tensor]] = {}
        self._memos: dict[tuple[str | None, str, bool], Memo] = {}

    def __reduce__(self) -> tuple[object, ...]:
        # what is kept in this object is computed anew in another process; jobs bring their contenders with them
        return functools.partial(type(self), self.task, device=self.device, precision=self.precision), ()

    def run(self, jobs: Sequence[Job]) -> list[FinishedTrial]:
        """Fit, predict and score trials of one contender that differ in the subset alone.

        Each trial's seconds are an equal share of the time that all took, without the encoding, which all trials share.
        """
        contender = jobs[0].contender
        prepared = [self._prepare(job) for job in jobs]
        _, scored, start = prepared[0]
        began = time.perf_counter()
        fitted = contender.fit_all([sample for sample, *_ in prepared], start)
        predictions = [[predict(p, scored) for p in ([each] if callable(each) else each)] for each in fitted]
        seconds = (time.perf_counter() - began) / len(jobs)
        outcomes = [
            min((self._score(job, labels) for labels in peeks), key=lambda outcome: outcome[0].error)
            for job, peeks in zip(jobs, predictions, strict=True)
        ]
        finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        environment = {**self._environment, "threads": torch.get_num_threads()}  # contenders differ in it
        return [FinishedTrial(row, seconds, finished, environment, wrong) for row, wrong in outcomes]

    def retrieval(self, representation: Representation, reads: Reads, label: str) -> Retrieval:
        """Measure the codes of the scored images without any classifier.

        Args:
            representation: What encodes them.
            reads: ``"code"`` or ``"features"``.
            label: The name under which the result is reported.
        """
        labels = self.task.scored.labels
        assert labels is not None  # load_task makes sure of it
        return retrieval_quality(label, self._encode(representation, reads)[1], labels)

    def _prepare(self, job: Job) -> tuple[Sample, Tensor, torch.nn.Module | None]:
        """Collect what a readout may see, what it predicts, and the autoencoder it starts from."""
        contender, representation = job.contender, job.representation
        chosen = torch.from_numpy(job.subset.indices)
        train_labels = self.task.train.labels
        assert train_labels is not None  # load_task makes sure of it
        start = None
        if contender.reads == "images":
            unlabelled, scored = self.task.train.images, self.task.scored.images
            if isinstance(representation, PretrainedEncoder):
                start = self._autoencoder(representation)
        else:
            assert representation is not None  # only images can be read without one
            unlabelled, scored = self._encode(representation, contender.reads)
        source = None if representation is None else _identity(representation)
        memo = self._memos.setdefault((source, contender.reads, contender.transductive), Memo())
        sample = Sample(
            inputs=unlabelled if torch.equal(chosen, torch.arange(len(unlabelled))) else unlabelled[chosen],
            labels=train_labels[chosen],
            unlabelled=memo.once("with scored", lambda: torch.cat([unlabelled, scored]))
            if contender.transductive
            else unlabelled,
            positions=chosen,
            classes=len(self.task.train.classes),
            seed=derive_seed("learner", job.subset.seed),
            device=torch.device(self.device),
            precision=self.precision,
            scored=len(scored) if contender.transductive else 0,
            memo=memo,
        )
        return sample, scored, start

    def _autoencoder(self, encoder: PretrainedEncoder) -> torch.nn.Module:
        if encoder.hash not in self._autoencoders:
            self._autoencoders[encoder.hash] = encoder.load().autoencoder
        return self._autoencoders[encoder.hash]

    def _encode(self, representation: Representation, reads: Reads) -> tuple[Tensor, Tensor]:
        """Encode training and scored images once; codes that need a network or a fit are kept in the user's cache."""
        identity = _identity(representation)
        train, scored = self.task.train, self.task.scored

        def compute() -> dict[str, Tensor]:
            began = time.perf_counter()
            encode = representation.fit(train.images, torch.device(self.device))
            codes = {"train": encode(train.images, reads), "scored": encode(scored.images, reads)}
            if not all(code.isfinite().all() for code in codes.values()):
                raise UserError(
                    f"the {reads} of {representation.name} is not finite for some images: pretrain the encoder again"
                )
            self.encoding.seconds += time.perf_counter() - began
            self.encoding.images += len(train.images) + len(scored.images)
            return codes

        if (identity, reads) not in self._encoded:
            if identity == "pixels":  # as fast to compute as to read from a file
                codes = compute()
            else:
                parts = (identity, reads, train.fingerprint, scored.fingerprint, self.device)
                codes = cached("codes", *parts, compute=compute)
            self._encoded[identity, reads] = (codes["train"], codes["scored"])
        return self._encoded[identity, reads]

    def _score(self, job: Job, predictions: Tensor) -> tuple[Row, bytes]:
        """Compare predictions with the labels; return the row, and which images were wrong."""
        labels, train_labels = self.task.scored.labels, self.task.train.labels
        assert labels is not None  # load_task makes sure of it
        assert train_labels is not None
        wrong = (predictions != labels).numpy()
        row = Row(
            **job.trial.model_dump(),
            error=100 * int(wrong.sum()) / len(labels),
            n_scored=len(labels),
            predictions=hashlib.sha256(predictions.numpy().tobytes()).hexdigest(),
            classes_predicted=len(np.unique(predictions.numpy())),
            classes_labelled=len(train_labels[torch.from_numpy(job.subset.indices)].unique()),
            **errors_by_class(wrong, labels.numpy(), self.task.scored.classes),
        )
        return row, np.packbits(wrong).tobytes()


def predict(predictor: Predictor, inputs: Tensor) -> Tensor:
    """Predict the classes of inputs (m, ...), and check that the predictor keeps its contract.

    Raises:
        TypeError: If the predictions are not int64 of shape (m,).
    """
    predictions = predictor(inputs)
    if predictions.shape != (len(inputs),) or predictions.dtype != torch.int64:
        raise TypeError(f"a predictor must return int64 of shape (m,), got {predictions.dtype} {predictions.shape}")
    return predictions


def _identity(representation: Representation) -> str:
    """Return what identifies a representation: apart from the images, its codes depend on nothing else."""
    return representation.hash or representation.name
