"""`jwo models` at the keyboard: what is listed, pulled, verified and timed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Jwo
from tests.sensors.models import graphs
from tests.sensors.models.server import serving

OWN = """
[[model]]
name = "made"
role = "detector"
head = "yolov8"
default = true
file = "made.onnx"
sha256 = "{sha}"
size = {size}
label = 1
classes = 3
licence = "none"
origin = "made for a test"
[model.input]
height_px = 64
width_px = 64
fitting = "centre"
std = [255.0, 255.0, 255.0]
[[model.source]]
kind = "https"
address = "{address}/made.onnx"
"""


def test_list_needs_no_weights_and_says_what_runs_without_them(jwo: Jwo, tmp_path: Path) -> None:
    """Default, fall-back, licences in doubt, and loaders that saw generated graphs only."""
    env = {"JWO_MODELS": str(tmp_path / "none")}
    done = jwo("models", "list", env=env)
    assert done.returncode == 0, done.stderr
    assert "yolox_nano_416 *" in done.stdout
    assert "research only" in done.stdout
    assert "generated graphs only" in done.stdout
    assert "background" in done.stderr
    listed = json.loads(jwo("models", "list", "--json", env=env).stdout)
    assert {model["state"] for model in listed["models"]} == {"absent"}
    assert listed["fallback"] == "background"
    assert {loader["head"]: loader["checked_on"] for loader in listed["loaders"]}["simcc"] == "generated graphs only"


def test_a_model_is_pulled_verified_timed_and_refused_when_it_was_changed(jwo: Jwo, tmp_path: Path) -> None:
    """The whole way of a model of one's own, from a server on this machine."""
    content = graphs.yolov8(finished=False)
    entry = graphs.entry(content, graphs.Head.YOLOV8)
    own, folder = tmp_path / "own.toml", tmp_path / "cache"
    with serving() as place:
        place.files["/made.onnx"] = content
        own.write_text(OWN.format(sha=entry.sha256, size=entry.size, address=place.address))
        env = {"JWO_MODELS": str(folder), "JWO_MODEL_REGISTRY": str(own)}
        done = jwo("models", "pull", "made", "--json", env=env)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[0]["size"] == len(content)
    assert jwo("models", "verify", "made", env=env).returncode == 0
    timed = json.loads(jwo("models", "bench", "--frames", "2", "--json", env=env).stdout)
    assert [model["name"] for model in timed["models"]] == ["made"]
    (folder / "made.onnx").write_bytes(content + b"!")
    changed = jwo("models", "verify", env=env)
    assert changed.returncode == 1
    assert "wrong checksum" in changed.stdout
    refused = jwo("models", "bench", "made", env=env)
    assert refused.returncode == 2
    assert "was not run" in refused.stderr


def test_what_is_absent_or_unknown_is_said_with_what_to_do(jwo: Jwo, tmp_path: Path) -> None:
    """No weights: exit code 3; an unknown name: 2; a wrong file: 1 and nothing is kept."""
    env = {"JWO_MODELS": str(tmp_path / "none")}
    none = jwo("models", "bench", env=env)
    assert (none.returncode, "models pull" in none.stderr) == (3, True)
    assert jwo("models", "verify", "yolox_nano_416", env=env).returncode == 1
    assert jwo("models", "verify", "--json", env=env).returncode == 0
    assert jwo("models", "pull", "yolox_huge", env=env).returncode == 2
    (tmp_path / "other.onnx").write_bytes(b"something else")
    wrong = jwo("models", "pull", "yolox_nano_416", "--from", "other.onnx", env=env)
    assert (wrong.returncode, "It was not kept" in wrong.stderr) == (1, True)
    assert not (tmp_path / "none").exists()


def test_real_weights_are_verified_in_place(jwo: Jwo, shared_data: Path) -> None:
    """A folder of weights is a cache as it is."""
    if not (shared_data / "models").is_dir():
        pytest.skip("there are no weights in the real data")
    done = jwo("models", "verify", "--json", env={"JWO_MODELS": str(shared_data / "models")})
    states = {item["name"]: item["state"] for item in json.loads(done.stdout)}
    assert done.returncode == 0
    assert sum(state == "ready" for state in states.values()) == 7
