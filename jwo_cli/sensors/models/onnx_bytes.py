"""ONNX files written by hand: the few messages of its Protocol Buffers that a plain graph needs.

Bytes depend on the graph alone, not on any library's version, so that a converted model has one checksum for ever.
Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Attribute = int | float | str | tuple[int, ...]

FLOAT, INT32, INT64, BOOL, FLOAT16 = 1, 6, 7, 9, 10
OPSET, IR_VERSION = 17, 8
TYPES = {"float32": FLOAT, "int32": INT32, "int64": INT64, "bool": BOOL, "float16": FLOAT16}


@dataclass(slots=True)
class Graph:
    """A graph in the making: nodes in the order in which they run."""

    name: str
    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)
    nodes: list[bytes] = field(default_factory=list)
    tensors: list[bytes] = field(default_factory=list)
    made: int = 0

    def takes(self, name: str, kind: int, shape: Sequence[int | str]) -> None:
        """Declare an input; a text is a side that may vary."""
        self.inputs.append(_value(name, kind, shape))

    def gives(self, name: str, kind: int, shape: Sequence[int | str]) -> None:
        """Declare an output."""
        self.outputs.append(_value(name, kind, shape))

    def constant(self, value: Array, name: str = "") -> str:
        """A constant's name."""
        name = name or self._fresh("const")
        kind = TYPES[str(value.dtype)]
        dims = b"".join(_integer(1, side) for side in value.shape)
        raw = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
        self.tensors.append(dims + _integer(2, kind) + _text(8, name) + _bytes(9, raw))
        return name

    def add(self, op: str, inputs: Sequence[str], outputs: Sequence[str] = (), **attributes: Attribute) -> str:
        """A node; its first output's name (a new one where none is given)."""
        outputs = list(outputs) or [self._fresh(op.lower())]
        node = b"".join(_text(1, item) for item in inputs) + b"".join(_text(2, item) for item in outputs)
        node += _text(3, outputs[0]) + _text(4, op)
        node += b"".join(_bytes(5, _attribute(key, attributes[key])) for key in sorted(attributes))
        self.nodes.append(node)
        return outputs[0]

    def model(self) -> bytes:
        """The file."""
        parts: Mapping[int, list[bytes]] = {1: self.nodes, 5: self.tensors, 11: self.inputs, 12: self.outputs}
        graph = b"".join(_bytes(number, item) for number in (1,) for item in parts[number]) + _text(2, self.name)
        graph += b"".join(_bytes(number, item) for number in (5, 11, 12) for item in parts[number])
        opset = _text(1, "") + _integer(2, OPSET)
        return _integer(1, IR_VERSION) + _text(2, "jwo") + _bytes(7, graph) + _bytes(8, opset)

    def _fresh(self, stem: str) -> str:
        self.made += 1
        return f"{stem}_{self.made}"


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    sides = b"".join(_bytes(1, _text(2, side) if isinstance(side, str) else _integer(1, side)) for side in shape)
    tensor = _integer(1, kind) + _bytes(2, sides)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    out = _text(1, name)
    if isinstance(value, float):
        return out + _key(2, 5) + struct.pack("<f", value) + _integer(20, 1)
    if isinstance(value, int):
        return out + _integer(3, value) + _integer(20, 2)
    if isinstance(value, str):
        return out + _text(4, value) + _integer(20, 3)
    return out + b"".join(_integer(8, item) for item in value) + _integer(20, 7)


def _key(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _integer(number: int, value: int) -> bytes:
    return _key(number, 0) + _varint(value)


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _bytes(number: int, value: bytes) -> bytes:
    return _key(number, 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers are ten bytes long, as the format has it
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
