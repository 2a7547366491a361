"""Fit a trial and score it: the only place where test labels meet predictions."""

import datetime
import functools
import hashlib
import time
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.environment import describe_environment
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.datasets.large_arrays import take
from ssl_irmae.encoders.encoding import Reads
from ssl_irmae.protocols.folds import Fold
from ssl_irmae.protocols.readouts.sample import Memo, Predictor, Sample
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.representations.clustering import Clustering, find_clusters
from ssl_irmae.protocols.representations.fused import FusedEncoders, parts_of
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder
from ssl_irmae.protocols.representations.representation import Representation, identity
from ssl_irmae.protocols.representations.retrieval import Retrieval, retrieval_quality
from ssl_irmae.protocols.running.by_class import errors_by_class
from ssl_irmae.protocols.running.codes import Codes
from ssl_irmae.protocols.running.jobs import Job
from ssl_irmae.protocols.running.kept import Kept
from ssl_irmae.protocols.running.trouble import solvers_watched
from ssl_irmae.protocols.statistics.matched_error import matched_error
from ssl_irmae.protocols.storage.rows import FinishedTrial, Row
from ssl_irmae.protocols.task import Task

_GRAPH, _FP32 = 5, 4  # a graph is built with about five arrays as large as the codes; bytes of a number


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
        self.kept = Kept(apart=(task.train.images, task.scored.images))
        self.codes = Codes(task, device, self.kept)
        self._scalings: dict[str, Scaling | None] = {}

    def __reduce__(self) -> tuple[object, ...]:
        # what is kept in this object is computed anew in another process; jobs bring their contenders with them
        return functools.partial(type(self), self.task, device=self.device, precision=self.precision), ()

    def run(self, jobs: Sequence[Job]) -> list[FinishedTrial]:
        """Fit, predict and score trials of one contender that differ in the subset alone.

        Where a solver did not converge, each is run alone, to tell in which. Each trial's seconds are an equal share of
        the time that all took, without the encoding, which all trials share.
        """
        contender = jobs[0].contender
        with self.kept.in_use():
            prepared = [self._prepare(job) for job in jobs]
            _, scored, start = prepared[0]
            began = time.perf_counter()
            with solvers_watched() as trouble:
                fitted = contender.fit_all([sample for sample, *_ in prepared], start)
                predictions = [[predict(p, scored) for p in ([each] if callable(each) else each)] for each in fitted]
            seconds = (time.perf_counter() - began) / len(jobs)
        if trouble and len(jobs) > 1:
            return [trial for job in jobs for trial in self.run([job])]
        outcomes = [
            min((self._score(job, labels, trouble) for labels in peeks), key=lambda outcome: outcome[0].error)
            for job, peeks in zip(jobs, predictions, strict=True)
        ]
        finished = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        environment = {**self._environment, "threads": torch.get_num_threads()}  # contenders differ in it
        return [FinishedTrial(row, seconds, finished, environment, wrong) for row, wrong in outcomes]

    def expect(self, jobs: Iterable[Job]) -> None:
        """Note trials that will be run, so that the images of all of them are encoded together."""
        for job in jobs:
            contender, representation = job.contender, job.representation
            if representation is not None and contender.reads != "images" and not contender.reads_unlabelled:
                self.codes.expect(representation, contender.reads, torch.from_numpy(job.subset.indices))

    def to_encode(self, jobs: Iterable[Job]) -> dict[tuple[Representation, Reads], int]:
        """Count the images that trials of frozen codes would encode now, of each encoder; of several side by side each.

        Codes that are in the cache are not encoded again.
        """
        asked: dict[tuple[str, Reads], list[tuple[Representation, Tensor | None]]] = {}
        for job in jobs:
            reads, representation = job.contender.reads, job.representation
            if representation is None or reads == "images":
                continue
            positions = torch.from_numpy(job.subset.indices) if self._reads_labelled_alone(job) else None
            for part in parts_of(representation):
                asked.setdefault((identity(part), reads), []).append((part, positions))
        counts = {}
        for (_, reads), each in asked.items():
            known = [positions for _, positions in each if positions is not None]
            positions = torch.unique(torch.cat(known)) if len(known) == len(each) else None
            counts[each[0][0], reads] = self.codes.to_encode(each[0][0], reads, positions)
        return counts

    def retrieval(self, representation: Representation, reads: Reads, label: str) -> Retrieval:
        """Measure the codes of the scored images without any classifier.

        Args:
            representation: What encodes them.
            reads: ``"code"`` or ``"features"``.
            label: The name under which the result is reported.
        """
        with self.kept.in_use():
            return retrieval_quality(label, self.codes.of_scored(representation, reads), self._scored_labels)

    def clustering(self, representation: Representation, reads: Reads, label: str) -> list[Clustering]:
        """Divide the training images into clusters without labels, and score what cluster each scored image is in.

        Args:
            representation: What encodes them.
            reads: ``"code"`` or ``"features"``.
            label: The name under which the result is reported.
        """
        parts, classes = len(parts_of(representation)), len(self.task.train.classes)
        with self.kept.in_use():
            codes, scored = self.codes.of(representation, reads, None)
            memo = self._memo((identity(representation), reads, False), codes)
            found = find_clusters(codes, scored, classes, parts=parts, memo=memo)
        labels = self._scored_labels.numpy()
        return [Clustering(label, way, matched_error(its.numpy(), labels)) for way, its in found.items()]

    @property
    def _scored_labels(self) -> Tensor:
        labels = self.task.scored.labels
        assert labels is not None  # load_task makes sure of it
        return labels

    def _prepare(self, job: Job) -> tuple[Sample, Tensor, torch.nn.Module | Tensor | None]:
        """Collect what a readout may see, what it predicts, and the autoencoder or the codes it starts from."""
        contender, representation, fold = job.contender, job.representation, job.subset.fold
        chosen = torch.from_numpy(job.subset.indices)
        train = self.task.train
        assert train.labels is not None  # load_task makes sure of it
        start: torch.nn.Module | Tensor | None = None
        scaling = self._known_scaling(job)
        positions = chosen if fold is None else torch.searchsorted(fold.others(len(train)), chosen)
        if contender.reads == "images":
            unlabelled, scored = self._images(fold)
            if isinstance(representation, OpenedEncoder):
                start = self._autoencoder(representation)
            elif isinstance(representation, FusedEncoders):
                start = self.codes.of_unlabelled(representation, "code", fold)
        else:
            assert representation is not None  # only images can be read without one
            if self._reads_labelled_alone(job):
                unlabelled = self.codes.of_labelled(representation, contender.reads, chosen)
                scored = self.codes.of_scored(representation, contender.reads)
                positions = torch.arange(len(chosen))
            else:
                unlabelled, scored = self.codes.of(representation, contender.reads, fold)
        source = None if representation is None else identity(representation)
        # of a fold no other trial of the contender has the same unlabelled inputs
        memo = Memo() if fold is not None else self._memo((source, contender.reads, contender.transductive), unlabelled)
        if scaling is not None:
            scaling.remember(memo)
        sample = Sample(
            inputs=unlabelled if torch.equal(positions, torch.arange(len(unlabelled))) else unlabelled[positions],
            labels=train.labels[chosen],
            unlabelled=memo.once("with scored", lambda: torch.cat([unlabelled, scored]))
            if contender.transductive
            else unlabelled,
            positions=positions,
            classes=len(train.classes),
            seed=derive_seed("learner", job.subset.seed),
            device=torch.device(self.device),
            precision=self.precision,
            scored=len(scored) if contender.transductive else 0,
            memo=memo,
            networks=self.task.networks,
        )
        return sample, scored, start

    def _reads_labelled_alone(self, job: Job) -> bool:
        """Return whether a trial needs no codes of training images but those of its subset."""
        return not job.contender.reads_unlabelled and self._known_scaling(job) is not None

    def _images(self, fold: Fold | None) -> tuple[Tensor, Tensor]:
        train = self.task.train.images
        if fold is None:
            return train, self.task.scored.images
        return take(train, fold.others(len(train))), take(train, torch.from_numpy(fold.held_out))

    def _known_scaling(self, job: Job) -> Scaling | None:
        """Return the scale of all training images' codes where it is known without encoding them."""
        encoder, contender = job.representation, job.contender
        if not isinstance(encoder, OpenedEncoder) or contender.reads != "code" or contender.transductive:
            return None
        if self.device != "cpu":  # where it was measured: other devices round differently
            return None
        if encoder.hash not in self._scalings:
            self._scalings[encoder.hash] = encoder.scaling(self.task)
        return self._scalings[encoder.hash]

    def _autoencoder(self, encoder: OpenedEncoder) -> torch.nn.Module:
        return self.kept.once((encoder.hash, "autoencoder"), lambda: encoder.load().autoencoder)

    def _memo(self, shared: tuple[str | None, str, bool], unlabelled: Tensor) -> Memo:
        """Return what trials share that read some codes or images, transductively or not."""
        key = (*shared, "memo")
        if key not in self.kept:
            self.kept.make_room(_GRAPH * _FP32 * unlabelled.numel())
        return self.kept.once(key, lambda: Memo(functools.partial(self.kept.measure, key)))

    def _score(self, job: Job, predictions: Tensor, trouble: Sequence[str]) -> tuple[Row, bytes]:
        """Compare predictions with the labels; return the row, and which images were wrong."""
        assert self.task.train.labels is not None
        labels, fold = self._scored_labels.numpy(), job.subset.fold
        scored = np.arange(len(labels)) if fold is None else fold.scored
        predicted = predictions.numpy()
        wrong = np.zeros(len(labels), dtype=bool)
        wrong[scored] = predicted != labels[scored]
        # equal predictions of other images must not pass for the same
        digest = hashlib.sha256(predicted.tobytes() + (b"" if fold is None else scored.tobytes()))
        row = Row(
            **job.trial.model_dump(),
            error=100 * int(wrong.sum()) / len(scored),
            n_scored=len(scored),
            predictions=digest.hexdigest(),
            classes_predicted=len(np.unique(predicted)),
            classes_labelled=len(self.task.train.labels[torch.from_numpy(job.subset.indices)].unique()),
            **errors_by_class(wrong[scored], labels[scored], self.task.scored.classes),
            trouble=tuple(trouble),
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
