"""One antenna: what comes into its field, what leaves it, and when it had better say nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.signals import TagRead
from jwo_cli.estimate.tag_antenna import STEP_NS, AntennaField, FieldChange
from jwo_cli.model.observations import TagState
from tests.estimate.people.figures import START_NS, at_ns
from tests.estimate.radio import mixed, reads, shelf


def told(field: AntennaField, stream: list[TagRead], until: float, begin: float = 0.0) -> list[FieldChange]:
    """What a field tells about a stream, step by step."""
    for read in stream:
        field.take(read.at_ns, read.tag_id, read.rssi_dbm)
    steps = range(at_ns(begin) // STEP_NS + 1, at_ns(until) // STEP_NS + 1)
    return [change for step in steps for change in field.step(step * STEP_NS)]


def seconds(change: FieldChange) -> float:
    """When it happened, seconds after the start."""
    return (change.at_ns - START_NS) / 1e9


def gone(changes: list[FieldChange]) -> dict[str, float]:
    """Tags that left, and when."""
    return {c.tag_id: seconds(c) for c in changes if c.state is TagState.GONE}


def present(changes: list[FieldChange]) -> list[str]:
    """Tags that came, in order of name."""
    return sorted(c.tag_id for c in changes if c.state is TagState.PRESENT)


def test_tags_on_the_shelf_are_present_and_those_far_away_are_not() -> None:
    """Six tags near, two that are read seldom and 15 dB weaker."""
    far = [reads(f"far{i}", 0, 20, hz=0.5, dbm=-73) for i in range(2)]
    changes = told(AntennaField("ant"), mixed(shelf(6, 0, 20), *far), 20)
    assert present(changes) == [f"t{i}" for i in range(6)]
    assert gone(changes) == {}
    assert all(0.8 <= change.probability <= 0.97 for change in changes)


def test_a_single_read_is_a_reflection() -> None:
    """Once in twenty seconds."""
    once = [TagRead(at_ns=at_ns(10), antenna_id="ant", tag_id="ghost", rssi_dbm=-50.0)]
    assert "ghost" not in present(told(AntennaField("ant"), mixed(shelf(4, 0, 20), once), 20))


def test_a_tag_that_is_taken_is_gone_since_its_last_read() -> None:
    """The others go on; it is known within six seconds."""
    field = AntennaField("ant")
    changes = told(field, mixed(shelf(5, 0, 40), reads("taken", 0, 20)), 26)
    assert list(gone(changes)) == ["taken"]
    assert abs(gone(changes)["taken"] - 20) < 0.6


def test_a_tag_that_is_still_read_from_the_aisle_is_gone_since_it_weakened() -> None:
    """From 20 s on 14 dB weaker and four times as seldom."""
    carried = reads("taken", 20, 40, hz=2, dbm=-72)
    changes = told(AntennaField("ant"), mixed(shelf(5, 0, 40), reads("taken", 0, 20), carried), 40)
    assert list(gone(changes)) == ["taken"]
    assert abs(gone(changes)["taken"] - 20) < 1.0


def test_what_is_put_back_is_present_since_it_came() -> None:
    """Away from 20 s to 40 s."""
    back = mixed(shelf(5, 0, 60), reads("t9", 0, 20), reads("t9", 40, 60))
    changes = [c for c in told(AntennaField("ant"), back, 60) if c.tag_id == "t9"]
    assert [c.state for c in changes] == [TagState.PRESENT, TagState.GONE, TagState.PRESENT]
    assert abs(seconds(changes[2]) - 40) < 1.0


def test_a_hand_before_a_tag_for_two_seconds_takes_nothing() -> None:
    """A short silence is no absence."""
    shadowed = mixed(shelf(5, 0, 40), reads("t9", 0, 20), reads("t9", 22, 40))
    assert gone(told(AntennaField("ant"), shadowed, 40)) == {}


def test_a_deaf_antenna_takes_nothing_and_is_reported() -> None:
    """Silent from 20 s to 35 s: nobody left, but the gap is told; what was taken meanwhile is known afterwards."""
    field = AntennaField("ant")
    stream = mixed(shelf(5, 0, 20), reads("taken", 0, 20), shelf(5, 35, 60))
    assert gone(told(field, stream, 36)) == {}
    gaps = [(fault.device_id, round((fault.until_ns - fault.at_ns) / 1e9)) for fault in field.faults]
    assert gaps == [("ant", 0), ("ant", 15)]  # when it was noticed, and when it was over
    assert list(gone(told(field, [], 60, begin=36))) == ["taken"]


def test_what_leaves_in_a_silence_left_at_any_moment_of_it() -> None:
    """Silent from 20 s to 35 s: gone between its last read and the next of the others; one that leaves later is not."""
    field = AntennaField("ant")
    taken = [reads("taken", 0, 20), reads("later", 0, 20), reads("later", 35, 50)]
    changes = told(field, mixed(shelf(5, 0, 20), *taken, shelf(5, 35, 70)), 70)
    first, later = (
        next(c for c in changes if c.tag_id == tag and c.state is TagState.GONE) for tag in ("taken", "later")
    )
    assert abs(seconds(first) - 20) < 0.6
    assert abs((first.until_ns - START_NS) / 1e9 - 35) < 0.6
    assert later.until_ns == 0


def test_a_silence_begins_with_what_was_told_last() -> None:
    """A tag that was taken two seconds before the antenna fell silent was not missed yet: the silence is its, too."""
    for taken, begins in ((18.0, 18.0), (None, 20.0)):
        field = AntennaField("ant")
        rest = [] if taken is None else [reads("taken", 0, taken)]
        told(field, mixed(shelf(5, 0, 20), *rest, shelf(5, 35, 40)), 40)
        (first, over), (_, end) = field.silences
        assert abs((first - START_NS) / 1e9 - begins) < 1.5
        assert (over, abs((end - START_NS) / 1e9 - 35) < 0.6) == (0, True)


def test_tags_that_hang_in_the_field_are_told_from_those_carried_past() -> None:
    """Present for a minute, or for ten seconds."""
    field = AntennaField("ant")
    told(field, mixed(shelf(2, 0, 60), reads("passing", 50, 60)), 59)
    assert sorted(field.lasting()) == ["t0", "t1"]


def test_the_only_tag_of_an_antenna_cannot_leave_it() -> None:
    """Silence of everything is an antenna's failure as well: nothing is told."""
    assert present(told(AntennaField("ant"), reads("t0", 0, 20), 60)) == ["t0"]
    assert gone(told(AntennaField("ant"), reads("t0", 0, 20), 60)) == {}


def test_an_antenna_that_loses_power_takes_nothing() -> None:
    """From 20 s all tags are 10 dB weaker and read a third as often: that is the antenna; later it judges again."""
    weak = shelf(6, 20, 120, hz=2.5, dbm=-68.0)
    taken = reads("t9", 20, 90, hz=2.5, dbm=-68.0)
    field = AntennaField("ant")
    changes = told(field, mixed(shelf(6, 0, 20), reads("t9", 0, 20), weak, taken), 120)
    assert list(gone(changes)) == ["t9"]
    assert abs(gone(changes)["t9"] - 90) < 3


def test_most_of_a_shelf_may_be_taken_while_the_rest_is_heard_as_before() -> None:
    """Four of six at once."""
    stream = mixed(shelf(2, 0, 40), *(reads(f"s{i}", 0, 20) for i in range(4)))
    assert sorted(gone(told(AntennaField("ant"), stream, 40))) == ["s0", "s1", "s2", "s3"]


def test_a_filled_shelf_makes_nothing_leave() -> None:
    """Thirty more tags share the antenna's time: each is read a quarter as often, and stays."""
    before = shelf(8, 0, 30, hz=10)
    after = mixed(shelf(8, 30, 90, hz=2.5), *(reads(f"n{i}", 30, 90, hz=2.5) for i in range(30)))
    changes = told(AntennaField("ant"), mixed(before, after), 90)
    assert gone(changes) == {}
    assert len(present(changes)) == 38


def test_a_fuller_shelf_takes_longer_to_miss_a_tag() -> None:
    """Read once a second, a tag's absence needs a dozen seconds."""
    stream = mixed(shelf(10, 0, 90, hz=1), reads("taken", 0, 60, hz=1))
    assert gone(told(AntennaField("ant"), stream, 66)) == {}
    assert list(gone(told(AntennaField("ant"), stream, 85))) == ["taken"]


def test_a_day_does_not_grow() -> None:
    """Ghost tags that are read once each, for half an hour: what is kept stays the same."""
    field = AntennaField("ant")
    sizes = []
    for minute in range(30):
        begin = 60.0 * minute
        ghosts = [
            TagRead(at_ns=at_ns(begin + i), antenna_id="ant", tag_id=f"g{minute}-{i}", rssi_dbm=-75.0)
            for i in range(60)
        ]
        told(field, mixed(shelf(3, begin, begin + 60), ghosts), begin + 60, begin)
        sizes.append(field.held())
    assert max(sizes[10:]) <= 1.3 * max(sizes[:10])


@given(st.integers(0, 1000), st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_order_and_repetition_of_arrivals_do_not_matter(seed: int, shuffle: int) -> None:
    """Within the lateness that the caller waits for, reads may come in any order and twice."""
    import numpy as np

    stream = mixed(shelf(4, 0, 20, seed=seed), reads("taken", 0, 10, seed=seed))
    order = np.random.default_rng(shuffle).permutation(len(stream))
    again = [stream[i] for i in order] + [stream[i] for i in order[:50]]
    assert told(AntennaField("ant"), stream, 20) == told(AntennaField("ant"), again, 20)


def test_reads_that_come_after_their_time_are_counted() -> None:
    """They change nothing any more."""
    field = AntennaField("ant")
    told(field, shelf(3, 0, 10), 10)
    field.take(at_ns(4), "t0", -58.0)
    assert field.late == 1
