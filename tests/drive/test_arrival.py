"""What comes to the doors of a running store late, with a wrong clock, or from nowhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.sources import CardSeen, CodeSeen, DoorReport, Inlet
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.signals import TagRead
from jwo_cli.journal import Intake
from jwo_cli.model.entering import AccountOpened, EntryRefused, Refusal, Role
from jwo_cli.model.layout import GateKind
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.staffing import EntryGranted, GateReleased, Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.entry_code import EntryKeys, account_key, account_reference, make_code
from jwo_cli.shop.gatekeeper import LIFE_S, SHOWING_NS, Gatekeeper
from tests.drive import scene

KEY = b"k" * 32
ANNA = account_reference(7)
HOUR_NS = 3_600 * NS_PER_S


class Door:
    """A store that is open, with one account, at a time that the test moves."""

    def __init__(self, place: Path) -> None:
        self.now_ns = scene.START_NS
        store = scene.store()
        self.way_out = replace(store.gates[0], gate_id="out", kind=GateKind.EXIT)
        self.store = replace(store, gates=(*store.gates, self.way_out))
        self.intake = Intake.open(place / "journal", store_id=store.store_id, layout_version=store.version)
        self.run = LiveStore(
            self.store, self.intake, sources=[], recording=None, rules=Rules(), now_ns=lambda: self.now_ns,
            gatekeeper=Gatekeeper(store.store_id, EntryKeys(current=KEY), needs_payment=False),
        )  # fmt: skip
        self.run.note(ModeChanged(at_ns=self.now_ns, mode=Mode.UP, staff="test"))
        self.run.note(AccountOpened(at_ns=self.now_ns, account=ANNA, role=Role.SHOPPER, commitment=""))

    def give(self, what: Inlet) -> None:
        self.run.take(Arrived("broker", what, time.monotonic_ns()))
        self.run.commit()

    def code(self, at_ns: int, number: int = 0) -> str:
        own = account_key(KEY, self.store.store_id, ANNA)
        return make_code(own, store_id=self.store.store_id, account=ANNA, at_ns=at_ns, number=number)

    def said(self) -> list[Refusal | None]:
        """Each decision at a door: None for an admission."""
        kinds: tuple[type[EntryGranted | EntryRefused], ...] = (EntryGranted, EntryRefused)
        found = self.intake.observed(kinds)
        return [item.refusal if isinstance(item, EntryRefused) else None for _, item in found]

    def faults(self) -> list[tuple[str, FaultKind]]:
        self.run.caretaker.look(now_ns=self.now_ns, monotonic_s=time.monotonic())
        self.run.commit()
        return [(item.device_id, item.kind) for _, item in self.intake.observed([DeviceFaulted])]


def test_a_showing_is_one_also_where_the_gate_s_clock_is_hardly_believed(tmp_path: Path) -> None:
    """Five seconds behind, a little more and a little less: no frame of it is a used code that is shown anew."""
    door = Door(tmp_path)
    text = door.code(door.now_ns)
    for number in range(10):
        door.now_ns += NS_PER_S // 10
        behind_ns = 5 * NS_PER_S + (-1) ** number * NS_PER_S // 20
        door.give(CodeSeen(at_ns=door.now_ns - behind_ns, gate_id=door.store.gates[0].gate_id, text=text))
    assert door.said() == [None]
    door.now_ns += SHOWING_NS + 1
    door.give(CodeSeen(at_ns=door.now_ns, gate_id=door.store.gates[0].gate_id, text=text))
    assert door.said() == [None, Refusal.USED]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.run.end()
    made.intake.close()


def test_a_code_that_waited_in_a_broker_opens_nothing(door: Door) -> None:
    """Half an hour ago it was good; nobody stands there any more."""
    shown_ns = door.now_ns
    door.now_ns += HOUR_NS // 2
    door.give(CodeSeen(at_ns=shown_ns, gate_id="door", text=door.code(shown_ns)))
    assert door.said() == [Refusal.EXPIRED]


@pytest.mark.parametrize("off_s", [-HOUR_NS, -120 * NS_PER_S, 120 * NS_PER_S, HOUR_NS])
def test_a_gate_with_a_wrong_clock_still_reads_codes(door: Door, off_s: int) -> None:
    """By the store's clock; and no code is good twice for it."""
    made_ns = door.now_ns
    for number in (0, 1, 0):
        door.give(CodeSeen(at_ns=door.now_ns + off_s, gate_id="door", text=door.code(made_ns, number)))
        door.now_ns += 2 * SHOWING_NS
    assert door.said() == [None, None, Refusal.USED]


def test_a_card_is_one_showing_and_does_not_open_later(door: Door) -> None:
    """A reader that repeats a card that is held to it lets in once; one that was away opens nothing for the past."""
    for _ in range(10):
        door.give(CardSeen(at_ns=door.now_ns, gate_id="door", account=ANNA))
        door.now_ns += NS_PER_S // 5
    then_ns = door.now_ns
    door.now_ns += (LIFE_S + 1) * NS_PER_S
    door.give(CardSeen(at_ns=then_ns, gate_id="door", account=ANNA))
    assert door.said() == [None, Refusal.EXPIRED]


def test_a_gate_that_is_not_in_the_layout_moves_nothing(door: Door) -> None:
    """Told as trouble that is over, once however many come; nobody is let in, no door counts as open."""
    for number in range(3):
        door.give(CodeSeen(at_ns=door.now_ns, gate_id="$nowhere", text=door.code(door.now_ns, number)))
        door.give(DoorReport(at_ns=door.now_ns, gate_id=f"nowhere-{number}", released=True, reason="fire"))
    assert (door.said(), door.faults()) == ([], 2 * [("doors", FaultKind.UNKNOWN_CHANNEL)])
    assert not list(door.intake.observed([GateReleased]))


def test_nobody_is_kept_inside_while_the_store_closes(door: Door) -> None:
    """A code lets out at a gate that only leads out; the way in stays shut."""
    door.run.note(ModeChanged(at_ns=door.now_ns, mode=Mode.DRAINING, staff="test"))
    door.give(CodeSeen(at_ns=door.now_ns, gate_id="door", text=door.code(door.now_ns, 1)))
    door.give(CodeSeen(at_ns=door.now_ns, gate_id="out", text=door.code(door.now_ns, 2)))
    assert door.said() == [Refusal.CLOSED, None]


def test_a_clock_far_ahead_does_not_move_the_stores_time(door: Door) -> None:
    """A reader in the year 2262 is told once and left out; what others say goes on, and its own once it is right."""
    door.give(TagRead(at_ns=door.now_ns, antenna_id="a", tag_id="30", rssi_dbm=-60.0))
    for _ in range(5):
        door.now_ns += NS_PER_S // 2
        door.give(TagRead(at_ns=(1 << 63) - 1, antenna_id="b", tag_id="30", rssi_dbm=-60.0))
    assert door.faults() == [("b", FaultKind.CLOCK)]
    door.give(TagRead(at_ns=door.now_ns, antenna_id="b", tag_id="30", rssi_dbm=-60.0))
    assert door.faults() == [("b", FaultKind.CLOCK)] * 2
    door.give(CodeSeen(at_ns=door.now_ns, gate_id="door", text=door.code(door.now_ns)))
    assert door.said() == [None]
    latest_ns = max(entry.at_ns for entry in door.intake.entries())
    assert latest_ns <= door.now_ns + NS_PER_S
