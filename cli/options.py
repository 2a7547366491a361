"""Options that several commands share, and lists on the command line: budgets and seeds."""

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.budgets import Budget, is_relative

Seeds = Annotated[
    str | None, typer.Option(help="How many subsets, such as 10, or which, such as 0,3,7.", show_default="10")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="A name (see `ssl-irmae data list`), a folder of pictures, an .npz or an IDX file.", show_default="mnist"
    ),
]
AddedEncoder = Annotated[
    list[str] | None,
    typer.Option(
        help="A pretrained encoder of your own, added to the rows, or irmae=FOLDER in the place of irmae's; repeatable."
    ),
]
OwnCodes = Annotated[
    list[str] | None,
    typer.Option(
        help="Codes of your own, added to the rows, such as mine=embeddings.npz: arrays code, labels, test_code and "
        "test_labels, one row per image of --dataset; without that, they are the data set; repeatable."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="A whole protocol: mnist-quick, mnist-full, mnist-fused, fashion-mnist-full, fashion-mnist-fused.",
        show_default=False,
    ),
]
TrialPrecision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(
        help="Arithmetic of the networks trained here; auto is what a preset declares, or bf16 where it is fast."
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes that run trials and share the threads; 1 gives all threads to one trial.",
        show_default="one per thread where networks are trained on the CPU, else 1",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the data.", show_default="$SSL_IRMAE_DATA_DIR, $SSL_IRMAE_HOME/data or the user's cache"
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
LabelsFrom = Annotated[
    Path | None,
    typer.Option(
        help="A CSV or TSV file with the columns path and label: the classes of a folder's pictures.",
        show_default=False,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(help="All labels that --labels-from may hold, such as cat,dog.", show_default=False),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse your own images if anything of them is left out or changed.")
]
TargetError = Annotated[
    float | None,
    typer.Option(help="Also say how many labels each row needs for this error, in percent.", show_default=False),
]
Ignore = Annotated[
    str | None,
    typer.Option(
        help="Checks not to count, such as SSI010,SSI015; the output names them. docs/checks.md lists all.",
        show_default=False,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

_MOST = 10_000


def parse_budgets(text: str) -> tuple[Budget, ...]:
    """Read ``10,100,1%,5/class,all``; None means all labels.

    Raises:
        UserError: If a part is not a number of labels.

    >>> parse_budgets("10,1_000,1%,5/class,all")
    (10, 1000, '1%', '5/class', None)
    """
    budgets: list[Budget] = []
    for part in text.split(","):
        word = part.strip()
        if word == "all":
            budgets.append(None)
        elif is_relative(word):
            budgets.append(word)
        elif re.fullmatch(r"[0-9]{1,9}(_[0-9]{1,3}){0,3}", word) and int(word) > 0:
            budgets.append(int(word))
        else:
            raise UserError(
                f"--labels {text}: {word!r} is not a number of labels; write for example 10,100,1%,5/class,all"
            )
    return tuple(dict.fromkeys(budgets))


def parse_seeds(text: str, option: str = "--seeds") -> tuple[int, ...]:
    """Read ``10`` as ten seeds from 0, and ``0,3,7`` as those three.

    Args:
        text: Value of the option.
        option: Name of the option, for the error message.

    Raises:
        UserError: If it is neither.

    >>> parse_seeds("3"), parse_seeds("0,3,7"), parse_seeds("5,")
    ((0, 1, 2), (0, 3, 7), (5,))
    """
    words = [word.strip() for word in text.split(",")]
    listed = "," in text
    if listed and not words[-1]:
        words.pop()
    if not words or not all(re.fullmatch("[0-9]{1,9}", word) for word in words) or (not listed and int(words[0]) < 1):
        raise UserError(f"{option} {text}: write how many seeds, such as 10, or which, such as 0,3,7")
    if not listed and int(words[0]) > _MOST:
        raise UserError(f"{option} {text}: at most {_MOST:,} seeds can be run")
    return tuple(dict.fromkeys(int(word) for word in words)) if listed else tuple(range(int(words[0])))


def parse_names(text: str | None) -> list[str] | None:
    """Read ``irmae-linear,supervised``; None stays None.

    >>> parse_names("irmae-linear, supervised")
    ['irmae-linear', 'supervised']
    """
    return None if text is None else [name.strip() for name in text.split(",")]
