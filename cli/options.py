"""Options that several commands share, and lists on the command line: budgets and seeds."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ssl_irmae.cli.help import DATA, MACHINE, OUTPUT, RUN
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.budgets import Budget, is_relative

if TYPE_CHECKING:
    from ssl_irmae.networks.own import Pair
    from ssl_irmae.networks.registry import Network as Chosen

Labels = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Label budgets, such as 100 or 10,1%,5/class,all.",
        show_default="100",
        rich_help_panel=RUN,
    ),
]
Seeds = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="How many subsets, such as 10, or which: 0,3,7.", show_default="10", rich_help_panel=RUN
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="A name (`ssl-irmae data list`), a folder of pictures, an .npz, a .csv of numbers or an IDX file.",
        show_default="mnist",
        rich_help_panel=DATA,
    ),
]
AnyData = Annotated[
    str,
    typer.Option(
        metavar="DATA",
        help="A name (`ssl-irmae data list`), a folder of pictures, an .npz, .npy or IDX file, a .csv of numbers.",
        rich_help_panel=DATA,
    ),
]
Contenders = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="What to compare: names, and patterns such as 'irmae-*'; `help` explains all of them.",
        show_default="a first selection, which `help` lists",
        rich_help_panel=RUN,
    ),
]
AddedEncoder = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FOLDER",
        help="An encoder of yours, compared with the others; irmae=FOLDER takes the place of irmae; repeatable.",
        rich_help_panel=RUN,
    ),
]
OwnEncoder = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER",
        help="Folder of an encoder, or the name of a bundled one.",
        show_default="one pretrained on all the pictures, and kept",
        rich_help_panel=RUN,
    ),
]
PretrainSeeds = Annotated[
    str | None,
    typer.Option(
        metavar="LIST",
        help="Compare encoders of several pretrainings, with these seeds, on every subset: shows how much of the "
        "spread is due to the pretraining. Write {seed} in --encoder, or encoders are pretrained briefly here.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Family of all networks: conv, residual, mlp, that of a plug-in, or a function of yours, MODULE:FUNCTION.",
        show_default="conv, or that of the encoders",
        rich_help_panel=RUN,
    ),
]
OwnNetwork = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION",
        help="The function of your own that returns the encoder's networks, if it was pretrained with one.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
OwnCodes = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE",
        help="Codes of your own, compared with the others: an .npz with code, labels, test_code and test_labels, one "
        "row per image of --dataset. Without --dataset, the codes are the data set. Repeatable.",
        rich_help_panel=RUN,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A whole protocol: mnist-quick, mnist-full, its part mnist-between, mnist-fused, fashion-mnist-full, "
        "fashion-mnist-fused; or published: what the public reference script does, leaks and all, at the --labels "
        "asked for.",
        show_default=False,
        rich_help_panel=RUN,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Optimiser steps of every network trained end to end; more are slower and mostly better.",
        show_default="100; 2,000 for fused-propagate and fused-propagate-prior",
        rich_help_panel=RUN,
    ),
]
ScoredOn = Annotated[
    Literal["test", "development", "folds"] | None,
    typer.Option(
        metavar="IMAGES",
        help="What is scored. test: the test split. folds: the labelled images, each fold predicted from the others. "
        "development, for tuning: a sixth of the training images, held out.",
        show_default="test, else folds",
        rich_help_panel=RUN,
    ),
]
TrialPrecision = Annotated[
    Literal["auto", "fp32", "bf16"],
    typer.Option(
        metavar="NAME",
        help="Arithmetic of networks trained here: fp32, bf16, or auto: the preset's, or bf16 where it is fast.",
        rich_help_panel=MACHINE,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Processes that share the threads; 1 gives all threads to one trial.",
        show_default="one per thread for networks on the CPU, else 1",
        rich_help_panel=MACHINE,
    ),
]
Executor = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What runs trials: processes, dask, slurm, mpi, ray, or a function of yours that returns a "
        "concurrent.futures.Executor, MODULE:FACTORY; --jobs is the number of its workers. Any but processes "
        "has one thread per worker (docs/using/cluster.md).",
        rich_help_panel=MACHINE,
    ),
]
Device = Annotated[str, typer.Option(metavar="DEVICE", help="auto, cpu, cuda, cuda:1, ...", rich_help_panel=MACHINE)]
LabelsFrom = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The classes of a folder's pictures: a CSV or TSV file with the columns path and label.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="All labels that --labels-from may hold, such as cat,dog.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Refuse your own images if anything in them is left out or changed.",
        rich_help_panel=DATA,
    ),
]
Seed = Annotated[int, typer.Option(metavar="N", min=0, help="Seed of every random choice.", rich_help_panel=RUN)]
Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The contender that the others are compared with.",
        show_default="the preset's, supervised, or the first contender if that is not run",
        rich_help_panel=OUTPUT,
    ),
]
TargetError = Annotated[
    float | None,
    typer.Option(
        metavar="PERCENT",
        help="Also say how many labels each contender needs for this error.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Notes = Annotated[
    Literal["short", "full"],
    typer.Option(
        metavar="NAME", help="short: at most five notes; full: all of them, with every check.", rich_help_panel=OUTPUT
    ),
]
Ignore = Annotated[
    str | None,
    typer.Option(
        metavar="CODES",
        help="Checks not to count, such as SSI010,SSI015 (docs/checks.md); the output names them.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document instead.", rich_help_panel=OUTPUT),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.", rich_help_panel=OUTPUT)]

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
            whole = "; write thousands without a comma" if word == "000" and budgets else ""
            raise UserError(
                f"--labels {text}: {word!r} is not a number of labels; write for example 10,100,1%,5/class,all{whole}"
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


def parse_network(text: str | None) -> "Chosen | None":
    """Read the name of a family of networks, or import the function that ``MODULE:FUNCTION`` names.

    Raises:
        UserError: If there is no such module or function.

    >>> parse_network("residual")
    'residual'
    """
    return parse_own_network(text) if text is not None and ":" in text else text


def parse_own_network(text: str | None) -> "Pair | None":
    """Import the function that ``MODULE:FUNCTION`` names, or find a plug-in's by its name; None stays None.

    Raises:
        UserError: If there is no such module or function.
    """
    if text is None:
        return None
    from ssl_irmae.networks.own import import_pair  # with torch, which takes long
    from ssl_irmae.networks.registry import function_of

    return import_pair(text) if ":" in text else function_of(text) or import_pair(text)


def parse_names(text: str | None) -> list[str] | None:
    """Read ``irmae-linear,supervised``; None stays None.

    >>> parse_names("irmae-linear, supervised")
    ['irmae-linear', 'supervised']
    """
    return None if text is None else [name.strip() for name in text.split(",")]
