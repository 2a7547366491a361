"""``ssl-irmae data``: which data sets there are, fetching and checking them."""

from pathlib import Path
from typing import Annotated

import typer

from ssl_irmae.cli.terminal import give, plainly

app = typer.Typer(no_args_is_help=True, help="List, fetch and verify data sets.")

DataDir = Annotated[
    Path | None, typer.Option(help="Where data are kept.", show_default="$SSL_IRMAE_DATA_DIR or the user's cache")
]


@app.command("list")
@plainly
def list_command(data_dir: DataDir = None) -> None:
    """List the named data sets and whether their files are there."""
    from ssl_irmae.datasets.registry import DATASETS, default_data_dir, missing_files, raw_folder

    folder = data_dir or default_data_dir()
    for name, listed in DATASETS.items():
        there = ""
        if listed.folder:
            there = "not fetched" if missing_files(name, folder) else f"in {raw_folder(name, folder)}"
        give(f"{name:14} {listed.summary}" + (f" [{there}]" if there else ""))
    give("\nYour own: a folder of pictures, an .npz archive or an IDX file; give its path instead of a name.")


@app.command("fetch")
@plainly
def fetch_command(name: Annotated[str, typer.Argument(help="Such as mnist.")], data_dir: DataDir = None) -> None:
    """Fetch a data set's files; what is there already is kept."""
    from ssl_irmae.datasets.registry import default_data_dir, raw_folder

    _refuse_without_files(name)

    from ssl_irmae.cli.progress import fetch_progress
    from ssl_irmae.datasets import mnist

    folder = data_dir or default_data_dir()
    with fetch_progress(quiet=False) as progress:
        mnist.fetch(name, folder, progress)
    give(f"{name} is in {raw_folder(name, folder)}")


@app.command("verify")
@plainly
def verify_command(name: Annotated[str, typer.Argument(help="Such as mnist.")], data_dir: DataDir = None) -> None:
    """Check a data set's files against the published hashes; exit code 2 unless all are right."""
    from ssl_irmae.datasets.registry import default_data_dir, raw_folder
    from ssl_irmae.errors import UserError

    _refuse_without_files(name)

    from ssl_irmae.datasets import mnist

    folder = data_dir or default_data_dir()
    state = mnist.verify(name, folder)
    for file, word in state.items():
        give(f"{word:10} {file}")
    bad = [file for file, word in state.items() if word != "ok"]
    if bad:
        raise UserError(
            f"{name}: {', '.join(bad)} in {raw_folder(name, folder)} not verified: remove what is damaged or "
            f"unchecked and run `ssl-irmae data fetch {name}`"
        )


def _refuse_without_files(name: str) -> None:
    from ssl_irmae.datasets.registry import DATASETS
    from ssl_irmae.errors import UserError, unknown_name

    if name not in DATASETS:
        raise unknown_name("dataset", name, DATASETS)
    if DATASETS[name].folder is None:
        raise UserError(f"{name} has no files to fetch or verify: {DATASETS[name].summary}")
