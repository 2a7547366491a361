"""Train a network on the labels that graphs of several encoders agree on: one trial, on development images.

    python -m docs.results.rank.students net=stride32 agree=0.9 conf=0.95 steps=2000   # one trial
    python -m docs.results.rank.students                                              # writes students.csv beside this

It labels the 50,000 training images that remain when 10,000 are held out, from a subset whose seed no reported table
uses, keeps those labels that are likely to be right, and trains on them with consistency between views. Errors on the
held-out images and on all others are appended to runs/rank/student.jsonl. Test images are not loaded.
"""

import copy
import csv
import fcntl
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from docs.results.rank.trial import CPU, WORK, Settings, load
from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import autocast
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.encoders.encoding import encode
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.graphs.graph import build_graph
from ssl_irmae.protocols.graphs.poisson_mbo import poisson_mbo
from ssl_irmae.protocols.learners.augmentation import view
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.predictors.residual import Block
from ssl_irmae.protocols.readouts.batches import batches
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import load_task

ROWS = WORK / "student.jsonl"
CLASSES = 10


class Options(BaseModel):
    """What a trial varies.

    Args:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        encoders: Those of the graphs: methods of bundled encoders, or ``lab:NAME`` for trials of `trial.py`.
        start: The encoder that the network ``"paper"`` starts from.
        budget: Number of labels.
        seed: Seed of the subset, and of the training.
        agree: Smallest share of an image's neighbours that must have its label.
        weight: ``"none"`` keeps or drops labels; a number weighs those with a share of 0.3 by its power.
        rounds: How often labels are spread and a network is trained.
        relabel: What later rounds spread them on: the graph of the ``"student"`` or ``"both"``.
        net: ``"paper"`` for the paper's encoder; ``"strideN"`` or ``"plainN"`` for N channels with a strided first
            convolution, with shortcuts or without; ``"N"`` for shortcuts and no stride there.
        steps: Optimiser steps.
        lr: Initial learning rate.
        batch: Images with pseudo-labels per step.
        ubatch: Unlabelled images per step.
        tbatch: Images with true labels per step, besides.
        conf: Threshold of consistency.
        uweight: Weight of consistency.
        fade: Share of the steps after which pseudo-labels have lost all weight; 0 for never.
        floor: Weight that they keep.
        truth: Whether all labels are the true ones, to see what the network can do.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    dataset: str = "mnist"
    encoders: str = "irmae,vae,ae"
    start: str = "irmae"
    budget: int = 10
    seed: int = 100
    agree: float = 0.8
    weight: str = "none"
    rounds: int = 1
    relabel: str = "student"
    net: str = "paper"
    steps: int = 600
    lr: float = 1e-3
    batch: int = 64
    ubatch: int = 128
    tbatch: int = 0
    conf: float = 0.8
    uweight: float = 1.0
    fade: float = 0.0
    floor: float = 0.0
    truth: int = 0

    @property
    def name(self) -> str:
        """The options that are not at their defaults."""
        given = {k: v for k, v in self.model_dump().items() if v != type(self).model_fields[k].default}
        return " ".join(f"{name}={value}" for name, value in given.items()) or "defaults"


class Student(Protocol):
    """A network that is trained."""

    modules: list[nn.Module]

    def code(self, x: Tensor) -> Tensor:
        """Encode images (n, c, s, s) in [0, 1]."""
        ...

    def logits(self, x: Tensor) -> Tensor:
        """Score classes."""
        ...


class FromEncoder:
    """The paper's encoder, with a linear head on its scaled code."""

    def __init__(self, start: Autoencoder, images: Tensor, seed: int) -> None:
        encoder = copy.deepcopy(start.fold().encoder).to(memory_format=torch.channels_last)
        self.width = start.latent_dim
        self.modules: list[nn.Module] = [encoder]
        with torch.no_grad():
            self.scaling = Scaling.of(self.code(as_float(images[::25], CPU)).float())
        with seeded(seed, "head"):
            self.modules.append(nn.Linear(self.width, CLASSES))

    def code(self, x: Tensor) -> Tensor:
        """Encode images."""
        z: Tensor = self.modules[0](x)[:, : self.width]
        return z

    def logits(self, x: Tensor) -> Tensor:
        """Score classes."""
        z: Tensor = self.modules[1](self.scaling(self.code(x)))
        return z.float()


class FromScratch:
    """A small convolutional network."""

    def __init__(self, kind: str, seed: int) -> None:
        width = int(kind.removeprefix("stride").removeprefix("plain"))
        with seeded(seed, "network"):
            if kind.startswith("stride"):
                layers = [*_unit(1, width, 4, 2), Block(width, width, 1), Block(width, 2 * width, 2)]
                layers.append(Block(2 * width, 4 * width, 2))
            elif kind.startswith("plain"):
                layers = [*_unit(1, width, 4, 2), *_unit(width, 2 * width, 3, 2), *_unit(2 * width, 2 * width, 3, 1)]
                layers += [*_unit(2 * width, 4 * width, 3, 2), *_unit(4 * width, 4 * width, 3, 1)]
            else:
                layers = [*_unit(1, width, 3, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2)]
                layers.append(Block(4 * width, 8 * width, 2))
            head = nn.LazyLinear(CLASSES)
            body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(memory_format=torch.channels_last)
            head(body(torch.zeros(2, 1, 32, 32)))
        self.modules: list[nn.Module] = [body, head]

    def code(self, x: Tensor) -> Tensor:
        """Encode images."""
        z: Tensor = self.modules[0](x)
        return z

    def logits(self, x: Tensor) -> Tensor:
        """Score classes."""
        z: Tensor = self.modules[1](self.code(x))
        return z.float()


def _unit(c_in: int, c_out: int, kernel: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(c_in, c_out, kernel, stride, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]


@torch.no_grad()
def run_on(net: Student, images: Tensor, read: Callable[[Tensor], Tensor]) -> Tensor:
    """Run a network on images, in eval mode."""
    for module in net.modules:
        module.eval()
    with autocast(CPU, "bf16"):
        out = torch.cat([read(as_float(x, CPU)).float() for x in torch.split(images, 512)])
    for module in net.modules:
        module.train()
    return out


def train(
    net: Student,
    c: Options,
    images: Tensor,
    kept: tuple[Tensor, Tensor, Tensor],
    true: tuple[Tensor, Tensor],
    seed: int,
) -> None:
    """Train on kept positions with their labels and weights, on true labels, and with consistency."""
    positions, labels, weights = kept

    def stream(n: int, size: int, purpose: str) -> Iterator[Tensor]:
        return batches(n, size, generator("cpu", seed, purpose), CPU)

    optimiser = Adam([p for module in net.modules for p in module.parameters()], c.lr)
    rng, pseudo = generator("cpu", seed, "views"), stream(len(positions), c.batch, "labelled")
    unlabelled, known = stream(len(images), c.ubatch, "unlabelled"), stream(len(true[0]), c.tbatch or 1, "true")
    for step in range(c.steps):
        fading = 1.0 if not c.fade else max(c.floor, 1 - step / c.steps / c.fade)
        optimiser.learning_rate = c.lr * (1 + math.cos(math.pi * step / c.steps)) / 2
        optimiser.zero_grad()
        i, u = next(pseudo), as_float(images[next(unlabelled)], CPU)
        x, y, w = as_float(images[positions[i]], CPU), labels[i], weights[i] * fading
        if c.tbatch:
            j = next(known)
            x, y = torch.cat([x, as_float(images[true[0][j]], CPU)]), torch.cat([y, true[1][j]])
            w = torch.cat([w, torch.ones(len(j))])
        with autocast(CPU, "bf16"):
            with torch.no_grad():
                sure, guess = net.logits(view(u, "weak", rng)).softmax(1).max(1)
            out = net.logits(torch.cat([view(x, "strong", rng), view(u, "strong", rng)]))
            loss = (F.cross_entropy(out[: len(x)], y, reduction="none") * w).sum() / len(i)
            agreed = (sure >= c.conf).float() * F.cross_entropy(out[len(x) :], guess, reduction="none")
            loss = loss + c.uweight * agreed.mean()
        torch.autograd.backward(loss)
        optimiser.step()


def find_encoder(name: str, dataset: str) -> Autoencoder:
    """Load the encoder of a trial, or a bundled one."""
    if not name.startswith("lab:"):
        return Encoder.from_pretrained(f"{dataset}-{name}").autoencoder.eval()
    words = name.removeprefix("lab:").replace("_s", " s").replace("_d", " d").replace("_e", " e").split()
    return load(Settings.model_validate(dict(word.split("=", 1) for word in words)))


def run(c: Options) -> None:
    """Run a trial and append a row for every round."""
    task = load_task(c.dataset, scored_on="development")
    images, truth = task.train.images, task.train.labels
    assert truth is not None
    codes = [encode(find_encoder(name, c.dataset), images, reads="code") for name in c.encoders.split(",")]
    ((subset,),) = draw_subsets(Part(contenders=(), budgets=(c.budget,), seeds=(c.seed,)), "balanced", task)
    chosen, began = torch.from_numpy(subset.indices), time.time()
    parts = codes
    for r in range(c.rounds):
        graph = build_graph(torch.cat(parts, 1), k=10, parts=len(parts))
        guess = poisson_mbo(graph, chosen, truth[chosen], CLASSES, slack=0.1).argmax(1)
        guess = truth.clone() if c.truth else guess.index_copy(0, chosen, truth[chosen])
        agree = (guess[graph.nearest] == guess[:, None]).double().mean(1)
        agree[chosen] = 1
        kept = agree >= (c.agree - 1e-9 if c.weight == "none" else 0.3)
        positions = kept.nonzero().flatten()
        weights = torch.ones(len(positions)) if c.weight == "none" else agree[kept].float() ** float(c.weight)
        wrong = 100 * (guess != truth).double()
        net: Student
        if c.net == "paper":
            net = FromEncoder(find_encoder(c.start, c.dataset), images, c.seed)
        else:
            net = FromScratch(c.net, c.seed)
        labels = (positions, guess[positions], weights / weights.mean())
        train(net, c, images, labels, (chosen, truth[chosen]), c.seed * 10 + r)
        row: dict[str, Any] = {"round": r, "all_wrong": wrong.mean().item(), "kept": len(positions)}
        row["kept_wrong"] = wrong[positions].mean().item()
        for name, scored in (("error", task.scored), ("train_error", task.train)):
            labels_of = run_on(net, scored.images, net.logits).argmax(1)
            assert scored.labels is not None
            row[name] = 100 * (labels_of != scored.labels).double().mean().item()
        row["seconds"] = round(time.time() - began)
        with ROWS.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps({**c.model_dump(), **row}) + "\n")
        parts = [*(codes if c.relabel == "both" else ()), run_on(net, images, net.code)]


def write_rows() -> None:
    """Write every row that there is as CSV, once."""
    columns = ("dataset", "budget", "seed", "round", "all_wrong", "kept", "kept_wrong", "error", "train_error")
    lines = []
    for row in map(json.loads, ROWS.read_text().splitlines()):
        c = Options.model_validate({name: value for name, value in row.items() if value is not None})
        graph = "sum" if "tag" in row else "mean"  # an earlier script, which wrote a tag, added graphs up
        values = (round(row[x], 3) if isinstance(row[x], float) else row[x] for x in columns)
        lines.append((c.name, graph, *values))
    with Path(__file__).with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["settings", "graph", *columns])
        writer.writerows(dict.fromkeys(lines))


def main() -> None:
    """Run the trial that the arguments describe, with one thread; without any, write the rows of all."""
    if len(sys.argv) == 1:
        write_rows()
        return
    keep_freed_memory()
    torch.set_num_threads(1)
    run(Options.model_validate(dict(argument.split("=", 1) for argument in sys.argv[1:])))


if __name__ == "__main__":
    main()
