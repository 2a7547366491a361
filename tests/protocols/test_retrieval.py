"""Retrieval quality against hand-counted cases and an independent count."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_irmae.protocols.evaluation import evaluate
from ssl_irmae.protocols.report.document import document_json
from ssl_irmae.protocols.representations.retrieval import Retrieval, retrieval_quality
from tests.ssl_irmae.pictures import random_pixels


def test_classes_far_apart_are_retrieved_perfectly() -> None:
    labels = torch.arange(30) % 3
    codes = torch.nn.functional.one_hot(labels, 3).float() * 100 + torch.rand(30, 3, generator=torch.manual_seed(0))
    quality = retrieval_quality("code", codes, labels)
    assert quality.representation == "code"
    for value in (quality.precision_at_1, quality.r_precision, quality.map_at_r, quality.nmi, quality.ami):
        assert value == pytest.approx(100)


def test_precision_at_1_and_r_precision_by_an_independent_count() -> None:
    rng = np.random.default_rng(0)
    codes, labels = rng.normal(size=(40, 5)).astype(np.float32), np.arange(40) % 4
    first, found = [], []
    for i in range(40):
        distances = ((codes - codes[i]) ** 2).sum(1)
        distances[i] = np.inf
        others = np.argsort(distances)
        r = (labels == labels[i]).sum() - 1
        first.append(labels[others[0]] == labels[i])
        found.append((labels[others[:r]] == labels[i]).mean())
    quality = retrieval_quality("code", torch.from_numpy(codes), torch.from_numpy(labels))
    assert quality.precision_at_1 == pytest.approx(100 * np.mean(first))
    assert quality.r_precision == pytest.approx(100 * np.mean(found))
    assert quality.ami is not None
    assert quality.ami < 20, "noise has no clusters"


def test_where_every_image_is_the_only_one_of_its_class_nothing_is_measured() -> None:
    quality = retrieval_quality("code", torch.rand(3, 2), torch.arange(3))
    assert quality == Retrieval("code")
    assert {quality.precision_at_1, quality.r_precision, quality.map_at_r, quality.nmi, quality.ami} == {None}


def test_an_image_without_another_of_its_class_is_not_a_query() -> None:
    codes = torch.tensor([[0.0, 0.0], [0.1, 0.0], [9.0, 9.0], [0.05, 0.0]])
    quality = retrieval_quality("code", codes, torch.tensor([0, 0, 1, 2]))
    assert quality.precision_at_1 == 0, "the stranger between the two is nearest to both"
    assert quality.r_precision == 0


def test_evaluate_says_why_retrieval_cannot_be_measured(tmp_path: Path) -> None:
    lone = (random_pixels(30, 8, 8), np.arange(30) % 3, random_pixels(3, 8, 8), np.arange(3))
    arguments: dict[str, Any] = {"budgets": 6, "seeds": 2, "contenders": "pixels-knn", "metrics": "retrieval"}
    report = evaluate(dataset=lone, store=tmp_path / "s", **arguments)
    (measured,) = json.loads(document_json(report))["retrieval"]
    assert {value for name, value in measured.items() if name != "representation"} == {None}
    (note,) = [note for note in report.notes if note.kind == "retrieval"]
    assert "the only one of its class" in note.text
    assert note.brief in str(report).replace("\n  ", " ")
