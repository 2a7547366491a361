"""Clusters found without a label, and the error that they have once a scorer has named them."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.readouts.sample import Memo
from ssl_irmae.protocols.report.document import document
from ssl_irmae.protocols.report.text import report_text
from ssl_irmae.protocols.representations.clustering import K_MEANS, LOWEST_CUT, find_clusters
from ssl_irmae.protocols.statistics.matched_error import matched_error

PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20)


@settings(deadline=None)
@given(PAIRS)
def test_no_one_to_one_naming_makes_fewer_errors(pairs: list[tuple[int, int]]) -> None:
    clusters, labels = np.array(pairs).T
    errors = [100 * float(np.mean(np.array(names)[clusters] != labels)) for names in itertools.permutations(range(4))]
    assert matched_error(clusters, labels) == pytest.approx(min(errors))


def test_a_cluster_too_many_is_wrong_as_a_whole() -> None:
    assert matched_error([0, 0, 1, 2], [0, 0, 0, 1]) == 25


def test_clusters_far_apart_are_found_both_ways_and_by_new_points() -> None:
    rng = torch.Generator().manual_seed(0)
    centres = 20 * torch.eye(3, 8)
    labels = torch.arange(300) % 3
    codes = centres[labels] + torch.randn(300, 8, generator=rng)
    new = torch.arange(30) % 3
    scored = centres[new] + torch.randn(30, 8, generator=rng)
    found = find_clusters(codes, scored, 3, parts=1, memo=Memo())
    assert set(found) == {K_MEANS, LOWEST_CUT}
    for clusters in found.values():
        assert matched_error(clusters.numpy(), new.numpy()) == 0


def test_a_representation_of_several_encoders_has_a_graph_but_no_single_code() -> None:
    codes = torch.rand(60, 8, generator=torch.Generator().manual_seed(0))
    assert set(find_clusters(codes, codes[:5], 2, parts=2, memo=Memo())) == {LOWEST_CUT}


def test_evaluate_reports_clusters_apart_from_contenders(tmp_path: Path) -> None:
    contenders = ["pixels-linear", "pixels-knn"]
    report = evaluate(
        dataset="digits", budgets=20, seeds=2, contenders=contenders, metrics="clusters", store=tmp_path / "s"
    )
    assert {(c.representation, c.method) for c in report.clustering} == {("pixels", K_MEANS), ("pixels", LOWEST_CUT)}
    # chance is 90 %; published clusterings of these digits by k-means are near 20 %
    assert all(5 < c.error < 40 for c in report.clustering)
    assert len(document(report)["clustering"]) == 2
    table = report_text(report, width=80).split("zero labels")[1]
    assert "pixels" in table
    assert {summary.contender for summary in report.summaries} == set(contenders)


def test_clusters_need_images_to_score_that_are_not_clustered(tmp_path: Path) -> None:
    images, labels = np.random.default_rng(0).random((40, 8, 8)), np.arange(40) % 2
    with pytest.raises(UserError, match="`metrics`: clusters are scored on a test split"):
        evaluate(
            dataset=(images, labels),
            budgets=4,
            seeds=1,
            contenders="pixels-knn",
            metrics="clusters",
            store=tmp_path / "s",
        )
