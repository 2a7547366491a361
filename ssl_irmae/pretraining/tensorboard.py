"""A pretraining as TensorBoard shows it while it runs: losses, spectra and reconstructions as event files."""

import contextlib
import io
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ssl_irmae._support.progress import Event, Listener, Pretrained
from ssl_irmae._support.seeding import generator
from ssl_irmae.datasets.image_set import as_float
from ssl_irmae.pretraining.recipe import TENSORBOARD
from ssl_irmae.pretraining.run_folder import Run

_PICTURES_EVERY = 500  # steps: a spectrum takes 0.1 s to draw, as long as a whole epoch of few images
_SHOWN = 8  # training images that are reconstructed


@contextlib.contextmanager
def shown_in_tensorboard(run: Run, progress: Listener) -> Iterator[Listener]:
    """Write what an open run does into its folder ``tensorboard``, besides calling another listener.

    The loss is written every few steps; the effective rank at the end of each epoch. Pictures are at least 500 steps
    apart: the spectrum, at the end of an epoch, and eight training images above their reconstructions. All are written
    at the last step too. Nothing is drawn at random, and the networks are as they were, so that training is the same.

    Steps count from the beginning of the run. If it was killed, what was written after its last checkpoint is declared
    void, so that no step is shown twice.

    Args:
        run: The run.
        progress: Called with each event after it has been written.

    Yields:
        The listener to train with.
    """
    from torch.utils.tensorboard import SummaryWriter  # an optional package

    writer: SummaryWriter | None = None
    drawn = dict.fromkeys(("reconstructions", "spectrum"), run.resumed_at // _PICTURES_EVERY)

    def due(picture: str, event: Pretrained) -> bool:
        before, drawn[picture] = drawn[picture], event.step // _PICTURES_EVERY
        return drawn[picture] > before or event.step == event.total_steps

    def listener(event: Event) -> None:
        nonlocal writer
        if isinstance(event, Pretrained):
            if writer is None:  # not before the first event: now no other process is training in the folder
                writer = SummaryWriter(str(run.folder / TENSORBOARD), purge_step=run.resumed_at + 1)
            writer.add_scalar("loss", event.recent_loss, event.step)
            if due("reconstructions", event):
                writer.add_image("reconstructions", _reconstructions(run), event.step)
            if event.epoch_done or event.step == event.total_steps:
                rank = event.effective_rank if event.epoch_done else run.state.effective_rank()
                writer.add_scalar("effective rank", rank, event.step)
                if due("spectrum", event):
                    writer.add_image("spectrum", _spectrum(run), event.step)
            writer.flush()
        progress(event)

    try:
        yield listener
    finally:
        if writer is not None:
            writer.close()


@torch.no_grad()
def _reconstructions(run: Run) -> Tensor:
    """Return training images side by side, above their reconstructions: uint8, shape (1 or 3, 2 s, n s)."""
    images, autoencoder = run.state.images, run.state.autoencoder
    shown = torch.randperm(len(images), generator=generator("cpu", "shown"))[:_SHOWN]  # always the same ones
    x = as_float(images[shown], run.state.device)
    training = autoencoder.training
    rows = [x, autoencoder.eval().reconstruct(x)]
    autoencoder.train(training)
    channels = 3 if x.shape[1] >= 3 else 1  # of others there is no picture
    grid = torch.cat([torch.cat(list(row.float()), dim=2) for row in rows], dim=1)
    return (255 * grid[:channels].clamp(0, 1)).round().to(torch.uint8).cpu()


def _spectrum(run: Run) -> Tensor:
    """Draw the spectrum that was last measured, as a picture: uint8, shape (3, h, w)."""
    from PIL import Image

    from ssl_irmae.encoders.card import spectrum_figure

    assert run.state.spectrum is not None
    with Image.open(io.BytesIO(spectrum_figure(run.state.spectrum, run.folder.name))) as picture:
        return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)
