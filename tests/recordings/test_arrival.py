"""Laws of merging: no stream is reordered, streams in order come out in order, a lone bad clock holds nobody back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jwo_cli.recordings.arrival import Span, merge_streams, span_ns

stamps = st.lists(st.integers(0, 10**18), max_size=40)
ordered = stamps.map(sorted)


@given(st.lists(stamps, min_size=1, max_size=3))
def test_every_message_arrives_once_in_its_streams_order(streams: list[list[int]]) -> None:
    """Whatever the stamps, a stream's own order is what came in."""
    merged = merge_streams(streams)
    for number, stream in enumerate(streams):
        assert [index for which, index in merged if which == number] == list(range(len(stream)))
    assert len(merged) == sum(map(len, streams))


@given(ordered, ordered)
def test_streams_in_order_are_merged_by_time(first: list[int], second: list[int]) -> None:
    """Two clean streams come out sorted, the first one first where stamps are equal."""
    got = [((first, second)[stream][index], stream) for stream, index in merge_streams([first, second])]
    assert got == sorted(got)


def test_a_lone_stamp_from_the_future_holds_nothing_back() -> None:
    """One message stamped an hour ahead shifts its neighbours by at most one message, none behind the other stream."""
    plates = [n * 200 for n in range(20)]
    poses = [n * 200 + 100 for n in range(20)]
    merged = merge_streams([[*plates[:9], 3_600_000, *plates[10:]], poses])
    arrived = {place: n for n, place in enumerate(merged)}
    assert all(arrived[0, n] < arrived[1, n + 1] for n in range(19))


def test_a_message_that_came_late_stays_where_it_came() -> None:
    """It is not sorted back to where it should have been: the live run met it late, too."""
    merged = merge_streams([[0, 200, 600, 400, 800], [100, 300, 500, 700]])
    assert merged.index((0, 2)) < merged.index((0, 3))
    assert merged[:4] == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_the_span_leaves_a_lone_outlier_aside() -> None:
    """A recording of two seconds is not an hour long because of one stamp."""
    clean = [n * 100 for n in range(21)]
    assert span_ns(clean) == (0, 2000)
    assert span_ns([*clean[:10], 3_600_000, *clean[10:]]) == (0, 2000)
    assert span_ns([]) == (0, 0)


@given(stamps)
def test_a_span_is_the_same_stamp_by_stamp(stamps: list[int]) -> None:
    """What a live recording says of its length is what its stamps, all at once, say."""
    span = Span()
    for at_ns in stamps:
        span.add(at_ns)
    assert span.count == len(stamps)
    assert span.close() == span_ns(stamps)
