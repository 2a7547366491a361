"""Predicted labels and the table of them."""

import csv
from pathlib import Path

import pytest
import torch

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.errors import UserError
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.codes import Pixels
from ssl_irmae.protocols.labelling.predict import predict
from ssl_irmae.protocols.labelling.predictions import Predictions
from ssl_irmae.protocols.predictors.votes import Votes

DARK, GREY, LIGHT = (torch.full((1, 1, 2, 2), value, dtype=torch.uint8) for value in (0, 120, 255))


def shades(*classes: str) -> Classifier:
    """Return a classifier of dark and light images of 2x2 pixels, or of dark ones alone."""
    examples = torch.stack([torch.zeros(4), torch.ones(4)][: len(classes)])
    return Classifier(classes, 1, 2, Pixels(), Votes(examples, torch.arange(len(classes)), 1, len(classes)))


def test_predictions_are_in_the_order_of_the_pictures_with_the_two_best_classes() -> None:
    images = ImageSet("three", torch.cat([LIGHT, DARK, GREY]), paths=("b.png", "a.png", "é, or so.png"))
    found = Predictions.of(shades("dark", "light"), images)
    assert found.paths == images.paths
    assert found.labels == ("light", "dark", "dark")
    assert found.second == ("dark", "light", "light")
    expected = shades("dark", "light").probabilities(images.images).amax(1)
    assert found.confidence == pytest.approx(expected.tolist())
    assert found.confidence[2] < 0.8 < found.confidence[1]


def test_the_table_has_four_columns_and_is_plain_csv(tmp_path: Path) -> None:
    found = Predictions(("b.png", "a,\n1.png"), ('the "cat"', "dog"), (0.98765, 1.0), ("dog", ""), calibrated=True)
    found.write_csv(tmp_path / "new" / "labels.csv")
    with (tmp_path / "new" / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["path", "label", "confidence", "second"],
        ["b.png", 'the "cat"', "0.9877", "dog"],
        ["a,\n1.png", "dog", "1.0000", ""],
    ]


def test_images_without_files_are_named_by_their_index_and_a_single_class_has_no_second() -> None:
    found = Predictions.of(shades("dark"), ImageSet("two", torch.cat([LIGHT, DARK])))
    assert found.paths == ("0", "1")
    assert found.labels == ("dark", "dark")
    assert found.confidence == (1.0, 1.0)
    assert found.second == ("", "")


@pytest.mark.parametrize(
    ("calibrated", "words"),
    [
        (True, "4 labels, 1 with a confidence below 0.5 and 3 below 0.8"),
        (False, "4 labels; confidence is not calibrated"),
    ],
)
def test_the_summary_counts_what_is_uncertain_where_confidence_means_something(calibrated: bool, words: str) -> None:
    found = Predictions(tuple("abcd"), tuple("xxxx"), (0.4, 0.5, 0.79, 0.8), tuple("yyyy"), calibrated)
    assert words in str(found)


def test_pictures_without_finite_scores_are_named() -> None:
    classifier = Classifier(("a",), 1, 2, Pixels(), Votes(torch.full((1, 4), torch.nan), torch.zeros(1).long(), 1, 1))
    with pytest.raises(UserError, match=r"no finite scores for 2 pictures, such as 0"):
        Predictions.of(classifier, ImageSet("two", torch.cat([LIGHT, DARK])))


def test_arrays_are_labelled_in_memory(tmp_path: Path) -> None:
    shades("dark", "light").save(tmp_path / "kept")
    found = predict(tmp_path / "kept", torch.cat([LIGHT, DARK]), device="cpu")
    assert found.labels == ("light", "dark")
    assert [file.name for file in tmp_path.iterdir()] == ["kept"]
