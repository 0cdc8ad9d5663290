"""Where weights live, and the check without which none is run.

The cache is one folder of .onnx files: `JWO_MODELS`, else `jwo/models` in the user's cache (XDG_CACHE_HOME, ~/.cache).
`checked` reads a file whole, hashes what it read and gives those very bytes away.
"""

from __future__ import annotations

import hashlib
import os
from enum import StrEnum
from pathlib import Path

from jwo_cli.model.findings import UserError
from jwo_cli.sensors.models.entry import Entry

PLACE = "JWO_MODELS"
FALLBACK = "background"  # sensors.background: moving people on the floor plane, without any weights


class State(StrEnum):
    """What the cache holds of a model."""

    ABSENT = "absent"
    READY = "ready"
    WRONG = "wrong checksum"


def folder() -> Path:
    """The cache; it need not exist."""
    named = os.environ.get(PLACE)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "jwo" / "models"


def path_of(entry: Entry) -> Path:
    """Where a model's weights lie, or would lie."""
    return folder() / entry.file


def state(entry: Entry) -> State:
    """What the cache holds of a model: the whole file is hashed."""
    file = path_of(entry)
    if not file.is_file():
        return State.ABSENT
    return State.READY if hashlib.sha256(file.read_bytes()).hexdigest() in entry.accepted else State.WRONG


def checked(entry: Entry) -> bytes:
    """The weights, after their checksum was found right. Raises UserError where they are absent or wrong."""
    file = path_of(entry)
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        problem = f"the weights of {entry.name} are not in {folder()}"
        fix = f"`jwo models pull {entry.name}` fetches them; {PLACE}=DIR names a folder that has {entry.file}."
        raise UserError(problem, fix=fix, exit_code=3) from None
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}", fix="Check its permissions.") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest not in entry.accepted:
        problem = f"{file} is not {entry.name}: its SHA-256 is {digest[:16]}…, not {entry.sha256[:16]}…"
        raise UserError(problem, fix=f"It was not run. `jwo models pull {entry.name} --again` replaces it.")
    return content
