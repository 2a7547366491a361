"""The layers of our networks as nodes of ONNX."""

from torch import nn

from ssl_irmae.networks import ConvEncoder, ShapesEncoder
from ssl_irmae.protocols.export.graph import Graph
from ssl_irmae.protocols.predictors.code_network import CodeNetwork
from ssl_irmae.protocols.predictors.residual import Block, ResidualNetwork


def add_codes(graph: Graph, network: CodeNetwork, x: str) -> str:
    """Add an encoder, whose first outputs are the code; return the code (n, width)."""
    h = add_network(graph, network.encoder, x)
    if len(network.encoder.last.weight) == network.width:
        return h
    return graph.node("Slice", h, graph.weight([0]), graph.weight([network.width]), graph.weight([1]))


def add_network(graph: Graph, module: nn.Module, x: str) -> str:
    """Add a network in eval mode to a graph.

    Args:
        graph: The graph.
        module: A layer or a network of this package.
        x: Name of its input.

    Returns:
        The name of its output.

    Raises:
        TypeError: If there is no rule for such a layer.
    """
    match module:
        case nn.Sequential():
            for layer in module:
                x = add_network(graph, layer, x)
            return x
        case nn.Identity():
            return x
        case nn.ReLU():
            return graph.node("Relu", x)
        case nn.Linear():
            return add_linear(graph, module, x)
        case nn.Conv2d():
            parameters = [graph.weight(w) for w in (module.weight, module.bias) if w is not None]
            return graph.node("Conv", x, *parameters, strides=list(module.stride), pads=[*module.padding] * 2)
        case nn.BatchNorm2d():
            statistics = (module.weight, module.bias, module.running_mean, module.running_var)
            names = [graph.weight(w) for w in statistics if w is not None]
            return graph.node("BatchNormalization", x, *names, epsilon=module.eps)
        case ConvEncoder():
            return add_linear(graph, module.fc, graph.node("Flatten", add_network(graph, module.dcnn, x)))
        case ShapesEncoder():
            return graph.node("Flatten", add_network(graph, module.dcnn, x))
        case Block():
            h = add_network(graph, module.second, graph.node("Relu", add_network(graph, module.first, x)))
            return graph.node("Relu", graph.node("Add", h, add_network(graph, module.shortcut, x)))
        case ResidualNetwork():
            h = add_network(graph, module.blocks, graph.node("Relu", add_network(graph, module.first, x)))
            return add_linear(graph, module.head, graph.node("Flatten", graph.node("GlobalAveragePool", h)))
    raise TypeError(f"there is no rule for {type(module).__name__}")


def add_linear(graph: Graph, layer: nn.Linear, x: str) -> str:
    """Add a linear layer."""
    parameters = [graph.weight(w) for w in (layer.weight, layer.bias) if w is not None]
    return graph.node("Gemm", x, *parameters, transB=1)
