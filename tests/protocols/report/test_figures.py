"""Figures show the numbers of the summaries, with the axes, names and captions that they need."""

import dataclasses
import io
import itertools
import math
import re

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from ssl_irmae.protocols.report.figures.error_against_labels import error_against_labels, space_out
from ssl_irmae.protocols.report.figures.figure import FORMATS, Format, render
from ssl_irmae.protocols.report.figures.paired_differences import paired_differences
from ssl_irmae.protocols.report.report import Report, make_report
from ssl_irmae.protocols.report.styles import styles_of
from ssl_irmae.protocols.storage.rows import FinishedTrial
from tests.protocols.conftest import MakeRow
from tests.protocols.report.conftest import BUDGETS, finished

SIGNATURES = {"png": b"\x89PNG\r\n\x1a\n", "svg": b"<?xml", "pdf": b"%PDF-"}


@pytest.fixture(scope="module")
def report(trials) -> Report:
    return make_report(trials)


def words(figure: Figure) -> str:
    """Every text of a figure, on one line."""
    texts = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_xlabel(), axes.get_ylabel()]
    return " ".join(" ".join(texts).split())


def test_error_against_labels_is_log_log_and_draws_the_means(report: Report) -> None:
    axes = error_against_labels(report).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    lines = {line.get_label(): line for line in axes.lines}
    assert tuple(lines) == report.drawn
    for name, line in lines.items():
        means = {s.budget: s.mean for s in report.summaries if s.contender == name}
        assert dict(zip(line.get_xdata(), line.get_ydata(), strict=True)) == pytest.approx(means)


def test_bands_are_one_standard_error_to_each_side(report: Report) -> None:
    axes = error_against_labels(report).axes[0]
    bands = [each for each in axes.collections if isinstance(each, PolyCollection)]
    for name, band in zip(report.drawn, bands, strict=True):
        corners = {(x, round(y, 9)) for path in band.get_paths() for x, y in path.vertices}
        for s in report.summaries:
            if s.contender == name and s.standard_error is not None:
                assert (s.budget, round(s.mean - s.standard_error, 9)) in corners
                assert (s.budget, round(s.mean + s.standard_error, 9)) in corners


def test_a_mean_of_one_run_is_hollow_and_no_band_tapers_to_it(report: Report) -> None:
    figure = error_against_labels(report)
    alone = {(s.budget, s.mean) for s in report.summaries if s.n == 1 and s.contender in report.drawn}
    assert alone
    drawn = set()
    for each in figure.axes[0].collections:
        if isinstance(each, PolyCollection):
            reached = {(x, y) for path in each.get_paths() for x, y in path.vertices}
            assert not reached & alone
        else:
            drawn |= {(x, y) for x, y in each.get_offsets().tolist()}
    assert drawn == alone
    marks = {(line.get_xdata()[i], line.get_ydata()[i]) for line in figure.axes[0].lines for i in line.get_markevery()}
    assert not marks & alone
    assert "Hollow: n = 1" in words(figure)


def test_the_caption_names_the_statistic_and_what_it_is_over(report: Report) -> None:
    text = words(error_against_labels(report))
    assert "± one standard error (ddof = 1), over 7 subsets, 7 training seeds at 1,000 labels" in text
    assert "5 of 6 contenders" in text
    assert "% of 1,000 images" in text


def test_every_line_has_its_name_once_and_no_two_names_overlap(report: Report) -> None:
    figure = error_against_labels(report)
    figure.draw_without_rendering()
    names = figure.axes[0].texts
    assert sorted(text.get_text() for text in names) == sorted(report.drawn)
    boxes = [Text.get_window_extent(text) for text in names]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_thirty_lines_still_have_names_that_do_not_overlap(make_row) -> None:
    kept = [
        FinishedTrial(make_row(f"c{i}", s, 5 + s, budget=b), 0.1, "2026-01-01T00:00:00+00:00", {})
        for i in range(30)
        for s in (0, 1)
        for b in (10, 100)
    ]
    figure = error_against_labels(make_report(kept, drawn=[f"c{i}" for i in range(30)]))
    figure.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in figure.axes[0].texts]
    assert len(boxes) == 30
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_an_error_of_zero_is_drawn_at_half_an_image(make_row) -> None:
    kept = [
        FinishedTrial(make_row("supervised", s, 0.0, budget=b), 0.1, "2026-01-01T00:00:00+00:00", {})
        for s in (0, 1)
        for b in (10, 100)
    ]
    line = error_against_labels(make_report(kept)).axes[0].lines[0]
    assert list(line.get_ydata()) == [0.05, 0.05]


def test_a_single_budget_has_bars_beside_each_other(trials) -> None:
    report = make_report([kept for kept in trials if kept.row.budget == 10])
    figure = error_against_labels(report)
    places = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert len(set(places)) == len(report.drawn)
    assert "Bar: ± one standard error" in words(figure)
    assert render(figure, "png", source="").startswith(SIGNATURES["png"])


def test_transductive_contenders_are_marked(make_row) -> None:
    kept = [
        FinishedTrial(
            make_row(name, s, 5.0 + s, budget=budget, transductive=name != "supervised"),
            0.1,
            "2026-01-01T00:00:00+00:00",
            {},
        )
        for name in ("supervised", "graph", "graph-transductive")
        for s in (0, 1)
        for budget in (10, 100)
    ]
    report = make_report(kept, drawn=["supervised", "graph", "graph-transductive"])
    names = {text.get_text() for text in error_against_labels(report).axes[0].texts}
    assert names == {"supervised", "graph (transductive)", "graph-transductive"}


def test_paired_differences_draw_means_and_intervals(report: Report) -> None:
    figure = paired_differences(report)
    assert figure is not None
    assert len(figure.axes) == len(BUDGETS)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == [name for name in report.drawn if name != "supervised"]
    for axes, budget in zip(figure.axes, BUDGETS, strict=True):
        found = {(round(x, 9), y) for line in axes.lines for x, y in zip(*line.get_data(), strict=True)}
        for s in report.summaries:
            if s.budget == budget and s.contender in names and s.difference is not None:
                place = names.index(s.contender)
                for x in (s.difference.mean, s.difference.low, s.difference.high):
                    assert x is not None
                    assert (round(x, 9), place) in found
    assert "error minus supervised's on the same subsets" in words(figure)
    assert "95 % interval" in words(figure)


def test_nothing_to_pair_is_no_figure(trials) -> None:
    assert paired_differences(make_report([k for k in trials if k.row.contender == "supervised"])) is None


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_files_have_their_signature_and_are_the_same_twice(report: Report, kind) -> None:
    once, twice = (render(error_against_labels(report), kind, source=report.fingerprint) for _ in range(2))
    assert once.startswith(SIGNATURES[kind])
    assert once == twice


def test_a_figure_tells_what_it_was_drawn_from(report: Report, trials: list[FinishedTrial]) -> None:
    png = render(error_against_labels(report), "png", source=report.fingerprint)
    with Image.open(io.BytesIO(png)) as image:
        assert image.info["Source"] == report.fingerprint
    worse = dataclasses.replace(trials[0], row=trials[0].row.model_copy(update={"error": trials[0].row.error + 0.01}))
    assert make_report([worse, *trials[1:]]).fingerprint != report.fingerprint
    assert make_report([*reversed(trials)], reference="irmae-knn").fingerprint != report.fingerprint
    assert make_report(trials).fingerprint == report.fingerprint


def test_text_in_svg_is_text(report: Report) -> None:
    assert re.search(r">irmae-linear</text>", render(error_against_labels(report), "svg", source="").decode())


def test_colour_is_the_representation_and_dashes_are_the_readout(make_row) -> None:
    rows = [
        make_row(f"{e}-{r}", 0, 1.0, encoder=e, reads="code", readout=r)
        for e in ("irmae", "pixels", "one-of-mine")
        for r in ("linear_probe", "knn", "centroid", "poisson")
    ]
    looks = looks_of(rows)
    for a, b in itertools.combinations(rows, 2):
        left, right = looks[a.contender], looks[b.contender]
        assert (left.light == right.light) == (left.dark == right.dark) == (a.encoder == b.encoder)
        if a.readout == b.readout:
            assert left.dash == right.dash
        if a.encoder == b.encoder:
            assert (left.dash, left.marker) != (right.dash, right.marker)
    assert looks["irmae-linear_probe"].dash == ()
    assert to_hex(looks["irmae-knn"].light) == looks["irmae-knn"].light


@pytest.mark.parametrize("wanted", [[0.9, 0.1], [0.5, 0.5, 0.5], [1.0, 0.99, 0.2, 0.19, 0.0], [0.0, 0.0]])
def test_places_keep_their_distance_and_their_order(wanted: list[float]) -> None:
    places = spread(wanted, 0.1)
    assert all(a - b >= 0.1 - 1e-9 for a, b in itertools.pairwise(places))
    assert min(places) >= -1e-9
    assert max(places) <= 1 + 1e-9
    if all(a - b >= 0.1 for a, b in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)
