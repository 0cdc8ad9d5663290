"""Who was near an antenna that is not heard: told once they have left its field, and not for passing by."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from jwo_cli.estimate.people.history import History
from jwo_cli.estimate.people.unread import APART_NS, KEEP_NS, STEP_NS, Silence, UnreadFields
from jwo_cli.model.layout import Antenna, Pose
from jwo_cli.model.observations import UnreadStay
from jwo_cli.model.units import NS_PER_S
from tests.estimate.people import figures
from tests.estimate.people.figures import at_ns

RAIL = Antenna(antenna_id="rail", pose=Pose(x_m=0.0, y_m=0.0, z_m=2.0), range_m=1.0)
OTHER = Antenna(antenna_id="other", pose=Pose(x_m=5.0, y_m=0.0, z_m=2.0), range_m=1.0)


def history(near: Callable[[float], bool], end: float = 60.0) -> History:
    """Somebody who stands half a metre from the rail at these seconds, and else four metres away."""
    seen = History()
    for i in range(round(end * 10)):
        t = i / 10
        seen.add(at_ns(t), figures.figure(0.0, -0.5 if near(t) else -4.0))
    return seen


def silence(begin: float, end: float | None = None, noticed: float | None = None, *, known: bool = True) -> Silence:
    """Of the rail's antenna, in seconds."""
    over_ns = None if end is None else at_ns(end)
    seen_ns = at_ns(begin if noticed is None else noticed)
    return Silence(antenna_id="rail", from_ns=at_ns(begin), until_ns=over_ns, noticed_ns=seen_ns, tags_known=known)


def told(
    fields: UnreadFields, people: dict[str, History], until: float, *, step: float = 0.5, begin: float = 0.0
) -> list[tuple[int, UnreadStay]]:
    """What is told when the antennas are known up to each step: never what was due a step before."""
    out = []
    for i in range(1, round((until - begin) / step) + 1):
        found = fields.watch(at_ns(begin + i * step), lambda: people)
        assert all(due_ns > at_ns(begin + (i - 1) * step) for due_ns, _ in found)
        out += found
    return out


def spans(found: list[tuple[int, UnreadStay]]) -> list[tuple[str, float, float]]:
    """Who, from when, until when."""
    return [
        (stay.track_id, (stay.at_ns - figures.START_NS) / 1e9, (stay.until_ns - figures.START_NS) / 1e9)
        for _, stay in found
    ]


def test_a_stay_in_a_silence_is_told_once_it_is_over() -> None:
    """At the rail from 20 s to 25 s; the antenna is silent from 10 s on. Each is certain within four seconds."""
    fields = UnreadFields([RAIL], awaited=False)
    fields.silent(silence(10.0))
    found = told(fields, {"ann": history(lambda t: 20 <= t < 25)}, 60.0)
    ((who, begin, end),) = spans(found)
    assert (who, end) == ("ann", 24.9)
    assert begin == pytest.approx(20.0, abs=0.11)
    ((due_ns, stay),) = found
    assert stay.tags_known
    assert stay.until_ns + APART_NS < due_ns <= stay.until_ns + APART_NS + 2 * STEP_NS


def test_who_was_there_before_it_was_noticed_counts_from_what_was_told_last() -> None:
    """Silent since 10 s, noticed at 18 s: who was there from 5 s to 12 s was so for two seconds of it."""
    fields = UnreadFields([RAIL], awaited=False)
    people = {"ann": history(lambda t: 5 <= t < 12), "bob": history(lambda t: 5 <= t < 9.9)}
    assert told(fields, people, 17.5) == []
    fields.silent(silence(10.0, noticed=18.0))
    found = told(fields, people, 30.0, begin=17.5)
    assert spans(found) == [("ann", 10.0, 11.9)]
    assert found[0][0] >= at_ns(18.0)


def test_who_passes_by_is_not_told_and_who_does_so_again_is() -> None:
    """Less than half a second each time: the third makes more than a second in all."""
    fields = UnreadFields([RAIL], awaited=False)
    fields.silent(silence(1.0))
    once = history(lambda t: 10 <= t < 10.4)
    thrice = history(lambda t: any(at <= t < at + 0.4 for at in (10, 20, 30)))
    assert [(who, round(begin)) for who, begin, _ in spans(told(fields, {"a": once, "b": thrice}, 59.0))] == [("b", 30)]


def test_who_is_elsewhere_is_not_told_nor_are_antennas_that_are_heard() -> None:
    """The other antenna is heard; four metres away nobody takes anything."""
    fields = UnreadFields([RAIL, OTHER], awaited=False)
    fields.silent(silence(1.0))
    assert told(fields, {"far": history(lambda t: False)}, 59.0) == []
    quiet = UnreadFields([RAIL, OTHER], awaited=False)
    assert told(quiet, {"ann": history(lambda t: True)}, 59.0) == []


def test_a_stay_ends_with_the_silence() -> None:
    """There from 5 s to 50 s; silent from 10 s to 20 s."""
    fields = UnreadFields([RAIL], awaited=False)
    people = {"ann": history(lambda t: 5 <= t < 50)}
    fields.silent(silence(10.0))
    found = told(fields, people, 20.0)
    fields.silent(silence(10.0, 20.0))
    found += told(fields, people, 59.0, begin=20.0)
    assert spans(found) == [("ann", 10.0, 20.0)]


def test_a_silence_that_was_over_when_it_was_noticed_is_told_as_any() -> None:
    """Nobody said that it began."""
    fields = UnreadFields([RAIL], awaited=False)
    fields.silent(silence(10.0, 20.0, 20.5))
    assert spans(told(fields, {"ann": history(lambda t: 5 <= t < 15)}, 59.0)) == [("ann", 10.0, 14.9)]


def test_an_antenna_that_is_awaited_is_silent_until_its_first_read() -> None:
    """Only in a running store; and its tags are not known."""
    people = {"ann": history(lambda t: 5 <= t < 15)}
    first = Silence(antenna_id="rail", from_ns=at_ns(30.0), until_ns=at_ns(30.0), noticed_ns=at_ns(30.0))
    for awaited in (True, False):
        fields = UnreadFields([RAIL], awaited=awaited)
        found = told(fields, people, 30.0)
        fields.silent(first)
        found += told(fields, {"bob": history(lambda t: t > 32)}, 59.0, begin=30.0)
        assert [stay.track_id for _, stay in found] == (["ann"] if awaited else [])
        assert not any(stay.tags_known for _, stay in found)


def test_who_leaves_is_told_at_once() -> None:
    """Out of the door a second after they were at the rail."""
    fields = UnreadFields([RAIL], awaited=True)
    seen = history(lambda t: 5 <= t < 15, end=16.0)
    assert told(fields, {"ann": seen}, 12.0) == []
    assert [stay.until_ns for _, stay in fields.leaving("ann", at_ns(16.0), seen)] == [at_ns(14.9)]
    assert fields.leaving("ann", at_ns(16.0), seen) == []
    assert told(fields, {"ann": seen}, 59.0, begin=12.0) == []


@pytest.mark.parametrize("step", [0.1, 1.7, 20.0])
def test_how_often_one_looks_does_not_matter(step: float) -> None:
    """The same stays with the same due times; what is due is told by then."""
    people = {"ann": history(lambda t: t % 9 < 4), "bob": history(lambda t: 12 <= t < 44)}

    def found(step: float) -> list[tuple[int, UnreadStay]]:
        fields = UnreadFields([RAIL], awaited=False)
        fields.silent(silence(3.0))
        out = told(fields, people, 20.0, step=step)
        fields.silent(silence(3.0, 40.0))
        return sorted(out + told(fields, people, 60.0, begin=20.0, step=step), key=repr)

    assert found(step) == found(0.5) != []


def test_who_may_have_taken_something_is_by_how_long_they_were_there() -> None:
    """Of ten seconds ann was there all the time, bob for one and a half, cid not."""
    fields = UnreadFields([RAIL], awaited=False)
    fields.silent(silence(10.0, 20.0))
    people = {
        "ann": history(lambda t: True), "bob": history(lambda t: 12 <= t < 13.5), "cid": history(lambda t: False),
    }  # fmt: skip
    told(fields, people, 30.0)
    shares = {r.track_id: math.exp(r.log_likelihood - 1.5) for r in fields.reaches("rail", at_ns(10.0), at_ns(20.0))}
    assert shares == {"ann": pytest.approx(1.0, abs=0.02), "bob": pytest.approx(0.15, abs=0.02)}
    assert fields.reaches("rail", at_ns(30.0), at_ns(40.0)) == ()
    assert fields.reaches("other", at_ns(10.0), at_ns(20.0)) == ()


def test_silences_of_a_year_do_not_grow() -> None:
    """What is long over is forgotten."""
    fields = UnreadFields([RAIL], awaited=False)
    for number in range(50):
        fields.silent(silence(100.0 * number, 100.0 * number + 10.0))
        fields.watch(at_ns(100.0 * number + 20.0), dict)
    assert len(fields._kept) <= 2 + KEEP_NS // (100 * NS_PER_S)
