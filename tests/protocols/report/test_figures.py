"""Figures show the numbers of the summaries, with the axes, names and captions that they need."""

import io
import itertools
import math
import re

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from PIL import Image

from ssl_irmae.protocols.report.figures.error_against_labels import error_against_labels, space_out
from ssl_irmae.protocols.report.figures.figure import FORMATS, Format, render
from ssl_irmae.protocols.report.figures.paired_differences import paired_differences
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import BUDGETS, finished

SIGNATURES: dict[Format, bytes] = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}

Point = tuple[float, float]


def text_of(figure: Figure) -> str:
    """Every text of a figure, on one line."""
    texts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        texts += [axes.get_title(loc="left"), axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    return " ".join(" ".join(texts).split())


def points(line: Line2D) -> list[Point]:
    return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata(), dtype=np.float64)]


def corners(band: PolyCollection) -> set[Point]:
    return {(float(x), round(float(y), 9)) for path in band.get_paths() for x, y in np.asarray(path.vertices)}


def overlapping(texts: list[Text]) -> bool:
    boxes = [Text.get_window_extent(text) for text in texts]
    return any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_error_against_labels_is_log_log_and_draws_the_means(report: Report) -> None:
    axes = error_against_labels(report).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    lines = {str(line.get_label()): line for line in axes.lines}
    assert tuple(lines) == report.drawn
    for name, line in lines.items():
        means = {float(s.budget): s.mean for s in report.summaries if s.contender == name}
        assert dict(points(line)) == pytest.approx(means)


def test_bands_are_one_standard_error_to_each_side(report: Report) -> None:
    axes = error_against_labels(report).axes[0]
    bands = [each for each in axes.collections if isinstance(each, PolyCollection)]
    for name, band in zip(report.drawn, bands, strict=True):
        for s in report.summaries:
            if s.contender == name and s.standard_error is not None:
                assert (s.budget, round(s.mean - s.standard_error, 9)) in corners(band)
                assert (s.budget, round(s.mean + s.standard_error, 9)) in corners(band)


def test_a_mean_of_one_run_is_hollow_and_no_band_tapers_to_it(report: Report) -> None:
    axes = error_against_labels(report).axes[0]
    alone = {(s.budget, round(s.mean, 9)) for s in report.summaries if s.n == 1 and s.contender in report.drawn}
    assert alone
    hollow: set[Point] = set()
    for each in axes.collections:
        if isinstance(each, PolyCollection):
            assert not corners(each) & alone
        else:
            hollow |= {(float(x), round(float(y), 9)) for x, y in np.asarray(each.get_offsets())}
    assert hollow == alone
    for line in axes.lines:
        marked = line.get_markevery()
        assert isinstance(marked, list)
        assert not {points(line)[i] for i in marked} & alone
    assert "Hollow: n = 1" in text_of(error_against_labels(report))


def test_the_caption_names_the_statistic_and_what_it_is_over(report: Report) -> None:
    text = text_of(error_against_labels(report))
    assert "± one standard error (ddof = 1), over 7 subsets, 7 training seeds at 1,000 labels" in text
    assert report.left_out in text
    assert report.title in text
    assert "% of 1,000 images" in text


def test_every_line_has_its_name_once_and_no_two_names_overlap(report: Report) -> None:
    figure = error_against_labels(report)
    figure.draw_without_rendering()
    names = list(figure.axes[0].texts)
    assert sorted(text.get_text() for text in names) == sorted(report.drawn)
    assert not overlapping(names)


def test_names_of_thirty_lines_do_not_overlap(make_row: MakeRow) -> None:
    names = [f"c{i}" for i in range(30)]
    rows = [make_row(name, s, 5.0 + s, budget=budget) for name in names for s in (0, 1) for budget in (10, 100)]
    figure = error_against_labels(make_report(finished(rows), drawn=names))
    figure.draw_without_rendering()
    assert len(figure.axes[0].texts) == 30
    assert not overlapping(list(figure.axes[0].texts))


def test_an_error_of_zero_is_drawn_at_half_an_image(make_row: MakeRow) -> None:
    rows = [make_row("supervised", s, 0.0, budget=budget) for s in (0, 1) for budget in (10, 100)]
    (line,) = error_against_labels(make_report(finished(rows))).axes[0].lines
    assert [y for _, y in points(line)] == [0.05, 0.05]


def test_at_a_single_budget_points_stand_beside_each_other_with_bars(trials: list[FinishedTrial]) -> None:
    report = make_report([trial for trial in trials if trial.row.budget == 10])
    figure = error_against_labels(report)
    axes = figure.axes[0]
    assert len({points(line)[0][0] for line in axes.lines}) == len(report.drawn)
    bars = [each for each in axes.collections if isinstance(each, LineCollection)]
    lengths = [np.ptp(np.asarray(bar.get_segments()[0])[:, 1]) for bar in bars]
    errors = {s.contender: s.standard_error for s in report.summaries}
    expected = [2 * error for name in report.drawn if (error := errors[name]) is not None]
    assert lengths == pytest.approx(expected)
    assert "Bar: ± one standard error" in text_of(figure)
    assert render(figure, "png", source="").startswith(SIGNATURES["png"])


def test_one_run_of_each_contender_is_drawn_without_any_error(make_row: MakeRow) -> None:
    rows = [make_row(name, 0, 5.0) for name in ("a", "supervised")]
    figure = error_against_labels(make_report(finished(rows)))
    hollow = [each for each in figure.axes[0].collections if isinstance(each, PathCollection)]
    assert len(hollow) == 2
    assert "none here: n = 1" in text_of(figure)


def test_transductive_contenders_are_marked(make_row: MakeRow) -> None:
    names = ["supervised", "graph", "irmae-poisson-transductive"]
    rows = [
        make_row(name, s, 5.0 + s, budget=budget, representation="irmae", transductive=name != "supervised")
        for name in names
        for s in (0, 1)
        for budget in (10, 100)
    ]
    axes = error_against_labels(make_report(finished(rows), drawn=names)).axes[0]
    assert {text.get_text() for text in axes.texts} == {"supervised", "graph (transductive)", names[2]}


def test_paired_differences_draw_means_and_intervals(report: Report) -> None:
    figure = paired_differences(report)
    assert figure is not None
    assert len(figure.axes) == len(BUDGETS)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [name for name in report.drawn if name != "supervised"]
    for axes, budget in zip(figure.axes, BUDGETS, strict=True):
        found = {(round(x, 9), y) for line in axes.lines for x, y in points(line)}
        for s in report.summaries:
            if s.budget == budget and s.contender in names and s.difference is not None:
                place = names.index(s.contender)
                for value in (s.difference.mean, s.difference.low, s.difference.high):
                    assert value is not None
                    assert (round(value, 9), place) in found
    text = text_of(figure)
    assert "error minus supervised's on the same subsets" in text
    assert "95 % interval" in text
    assert "1,000 labels 7 pairs" in text


def test_one_pair_is_hollow_and_has_no_interval(make_row: MakeRow) -> None:
    rows = [make_row("a", 0, 5.0), make_row("supervised", 0, 9.0)]
    figure = paired_differences(make_report(finished(rows)))
    assert figure is not None
    assert "Hollow: one pair, or all equal, no interval." in text_of(figure)
    (point,) = [line for line in figure.axes[0].lines if line.get_marker() not in ("", "None")]
    assert point.get_markerfacecolor() == "white"


def test_without_a_pair_there_is_no_figure(trials: list[FinishedTrial]) -> None:
    assert paired_differences(make_report([t for t in trials if t.row.contender == "supervised"])) is None


@pytest.mark.parametrize("kind", FORMATS)
def test_files_have_their_signature_and_are_the_same_twice(report: Report, kind: Format) -> None:
    once, twice = (render(error_against_labels(report), kind, source=report.fingerprint) for _ in range(2))
    assert once.startswith(SIGNATURES[kind])
    assert once == twice


def test_figures_record_what_they_were_drawn_from(report: Report) -> None:
    figure = error_against_labels(report)
    with Image.open(io.BytesIO(render(figure, "png", source=report.fingerprint))) as image:
        assert image.info["Source"] == report.fingerprint
    for kind in ("svg", "pdf"):
        assert report.fingerprint.encode() in render(figure, kind, source=report.fingerprint)


def test_text_in_svg_is_text(report: Report) -> None:
    assert re.search(r">irmae-linear</text>", render(error_against_labels(report), "svg", source="").decode())


@pytest.mark.parametrize("wanted", [[0.9, 0.1], [0.5, 0.5, 0.5], [1.0, 0.99, 0.2, 0.19, 0.0], [0.0, 0.0]])
def test_places_keep_their_distance_and_their_order(wanted: list[float]) -> None:
    places = space_out(wanted, 0.1)
    assert all(a - b >= 0.1 - 1e-9 for a, b in itertools.pairwise(places))
    assert min(places) >= -1e-9
    assert max(places) <= 1 + 1e-9
    if all(a - b >= 0.1 for a, b in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)


def test_places_that_do_not_fit_still_keep_their_distance() -> None:
    places = space_out([0.5] * 5, 0.5)
    assert all(math.isclose(a - b, 0.5) for a, b in itertools.pairwise(places))
