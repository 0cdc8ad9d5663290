"""Where receipts to be scored come from: a journal, or a file in the competition's form."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jwo_cli.journal import Session
from jwo_cli.model.decisions import ReceiptIssued, Settlement
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import open_recording

from .scoring import Judged
from .truth import MALFORMED, TrueCase, bag_of, why

# So many cases are named before the rest is counted.
_NAMED = 5


def from_file(path: Path, cases: Sequence[TrueCase]) -> dict[str, list[Judged]]:
    """Receipts of a file `{"<case>": [{"target_id", "products": [{"barcode", "quantity"}], "settled"?}]}`.

    Raises UserError naming the file, and the case and receipt that do not fit.
    """
    fix = "`jwo replay … --export autocheckout --output FILE` writes them."
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except MALFORMED as error:
        raise UserError(f"{path}: not receipts: {why(error)}", fix=fix) from error
    if not isinstance(raw, dict):
        raise UserError(f"{path}: not receipts: an object of cases is expected, not a {type(raw).__name__}", fix=fix)
    known = {case.name: case for case in cases}
    found: dict[str, list[Judged]] = {}
    for name, entries in raw.items():
        if name not in known:
            raise UserError(f"{path}: there is no truth for {name!r}", fix="Name its folder with --truth.")
        where = name
        try:
            listed = entries.get("receipts", []) if isinstance(entries, dict) else (entries or [])
            found[name] = []
            for number, entry in enumerate(listed, 1):
                where = f"{name}, receipt {number}"
                found[name].append(_judged(name, entry, known[name].alias))
        except MALFORMED as error:
            raise UserError(f"{path}: {where}: not a receipt: {why(error)}", fix=fix) from error
    return found


def doubts(cases: Sequence[TrueCase], found: Mapping[str, Sequence[Judged]]) -> list[str]:
    """What a reader of the figures should know: cases of which nothing is there, money that cannot be added up."""
    said = []
    absent = [case.name for case in cases if case.name not in found]
    if absent:
        names = ", ".join(absent[:_NAMED]) + (f" and {len(absent) - _NAMED} more" if len(absent) > _NAMED else "")
        said.append(
            f"nothing is there of {len(absent)} of {len(cases)} cases, which count as if everybody had left with "
            f"nothing and nobody had doubted it: {names}"
        )
    currencies = sorted({case.currency for case in cases if case.currency})
    if len(currencies) > 1:
        said.append(f"money in {', '.join(currencies)} is added up as it stands: score each currency by itself")
    return said


def _judged(case: str, entry: dict[str, Any], alias: Mapping[str, str]) -> Judged:
    bag = bag_of(((str(p["barcode"]), p.get("quantity", 1)) for p in entry.get("products", ())), alias)
    automatic = entry.get("settled", "automatic") == "automatic"
    return Judged(case, str(entry["target_id"]), bag, automatic, charged=bag if automatic else Counter())


def sources(cases: Sequence[TrueCase]) -> dict[str, TrueCase]:
    """The journal's source of each case's recording -> case; the same for a raw folder and its import."""
    return {f"recording/{open_recording(case.folder).recording_id[:16]}": case for case in cases}


def from_journal(session: Session, cases: Mapping[str, TrueCase]) -> dict[str, list[Judged]]:
    """What a journal holds of these cases (by source): receipts, and visits that ended without one.

    Raises UserError where it holds none of them.
    """
    here = {row[0] for row in session.rows("SELECT DISTINCT source FROM entries")}
    if not any(source in here for source in cases):
        raise UserError(
            "the journal holds none of these recordings", fix="`jwo replay DIR… --journal JOURNAL` puts them there."
        )
    found: dict[str, list[Judged]] = {case.name: [] for source, case in cases.items() if source in here}
    lines: dict[str, list[tuple[str, int, float, bool]]] = {}
    query = "SELECT receipt_id, product_id, quantity, probability, charged FROM lines ORDER BY seq, line_no"
    for receipt_id, product, quantity, probability, charged in session.rows(query):
        lines.setdefault(receipt_id, []).append((product, quantity, probability, charged))
    query = "SELECT source, receipt_id, track_id, settled, probability FROM receipts ORDER BY seq"
    for source, receipt_id, track_id, settled, probability in session.rows(query):
        case = cases.get(source)
        if case is not None:
            automatic = settled == "automatic"
            found[case.name].append(_receipt(case, track_id, automatic, probability, lines.get(receipt_id, [])))
    query = (
        "SELECT source, track_id, probability FROM visit_ended WHERE visit_id NOT IN "
        "(SELECT visit_id FROM receipt_issued) AND visit_id IN "
        "(SELECT visit_id FROM visit_started WHERE role = 'shopper') ORDER BY seq"
    )
    for source, track_id, probability in session.rows(query):
        case = cases.get(source)
        if case is not None:
            found[case.name].append(Judged(case.name, track_id, Counter(), automatic=True, probability=probability))
    return found


def from_receipts(case: TrueCase, receipts: Sequence[ReceiptIssued]) -> list[Judged]:
    """The receipts that a replay of a case gave."""
    return [
        _receipt(
            case,
            receipt.track_id,
            receipt.settled is Settlement.AUTOMATIC,
            receipt.probability,
            [(line.product_id, line.quantity, line.probability, line.charged) for line in receipt.lines],
        )
        for receipt in receipts
    ]


def _receipt(
    case: TrueCase, track_id: str, automatic: bool, probability: float, lines: Sequence[tuple[str, int, float, bool]]
) -> Judged:
    bag: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    odds: dict[str, float] = {}
    for product, quantity, line_probability, charged in lines:
        bag[product] += quantity
        taken[product] += quantity if charged else 0
        odds[product] = min(odds.get(product, 1.0), line_probability)
    stated = tuple((product, bag[product], odds[product]) for product in bag)
    return Judged(case.name, track_id, bag, automatic, probability, stated, +taken)
