"""The files of a report: tables, figures, raw rows and the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from ssl_irmae._support.files import check_folder, write_atomically
from ssl_irmae._support.progress import Listener, silent
from ssl_irmae.datasets.registry import DATASETS
from ssl_irmae.errors import UserError
from ssl_irmae.networks.own import Pair
from ssl_irmae.protocols.report.document import document_json, summary_csv
from ssl_irmae.protocols.report.figures.codes import code_view, encode_sample, encoders_of, spectra_figure
from ssl_irmae.protocols.report.figures.error_against_labels import error_against_labels
from ssl_irmae.protocols.report.figures.figure import FORMATS, render
from ssl_irmae.protocols.report.figures.paired_differences import paired_differences
from ssl_irmae.protocols.report.note import join
from ssl_irmae.protocols.report.page.page import Picture, html_page
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.report.tables.latex import latex
from ssl_irmae.protocols.report.tables.markdown import markdown
from ssl_irmae.protocols.storage.files import environments_json, mistakes_npz, rows_csv
from ssl_irmae.protocols.task import ScoredOn, load_task

_CAPTIONS = {
    "spectra": (
        "Spectra",
        "Singular values of the code covariance, relative to the largest, for each encoder; effective rank is the "
        "exponential of their entropy.",
    ),
    "codes": (
        "Codes in two dimensions",
        "Training images by each encoder's code, coloured by class. Above: along its first two principal components. "
        "Below: t-SNE, which keeps neighbourhoods; distances between groups and their sizes mean nothing there.",
    ),
}
_ALL = {
    *("table.md", "table.tex", "summary.csv", "rows.csv", "environments.json", "report.json"),
    *("mistakes.npz", "report.html"),
    *(f"{name}.{kind}" for name in ("error-against-labels", "paired-differences", *_CAPTIONS) for kind in FORMATS),
}
"""Everything that a report can write."""


def write_report(
    report: Report,
    out: Path,
    *,
    html: bool = False,
    encoders: Sequence[str] = (),
    network: Pair | None = None,
    data_dir: Path | None = None,
    progress: Listener = silent,
) -> list[str]:
    """Write a report into a folder. Everything is made before anything is written, each file whole or not at all.

    What an earlier report left there is replaced or removed.

    Args:
        report: What is written.
        out: The folder.
        html: Whether to write the page too.
        encoders: Encoders that trials used, whose spectra and codes are drawn.
        network: The function that returns the networks of those that were pretrained with networks of one's own.
        data_dir: Where data are kept.
        progress: Listener of fetching the images that are encoded.

    Returns:
        The names of the files.

    Raises:
        UserError: If ``out`` is a file or has files of these names that are no report's, an encoder was not used by the
            trials, or the images are others than theirs.
    """
    check_folder(out)
    foreign = sorted(name for name in _ALL if (out / name).exists())
    if foreign and not any((out / name).exists() for name in ("environments.json", "report.json")):
        raise UserError(f"`out`: {out} has its own {join(foreign)}, which would be lost: name another folder")
    figures = {
        "error-against-labels": error_against_labels(report),
        "paired-differences": paired_differences(report),
    }
    if encoders:
        opened = encoders_of(report.rows(), encoders, network)
        first = report.trials[0].row
        if first.dataset not in DATASETS:
            raise UserError(
                f"`encoders`: {first.dataset} is not a named data set, so its images cannot be found again to draw "
                "their codes; leave `encoders` out"
            )
        task = load_task(
            first.dataset,
            scored_on=next(each for each in get_args(ScoredOn) if each == first.scored_on),
            architectures=[encoder.architecture for encoder in opened.values()],
            data_dir=data_dir,
            progress=progress,
        )
        if task.train.fingerprint != first.data_fingerprint:
            raise UserError(
                f"`encoders`: the images of {first.dataset} are no longer those that the trials learned from; leave "
                "`encoders` out"
            )
        codes = encode_sample(opened, task, {style.representation: style.light for style in report.styles.values()})
        figures |= {"spectra": spectra_figure(codes), "codes": code_view(codes)}
    files: dict[str, str | bytes] = {
        "table.md": markdown(report),
        "table.tex": latex(report),
        "summary.csv": summary_csv(report),
        "rows.csv": rows_csv(report.trials),
        "environments.json": environments_json(report.trials),
        "report.json": document_json(report),
    }
    mistakes = mistakes_npz(report.trials)
    if mistakes is not None:
        files["mistakes.npz"] = mistakes
    images = {
        f"{name}.{kind}": render(figure, kind, source=report.fingerprint)
        for name, figure in figures.items()
        if figure is not None
        for kind in FORMATS
    }
    files |= images
    if html:
        pictures = [Picture(*_CAPTIONS[name], images[f"{name}.png"]) for name in _CAPTIONS if name in figures]
        files["report.html"] = html_page(report, pictures=pictures)
    for name in _ALL - files.keys():  # of a report from before, which would stand beside this one
        (out / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_atomically(out / name, content)
    return list(files)
