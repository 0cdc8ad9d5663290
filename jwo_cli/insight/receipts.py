"""Finding a receipt and reading what the journal holds about it, as the model's own types."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from jwo_cli.journal import Session
from jwo_cli.journal.upcast import lift
from jwo_cli.model import codec
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.findings import UserError

T = TypeVar("T")
SUGGESTED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An entry read back: where it stands, where it came from, and its observation or decision."""

    seq: int
    kind: str
    at_ns: int
    source: str
    store_id: str
    layout_version: str
    value: object


def kept(session: Session, seqs: Iterable[int]) -> tuple[Kept, ...]:
    """These entries in journal order. Raises ValueError for a payload that does not fit its kind."""
    wanted = sorted(set(seqs))
    classes = {**codec.OBSERVATIONS, **codec.DECISIONS}
    rows = session.rows(
        "SELECT seq, kind, version, at_ns, source, store_id, layout_version, payload FROM entries "
        "WHERE list_contains(?, seq) ORDER BY seq",
        [wanted],
    )
    return tuple(
        Kept(
            seq=seq,
            kind=kind,
            at_ns=at_ns,
            source=source,
            store_id=store_id,
            layout_version=layout,
            value=codec.decode(classes[kind], lift(kind, version, json.loads(payload))),
        )
        for seq, kind, version, at_ns, source, store_id, layout, payload in rows
    )


def find(session: Session, wanted: str) -> Kept:
    """The receipt that a person means: its id, a unique beginning of it, or the id of its visit, shopper or account.

    Where a recording of its run was replayed into the same journal, the run's own.
    Raises UserError where none or several fit, naming some that the journal has.
    """
    rows = session.rows(
        "SELECT seq, receipt_id, NOT starts_with(receipt_id, $1) OR receipt_id = $1 AS whole FROM receipts "
        "WHERE starts_with(receipt_id, $1) OR track_id = $1 OR visit_id = $1 OR account = $1 "
        "QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY NOT starts_with(source, 'run/'), seq) = 1 "
        "ORDER BY seq",
        [wanted],
    )
    whole = [row for row in rows if row[2]]
    fitting = whole or rows
    if len(fitting) == 1:
        (found,) = kept(session, [fitting[0][0]])
        return found
    if fitting:
        names = ", ".join(row[1] for row in fitting[:SUGGESTED])
        raise UserError(f"{len(fitting)} receipts fit {wanted!r}: {names}", fix="Give one of them in full.")
    some = session.rows("SELECT receipt_id FROM receipts ORDER BY seq DESC LIMIT ?", [SUGGESTED])
    if not some:
        raise UserError(
            "this journal holds no receipt", fix="Replay a recording into it: jwo replay PATH --journal DIR"
        )
    raise UserError(
        f"no receipt fits {wanted!r}",
        fix=f"The latest here are {', '.join(row[0] for row in some)}; `jwo receipts export DIR` writes all.",
    )


def issued(entry: Kept) -> ReceiptIssued:
    """The receipt in an entry that `find` gave."""
    if not isinstance(entry.value, ReceiptIssued):
        raise TypeError(f"entry {entry.seq} is a {entry.kind}, not a receipt")
    return entry.value


def product_names(session: Session) -> dict[str, str]:
    """Names of the products that stand on any receipt of this journal, or that a line of one may have been."""
    return dict(session.rows("SELECT product_id, name FROM products"))
