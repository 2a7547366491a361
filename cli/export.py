"""``ssl-irmae export``: an encoder or a kept classifier as a file for programs without torch."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.cli.help import OUTPUT
from ssl_irmae.cli.options import OwnNetwork, Quiet, parse_own_network
from ssl_irmae.cli.terminal import handle_errors, print_result

EXAMPLES = """
ssl-irmae export mnist-irmae --out mnist-irmae.onnx
ssl-irmae export runs/mine --out mine.onnx
ssl-irmae export runs/my-pictures-classify/classifier --out classifier.onnx
"""
EPILOG = """
The file reads uint8 images of the encoder's size, any number at once, and scales them itself; the linear stack is
folded in. Its outputs are the code and, for a classifier, probabilities. Its metadata say what images it expects. What
onnxruntime computes from it is compared with torch before it is written.
""".replace("\n", " ")


@handle_errors
def command(
    *,
    encoder: Annotated[
        str,
        typer.Argument(
            metavar="ENCODER",
            help="Name of a bundled encoder, a folder, or the folder `classifier` that `ssl-irmae classify` wrote.",
        ),
    ],
    network: OwnNetwork = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The .onnx to write; an existing file is not overwritten.", rich_help_panel=OUTPUT
        ),
    ],
    file_format: Annotated[
        Literal["onnx"],
        typer.Option("--format", metavar="NAME", help="Format of the file: onnx.", rich_help_panel=OUTPUT),
    ] = "onnx",
    quiet: Quiet = False,
) -> None:
    """Write an encoder or a kept classifier as an ONNX file, for use without torch, and check it against torch."""
    from ssl_irmae.cli.progress import Display
    from ssl_irmae.protocols.export import export

    with Display(quiet=quiet) as display:
        exported = export(
            encoder, out=out, file_format=file_format, network=parse_own_network(network), progress=display
        )
    print_result(str(exported))
