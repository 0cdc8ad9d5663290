"""MobileNetV2 from a PyTorch file of weights to ONNX, without PyTorch.

The file is a pickle: only ordered dictionaries and tensors are let in, nothing else can be named, so that reading it
runs no code. The form is the one from before 2020 (several pickles one after another, then the raw storages). Batch
normalisation is folded into the convolutions; weights are kept in half precision, as they are published to be run.
"""

from __future__ import annotations

import collections
import io
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.onnx_bytes import FLOAT, Graph

Floats = NDArray[np.float32]

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "LongStorage": "<i8", "DoubleStorage": "<f8"}
EPSILON = 1e-5  # of torch.nn.BatchNorm2d
# Expansion, channels, repeats, stride of each stage (Sandler et al. 2018, table 2).
STAGES = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip


class _Storage:
    """A storage that is named in the pickle and filled afterwards."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.values: NDArray[Any] = np.zeros(0)


class _Tensor:
    """What a tensor says of itself: a view of a storage."""

    def __init__(self, storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def array(self) -> NDArray[Any]:
        """Its values. Raises ValueError where it reaches beyond its storage."""
        last = self.offset + sum((side - 1) * length for side, length in zip(self.size, self.stride, strict=True))
        if min((*self.size, *self.stride, self.offset, 0)) < 0 or (
            0 not in self.size and last >= len(self.storage.values)
        ):
            raise ValueError("a tensor reaches beyond its storage")
        step = self.storage.values.itemsize
        base = self.storage.values[self.offset :]
        strides = tuple(step * length for length in self.stride)
        return np.array(np.lib.stride_tricks.as_strided(base, self.size, strides))


def _tensor(storage: _Storage, offset: int, size: Any, stride: Any, *_: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(size), tuple(stride))


class _Reader(pickle.Unpickler):
    """Lets in what a dictionary of weights needs, by name, and nothing else."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name. Raises UnpicklingError for every other one."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) in {("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor")}:
            return _tensor
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not let in")

    def persistent_load(self, pid: Any) -> Any:
        """The storage of that key."""
        _, form, key, *_ = pid
        return self.storages.setdefault(str(key), _Storage(form))


def read_weights(content: bytes) -> dict[str, NDArray[Any]]:
    """Name -> array of a file of weights. Raises UserError where it is none, or names anything but tensors."""
    file = io.BytesIO(content)
    try:
        known = (_Reader(file).load(), _Reader(file).load()) == (MAGIC, PROTOCOL)
        _Reader(file).load()  # about the machine it was written on
        reader = _Reader(file)
        state = reader.load()
        for key in _Reader(file).load():
            storage = reader.storages[str(key)]
            count = int.from_bytes(file.read(8), "little")
            size = count * np.dtype(storage.form).itemsize
            storage.values = np.frombuffer(file.read(size), dtype=storage.form, count=count)
        if known:
            return {str(name): tensor.array() for name, tensor in state.items()}
        error: Exception = ValueError("this is no PyTorch file of the known form")
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, AttributeError, IndexError) as caught:
        error = caught
    fix = "Fetch it again; a file of another form must be converted with PyTorch itself."
    raise UserError(f"the weights cannot be read: {error}", fix=fix)


def mobilenetv2(content: bytes) -> bytes:
    """The ONNX file: `x` [1, 3, 224, 224] to `emb` [1, 1280]. Raises UserError where weights are missing."""
    weights = read_weights(content)
    graph = Graph(name="mobilenetv2")
    graph.takes("x", FLOAT, (1, 3, 224, 224))
    try:
        out = _convolution(graph, weights, "features.0.0", "features.0.1", "x", stride=2, relu=True)
        number, channels = 1, 32
        for expand, wide, repeats, stride in STAGES:
            for turn in range(repeats):
                first = stride if turn == 0 else 1
                out = _block(
                    graph, weights, number, out, expand=expand, stride=first, keep=first == 1 and channels == wide
                )
                number, channels = number + 1, wide
        out = _convolution(graph, weights, f"features.{number}.0", f"features.{number}.1", out, stride=1, relu=True)
    except KeyError as error:
        raise UserError(f"the weights lack {error}", fix="This converter is for MobileNetV2 at width 1.") from None
    graph.add("ReduceMean", [out], ["emb"], axes=(2, 3), keepdims=0)
    graph.gives("emb", FLOAT, (1, 1280))
    return graph.model()


def _block(
    graph: Graph, weights: dict[str, NDArray[Any]], number: int, x: str, *, expand: int, stride: int, keep: bool
) -> str:
    """An inverted residual: widen (unless `expand` is 1), filter each channel, narrow."""
    stem, at, out = f"features.{number}.conv", 0, x
    if expand != 1:
        out = _convolution(graph, weights, f"{stem}.0", f"{stem}.1", out, stride=1, relu=True)
        at = 3
    out = _convolution(graph, weights, f"{stem}.{at}", f"{stem}.{at + 1}", out, stride=stride, relu=True, each=True)
    out = _convolution(graph, weights, f"{stem}.{at + 3}", f"{stem}.{at + 4}", out, stride=1, relu=False)
    return graph.add("Add", [x, out]) if keep else out


def _convolution(
    graph: Graph, weights: dict[str, NDArray[Any]], conv: str, norm: str, x: str, *, stride: int, relu: bool,
    each: bool = False,
) -> str:  # fmt: skip
    """A convolution with its normalisation folded in: w · γ / √(σ² + ε), β − μ · γ / √(σ² + ε)."""
    kernel = weights[f"{conv}.weight"].astype(np.float64)
    gain = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain
    half = graph.constant((kernel * gain[:, None, None, None]).astype(np.float16))
    size = kernel.shape[2]
    out = graph.add(
        "Conv", [x, graph.add("Cast", [half], to=FLOAT), graph.constant(bias.astype(np.float32))],
        kernel_shape=(size, size), strides=(stride, stride), pads=(size // 2,) * 4, group=len(kernel) if each else 1,
    )  # fmt: skip
    if not relu:
        return out
    limits = [graph.constant(np.array(value, dtype=np.float32)) for value in (0.0, 6.0)]
    return graph.add("Clip", [out, *limits])
