"""Episodes: stays of hands at shelves, each once, in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from jwo_cli.estimate.vision.episodes import Episode, Episodes
from jwo_cli.estimate.vision.hands import Hand
from jwo_cli.estimate.vision.shelves import Shelves
from tests.estimate.tracking.kiosk import kiosk

STORE = kiosk()
SHELVES = Shelves(STORE)
STEP_NS = 100_000_000
FIRST, OTHER = (next(plate_id for plate_id, (fixture, _, _) in STORE.plates().items() if fixture is wanted)
                for wanted in STORE.fixtures[:2])  # fmt: skip


def over(plate_id: str, before_m: float = 0.0) -> tuple[float, float, float]:
    """In the middle of a plate's front, `before_m` out in the aisle."""
    fixture, _, plate = STORE.plates()[plate_id]
    box = plate.box
    return fixture.pose.apply(box.x_m + box.dx_m / 2, box.y_m + 0.03 - before_m, box.z_m + 0.12)


def watch(hand_at: Callable[[int], tuple[float, float, float] | None], steps: int = 60) -> list[Episode]:
    """Episodes of one hand at 10 Hz; None: unseen."""
    told, watched = [], Episodes(SHELVES)
    for step in range(steps):
        place = hand_at(step)
        hands = () if place is None else (Hand(side=0, place_m=np.array(place), covariance=0.04**2 * np.eye(3)),)
        told += watched.feed(step * STEP_NS, [("p1", hands)])
    return told + watched.close()


def within(step: int, *spans: Iterable[int]) -> bool:
    return any(step in span for span in spans)


def test_two_reaches_are_two_episodes_in_order() -> None:
    """A hand at one fixture for a second and at another five seconds later."""
    told = watch(
        lambda step: over(FIRST) if within(step, range(5, 15)) else over(OTHER) if within(step, range(50, 58))
        else over(FIRST, 0.6)
    )  # fmt: skip
    assert [one.fixture_id for one in told] == [fixture.fixture_id for fixture in STORE.fixtures[:2]]
    assert told[0].plates[0][0] == FIRST
    assert 4 * STEP_NS <= told[0].begin_ns <= 6 * STEP_NS
    assert 13 * STEP_NS <= told[0].end_ns <= 16 * STEP_NS
    assert all(one.probability > 0.8 for one in told)


def test_a_hand_that_passes_is_no_episode() -> None:
    """One frame in a volume is an accident."""
    assert not watch(lambda step: over(FIRST) if step == 20 else over(FIRST, 0.6))


def test_an_unseen_moment_does_not_cut_an_episode() -> None:
    """A hand hidden for a third of a second behind its own body was there all along."""
    told = watch(
        lambda step: None if within(step, range(10, 13)) else over(FIRST) if within(step, range(5, 20))
        else over(FIRST, 0.6)
    )  # fmt: skip
    assert len(told) == 1
    assert told[0].end_ns - told[0].begin_ns >= 12 * STEP_NS


def test_a_stay_at_the_end_of_the_recording_is_told() -> None:
    """Whoever is still there when the pictures end was there."""
    told = watch(lambda step: over(FIRST) if step >= 50 else over(FIRST, 0.6))
    assert len(told) == 1
