"""The registry is read whole, or refused with every fault's line."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import registry
from jwo_cli.sensors.models.entry import Head, Kind, Role

MODEL = """
[[model]]
name = "mine"
role = "detector"
head = "yolov8"
file = "mine.onnx"
sha256 = "{sha}"
size = 100
licence = "MIT"
origin = "here"
[model.input]
height_px = 320
width_px = 320
fitting = "centre"
std = [255.0, 255.0, 255.0]
[[model.source]]
kind = "https"
address = "https://example.org/mine.onnx"
"""
SHA = "ab" * 32


def test_the_bundled_registry_is_sound_and_has_a_default_for_each_role() -> None:
    """Each role that has models has one that runs when none is named, and it is fit for a shop."""
    entries = registry.registry()
    assert {entry.role for entry in entries} == set(Role)
    for role in Role:
        assert sum(entry.default for entry in entries if entry.role is role) == 1
        assert "research" not in registry.default(role).doubt
    assert registry.default(Role.DETECTOR).name == "yolox_nano_416"


def test_every_model_says_what_may_be_done_with_it() -> None:
    """Licence and origin are told; weights for research only carry their doubt."""
    for entry in registry.registry():
        assert entry.licence
        assert entry.origin
    assert "research" in registry.find("osnet_x0_25_msmt17").doubt


def test_every_address_is_https_and_every_archive_has_its_checksum() -> None:
    """Nothing can be changed on the way, and no archive is opened unchecked."""
    for entry in registry.registry():
        for source in entry.sources:
            assert source.kind is not Kind.HTTPS or source.address.startswith("https://")
            assert source.kind not in {Kind.PYPI, Kind.NPM} or len(source.archive_sha256) == 64


def test_loaders_without_weights_are_marked() -> None:
    """Those checked on generated graphs only say so; every loader says what it reads."""
    generated = {head for head in Head if registry.checked_on(head) != "real weights"}
    assert generated == {Head.RTMDET, Head.DETR, Head.YOLOV8, Head.SIMCC}
    assert set(registry.LOADERS) == set(Head)
    assert not generated & {entry.head for entry in registry.registry()}


def test_a_registry_of_ones_own_adds_and_replaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JWO_MODEL_REGISTRY names it; an entry of the same name wins."""
    file = tmp_path / "own.toml"
    file.write_text(MODEL.format(sha=SHA) + MODEL.format(sha=SHA).replace('"mine"', '"yolox_nano_416"'))
    monkeypatch.setenv("JWO_MODEL_REGISTRY", str(file))
    assert registry.find("mine").form.height_px == 320
    assert registry.find("yolox_nano_416").head is Head.YOLOV8
    assert [entry.name for entry in registry.registry()].count("yolox_nano_416") == 1


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (SHA, "abc", "is no SHA-256"),
        ('head = "yolov8"', 'head = "yolov99"', "none of the known kinds"),
        ('role = "detector"', 'role = "pose"', "no head of a pose model"),
        ('"mine.onnx"', '"../mine.onnx"', "no plain name"),
        ("https://", "http://", "not https"),
        ('kind = "https"', 'kind = "pypi"', "needs package"),
        ('licence = "MIT"', "", "'licence' is missing"),
        ("width_px = 320", "width_px = 0", "no input size"),
        ("std = [255.0, 255.0, 255.0]", "std = [0.0, 1.0, 1.0]", "not above zero"),
        ("size = 100", "sise = 100", "means nothing here"),
    ],
)
def test_faults_are_said_with_their_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    """File, line, field, fix; never half a registry."""
    file = tmp_path / "own.toml"
    file.write_text(MODEL.format(sha=SHA).replace(old, new))
    with pytest.raises(UserError) as caught:
        registry.read_registry(file)
    assert problem in " ".join(str(finding) for finding in caught.value.findings)
    assert all(finding.line and finding.fix for finding in caught.value.findings)


def test_a_registry_that_is_no_toml_or_not_there_is_said(tmp_path: Path) -> None:
    """One sentence each."""
    file = tmp_path / "own.toml"
    for content, problem in ((b"[[model", "not TOML"), (b"\xff\xfe", "not UTF-8")):
        file.write_bytes(content)
        with pytest.raises(UserError, match=problem):
            registry.read_registry(file)
    with pytest.raises(UserError, match="cannot be read"):
        registry.read_registry(tmp_path / "absent.toml")


def test_an_unknown_model_names_the_known_ones() -> None:
    """And how to add one."""
    with pytest.raises(UserError, match="yolox_huge") as caught:
        registry.find("yolox_huge")
    assert "yolox_nano_416" in caught.value.fix
