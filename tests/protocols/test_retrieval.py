"""Retrieval quality against hand-counted cases and an independent count."""

import numpy as np
import pytest
import torch

from ssl_irmae.protocols.representations.retrieval import retrieval_quality


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
    assert quality.ami < 20, "noise has no clusters"
