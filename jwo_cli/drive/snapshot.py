"""What a running store's engine remembers, in a file beside the journal: so that a restart folds little again.

The journal stays the only truth. The file says up to which entry its engine had handled everything, and it counts only
where that entry still has that hash, nobody closed the store since, and the layout, the settings and the code that
decides are the very same; in every other case, or where it is damaged, it is as if there were none. It is a pickle
(exact, and 2 ms for a busy shop), and a pickle may ask for anything: this one is read only where it is this user's own
and nobody else may write it, and it may name the classes of `model` and `shop`, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from jwo_cli.journal import Intake
from jwo_cli.model import codec
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.recordings.aside import write_durably
from jwo_cli.shop.engine import Engine
from jwo_cli.shop.settings import EngineSettings

SNAPSHOT = ".engine"
MAY_NAME = ("jwo_cli.model.", "jwo_cli.shop.")
# What an engine remembers depends on these: what it is, and what it is told.
DECIDES = ("model", "shop", "drive/fold.py", "drive/resume.py", "journal/upcast.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where in the journal a snapshot stands: after entry `seq`, in the run that began after entry `ended`."""

    ended: int
    seq: int
    hash: str


class Snapshots:
    """One journal's snapshot, for engines of one layout and settings."""

    def __init__(self, journal: Path, store: Store, settings: EngineSettings) -> None:
        self._path = journal / SNAPSHOT
        about = hashlib.sha256(codec.canonical(codec.encode(store)))
        about.update(f"{settings}|{sys.version}|{pickle.HIGHEST_PROTOCOL}".encode())
        about.update(_code())
        self._about = about.hexdigest()

    def write(self, engine: Engine, moment: Moment) -> None:
        """Keep what the engine remembers. A disk that does not take it costs the next restart its haste, no more."""
        body = _kept(engine)
        head = {"about": self._about, "body": hashlib.sha256(body).hexdigest(), **asdict(moment)}
        try:
            write_durably(self._path, codec.canonical(head) + b"\n" + body)
            self._path.chmod(0o600)
        except OSError:
            with contextlib.suppress(OSError):  # an older one does no harm: it says what it knows
                self._path.unlink(missing_ok=True)

    def read(self, intake: Intake, ended: int) -> tuple[Engine, int] | None:
        """The engine as it was kept in the run after entry `ended`, and the entry up to which it knows the journal."""
        try:
            whole = _own(self._path)
            line, _, body = whole.partition(b"\n")
            head: dict[str, Any] = json.loads(line)
            moment = Moment(ended=int(head["ended"]), seq=int(head["seq"]), hash=str(head["hash"]))
            sound = (head["about"], head["body"]) == (self._about, hashlib.sha256(body).hexdigest())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if not sound or moment.ended != ended or intake.hash_at(moment.seq) != moment.hash:
            return None
        try:
            engine = _Reader(io.BytesIO(body)).load()
        except Exception:  # noqa: BLE001 - a pickle fails in any way; the journal has it all
            return None
        return (engine, moment.seq) if isinstance(engine, Engine) else None


def _kept(engine: Engine) -> bytes:
    """A pickle that names our own classes only: before Python 3.11.4 an enumeration's member asked for `getattr`."""
    kept = io.BytesIO()
    pickler = pickle.Pickler(kept, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = dict.fromkeys(_enumerations(Enum), _by_value)
    pickler.dump(engine)
    return kept.getvalue()


def _enumerations(kind: type[Enum]) -> Iterator[type[Enum]]:
    for below in kind.__subclasses__():
        if below.__module__.startswith(MAY_NAME):
            yield below
        yield from _enumerations(below)


def _by_value(member: Enum) -> tuple[type[Enum], tuple[Any]]:
    return type(member), (member.value,)


class _Reader(pickle.Unpickler):
    """Makes objects of our own classes, and calls nothing."""

    def find_class(self, module: str, name: str) -> Any:
        """A class of `model` or `shop`. Raises UserError for anything else."""
        found = super().find_class(module, name) if module.startswith(MAY_NAME) and "." not in name else None
        if not isinstance(found, type) or found.__module__ != module:
            raise UserError(f"a snapshot names {module}.{name}", fix="Remove it; the next start folds the journal.")
        return found


def _own(path: Path) -> bytes:
    """The content of a file that is this user's and that nobody else may write. Raises OSError for any other."""
    with path.open("rb") as opened:
        found = os.fstat(opened.fileno())
        if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(path)
        return opened.read()


def _code() -> bytes:
    """The digest of the code whose work a snapshot is, as it stands now."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for name in DECIDES:
        place = root / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(f"{file.relative_to(root)}\n".encode() + file.read_bytes())
    return digest.digest()
