"""``ssl-irmae doctor``: whether all is well here, and what is missing."""

import typer

from ssl_irmae.cli.options import Json
from ssl_irmae.cli.terminal import handle_errors, print_json, print_lines

EXAMPLES = """
ssl-irmae doctor
ssl-irmae doctor --json
"""
EPILOG = """
Nothing is written, fetched or trained. The exit code is 2 if something keeps commands from working; what is merely not
here, such as data that nobody has asked for, is not an error.
""".replace("\n", " ")


@handle_errors
def command(json_: Json = False) -> None:
    """Check whether everything works here, and say what is missing: versions, device, precision, data, caches."""
    from ssl_irmae.diagnosis import doctor

    found = doctor()
    if json_:
        print_json(found.document())
    else:
        print_lines(str(found), indent=11)
    if not found.well:
        raise typer.Exit(2)
