"""What a journal says of events is held against what happened: parts of a lift are no events, two may act at once."""

from __future__ import annotations

from pathlib import Path

from jwo_cli import journal
from jwo_cli.insight.judged import event_scores
from jwo_cli.insight.truth import TrueCase, TrueEvent
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ActionKind, EventExplained, Explanation
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import PlateDelta, WeightChanged

S = 1_000_000_000


def explained(seq: int, action: ActionKind, who: str | None, *items: tuple[str, int]) -> EventExplained:
    """Event `seq`, surely this."""
    only = Explanation(visit_id=who, action=action, items=items, probability=1.0)
    return EventExplained(at_ns=0, event_seq=seq, explanations=(only,))


def test_a_slow_lift_is_one_event_and_two_hands_are_two_people(tmp_path: Path) -> None:
    """A tea leaves in two parts, then two people take a cola each in one change: two true events, nothing invented."""
    changes = [
        WeightChanged(
            at_ns=at * S, begin_ns=at * S, end_ns=at * S, shelf_id="s", real=1.0, reaches=(),
            plates=(PlateDelta(plate_id="s.p1", delta_g=grams, sigma_g=1.0),),
        )
        for at, grams in ((10, -60.0), (11, -60.0), (30, -700.0))
    ]  # fmt: skip
    told = [
        explained(1, ActionKind.PART, "ann"),
        explained(2, ActionKind.PICK, "ann", ("tea", 1)),
        explained(3, ActionKind.PICK, "ann & bob", ("cola", 2)),
    ]
    entries = [
        NewEntry(
            key=str(n), at_ns=value.at_ns, source="recording/x", kind=kind_of(type(value)), payload=encode(value),
            caused_by=(), store_id="little", layout_version="1",
        )
        for n, value in enumerate([*changes, *told])
    ]  # fmt: skip
    with journal.Intake.open(tmp_path / "j", store_id="little", layout_version="1") as intake, intake.transaction():
        intake.append(entries)
    events = (
        TrueEvent(11.0, "pick", ("s.p1",), ("tea",), "ann"),
        TrueEvent(30.0, "pick", ("s.p1",), ("cola", "cola"), "bob"),
    )
    case = TrueCase("c", "k", Path(), (), {"ann": 0, "bob": 1}, events, {}, {})
    with journal.open_journal(tmp_path / "j") as session:
        found = event_scores(session, {"recording/x": case})
    assert found == {
        "true": 2, "found": 1.0, "right_product": 1.0, "right_count": 1.0, "right_person": 1.0, "invented": 0,
    }  # fmt: skip
