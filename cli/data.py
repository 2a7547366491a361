"""``ssl-irmae data``: list, fetch and verify data sets."""

from typing import Annotated

import typer

from ssl_irmae.cli.help import CACHES, Command, Group
from ssl_irmae.cli.terminal import handle_errors, print_result, print_status, print_wrapped

app = typer.Typer(cls=Group, no_args_is_help=True, help="List, fetch and verify data sets.", epilog=CACHES)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a data set, such as mnist.")]


@app.command("list", cls=Command)
@handle_errors
def list_command() -> None:
    """List the named data sets and whether their files have been fetched."""
    from ssl_irmae.datasets.idx_files import missing_files, raw_folder
    from ssl_irmae.datasets.registry import DATASETS, default_data_dir
    from ssl_irmae.plugins.installed import problems
    from ssl_irmae.plugins.lookup import registered

    folder = default_data_dir()
    for name, listed in DATASETS.items():
        state = ""
        if listed.has_files:
            state = " [not fetched]" if missing_files(name, folder) else f" [in {raw_folder(name, folder)}]"
        print_wrapped(f"{name:14} {listed.summary}{state}", indent=15)
    for name, plugin in registered("dataset").items():
        print_wrapped(f"{name:14} {plugin.described}", indent=15)
    for problem in problems():
        print_status(problem)
    print_result("")
    print_wrapped(
        "For your own images give the path of a folder of pictures, an .npz, a .npy or an IDX file instead; for rows "
        "of numbers, an .npz or a .csv."
    )


@app.command("fetch", cls=Command)
@handle_errors
def fetch_command(name: Name) -> None:
    """Fetch those files of a data set that are missing."""
    from ssl_irmae.datasets.idx_files import raw_folder
    from ssl_irmae.datasets.registry import default_data_dir

    _refuse_without_files(name)

    from ssl_irmae.cli.progress import Display
    from ssl_irmae.datasets import mnist

    folder = default_data_dir()
    with Display() as display:
        mnist.fetch(name, folder, display)
    print_result(f"{name} is in {raw_folder(name, folder)}")


@app.command("verify", cls=Command)
@handle_errors
def verify_command(name: Name) -> None:
    """Check a data set's files against the published hashes; exit with code 2 unless all are right."""
    from ssl_irmae.datasets.idx_files import raw_folder
    from ssl_irmae.datasets.registry import default_data_dir
    from ssl_irmae.errors import UserError

    _refuse_without_files(name)

    from ssl_irmae.datasets import mnist

    folder = default_data_dir()
    states = mnist.verify(name, folder)
    for file, state in states.items():
        print_result(f"{state:10} {file}")
    bad = [file for file, state in states.items() if state != "ok"]
    if bad:
        raise UserError(
            f"{name}: {', '.join(bad)} in {raw_folder(name, folder)} could not be verified: remove the damaged and "
            f"unchecked files and run `ssl-irmae data fetch {name}`"
        )


def _refuse_without_files(name: str) -> None:
    from ssl_irmae.datasets.registry import DATASETS
    from ssl_irmae.errors import UserError
    from ssl_irmae.plugins.lookup import find_registered

    if name not in DATASETS:
        plugin = find_registered("dataset", name, DATASETS)
        raise UserError(f"{name} has no files to fetch or verify: its plug-in ({plugin.origin}) brings them")
    if not DATASETS[name].has_files:
        raise UserError(f"nothing can be fetched or verified for {name}: {DATASETS[name].summary}")
