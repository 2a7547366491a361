"""Where pretrained encoders are kept and what their files are called. Finding one does not load it."""

from pathlib import Path

from ssl_irmae.errors import UserError, unknown_name

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
BUNDLED = Path(__file__).parent.parent / "bundled"


def find_encoder(name_or_path: str | Path) -> Path:
    """Find the folder of an encoder by the name of a bundled one or by its path.

    Raises:
        UserError: If there is none; the message lists the bundled ones and the nearest.
    """
    folder = Path(name_or_path)
    if (folder / CONFIG).is_file() and (folder / WEIGHTS).is_file():
        return folder
    if folder.is_dir():
        missing = WEIGHTS if (folder / CONFIG).is_file() else CONFIG
        raise UserError(f"{folder} contains no pretrained encoder ({missing} is missing): finish its pretraining first")
    if folder.name == str(name_or_path):
        bundled = BUNDLED / folder.name
        if (bundled / WEIGHTS).is_file():
            return bundled
        raise UserError(f"{unknown_name('encoder', str(name_or_path), list_bundled())}; there is no such folder either")
    named = "; only a method, such as irmae, stands before =" if "=" in str(name_or_path) else ""
    raise UserError(f"there is no encoder folder {folder}: bundled encoders are {', '.join(list_bundled())}{named}")


def bundled_for(dataset: object) -> str:
    """Name the bundled encoder that was pretrained on a data set; no other is taken without being named.

    Args:
        dataset: Name of the data set; anything else is the user's own images.

    Raises:
        UserError: If there is none.

    >>> bundled_for("mnist")
    'mnist-irmae'
    """
    name = f"{dataset}-irmae"
    if isinstance(dataset, str) and name in list_bundled():
        return name
    raise UserError(
        f"`encoder`: no bundled encoder was pretrained on {dataset}: name a folder that `ssl-irmae pretrain` wrote "
        "from these images; or let `ssl-irmae classify` label them, which pretrains by itself"
    )


def list_bundled() -> list[str]:
    """List the encoders that ship with the package."""
    return sorted(folder.parent.name for folder in BUNDLED.glob(f"*/{WEIGHTS}"))
