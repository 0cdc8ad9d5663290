"""Each operation of a TensorFlow.js graph gives in ONNX what numpy says it should."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.from_tfjs import convert
from jwo_cli.sensors.models.session import Session
from jwo_cli.sensors.models.tfjs_graph import weight_files

Array = NDArray[Any]
TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}


def text(value: str) -> str:
    """A text as the file holds it."""
    return base64.b64encode(value.encode()).decode()


def wholes(*values: int) -> dict[str, object]:
    """A list attribute."""
    return {"list": {"i": [str(value) for value in values]}}


def document(
    op: str,
    shapes: Sequence[tuple[int, ...]],
    constants: Sequence[Array],
    attr: dict[str, object],
    *,
    half: bool = False,
    shown: str = "node:0",
) -> tuple[bytes, bytes]:
    """A graph of one operation: inputs x0, x1 … of float, then constants; its description and weights."""
    nodes: list[dict[str, object]] = []
    for number, shape in enumerate(shapes):
        sides = {"dim": [{"size": str(side)} for side in shape]}
        nodes.append(
            {
                "name": f"x{number}",
                "op": "Placeholder",
                "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": {"shape": sides}},
            }
        )
    weights, raw = [], b""
    for number, value in enumerate(constants):
        kind = str(value.dtype)
        nodes.append({"name": f"c{number}", "op": "Const", "attr": {"dtype": {"type": TYPES[kind]}}})
        told: dict[str, object] = {"name": f"c{number}", "shape": list(value.shape), "dtype": kind}
        if half and kind == "float32":
            told["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            value = value.astype(np.float16)  # noqa: PLW2901 - what is stored
        weights.append(told)
        raw += value.astype(value.dtype.newbyteorder("<")).tobytes()
    inputs = [node["name"] for node in nodes]
    nodes.append({"name": "node", "op": op, "input": inputs, "attr": attr})
    nodes.append({"name": "out", "op": "Cast", "input": [shown], "attr": {"DstT": {"type": "DT_FLOAT"}}})
    made = {
        "modelTopology": {"node": nodes[::-1]},  # the order in the file says nothing
        "weightsManifest": [{"paths": ["made.bin"], "weights": weights}],
        "signature": {"outputs": {"y": {"name": "out:0", "tensorShape": {"dim": []}}}},
    }
    return json.dumps(made).encode(), raw


def run(
    op: str, values: Sequence[Array], constants: Sequence[Array], *, half: bool = False, shown: str = "node:0",
    **attr: object,
) -> Array:  # fmt: skip
    """What the converted graph gives."""
    made = convert(*document(op, [value.shape for value in values], constants, attr, half=half, shown=shown))
    return Session(made, name="made").run({f"x{number}": value for number, value in enumerate(values)})[0]


def some(*shape: int, seed: int = 1) -> Array:
    """Numbers of float."""
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def whole(*values: int) -> Array:
    """Whole numbers as TensorFlow.js stores them."""
    return np.array(values, dtype=np.int32)


def _convolved(x: Array, kernel: Array, stride: int) -> Array:
    """SAME convolution, channels last, by the definition: of an odd padding the odd one goes below and to the right."""
    high, wide = (-(-side // stride) for side in x.shape[1:3])
    reach = [max((count - 1) * stride + size - side, 0) for count, size, side in
             zip((high, wide), kernel.shape[:2], x.shape[1:3], strict=True)]  # fmt: skip
    pads = [(part // 2, part - part // 2) for part in reach]
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    out = np.zeros((1, high, wide, kernel.shape[3]))
    for row in range(high):
        for column in range(wide):
            top, left = row * stride, column * stride
            part = padded[0, top : top + kernel.shape[0], left : left + kernel.shape[1]]
            out[0, row, column] = np.einsum("hwc,hwco->o", part, kernel)
    return out


@pytest.mark.parametrize("stride", [1, 2])
def test_a_fused_convolution_pads_as_tensorflow_does(stride: int) -> None:
    """SAME with an odd side, bias, and the activation's limit."""
    x, kernel, bias = some(1, 7, 6, 3), some(3, 3, 3, 4, seed=2), 3 * some(4, seed=3)
    given = run(
        "_FusedConv2D", [x], [kernel, bias], strides=wholes(1, stride, stride, 1), dilations=wholes(1, 1, 1, 1),
        padding={"s": text("SAME")}, fused_ops={"list": {"s": [text("BiasAdd"), text("Relu6")]}},
    )  # fmt: skip
    np.testing.assert_allclose(given, np.clip(_convolved(x, kernel, stride) + bias, 0, 6), rtol=1e-4, atol=1e-5)


def test_a_depthwise_convolution_filters_each_channel() -> None:
    """Kernels [h, w, channels, 1]."""
    x, kernel = some(1, 5, 5, 3), some(3, 3, 3, 1, seed=2)
    given = run(
        "DepthwiseConv2dNative", [x], [kernel], strides=wholes(1, 1, 1, 1), dilations=wholes(1, 1, 1, 1),
        padding={"s": text("SAME")},
    )  # fmt: skip
    each = [_convolved(x[..., [channel]], kernel[:, :, [channel]], 1) for channel in range(3)]
    np.testing.assert_allclose(given, np.concatenate(each, axis=3), rtol=1e-4, atol=1e-5)


def test_weights_in_half_precision_stay_what_they_were() -> None:
    """What was rounded for the file is used rounded."""
    x, offset = some(2, 3), some(3, seed=4)
    np.testing.assert_allclose(run("AddV2", [x], [offset], half=True), x + offset.astype(np.float16), rtol=1e-6)


A = some(2, 3, 4)
FORMS: dict[str, tuple[str, list[Array], list[Array], dict[str, object], Array]] = {
    "difference squared": ("SquaredDifference", [A], [some(4, seed=5)], {}, (A - some(4, seed=5)) ** 2),
    "pack": ("Pack", [A, -A], [], {"axis": {"i": "1"}}, np.stack([A, -A], axis=1)),
    "concat": ("ConcatV2", [A, -A], [np.array(2, np.int32)], {}, np.concatenate([A, -A], axis=2)),
    "expand": ("ExpandDims", [A], [np.array(-1, np.int32)], {}, A[..., None]),
    "squeeze": ("Squeeze", [A[:, :1]], [], {"squeeze_dims": wholes(1)}, A[:, 0]),
    "sum": ("Sum", [A], [whole(1)], {"keep_dims": {"b": True}}, A.sum(axis=1, keepdims=True)),
    "most": ("Max", [A], [whole(2)], {}, A.max(axis=2)),
    "place of the most": ("ArgMax", [A], [np.array(1, np.int32)], {}, A.argmax(axis=1)),
    "transpose": ("Transpose", [A], [whole(2, 0, 1)], {}, A.transpose(2, 0, 1)),
    "pad": ("Pad", [A], [np.array([[0, 0], [1, 2], [3, 0]], np.int32)], {}, np.pad(A, ((0, 0), (1, 2), (3, 0)))),
    "leaky": ("LeakyRelu", [A], [], {"alpha": {"f": 0.1}}, np.where(A > 0, A, 0.1 * A)),
    "reshape": ("Reshape", [A], [whole(6, -1)], {}, A.reshape(6, -1)),
    "tile": ("Tile", [A], [whole(1, 2, 1)], {}, np.tile(A, (1, 2, 1))),
    "gather": ("GatherNd", [A], [np.array([[1, 2], [0, 0]], np.int32)], {}, A[[1, 0], [2, 0]]),
    "largest": ("TopKV2", [A], [np.array(2, np.int32)], {}, -np.sort(-A, axis=2)[..., :2]),
    "reciprocal": ("Reciprocal", [A], [], {}, 1 / A),
    "shape": ("Shape", [A], [], {}, np.array([2, 3, 4])),
    "size": ("Size", [A], [], {}, np.array(24)),
}


@pytest.mark.parametrize("name", FORMS)
def test_an_operation_gives_what_numpy_gives(name: str) -> None:
    """One by one, so that a mistake has a name."""
    op, values, constants, attr, expected = FORMS[name]
    np.testing.assert_allclose(run(op, values, constants, **attr), expected, rtol=1e-5, atol=1e-6)


def test_second_outputs_have_their_own_names() -> None:
    """Places of the largest, and the parts of a split."""
    order = np.argsort(-A, axis=2, kind="stable")[..., :2]
    np.testing.assert_array_equal(run("TopKV2", [A], [np.array(2, np.int32)], shown="node:1"), order)
    parts = run("SplitV", [A], [whole(1, 3), np.array(2, np.int32)], num_split={"i": "2"}, shown="node:1")
    np.testing.assert_array_equal(parts, A[..., 1:])
    np.testing.assert_array_equal(run("Unpack", [A], [], axis={"i": "1"}, num={"i": "3"}, shown="node:2"), A[:, 2])


@pytest.mark.parametrize(
    ("begin", "end", "step", "masks", "expected"),
    [
        ((0, 1), (2, 3), (1, 1), {}, A[0:2, 1:3]),
        ((0, 1), (0, 2), (1, 1), {"begin": 1, "end": 1, "shrink_axis": 2}, A[:, 1]),
        ((0, 0, 0), (0, 0, 0), (1, 1, 1), {"begin": 5, "end": 5, "new_axis": 2}, A[:, None, :]),
        ((-1,), (0,), (1,), {"shrink_axis": 1}, A[-1]),
        ((0, 0, 0), (2, 3, 4), (1, 2, 3), {}, A[:2, :3:2, :4:3]),
        (
            (0, 0, 1, 0),
            (0, 0, 2, 0),
            (1, 1, 1, 1),
            {"begin": 9, "end": 9, "new_axis": 2, "shrink_axis": 4},
            A[:, None, 1, :],
        ),
    ],
)
def test_slices_read_their_masks(
    begin: tuple[int, ...], end: tuple[int, ...], step: tuple[int, ...], masks: dict[str, int], expected: Array
) -> None:
    """Open ends, single places, new axes, and steps."""
    attr: dict[str, object] = {f"{name}_mask": {"i": str(bits)} for name, bits in masks.items()}
    given = run("StridedSlice", [A], [whole(*begin), whole(*end), whole(*step)], **attr)
    np.testing.assert_array_equal(given, expected)


def test_resizing_takes_the_middles_of_pixels() -> None:
    """Bilinear with half-pixel centres, as OpenCV does it."""
    cv2 = pytest.importorskip("cv2")
    x = some(1, 4, 5, 2)
    given = run("ResizeBilinear", [x], [whole(8, 10)], half_pixel_centers={"b": True})
    expected = cv2.resize(x[0], (10, 8), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(given[0], expected, rtol=1e-5, atol=1e-6)


def test_pooling_takes_the_largest_around() -> None:
    """SAME, channels last."""
    x = some(1, 4, 4, 1)
    attr: dict[str, object] = {"ksize": wholes(1, 3, 3, 1), "strides": wholes(1, 1, 1, 1)}
    given = run("MaxPool", [x], [], padding={"s": text("SAME")}, **attr)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    expected = np.max([padded[:, i : i + 4, j : j + 4] for i in range(3) for j in range(3)], axis=0)
    np.testing.assert_array_equal(given, expected)


def test_the_same_graph_gives_the_same_bytes() -> None:
    """A converted model has one checksum."""
    first, second = (convert(*document("AddV2", [(2, 3)], [some(3)], {})) for _ in range(2))
    assert first == second


def test_what_is_not_known_or_not_whole_is_refused() -> None:
    """An unknown operation, missing and superfluous weights, and files that are none."""
    described, raw = document("AddV2", [(2, 3)], [some(3)], {})
    assert weight_files(described) == ("made.bin",)
    for one, two, said in (
        (document("Erf", [(2, 3)], [], {})[0], b"", "Erf is not known"),
        (described, raw[:-4], "end too early"),
        (described, raw + b"0000", "too many"),
        (b"{}", b"", "no TensorFlow.js"),
        (b"\xff", b"", "no TensorFlow.js"),
    ):
        with pytest.raises(UserError, match=said):
            convert(one, two)
    with pytest.raises(UserError, match=r"no TensorFlow\.js"):
        weight_files(b"[]")
