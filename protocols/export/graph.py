"""An ONNX graph under construction: nodes and weights, each under a name of its own."""

from typing import Any

import numpy as np
from torch import Tensor

OPSET = 17
_IR_VERSION = 8  # what readers of that opset know


class Graph:
    """Nodes and weights in the order in which they are added; every method returns the name of what it adds."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def weight(self, values: Tensor | list[int]) -> str:
        """Add a constant: a tensor as it is, a list as int64."""
        from onnx import numpy_helper

        array = np.array(values, np.int64) if isinstance(values, list) else values.detach().cpu().contiguous().numpy()
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operator of ONNX.

        Args:
            operator: Its name, such as ``"Conv"``.
            *inputs: Names of its inputs.
            output: Name of its output, if that is one of the model's.
            **attributes: Its attributes.
        """
        from onnx import helper

        name = output or f"x_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def model(self, images: tuple[int, int, int], outputs: dict[str, int], metadata: dict[str, str]) -> bytes:
        """Return the model as the contents of a file, once ONNX's own checker has passed it.

        Args:
            images: Channels, height and width of the input ``images``, uint8 of any number.
            outputs: Names and widths of the outputs, fp32.
            metadata: What the file says about itself.
        """
        import onnx
        from onnx import TensorProto, helper

        graph = helper.make_graph(
            self._nodes,
            metadata["name"],
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", *images])],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", n]) for name, n in outputs.items()],
            self._weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR_VERSION, producer_name="ssl-irmae"
        )
        helper.set_model_props(model, metadata)
        onnx.checker.check_model(model, full_check=True)
        contents: bytes = model.SerializeToString(deterministic=True)
        return contents
