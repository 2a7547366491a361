"""A pretraining run as a folder: opened, continued, finished."""

import contextlib
import dataclasses
import io
import json
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import filelock
import torch

from ssl_irmae._support.environment import describe_environment
from ssl_irmae._support.files import write_atomically
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae.architecture import Architecture
from ssl_irmae.bottlenecks import Gaussian
from ssl_irmae.datasets.image_set import ImageSet, Split, fit_images
from ssl_irmae.datasets.registry import Dataset, default_image_size, load_images
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.encoders.encoding import encode, reconstruction_error
from ssl_irmae.encoders.files import WEIGHTS
from ssl_irmae.errors import NoTestSplitError, UserError
from ssl_irmae.networks import paper_settings
from ssl_irmae.pretraining.elsewhere import Stretch, as_begun, describe_move, find_place
from ssl_irmae.pretraining.loop import Pretraining, Record
from ssl_irmae.pretraining.recipe import CHECKPOINT, RECIPE, Recipe, recorded_recipe
from ssl_irmae.spectrum import effective_rank, spectrum

METRICS = "metrics.jsonl"
_SAVE_EVERY = 60.0  # seconds between checkpoints within an epoch: the most that a kill costs


class Run:
    """A run folder: ``recipe.json`` and ``checkpoint.pt`` during training, the folder of an encoder when finished.

    Args:
        folder: The run folder; it is created if it does not exist.
        recipe: What to train, and where. If the folder contains a run of the same recipe, that run is continued; if
            only its device differs, or its arithmetic is not available here, it is continued elsewhere than it began.
        images: Training images, already of the recipe's size.
        test_images: Held-out images for the reconstruction error on the card, or None; nothing is chosen by it.

    Raises:
        UserError: If the folder contains a run of another recipe, or anything else.

    Attributes:
        recipe: What is trained, and where it began.
        resumed_at: Optimiser steps that had been taken when the folder was opened.
        continued: The parts of the run that were computed elsewhere than those before them.
        move: A sentence about the run, if training it further is another such part; else None.
    """

    def __init__(self, folder: Path, recipe: Recipe, images: ImageSet, test_images: ImageSet | None) -> None:
        self.folder = folder
        self.images = images
        self.test_images = test_images
        self.history: list[dict[str, Any]] = []
        self.continued: list[Stretch] = []
        self.recipe = recorded_recipe(folder) or recipe
        self._refuse_another_recipe(recipe)
        self.state = Pretraining(
            recipe.architecture.build(recipe.seed),
            images.images,
            seed=recipe.seed,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            precision=recipe.precision,
            device=torch.device(recipe.device),
        )
        self.seconds = 0.0
        self.move: str | None = None
        self._restore()
        self.resumed_at = self.state.step

    def train(self, *, epochs: int, max_steps: int | None = None) -> Generator[Record, None, None]:
        """Train up to ``epochs`` epochs or ``max_steps`` steps in total, saving checkpoints and yielding records.

        Raises:
            NonFiniteLossError: If a loss is not finite; the last good checkpoint is kept.
            UserError: If another process is training in this folder, or has done so since it was opened.
        """
        with self._alone():
            yield from self._train(epochs, max_steps)

    def _train(self, epochs: int, max_steps: int | None) -> Iterator[Record]:
        saved = last = time.monotonic()
        for record in self.state.run(epochs=epochs, max_steps=max_steps):
            if self.move is not None:
                self.continued.append(self._here(self.resumed_at))
                self.move = None
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if record.epoch_done:
                self.history.append({**dataclasses.asdict(record), "seconds": round(self.seconds, 1)})
            if record.epoch_done or now - saved > _SAVE_EVERY:
                self.save()
                saved = time.monotonic()
            yield record
        self.save()

    def save(self) -> None:
        """Write recipe, checkpoint and metrics in their present state."""
        write_atomically(self.folder / RECIPE, self.recipe.model_dump_json(indent=2) + "\n")
        buffer = io.BytesIO()
        continued = json.dumps([dataclasses.asdict(stretch) for stretch in self.continued])
        own = {"history": json.dumps(self.history), "seconds": self.seconds, "continued": continued}
        torch.save(own | self.state.state_dict(), buffer)
        write_atomically(self.folder / CHECKPOINT, buffer.getvalue())
        self._checkpoint = _state_of(self.folder / CHECKPOINT)
        lines = [json.dumps({k: v for k, v in record.items() if k != "epoch_done"}) for record in self.history]
        write_atomically(self.folder / METRICS, "".join(line + "\n" for line in lines))

    def finish(self, command: str) -> Encoder:
        """Measure the trained autoencoder, and write the encoder, its card and its spectrum into the folder.

        An encoder that is already there and has had as many steps is kept, with the command that made it.

        Args:
            command: Command line or call that made the encoder, for the card.

        Returns:
            The encoder as saved.
        """
        from ssl_irmae.encoders.card import model_card, spectrum_figure

        if self.state.step == self.resumed_at and (self.folder / WEIGHTS).is_file():
            finished = Encoder.from_pretrained(self.folder)
            if finished.config.card.get("steps") == self.state.step:
                return finished
        autoencoder = self.state.autoencoder
        singular_values = spectrum(encode(autoencoder, self.images.images, reads="code"))
        test = self.test_images
        card: dict[str, Any] = {
            "command": command,
            "dataset": self.recipe.dataset,
            "data_fingerprint": self.recipe.data_fingerprint,
            "images": len(self.images),
            "seed": self.recipe.seed,
            "epochs": self.state.epoch,
            "steps": self.state.step,
            "batch_size": self.recipe.batch_size,
            "learning_rate": self.recipe.learning_rate,
            "precision": self.recipe.precision,
            "training_loss": self.history[-1]["loss"] if self.history else None,
            "effective_rank": effective_rank(singular_values),
            "reconstruction_mse_train": reconstruction_error(autoencoder, self.images.images),
            "reconstruction_mse_test": None if test is None else reconstruction_error(autoencoder, test.images),
            "minutes": round(self.seconds / 60, 1),
            "environment": describe_environment(),
        }
        if self.continued:
            card["continued"] = [dataclasses.asdict(stretch) for stretch in self.continued]
        state = {name: w.detach().cpu() for name, w in autoencoder.state_dict().items()}
        encoder = Encoder(EncoderConfig(architecture=self.recipe.architecture, card=card), state)
        write_atomically(self.folder / "spectrum.png", spectrum_figure(singular_values, self.folder.name))
        write_atomically(self.folder / "README.md", model_card(self.folder.name, encoder.config))
        write_atomically(self.folder / "environment.json", json.dumps(card["environment"], indent=2) + "\n")
        encoder.save_pretrained(self.folder)
        return encoder

    def _here(self, step: int) -> Stretch:
        return Stretch(step, str(self.state.device), self.state.precision)

    def _refuse_another_recipe(self, asked: Recipe) -> None:
        differences = as_begun(asked, self.recipe).differences(self.recipe)
        if differences:
            raise UserError(
                f"{self.folder} contains a run with {', '.join(differences)}: "
                "repeat its settings to continue it, or choose another `out`"
            )

    def _restore(self) -> None:
        path = self.folder / CHECKPOINT
        self._checkpoint = _state_of(path)
        if self._checkpoint is None:
            return
        try:
            state = torch.load(path, map_location=self.state.device, weights_only=True)
            self.history = json.loads(state.pop("history"))
            self.seconds = state.pop("seconds")
            # checkpoints of the first version record no such parts
            self.continued = [Stretch(**stretch) for stretch in json.loads(state.pop("continued", "[]"))]
            before = self.continued[-1] if self.continued else Stretch(0, self.recipe.device, self.recipe.precision)
            # what one kind of device draws from a state, another cannot continue
            new_noise = torch.device(before.device).type != self.state.device.type
            state["noise"] = None if new_noise else state["noise"].cpu()
            self.state.load_state_dict(state)
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise UserError(f"{path} is damaged: remove it to start again, or choose another `out`") from error
        now = self._here(self.state.step)
        if now != dataclasses.replace(before, step=now.step):
            draws = isinstance(self.state.autoencoder.bottleneck, Gaussian)
            self.move = describe_move(before, now, new_noise=new_noise and draws)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from training in the folder, and check that none has since it was opened."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with filelock.FileLock(self.folder / ".lock", timeout=0):
                if _state_of(self.folder / CHECKPOINT) != self._checkpoint:
                    raise UserError(f"{self.folder} was trained by another process meanwhile: start again")
                yield
        except filelock.Timeout as error:
            raise UserError(
                f"{self.folder} is being trained by another process: wait until it has finished and start again"
            ) from error


def make_run(
    folder: Path,
    *,
    architecture: Callable[[int, int], Architecture],
    dataset: Dataset,
    image_size: int | None,
    batch_size: int,
    learning_rate: float,
    precision: str,
    device: str,
    seed: int,
    data_dir: str | Path | None = None,
    labels_from: str | Path | None = None,
    classes: Sequence[str] | None = None,
    strict: bool = False,
    progress: Listener = silent,
) -> Run:
    """Load the images, resolve what is automatic, and open the run folder.

    Args:
        folder: The run folder.
        architecture: Called with the images' channels and size in pixels, once those are known.
        dataset: A name, a path or arrays, as in ``load_images``.
        image_size: 32 or 64 pixels; None is the data set's own size, 32 for the user's images.
        batch_size: Images per step.
        learning_rate: Adam's learning rate.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``. Automatic is what the run in the folder began with, if that is
            available here.
        device: ``"auto"`` or a device that torch knows; automatic likewise.
        seed: Seed of initial weights, order of images and noise.
        data_dir: Folder of the data.
        labels_from: A table of labels, as in ``load_images``; labels are not used, but are part of the fingerprint.
        classes: The labels that may be in that table, as in ``load_images``.
        strict: Whether to refuse images of which anything was left out or changed.
        progress: Called with what ``load_images`` reports.

    Raises:
        UserError: If the images, a setting or the folder cannot be used.
    """
    size = default_image_size(dataset) if image_size is None else image_size
    paper_settings(channels=1, image_size=size)  # refuses an impossible size before anything is loaded
    chosen, arithmetic = find_place(device, precision, recorded_recipe(folder))

    def load(split: Split) -> ImageSet:
        return load_images(
            dataset,
            split,
            data_dir=data_dir,
            image_size=size,
            labels_from=labels_from,
            classes=classes,
            strict=strict,
            progress=progress,
        )

    train = load("train")
    if len(train) < 2:
        raise UserError(f"{train.name} has one image: pretraining needs at least two")
    test = None
    with contextlib.suppress(NoTestSplitError):  # the user's own images need none
        test = load("test")
    networks = architecture(train.images.shape[1], size)
    recipe = Recipe(
        architecture=networks,
        dataset=train.name,
        data_fingerprint=train.fingerprint,
        seed=seed,
        batch_size=batch_size,
        learning_rate=learning_rate,
        precision=arithmetic,
        device=str(chosen),
    )
    return Run(folder, recipe, _fitted(train, networks), None if test is None else _fitted(test, networks))


def _state_of(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes versions of a file; None if there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _fitted(images: ImageSet, networks: Architecture) -> ImageSet:
    fitted = fit_images(images.images, channels=networks.channels, image_size=networks.image_size)
    return dataclasses.replace(images, images=fitted)
