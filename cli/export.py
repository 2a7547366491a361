"""``ssl-irmae export``: an encoder or a kept classifier as a file for programs without torch."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ssl_irmae.cli.help import OUTPUT
from ssl_irmae.cli.terminal import handle_errors, print_result

EXAMPLES = """
ssl-irmae export mnist-irmae --out mnist-irmae.onnx
ssl-irmae export runs/mine --out mine.onnx
ssl-irmae export runs/my-pictures-classify/classifier --out classifier.onnx
"""
EPILOG = """
The file reads uint8 images of the encoder's size, any number at once, and scales them itself; the linear stack is
folded in. Its outputs are code and, of a classifier, probabilities. Its metadata say what images it expects. What
onnxruntime computes from it is compared with torch before it is written.
""".replace("\n", " ")


@handle_errors
def command(
    encoder: Annotated[
        str,
        typer.Argument(help="Name of a bundled encoder, a folder of one, or a folder `classifier`, with its head."),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The .onnx to write; an existing file is not overwritten.", rich_help_panel=OUTPUT
        ),
    ],
    file_format: Annotated[
        Literal["onnx"], typer.Option("--format", metavar="NAME", help="onnx.", rich_help_panel=OUTPUT)
    ] = "onnx",
) -> None:
    """Write an encoder or a kept classifier as one file that needs no torch, and compare the two."""
    from ssl_irmae.protocols.export.export import export

    print_result(str(export(encoder, out=out, file_format=file_format)))
