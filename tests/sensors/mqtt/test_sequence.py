"""Sequence numbers: everything once and in order, or known to be missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.sensors.mqtt.sequence import HELD_MOST, LATE_NS, LEAP, Missing, Place, Sequences

S = 1_000_000_000


def place(seq: int, *, base: int = 0, boot: str = "b", device: str = "d") -> Place:
    return Place(device_id=device, boot=boot, seq=seq, base=base)


@given(st.permutations(range(12)), st.data())
def test_any_order_and_any_repetition_come_out_once_and_in_order(order: list[int], data: st.DataObject) -> None:
    """As long as all of them come."""
    repeated = data.draw(st.lists(st.sampled_from(order), max_size=10))
    sequences: Sequences[int] = Sequences()
    out = [item for seq in [*order, *repeated] for item in sequences.take(place(seq), seq, 0)]
    assert out == list(range(12))
    assert sequences.duplicates == len(repeated)
    assert sequences.acknowledged("d") == ("b", 11)


@given(st.sets(st.integers(0, 30), min_size=1))
def test_what_does_not_come_is_counted(came: set[int]) -> None:
    """Handled and missing together are everything up to the last one heard."""
    sequences: Sequences[int] = Sequences(wait_ns=S)
    out: list[int | Missing] = []
    for seq in sorted(came):
        out += sequences.take(place(seq), seq, 0)
    out += sequences.advance(2 * S) + sequences.advance(4 * S)
    whole: list[int] = []
    for item in out:
        whole += range(item.first_seq, item.first_seq + item.count) if isinstance(item, Missing) else [item]
    assert whole == list(range(max(came) + 1))
    assert [item for item in out if isinstance(item, int)] == sorted(came)


def test_a_gap_is_waited_for_and_then_given_up() -> None:
    """Not before its time: the device may send it again."""
    sequences: Sequences[str] = Sequences(wait_ns=5 * S)
    assert sequences.take(place(0), "a", 0) == ["a"]
    assert sequences.take(place(2), "c", S) == []
    assert sequences.waiting("d")
    assert sequences.advance(5 * S) == []
    assert sequences.advance(6 * S) == [Missing(device_id="d", boot="b", first_seq=1, count=1), "c"]
    assert sequences.take(place(1), "b", 7 * S) == []
    assert not sequences.waiting("d")


def test_a_store_that_starts_later_takes_what_the_device_still_keeps() -> None:
    """From the device's base on, in order, even where a later message comes first."""
    sequences: Sequences[int] = Sequences()
    assert sequences.take(place(107, base=105), 107, 0) == []
    assert sequences.acknowledged("d") == ("b", 104)
    assert sequences.take(place(105, base=105), 105, 0) == [105]
    assert sequences.take(place(106, base=105), 106, 0) == [106, 107]


def test_a_device_that_restarts_begins_anew() -> None:
    """Its new run is counted from 0; what was missing of the run before is given up at once."""
    sequences: Sequences[str] = Sequences()
    sequences.take(place(0), "a", 0)
    sequences.take(place(3), "d", 0)
    out = sequences.take(place(1, boot="c"), "y", S)
    assert out == [Missing(device_id="d", boot="b", first_seq=1, count=2), "d"]
    assert sequences.take(place(0, boot="c"), "x", S) == ["x", "y"]


def test_devices_do_not_wait_for_each_other() -> None:
    """A gap of one is nothing to the other."""
    sequences: Sequences[str] = Sequences()
    assert sequences.take(place(5), "early", 0) == []
    assert sequences.take(place(0, device="e"), "other", 0) == ["other"]
    assert sequences.devices() == ["d", "e"]


def test_what_is_late_of_the_run_before_is_dropped() -> None:
    """A broker hands over an old message after the device's restart: it is no third run, and no gap."""
    order: Sequences[str] = Sequences()
    order.take(place(0, boot="a"), "a0", 0)
    assert order.take(place(0, boot="b"), "b0", S) == ["b0"]
    assert order.take(place(0, boot="a"), "a0", 2 * S) == []
    assert order.take(place(1, boot="b"), "b1", 3 * S) == ["b1"]
    assert order.take(place(0, boot="a"), "again", S + LATE_NS) == ["again"]


def test_a_number_that_cannot_be_is_refused_and_changes_nothing() -> None:
    """A counter that ran below zero: the device is heard as before."""
    order: Sequences[str] = Sequences()
    order.take(place(0), "0", 0)
    with pytest.raises(ValueError, match="comes after 0"):
        order.take(place((1 << 63) - 1), "?", 0)
    assert order.take(place(1), "1", 0) == ["1"]


def test_a_counter_that_begins_anew_is_heard() -> None:
    """It was heard first with an absurd number, or ran through: what follows is no repetition."""
    order: Sequences[str] = Sequences()
    assert order.take(place(LEAP + 5, base=LEAP + 5), "last", 0) == ["last"]
    assert order.take(place(0), "0", 0) == ["0"]
    assert order.take(place(1), "1", 0) == ["1"]
    assert order.take(place(0), "0", 0) == []


def test_early_messages_are_held_within_bounds() -> None:
    """A device that never sends its first one does not fill the memory."""
    order: Sequences[str] = Sequences()
    out = [item for seq in range(1, HELD_MOST + 10) for item in order.take(place(seq), "x", 0)]
    assert len(out) == 1 + HELD_MOST + 9
    assert isinstance(out[0], Missing)
