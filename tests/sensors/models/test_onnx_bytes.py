"""Files written by hand are what ONNX's own library reads."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from jwo_cli.sensors.models.onnx_bytes import FLOAT, INT64, Graph


def test_the_library_reads_what_was_written() -> None:
    """Names, shapes, constants of every kind, and attributes: whole, negative, broken, text and lists."""
    graph = Graph(name="all")
    graph.takes("x", FLOAT, (1, "wide", 3))
    forms = {"float32": [1.5, -2], "int64": [[-1, 2**40]], "float16": [0.5], "int32": 7, "bool": [True]}
    constants = [np.array(values, kind) for kind, values in forms.items()]
    names = [graph.constant(value) for value in constants]
    graph.add("Strange", ["x", "", names[0]], ["y", "z"], whole=-3, part=0.25, word="how", row=(1, -2, 300))
    graph.gives("y", INT64, ())
    read = onnx.load_from_string(graph.model())
    assert (read.ir_version, read.opset_import[0].version, read.graph.name) == (8, 17, "all")
    sides = read.graph.input[0].type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in sides] == [1, "wide", 3]
    for tensor, value in zip(read.graph.initializer, constants, strict=True):
        given = numpy_helper.to_array(tensor)
        assert given.dtype == value.dtype
        np.testing.assert_array_equal(given, value)
    (node,) = read.graph.node
    assert (list(node.input), list(node.output)) == (["x", "", names[0]], ["y", "z"])
    given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    assert given == {"whole": -3, "part": 0.25, "word": b"how", "row": [1, -2, 300]}


def test_a_plain_graph_passes_the_librarys_own_check() -> None:
    """Well formed, not only readable."""
    graph = Graph(name="sum")
    graph.takes("x", FLOAT, (2,))
    graph.add("Add", ["x", graph.constant(np.ones(2, np.float32))], ["y"])
    graph.gives("y", FLOAT, (2,))
    onnx.checker.check_model(onnx.load_from_string(graph.model()), full_check=True)
