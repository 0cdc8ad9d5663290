"""An audit in words: the event, who was near, the ways to explain it, and the weight as a small plot."""

from __future__ import annotations

from jwo_cli.insight.audit import EventAudit, LineAudit, ReceiptAudit
from jwo_cli.insight.plots import weight_plot
from jwo_cli.model.decisions import ActionKind, Explanation
from jwo_cli.model.observations import Reach
from jwo_cli.printing import percent

WAYS_SHOWN = 4
NEAR_SHOWN = 4
# What is less probable than this is left out of the text; the JSON has all.
WORTH_SAYING = 0.001
DONE = {
    ActionKind.PICK: "took",
    ActionKind.PUT: "put back",
    ActionKind.MISPLACE: "put in another place",
    ActionKind.HAND_OVER: "handed over",
    ActionKind.RESTOCK: "restocked",
    ActionKind.PART: "began what the next change there ended",
    ActionKind.NONE: "did nothing",
}


def line_title(number: int, audited: LineAudit, whole: ReceiptAudit) -> str:
    """'Line 1: 2 × Spring water, 98.2 % sure', and what else the line may be."""
    line = audited.line
    text = f"Line {number}: {line.quantity} × {line.name}, {percent(line.probability)} sure"
    if not line.charged:
        text += ", not charged"
    others = [
        f"{other.quantity} × {whole.names.get(other.product_id, other.product_id)} {percent(other.probability)}"
        if other.quantity
        else f"none of it {percent(other.probability)}"
        for other in line.alternatives[:WAYS_SHOWN]
        if other.probability >= WORTH_SAYING
    ]
    return text + (f"\n  or: {', '.join(others)}" if others else "")


def event_text(event: EventAudit, whole: ReceiptAudit, *, plots: bool = True) -> str:
    """One event as a paragraph."""
    parts = [f"  entry {event.seq}, {event.after_s:.1f} s into the visit: {_measured(event)}"]
    if event.kind == "weight_changed" and not event.poses_known:
        parts.append("    no camera could have seen anybody there: who it was is guessed from the visit alone")
    parts += [f"    near: {_near(reach)}{_whose(reach.track_id, event)}" for reach in event.reaches[:NEAR_SHOWN]]
    for way in event.explanations[:WAYS_SHOWN]:
        if way.probability >= WORTH_SAYING:
            parts.append(f"    {percent(way.probability):>8}  {_way(way, event, whole)}")
    if plots:
        for trace in event.traces:
            plot = weight_plot(trace, length_s=event.length_s)
            if plot:
                parts.append(f"    {trace.plate_id}, grams against seconds from the begin of the change:")
                parts += [f"    {row}" for row in plot.split("\n")]
    return "\n".join(parts) + "\n"


def _measured(event: EventAudit) -> str:
    if event.kind == "unread_stay":
        return f"near {event.place} for {event.length_s:.1f} s, while nothing was read there"
    if event.kind != "weight_changed":
        return event.kind.replace("_", " ") + (f" at {event.place}" if event.place else "")
    plates = ", ".join(f"{plate.plate_id} {plate.delta_g:+.1f} ± {plate.sigma_g:.1f} g" for plate in event.plates)
    text = f"the weight on {event.place} changed within {event.length_s:.1f} s: {plates}"
    if event.steps is not None and event.steps > 1:
        text += f", in {event.steps} lifts"
    return text


def _near(reach: Reach) -> str:
    hand = "hand not seen" if reach.hand_m is None else f"hand {reach.hand_m:.2f} m away"
    body = "" if reach.body_m is None else f", body {reach.body_m:.2f} m"
    return f"{reach.track_id}, {hand}{body}"


def _whose(track_id: str, event: EventAudit) -> str:
    return " (this shopper)" if track_id == event.track_id else ""


def _way(way: Explanation, event: EventAudit, whole: ReceiptAudit) -> str:
    who = " and ".join(_who(visit, whole) for visit in way.visits) or "nobody we know"
    if event.kind == "identity_doubted":
        if not way.visits:
            return "every tracker id kept to its person"
        return f"from then on {who} went under another tracker id"
    if way.action is ActionKind.NONE:
        return "nothing was taken, put back or handed over"
    if way.action is ActionKind.PUT and not way.items:
        return f"{who} laid down something of their own"
    items = " and ".join(f"{count} × {whole.names.get(product, product)}" for product, count in way.items)
    return f"{who} {DONE[way.action]}{' ' + items if items else ''}"


def _who(visit_id: str, whole: ReceiptAudit) -> str:
    return "this shopper" if visit_id == whole.receipt.visit_id else f"shopper {whole.tracks.get(visit_id, visit_id)}"
