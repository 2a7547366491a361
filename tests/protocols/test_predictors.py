"""Predictors that can be kept: their scores, and which tensors they are not rebuilt from."""

from collections.abc import Callable, Iterator

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from ssl_irmae.datasets.image_set import ImageSet
from ssl_irmae.protocols.graphs.graph import build_graph
from ssl_irmae.protocols.learners.residual import supervised_residual
from ssl_irmae.protocols.learners.supervised import supervised
from ssl_irmae.protocols.predictors.form import Form
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.predictors.registry import FORMS, form_name, is_kept_form
from ssl_irmae.protocols.readouts.centroid import centroid
from ssl_irmae.protocols.readouts.knn import knn
from ssl_irmae.protocols.readouts.linear import linear
from ssl_irmae.protocols.readouts.metric import metric
from ssl_irmae.protocols.readouts.mlp import mlp
from ssl_irmae.protocols.readouts.on_graph import inductive
from ssl_irmae.protocols.readouts.sample import Sample
from ssl_irmae.protocols.readouts.scaling import Scaling
from ssl_irmae.protocols.readouts.spread import spread
from tests.protocols.blobs import Blobs, sample_at

CPU = torch.device("cpu")


@pytest.fixture
def forms(blobs: Blobs, digits: ImageSet) -> dict[str, Form]:
    """Return a predictor of every form."""
    x, y = blobs
    sample, one_class = sample_at(x, y, list(range(30))), sample_at(x, torch.zeros_like(y), [0, 1])
    assert digits.labels is not None
    i = torch.arange(20)
    images = Sample(digits.images[i], digits.labels[i], digits.images, i, 10, 0, CPU, "fp32")
    (on_graph,), (head,) = (
        spread([sample], k=5, alpha=0.9),
        mlp([sample], width=8, dropout=0.5, steps=2, learning_rate=1e-3, batch_size=9),
    )
    fitted = [
        linear(one_class, C=1.0, max_iter=100),
        linear(sample, C=1.0, max_iter=100),
        knn(sample, k=1),
        centroid(sample),
        metric(sample, steps=2, learning_rate=1e-3, per_class=4, temperature=0.1, k=5),
        supervised(images, steps=1, learning_rate=1e-3, batch_size=8),
        supervised_residual(images, steps=1, learning_rate=1e-3, batch_size=8, width=16, views="none"),
        on_graph,
        head,
    ]
    return {form_name(predictor): predictor for predictor in fitted if is_kept_form(predictor)}


def damaged(x: Tensor) -> Iterator[Tensor]:
    """Yield a tensor with another type, another number of dimensions, other sizes, and labels that are no classes."""
    yield x.half()
    yield x[None]
    if x.ndim:
        yield torch.cat([x, x])
    for dim in range(x.ndim):
        yield x.narrow(dim, 0, 0)
    if x.dtype == torch.int64:
        yield x + 1000
        yield x - 1000


@pytest.mark.parametrize("name", FORMS)
def test_a_predictor_is_rebuilt_from_its_own_tensors_alone(name: str, forms: dict[str, Form]) -> None:
    predictor = forms[name]
    tensors, settings, rebuild = predictor.tensors(), predictor.settings(), FORMS[name].rebuild
    rebuild(tensors, settings, CPU)
    for key, x in tensors.items():
        with pytest.raises(ValueError, match=r"."):
            rebuild({other: y for other, y in tensors.items() if other != key}, settings, CPU)
        for bad in damaged(x):
            with pytest.raises(ValueError, match=r"."):
                rebuild({**tensors, key: bad}, settings, CPU)
    with pytest.raises(ValueError, match="expected"):
        rebuild({**tensors, "another": torch.zeros(1)}, settings, CPU)
    for key in settings:
        with pytest.raises((ValueError, KeyError)):
            rebuild(tensors, {other: size for other, size in settings.items() if other != key}, CPU)


@pytest.mark.parametrize("classes", [[0, 2], [0, 1, 3]])
def test_probabilities_of_a_linear_predictor_are_scikit_learns(classes: list[int], blobs: Blobs) -> None:
    x, y = blobs
    y = torch.tensor(classes)[y % len(classes)]
    model = LogisticRegression(C=0.1).fit(Scaling.of(x)(x).numpy(), y.numpy())
    found = Linear.of(model, Scaling.of(x), 4).logits(x).softmax(1)
    expected = torch.zeros(len(x), 4)
    expected[:, classes] = torch.from_numpy(model.predict_proba(Scaling.of(x)(x).numpy())).float()
    assert found.numpy() == pytest.approx(expected.numpy(), abs=1e-6)


@pytest.mark.parametrize("fit", [lambda sample: knn(sample, k=1), lambda sample: knn(sample, k=3), centroid])
def test_scores_by_distance_do_not_depend_on_the_scale_of_codes(fit: Callable[[Sample], Form], blobs: Blobs) -> None:
    x, y = blobs
    near, far = (fit(sample_at(scale * x, y, list(range(20)))).logits(scale * x) for scale in (1, 1024))
    assert near.numpy() == pytest.approx(far.numpy(), rel=1e-5, abs=1e-5)


def test_a_vote_is_as_certain_as_the_voters_agree(blobs: Blobs) -> None:
    """Between the blobs the nearest labelled points differ in class; inside one they agree."""
    x, y = blobs
    centre, between = torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    graph_scores = torch.eye(3)[y]
    for predictor in (
        knn(sample_at(x, y, list(range(60))), k=1),
        knn(sample_at(x, y, list(range(60))), k=9),
        centroid(sample_at(x, y, list(range(60)))),
        inductive(build_graph(x, k=9), graph_scores, y),
    ):
        certain, torn = (predictor.logits(point).softmax(1).max() for point in (centre, between))
        assert certain > 0.9 > torn


@pytest.mark.parametrize("k", [2, 5, 10, 17, 18, 25, 50])
def test_the_class_with_the_highest_score_has_the_most_votes(k: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(90, 2, generator=generator), torch.randint(0, 3, (90,), generator=generator)
    queries = torch.randn(500, 2, generator=generator)
    votes = torch.cdist(queries, x).topk(k, largest=False).indices
    counts = torch.nn.functional.one_hot(y[votes], 3).sum(1)
    best = knn(sample_at(x, y, list(range(90))), k=k).logits(queries).argmax(1, keepdim=True)
    assert torch.equal(counts.gather(1, best), counts.amax(1, keepdim=True))


def test_duplicates_of_different_classes_have_finite_scores() -> None:
    x, y = torch.zeros(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    for predictor in (knn(sample_at(x, y, [0, 1, 2]), k=1), knn(sample_at(x, y, [0, 1, 2]), k=3)):
        assert predictor.logits(x).isfinite().all()
        assert predictor.logits(torch.full((1, 2), 1e15)).isfinite().all()
