"""Where receipts to be scored come from: a journal, or a file in the competition's form; and events from a journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jwo_cli.journal import Session
from jwo_cli.model.findings import UserError
from jwo_cli.recordings import open_recording

from .scoring import Judged
from .truth import TrueCase, TrueEvent, bag_of

# A true event and an observed one are the same when this close: traces of slow lifts take seconds.
MATCH_S = 2.5
# The beginning of a slow lift is told with its end.
_NO_EVENT = ("none", "part")


def from_file(path: Path, cases: Sequence[TrueCase]) -> dict[str, list[Judged]]:
    """Receipts of a file `{"<case>": [{"target_id", "products": [{"barcode", "quantity"}], "settled"?}]}`."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        known = {case.name: case for case in cases}
        found: dict[str, list[Judged]] = {}
        for name, entries in raw.items():
            if name not in known:
                raise UserError(f"{path}: there is no truth for {name!r}", fix="Name its folder with --truth.")
            listed = entries.get("receipts", []) if isinstance(entries, dict) else (entries or [])
            found[name] = [_judged(name, entry, known[name].alias) for entry in listed]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path}: not receipts ({error!r})", fix="`jwo replay … --export autocheckout --output FILE` writes them."
        ) from error
    return found


def _judged(case: str, entry: dict[str, Any], alias: Mapping[str, str]) -> Judged:
    bag = bag_of(((str(p["barcode"]), p.get("quantity", 1)) for p in entry.get("products", ())), alias)
    automatic = entry.get("settled", "automatic") == "automatic"
    return Judged(case, str(entry["target_id"]), bag, automatic, charged=bag if automatic else Counter())


def sources(cases: Sequence[TrueCase]) -> dict[str, TrueCase]:
    """The journal's source of each case's recording -> case; the same for a raw folder and its import."""
    return {f"recording/{open_recording(case.folder).recording_id[:16]}": case for case in cases}


def from_journal(session: Session, cases: Mapping[str, TrueCase]) -> dict[str, list[Judged]]:
    """The receipts that a journal holds of these cases (by source). Raises UserError where it holds none of them."""
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
        if case is None:
            continue
        own = lines.get(receipt_id, [])
        bag: Counter[str] = Counter()
        taken: Counter[str] = Counter()
        odds: dict[str, float] = {}
        for product, quantity, line_probability, charged in own:
            bag[product] += quantity
            taken[product] += quantity if charged else 0
            odds[product] = min(odds.get(product, 1.0), line_probability)
        stated = tuple((product, bag[product], odds[product]) for product in bag)
        judged = Judged(case.name, track_id, bag, settled == "automatic", probability, stated, +taken)
        found[case.name].append(judged)
    return found


def event_scores(session: Session, cases: Mapping[str, TrueCase]) -> dict[str, float | int | None]:
    """How many true picks and puts were found, with the right product, count and person, and how many were invented."""
    seen = _explained(session, cases)
    true_count = found = product_right = count_right = person_right = invented = 0
    for source, case in cases.items():
        events = [event for event in case.events if event.plates]
        real = [event for event in events if event.kind in ("pick", "put", "restock")]
        left = list(seen.get(source, ()))
        true_count += len(real)
        for event in real:
            match = _closest(event, left)
            if match is None:
                continue
            left.remove(match)
            found += 1
            want, got = Counter(event.products), Counter(dict(match["items"]))
            product_right += set(want) == set(got)
            count_right += want == got
            mine = case.owner.get(event.track_id)
            person_right += mine is None or mine in [case.owner.get(track) for track in match["tracks"]]
        invented += len(left)
    return {
        "true": true_count,
        "found": _part(found, true_count),
        "right_product": _part(product_right, true_count),
        "right_count": _part(count_right, true_count),
        "right_person": _part(person_right, true_count),
        "invented": invented,
    }


def _part(count: int, whole: int) -> float | None:
    return round(count / whole, 4) if whole else None


def _closest(event: TrueEvent, candidates: list[dict[str, Any]]) -> dict[str, Any] | None:
    fitting = [
        item
        for item in candidates
        if abs(item["at_s"] - event.at_s) <= MATCH_S
        and set(item["plates"]) & set(event.plates)
        and (item["delta_g"] > 0) == (event.kind != "pick")
    ]
    return min(fitting, key=lambda item: abs(item["at_s"] - event.at_s), default=None)


def _explained(session: Session, cases: Mapping[str, TrueCase]) -> dict[str, list[dict[str, Any]]]:
    """The journal's last word on each weight event: its best explanation, where that is not `none`."""
    tracks = dict(session.rows("SELECT visit_id, track_id FROM visit_started"))
    tracks |= dict(session.rows("SELECT visit_id, track_id FROM visit_ended"))
    last: dict[int, list[dict[str, Any]]] = {}
    for (payload,) in session.rows("SELECT payload FROM entries WHERE kind = 'event_explained' ORDER BY seq"):
        document = json.loads(payload) if isinstance(payload, str) else payload
        last[document["event_seq"]] = document["explanations"]
    found: dict[str, list[dict[str, Any]]] = {}
    query = "SELECT seq, source, payload FROM entries WHERE kind = 'weight_changed' ORDER BY seq"
    for seq, source, payload in session.rows(query):
        best = last.get(seq)
        if source not in cases or not best or best[0]["action"] in _NO_EVENT:
            continue
        document = json.loads(payload) if isinstance(payload, str) else payload
        found.setdefault(source, []).append(
            {
                "at_s": document["at_ns"] / 1e9,
                "plates": [plate["plate_id"] for plate in document["plates"]],
                "delta_g": sum(plate["delta_g"] for plate in document["plates"]),
                "items": [tuple(item) for item in best[0]["items"]],
                "tracks": [tracks.get(visit, visit) for visit in (best[0]["visit_id"] or "").split(" & ")],
            }
        )
    return found
