"""A kept classifier as nodes of ONNX: codes, then the scores of its predictor, then probabilities."""

import torch
from torch import Tensor

from ssl_irmae.errors import UserError
from ssl_irmae.protocols.export.graph import Graph
from ssl_irmae.protocols.export.networks import add_codes, add_linear, add_network
from ssl_irmae.protocols.labelling.classifier import Classifier
from ssl_irmae.protocols.labelling.codes import Components, Encoded
from ssl_irmae.protocols.predictors.distances import bandwidth
from ssl_irmae.protocols.predictors.form import ABSENT, LOWEST, Form
from ssl_irmae.protocols.predictors.head import Head
from ssl_irmae.protocols.predictors.linear import Linear
from ssl_irmae.protocols.predictors.nearest_mean import NearestMean
from ssl_irmae.protocols.predictors.network import Network
from ssl_irmae.protocols.predictors.registry import form_name
from ssl_irmae.protocols.predictors.residual import Residual
from ssl_irmae.protocols.readouts.scaling import Scaling

_FLOAT, _DOUBLE = 1, 11  # ONNX's numbers of these types


def add_classifier(graph: Graph, classifier: Classifier, x: str) -> dict[str, int]:
    """Add a classifier to a graph, with the outputs ``code``, if it has one of an encoder, and ``probabilities``.

    Args:
        graph: The graph.
        classifier: The classifier.
        x: Name of its input, images (n, c, s, s) in [0, 1].

    Returns:
        The width of each output.

    Raises:
        UserError: If what it predicts from is not a function that ONNX has.
    """
    outputs = {}
    if isinstance(classifier.codes, Encoded):
        x = graph.node("Identity", add_codes(graph, classifier.codes.network, x), output="code")
        outputs["code"] = classifier.codes.network.width
    elif isinstance(classifier.codes, Components):
        centred = graph.node("Sub", graph.node("Flatten", x), graph.weight(classifier.codes.mean))
        x = graph.node("MatMul", centred, graph.weight(classifier.codes.components.T))
    elif not isinstance(classifier.predictor, Network | Residual):
        x = graph.node("Flatten", x)
    logits = _add_logits(graph, classifier.predictor, x)
    divided = graph.node("Div", logits, graph.weight(torch.tensor(classifier.temperature)))
    graph.node("Softmax", divided, axis=1, output="probabilities")
    return {**outputs, "probabilities": len(classifier.classes)}


def _add_logits(graph: Graph, predictor: Form, x: str) -> str:
    match predictor:
        case Network():
            return add_linear(
                graph, predictor.head, _scaled(graph, predictor.scaling, add_codes(graph, predictor.code, x))
            )
        case Residual():
            return add_network(graph, predictor.network, x)
        case Head():
            first, first_bias, second, second_bias, last = (w[0] for w in predictor.parameters)
            z = _scaled(graph, predictor.scaling, x)
            for weight, bias in ((first, first_bias), (second, second_bias)):
                z = graph.node("Relu", graph.node("Gemm", z, graph.weight(weight), graph.weight(bias), transB=1))
            return graph.node("Gemm", z, graph.weight(last), transB=1)
        case Linear():
            z = _scaled(graph, predictor.scaling, x)
            weights, bias = predictor.weights, predictor.bias
            if len(bias) == 1:  # of two classes, the first has the score zero
                weights, bias = (torch.cat([torch.zeros_like(w), w], -1) for w in (weights, bias))
            scores = graph.node("Gemm", z, graph.weight(weights), graph.weight(bias))
            return _over_classes(graph, scores, predictor.present, predictor.classes)
        case NearestMean():
            scale = -4 / bandwidth(predictor.means, predictor.present)
            wide = graph.node("Unsqueeze", graph.node("Cast", x, to=_DOUBLE), graph.weight([1]))
            difference = graph.node("Sub", wide, graph.weight(predictor.means))
            squares = graph.node("ReduceSumSquare", difference, axes=[2], keepdims=0)
            scores = graph.node("Mul", squares, graph.weight(torch.tensor(scale, dtype=torch.float64)))
            return _over_classes(graph, scores, predictor.present, predictor.classes, scores_are=_DOUBLE)
    raise UserError(
        f"`encoder`: a classifier by {form_name(predictor)} cannot be exported: choose a `contender` that "
        "is a function of the image alone, such as linear, centroid, mlp or joint, when `ssl-irmae classify` fits it"
    )


def _scaled(graph: Graph, scaling: Scaling, z: str) -> str:
    return graph.node("Div", graph.node("Sub", z, graph.weight(scaling.mean)), graph.weight(scaling.rms))


def _over_classes(graph: Graph, scores: str, present: Tensor, classes: int, scores_are: int = _FLOAT) -> str:
    """Add what ``over_classes`` does: shift, bound, and give the classes without labels no chance."""
    shifted = graph.node("Sub", scores, graph.node("ReduceMax", scores, axes=[1], keepdims=1))
    if scores_are != _FLOAT:
        shifted = graph.node("Cast", shifted, to=_FLOAT)
    bounded = graph.node("Max", shifted, graph.weight(torch.tensor(LOWEST)))
    positions = present.tolist()
    if positions == list(range(classes)):
        return bounded
    absent = graph.node(
        "ReduceMax", graph.node("Min", bounded, graph.weight(torch.tensor(ABSENT))), axes=[1], keepdims=1
    )
    every = graph.node("Concat", bounded, absent, axis=1)
    order = [positions.index(c) if c in positions else len(positions) for c in range(classes)]
    return graph.node("Gather", every, graph.weight(order), axis=1)
