"""A made-up day in a shop, as the entries that a driver would append: visits, weights, beliefs, receipts.

Deterministic in its arguments; `first_seq` is the seq that the first entry will get, so that causes are right.
"""

from __future__ import annotations

import random
from pathlib import Path

from jwo_cli.journal import Intake
from jwo_cli.model import codec
from jwo_cli.model.decisions import (
    ActionKind,
    CartChanged,
    CartLine,
    Decision,
    EventExplained,
    Explanation,
    LineAlternative,
    MassDoubted,
    ReceiptIssued,
    ReceiptLine,
    ReviewNeeded,
    Settlement,
    VisitEnded,
    VisitStarted,
)
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import (
    DeviceFaulted,
    FaultKind,
    Observation,
    PlateDelta,
    Reach,
    Role,
    ShelfTouched,
    StoreClosed,
    StoreOpened,
    TrackEnded,
    TrackStarted,
    WeightChanged,
)

S = 1_000_000_000
T0 = 1_700_000_000 * S
LAYOUT = "layout-1"


class _Day:
    def __init__(self, source: str, first_seq: int) -> None:
        self.source = source
        self.entries: list[NewEntry] = []
        self._next = first_seq

    def add(self, value: Observation | Decision, *causes: int) -> int:
        kind = codec.kind_of(type(value))
        self.entries.append(
            NewEntry(
                key=f"{self.source}:{len(self.entries)}",
                at_ns=value.at_ns,
                source=self.source,
                kind=kind,
                payload=codec.encode(value),
                caused_by=causes,
            )
        )
        self._next += 1
        return self._next - 1


def day(visits: int, *, seed: int = 0, source: str = "day", first_seq: int = 1) -> list[NewEntry]:
    """Entries of a day with so many visits: every fourth under review, every seventh with a fault."""
    rng, made = random.Random(f"{seed}{source}"), _Day(source, first_seq)
    at_ns = T0
    made.add(StoreOpened(at_ns=at_ns, recording_id=source, layout_version=LAYOUT))
    for visit in range(visits):
        at_ns = _visit(made, rng, visit, at_ns + 60 * S)
    made.add(StoreClosed(at_ns=at_ns + 60 * S))
    return made.entries


def _visit(made: _Day, rng: random.Random, visit: int, at_ns: int) -> int:
    track, visit_id = f"t{visit}", f"{made.source}-v{visit}"
    seen = made.add(TrackStarted(at_ns=at_ns, track_id=track, x_m=0.5, y_m=rng.randrange(5000) / 1000))
    made.add(VisitStarted(at_ns=at_ns, visit_id=visit_id, track_id=track, role=Role.SHOPPER, account="acct-7"), seen)
    events = []
    for step in range(2):
        at_ns += 5 * S
        events.append((_pick(made, rng, track, visit_id, at_ns), f"4006381{rng.randrange(10):06d}", 1 + step))
    if visit % 7 == 6:
        fault = DeviceFaulted(at_ns=at_ns, device_id="g1.s5.p11", kind=FaultKind.STUCK, until_ns=at_ns + 9 * S)
        made.add(fault)
        made.add(
            MassDoubted(
                at_ns=at_ns, product_id=events[0][1], listed_g=351.5, measured_g=340.25, events=4, probability=0.97
            ),
            events[0][0],
        )
    at_ns += 10 * S
    gone = made.add(TrackEnded(at_ns=at_ns, track_id=track, x_m=0.1, y_m=0.2))
    ended = made.add(VisitEnded(at_ns=at_ns, visit_id=visit_id, track_id=track), gone)
    issued = receipt(visit_id, track, events, at_ns, review=visit % 4 == 3)
    made.add(issued, ended, *(seq for seq, _, _ in events))
    if issued.settled is Settlement.REVIEW:
        doubt = ReviewNeeded(
            at_ns=at_ns,
            receipt_id=issued.receipt_id,
            visit_id=visit_id,
            product_id=events[1][1],
            reason="two were near",
        )
        made.add(doubt, ended)
    return at_ns


def _pick(made: _Day, rng: random.Random, track: str, visit_id: str, at_ns: int) -> int:
    reach = Reach(track_id=track, log_likelihood=-0.5, hand_m=rng.randrange(300) / 1000, body_m=None)
    plates = tuple(
        PlateDelta(plate_id=f"g1.s5.p{place}", delta_g=-rng.randrange(50000) / 100, sigma_g=1.25) for place in (1, 2)
    )
    event = made.add(
        WeightChanged(
            at_ns=at_ns,
            begin_ns=at_ns - S,
            end_ns=at_ns,
            shelf_id="g1.s5",
            plates=plates,
            real=0.99,
            reaches=(reach,),
        )
    )
    made.add(
        ShelfTouched(
            at_ns=at_ns,
            begin_ns=at_ns,
            end_ns=at_ns,
            shelf_id="g1.s5",
            plates=("g1.s5.p1",),
            peak_g=80.0,
            reaches=(reach,),
        )
    )
    ways = (
        Explanation(visit_id=visit_id, action=ActionKind.PICK, items=(("4006381000000", 1),), probability=0.9375),
        Explanation(visit_id=None, action=ActionKind.NONE, items=(), probability=0.0625),
    )
    made.add(EventExplained(at_ns=at_ns, event_seq=event, explanations=ways), event)
    line = CartLine(product_id="4006381000000", quantity=1, probability=0.9375, caused_by=(event,))
    made.add(CartChanged(at_ns=at_ns, visit_id=visit_id, lines=(line,)), event)
    return event


def receipt(
    visit_id: str, track: str, events: list[tuple[int, str, int]], at_ns: int, *, review: bool = False
) -> ReceiptIssued:
    """A receipt of (event, product, quantity); under review its last line is not charged."""
    lines = tuple(
        ReceiptLine(
            product_id=product,
            name=f"product {product}",
            quantity=quantity,
            unit_price_minor=119,
            discount_minor=0,
            deposit_minor=25 * quantity,
            tax_class="standard",
            tax_rate_bp=1900,
            tax_minor=19 * quantity,
            total_minor=144 * quantity,
            probability=0.9375,
            charged=not (review and event == events[-1][0]),
            caused_by=(event,),
            alternatives=(LineAlternative(product_id=product, quantity=quantity + 1, probability=0.0625),),
        )
        for event, product, quantity in events
    )
    return ReceiptIssued(
        at_ns=at_ns,
        receipt_id=f"r-{visit_id}",
        visit_id=visit_id,
        track_id=track,
        currency="EUR",
        lines=lines,
        total_minor=sum(line.total_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        charged_minor=sum(line.total_minor for line in lines if line.charged),
        settled=Settlement.REVIEW if review else Settlement.AUTOMATIC,
        probability=0.5 if review else 0.9375,
    )


def journal(directory: Path, visits: int = 8, *, source: str = "day") -> Path:
    """A journal at `directory` that holds such a day; returns the directory."""
    with Intake.open(directory, store_id="shop", layout_version=LAYOUT) as intake:
        intake.append(day(visits, source=source, first_seq=intake.head()[0] + 1))
    return directory


def note(key: str, at_ns: int = T0, *causes: int) -> NewEntry:
    """The smallest entry there is: the clock ticked."""
    return NewEntry(key=key, at_ns=at_ns, source="test", kind="ticked", payload={"at_ns": at_ns}, caused_by=causes)
