"""Who stood where a tag left: seconds matter, tenths do not."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.people.history import History
from jwo_cli.estimate.people.places import Places, Target
from jwo_cli.estimate.people.standing import standing
from jwo_cli.model.layout import Antenna, Pose
from jwo_cli.model.observations import Reach
from tests.estimate.people import figures

ANTENNA = Antenna(antenna_id="ant", pose=Pose(x_m=0.5, y_m=0.0, z_m=2.0), range_m=1.0)


def history(where: object, begin: float = 0.0, end: float = 20.0) -> History:
    """What the cameras saw of somebody at 10 Hz."""
    seen = History()
    for i in range(round((end - begin) * 10)):
        t = begin + i / 10
        seen.add(figures.at_ns(t), where(t))  # type: ignore[operator]
    return seen


def targets(number: int = 3) -> list[Target]:
    """The place of a facing on one plate."""
    return [target for _, target in Places(figures.store()).targets([(figures.plate(number), 1.0)])]


def score(seen: History, when: float, *, number: int = 3) -> Reach:
    """How well somebody explains a tag that left plate `number` at `when`."""
    found = standing("a", seen, figures.at_ns(when), targets(number), ANTENNA)
    assert found is not None
    return found


@pytest.mark.parametrize("late", [0.0, 1.0, 3.0])
def test_a_hand_at_the_facing_counts_even_if_the_antenna_was_late(late: float) -> None:
    """Taken at 10 s; the last strong read came up to three seconds later."""
    found = score(history(figures.taker(3, 10.0)), 10.0 + late)
    assert found.log_likelihood > 3.0
    assert found.hand_m is not None
    assert found.hand_m < 0.15


def test_a_body_before_the_facing_counts_less_than_a_hand_and_more_than_nobody() -> None:
    """Reaching for the far end of the shelf from before the facing."""
    beside = score(history(figures.taker(8, 10.0, x=0.4)), 10.0)
    assert 0.0 < beside.log_likelihood < score(history(figures.taker(3, 10.0)), 10.0).log_likelihood - 1.0


def test_who_stands_three_metres_away_did_not() -> None:
    """At the floor of the scale, not below it."""
    away = score(history(lambda t: figures.figure(3.5, -2.5)), 10.0)
    assert away.log_likelihood == -7.0
    assert away.body_m is not None
    assert away.body_m > 3.0


def test_who_was_not_seen_then_is_not_judged() -> None:
    """Seen only a minute before; or nobody knows where the tag was."""
    assert standing("a", history(figures.taker(3, 5.0), 0, 10), figures.at_ns(70.0), targets(), ANTENNA) is None
    assert standing("a", history(figures.taker(3, 5.0)), figures.at_ns(5.0), [], None) is None


def test_without_a_facing_the_field_decides() -> None:
    """Within the antenna's range on the floor is there, beyond it falls off."""
    scores = []
    for away in (0.5, 1.0, 2.0, 3.0):
        seen = history(lambda t, away=away: figures.figure(0.5, -away))
        found = standing("a", seen, figures.at_ns(5.0), [], ANTENNA)
        assert found is not None
        scores.append(found.log_likelihood)
    assert scores[0] == scores[1] == 1.5
    assert scores[1] > scores[2] > scores[3]


def test_joints_that_are_all_missing_say_nothing() -> None:
    """A box without joints: at the floor, no crash, no number that is none."""
    found = score(history(lambda t: np.full((10, 3), np.nan, np.float32)), 5.0)
    assert (found.log_likelihood, found.hand_m, found.body_m) == (-7.0, None, None)
