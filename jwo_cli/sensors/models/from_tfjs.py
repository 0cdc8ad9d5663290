"""TensorFlow.js graph models to ONNX: the operations of MoveNet and NanoDet, one small function for each form.

Whole numbers are int64 throughout (ONNX wants them so for shapes and places). Images stay with their channels last, as
TensorFlow has them; around a convolution they are turned and turned back, and ONNX Runtime takes out what cancels.
Divisions of whole numbers are of numbers from 0 up, as places in a grid are: rounding down and towards 0 are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.onnx_bytes import BOOL, FLOAT, INT32, INT64, Graph
from jwo_cli.sensors.models.tfjs_graph import Model, Node, read_model

Array = NDArray[Any]
KINDS = {"DT_FLOAT": FLOAT, "DT_INT32": INT64, "DT_INT64": INT64, "DT_BOOL": BOOL}
LAST = np.iinfo(np.int64).max
TO_FIRST, TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
# Operations that differ in their name alone.
SAME = {
    "Add": "Add", "AddV2": "Add", "AddN": "Sum", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div", "FloorDiv": "Div",
    "Maximum": "Max", "Minimum": "Min", "Less": "Less", "Equal": "Equal", "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual", "LogicalAnd": "And", "Abs": "Abs", "Exp": "Exp", "Sqrt": "Sqrt",
    "Sigmoid": "Sigmoid", "Reciprocal": "Reciprocal", "Identity": "Identity", "Shape": "Shape", "Size": "Size",
    "Range": "Range", "Reshape": "Reshape", "Tile": "Tile", "GatherNd": "GatherND", "Select": "Where",
}  # fmt: skip


class Conversion:
    """A graph on its way: ONNX's names of TensorFlow's tensors, and constants that are looked into."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.graph = Graph(name="graph")
        self.names: dict[str, str] = {}
        self.constants: dict[str, Array] = dict(model.constants)

    def of(self, name: str) -> str:
        """The name of an input; a constant is put into the file when it is first used."""
        if name not in self.names:
            value = self.constants[name]
            self.names[name] = self.put(value, half=name in self.model.halves)
        return self.names[name]

    def put(self, value: Array, *, half: bool = False) -> str:
        """A constant of the file, in half precision where it was published so."""
        if not half:
            return self.graph.constant(value)
        return self.graph.add("Cast", [self.graph.constant(value.astype(np.float16))], to=FLOAT)

    def known(self, node: Node, place: int) -> Array:
        """The value of an input that must be a constant. Raises UserError."""
        name = node.inputs[place]
        if name not in self.constants:
            raise UserError(f"{node.op} {node.name} depends on what is not constant", fix=_FIX)
        return self.constants[name]

    def axes(self, *values: int) -> str:
        """A list of axes as an input."""
        return self.graph.constant(np.array(values, dtype=np.int64))


_FIX = "This converter is for MoveNet and NanoDet; use tf2onnx for others."


def convert(document: bytes, weights: bytes) -> bytes:
    """The ONNX file of a graph model. Raises UserError where it has operations that are not known here."""
    model = read_model(document, weights)
    work = Conversion(model)
    for node in model.nodes:
        if node.op == "Const":
            continue
        if node.op == "Placeholder":
            sides: list[int | str] = [
                side if side > 0 else f"side{place}" for place, side in enumerate(node.shape("shape"))
            ]
            kind = INT32 if node.kind("dtype") == "DT_INT32" else KINDS[node.kind("dtype")]
            work.graph.takes(node.name, kind, sides)
            work.names[node.name] = node.name
            continue
        if not _fold(work, node):
            _one(work, node)
    for name, shape in model.outputs:
        work.graph.add("Identity", [work.of(name.removesuffix(":0"))], [f"output_{name.partition(':')[0]}"])
        shown = [side if side > 0 else f"any{place}" for place, side in enumerate(shape)]
        work.graph.gives(f"output_{name.partition(':')[0]}", FLOAT, shown)
    return work.graph.model()


def _fold(work: Conversion, node: Node) -> bool:
    """Operations on constants alone that nobody needs to run."""
    if node.op == "SparseToDense" and all(name in work.constants for name in node.inputs):
        where, shape, values, default = (work.constants[name] for name in node.inputs)
        out = np.full(shape.astype(int).tolist(), default, dtype=default.dtype)
        for place, value in zip(where.reshape(-1, len(shape)), np.broadcast_to(values, len(where)), strict=True):
            out[tuple(place)] = value
        work.constants[node.name] = out
        return True
    return False


def _one(work: Conversion, node: Node) -> None:
    if node.op in SAME:
        work.names[node.name] = work.graph.add(SAME[node.op], [work.of(name) for name in node.inputs])
        return
    form = FORMS.get(node.op)
    if form is None:
        raise UserError(f"the operation {node.op} is not known here", fix=_FIX)
    form(work, node)


def _cast(work: Conversion, node: Node) -> None:
    work.names[node.name] = work.graph.add("Cast", [work.of(node.inputs[0])], to=KINDS[node.kind("DstT")])


def _squared_difference(work: Conversion, node: Node) -> None:
    off = work.graph.add("Sub", [work.of(name) for name in node.inputs])
    work.names[node.name] = work.graph.add("Mul", [off, off])


def _pack(work: Conversion, node: Node) -> None:
    axis = node.whole("axis")
    parts = [work.graph.add("Unsqueeze", [work.of(name), work.axes(axis)]) for name in node.inputs]
    work.names[node.name] = work.graph.add("Concat", parts, axis=axis)


def _unpack(work: Conversion, node: Node) -> None:
    axis, count = node.whole("axis"), node.whole("num")
    parts = [f"{node.name}/part{index}" for index in range(count)]
    work.graph.add("Split", [work.of(node.inputs[0])], parts, axis=axis)
    for index, part in enumerate(parts):
        work.names[_output(node, index)] = work.graph.add("Squeeze", [part, work.axes(axis)])


def _output(node: Node, index: int) -> str:
    return node.name if index == 0 else f"{node.name}:{index}"


def _concat(work: Conversion, node: Node) -> None:
    axis = int(work.known(node, len(node.inputs) - 1))
    parts = [work.of(name) for name in node.inputs[:-1]]
    work.names[node.name] = work.graph.add("Concat", parts, axis=axis)


def _convolution(work: Conversion, node: Node) -> None:
    """Conv2D and its fused forms; a depthwise kernel [h, w, channels, 1] filters each channel by itself."""
    kernel = work.known(node, 1)
    each = "Depthwise" in node.op
    if each and kernel.shape[3] != 1:
        raise UserError(f"{node.name} multiplies its channels", fix=_FIX)
    turned = kernel.transpose(2, 3, 0, 1) if each else kernel.transpose(3, 2, 0, 1)
    inputs = [
        work.graph.add("Transpose", [work.of(node.inputs[0])], perm=TO_FIRST),
        work.put(turned, half=node.inputs[1] in work.model.halves),
    ]
    fused = node.texts("fused_ops")
    if "BiasAdd" in fused:
        inputs.append(work.of(node.inputs[2]))
    out = work.graph.add(
        "Conv", inputs, kernel_shape=tuple(kernel.shape[:2]), strides=node.wholes("strides")[1:3],
        dilations=node.wholes("dilations")[1:3] or (1, 1), group=kernel.shape[2] if each else 1,
        auto_pad=_padding(node),
    )  # fmt: skip
    for name in fused:
        if name == "Relu":
            out = work.graph.add("Relu", [out])
        elif name == "Relu6":
            limits = [work.graph.constant(np.array(value, dtype=np.float32)) for value in (0.0, 6.0)]
            out = work.graph.add("Clip", [out, *limits])
        elif name != "BiasAdd":
            raise UserError(f"{node.name} ends in {name}", fix=_FIX)
    work.names[node.name] = work.graph.add("Transpose", [out], perm=TO_LAST)


def _padding(node: Node) -> str:
    return "SAME_UPPER" if node.text("padding") == "SAME" else "VALID"


def _max_pool(work: Conversion, node: Node) -> None:
    turned = work.graph.add("Transpose", [work.of(node.inputs[0])], perm=TO_FIRST)
    out = work.graph.add(
        "MaxPool", [turned], kernel_shape=node.wholes("ksize")[1:3], strides=node.wholes("strides")[1:3],
        auto_pad=_padding(node),
    )  # fmt: skip
    work.names[node.name] = work.graph.add("Transpose", [out], perm=TO_LAST)


def _resize(work: Conversion, node: Node) -> None:
    """Bilinear to the height and width that the second input says."""
    if node.flag("align_corners"):
        raise UserError(f"{node.name} aligns corners", fix=_FIX)
    turned = work.graph.add("Transpose", [work.of(node.inputs[0])], perm=TO_FIRST)
    shape = work.graph.add("Shape", [turned])
    front = work.graph.add("Slice", [shape, work.axes(0), work.axes(2)])
    sizes = work.graph.add("Concat", [front, work.of(node.inputs[1])], axis=0)
    how = "half_pixel" if node.flag("half_pixel_centers") else "asymmetric"
    out = work.graph.add("Resize", [turned, "", "", sizes], mode="linear", coordinate_transformation_mode=how)
    work.names[node.name] = work.graph.add("Transpose", [out], perm=TO_LAST)


def _fill(work: Conversion, node: Node) -> None:
    work.names[node.name] = work.graph.add("Expand", [work.of(node.inputs[1]), work.of(node.inputs[0])])


def _top(work: Conversion, node: Node) -> None:
    count = work.graph.add("Reshape", [work.of(node.inputs[1]), work.axes(1)])
    outputs = [f"{node.name}/values", f"{node.name}/places"]
    work.graph.add("TopK", [work.of(node.inputs[0]), count], outputs, axis=-1, largest=1, sorted=1)
    work.names[node.name], work.names[f"{node.name}:1"] = outputs


def _expand_dims(work: Conversion, node: Node) -> None:
    axis = int(work.known(node, 1).reshape(-1)[0])
    work.names[node.name] = work.graph.add("Unsqueeze", [work.of(node.inputs[0]), work.axes(axis)])


def _squeeze(work: Conversion, node: Node) -> None:
    axes = node.wholes("squeeze_dims")
    inputs = [work.of(node.inputs[0]), *([work.axes(*axes)] if axes else [])]
    work.names[node.name] = work.graph.add("Squeeze", inputs)


def _split(work: Conversion, node: Node) -> None:
    axis = int(work.known(node, 0)) if node.op == "Split" else int(work.known(node, 2))
    count = node.whole("num_split")
    parts = [f"{node.name}/part{index}" for index in range(count)]
    value = work.of(node.inputs[1] if node.op == "Split" else node.inputs[0])
    lengths = [] if node.op == "Split" else [work.of(node.inputs[1])]
    work.graph.add("Split", [value, *lengths], parts, axis=axis)
    for index, part in enumerate(parts):
        work.names[_output(node, index)] = part


def _sum(work: Conversion, node: Node) -> None:
    keep = int(node.flag("keep_dims"))
    axes = [int(axis) for axis in work.known(node, 1).reshape(-1)]
    value = work.of(node.inputs[0])
    work.names[node.name] = work.graph.add("ReduceSum", [value, work.axes(*axes)], keepdims=keep)


def _most(work: Conversion, node: Node) -> None:
    axes = tuple(int(axis) for axis in work.known(node, 1).reshape(-1))
    value = work.of(node.inputs[0])
    work.names[node.name] = work.graph.add("ReduceMax", [value], axes=axes, keepdims=int(node.flag("keep_dims")))


def _arg_max(work: Conversion, node: Node) -> None:
    axis = int(work.known(node, 1))
    work.names[node.name] = work.graph.add("ArgMax", [work.of(node.inputs[0])], axis=axis, keepdims=0)


def _transpose(work: Conversion, node: Node) -> None:
    order = tuple(int(axis) for axis in work.known(node, 1))
    work.names[node.name] = work.graph.add("Transpose", [work.of(node.inputs[0])], perm=order)


def _pad(work: Conversion, node: Node) -> None:
    pads = work.known(node, 1)
    inputs = [work.of(node.inputs[0]), work.axes(*(int(item) for item in pads.T.reshape(-1)))]
    if node.op == "PadV2":
        inputs.append(work.of(node.inputs[2]))
    work.names[node.name] = work.graph.add("Pad", inputs, mode="constant")


def _leaky(work: Conversion, node: Node) -> None:
    slope = node.number("alpha", 0.2)
    work.names[node.name] = work.graph.add("LeakyRelu", [work.of(node.inputs[0])], alpha=slope)


def _strided_slice(work: Conversion, node: Node) -> None:
    """x[a:b:c, d, None]: the bits of five masks say which part is open, a single place, or a new axis."""
    begin, end, step = (work.known(node, place) for place in (1, 2, 3))
    masks = {name: node.whole(f"{name}_mask") for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}
    if masks["ellipsis"]:
        raise UserError(f"{node.name} slices with an ellipsis", fix=_FIX)
    rows: list[tuple[int, int, int, int]] = []  # start, end, axis, step
    gone: list[int] = []
    fresh: list[int] = []
    axis = shown = 0
    for place in range(len(begin)):
        bit = 1 << place
        if masks["new_axis"] & bit:
            fresh.append(shown)
            shown += 1
            continue
        low, high, by = int(begin[place]), int(end[place]), int(step[place])
        if masks["shrink_axis"] & bit:
            high, by = low + 1 if low != -1 else LAST, 1
            gone.append(axis)
        else:
            low = 0 if masks["begin"] & bit else low
            high = LAST if masks["end"] & bit else high
            shown += 1
        if by < 1:
            raise UserError(f"{node.name} slices backwards", fix=_FIX)
        rows.append((low, high, axis, by))
        axis += 1
    out = work.of(node.inputs[0])
    if rows:
        out = work.graph.add("Slice", [out, *(work.axes(*column) for column in zip(*rows, strict=True))])
    if gone:
        out = work.graph.add("Squeeze", [out, work.axes(*gone)])
    if fresh:
        out = work.graph.add("Unsqueeze", [out, work.axes(*fresh)])
    work.names[node.name] = out


FORMS: Mapping[str, Callable[[Conversion, Node], None]] = {
    "Cast": _cast, "SquaredDifference": _squared_difference, "Pack": _pack, "Unpack": _unpack, "ConcatV2": _concat,
    "Conv2D": _convolution, "_FusedConv2D": _convolution, "DepthwiseConv2dNative": _convolution,
    "FusedDepthwiseConv2dNative": _convolution, "MaxPool": _max_pool, "ResizeBilinear": _resize, "Fill": _fill,
    "TopKV2": _top, "ExpandDims": _expand_dims, "Squeeze": _squeeze, "Split": _split, "SplitV": _split, "Sum": _sum,
    "Max": _most, "ArgMax": _arg_max, "Transpose": _transpose, "Pad": _pad, "PadV2": _pad, "LeakyRelu": _leaky,
    "StridedSlice": _strided_slice,
}  # fmt: skip
