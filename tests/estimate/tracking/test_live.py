"""Following people while it happens, in the corner kiosk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.tracking.live import LiveFloor
from jwo_cli.estimate.tracking.persons import LiveSettings
from jwo_cli.model.findings import UserError
from jwo_cli.model.observations import IdentityDoubted, TrackEnded, TrackStarted
from tests.estimate.tracking.kiosk import IN, OUT, Heard, Way, boxes, frames, heard, kiosk

ROUND: Way = ((0.5, *IN), (4.0, 1.5, 3.0), (9.0, 1.6, 3.4), (12.0, 3.9, 3.2), (16.0, *OUT))
LATER: Way = ((3.0, *IN), (6.0, 2.3, 1.4), (9.0, 2.4, 1.3), (12.0, 4.4, 1.2), (14.0, *OUT))


@pytest.fixture(scope="module")
def two() -> Heard:
    """Two shoppers who come in one after the other and go out one after the other."""
    return heard(LiveFloor.of(kiosk()), frames((ROUND, LATER), 22.0))


def test_shoppers_are_born_at_the_entry_and_leave_by_the_exit(two: Heard) -> None:
    """One id each, from gate to gate."""
    started, ended = two.of(TrackStarted), two.of(TrackEnded)
    assert [(each.track_id, each.gate_id) for each in started] == [("p1", "entry"), ("p2", "entry")]
    assert sorted((each.track_id, each.gate_id) for each in ended) == [("p1", "exit"), ("p2", "exit")]
    assert all(each.left_store > 0.5 for each in ended)
    assert [each.at_ns / 1e9 for each in started] == pytest.approx([0.5, 3.0], abs=1.0)


def test_places_are_right_and_their_covariance_says_how_right(two: Heard) -> None:
    """A decimetre, and never surer than right: two degrees of freedom misfit by two at most; boxes here are good."""
    for way, track_id in ((ROUND, "p1"), (LATER, "p2")):
        misses, chi2 = two.misses(way, track_id)
        assert len(misses) > 50
        assert np.sqrt(np.mean(misses**2)) < 0.15
        assert 0.05 < float(np.mean(chi2)) < 2.0


def test_a_place_is_told_within_the_latency_and_once(two: Heard) -> None:
    """By the frames' own clock, counted to the frame that tells it; instants ascend."""
    floor = LiveFloor.of(kiosk())
    assert two.latest_s <= floor.latency_s + 1 / 6
    times = [each.at_ns for each in two.standing]
    assert times == sorted(set(times))


def test_disorder_within_the_delay_changes_nothing(two: Heard) -> None:
    """Two cameras send a quarter of a second late, each frame of an instant in another order."""
    given = frames((ROUND, LATER), 22.0)
    order = sorted(range(len(given)), key=lambda k: given[k][1] + 10**6 * {"c1": 250, "c2": 0, "c3": 170}[given[k][0]])
    other = heard(LiveFloor.of(kiosk()), [given[k] for k in order])
    assert [each.track_ids for each in other.standing] == [each.track_ids for each in two.standing]
    assert all(np.array_equal(a.xy_m, b.xy_m) for a, b in zip(other.standing, two.standing, strict=True))
    assert other.of(TrackStarted) == two.of(TrackStarted)


def test_a_camera_that_fails_and_one_that_is_slow_change_nobody_s_id() -> None:
    """One of three stops after eight seconds, one gives two frames a second."""
    fast = frames((ROUND, LATER), 22.0, cameras=("c1", "c2"))
    slow = frames((ROUND, LATER), 22.0, cameras=("c3",), rate_hz=2.0)
    given = [each for each in fast if each[0] != "c2" or each[1] < 8e9] + slow
    out = heard(LiveFloor.of(kiosk()), sorted(given, key=lambda each: each[1]))
    assert [each.track_id for each in out.of(TrackStarted)] == ["p1", "p2"]
    assert float(np.median(out.misses(ROUND, "p1")[0])) < 0.15


def test_who_was_hidden_for_long_comes_back_under_the_same_id() -> None:
    """The store is a closed world: nobody else can be there. Out of sight is no exit."""
    out = heard(LiveFloor.of(kiosk()), frames((ROUND,), 22.0, hidden=(5.0, 11.5)))
    assert {each.track_id for each in out.of(TrackStarted)} == {"p1"}
    first, last = out.of(TrackEnded)
    assert (first.gate_id, last.gate_id) == (None, "exit")
    assert first.left_store < 0.1


def test_who_comes_in_after_somebody_left_is_somebody_new() -> None:
    """The same walk again, half a minute later."""
    again = tuple((time + 24.0, x, y) for time, x, y in ROUND)
    out = heard(LiveFloor.of(kiosk()), frames((ROUND, again), 46.0, rate_hz=3.0, cameras=("c1", "c3")))
    assert [each.track_id for each in out.of(TrackStarted)] == ["p1", "p2"]
    assert not [each for each in out.of(IdentityDoubted) if each.probability > 0.2]


def test_people_who_meet_and_part_alike_are_doubted_in_time() -> None:
    """Both stop at one place and go on: which went where is told as a doubt, within the meeting and the watching."""
    met = (3.0, 3.0)
    one: Way = ((0.5, *IN), (5.0, 2.8, 3.0), (5.6, *met), (8.0, *met), (8.6, 2.8, 3.0), (13.0, *IN))
    other: Way = ((0.5, *OUT), (5.0, 3.2, 3.0), (5.6, *met), (8.0, *met), (8.6, 3.2, 3.0), (13.0, *OUT))
    live = LiveSettings()
    out = heard(LiveFloor.of(kiosk()), frames((one, other), 12.0), close=False)
    doubts = [each for each in out.of(IdentityDoubted) if each.kind == "swap"]
    assert doubts
    assert {(each.before, each.after) for each in doubts} == {("p1", "p2")}
    assert max(each.probability for each in doubts) > 0.1
    assert all(5.0 < each.at_ns / 1e9 < 9.0 for each in doubts)
    late = [now - each.at_ns for each, now in zip(out.news, out.told_ns, strict=True) if each in doubts]
    assert max(late) / 1e9 < live.judge_s + live.meeting_s + 1.0


def test_people_of_different_heights_who_meet_keep_their_ids() -> None:
    """1.55 m and 1.90 m: no doubt worth a receipt's review."""
    met = (3.0, 3.0)
    one: Way = ((0.5, *IN), (5.0, 2.8, 3.0), (5.6, *met), (6.4, *met), (7.0, 2.8, 3.0), (12.0, *IN))
    other: Way = ((0.5, *OUT), (5.0, 3.2, 3.0), (5.6, *met), (6.4, *met), (7.0, 3.2, 3.0), (12.0, *OUT))
    out = heard(LiveFloor.of(kiosk()), frames((one, other), 11.0, tall_m=(1.55, 1.9)), close=False)
    assert len(out.of(TrackStarted)) == 2
    assert not [each for each in out.of(IdentityDoubted) if each.probability > 0.1]
    for way in (one, other):
        ids = {name for each in out.standing for name in each.track_ids}
        assert min(float(np.max(out.misses(way, name)[0])) for name in ids) < 0.6


def _in_costumes(*, told: bool) -> Heard:
    """Two who stand side by side, vanish together for six seconds and are back with their places exchanged."""
    one: Way = ((0.5, *IN), (4.0, 1.8, 3.2), (7.0, 1.8, 3.2), (12.0, 2.6, 3.2), (20.0, 2.6, 3.2))
    other: Way = ((0.5, *OUT), (4.0, 2.6, 3.2), (7.0, 2.6, 3.2), (12.0, 1.8, 3.2), (20.0, 1.8, 3.2))
    floor, out = LiveFloor.of(kiosk(), look_width=2), Heard()
    parts = [frames((way,), 18.0, hidden=(6.5, 12.5), seed=seed) for seed, way in enumerate((one, other))]
    for (camera_id, at_ns, first), (_, _, second) in zip(*parts, strict=True):
        found = boxes(*first.corners_px, *second.corners_px)
        looks = np.repeat(np.eye(2, dtype=np.float32), (len(first.scores), len(second.scores)), axis=0)
        out.take(floor.feed(camera_id, at_ns, found, looks if told else None), at_ns)
    return out


def test_looks_tell_who_came_back() -> None:
    """The place says one thing, the clothes another; without clothes it is at least no certainty."""
    out = _in_costumes(told=True)
    first, last = out.standing[30], out.standing[-1]
    was, now = (dict(zip(each.track_ids, each.xy_m[:, 0].tolist(), strict=True)) for each in (first, last))
    assert set(was) == set(now) == {"p1", "p2"}
    assert all(abs(was[name] - now[name]) > 0.5 for name in was)
    blind = _in_costumes(told=False)
    new = {name for name in blind.standing[-1].track_ids if name not in {"p1", "p2"}}
    doubts = [each for each in blind.of(IdentityDoubted) if each.kind == "restart"]
    assert new
    assert {each.after for each in doubts} == new
    assert all(0.03 <= each.probability < 0.9 for each in doubts)


def test_memory_stays_bounded() -> None:
    """Eight shoppers one after another: who has left is forgotten, and the last seconds stay the last seconds."""
    ways = [tuple((time * 0.6 + 8.0 * k, x, y) for time, x, y in ROUND) for k in range(8)]
    floor = LiveFloor.of(kiosk(), live=LiveSettings(link_s=10.0))
    out, most = Heard(), 0
    for camera_id, at_ns, found in frames(ways, 70.0, rate_hz=3.0, cameras=("c1", "c3")):
        out.take(floor.feed(camera_id, at_ns, found), at_ns)
        most = max(most, floor.held)
    assert [each.track_id for each in out.of(TrackStarted)] == [f"p{k}" for k in range(1, 9)]
    assert most <= 5
    assert floor.held <= 2


def test_a_wrong_clock_and_late_frames_are_refused_and_counted() -> None:
    """One camera an hour ahead holds nobody up."""
    given = frames((ROUND,), 20.0, cameras=("c1", "c2"))
    wrong = [(name, at_ns + (3600 * 10**9 if name == "c2" else 0), found) for name, at_ns, found in given]
    floor = LiveFloor.of(kiosk())
    out = heard(floor, wrong)
    assert [each.track_id for each in out.of(TrackStarted)] == ["p1"]
    assert floor.refused == {"c1": 0, "c2": 120, "c3": 0, "c4": 0}
    late = LiveFloor.of(kiosk())
    heard(late, frames((ROUND,), 5.0), close=False)
    late.feed("c1", 10**9, boxes())
    assert late.refused["c1"] == 1


def test_when_all_cameras_stop_what_waits_is_told_by_the_clock() -> None:
    """And when they look again after half a minute, the same shopper is the same id."""
    floor = LiveFloor.of(kiosk())
    way: Way = ((0.5, *IN), (5.0, 2.0, 3.0), (40.0, 2.0, 3.0), (45.0, *OUT))
    given = frames((way,), 48.0, rate_hz=5.0)
    out = heard(floor, [each for each in given if each[1] < 8e9], close=False)
    assert out.standing[-1].at_ns < 7.5e9
    out.take(floor.advance(12 * 10**9), 12 * 10**9)
    assert out.standing[-1].at_ns == pytest.approx(7.8e9)
    rest = heard(floor, [each for each in given if each[1] >= 36e9])
    assert {name for each in (*out.standing, *rest.standing) for name in each.track_ids} == {"p1"}
    assert rest.of(TrackEnded)[-1].gate_id == "exit"


def test_nothing_to_see_and_nothing_to_see_with() -> None:
    """Empty frames, broken boxes, no calibrated camera, a camera of another store."""
    floor = LiveFloor.of(kiosk())
    broken = boxes(np.array([np.nan, 0, 10, 10]), np.array([5, 5, 5, 5]), np.array([100, 100, 101, 700]))
    out = heard(floor, [("c1", step * 10**8, broken) for step in range(30)])
    assert not out.of(TrackStarted)
    assert LiveFloor.of(kiosk()).close().standing == ()
    with pytest.raises(UserError, match="no camera is calibrated"):
        LiveFloor.of(replace(kiosk(), cameras=()))
    with pytest.raises(KeyError):
        floor.feed("c9", 0, boxes())
