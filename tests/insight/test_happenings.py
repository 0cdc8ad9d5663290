"""What a journal says of events is held against what happened: parts of a lift are no events, two may act at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from jwo_cli import journal
from jwo_cli.insight.happenings import EventScores, event_scores
from jwo_cli.insight.truth import TrueCase, TrueEvent
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ActionKind, Decision, EventExplained, Explanation, VisitEnded, VisitStarted
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.observations import FloorTouched, HandsMet, Observation, PlateDelta, Role, WeightChanged

S = 1_000_000_000
OWNER = {"ann": 0, "bob": 1}


def weighed(at_s: int, grams: float) -> WeightChanged:
    """A change on plate s.p1."""
    return WeightChanged(
        at_ns=at_s * S, begin_ns=at_s * S, end_ns=at_s * S, shelf_id="s", real=1.0, reaches=(),
        plates=(PlateDelta(plate_id="s.p1", delta_g=grams, sigma_g=1.0),),
    )  # fmt: skip


def explained(seq: int, action: ActionKind, who: str | None, *items: tuple[str, int]) -> EventExplained:
    """Event `seq`, surely this."""
    only = Explanation(visit_id=who, action=action, items=items, probability=1.0)
    return EventExplained(at_ns=0, event_seq=seq, explanations=(only,))


def scored(place: Path, happened: list[Observation | Decision], case: TrueCase) -> EventScores:
    """The entries as a journal, scored; entry n is the n-th."""
    entries = [
        NewEntry(
            key=str(n), at_ns=value.at_ns, source="recording/x", kind=kind_of(type(value)), payload=encode(value),
            caused_by=(), store_id="little", layout_version="1",
        )
        for n, value in enumerate(happened)
    ]  # fmt: skip
    with journal.Intake.open(place, store_id="little", layout_version="1") as intake, intake.transaction():
        intake.append(entries)
    with journal.open_journal(place) as session:
        return event_scores(session, {"recording/x": case})


def case(*events: TrueEvent, owner: dict[str, int] | None = None) -> TrueCase:
    """A case of class 'k' in which these things happened."""
    return TrueCase("c", "k", Path(), (), owner or OWNER, events, {}, {})


def test_a_slow_lift_is_one_event_and_two_hands_are_two_people(tmp_path: Path) -> None:
    """A tea leaves in two parts, then two people take a cola each in one change: two true events, nothing invented."""
    found = scored(
        tmp_path / "j",
        [
            weighed(10, -60.0),
            weighed(11, -60.0),
            weighed(30, -700.0),
            explained(1, ActionKind.PART, "ann"),
            explained(2, ActionKind.PICK, "ann", ("tea", 1)),
            explained(3, ActionKind.PICK, "ann & bob", ("cola", 2)),
        ],
        case(
            TrueEvent(11.0, "pick", ("s.p1",), ("tea",), "ann"),
            TrueEvent(30.0, "pick", ("s.p1",), ("cola", "cola"), "bob"),
        ),
    )
    assert found.total == {
        "true": 2, "found": 1.0, "right_product": 1.0, "right_count": 1.0, "right_person": 1.0, "invented": 0,
    }  # fmt: skip
    assert found.classes == {"k": found.total}
    assert found.kinds == {"pick": found.total}


def test_hand_overs_and_the_floor_are_events_too(tmp_path: Path) -> None:
    """Ann hands Bob a tea, he leaves it on the floor, she takes it up; a hand that goes down for nothing is none."""
    floor = [FloorTouched(at_ns=at * S, track_id=who, x_m=1, y_m=1, probability=0.5) for at, who in
             ((20, "bob"), (40, "ann"), (50, "ann"))]  # fmt: skip
    found = scored(
        tmp_path / "j",
        [
            HandsMet(at_ns=10 * S, until_ns=11 * S, a="bob", b="ann", distance_m=0.1, probability=0.5),
            *floor,
            explained(1, ActionKind.HAND_OVER, "ann", ("tea", 1)),
            explained(2, ActionKind.MISPLACE, "bob", ("tea", 1)),
            explained(3, ActionKind.PICK, "ann", ("tea", 1)),
            explained(4, ActionKind.NONE, "ann"),
        ],
        case(
            TrueEvent(10.5, "handover", (), ("tea",), "ann", to_track_id="bob"),
            TrueEvent(20.4, "left_on_floor", (), ("tea",), "bob"),
            TrueEvent(39.0, "taken_from_floor", (), ("tea",), "ann"),
        ),
    )
    whole = {"true": 1, "found": 1.0, "right_product": 1.0, "right_count": 1.0, "right_person": 1.0, "invented": 0}
    assert found.kinds == {"hand over": whole, "to the floor": whole, "from the floor": whole}


def test_who_gave_and_who_took_must_both_be_right(tmp_path: Path) -> None:
    """The other way round is found, with the right product, and between the wrong people."""
    found = scored(
        tmp_path / "j",
        [
            HandsMet(at_ns=10 * S, until_ns=11 * S, a="bob", b="ann", distance_m=0.1, probability=0.5),
            explained(1, ActionKind.HAND_OVER, "bob", ("tea", 1)),
        ],
        case(TrueEvent(10.5, "handover", (), ("tea",), "ann", to_track_id="bob")),
    )
    assert (found.total["right_product"], found.total["right_person"]) == (1.0, 0.0)


@pytest.mark.parametrize(("visit", "right"), [("v-1", 1.0), ("v-2", 0.0)])
def test_visits_are_people_whatever_id_they_carried(tmp_path: Path, visit: str, right: float) -> None:
    """Two exchange ids: what was done before counts for the visit of who did it, by the id that it ended with."""
    event = TrueEvent(30.0, "pick", ("s.p1",), ("tea",), "bob")
    first = {"ann": 0, "bob": 1}
    swapped = TrueCase("c", "k", Path(), (), {"bob": 0, "ann": 1}, (event,), {}, {}, first_owner=first, switched_s=50.0)
    told: list[Observation | Decision] = [
        VisitStarted(at_ns=1, visit_id="v-1", track_id="ann", role=Role.SHOPPER),
        VisitStarted(at_ns=1, visit_id="v-2", track_id="bob", role=Role.SHOPPER),
        weighed(30, -120.0),
        explained(3, ActionKind.PICK, visit, ("tea", 1)),
        VisitEnded(at_ns=60 * S, visit_id="v-1", track_id="bob", probability=1.0),
        VisitEnded(at_ns=60 * S, visit_id="v-2", track_id="ann", probability=1.0),
    ]
    assert scored(tmp_path / "j", told, swapped).total["right_person"] == right


@pytest.mark.parametrize(("giver", "right"), [("v-1", 1.0), ("v-2", 0.0)])
def test_who_received_is_told_across_an_exchange_of_ids(tmp_path: Path, giver: str, right: float) -> None:
    """Ann hands Bob a tea, then their ids are exchanged: she leaves as 'bob', he as 'ann'."""
    event = TrueEvent(10.5, "handover", (), ("tea",), "bob", to_track_id="ann")
    first = {"ann": 0, "bob": 1}
    swapped = TrueCase("c", "k", Path(), (), {"bob": 0, "ann": 1}, (event,), {}, {}, first_owner=first, switched_s=50.0)
    told: list[Observation | Decision] = [
        HandsMet(at_ns=10 * S, until_ns=11 * S, a="ann", b="bob", distance_m=0.1, probability=0.5),
        explained(1, ActionKind.HAND_OVER, giver, ("tea", 1)),
        VisitEnded(at_ns=60 * S, visit_id="v-1", track_id="bob", probability=1.0),
        VisitEnded(at_ns=60 * S, visit_id="v-2", track_id="ann", probability=1.0),
    ]
    assert scored(tmp_path / "j", told, swapped).total["right_person"] == right


def test_what_staff_did_blames_no_shopper(tmp_path: Path) -> None:
    """A restock by somebody who is no shopper is right where nobody we know, or no shopper, is named."""
    truth = case(TrueEvent(10.0, "restock", ("s.p1",), ("tea",), "sam", delta_g=120.0))
    nobody = [weighed(10, 120.0), explained(1, ActionKind.RESTOCK, None, ("tea", 1))]
    blamed = [weighed(10, 120.0), explained(1, ActionKind.PUT, "ann", ("tea", 1))]
    assert scored(tmp_path / "a", [*nobody], truth).total["right_person"] == 1.0
    assert scored(tmp_path / "b", [*blamed], truth).total["right_person"] == 0.0


def test_a_hand_that_leans_and_goes_invents_nothing(tmp_path: Path) -> None:
    """Something that is not for sale came to a plate and left it: no pick, no put."""
    leant = [
        weighed(10, 90.0),
        weighed(13, -90.0),
        explained(1, ActionKind.PUT, "ann"),
        explained(2, ActionKind.PICK, None),
    ]
    found = scored(tmp_path / "j", [*leant], case(TrueEvent(11.0, "touch", ("s.p1",), (), "ann")))
    assert (found.total["true"], found.total["invented"]) == (0, 0)


def test_what_never_happened_is_invented(tmp_path: Path) -> None:
    """A weight change far from any event in time, and one on other plates."""
    found = scored(
        tmp_path / "j",
        [
            weighed(10, -120.0),
            weighed(30, -120.0),
            explained(1, ActionKind.PICK, "ann", ("tea", 1)),
            explained(2, ActionKind.PICK, "ann", ("tea", 1)),
        ],
        case(
            TrueEvent(10.0, "pick", ("s.p9",), ("tea",), "ann"),
            TrueEvent(27.0, "pick", ("s.p1",), ("tea",), "ann"),
            TrueEvent(10.0, "touch", ("s.p1",), (), "ann"),
        ),
    )
    assert (found.total["true"], found.total["found"], found.total["invented"]) == (2, 0.0, 2)
