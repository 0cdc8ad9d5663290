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


@given(st.integers(0, 5), st.lists(st.integers(0, 3), max_size=40), st.sampled_from([8, 16, 32]))
def test_a_counter_that_goes_round_says_so_and_nothing_is_lost(before: int, lost: list[int], bits: int) -> None:
    """Across its end, with and without gaps: handled and missing are everything, and it is told its own numbers."""
    round_ = 1 << bits
    first = round_ - before - 1
    sequences: Sequences[int] = Sequences(wait_ns=S)
    out: list[int | Missing] = []
    number = first
    for gap in [0, *lost]:
        number += gap + 1
        one = Place(device_id="d", boot="b", seq=number % round_, base=None, bits=bits)
        out += sequences.take(one, number, 0) + sequences.advance(2 * S)
    whole = sum(item.count if isinstance(item, Missing) else 1 for item in out)
    assert whole == number - first
    reached = sequences.acknowledged("d")
    assert reached is not None
    assert sequences.counted("d", reached[1]) == number % round_


def test_a_device_that_keeps_may_go_round_too() -> None:
    """What it sends again from before the end of its counter is what is missing, and no other."""
    sequences: Sequences[str] = Sequences()
    assert sequences.take(Place(device_id="d", boot="b", seq=65_535, base=65_535, bits=16), "a", 0) == ["a"]
    assert sequences.take(Place(device_id="d", boot="b", seq=1, base=65_534, bits=16), "c", 0) == []
    assert sequences.take(Place(device_id="d", boot="b", seq=65_535, base=65_534, bits=16), "a", 0) == []
    assert sequences.take(Place(device_id="d", boot="b", seq=0, base=65_534, bits=16), "b", 0) == ["b", "c"]


def test_a_counter_that_begins_anew_without_saying_is_heard() -> None:
    """A small device of one boot text goes round or restarts: it is no repetition of long ago, as it keeps nothing."""
    sequences: Sequences[str] = Sequences()
    sequences.take(Place(device_id="d", boot="b", seq=65_535, base=None), "last", 0)
    assert sequences.take(Place(device_id="d", boot="b", seq=0, base=None), "first", 0) == ["first"]
    assert sequences.take(Place(device_id="d", boot="b", seq=1, base=None), "second", 0) == ["second"]


def test_a_device_that_keeps_everything_may_send_all_of_it_again() -> None:
    """However much that is: nothing of it is handled twice."""
    sequences: Sequences[int] = Sequences()
    for seq in range(3_000):
        sequences.take(place(seq), seq, 0)
    assert [item for seq in range(3_000) for item in sequences.take(place(seq), seq, 0)] == []


def test_nobody_is_waited_for_who_could_not_send() -> None:
    """The broker was away for a minute: the missing message has its five seconds from when it is back."""
    sequences: Sequences[str] = Sequences(wait_ns=5 * S)
    sequences.take(place(0), "a", 0)
    sequences.take(place(2), "c", S)
    sequences.resume(61 * S)
    assert sequences.advance(65 * S) == []
    assert sequences.take(place(1), "b", 65 * S) == ["b", "c"]


def test_what_waits_is_bounded_in_bytes() -> None:
    """A flood of large messages behind a gap: the gap is given up and told before the memory is full."""
    sequences: Sequences[int] = Sequences()
    out: list[int | Missing] = []
    for seq in range(1, 200):
        out += sequences.take(place(seq), seq, 0, size=1 << 20)
    assert [item for item in out if isinstance(item, Missing)] == [
        Missing(device_id="d", boot="b", first_seq=0, count=1)
    ]
    assert len(out) > 100
