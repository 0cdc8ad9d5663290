"""The truth of a simulation in the form in which recordings keep it."""

from __future__ import annotations

from jwo_cli.recordings import TrueEvent, TrueItem, TrueReceipt, Truth

from .simulate import Simulated, Visit
from .stage import Happened
from .tracker import stamp_ns


def truth_of(made: Simulated) -> Truth:
    """Receipts of shoppers (staff have none) and all events, in order."""
    final = {visit.key: visit.ids[-1] for visit in made.visits}
    return Truth(
        scenario=made.script.scenario,
        receipts=tuple(receipt_of(visit) for visit in made.visits if not visit.staff),
        events=tuple(event_of(event, final, made.script.start_ns) for event in made.events),
    )


def receipt_of(visit: Visit) -> TrueReceipt:
    """What a visit comes to."""
    items = tuple(TrueItem(product_id=product, quantity=count) for product, count in visit.items)
    return TrueReceipt(track_id=visit.ids[-1], all_ids=tuple(dict.fromkeys(visit.ids)), items=items)


def event_of(event: Happened, final: dict[str, str], start_ns: int) -> TrueEvent:
    """One event; people by the id that they carried last."""
    return TrueEvent(
        at_ns=stamp_ns(start_ns, event.at_s),
        kind=event.kind,
        track_id=final[event.actor],
        products=event.products,
        plates=event.plates,
        delta_g=round(event.delta_g, 1),
        to_track_id=None if event.to is None else final[event.to],
    )
