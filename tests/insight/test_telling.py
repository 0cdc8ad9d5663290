"""Words for what happened: every kind of action has some, and no two ways to explain an event are told alike."""

from __future__ import annotations

import pytest

from jwo_cli.insight.audit import EventAudit, ReceiptAudit
from jwo_cli.insight.telling import DONE, event_text
from jwo_cli.model.decisions import ActionKind, Explanation
from tests.shop.corner import bought, sure

RECEIPT = bought(sure("cola"))  # of the visit v1
WHOLE = ReceiptAudit(
    seq=9,
    source="run/x",
    layout_version="1",
    receipt=RECEIPT,
    began_ns=0,
    lines=(),
    others=(),
    corrections=(),
    tracks={RECEIPT.visit_id: "7", "v2": "12"},
    names={"tissues": "Paper tissues"},
)


def way(visit: str | None, action: ActionKind, *items: tuple[str, int]) -> Explanation:
    return Explanation(visit_id=visit, action=action, items=items, probability=0.5)


def told(kind: str, *ways: Explanation) -> list[str]:
    """What stands behind the probability of each way."""
    event = EventAudit(
        seq=4,
        kind=kind,
        at_ns=0,
        after_s=1.0,
        track_id="7",
        place="s1",
        length_s=1.0,
        plates=(),
        real=None,
        steps=None,
        poses_known=True,
        reaches=(),
        explanations=ways,
        traces=(),
    )
    return [row.partition("%  ")[2] for row in event_text(event, WHOLE).splitlines() if "%  " in row]


def test_every_action_has_words() -> None:
    """A new kind of explanation never stops an audit for want of a verb."""
    assert set(DONE) == set(ActionKind)
    assert all(DONE.values())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (way("v1", ActionKind.PICK, ("tissues", 2)), "this shopper took 2 × Paper tissues"),
        (way("v2 & v1", ActionKind.PICK, ("tissues", 2)), "shopper 12 and this shopper took 2 × Paper tissues"),
        (way(None, ActionKind.PICK, ("tissues", 1)), "nobody we know took 1 × Paper tissues"),
        (way("v1", ActionKind.PUT), "this shopper laid down something of their own"),
        (way(None, ActionKind.NONE), "nothing was taken, put back or handed over"),
    ],
)
def test_who_did_what_is_said_as_people_say_it(found: Explanation, words: str) -> None:
    """Everybody by their tracker's number, this shopper as such, also where two acted at once."""
    assert told("weight_changed", found) == [words]


def test_a_doubted_identity_is_no_act() -> None:
    """The ids kept to their people, or somebody went on under another: two ways, told apart."""
    ways = told("identity_doubted", way(None, ActionKind.NONE), way("v2", ActionKind.NONE))
    assert ways == [
        "every tracker id kept to its person",
        "from then on shopper 12 went under another tracker id",
    ]
