"""The journal: append, read, publish, verify. Nobody else opens its files; `open_journal` is the one door for readers.

Names load on first use, so that a process that only appends does not pay for DuckDB and Arrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwo_cli.journal.backups import backup as backup
    from jwo_cli.journal.backups import restore as restore
    from jwo_cli.journal.compaction import compact as compact
    from jwo_cli.journal.compaction import retain as retain
    from jwo_cli.journal.intake import Intake as Intake
    from jwo_cli.journal.keeper import Keeper as Keeper
    from jwo_cli.journal.mark import write_mark as write_mark
    from jwo_cli.journal.publication import publish as publish
    from jwo_cli.journal.segments import SegmentWriter as SegmentWriter
    from jwo_cli.journal.session import Answer as Answer
    from jwo_cli.journal.session import Session as Session
    from jwo_cli.journal.session import open_journal as open_journal
    from jwo_cli.journal.verification import verify as verify

_HOMES = {
    "Intake": "intake",
    "Keeper": "keeper",
    "backup": "backups",
    "compact": "compaction",
    "restore": "backups",
    "retain": "compaction",
    "write_mark": "mark",
    "publish": "publication",
    "SegmentWriter": "segments",
    "Answer": "session",
    "Session": "session",
    "open_journal": "session",
    "verify": "verification",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
