"""Weights come whole and right, or not at all: against a server on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import cache
from jwo_cli.sensors.models.entry import Entry, Head, Kind, Source
from jwo_cli.sensors.models.fetching import fetch
from jwo_cli.sensors.models.from_tfjs import convert
from jwo_cli.sensors.models.opening import open_session
from jwo_cli.sensors.models.pulling import pull, take
from tests.sensors.models import graphs
from tests.sensors.models.server import Place, serving
from tests.sensors.models.test_from_tfjs import document

CONTENT = graphs.yolov8(finished=False)


@pytest.fixture
def place() -> Iterator[Place]:
    """A server."""
    with serving() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("JWO_MODELS", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _entry(*sources: Source) -> Entry:
    return graphs.entry(CONTENT, Head.YOLOV8, sources=sources)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _https(place: Place, path: str = "/made.onnx", **values: str) -> Source:
    return Source(kind=Kind.HTTPS, address=place.address + path, **values)  # type: ignore[arg-type]


def test_a_file_is_pulled_and_runs(place: Place, folder: Path) -> None:
    """After a pull the cache holds the file and nothing else, and it opens; a second pull asks nobody."""
    place.files["/made.onnx"] = CONTENT
    done = pull(_entry(_https(place)))
    assert ([path.name for path in folder.iterdir()], done.size) == (["made.onnx"], len(CONTENT))
    assert open_session(_entry()).inputs == ("image",)
    assert pull(_entry(_https(place))).source == ""
    assert len(place.log) == 1
    assert pull(_entry(_https(place)), again=True).source != ""
    assert len(place.log) == 2


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_breaks_is_taken_up_again(place: Place, folder: Path, *, ranges: bool) -> None:
    """What came is kept and the rest asked for; a server without ranges sends it again from its beginning."""
    place.files["/made.onnx"], place.breaks, place.after, place.ranges = CONTENT, 2, len(CONTENT) // 3, ranges
    pull(_entry(_https(place)))
    assert (folder / "made.onnx").read_bytes() == CONTENT
    third = len(CONTENT) // 3
    asked = [span for _, span in place.log]
    assert asked == (["", f"bytes={third}-", f"bytes={2 * third}-"] if ranges else ["", *[f"bytes={third}-"] * 2])


def test_a_pull_that_was_given_up_goes_on_where_it_stopped(place: Place, folder: Path) -> None:
    """The beginning that an earlier command left is not asked for again."""
    goal = folder / "made.onnx"
    folder.mkdir()
    (folder / "made.onnx.part").write_bytes(CONTENT[:500])
    place.files["/made.onnx"] = CONTENT
    fetch(place.address + "/made.onnx", goal, sha256=_sha256(CONTENT))
    assert ([span for _, span in place.log], goal.read_bytes()) == (["bytes=500-"], CONTENT)


@pytest.mark.parametrize("left", [b"x" * 500, b"x" * 100_000])
def test_a_wrong_beginning_is_thrown_away(place: Place, folder: Path, left: bytes) -> None:
    """A left-over of another file (shorter or longer) costs one more request, not the pull."""
    folder.mkdir()
    (folder / "made.onnx.part").write_bytes(left)
    place.files["/made.onnx"] = CONTENT
    fetch(place.address + "/made.onnx", folder / "made.onnx", sha256=_sha256(CONTENT))
    assert (folder / "made.onnx").read_bytes() == CONTENT


def test_a_server_that_always_breaks_is_given_up(place: Place, folder: Path) -> None:
    """Without any progress a few tries are enough; the problem is the network's: exit code 3."""
    place.files["/made.onnx"], place.breaks, place.after = CONTENT, 1000, 0
    with pytest.raises(UserError, match="broke off") as caught:
        pull(_entry(_https(place)))
    assert (caught.value.exit_code, len(place.log)) == (3, 5)
    assert not (folder / "made.onnx").exists()


def test_another_file_is_refused_and_the_old_one_stays(place: Place, folder: Path) -> None:
    """A wrong checksum is a finding: nothing new is kept, nothing old is lost."""
    place.files["/made.onnx"] = CONTENT[:-1] + b"?"
    folder.mkdir()
    (folder / "made.onnx").write_bytes(b"old")
    with pytest.raises(UserError, match="SHA-256") as caught:
        pull(_entry(_https(place)))
    assert caught.value.exit_code == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"made.onnx": b"old"}


def test_a_file_without_end_is_cut_off(place: Place, folder: Path) -> None:
    """No more is taken than a model of that size may have."""
    place.files["/made.onnx"] = CONTENT + bytes(2 << 20)
    with pytest.raises(UserError, match="more than a model"):
        pull(_entry(_https(place)))
    assert not (folder / "made.onnx").exists()


def test_sources_are_tried_in_their_order(place: Place, folder: Path) -> None:
    """The second source serves where the first has nothing; all reasons are said where none has."""
    place.files["/b.onnx"] = CONTENT
    first, second = _https(place, "/a.onnx"), _https(place, "/b.onnx")
    assert pull(_entry(first, second)).source == str(second)
    with pytest.raises(UserError, match=r"a\.onnx: it answers 404.*c\.onnx: it answers 404"):
        pull(_entry(first, _https(place, "/c.onnx")), again=True)


def test_redirections_are_followed_unless_they_leave_https(place: Place, folder: Path) -> None:
    """Publishers redirect; to an address that anybody on the way could answer for, nobody goes."""
    place.files["/made.onnx"] = CONTENT
    place.moved["/here"], place.moved["/away"] = "/made.onnx", "http://example.invalid/made.onnx"
    pull(_entry(_https(place, "/here")))
    with pytest.raises(UserError, match="not https"):
        pull(_entry(_https(place, "/away")), again=True)


def _zip(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return made.getvalue()


def _tar(members: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


@pytest.mark.parametrize("pack", [_zip, _tar])
def test_a_member_is_taken_out_of_an_archive(place: Place, folder: Path, pack: object) -> None:
    """Zip or tarball: the member by its exact name; the archive's own checksum comes first; it is not kept."""
    content = pack({"a/readme": b"hello", "a/made.onnx": CONTENT})  # type: ignore[operator]
    place.files["/all"] = content
    source = _https(place, "/all", member="a/made.onnx", archive_sha256=_sha256(content))
    pull(_entry(source))
    assert [path.name for path in folder.iterdir()] == ["made.onnx"]
    with pytest.raises(UserError, match="has no a/other"):
        pull(_entry(replace(source, member="a/other")), again=True)
    with pytest.raises(UserError, match="SHA-256"):
        pull(_entry(replace(source, archive_sha256="0" * 64)), again=True)
    assert (folder / "made.onnx").read_bytes() == CONTENT


def test_a_member_that_swells_is_not_unpacked(place: Place, folder: Path) -> None:
    """A small archive may hold a large member: it is read no further than a model may be long."""
    place.files["/all"] = _zip({"made.onnx": bytes(50 << 20)})
    with pytest.raises(UserError, match="has more than"):
        pull(_entry(_https(place, "/all", member="made.onnx")))


def test_a_broken_archive_is_said_to_be_one(place: Place, folder: Path) -> None:
    """Not a traceback."""
    place.files["/all"] = _tar({"made.onnx": CONTENT})[:200]
    with pytest.raises(UserError, match="no whole archive"):
        pull(_entry(_https(place, "/all", member="made.onnx")))


def _wheel() -> bytes:
    info = "made_weights-1.0.dist-info"
    return _zip(
        {
            "made_weights/made.onnx": CONTENT,
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: made-weights\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": b"",
        }
    )


def test_a_wheel_comes_through_pip(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own settings name the index (here: this machine); a wheel is opened after its checksum was right."""
    pytest.importorskip("pip")
    wheel = _wheel()
    name = "made_weights-1.0-py3-none-any.whl"
    place.files[f"/{name}"] = wheel
    place.files["/simple/made-weights/"] = f'<a href="/{name}">{name}</a>'.encode()
    place.kinds["/simple/made-weights/"] = "text/html"
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", place.address + "/simple/")
    for other in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(other, raising=False)
    source = Source(
        kind=Kind.PYPI, package="made-weights", version="1.0", member="made_weights/made.onnx",
        archive_sha256=_sha256(wheel),
    )  # fmt: skip
    assert pull(_entry(source)).source == "PyPI made-weights==1.0, made_weights/made.onnx"
    with pytest.raises(UserError, match="SHA-256"):
        pull(_entry(replace(source, archive_sha256="0" * 64)), again=True)
    with pytest.raises(UserError, match="made-weights") as caught:
        pull(_entry(replace(source, version="9.9")), again=True)
    assert caught.value.exit_code == 3
    assert open_session(_entry()).inputs == ("image",)


def test_a_tarball_comes_through_npm(
    place: Place, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's own settings name the registry (here: this machine); none of the package's scripts runs."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    ran = tmp_path / "ran"
    scripts = {"prepack": f"touch {ran}", "install": f"touch {ran}", "prepare": f"touch {ran}"}
    package = {"name": "made-weights", "version": "1.0.0", "scripts": scripts}
    tarball = _tar({"package/package.json": json.dumps(package).encode(), "package/made.onnx": CONTENT})
    place.files["/made-weights-1.0.0.tgz"] = tarball
    dist = {"tarball": f"{place.address}/made-weights-1.0.0.tgz", "shasum": hashlib.sha1(tarball).hexdigest()}  # noqa: S324 - npm's
    versions = {"1.0.0": {**package, "dist": dist}}
    told = {"name": "made-weights", "dist-tags": {"latest": "1.0.0"}, "versions": versions}
    place.files["/made-weights"] = json.dumps(told).encode()
    place.kinds["/made-weights"] = "application/json"
    monkeypatch.setenv("npm_config_registry", place.address)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    source = Source(
        kind=Kind.NPM, package="made-weights", version="1.0.0", member="package/made.onnx",
        archive_sha256=_sha256(tarball),
    )  # fmt: skip
    pull(_entry(source))
    assert (folder / "made.onnx").read_bytes() == CONTENT
    assert not ran.exists()


def test_a_file_and_an_installed_package_are_sources_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any network; a package that is not there is said with how to install it."""
    package = tmp_path / "site" / "made_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('must not be imported')\n")
    (package / "made.onnx").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    pull(_entry(Source(kind=Kind.INSTALLED, package="made_package", member="made.onnx")))
    assert "made_package" not in sys.modules
    pull(_entry(Source(kind=Kind.FILE, address=str(package / "made.onnx"))), again=True)
    with pytest.raises(UserError, match="not installed"):
        pull(_entry(Source(kind=Kind.INSTALLED, package="no_such_package", member="made.onnx")), again=True)


def test_a_file_that_somebody_brought_is_checked_like_any_other(folder: Path, tmp_path: Path) -> None:
    """`--from FILE` takes the model, or an archive that holds it, and refuses anything else."""
    good, bad = tmp_path / "given.onnx", tmp_path / "bad.onnx"
    good.write_bytes(CONTENT)
    bad.write_bytes(CONTENT + b"!")
    take(_entry(), good)
    assert cache.state(_entry()) is cache.State.READY
    with pytest.raises(UserError, match="this is not made"):
        take(_entry(), bad)
    archive = tmp_path / "all.zip"
    archive.write_bytes(_zip({"in/made.onnx": CONTENT}))
    take(_entry(Source(kind=Kind.HTTPS, address="https://example.invalid", member="in/made.onnx")), archive)
    with pytest.raises(UserError, match="does not exist"):
        take(_entry(), tmp_path / "absent.onnx")


def test_two_pulls_at_once_do_not_mix(place: Place, folder: Path) -> None:
    """While one fetches, another of the same file is told to wait."""
    fcntl = pytest.importorskip("fcntl")
    folder.mkdir()
    with (folder / "made.onnx.part").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another"):
            fetch(place.address + "/made.onnx", folder / "made.onnx")


def test_weights_in_another_form_are_converted_and_checked(place: Place, folder: Path) -> None:
    """A TensorFlow.js model lies in two members; what comes out must have the source's checksum, like any other."""
    described, raw = document("AddV2", [(2, 3)], [np.ones(3, np.float32)], {})
    made = convert(described, raw)
    place.files["/all"] = _tar({"m/made.json": described, "m/made.bin": raw})
    source = _https(place, "/all", member="m/made.json", convert="tensorflow-js", sha256=_sha256(made))
    pull(_entry(source))
    assert (folder / "made.onnx").read_bytes() == made
    assert cache.state(_entry(source)) is cache.State.READY
    with pytest.raises(UserError, match="this is not made"):
        pull(_entry(replace(source, sha256="0" * 64)), again=True)
    lacking = _tar({"m/made.json": described})
    place.files["/all"] = lacking
    with pytest.raises(UserError, match=r"has no m/made\.bin"):
        pull(_entry(source), again=True)


def test_weights_that_changed_are_never_run(folder: Path) -> None:
    """One flipped byte in the cache, and the model does not open."""
    folder.mkdir()
    (folder / "made.onnx").write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    with pytest.raises(UserError, match="is not made"):
        open_session(_entry())
    assert cache.state(_entry()) is cache.State.WRONG
    (folder / "made.onnx").unlink()
    with pytest.raises(UserError, match="not in") as caught:
        open_session(_entry())
    assert caught.value.exit_code == 3
