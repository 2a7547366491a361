"""``ssl-irmae study``: one question, answered by a controlled comparison that anyone can run again."""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.help import MACHINE, OUTPUT, RUN
from ssl_irmae.cli.options import Device, Executor, Json, Quiet
from ssl_irmae.cli.terminal import handle_errors, print_json, print_result, print_wrapped
from ssl_irmae.errors import UserError

EXAMPLES = """
ssl-irmae study --list
ssl-irmae study depth
ssl-irmae study depth --full
ssl-irmae study depth --full --executor slurm --jobs 20
"""
EPILOG = """
A folder gets the answer with its table (README.md), the figure (figure.png) and every value in CSV files.
All is measured and scored on held-out training images. The same command again runs only what is missing.
""".replace("\n", " ")


@handle_errors
def command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of the study; `--list` shows them.", show_default=False)
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="List the studies, with what each takes.", rich_help_panel=RUN)
    ] = False,
    full: Annotated[
        bool,
        typer.Option(
            "--full/--quick",
            help="The whole study, or its quick form, with fewer levels, data sets and steps: about a quarter of an "
            "hour on two cores, twice that where they lack bf16.",
            rich_help_panel=RUN,
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where answer, figure and values are written.",
            show_default="runs/studies/NAME; of the quick form NAME-quick",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    store: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="Where finished trials and what was measured are kept.", rich_help_panel=OUTPUT
        ),
    ] = Path("runs/studies/results.sqlite"),
    json_: Json = False,
    quiet: Quiet = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Processes, of one thread each, that pretrain and run trials.",
            show_default="one per thread",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    executor: Executor = "processes",
    device: Device = "auto",
) -> None:
    """Run a controlled comparison, such as of depths, and write its answer, its table and its figure."""
    from ssl_irmae.protocols.studying.found import find_study, study_names

    if list_:
        for each in study_names():
            _print_study(each)
        return
    if name is None:
        raise UserError(f"name a study: {', '.join(study_names())}; `ssl-irmae study --list` says what each asks")
    find_study(name)

    from ssl_irmae._support.allocator import keep_freed_memory
    from ssl_irmae._support.files import check_folder
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.studying.carry_out import carry_out

    keep_freed_memory()
    folder = out or Path("runs/studies") / (name if full else f"{name}-quick")
    check_folder(folder)
    with Display(quiet=quiet) as display:
        found = carry_out(
            name,
            quick=not full,
            store=store,
            jobs=jobs,
            executor=executor,
            device=device,
            progress=display,
        )
    found.save(folder)
    if json_:
        print_json(found.to_dict())
        return
    for sentence in found.answer:
        print_wrapped(sentence)
    for dataset, (head, *body) in found.tables.items():
        print_result("")
        print_result(dataset)
        _print_table(head, body)
    print_result("")
    print_wrapped(
        f"In {folder}: the answer with its table and what the numbers are (README.md), figure.png and all values."
    )


def _print_study(name: str) -> None:
    """Print the name of a study, its question, and what both forms take."""
    from ssl_irmae._support.compute import find_device, find_precision
    from ssl_irmae.protocols.studying.cost import describe_cost
    from ssl_irmae.protocols.studying.found import find_study

    made = find_study(name)
    precision = find_precision("auto", find_device("cpu"))
    print_wrapped(f"{name:18} {made(quick=True).question}", indent=19)
    for form, quick in (("quick", True), ("full", False)):
        print_wrapped(f"{'':18} {form}: {describe_cost(made(quick=quick), precision)}", indent=19)


def _print_table(head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
    """Print a table as wide as the terminal: what does not fit beside the names goes below, under the names again."""
    width = min(shutil.get_terminal_size().columns, 120)
    first = max(len(line[0]) for line in [head, *body])
    heads = [textwrap.wrap(text, 14, break_long_words=False) for text in head]
    widths = [max(map(len, [*heads[i], *(line[i] for line in body)])) for i in range(len(head))]
    columns = list(range(1, len(head)))
    while columns:
        taken: list[int] = []
        used = first
        while columns and (not taken or used + 2 + widths[columns[0]] <= width):
            used += 2 + widths[columns[0]]
            taken.append(columns.pop(0))
        tall = max(len(heads[i]) for i in taken)
        for place in range(tall):
            cells = [(["", *[""] * tall, *heads[i]][-tall:])[place] for i in taken]
            _print_line(head[0] if place == tall - 1 else "", first, cells, [widths[i] for i in taken])
        for line in body:
            _print_line(line[0], first, [line[i] for i in taken], [widths[i] for i in taken])
        if columns:
            print_result("")


def _print_line(name: str, first: int, cells: Sequence[str], widths: Sequence[int]) -> None:
    print_result(f"{name:{first}}" + "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=True)))
