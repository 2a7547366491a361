"""The work on one encoder of a study, in this process or in a worker: pretrain it, unless it is kept, and measure."""

import functools
import hashlib
import importlib.metadata
import json
import math
import pickle
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from ssl_irmae._support.compute import Precision
from ssl_irmae._support.environment import versions
from ssl_irmae._support.extras import EXTRAS
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.loop import NonFiniteLossError
from ssl_irmae.pretraining.optimizers import USUAL
from ssl_irmae.protocols.representations.brief_pretraining import brief_folder, is_pretrained, pretrain_briefly
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, open_encoder
from ssl_irmae.protocols.running.work import Work
from ssl_irmae.protocols.running.workers import limited_threads
from ssl_irmae.protocols.studying.encoder_settings import name_networks
from ssl_irmae.protocols.studying.measure import Measure, MeasuredEncoder
from ssl_irmae.protocols.task import Task, load_task

_SOFTWARE = ("torch", "numpy", "scipy", "scikit-learn")


class EncoderWork(NamedTuple):
    """An encoder of a study, and what is measured of it.

    Everything is done with one thread, so that no number depends on how many workers there are.

    Args:
        dataset: Name of the data set.
        fingerprint: That of the images that it is pretrained on: those that remain of the training images.
        architecture: Its networks.
        settings: What they and the optimiser were made from, as a person reads it.
        seed: Seed of its pretraining.
        steps: Optimiser steps.
        precision: Arithmetic of the networks.
        device: Where it is pretrained.
        measures: What is measured.
        command: What its card records as the command.
        optimizer: What takes the steps.
        learning_rate: Its learning rate; None for the recipe's.
    """

    dataset: str
    fingerprint: str
    architecture: Architecture
    settings: str
    seed: int
    steps: int
    precision: Precision
    device: str
    measures: tuple[Measure, ...]
    command: str
    optimizer: str = USUAL
    learning_rate: float | None = None

    @property
    def name(self) -> str:
        """Everything that the encoder depends on, apart from what ``brief_folder`` adds."""
        kind = f"{self.precision}-{torch.device(self.device).type}"
        networks = f"{self.architecture.method}-{name_networks(self.architecture)}"
        return f"{self.dataset}-{networks}-{self.fingerprint[:12]}-{kind}-study-seed{self.seed}"

    @property
    def title(self) -> str:
        """What a person calls it, which is something else for every encoder of a study."""
        return f"{self.dataset} {self.settings}, seed {self.seed}"

    @property
    def folder(self) -> Path:
        """Where the encoder is kept, for all studies that have it."""
        return brief_folder(
            self.name, self.architecture, self.steps, optimizer=self.optimizer, learning_rate=self.learning_rate
        )

    @property
    def is_pretrained(self) -> bool:
        """Whether the encoder is there."""
        return is_pretrained(self.folder, self.steps)

    def key(self, measure: Measure | None = None) -> str:
        """Identify in a store what was measured; without a measure, how the pretraining ended."""
        software = {name: version for name, version in versions().items() if name in _SOFTWARE}
        if measure is not None and measure.extra is not None:
            software |= {package: importlib.metadata.version(package) for package in EXTRAS[measure.extra].packages}
        what = None if measure is None else [measure.name, measure.revision]
        identity = [self.folder.name, self.fingerprint, what, software]
        return hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()

    def open(self, name: str) -> OpenedEncoder:
        """Open the encoder under the name that contenders use for it."""
        return open_encoder(name, self.folder)


class Found(NamedTuple):
    """What is known of an encoder after the work.

    Args:
        failed: Why the pretraining has no result, if it diverged; None otherwise.
        seconds: Seconds of the pretraining.
        on_plateau: Whether it ended with reconstructions that are no better than the mean picture.
        values: Number and seconds by name of the measure; the number is None where it is not defined.
    """

    failed: str | None
    seconds: float
    on_plateau: bool
    values: Mapping[str, tuple[float | None, float]]


def work_on(work: EncoderWork, task: Task, progress: Listener = silent) -> Found:
    """Pretrain an encoder, unless it is there, and measure it.

    Args:
        work: What is done.
        task: Its images, with those that are held out.
        progress: Called with every event of the pretraining.

    Raises:
        UserError: If the folder of encoders cannot be written to, or a measure cannot be computed.
    """
    with limited_threads(1):
        try:
            folder = pretrain_briefly(
                work.name,
                architecture=work.architecture,
                dataset=task.train,
                steps=work.steps,
                precision=work.precision,
                device=work.device,
                seed=work.seed,
                optimizer=work.optimizer,
                learning_rate=work.learning_rate,
                message=f"pretraining {work.title}",
                command=work.command,
                progress=progress,
            )
        except NonFiniteLossError as error:
            return Found(str(error), 0.0, False, {})
        encoder = MeasuredEncoder(folder, task)
        encoder.encoder.to(work.device)
        values = {}
        for measure in work.measures:
            began = time.perf_counter()
            value = measure.compute(encoder)
            known = value if value is not None and math.isfinite(value) else None
            values[measure.name] = (known, time.perf_counter() - began)
        card = encoder.encoder.config.card
        return Found(None, 60 * float(card["minutes"]), card["plateau_steps"] == card["steps"], values)


def run_in_worker(work: Work, sent: bytes) -> bytes:
    """Do the work on an encoder in a worker, which loads the images itself.

    Args:
        work: What the caller runs with.
        sent: A pickled ``EncoderWork``.

    Returns:
        A pickled ``Found``, or the ``UserError`` that was raised.
    """
    work.find_modules()
    try:
        work.check_versions()  # what is measured is stored under the caller's
        each: EncoderWork = pickle.loads(sent)  # noqa: S301 (ours)
        return pickle.dumps(work_on(each, _task(each.dataset, each.fingerprint)))
    except UserError as error:
        return pickle.dumps(UserError(str(error)))


@functools.lru_cache(maxsize=1)
def _task(dataset: str, fingerprint: str) -> Task:
    task = load_task(dataset, scored_on="development")
    if task.train.fingerprint != fingerprint:
        raise UserError(
            f"the worker on {platform.node()} finds other images of {dataset}: let SSL_IRMAE_HOME be where all workers "
            "reach it"
        )
    return task
