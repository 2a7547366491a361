"""Figures of codes: their spectra, and two-dimensional views in which every image keeps its class."""

import dataclasses
import math

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from ssl_irmae.protocols.report.figures.codes import Codes, code_view, principal_components, spectra_figure
from ssl_irmae.protocols.report.figures.figure import render


@pytest.fixture(scope="module")
def codes() -> Codes:
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    flat = rng.normal(size=(90, 5)) * np.array([3.0, 2.0, 1e-9, 1e-9, 1e-9])
    apart = rng.normal(size=(90, 4)) + 9 * np.eye(4)[labels]
    by_encoder = {"flat": flat.astype(np.float32), "apart": apart.astype(np.float32)}
    return Codes(by_encoder, labels, ("a", "b", "c"), {"flat": "#0072b2", "apart": "#c84a00"})


def test_spectra_name_each_effective_rank(codes: Codes) -> None:
    axes = spectra_figure(codes).axes[0]
    assert axes.get_yscale() == "log"
    flat, _ = (line.get_label() for line in axes.lines)
    values = np.linalg.eigvalsh(np.cov(codes.by_encoder["flat"].T.astype(float)))
    p = values[values > 1e-12] / values[values > 1e-12].sum()
    assert flat == f"flat: effective rank {math.exp(-(p * np.log(p)).sum()):.1f} of 5"
    assert np.asarray(axes.lines[0].get_ydata())[0] == 1
    assert to_hex(axes.lines[0].get_color()) == codes.colours["flat"]


def test_principal_components_are_those_of_the_covariance(codes: Codes) -> None:
    code = codes.by_encoder["apart"]
    points, shares = principal_components(code)
    values = np.linalg.eigvalsh(np.cov(code.T.astype(float)))[::-1]
    assert shares == pytest.approx(values[:2] / values.sum())
    assert points.var(0, ddof=1) == pytest.approx(values[:2])


def test_the_view_has_every_image_once_in_the_colour_of_its_class(codes: Codes) -> None:
    figure = code_view(codes)
    assert len(figure.axes) == 4
    for axes in figure.axes:
        clouds = [each for each in axes.collections if isinstance(each, PathCollection)]
        assert [len(np.asarray(cloud.get_offsets())) for cloud in clouds] == [30, 30, 30]
        assert len({to_hex(tuple(np.asarray(cloud.get_facecolor())[0])) for cloud in clouds}) == 3
    assert render(code_view(codes), "png", source="") == render(figure, "png", source="")


def test_codes_of_one_dimension_lie_on_a_line(codes: Codes) -> None:
    narrow = dataclasses.replace(codes, by_encoder={"narrow": codes.by_encoder["apart"][:, :1]})
    above, _ = code_view(narrow).axes
    clouds = [each for each in above.collections if isinstance(each, PathCollection)]
    assert sum(len(np.asarray(cloud.get_offsets())) for cloud in clouds) == 90
    assert all(np.ptp(np.asarray(cloud.get_offsets())[:, 1]) == 0 for cloud in clouds)
    assert above.get_xlabel() == "principal components: 100% and 0% of variance"
