"""A TensorFlow.js graph model as it lies in its two files: nodes in the order in which they run, and their constants.

All whole numbers become int64 and weights that are stored in half precision stay so, with their names.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError

Array = NDArray[Any]
STORED = {"float32": "<f4", "int32": "<i4", "bool": "|b1", "float16": "<f2"}
KEPT = {"float32": np.float32, "int32": np.int64, "bool": np.bool_}
MISSING = "Fetch the archive again, or convert it with tf2onnx."


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation: what it takes (`name` or `name:1` for a second output) and how it is set."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def whole(self, key: str, default: int = 0) -> int:
        """A whole number."""
        return int(self.attributes.get(key, {}).get("i", default))

    def number(self, key: str, default: float = 0.0) -> float:
        """A number."""
        return float(self.attributes.get(key, {}).get("f", default))

    def flag(self, key: str) -> bool:
        """A truth value."""
        return bool(self.attributes.get(key, {}).get("b", False))

    def kind(self, key: str) -> str:
        """A type, such as DT_FLOAT."""
        return str(self.attributes.get(key, {}).get("type", ""))

    def text(self, key: str) -> str:
        """A text; the file holds them in base 64."""
        return base64.b64decode(self.attributes.get(key, {}).get("s", "")).decode()

    def wholes(self, key: str) -> tuple[int, ...]:
        """Whole numbers."""
        return tuple(int(item) for item in self.attributes.get(key, {}).get("list", {}).get("i", ()))

    def texts(self, key: str) -> tuple[str, ...]:
        """Texts."""
        return tuple(
            base64.b64decode(item).decode() for item in self.attributes.get(key, {}).get("list", {}).get("s", ())
        )

    def shape(self, key: str) -> tuple[int, ...]:
        """A tensor's sides, -1 where one may vary."""
        return tuple(int(side.get("size", 0)) for side in self.attributes[key]["shape"].get("dim", ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Nodes in the order in which they run, constants by name, and the names of the outputs in the file's order."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    halves: frozenset[str]
    outputs: tuple[tuple[str, tuple[int, ...]], ...]


def weight_files(document: bytes) -> tuple[str, ...]:
    """The names of the files with the weights, beside the description. Raises UserError where it is none."""
    try:
        manifest = json.loads(document)["weightsManifest"]
        return tuple(str(path) for group in manifest for path in group["paths"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"this is no TensorFlow.js graph model: {error}", fix=MISSING) from None


def read_model(document: bytes, weights: bytes) -> Model:
    """A graph model from its description and its weights (files one after another). Raises UserError."""
    try:
        loaded = json.loads(document)
        nodes = {item["name"]: _node(item) for item in loaded["modelTopology"]["node"]}
        constants, halves = _constants(loaded["weightsManifest"], weights)
        signature = loaded["signature"]["outputs"]
        outputs = tuple((str(item["name"]), _sides(item)) for item in signature.values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"this is no TensorFlow.js graph model: {error!r}", fix=MISSING) from None
    lost = [name for name, node in nodes.items() if node.op == "Const" and name not in constants]
    if lost:
        raise UserError(f"the weights of {lost[0]} are missing", fix=MISSING)
    return Model(
        nodes=_ordered(nodes, [name.partition(":")[0] for name, _ in outputs]), constants=constants, halves=halves,
        outputs=outputs,
    )  # fmt: skip


def _sides(item: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(side.get("size", -1)) for side in item.get("tensorShape", {}).get("dim", ()))


def _node(item: Mapping[str, Any]) -> Node:
    given = tuple(str(name) for name in item.get("input", ()) if not str(name).startswith("^"))
    inputs = tuple(name.removesuffix(":0") for name in given)
    return Node(name=str(item["name"]), op=str(item["op"]), inputs=inputs, attributes=item.get("attr", {}))


def _constants(manifest: Any, weights: bytes) -> tuple[dict[str, Array], frozenset[str]]:
    out: dict[str, Array] = {}
    halves = []
    at = 0
    for group in manifest:
        for item in group["weights"]:
            kind, shape = str(item["dtype"]), tuple(int(side) for side in item["shape"])
            stored = np.dtype(STORED[str(item.get("quantization", {}).get("dtype", kind))])
            size = int(np.prod(shape, dtype=np.int64)) * stored.itemsize
            if at + size > len(weights):
                raise ValueError("the weights end too early")
            values = np.frombuffer(weights, dtype=stored, count=size // stored.itemsize, offset=at).reshape(shape)
            at += size
            name = str(item["name"])
            out[name] = values.astype(KEPT[kind])
            if stored == np.float16:
                halves.append(name)
    if at != len(weights):
        raise ValueError(f"the weights have {len(weights) - at} bytes too many")
    return out, frozenset(halves)


def _ordered(nodes: Mapping[str, Node], wanted: list[str]) -> tuple[Node, ...]:
    """What the outputs need, each node behind what it takes; the same every time."""
    done: dict[str, Node] = {}
    stack = [(name, False) for name in reversed(wanted)]
    while stack:
        name, ready = stack.pop()
        if name in done:
            continue
        if name not in nodes:
            raise UserError(f"the graph lacks {name}", fix=MISSING)
        if ready:
            done[name] = nodes[name]
            continue
        stack.append((name, True))
        stack += [(given.partition(":")[0], False) for given in reversed(nodes[name].inputs)]
    return tuple(done.values())
