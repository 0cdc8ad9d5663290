"""Small networks with known answers, in the output forms of the usual exports: they find white squares and dots.

Each looks at the image it is given (mean over cells, brightest row and column), so that a wrong scale or a wrong place
of the image in the input shows in the result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from jwo_cli.sensors.models.entry import Entry, Head, Role
from jwo_cli.sensors.models.fitting import Fitting, InputForm

SIDE, CLASSES = 64, 3
HALF = 12.0  # what every network here says of the size: 24 px wide and high


class Graph:
    """A graph that grows node by node."""

    def __init__(self, high: int = SIDE, wide: int = SIDE) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, high, wide])]
        self.count = 0

    def const(self, value: object, dtype: type = np.float32) -> str:
        """A constant's name."""
        self.count += 1
        name = f"c{self.count}"
        self.values.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, op: str, inputs: Sequence[str], **attributes: object) -> str:
        """A node's output."""
        self.count += 1
        name = f"n{self.count}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def model(self, outputs: dict[str, str]) -> bytes:
        """The network with these outputs."""
        nodes = [*self.nodes, *(helper.make_node("Identity", [name], [shown]) for shown, name in outputs.items())]
        whole = {"labels": TensorProto.INT64}
        told = [helper.make_tensor_value_info(shown, whole.get(shown, TensorProto.FLOAT), None) for shown in outputs]
        graph = helper.make_graph(nodes, "white", self.inputs, told, self.values)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        return bytes(made.SerializeToString())

    def brightness(self, stride: int) -> str:
        """Mean brightness of each cell [1, 1, h, w], 0 to 1 for an image that is given as 0 to 1."""
        grey = self.add("ReduceMean", ["image"], axes=[1], keepdims=1)
        return self.add("AveragePool", [grey], kernel_shape=[stride, stride], strides=[stride, stride])

    def logits(self, stride: int) -> str:
        """Logits of three classes [1, 3, h, w]: the middle one is high where a cell is white, the others never."""
        own = self.add("Mul", [self.add("Sub", [self.brightness(stride), self.const(0.75)]), self.const(40.0)])
        never = self.add("Add", [self.add("Mul", [own, self.const(0.0)]), self.const(-9.0)])
        return self.add("Concat", [never, own, never], axis=1)

    def like(self, name: str, value: float, copies: int) -> str:
        """A map of that size [1, copies, h, w] that holds one value."""
        single = self.add("ReduceMean", [name], axes=[1], keepdims=1)
        flat = self.add("Add", [self.add("Mul", [single, self.const(0.0)]), self.const(value)])
        return self.add("Concat", [flat] * copies, axis=1)


def cells(stride: int, side: int = SIDE) -> NDArray[np.float32]:
    """Middles of the cells [n, 2] px, row by row."""
    rows, columns = np.indices((side // stride, side // stride))
    return ((np.column_stack([columns.ravel(), rows.ravel()]) + 0.5) * stride).astype(np.float32)


def rtmdet_raw() -> bytes:
    """Three strides of logits and distances in px."""
    graph = Graph()
    scores = {f"cls{stride}": graph.logits(stride) for stride in (8, 16, 32)}
    sides = {f"box{stride}": graph.like(scores[f"cls{stride}"], HALF, 4) for stride in (8, 16, 32)}
    return graph.model(scores | sides)


def rtmdet_finished() -> bytes:
    """Suppression inside the graph: two boxes, the second of another class; the scores follow the brightness."""
    graph = Graph()
    bright = graph.add("ReduceMean", ["image"], axes=[0, 1, 2, 3], keepdims=0)
    boxes = graph.const([[[8, 16, 24, 48], [0, 0, 64, 64]]])
    scores = graph.add("Mul", [graph.const([[[0.9], [0.8]]]), bright])
    return graph.model(
        {"dets": graph.add("Concat", [boxes, scores], axis=2), "labels": graph.const([[1, 0]], np.int64)}
    )


def detr(form: str) -> bytes:
    """Queries are the cells of stride 8: `finished` (with the size as second input), `logits`, or `joined` in one."""
    graph = Graph()
    spots = cells(8)
    logits = graph.add("Reshape", [graph.logits(8), graph.const([1, CLASSES, -1], np.int64)])
    logits = graph.add("Transpose", [logits], perm=[0, 2, 1])
    shares = np.column_stack([spots, np.full_like(spots, 2 * HALF)])[None] / SIDE
    if form == "logits":
        return graph.model({"logits": logits, "pred_boxes": graph.const(shares)})
    scores = graph.add("Sigmoid", [logits])
    if form == "joined":
        return graph.model({"output0": graph.add("Concat", [graph.const(shares), scores], axis=2)})
    graph.inputs.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2]))
    size = graph.add("Cast", ["orig_target_sizes"], to=TensorProto.FLOAT)
    corners = np.column_stack([spots - HALF, spots + HALF])[None] / SIDE
    boxes = graph.add("Mul", [graph.const(corners), graph.add("Concat", [size, size], axis=1)])
    return graph.model(
        {
            "labels": graph.add("ArgMax", [scores], axis=2, keepdims=0),
            "boxes": boxes,
            "scores": graph.add("ReduceMax", [scores], axes=[2], keepdims=0),
        }
    )


def yolov8(*, finished: bool) -> bytes:
    """[1, 4 + classes, cells] of three strides, or [1, n, 6] with one box whose score follows the brightness."""
    graph = Graph()
    if finished:
        bright = graph.add("ReduceMean", ["image"], axes=[0, 1, 2, 3], keepdims=0)
        score = graph.add("Mul", [graph.const([[[1.0], [1.0]]]), bright])
        place, kind = graph.const([[[8, 16, 24, 48], [0, 0, 9, 9]]]), graph.const([[[1], [0]]])
        return graph.model({"output0": graph.add("Concat", [place, score, kind], axis=2)})
    parts = []
    for stride in (8, 16, 32):
        shape = graph.const([1, CLASSES, -1], np.int64)
        scores = graph.add("Reshape", [graph.add("Sigmoid", [graph.logits(stride)]), shape])
        spots = cells(stride)
        boxes = graph.const(np.column_stack([spots, np.full_like(spots, 2 * HALF)]).T[None])
        parts.append(graph.add("Concat", [boxes, scores], axis=1))
    return graph.model({"output0": graph.add("Concat", parts, axis=2)})


def simcc(high: int = 64, wide: int = 48) -> bytes:
    """Seventeen points at the brightest column and row: bins are half pixels."""
    graph = Graph(high, wide)
    grey = graph.add("ReduceMean", ["image"], axes=[1], keepdims=0)
    outputs = {}
    for name, axis, length in (("simcc_x", 1, wide), ("simcc_y", 2, high)):
        along = graph.add("ReduceMax", [grey], axes=[axis], keepdims=0)
        pairs = graph.add(
            "Mul", [graph.add("Reshape", [along, graph.const([1, length, 1], np.int64)]), graph.const([1.0, 0.5])]
        )
        bins = graph.add("Reshape", [pairs, graph.const([1, 1, 2 * length], np.int64)])
        outputs[name] = graph.add("Tile", [bins, graph.const([1, 17, 1], np.int64)])
    return graph.model(outputs)


def entry(content: bytes, head: Head, *, name: str = "made", **values: object) -> Entry:
    """The registry's line for a made network: it asks for class 1, images come in as 0 to 1."""
    high, wide = (64, 48) if head is Head.SIMCC else (SIDE, SIDE)
    role = Role.POSE if head is Head.SIMCC else Role.DETECTOR
    form = InputForm(
        height_px=high, width_px=wide, std=(255.0, 255.0, 255.0), colours="rgb",
        fitting=Fitting.STRETCH if head is Head.DETR else Fitting.CENTRE if head is Head.YOLOV8 else Fitting.CORNER,
    )  # fmt: skip
    given = {
        "label": 1, "classes": CLASSES, "score": 0.4, "licence": "none", "origin": "made here",
        "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "file": f"{name}.onnx",
    }  # fmt: skip
    return Entry(name=name, role=role, head=head, form=form, **{**given, **values})  # type: ignore[arg-type]
