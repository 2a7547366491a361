"""Which pictures to label: typical of many others, uncertain, and unlike each other."""

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_irmae.protocols.labelling.choose import choose
from ssl_irmae.protocols.labelling.typical import typical, typical_suggestions
from ssl_irmae.protocols.labelling.uncertain import uncertain
from tests.protocols.blobs import Blobs, distances_between


def blob(x: float, y: float, count: int, width: float = 0.1) -> Tensor:
    rng = np.random.default_rng(count)
    return torch.from_numpy((np.array([x, y]) + width * rng.normal(size=(count, 2))).astype(np.float32))


def far_apart(*counts: int) -> tuple[Tensor, Tensor]:
    """Return blobs of so many points that no clustering can confuse, and the blob of each point."""
    codes = torch.cat([blob(100 * i, 100 * (i % 2), count) for i, count in enumerate(counts)])
    return codes, torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))


def test_each_group_gives_the_picture_nearest_to_its_twenty_neighbours_the_largest_group_first() -> None:
    codes, group = far_apart(40, 60, 25)
    expected = []
    for i in (1, 0, 2):
        members = (group == i).nonzero().flatten().numpy()
        d = np.sort(distances_between(codes[members], codes[members]), 1)[:, 1:21].mean(1)
        expected.append(members[d.argmin()])
    assert typical(codes, 3, seed=0).tolist() == expected


def test_groups_without_a_label_come_first() -> None:
    codes, group = far_apart(40, 60, 25, 30)
    labelled = torch.tensor([0, 50])  # of the two largest
    chosen = typical(codes, 2, seed=0, labelled=labelled)
    assert group[chosen].tolist() == [3, 2]


def test_groups_of_fewer_than_five_are_passed_over_for_second_pictures_of_larger_ones() -> None:
    codes, group = far_apart(20, 4, 21, 1)
    assert group[typical(codes, 4, seed=0)].tolist() == [2, 0, 2, 0]


def test_a_few_pictures_are_not_all_passed_over() -> None:
    # every group is small here: ten of two pictures each
    codes, group = far_apart(*[2] * 10)
    assert sorted(group[typical(codes, 10, seed=0)].tolist()) == list(range(10))


@pytest.mark.parametrize("n", [1, 7, 60, 149, 1000])
def test_no_picture_is_chosen_twice_or_has_a_label_already(blobs: Blobs, n: int) -> None:
    codes, _ = blobs
    labelled = torch.tensor([3, 140])
    chosen = typical(codes, n, seed=0, labelled=labelled).tolist()
    assert len(set(chosen)) == len(chosen) == min(n, 148)
    assert not {3, 140} & set(chosen)
    assert chosen == typical(codes, n, seed=0, labelled=labelled).tolist()


def test_equal_pictures_can_be_chosen_from() -> None:
    same = torch.zeros(70, 3)
    assert typical(same, 3, seed=0).tolist() == [0, 1, 2]
    assert len(typical(same, 60, seed=0).unique()) == 60
    assert len(uncertain(torch.full((70, 2), 0.5), same, 4, seed=0).unique()) == 4


def test_reasons_say_how_many_pictures_each_stands_for() -> None:
    codes, _ = far_apart(40, 60, 1)
    first, second, *_ = typical_suggestions(codes, 2, seed=0, labelled=torch.tensor([100]))
    assert first.reason == "typical of a group of 60 similar pictures"
    assert second.reason == "typical of a group of 40 similar pictures"
    alone = typical_suggestions(codes, 101, seed=0)[-1]
    assert (alone.position, alone.reason) == (100, "unlike all other pictures")


def test_uncertain_pictures_are_spread_and_the_least_certain_of_each_group() -> None:
    codes, group = far_apart(40, 5, 5)
    first = torch.full((50,), 0.51)
    first[group > 0] = 0.6  # the many of one group are all less certain than the others
    first[7], first[42], first[48] = 0.5, 0.55, 0.55
    chosen = uncertain(torch.stack([first, 1 - first], 1), codes, 3, seed=0).tolist()
    assert chosen[0] == 7
    assert set(chosen) == {7, 42, 48}


def test_what_is_certain_is_not_chosen_while_enough_is_uncertain() -> None:
    codes, _ = far_apart(100, 100)
    p = torch.full((200, 2), 0.5)
    p[60:] = torch.tensor([0.9, 0.1])
    assert uncertain(p, codes, 4, seed=0).max() < 60


def test_a_classifier_without_any_doubt_can_be_chosen_from(blobs: Blobs) -> None:
    codes, y = blobs
    certain = torch.nn.functional.one_hot(y).float()
    assert len(uncertain(certain, codes, 5, seed=0).unique()) == 5


def undecided(positions: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return equal probabilities for 150 pictures, whatever the labels."""
    assert len(positions) == len(labels)
    return torch.full((150, int(labels.max()) + 1), 1 / (int(labels.max()) + 1))


def test_with_labels_of_two_classes_every_second_picture_is_a_doubtful_one(blobs: Blobs) -> None:
    codes, y = blobs
    known = {int((y == c).nonzero()[0]): f"class {c}" for c in range(3)}
    chosen = choose(codes, known, 7, seed=0, probabilities_of=undecided)
    assert len({s.position for s in chosen} - known.keys()) == 7
    kinds = [s.reason.split()[0] for s in chosen]
    assert kinds == ["typical", "between"] * 3 + ["typical"]
    assert chosen == choose(codes, known, 7, seed=0, probabilities_of=undecided)


def test_labels_of_one_class_leave_nothing_to_doubt(blobs: Blobs) -> None:
    codes, _ = blobs
    chosen = choose(codes, {0: "cat", 1: "cat"}, 6, seed=0, probabilities_of=undecided)
    assert all(s.reason.startswith("typical") for s in chosen)
