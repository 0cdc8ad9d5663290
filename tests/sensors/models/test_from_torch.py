"""PyTorch files are read without PyTorch, run nothing, and fold their normalisation without loss."""

from __future__ import annotations

import collections
import io
import os
import pickle
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import from_torch
from jwo_cli.sensors.models.onnx_bytes import FLOAT, Graph
from jwo_cli.sensors.models.session import Session

Array = NDArray[Any]


class Rebuilt:
    """A tensor on its way into a file: a view of a storage."""

    def __init__(self, key: str, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> None:
        self.key, self.args = key, (offset, size, stride)

    def __reduce__(self) -> tuple[Any, ...]:
        offset, size, stride = self.args
        return (sys.modules["torch._utils"]._rebuild_tensor_v2, (Key(self.key), offset, size, stride, False, ()))


class Key:
    """A storage's name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Writer(pickle.Pickler):
    """Writes storages by their names."""

    def persistent_id(self, obj: Any) -> Any:
        """The form that PyTorch gave them."""
        if not isinstance(obj, Key):
            return None
        return ("storage", sys.modules["torch"].FloatStorage, obj.name, "cpu", 1, None)


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that a PyTorch file names: there is no PyTorch here."""
    utils, top = ModuleType("torch._utils"), ModuleType("torch")

    def _rebuild_tensor_v2(*_: object) -> None:
        """Never called: reading stands in for it."""

    class FloatStorage:
        """Named only."""

    for item, module in ((_rebuild_tensor_v2, utils), (FloatStorage, top)):
        item.__module__, item.__qualname__ = module.__name__, item.__name__
        setattr(module, item.__name__, item)
    monkeypatch.setitem(sys.modules, "torch", top)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def written(state: dict[str, object], storages: dict[str, Array]) -> bytes:
    """A file of weights in the old form."""
    file = io.BytesIO()
    for part in (from_torch.MAGIC, from_torch.PROTOCOL, {"little_endian": True}):
        pickle.dump(part, file, protocol=2)
    Writer(file, protocol=2).dump(collections.OrderedDict(state))
    pickle.dump(sorted(storages), file, protocol=2)
    for name in sorted(storages):
        values = storages[name].astype("<f4")
        file.write(len(values).to_bytes(8, "little") + values.tobytes())
    return file.getvalue()


def test_weights_come_back_with_their_shapes_and_strides() -> None:
    """Two views of one storage, one of them turned, one with an offset."""
    values = np.arange(12, dtype=np.float32)
    state: dict[str, object] = {"a": Rebuilt("0", 0, (3, 2), (1, 3)), "b": Rebuilt("0", 6, (6,), (1,))}
    read = from_torch.read_weights(written(state, {"0": values}))
    np.testing.assert_array_equal(read["a"], values[:6].reshape(2, 3).T)
    np.testing.assert_array_equal(read["b"], values[6:])


def test_a_file_that_names_anything_else_runs_nothing(tmp_path: Any) -> None:
    """The usual way to attack by a pickle is refused before it is called."""
    target = tmp_path / "ran"

    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.system, (f"touch {target}",))

    with pytest.raises(UserError, match="is not let in"):
        from_torch.read_weights(written({"a": Attack()}, {}))
    assert not target.exists()


@pytest.mark.parametrize(
    "bad", [Rebuilt("0", 5, (3, 2), (2, 1)), Rebuilt("0", 0, (2,), (100,)), Rebuilt("0", 0, (2,), (-1,))]
)
def test_a_tensor_beyond_its_storage_is_refused(bad: Rebuilt) -> None:
    """Nobody reads what is not his."""
    with pytest.raises(UserError, match="reaches beyond"):
        from_torch.read_weights(written({"a": bad}, {"0": np.zeros(8)}))


def test_what_is_no_such_file_is_said() -> None:
    """Broken, of another form, or of another network."""
    good = written({"a": Rebuilt("0", 0, (2,), (1,))}, {"0": np.zeros(8)})
    for content in (good[:-4], good[:40], b"", b"hello", pickle.dumps(5) * 4):
        with pytest.raises(UserError, match="cannot be read"):
            from_torch.read_weights(content)
    with pytest.raises(UserError, match=r"lack 'features\.0\.0\.weight'"):
        from_torch.mobilenetv2(good)


def test_the_normalisation_is_folded_in() -> None:
    """A convolution with γ, β, μ, σ² gives what doing one after the other gives, within half precision."""
    draw = np.random.default_rng(4)
    weights = {
        "c.weight": draw.normal(0, 0.3, (5, 3, 1, 1)), "n.weight": draw.uniform(0.5, 2, 5),
        "n.bias": draw.normal(0, 1, 5),
        "n.running_mean": draw.normal(0, 1, 5), "n.running_var": draw.uniform(0.2, 3, 5),
    }  # fmt: skip
    graph = Graph(name="one")
    graph.takes("x", FLOAT, (1, 3, 4, 4))
    graph.add("Identity", [from_torch._convolution(graph, weights, "c", "n", "x", stride=1, relu=True)], ["y"])
    graph.gives("y", FLOAT, (1, 5, 4, 4))
    x = draw.normal(0, 1, (1, 3, 4, 4)).astype(np.float32)
    given = Session(graph.model(), name="one").run({"x": x})[0]
    through = np.einsum("oi,nihw->nohw", weights["c.weight"][:, :, 0, 0], x)
    norm = SimpleNamespace(**{name[2:]: value[:, None, None] for name, value in weights.items() if name[0] == "n"})
    expected = (through - norm.running_mean) / np.sqrt(norm.running_var + 1e-5) * norm.weight + norm.bias
    np.testing.assert_allclose(given, np.clip(expected, 0, 6), atol=5e-3)


def test_a_whole_network_of_made_weights_runs() -> None:
    """Every layer's weights are asked for by its published name, and the vector has 1,280 numbers."""
    draw = np.random.default_rng(5)
    shapes = list(_layers())
    state: dict[str, object] = {}
    values: list[Array] = []
    at = 0
    for name, shape in shapes:
        size = int(np.prod(shape))
        state[name] = Rebuilt("0", at, shape, tuple(int(np.prod(shape[index + 1 :])) for index in range(len(shape))))
        values.append(draw.uniform(0.5, 1, size) if "var" in name else draw.normal(0, 0.1, size))
        at += size
    made = from_torch.mobilenetv2(written(state, {"0": np.concatenate(values)}))
    vector = Session(made, name="made").run({"x": np.ones((1, 3, 224, 224), np.float32)})[0]
    assert vector.shape == (1, 1280)
    assert np.isfinite(vector).all()
    assert made == from_torch.mobilenetv2(written(state, {"0": np.concatenate(values)}))


def _layers() -> Any:
    """Names and shapes of MobileNetV2's weights."""

    def both(conv: str, norm: str, shape: tuple[int, ...]) -> Any:
        yield f"{conv}.weight", shape
        for part in ("weight", "bias", "running_mean", "running_var"):
            yield f"{norm}.{part}", (shape[0],)

    yield from both("features.0.0", "features.0.1", (32, 3, 3, 3))
    number, channels = 1, 32
    for expand, wide, repeats, _ in from_torch.STAGES:
        for _ in range(repeats):
            stem, hidden, at = f"features.{number}.conv", channels * expand, 0
            if expand != 1:
                yield from both(f"{stem}.0", f"{stem}.1", (hidden, channels, 1, 1))
                at = 3
            yield from both(f"{stem}.{at}", f"{stem}.{at + 1}", (hidden, 1, 3, 3))
            yield from both(f"{stem}.{at + 3}", f"{stem}.{at + 4}", (wide, hidden, 1, 1))
            number, channels = number + 1, wide
    yield from both(f"features.{number}.0", f"features.{number}.1", (1280, 320, 1, 1))
