"""When something may have passed from hand to hand."""

from __future__ import annotations

from jwo_cli.estimate.people.front import PeopleFront
from jwo_cli.estimate.people.history import L_HAND, L_WRIST, R_HAND, R_WRIST
from jwo_cli.estimate.signals import PoseFrame
from jwo_cli.model.observations import HandsMet
from tests.estimate.people import figures

MIDDLE = (0.8, -1.2, 1.15)


def met(frames: list[PoseFrame]) -> list[HandsMet]:
    """Every meeting that is told."""
    front = PeopleFront(figures.store())
    for frame in frames:
        front.feed(frame)
    front.close()
    return [o for _, o in front.take() if isinstance(o, HandsMet)]


def left(t: float) -> figures.Joints:
    """Faces right and holds something out from 2 to 3 s."""
    reach = (MIDDLE[0] - 0.04, MIDDLE[1], MIDDLE[2]) if 2.0 <= t <= 3.0 else None
    return figures.figure(0.5, -1.2, facing_deg=0.0, right=reach)


def right(t: float) -> figures.Joints:
    """Faces left and takes it."""
    reach = (MIDDLE[0] + 0.04, MIDDLE[1], MIDDLE[2]) if 2.0 <= t <= 3.0 else None
    return figures.figure(1.1, -1.2, facing_deg=180.0, right=reach)


def test_hands_held_out_to_each_other_hand_something_over() -> None:
    """Standing face to face, hands lifted and together for a second."""
    (meeting,) = met(figures.frames({"a": left, "b": right}, 6.0))
    assert meeting.probability > 0.5
    assert meeting.distance_m < 0.1
    assert figures.at_ns(2.0) <= meeting.at_ns <= figures.at_ns(3.0)


def test_hands_that_nobody_saw_leave_the_doubt() -> None:
    """The same two with hidden hands: possible, and hardly more; people stand and talk, too."""
    hands = (L_WRIST, R_WRIST, L_HAND, R_HAND)
    frames = figures.frames(
        {"a": lambda t: figures.without(left(t), *hands), "b": lambda t: figures.without(right(t), *hands)}, 4.0
    )
    (meeting,) = met(frames)
    assert 0.02 < meeting.probability < 0.3


def test_people_who_pass_hand_nothing_over() -> None:
    """Hanging hands come within 20 cm as two walk past each other."""
    frames = figures.frames(
        {
            "a": lambda t: figures.figure(-1.5 + 0.8 * t, -1.0, facing_deg=0.0),
            "b": lambda t: figures.figure(2.5 - 0.8 * t, -1.45, facing_deg=180.0),
        },
        5.0,
    )
    assert met(frames) == []


def test_two_at_one_shelf_reach_past_each_other() -> None:
    """Crossing arms at the shelf are no hand-over."""
    frames = figures.frames({"a": figures.taker(4, 3.0, x=0.6), "b": figures.taker(5, 3.2, x=0.3)}, 6.0)
    assert [m for m in met(frames) if m.probability > 0.25] == []
