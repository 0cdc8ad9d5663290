"""Whose hand it was."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.people.history import L_ELBOW, L_HAND, L_WRIST, R_ELBOW, R_HAND, R_WRIST
from jwo_cli.estimate.people.places import Places
from jwo_cli.estimate.people.reach import OFFSETS_S, ReachModel, by_offset, marginal, paths
from jwo_cli.estimate.signals import PoseFrame
from jwo_cli.model.layout import Store
from tests.estimate.people import figures

EXACT = np.where(OFFSETS_S == 0.0, 1.0, 0.0)
WIDE = np.full(len(OFFSETS_S), 1 / len(OFFSETS_S))


def score(
    frames: list[PoseFrame], track: str, number: int, when: float, direction: int = -1, *, store: Store | None = None,
    prior: np.ndarray = EXACT,
) -> float:  # fmt: skip
    """Log-likelihood that `track` did something to the nth plate at `when`."""
    ((_, target),) = Places(store or figures.store()).targets([(figures.plate(number), 1.0)])
    seen = [(f.at_ns, p.joints_m) for f in frames for p in f.people if p.track_id == track]
    times = np.array([at for at, _ in seen], dtype=np.int64)
    joints = np.array([j for _, j in seen], dtype=np.float64).reshape(-1, 10, 3)
    path = paths(figures.at_ns(when), times, joints, target)
    return marginal(by_offset(path, direction, target.half_x_m, ReachModel()), prior)


def test_the_hand_at_the_plate_beats_the_hand_two_plates_on() -> None:
    """Two people shoulder to shoulder take at the same moment, 20 cm apart."""
    frames = figures.frames({"a": figures.taker(3, 5.0), "b": figures.taker(5, 5.0)}, 8.0)
    assert score(frames, "a", 3, 5.0) > score(frames, "b", 3, 5.0) + 4
    assert score(frames, "b", 5, 5.0) > score(frames, "a", 5, 5.0) + 4


def test_of_two_hands_at_one_plate_the_one_that_leaves_has_taken() -> None:
    """Both hands lie on the plate when it gets lighter; one leaves then, the other a second later."""
    frames = figures.frames({"a": figures.taker(4, 5.0), "b": figures.taker(4, 5.8, x=0.6)}, 8.0)
    assert score(frames, "a", 4, 5.0) > score(frames, "b", 4, 5.0) + 2


def test_of_two_hands_at_one_plate_the_one_that_came_has_put() -> None:
    """The same two hands when it gets heavier: one has just come, the other was there before."""
    frames = figures.frames({"a": figures.taker(4, 5.6), "b": figures.taker(4, 5.0, x=0.6)}, 8.0)
    assert score(frames, "a", 4, 5.05, +1) > score(frames, "b", 4, 5.05, +1) + 1


def test_somebody_at_the_other_end_of_the_shelf_did_not() -> None:
    """A metre away with hanging hands: as improbable as the model says of anybody."""
    frames = figures.frames({"b": lambda _: figures.figure(1.5, -0.5)}, 8.0)
    assert score(frames, "b", 0, 5.0) < -8


def test_a_hidden_hand_may_have_done_it_when_the_body_was_near() -> None:
    """Arms not seen: near bodies are likelier than strangers nobody saw, far ones are not."""
    arms = (L_ELBOW, R_ELBOW, L_WRIST, R_WRIST, L_HAND, R_HAND)
    near = figures.frames({"a": lambda _: figures.without(figures.figure(0.45, -0.45), *arms)}, 8.0)
    far = figures.frames({"a": lambda _: figures.without(figures.figure(0.45, -1.5), *arms)}, 8.0)
    assert score(near, "a", 4, 5.0) > 0.5
    assert score(far, "a", 4, 5.0) < -4


def test_a_wrist_that_vanishes_as_it_takes_is_still_known() -> None:
    """Seen at the plate until 0.3 s before, then hidden by the body: better than somebody whose hand hangs."""
    take = figures.taker(4, 5.0)

    def hidden(t: float) -> figures.Joints:
        return figures.without(take(t), R_ELBOW, R_WRIST, R_HAND) if 4.75 < t < 5.6 else take(t)

    frames = figures.frames({"a": hidden, "b": lambda _: figures.figure(0.75, -0.5)}, 8.0)
    assert score(frames, "a", 4, 5.0) > score(frames, "b", 4, 5.0) + 2


def test_clocks_apart_are_no_alibi() -> None:
    """With poses stamped 0.2 s late a wide belief about the offset still finds the hand."""
    frames = figures.frames({"a": figures.taker(4, 5.2)}, 8.0)
    assert score(frames, "a", 4, 5.0, prior=WIDE) > 3


@settings(max_examples=25, deadline=None)
@given(st.floats(-180, 180), st.floats(-3, 3), st.floats(-3, 3))
def test_it_does_not_matter_how_the_fixture_stands(rotation_deg: float, x_m: float, y_m: float) -> None:
    """Turning and moving fixture and people together changes nothing."""
    store = figures.store(rotation_deg=rotation_deg, x_m=x_m, y_m=y_m)
    frames = figures.frames({"a": figures.taker(4, 5.0)}, 8.0)
    pose = store.fixtures[0].pose
    moved = [
        PoseFrame(
            at_ns=f.at_ns,
            people=tuple(
                type(p)(
                    track_id=p.track_id, scores=p.scores,
                    joints_m=np.array([pose.apply(*map(float, j)) for j in p.joints_m], dtype=np.float32),
                )
                for p in f.people
            ),
        )
        for f in frames
    ]  # fmt: skip
    assert math.isclose(score(frames, "a", 4, 5.0), score(moved, "a", 4, 5.0, store=store), abs_tol=1e-2)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.0, 0.3), st.floats(0.05, 0.5))
def test_farther_along_the_shelf_is_never_likelier(near_m: float, more_m: float) -> None:
    """A hand that rests `more_m` farther from the plate explains less."""

    def resting(away_m: float) -> list[PoseFrame]:
        x, y, z = figures.grip(4)
        return figures.frames({"a": lambda _: figures.figure(0.45, -0.5, right=(x + away_m, y, z))}, 4.0)

    assert score(resting(near_m), "a", 4, 2.0) >= score(resting(near_m + more_m), "a", 4, 2.0) - 1e-9


def test_poses_that_are_plainly_wrong_leave_everybody_possible() -> None:
    """No likelihood goes below the floor, so that other evidence can overrule broken poses."""
    frames = figures.frames({"a": lambda _: figures.figure(300.0, 300.0)}, 4.0)
    assert score(frames, "a", 4, 2.0) >= ReachModel().floor
