"""Codes that were not made here: from files, arrays and objects; identified by their numbers, judged as any others."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor, nn

from ssl_irmae.datasets.image_set import UNLABELLED, ImageSet
from ssl_irmae.datasets.registry import load_images
from ssl_irmae.encoders.encoder import Encoder
from ssl_irmae.errors import UserError
from ssl_irmae.estimators import PretrainedEncoder
from ssl_irmae.protocols.contenders.registry import CONTENDERS, DEFAULT, contenders_of_codes
from ssl_irmae.protocols.evaluation import evaluate, read_results
from ssl_irmae.protocols.forecast.forecast import plan
from ssl_irmae.protocols.report.report import Report
from ssl_irmae.protocols.request import make_plan

Arrays = dict[str, npt.NDArray[Any]]
N, M, CLASSES = 60, 30, 3


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def pictures(n: int, seed: int) -> ImageSet:
    """Return random grey pictures of three classes, 6 by 6."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, 1, 6, 6), dtype=np.uint8)
    return ImageSet("pictures", torch.from_numpy(pixels), torch.arange(n) % CLASSES, ("a", "b", "c"))


@pytest.fixture
def dataset() -> tuple[npt.NDArray[Any], ...]:
    """Return pictures with labels, and a test split, as arrays."""
    train, test = pictures(N, 0), pictures(M, 1)
    assert train.labels is not None
    assert test.labels is not None
    return train.images.numpy(), train.labels.numpy(), test.images.numpy(), test.labels.numpy()


@pytest.fixture
def arrays() -> Arrays:
    """Return codes that tell the classes apart, as ``embeddings.npz`` holds them."""
    rng, labels, test_labels = np.random.default_rng(2), np.arange(N) % CLASSES, np.arange(M) % CLASSES
    centres = 4 * np.eye(CLASSES, 5)
    code = centres[labels] + rng.normal(size=(N, 5))
    test_code = centres[test_labels] + rng.normal(size=(M, 5))
    return {"code": code, "labels": labels, "test_code": test_code, "test_labels": test_labels}


def save(path: str, arrays: Arrays) -> None:
    np.savez(path, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for an option


def judge(codes: Any = (), **arguments: Any) -> Report:
    """Evaluate one cheap contender of codes on a few subsets."""
    usual: dict[str, Any] = {"contenders": "mine-centroid", "budgets": 6, "seeds": 2, "store": "results.sqlite"}
    return evaluate(codes=codes, **{**usual, **arguments})


def keys(report: Report) -> set[str]:
    return {row.key for row in report.rows()}


def errors(report: Report) -> list[float]:
    return [row.error for row in report.rows()]


def test_codes_stand_beside_other_contenders_on_the_same_subsets(dataset: Any, arrays: Arrays) -> None:
    save("embeddings.npz", arrays)
    names = ["mine-centroid", "pixels-centroid"]
    rows = judge("mine=embeddings.npz", dataset=dataset, contenders=names).rows()
    subsets = {name: [row.subset for row in rows if row.contender == name] for name in names}
    assert subsets["mine-centroid"] == subsets["pixels-centroid"]
    mine = [row.error for row in rows if row.contender == "mine-centroid"]
    assert max(mine) < min(row.error for row in rows if row.contender == "pixels-centroid")


def test_by_default_every_readout_of_frozen_codes_that_sees_no_scored_image_joins_the_usual_contenders() -> None:
    of_codes = contenders_of_codes("mine")
    joined = [name for name, contender in of_codes.items() if not contender.transductive]
    assert list(make_plan(codes=["mine"]).contenders) == [*DEFAULT, *joined]
    readouts = {name.removeprefix("pixels-") for name, c in CONTENDERS.items() if c.representation == "pixels"}
    assert {name.removeprefix("mine-") for name in of_codes} == readouts
    parts = make_plan(preset="mnist-quick", codes=["mine"]).parts
    assert {name for part in parts for name in part.contenders} >= set(joined)


def test_replaced_numbers_are_other_trials_and_renamed_or_moved_ones_are_not(dataset: Any, arrays: Arrays) -> None:
    save("embeddings.npz", arrays)
    first = judge("mine=embeddings.npz", dataset=dataset, contenders=["mine-centroid", "mine-poisson"])
    renamed = judge({"yours": arrays}, dataset=dataset, contenders=["yours-centroid", "yours-poisson"])
    assert keys(renamed) == keys(first)
    noise = np.random.default_rng(3).normal(size=(N, 5))
    save("embeddings.npz", {**arrays, "code": noise})
    other = judge("mine=embeddings.npz", dataset=dataset, contenders=["mine-centroid", "mine-poisson"])
    assert not keys(other) & keys(first)
    assert min(errors(other)) > max(errors(first))
    save("embeddings.npz", {**arrays, "test_code": arrays["test_code"][::-1]})
    assert not keys(judge("mine=embeddings.npz", dataset=dataset)) & (keys(first) | keys(other))


@pytest.mark.parametrize("part", ["code", "test_code"])
def test_one_changed_number_is_enough(part: str, dataset: Any, arrays: Arrays) -> None:
    first = judge({"mine": arrays}, dataset=dataset)
    changed = arrays[part].copy()
    changed[-1, -1] += 1e-3
    assert not keys(judge({"mine": {**arrays, part: changed}}, dataset=dataset)) & keys(first)


def test_a_report_of_the_stored_rows_alone_says_what_is_known_of_the_codes(dataset: Any, arrays: Arrays) -> None:
    save("embeddings.npz", arrays)
    judge("mine=embeddings.npz", dataset=dataset, seeds=6)
    Path("embeddings.npz").unlink()
    report = read_results("results.sqlite")
    (note,) = (note.text for note in report.notes if note.kind == "given codes")
    assert note.startswith("mine (embeddings.npz): codes that were not made here; whether they have seen")
    provenance = " ".join(note.text for note in report.provenance)
    assert f"mine ({(report.rows()[0].encoder_hash or '')[:12]}, from embeddings.npz)" in provenance
    assert "No pretrained encoder took part" in provenance
    found = {finding.code: finding for finding in report.checks}
    assert found["SSI005"].outcome == "unknown"
    assert found["SSI005"].result.sentence.startswith("mine: codes that were not made here")
    assert found["SSI008"].result.sentence.startswith("One set of codes of mine")


def test_the_newest_numbers_of_a_name_are_reported_and_the_others_counted(dataset: Any, arrays: Arrays) -> None:
    judge({"mine": {**arrays, "code": arrays["code"][:, ::-1].copy() * 2}}, dataset=dataset)
    newest = judge({"mine": arrays}, dataset=dataset)
    report = read_results("results.sqlite")
    assert keys(report) == keys(newest)
    assert any("2 trials of an older encoder of the same name" in note.text for note in report.notes)


# without images


def test_without_a_data_set_the_codes_are_the_data_set(arrays: Arrays) -> None:
    save("embeddings.npz", arrays)
    report = evaluate(codes="mine=embeddings.npz", budgets=6, seeds=2, store="results.sqlite")
    rows = report.rows()
    assert {row.contender for row in rows} == {n for n, c in contenders_of_codes("mine").items() if not c.transductive}
    assert {(row.dataset, row.n_scored, row.scored_on) for row in rows} == {("codes", M, "test")}
    found = {finding.code: finding.outcome for finding in report.checks}
    assert (found["SSI002"], found["SSI003"]) == ("unknown", "unknown"), "blank images are no duplicates"


def test_two_sets_of_codes_of_the_same_labels_share_subsets_also_in_two_runs(arrays: Arrays) -> None:
    other = {**arrays, "code": arrays["code"] * [1, 0, 1, 0, 1], "test_code": arrays["test_code"] * [1, 0, 1, 0, 1]}
    both = judge({"mine": arrays, "yours": other}, contenders=["mine-centroid", "yours-centroid"])
    alone = judge({"yours": other}, contenders="yours-centroid", store="other.sqlite")
    assert keys(alone) < keys(both)
    assert len({row.subset for row in both.rows()}) == 2
    judge({"mine": arrays}, store="other.sqlite")
    assert keys(read_results("other.sqlite")) == keys(both)
    wrong = {**other, "labels": (arrays["labels"] + 1) % CLASSES}
    with pytest.raises(UserError, match="`codes`: yours: 'labels' and the labels of codes differ in 60 of 60 rows"):
        judge({"mine": arrays, "yours": wrong}, contenders=["mine-centroid", "yours-centroid"])


@pytest.mark.parametrize("scored_on", [None, "folds", "development"])
def test_codes_without_a_test_split_are_scored_on_their_labelled_rows(scored_on: Any, arrays: Arrays) -> None:
    del arrays["test_code"], arrays["test_labels"]
    report = judge({"mine": arrays}, scored_on=scored_on)
    assert {row.scored_on for row in report.rows()} == {scored_on or "folds"}
    assert np.mean(errors(report)) < 10, "rows and labels stay together"


def test_rows_without_a_label_take_part_and_are_not_scored(arrays: Arrays) -> None:
    arrays["labels"][30:], arrays["test_labels"][:3] = UNLABELLED, UNLABELLED
    report = judge({"mine": arrays}, contenders=["mine-centroid", "mine-poisson"])
    assert {row.n_scored for row in report.rows()} == {M - 3}
    assert max(errors(report)) < 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"contenders": "irmae-linear"}, "`contenders`: irmae-linear needs images, and of mine there are codes alone"),
        ({"baseline": "supervised"}, "`baseline`: supervised needs images"),
        ({"rule": "typical"}, r"`rule`: typical .* use typical:mine"),
        ({"preset": "published"}, "`preset`: published needs images"),
        ({"contenders": "mine-joint"}, "unknown contender 'mine-joint'"),
        ({"encoders": {"net": nn.Flatten()}}, "`encoders`: net encodes images, .* give the `dataset`"),
        ({"encoders": "mnist-irmae"}, "`encoders`: mnist-irmae encodes images, .* give the `dataset`"),
        ({"pretrain_seeds": 2}, "`pretrain_seeds`: none of the contenders"),
        ({"contenders": "mine-joint+supcon"}, "unknown contender 'mine-joint"),
        ({"labels_from": "labels.csv"}, "`labels_from` is about pictures"),
    ],
)
def test_what_needs_images_is_refused_without_them(arguments: Any, message: str, arrays: Arrays) -> None:
    with pytest.raises(UserError, match=message):
        judge({"mine": arrays}, **arguments)
    assert not list(Path().glob("runs/*"))


def test_typical_rows_are_chosen_on_codes(arrays: Arrays) -> None:
    report = judge({"mine": arrays}, rule="typical:mine")
    assert {row.chosen_on for row in report.rows()} == {row.encoder_hash for row in report.rows()}
    assert any("chosen on mine" in note.text for note in report.notes)


# mistakes

FLAWS: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "not a number": (
        lambda a: {**a, "code": np.where(np.arange(N)[:, None] == 7, np.nan, a["code"])},
        "'code' must be finite numbers below 1e.15 in size, and row 7 holds nan",
    ),
    "infinite": (lambda a: {**a, "test_code": a["test_code"] * np.inf}, "'test_code' must be finite .* row 0 holds"),
    "too large": (lambda a: {**a, "code": a["code"] * 1e30}, "'code' must be finite numbers below"),
    "one number": (lambda a: {**a, "code": a["code"][:, 0]}, r"'code' must be numbers of shape \(n, d\), .* \(60,\)"),
    "images": (lambda a: {**a, "code": a["code"][:, None]}, r"'code' must be numbers of shape \(n, d\)"),
    "empty": (lambda a: {**a, "code": a["code"][:, :0]}, r"'code' must be numbers of shape \(n, d\)"),
    "text": (lambda a: {**a, "code": a["code"].astype(str)}, "'code' must be numbers"),
    "complex": (lambda a: {**a, "code": a["code"].astype(complex)}, "'code' must be numbers"),
    "all the same": (lambda a: {**a, "code": np.ones((N, 5))}, "the same numbers in all 60 rows"),
    "of two widths": (lambda a: {**a, "test_code": a["test_code"][:, :2]}, "'test_code' has 2 columns, and 'code' 5"),
    "too few": (lambda a: {**a, "code": a["code"][:-1], "labels": a["labels"][:-1]}, "59"),
    "too few labels": (lambda a: {**a, "labels": a["labels"][:-1]}, "59 labels"),
    "shuffled": (lambda a: {**a, "labels": np.roll(a["labels"], 1)}, "differ in 60 of 60 rows, first in row 0"),
    "labels of two per row": (lambda a: {**a, "labels": np.ones((N, 2)) * 0.5}, "'labels' must be whole numbers or"),
    "without a name": (lambda a: {**a, "classes": np.array(["a"])}, r"'labels' must be positions in .*'classes'"),
    "no code": (lambda a: {k: v for k, v in a.items() if k != "code"}, r"no array 'code' \(the codes, one row per"),
    "no labels": (lambda a: {k: v for k, v in a.items() if k != "labels"}, "no array 'labels'"),
    "never labelled": (lambda a: {**a, "labels": np.full(N, UNLABELLED)}, "has no label"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_what_cannot_be_the_codes_of_the_images_is_refused_in_one_sentence(
    flaw: str, dataset: Any, arrays: Arrays
) -> None:
    spoil, message = FLAWS[flaw]
    save("embeddings.npz", spoil(arrays))
    with pytest.raises(UserError, match=message) as error:
        judge("mine=embeddings.npz", dataset=dataset)
    assert "embeddings.npz" in str(error.value)
    assert "\n" not in str(error.value)
    if flaw not in ("too few", "shuffled"):  # which nobody can tell without images
        with pytest.raises(UserError):
            judge("mine=embeddings.npz")


def test_a_test_split_without_codes_is_named(dataset: Any, arrays: Arrays) -> None:
    del arrays["test_code"]
    with pytest.raises(UserError, match=r"no array 'test_code' .*: it has code, labels, test_labels"):
        judge({"mine": arrays}, dataset=dataset)
    assert len(judge({"mine": arrays}, dataset=dataset, scored_on="folds").rows()) == 10


def test_pickled_objects_are_never_loaded(dataset: Any, arrays: Arrays) -> None:
    save("embeddings.npz", {**arrays, "code": arrays["code"].astype(object)})
    with pytest.raises(UserError, match="'code' holds Python objects, which are never loaded"):
        judge("mine=embeddings.npz", dataset=dataset)


def test_anything_but_a_file_or_named_arrays_is_refused(dataset: Any, arrays: Arrays) -> None:
    with pytest.raises(UserError, match="`codes`: mine is of type ndarray: give a file, or a mapping"):
        judge({"mine": arrays["code"]}, dataset=dataset)


def test_a_header_that_claims_more_than_the_file_holds_is_refused(dataset: Any, arrays: Arrays) -> None:
    save("embeddings.npz", arrays)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**9, 10**6)})
    with zipfile.ZipFile("embeddings.npz", "w") as archive:
        archive.writestr("code.npy", header.getvalue())
    with pytest.raises(UserError, match=r"'code' declares shape \(1000000000, 1000000\) of float32"):
        judge("mine=embeddings.npz", dataset=dataset)


@pytest.mark.parametrize("name", ["irmae", "pixels", "fused", "scratch", "irmae-features", "a,b", "", "a b", "-a"])
def test_names_that_are_taken_or_cannot_be_written_are_refused(name: str, dataset: Any, arrays: Arrays) -> None:
    with pytest.raises(UserError, match=r"is taken; choose another|is not a name"):
        judge({name: arrays}, dataset=dataset)
    with pytest.raises(UserError, match=r"is taken; choose another|is not a name"):
        judge(encoders={name: nn.Flatten()}, dataset=dataset)


def test_two_of_the_same_name_are_refused(dataset: Any, arrays: Arrays, tiny_encoder: Path) -> None:
    save("mine.npz", arrays)
    with pytest.raises(UserError, match="the name 'mine' is taken"):
        judge(["mine.npz", "mine=mine.npz"], dataset=dataset)
    with pytest.raises(UserError, match="the name 'tiny' is taken"):
        judge("tiny=mine.npz", encoders=tiny_encoder, dataset=dataset)
    with pytest.raises(UserError, match="the name 'mine' is taken"):
        judge("mine.npz", encoders={"mine": nn.Flatten()}, dataset=dataset)


def test_codes_that_nothing_reads_are_refused(dataset: Any, arrays: Arrays) -> None:
    with pytest.raises(UserError, match="`codes`: no contender that is run uses mine; add mine-linear"):
        judge({"mine": arrays}, dataset=dataset, contenders="pixels-centroid")


# labels of other kinds

NUMBERS, NAMES = np.arange(N) % CLASSES, np.array(["ant", "bee", "cat"])


@pytest.mark.parametrize(
    "written",
    [
        {"labels": NUMBERS},
        {"labels": NAMES[NUMBERS]},
        {"labels": NUMBERS.astype(float)},
        {"labels": 2 - NUMBERS, "classes": NAMES[::-1]},
        {"labels": np.eye(CLASSES)[NUMBERS]},
        {"labels": np.where(np.arange(N) < 5, UNLABELLED, NUMBERS)},
    ],
)
def test_labels_may_be_numbers_or_names(written: Arrays, dataset: Any, arrays: Arrays) -> None:
    images, labels, test_images, test_labels = dataset
    named = (images, NAMES[labels], test_images, NAMES[test_labels])
    codes = {**arrays, **written, "test_labels": NAMES[test_labels]}
    assert max(errors(judge({"mine": codes}, dataset=named))) < 10


# objects


class Flat:
    """An encoder of one's own, which notes what it is given."""

    def __init__(self) -> None:
        self.given: list[Tensor] = []

    def encode(self, images: Tensor) -> Tensor:
        self.given.append(images)
        return images.flatten(1).float()


class Net(nn.Module):
    """A network that is another one while it trains, and which notes what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(36)
        self.flat = nn.Sequential(nn.Flatten(), nn.Dropout(), self.norm)
        self.given: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.given.append(images)
        assert not torch.is_grad_enabled()
        codes: Tensor = self.flat(images)
        return codes


def test_any_encode_gets_pictures_and_is_identified_by_what_it_returns(dataset: Any) -> None:
    model = Flat()
    rows = judge(encoders={"mine": model}, dataset=dataset).rows()
    assert [(x.dtype, tuple(x.shape)) for x in model.given] == [(torch.uint8, (n, 1, 6, 6)) for n in (N, M)]
    images, labels, test_images, test_labels = dataset
    flat = {"code": images.reshape(N, -1), "labels": labels, "test_code": test_images.reshape(M, -1)}
    as_arrays = judge({"mine": {**flat, "test_labels": test_labels}}, dataset=dataset)
    assert {row.key for row in rows} == keys(as_arrays)
    assert {row.codes_from for row in rows} == {"Flat.encode"}


def test_a_torch_module_is_called_in_eval_mode_and_gets_its_modes_back(dataset: Any) -> None:
    model = Net()
    model.norm.eval()
    modes = [module.training for module in model.modules()]
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    first = judge(encoders={"mine": model}, dataset=dataset)
    assert keys(judge(encoders={"mine": model}, dataset=dataset)) == keys(first), "dropout would give other codes"
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, buffers[name]) for name, value in model.named_buffers())
    assert model.given[0].dtype == torch.float32
    assert torch.equal((model.given[0] * 255).round().to(torch.uint8), torch.from_numpy(dataset[0]))
    with torch.no_grad():
        model.norm.weight.mul_(2)
        model.norm.bias.add_(1)
    assert not keys(judge(encoders={"mine": model}, dataset=dataset)) & keys(first)


def test_modes_are_restored_after_an_exception(dataset: Any) -> None:
    model = nn.Sequential(nn.Linear(7, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        judge(encoders={"mine": model}, dataset=dataset)
    assert model.training


def test_a_transformer_gets_the_users_own_array_as_rows_if_it_was_fitted_on_rows(dataset: Any) -> None:
    images, labels, test_images, test_labels = dataset
    scaled = (images[:, 0] / 255, labels, test_images[:, 0] / 255, test_labels)
    pca = PCA(4).fit(scaled[0].reshape(N, -1))
    rows = judge(encoders={"mine": pca}, dataset=scaled).rows()
    codes = {"code": pca.transform(scaled[0].reshape(N, -1)), "test_code": pca.transform(scaled[2].reshape(M, -1))}
    as_arrays = judge({"mine": {**codes, "labels": labels, "test_labels": test_labels}}, dataset=scaled)
    assert {row.key for row in rows} == keys(as_arrays)


def test_a_transformer_gets_the_pictures_of_a_named_data_set() -> None:
    given: list[npt.NDArray[Any]] = []

    class Rows:
        n_features_in_ = 64

        def transform(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
            given.append(rows)
            return rows

    report = judge(encoders={"mine": Rows()}, dataset="digits", budgets=10)
    assert {(rows.dtype, rows.shape[1]) for rows in given} == {(np.dtype(np.uint8), 64)}
    images = load_images("digits", "test").images
    np.testing.assert_array_equal(np.concatenate(given)[1300:], images.flatten(1))
    assert {row.n_scored for row in report.rows()} == {len(images)}


def test_our_own_encoder_and_transformer_are_objects_too(dataset: Any, tiny_encoder: Path) -> None:
    encoder = Encoder.from_pretrained(tiny_encoder)
    by_object = judge(encoders={"mine": encoder}, dataset=dataset)
    transformer = PretrainedEncoder(tiny_encoder).fit(load_images("digits").images.numpy())
    assert keys(judge(encoders={"mine": transformer}, dataset=dataset)) == keys(by_object)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (3, "mine is of type int, which has neither encode, transform nor forward"),
        (PCA, "mine is the class PCA: give an object"),
        (nn.Identity(), r"`forward` must return codes of shape \(n, d\), for 60 images \(60, d\): got \(60, 1, 6, 6\)"),
        (nn.Sequential(nn.Flatten(0)), r"got \(2160,\)"),
        (nn.LSTM(6, 2), "got tuple"),
    ],
)
def test_objects_that_make_no_codes_are_refused(model: Any, message: str, dataset: Any) -> None:
    if isinstance(model, nn.LSTM):
        model = nn.Sequential(nn.Flatten(1, 2), model)
    with pytest.raises(UserError, match=message):
        judge(encoders={"mine": model}, dataset=dataset)


def test_an_object_without_a_name_is_refused(dataset: Any) -> None:
    for encoders in ([nn.Flatten()], nn.Flatten()):
        with pytest.raises(UserError, match=r"`encoders`: a Flatten is not a folder; .* give it a name"):
            judge(encoders=encoders, dataset=dataset)


# a plan, several processes


def test_a_plan_knows_which_trials_are_missing_by_the_numbers(dataset: Any, arrays: Arrays) -> None:
    asked: dict[str, Any] = {"contenders": "mine-centroid", "budgets": 6, "seeds": 2, "store": "results.sqlite"}
    judge({"mine": arrays}, dataset=dataset)
    assert plan(codes={"mine": arrays}, dataset=dataset, **asked).cost.missing == 0
    other = {**arrays, "code": arrays["code"] + np.arange(5) * arrays["code"] ** 2}
    assert plan(codes={"mine": other}, dataset=dataset, **asked).cost.missing == 2
    without = plan(codes={"mine": arrays}, budgets=6, seeds=2, store="results.sqlite").cost
    assert (without.missing, without.not_counted) == (20, ())


def test_other_processes_judge_the_same_codes(arrays: Arrays) -> None:
    here = judge({"mine": arrays}, contenders=["mine-knn", "mine-centroid"], jobs=1)
    there = judge({"mine": arrays}, contenders=["mine-knn", "mine-centroid"], jobs=2, store="other.sqlite")
    outcomes = [{(row.contender, row.seed, row.predictions) for row in report.rows()} for report in (here, there)]
    assert outcomes[0] == outcomes[1]
    assert len(outcomes[0]) == 4


def test_rows_keep_their_order_when_some_training_images_are_held_out(dataset: Any, arrays: Arrays) -> None:
    report = judge({"mine": arrays}, dataset=dataset, scored_on="development")
    assert max(errors(report)) < 15
