"""A pretraining run as a folder: opened, continued, finished."""

import contextlib
import dataclasses
import io
import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import filelock
import torch

from ssl_irmae._support.environment import describe_environment
from ssl_irmae._support.files import write_atomically
from ssl_irmae._support.formats import refuse_later
from ssl_irmae.datasets.columns import Columns
from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.datasets.reading import count
from ssl_irmae.encoders.checks import require_undamaged
from ssl_irmae.encoders.code_scale import write_scale
from ssl_irmae.encoders.encoder import Encoder, EncoderConfig
from ssl_irmae.encoders.encoding import encode, reconstruction_error
from ssl_irmae.errors import UserError
from ssl_irmae.pretraining.elsewhere import Stretch, as_begun, describe_move
from ssl_irmae.pretraining.loop import Pretraining, Record
from ssl_irmae.pretraining.optimizers import USUAL
from ssl_irmae.pretraining.processes import ALONE, Processes
from ssl_irmae.pretraining.recipe import CHECKPOINT, RECIPE, Recipe, recorded_recipe
from ssl_irmae.spectrum import effective_rank, spectrum

METRICS = "metrics.jsonl"
_FORMAT = 1  # of the checkpoint
_SAVE_EVERY = 60.0  # seconds between checkpoints within an epoch: the most that a kill costs


class Run:
    """A run folder: ``recipe.json`` and ``checkpoint.pt`` during training, the folder of an encoder when finished.

    Args:
        folder: The run folder; it is created if it does not exist.
        recipe: What to train, and where. If the folder contains a run of the same recipe, that run is continued; if
            only its device differs, or its arithmetic is not available here, it is continued elsewhere than it began.
        images: Training images, already of the recipe's size.
        test_images: Held-out images for the reconstruction error on the card, or None; nothing is chosen by it.
        columns: The scale of the columns of rows of numbers; the images are standardised by it already.
        processes: The processes that train together. All read the folder, and the first alone writes into it.

    Raises:
        UserError: If the folder contains a run of another recipe, or anything else.

    Attributes:
        recipe: What is trained, and where it began.
        resumed_at: Optimiser steps that had been taken when the folder was opened.
        continued: The parts of the run that were computed elsewhere than those before them, or than the recipe says.
        move: A sentence about the run, if training it further is another such part; else None.
    """

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        images: ImageSet,
        test_images: ImageSet | None,
        *,
        columns: Columns | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.folder = folder
        self.processes = processes
        self.images = images
        self.test_images = test_images
        self.columns = columns
        self.history: list[dict[str, Any]] = []
        self.continued: list[Stretch] = []
        before = recorded_recipe(folder)
        self.recipe = recipe
        if before is not None:
            self._refuse_another_recipe(recipe, before)
            # the architectures are equal, and that of the file lacks the function of networks of one's own
            kept = {"architecture": recipe.architecture, "steps": recipe.steps, "minutes": recipe.minutes}
            self.recipe = before.model_copy(update=kept)
        self.state = Pretraining(
            recipe.architecture.build(recipe.seed),
            images.images,
            seed=recipe.seed,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            precision=recipe.precision,
            device=torch.device(recipe.device),
            cooldown=self.recipe.cooldown,
            steps=self.recipe.steps,
            optimizer=recipe.optimizer,
            processes=processes,
        )
        self.seconds = 0.0
        self.move: str | None = None
        self._restore()
        self.resumed_at = self.state.step
        if processes.count > 1 and not self.resumed_at:
            self.continued.append(self._here(0))  # the recipe, which does not depend on it, does not say so
        processes.check_same(f"{self.recipe.model_dump_json()} {self.state.step} {self.state.device}")

    def train(self, *, epochs: int | None = None, max_steps: int | None = None) -> Generator[Record, None, None]:
        """Train up to ``epochs`` epochs, ``max_steps`` steps or the recipe's, saving checkpoints and yielding records.

        Each of them counts from the beginning of the run, and the first to come ends it.

        Raises:
            NonFiniteLossError: If a loss is not finite; the last good checkpoint is kept.
            UserError: If another process is training in this folder, or has done so since it was opened.
        """
        with self._alone():
            yield from self._train(epochs, max_steps)

    def _train(self, epochs: int | None, max_steps: int | None) -> Iterator[Record]:
        self._save_recipe()  # a run that is killed before its first checkpoint has been planned all the same
        saved = last = time.monotonic()
        for record in self.state.run(epochs=epochs, max_steps=max_steps):
            if self.move is not None:
                self.continued.append(self._here(self.resumed_at))
                self.move = None
            now = time.monotonic()
            self.seconds, last = self.seconds + now - last, now
            if record.epoch_done:
                kept = {name: value for name, value in dataclasses.asdict(record).items() if name != "recent_loss"}
                self.history.append({**kept, "seconds": round(self.seconds, 1)})
            if record.epoch_done or now - saved > _SAVE_EVERY:
                self.save()
                saved = time.monotonic()
            yield record
        self.save()

    def save(self) -> None:
        """Write recipe, checkpoint and metrics in their present state."""
        if not self.processes.first:
            return
        self._save_recipe()
        buffer = io.BytesIO()
        continued = json.dumps([stretch.to_dict() for stretch in self.continued])
        own = {"format": _FORMAT, "history": json.dumps(self.history), "seconds": self.seconds, "continued": continued}
        torch.save(own | self.state.state_dict(), buffer)
        write_atomically(self.folder / CHECKPOINT, buffer.getvalue())
        self._checkpoint = _state_of(self.folder / CHECKPOINT)
        lines = [json.dumps({k: v for k, v in record.items() if k != "epoch_done"}) for record in self.history]
        write_atomically(self.folder / METRICS, "".join(line + "\n" for line in lines))

    def _save_recipe(self) -> None:
        if self.processes.first:
            write_atomically(self.folder / RECIPE, self.recipe.written() + "\n")

    def finish(self, command: str) -> Encoder:
        """Measure the trained autoencoder, and write the encoder, its card and its spectrum into the folder.

        An encoder that is already there and has had as many steps is kept, with the command that made it. Of several
        processes the first makes it.

        Args:
            command: Command line or call that made the encoder, for the card.

        Returns:
            The encoder as saved.
        """
        from ssl_irmae.encoders.card import model_card, spectrum_figure

        if (finished := self._finished()) is not None:
            return finished
        autoencoder = self.state.autoencoder
        codes = encode(autoencoder, self.images.images, reads="code")
        singular_values = spectrum(codes)
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
            "recipe": self.recipe.recipe,
            "cooldown": self.recipe.cooldown,
            "precision": self.recipe.precision,
            "training_loss": self.history[-1]["loss"] if self.history else None,
            "effective_rank": effective_rank(singular_values),
            "reconstruction_mse_train": reconstruction_error(autoencoder, self.images.images),
            "reconstruction_mse_test": None if test is None else reconstruction_error(autoencoder, test.images),
            "plateau_steps": self.state.plateau_steps,
            "minutes": round(self.seconds / 60, 3),
            "environment": describe_environment(),
        }
        if self.recipe.optimizer != USUAL:
            card["optimizer"] = self.recipe.optimizer
        if self.recipe.minutes is not None:
            card["minutes_asked"] = self.recipe.minutes
        if self.continued:
            card["continued"] = [stretch.to_dict() for stretch in self.continued]
        state = {name: w.detach().cpu() for name, w in autoencoder.state_dict().items()}
        config = EncoderConfig(architecture=self.recipe.architecture, card=card, columns=self.columns)
        encoder = Encoder(config, state)
        write_atomically(self.folder / "spectrum.png", spectrum_figure(singular_values, self.folder.name))
        write_atomically(self.folder / "README.md", model_card(self.folder.name, encoder.config))
        write_atomically(self.folder / "environment.json", json.dumps(card["environment"], indent=2) + "\n")
        encoder.save_pretrained(self.folder)
        if self.state.device.type == "cpu":  # another device rounds codes differently
            write_scale(self.folder, codes, self.recipe.data_fingerprint, threads=torch.get_num_threads())
        return encoder

    def _finished(self) -> Encoder | None:
        """Return the encoder in the folder if it is that of the checkpoint; a half-written or damaged one is not."""
        if self.state.step != self.resumed_at and self.processes.first:
            return None
        with contextlib.suppress(UserError):
            encoder = Encoder.from_pretrained(self.folder, network=self.recipe.architecture.function)
            if encoder.config.card.get("steps") == self.state.step:
                return encoder
        return None

    def _here(self, step: int) -> Stretch:
        return Stretch(step, str(self.state.device), self.state.precision, self.processes.count)

    def _refuse_another_recipe(self, asked: Recipe, before: Recipe) -> None:
        asked = as_begun(asked, before)
        differences = asked.differences(before)
        if differences:
            raise UserError(
                f"{self.folder} contains a run with {', '.join(differences)}: "
                "repeat its settings to continue it, or choose another `out`"
            )
        if asked.steps != before.steps:
            raise UserError(
                f"{self.folder} contains a run of {_length(before)} (now {_length(asked)}), at whose end the learning "
                "rate falls to zero, so that it cannot have another length: repeat its length to continue it, or "
                "choose another `out`; with `recipe` paper, a run can be made longer"
            )

    def _restore(self) -> None:
        path = self.folder / CHECKPOINT
        self._checkpoint = _state_of(path)
        if self._checkpoint is None:
            return
        try:
            require_undamaged(path)
            state = torch.load(path, map_location=self.state.device, weights_only=True)
            refuse_later(f"{path}", state.pop("format", 1), _FORMAT)
            self.history = json.loads(state.pop("history"))
            self.seconds = state.pop("seconds")
            # checkpoints of the first version record no such parts
            self.continued = [Stretch(**stretch) for stretch in json.loads(state.pop("continued", "[]"))]
            before = self.continued[-1] if self.continued else Stretch(0, self.recipe.device, self.recipe.precision)
            # what one kind of device draws from a state, another cannot continue
            new_noise = torch.device(before.device).type != self.state.device.type
            state["noise"] = None if new_noise else state["noise"].cpu()
            self.state.load_state_dict(state)
        except UserError:
            raise
        except Exception as error:  # a damaged pickle can raise nearly anything
            raise UserError(f"{path} is damaged: remove it to start again, or choose another `out`") from error
        now = self._here(self.state.step)
        if now != dataclasses.replace(before, step=now.step):
            self.move = describe_move(before, now, new_noise=new_noise and self.state.autoencoder.draws)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other runs from training in the folder, and check that none has since it was opened."""
        if not self.processes.first:
            yield
            return
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


def _length(recipe: Recipe) -> str:
    steps = count(recipe.steps or 0, "step")
    return steps if recipe.minutes is None else f"{steps} for `minutes` {recipe.minutes:g}"


def _state_of(path: Path) -> tuple[int, int] | None:
    """Return what distinguishes versions of a file; None if there is no file."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
