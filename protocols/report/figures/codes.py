"""Figures of codes: the spectra of encoders, and two-dimensional views of codes by class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from ssl_irmae.encoders.encoder import weights_hash
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.representations.pretrained import OpenedEncoder, needed_function, open_encoder
from ssl_irmae.protocols.storage.rows import Row
from ssl_irmae.protocols.task import Task
from ssl_irmae.spectrum import effective_rank, spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_IMAGES = 10_000
MOST_POINTS = 2_000


@dataclass(frozen=True)
class Codes:
    """Codes of the same images by several encoders.

    Args:
        by_encoder: fp32, shape (n, d) each.
        labels: int64, shape (n,).
        classes: Their names.
        colours: Colour of each encoder.
    """

    by_encoder: Mapping[str, npt.NDArray[np.float32]]
    labels: npt.NDArray[np.int64]
    classes: Sequence[str]
    colours: Mapping[str, str]


def encoders_of(
    rows: Sequence[Row], names_or_paths: Sequence[str], network: Pair | None = None
) -> dict[str, OpenedEncoder]:
    """Open encoders under the names that rows have for them, found by their hashes.

    Args:
        rows: Rows of the trials.
        names_or_paths: Names of bundled encoders, or folders.
        network: The function that returns the networks of those that were pretrained with networks of one's own.

    Raises:
        UserError: If there is no such encoder, or no trial used it.
    """
    names = {row.encoder_hash: row.representation or "" for row in rows if row.encoder_hash is not None}
    found = {}
    for name_or_path in names_or_paths:
        name = names.get(weights_hash(name_or_path))
        if name is None:
            used = ", ".join(f"{n} {str(h)[:8]}" for h, n in names.items()) or "none"
            raise UserError(
                f"`encoders`: no trial used the weights of {name_or_path} ({weights_hash(name_or_path)[:8]}); "
                f"the trials' encoders are {used}"
            )
        # several pretraining seeds share a name
        unique = name if name not in found else f"{name} {weights_hash(name_or_path)[:8]}"
        found[unique] = open_encoder(unique, name_or_path, needed_function(network, name_or_path))
    return found


def encode_sample(encoders: Mapping[str, OpenedEncoder], task: Task, colours: Mapping[str, str]) -> Codes:
    """Encode training images, evenly spaced over the set, at most ``MOST_IMAGES``."""
    images, labels = task.train.images, task.train.labels
    assert labels is not None  # load_task has seen to it
    chosen = torch.linspace(0, len(images) - 1, min(len(images), MOST_IMAGES)).round().long()
    codes = {name: encoder.load().encode(images[chosen]).numpy() for name, encoder in encoders.items()}
    return Codes(codes, labels[chosen].numpy(), task.train.classes, colours)


def spectra_figure(codes: Codes) -> "Figure":
    """Draw the singular values of each code's covariance, relative to the largest, on a log scale."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for i, (name, code) in enumerate(codes.by_encoder.items()):
        values = spectrum(torch.from_numpy(code))
        relative = (values / values[0].clamp_min(1e-300)).numpy()
        label = f"{name}: effective rank {effective_rank(values):.1f} of {len(values)}"
        style = ("-", "--", "-.", ":")[i % 4]
        axes.semilogy(range(1, len(relative) + 1), relative, style, color=codes.colours.get(name), label=label)
    axes.set(
        xlabel="direction of the code, by size",
        ylabel="singular value of the code covariance / largest",
        title=f"Spectra of codes, {len(codes.labels):,} training images",
    )
    axes.set_xlim(left=1)
    axes.set_ylim(bottom=max(axes.get_ylim()[0], 1e-8))  # below is the rounding of fp32
    axes.legend(frameon=False, fontsize=9)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def code_view(codes: Codes) -> "Figure":
    """Draw each code in two dimensions, coloured by class: above its first two principal components, below t-SNE.

    The principal components keep distances, but classes that overlap there may be apart in other directions. t-SNE
    keeps neighbourhoods; its distances between groups, and their sizes, mean nothing.

    Source: van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 2008.
    """
    from matplotlib import color_sequences, colormaps
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    n, many = len(codes.by_encoder), len(codes.classes)
    few = slice(None, None, -(-len(codes.labels) // MOST_POINTS))
    labels = codes.labels[few]
    # ten classes: the palette of Petroff (2021), made for colour-blind readers; more: shades in order
    shades = color_sequences["petroff10"][:many] if many <= 10 else list(colormaps["turbo"](np.linspace(0, 1, many)))
    figure = Figure(figsize=(3.1 * n + 1.2, 6.2), layout="constrained")
    panels = figure.subplots(2, n, squeeze=False)
    for (above, below), (name, encoded) in zip(panels.T, codes.by_encoder.items(), strict=True):
        code = encoded if encoded.shape[1] > 1 else np.pad(encoded, ((0, 0), (0, 1)))  # a line in the plane
        points, shares = principal_components(code)
        above.set_title(name, fontsize=10)
        above.set_xlabel(f"principal components: {shares[0]:.0%} and {shares[1]:.0%} of variance", fontsize=8)
        below.set_xlabel("t-SNE", fontsize=8)
        for axes, view in ((above, points[few]), (below, neighbour_view(code[few]))):
            for c, shade in enumerate(shades):
                axes.scatter(*view[labels == c].T, s=5, color=shade, alpha=0.7, linewidths=0, rasterized=True)
            axes.set_xticks([])
            axes.set_yticks([])
    if many <= 20:
        handles = [Line2D([], [], marker="o", linestyle="", color=shade, markersize=5) for shade in shades]
        figure.legend(handles, list(codes.classes), loc="outside right center", frameon=False, fontsize=8)
    return figure


def neighbour_view(code: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Arrange codes (n, d) in the plane by t-SNE, started from their principal components: the same at every call."""
    from sklearn.manifold import TSNE

    view: npt.NDArray[np.float32] = TSNE(
        perplexity=min(30, (len(code) - 1) / 3), init="pca", random_state=0, n_jobs=1
    ).fit_transform(code)
    return view


def principal_components(code: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Project codes (n, d), d at least 2, on their first two principal components.

    Returns:
        Points (n, 2), and the share of the variance along each of the two. The sign of a component, which is
        arbitrary, is such that its largest weight is positive.
    """
    z = code.astype(np.float64)
    z -= z.mean(0)
    _, singular, directions = np.linalg.svd(z, full_matrices=False)
    two = directions[:2]
    two = two * np.sign(two[np.arange(2), np.abs(two).argmax(1)])[:, None]
    total = float((singular**2).sum())
    shares = singular[:2] ** 2 / total if total > 0 else np.zeros(2)
    return z @ two.T, shares
