"""The model card and the spectrum figure that are kept with an encoder's weights."""

import io
import math

from torch import Tensor

from ssl_irmae.encoders.encoder import EncoderConfig
from ssl_irmae.encoders.files import CONFIG, list_bundled
from ssl_irmae.errors import UserError, describe_exception


def model_card(name: str, config: EncoderConfig) -> str:
    """Return an encoder's card as Markdown: what it is, where it comes from, how good it is, how to use it.

    Raises:
        UserError: If somebody has changed the card to what it cannot be.
    """
    try:
        return _written(name, config)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise UserError(
            f"{name}: the card in {CONFIG} cannot be read ({describe_exception(error)}): correct it, or leave out what "
            "was changed"
        ) from error


def _written(name: str, config: EncoderConfig) -> str:
    where = name if name in list_bundled() else f"path/to/{name}"
    card, architecture = config.card, config.architecture
    optimizer = card.get("optimizer", "Adam")
    falling = f", falling to zero over the last {card['cooldown']:.0%} of the steps" if card.get("cooldown") else ""
    rate = f"{card.get('learning_rate', '?')} ({optimizer}{falling})"
    numbers = config.columns is not None
    images, each = ("rows", "number") if numbers else ("images", "pixel")
    size = f"{architecture.channels} x {architecture.image_size} x {architecture.image_size}"
    method = [architecture.method]
    method += [f"depth {architecture.depth}"] if architecture.depth else []
    method += [] if architecture.strength is None else [f"strength {architecture.strength:g}"]
    method += [] if architecture.variant is None else [f"layers {architecture.variant}"]
    method += [] if architecture.init is None else [f"{architecture.init} start"]
    rows = {
        "method": ", ".join(method),
        "code width": architecture.latent_dim,
        images: f"{architecture.channels:,} columns" if numbers else size,
        "made by": f"`{card.get('command', 'unknown')}`",
        "trained on": f"{card.get('dataset', 'unknown')}, {card.get('images', '?')} {images}, no labels",
        "data fingerprint": f"`{card.get('data_fingerprint', 'unknown')}`",
        "epochs, steps": f"{card.get('epochs', '?')}, {card.get('steps', '?')}",
        "batch size, learning rate": f"{card.get('batch_size', '?')}, {rate}",
        "precision": card.get("precision", "unknown"),
        "training loss, last epoch": _number(card.get("training_loss")),
        f"effective rank of the code, training {images}": _number(card.get("effective_rank")),
        f"reconstruction MSE per {each}, training {images}": _number(card.get("reconstruction_mse_train")),
        f"reconstruction MSE per {each}, test {images}": _number(card.get("reconstruction_mse_test")),
        "minutes of training": _number(card.get("minutes")),
        "weights": card.get("stored_as", "float32"),
    }
    if "minutes_asked" in card:
        rows["minutes of training asked for"] = _number(card["minutes_asked"])
    if card.get("plateau_steps"):
        all_of_them = ", which are all" if card["plateau_steps"] == card["steps"] else ""
        rows[f"steps before it was better than the mean {'row' if numbers else 'picture'}"] = (
            f"{card['plateau_steps']}{all_of_them}"
        )
    if "continued" in card:
        parts = (
            f"from step {part['step']} on {part['device']} in {part['precision']}"
            + f" by {part.get('processes')} processes" * (part.get("processes", 1) > 1)
            for part in card["continued"]
        )
        rows["continued elsewhere" if card["continued"][0]["step"] else "trained"] = ", ".join(parts)
    if config.columns is not None and config.columns.constant:
        rows["constant columns, of which nothing is learned"] = len(config.columns.constant)
    scale = "Numbers are standardised: columns of variance 1." if numbers else "Pixels lie in [0, 1]."
    call = f"rows)  # (n, {architecture.channels})" if numbers else "images)  # uint8 (n, c, h, w)"
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return (
        f"# {name}\n\n"
        f"| | |\n|---|---|\n{table}\n\n"
        "Effective rank is the exponential of the entropy of the normalised singular values of the code covariance\n"
        f"(Roy and Vetterli, 2007). {scale}\n\n"
        "```python\n"
        "import ssl_irmae\n\n"
        f'encoder = ssl_irmae.Encoder.from_pretrained("{where}")\n'
        f"code = encoder.encode({call} -> fp32 (n, d)\n"
        "```\n"
    )


def spectrum_figure(singular_values: Tensor, title: str) -> bytes:
    """Draw the singular values of the code covariance, relative to the largest, on a log scale; return a PNG.

    Args:
        singular_values: Largest first, shape (d,).
        title: Title above the axes.
    """
    from matplotlib.figure import Figure  # slow to import, and needed only when a run is finished

    from ssl_irmae.spectrum import effective_rank

    relative = (singular_values / singular_values[0].clamp_min(1e-300)).clamp_min(1e-12).numpy()
    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(range(1, len(relative) + 1), relative, color="#1f5fa8")
    rank = effective_rank(singular_values)
    axes.axvline(rank, color="#b04a2f", linestyle="--", linewidth=1, label=f"effective rank {rank:.1f}")
    axes.set(xlabel="direction of the code", ylabel="singular value / largest", title=title)
    axes.set_xlim(1, max(2, len(relative)))
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def _number(value: float | None) -> str:
    if value is None:
        return "not measured"
    if value == 0 or not math.isfinite(value):
        return str(value)
    return f"{value:.4g}"
