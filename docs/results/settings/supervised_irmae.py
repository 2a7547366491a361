"""Measure why `supervised-irmae` collapsed and what prevents it, on MNIST development images.

    python docs/results/settings/supervised_irmae.py [ARM ...]

An arm is a way to train the paper's encoder with eight linear layers and a linear head on labels alone, for as many
steps as in mnist-full. Labels come from the 50,000 training images that remain when 10,000 are held out and scored, on
subsets whose seeds no reported table uses; test images are not loaded. What differs from the learner in the package
(warm-up and clipping, orthogonal layers) is put in its place here.

The rows go to supervised_irmae.csv beside this file; trials that are there are not run again. Beside the error a row
has what tells a collapse: how many classes are predicted, the effective rank of the codes of the scored images, and
the share of channels that fire for any of them in the encoder layer where that share is lowest; and of training the
norm of all gradients in the first step, and the largest in any step. Of two seeds with which training collapsed,
supervised_irmae_steps.csv has loss, gradients and live channels (here of the images of the step) in the first 120
steps. Printed are the collapses and means of each arm.

The arms were thought of after some of them had been tried on seeds 200 to 215 of the same images, and after two of
sixteen trials with 10 labels had collapsed there. The way before and the way in force are run on those seeds too.
"""

import contextlib
import csv
import math
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn

from ssl_irmae._support.compute import find_precision
from ssl_irmae._support.seeding import derive_seed
from ssl_irmae.bottlenecks import LinearStack
from ssl_irmae.networks.convolutional import ConvEncoder
from ssl_irmae.pretraining.adam import Adam
from ssl_irmae.protocols.learners import supervised as learner
from ssl_irmae.protocols.learners import training
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.subsets import draw_subset
from ssl_irmae.protocols.task import Task, load_task
from ssl_irmae.spectrum import effective_rank, spectrum

ROWS = Path(__file__).with_suffix(".csv")
TRACES = Path(__file__).with_name("supervised_irmae_steps.csv")
CPU = torch.device("cpu")
ALL = 50_000
STEPS = {10: 600, 100: 600, 1000: 600, ALL: 3000}
FIRST_SEED = 300
EARLIER = range(200, 216)
TRACED = (206, 208)  # of these, in which the way before collapses
KEEP_SIZE = math.sqrt(3)  # with it a layer's weights have variance 1 / d and keep the size of a signal


class Arm(NamedTuple):
    """A way to train.

    Args:
        trials: How many, by number of labels, with seeds from 300 on.
        learning_rate: Adam's initial learning rate.
        init_scale: Factor on torch's default initial weights of the stack.
        depth: Linear layers between encoder and head.
        careful: Whether the rate rises over the first tenth of the steps, and gradients are clipped to norm 1.
        orthogonal: Whether the stack starts from orthogonal matrices instead.
        earlier: Whether 10 labels have the seeds 200 to 215 too.
    """

    trials: dict[int, int]
    learning_rate: float = 1e-3
    init_scale: float = 1.0
    depth: int = 8
    careful: bool = False
    orthogonal: bool = False
    earlier: bool = False

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield number of labels and seed of every trial."""
        for labels, trials in self.trials.items():
            yield from ((labels, seed) for seed in range(FIRST_SEED, FIRST_SEED + trials))
        if self.earlier:
            yield from ((10, seed) for seed in EARLIER)


ARMS = {
    "as before": Arm({10: 16, 100: 6, ALL: 2}, learning_rate=4e-3, earlier=True),
    "lower rate": Arm({10: 10, 100: 4, 1000: 2, ALL: 1}),
    "warm-up and clipping": Arm({10: 4, 100: 4}, learning_rate=4e-3, careful=True),
    "orthogonal": Arm({100: 2}, orthogonal=True),
    "variance 1/d": Arm({10: 30, 100: 14, 1000: 10, ALL: 6}, learning_rate=2e-3, init_scale=KEEP_SIZE, earlier=True),
    "no stack": Arm({100: 4, 1000: 2, ALL: 1}, depth=0),
}


class Careful(Adam):
    """Adam steps after a linear warm-up, along clipped gradients."""

    def step(self) -> None:
        """Take one step."""
        self.taken = getattr(self, "taken", 0) + 1
        self.learning_rate *= min(1.0, self.taken / 60)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        super().step()


class Orthogonal(LinearStack):
    """A stack of orthogonal matrices."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for layer in self.hidden:
            assert isinstance(layer, nn.Linear)
            nn.init.orthogonal_(layer.weight)


class Watch:
    """Record loss, gradients and live channels while a network is trained, and what happens when it predicts."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._codes: list[Tensor] = []
        self._fires: dict[nn.Module, Tensor] = {}

    def train(
        self, loss: Callable[[], Tensor], parameters: Iterable[nn.Parameter], *args: Any, **settings: Any
    ) -> None:
        """Train as the learners do."""
        parameters = list(parameters)
        for parameter in parameters:
            parameter.register_post_accumulate_grad_hook(self._add)

        def watched() -> Tensor:
            self._fires.clear()
            self.steps.append({"squares": 0.0})
            value = loss()
            self.steps[-1] |= {"loss": value.item(), "live_channels": self._live()}
            return value

        training.train(watched, parameters, *args, **settings)
        self._fires.clear()
        self._codes.clear()

    @contextlib.contextmanager
    def networks(self) -> Iterator[None]:
        """Look at what every layer returns."""
        with nn.modules.module.register_module_forward_hook(self._look):
            yield

    def gradients(self) -> list[float]:
        """Return the norm of all gradients in each step."""
        return [math.sqrt(step["squares"]) for step in self.steps]

    def seen(self) -> dict[str, str]:
        """Return the columns of a row that are about training and prediction."""
        return {
            "effective_rank": f"{effective_rank(spectrum(torch.cat(self._codes))):.2f}",
            "live_channels": f"{self._live():.3f}",
            "first_gradient": f"{self.gradients()[0]:.2g}",
            "largest_gradient": f"{max(self.gradients()):.2g}",
        }

    def _add(self, parameter: Tensor) -> None:
        assert parameter.grad is not None
        self.steps[-1]["squares"] += float(parameter.grad.square().sum())

    def _look(self, module: nn.Module, _: Any, output: Tensor) -> None:
        if isinstance(module, nn.ReLU):
            fires = output.detach().amax((0, 2, 3)) > 0
            self._fires[module] = fires | self._fires.get(module, fires)
        elif isinstance(module, (ConvEncoder, LinearStack)) and not module.training:
            if isinstance(module, LinearStack):
                self._codes.pop()  # the encoder's, which the stack read
            self._codes.append(output.float())

    def _live(self) -> float:
        return min(float(fires.float().mean()) for fires in self._fires.values())


def trial(arm: Arm, task: Task, labels: int, seed: int) -> tuple[dict[str, str], Watch]:
    """Train on one labelled subset; return the columns of the row that are found out, and what was seen."""
    assert task.train.labels is not None  # MNIST has labels
    assert task.scored.labels is not None
    y = task.train.labels.numpy()
    subset = draw_subset(y, fingerprint=task.train.fingerprint, budget=labels, seed=seed, rule="balanced")
    i, images = torch.from_numpy(subset.indices), task.train.images
    precision = find_precision("auto", CPU)
    sample = Sample(images[i], task.train.labels[i], images, i, 10, derive_seed("learner", seed), CPU, precision)
    watch = Watch()
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(learner, "train", watch.train))
        stack.enter_context(watch.networks())
        if arm.careful:
            stack.enter_context(patch.object(training, "Adam", Careful))
        if arm.orthogonal:
            stack.enter_context(patch.object(learner, "LinearStack", Orthogonal))
        predict = learner.supervised(
            sample,
            steps=STEPS[labels],
            learning_rate=arm.learning_rate,
            batch_size=64,
            depth=arm.depth,
            init_scale=arm.init_scale,
        )
        predictions = predict(task.scored.images)
    wrong = (predictions != task.scored.labels).double()
    found = {
        "error": f"{100 * float(wrong.mean()):.2f}",
        "classes_predicted": str(len(predictions.unique())),
        **watch.seen(),
        "computed_with": f"torch {torch.__version__}, {precision}, {torch.get_num_threads()} threads",
    }
    return found, watch


def trace(name: str, seed: int, watch: Watch) -> list[dict[str, str]]:
    """Return a row for each of the first steps of a trial."""
    return [
        {
            "arm": name,
            "seed": str(seed),
            "step": str(number),
            "loss": f"{step['loss']:.4f}",
            "gradient": f"{gradient:.2g}",
            "live_channels": f"{step['live_channels']:.3f}",
        }
        for number, (step, gradient) in enumerate(zip(watch.steps[:120], watch.gradients(), strict=False))
    ]


def read(path: Path) -> list[dict[str, str]]:
    """Read rows, none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def report(rows: list[dict[str, str]]) -> None:
    """Print collapses and means of every arm and number of labels."""
    groups: dict[tuple[str, int], list[dict[str, str]]] = {}
    for row in rows:
        groups.setdefault((row["arm"], int(row["labels"])), []).append(row)
    for (arm, labels), trials in groups.items():
        collapsed = sum(row["classes_predicted"] == "1" for row in trials)
        columns = ("error", "effective_rank", "live_channels", "largest_gradient")
        error, rank, live, gradient = (statistics.mean(float(row[column]) for row in trials) for column in columns)
        sys.stdout.write(
            f"{arm}, {labels:,} labels: {collapsed} of {len(trials)} collapsed; mean error {error:.2f} %, effective "
            f"rank {rank:.2f}, live channels {100 * live:.0f} %, largest gradient {gradient:.1f}\n"
        )


def main() -> None:
    """Run what is missing of the arms named, or of all; write a row for each trial, and print what follows."""
    torch.set_num_threads(1)
    task = load_task("mnist", scored_on="development")
    rows, traces = read(ROWS), read(TRACES)
    done = {(row["arm"], row["labels"], row["seed"]) for row in rows}
    for name in sys.argv[1:] or list(ARMS):
        arm = ARMS[name]
        for labels, seed in arm.places():
            if (name, str(labels), str(seed)) in done:
                continue
            settings = {"learning_rate": str(arm.learning_rate), "init_scale": f"{arm.init_scale:.4g}"}
            place = {"labels": str(labels), "steps": str(STEPS[labels]), "seed": str(seed)}
            found, watch = trial(arm, task, labels, seed)
            rows.append({"arm": name, **settings, **place, **found})
            sys.stderr.write(f"{rows[-1]}\n")
            write(ROWS, rows)
            if seed in TRACED:
                traces += trace(name, seed, watch)
                write(TRACES, traces)
    report(rows)


if __name__ == "__main__":
    main()
