"""Pretrain one encoder on development images and measure its codes: the trial that every study in this folder runs.

    python docs/results/rank/trial.py dataset=fashion-mnist depth=4 epochs=5 schedule=tail seed=1

The loop is that of `ssl-irmae pretrain`, with more to vary. It trains on the 50,000 training images that remain when
10,000 are held out for development, and measures effective rank, reconstruction error, and the errors of `linear` and
`poisson-prior` on the held-out images, at 10, 100 and 1,000 labels over ten subsets whose seeds no reported table uses.
Test images are not loaded. What was measured is appended to runs/rank/lab.jsonl, and the weights are kept in
runs/rank/lab; a trial that was stopped continues after its last epoch, and one that is finished is not run again.
"""

import fcntl
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from ssl_irmae._support.allocator import keep_freed_memory
from ssl_irmae._support.compute import autocast
from ssl_irmae._support.seeding import generator, seeded
from ssl_irmae.autoencoder import Autoencoder
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.encoders.encoding import encode, reconstruction_error
from ssl_irmae.methods import METHODS
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.learners.augmentation import View, view
from ssl_irmae.protocols.plan import Part
from ssl_irmae.protocols.readouts.linear import linear
from ssl_irmae.protocols.readouts.poisson_prior import poisson_prior
from ssl_irmae.protocols.readouts.sample import Memo, Sample
from ssl_irmae.protocols.running.jobs import draw_subsets
from ssl_irmae.protocols.task import Task, load_task
from ssl_irmae.spectrum import effective_rank, spectrum

WORK = Path("runs/rank")
ROWS = WORK / "lab.jsonl"
CPU = torch.device("cpu")
BUDGETS = (10, 100, 1000)
SEEDS = tuple(range(200, 210))


class Settings(BaseModel):
    """What a trial varies.

    Args:
        dataset: ``"mnist"`` or ``"fashion-mnist"``.
        method: ``"irmae"``, ``"ae"`` or ``"vae"``.
        depth: Linear layers of an IRMAE; 0 is a plain AE.
        lr: Adam's learning rate.
        batch: Images per step.
        epochs: Passes over the images.
        schedule: ``"constant"``; ``"tail"``: constant, then falling linearly to zero; ``"cosine"``; ``"linear"``.
        warm: Steps over which the rate rises.
        tail: Share of the steps over which it falls.
        decay: Weight decay of the stack, decoupled as in AdamW.
        init: Start of the stack: ``"default"`` or ``"orthogonal"``.
        init_scale: Factor on it.
        ema: Decay of the average of the weights that is measured instead of the last; 0 for none.
        view: What the encoder sees: the image, or a weak or strong view of it, while the image is reconstructed.
        code_noise: Standard deviation of noise on the code, relative to the code's root mean square.
        seed: Of initial weights, order and noise.
        stack_lr: Factor on the learning rate of the stack.
        evals: Epochs, separated by commas, after which codes are measured too.
        graph: Whether `poisson-prior` is measured: at the ``"end"``, at ``"all"`` these epochs, or ``"never"``.
        target: Whether the ``"clean"`` image or the ``"view"`` is reconstructed.
        width: Width of the code.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = "mnist"
    method: str = "irmae"
    depth: int = 8
    lr: float = 5e-4
    batch: int = 32
    epochs: int = 10
    schedule: str = "constant"
    warm: int = 0
    tail: float = 0.2
    decay: float = 0.0
    init: str = "default"
    init_scale: float = 1.0
    ema: float = 0.0
    view: View = "none"
    code_noise: float = 0.0
    seed: int = 0
    stack_lr: float = 1.0
    evals: str = ""
    graph: str = "end"
    target: str = "clean"
    width: int = 128

    @property
    def name(self) -> str:
        """What tells the trial from others: the settings that are not at their defaults."""
        given = {k: v for k, v in self.model_dump().items() if v != type(self).model_fields[k].default}
        return "_".join(f"{k}={v}" for k, v in given.items() if k not in ("evals", "graph")) or "default"

    def rate(self, step: int, total: int) -> float:
        """Return the factor on the learning rate of a step."""
        if step < self.warm:
            return (step + 1) / self.warm
        if self.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * step / total))
        if self.schedule == "linear":
            return 1 - step / total
        if self.schedule == "tail":
            start = total * (1 - self.tail)
            return 1.0 if step < start else max((total - step) / (total - start), 1e-3)
        return 1.0


def build(c: Settings, channels: int, size: int) -> Autoencoder:
    """Build the networks of a trial at their start."""
    stack = {"depth": c.depth, "init_scale": c.init_scale} if c.method == "irmae" else {}
    with seeded(c.seed, "initialise"):
        ae = METHODS[c.method](channels=channels, image_size=size, latent_dim=c.width, **stack)
        for p in ae.bottleneck.parameters():
            if c.init == "orthogonal":
                nn.init.orthogonal_(p, c.init_scale)
    return ae


def load(c: Settings) -> Autoencoder:
    """Load the finished encoder of a trial."""
    ae = build(c, 1, 32)
    ae.load_state_dict(torch.load(WORK / "lab" / c.name / "weights.pt", weights_only=True))
    return ae.eval()


class Loop:
    """Train a trial's networks, one epoch after the other.

    Args:
        c: What is trained.
        images: uint8, shape (n, c, s, s).
    """

    def __init__(self, c: Settings, images: Tensor) -> None:
        self.c, self.images = c, images
        self.ae = build(c, images.shape[1], images.shape[2]).to(memory_format=torch.channels_last)
        stack = list(self.ae.bottleneck.parameters())
        in_stack = {id(p) for p in stack}
        self.rest = Adam([p for p in self.ae.parameters() if id(p) not in in_stack], c.lr)
        self.stack = Adam(stack, c.lr)
        self.average = [p.detach().clone() for p in self.ae.parameters()] if c.ema else None
        self.rngs = [generator("cpu", c.seed, purpose) for purpose in ("noise", "views", "code")]
        self.step = self.epoch = 0
        self.seconds = 0.0

    def run_epoch(self) -> None:
        """Train for one pass over the images."""
        c, n, began = self.c, len(self.images), time.time()
        self.ae.train()
        order = torch.randperm(n, generator=generator("cpu", c.seed, "order", self.epoch))
        steps = -(-n // c.batch)
        for b in range(steps):
            x = as_float(self.images[order[b * c.batch : (b + 1) * c.batch]], CPU)
            rate = c.lr * c.rate(self.step, steps * c.epochs)
            self.rest.learning_rate, self.stack.learning_rate = rate, rate * c.stack_lr
            self.rest.zero_grad()
            self.stack.zero_grad()
            torch.autograd.backward(self.loss(x))
            if c.decay:
                with torch.no_grad():
                    for p in self.stack.parameters:
                        p.mul_(1 - self.stack.learning_rate * c.decay)
            self.rest.step()
            self.stack.step()
            if self.average is not None:
                weight = min(c.ema, (1 + self.step) / (10 + self.step))
                with torch.no_grad():
                    for a, p in zip(self.average, self.ae.parameters(), strict=True):
                        a.lerp_(p, 1 - weight)
            self.step += 1
        self.epoch += 1
        self.seconds += time.time() - began

    def loss(self, x: Tensor) -> Tensor:
        """Compute the loss of a batch."""
        c, (noise, views, code) = self.c, self.rngs
        seen = view(x, c.view, views)
        with autocast(CPU, "bf16"):
            if c.view == "none" and not c.code_noise:
                return self.ae.loss(x, noise)
            z, penalty = self.ae.bottleneck.sample(self.ae.encoder(seen), noise)
            if c.code_noise:
                deviation = c.code_noise * z.detach().square().mean().sqrt()
                z = z + deviation * torch.empty_like(z).normal_(generator=code)
            out = self.ae.decoder.before_output(z)
            with torch.autocast("cpu", enabled=False):
                target = x if c.target == "clean" else seen
                return F.mse_loss(self.ae.decoder.output(out), target) + penalty

    def measured(self) -> Autoencoder:
        """Return the networks to measure: with averaged weights, if the trial averages them."""
        if self.average is None:
            return self.ae
        averaged = build(self.c, self.images.shape[1], self.images.shape[2])
        for p, a in zip(averaged.parameters(), self.average, strict=True):
            p.data.copy_(a)
        return averaged

    def save(self, path: Path) -> None:
        """Write what ``restore`` needs."""
        state = {
            "ae": self.ae.state_dict(),
            "opt": [self.rest.state_dict(), self.stack.state_dict()],
            "step": self.step,
            "epoch": self.epoch,
            "seconds": self.seconds,
            "average": self.average,
            "rng": [rng.get_state() for rng in self.rngs],
        }
        torch.save(state, path)

    def restore(self, path: Path) -> None:
        """Continue from what ``save`` wrote."""
        state = torch.load(path, weights_only=True)
        self.ae.load_state_dict(state["ae"])
        self.rest.load_state_dict(state["opt"][0])
        self.stack.load_state_dict(state["opt"][1])
        self.step, self.epoch, self.seconds = state["step"], state["epoch"], state["seconds"]
        self.average = state["average"]
        for rng, saved in zip(self.rngs, state["rng"], strict=True):
            rng.set_state(saved)


def measure(ae: Autoencoder, task: Task, *, graph: bool) -> dict[str, Any]:
    """Measure an encoder: effective rank, reconstruction error, and errors of readouts in percent."""
    z, scored = (encode(ae.eval(), images.images, reads="code") for images in (task.train, task.scored))
    return {
        "rank": round(effective_rank(spectrum(z)), 3),
        "mse": round(reconstruction_error(ae, task.scored.images), 6),
        **errors_of(z, scored, task, graph=graph),
    }


def errors_of(z: Tensor, scored: Tensor, task: Task, *, graph: bool, parts: int = 1) -> dict[str, Any]:
    """Measure readouts of codes: errors in percent by number of labels, one for each subset.

    Args:
        z: Codes of the training images, fp32 (n, d).
        scored: Codes of the held-out images, fp32 (m, d).
        task: Gives the labels.
        graph: Whether `poisson-prior` is measured beside `linear`.
        parts: How many encoders' codes of equal width stand side by side.
    """
    assert task.train.labels is not None
    assert task.scored.labels is not None
    memo = Memo()
    found: dict[str, dict[str, list[float]]] = {"linear": {}, "prior": {}}
    for subsets in draw_subsets(Part(contenders=(), budgets=BUDGETS, seeds=SEEDS), "balanced", task):
        chosen = [torch.from_numpy(subset.indices) for subset in subsets]
        samples = [
            Sample(z[i], task.train.labels[i], z, i, 10, subset.seed, CPU, "fp32", memo=memo)
            for i, subset in zip(chosen, subsets, strict=True)
        ]
        fitted: dict[str, list[Any]] = {"linear": [linear(sample, C=0.01, max_iter=1000) for sample in samples]}
        if graph:
            fitted["prior"] = list(poisson_prior(samples, k=10, slack=0.1, parts=parts))
        for name, predictors in fitted.items():
            wrong = [(predict(scored) != task.scored.labels).double().mean().item() for predict in predictors]
            found[name][str(len(chosen[0]))] = [round(100 * share, 2) for share in wrong]
    return found


def run(c: Settings) -> None:
    """Run a trial, or what is missing of it."""
    folder = WORK / "lab" / c.name
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "done").exists():
        return
    task = load_task(c.dataset, scored_on="development")
    loop, checkpoint = Loop(c, task.train.images), folder / "checkpoint.pt"
    if checkpoint.exists():
        loop.restore(checkpoint)
    measured_at = {int(epoch) for epoch in c.evals.split(",") if epoch} | {c.epochs}
    while loop.epoch < c.epochs:
        loop.run_epoch()
        last = loop.epoch == c.epochs
        if loop.epoch in measured_at:
            ae = loop.measured()
            row = {"name": c.name, **c.model_dump(), "epoch": loop.epoch, "step": loop.step}
            row |= {"seconds": round(loop.seconds), "rate": round(loop.step * c.batch / loop.seconds)}
            row |= measure(ae, task, graph=c.graph == "all" or (c.graph == "end" and last))
            with ROWS.open("a") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(json.dumps(row) + "\n")
            sys.stdout.write(f"{c.name}, epoch {loop.epoch}: rank {row['rank']}, MSE {row['mse']}\n")
            if last:
                torch.save(ae.state_dict(), folder / "weights.pt")
        loop.save(checkpoint)
    (folder / "done").touch()
    checkpoint.unlink()


def main() -> None:
    """Run the trial that the arguments describe, with one thread."""
    keep_freed_memory()
    torch.set_num_threads(1)
    WORK.mkdir(parents=True, exist_ok=True)
    run(Settings.model_validate(dict(argument.split("=", 1) for argument in sys.argv[1:])))


if __name__ == "__main__":
    main()
