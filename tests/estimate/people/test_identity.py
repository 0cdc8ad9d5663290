"""Who may have become whom."""

from __future__ import annotations

import math

import numpy as np

from jwo_cli.estimate.people.front import PeopleFront
from jwo_cli.estimate.signals import IdentityTold, PoseFrame
from jwo_cli.model.layout import Gate
from jwo_cli.model.observations import IdentityDoubted
from tests.estimate.people import figures


def doubts(frames: list[PoseFrame], *, gates: tuple[Gate, ...] = ()) -> list[IdentityDoubted]:
    """What a stream makes doubtful with at least even odds."""
    front = PeopleFront(figures.store(gates=gates))
    for frame in frames:
        front.feed(frame)
    front.close()
    return [o for _, o in front.take() if isinstance(o, IdentityDoubted) and o.probability >= 0.5]


def tall(t: float) -> figures.Joints:
    """Stands still, with a breath of movement."""
    return figures.figure(0.5 + 0.01 * math.sin(t), -0.8, height_m=1.85)


def short(t: float) -> figures.Joints:
    """Stands beside."""
    return figures.figure(1.0 + 0.01 * math.cos(t), -0.8, height_m=1.65)


def test_ids_exchanged_in_full_view_are_found_at_their_frame() -> None:
    """From 5.05 s on each id sits on the other's body."""
    frames = figures.frames(
        {"a": lambda t: tall(t) if t < 5.05 else short(t), "b": lambda t: short(t) if t < 5.05 else tall(t)}, 10.0
    )
    (doubt,) = doubts(frames)
    assert (doubt.kind, {doubt.before, doubt.after}) == ("swap", {"a", "b"})
    assert abs(doubt.at_ns - figures.at_ns(5.1)) < 1e8
    assert doubt.probability > 0.99


def test_ids_exchanged_while_both_were_hidden_are_told_by_their_build() -> None:
    """Unseen for a second, and then the tall one carries the short one's id."""

    def hidden(one: figures.Joints, other: figures.Joints, t: float) -> figures.Joints | None:
        return None if 4.0 < t < 5.0 else (one if t < 4.5 else other)

    frames = figures.frames(
        {"a": lambda t: hidden(tall(t), short(t), t), "b": lambda t: hidden(short(t), tall(t), t)}, 10.0
    )
    assert [doubt.kind for doubt in doubts(frames)] == ["swap"]


def test_what_the_tracker_doubts_is_told_once() -> None:
    """It knows of the exchange at 5.1 s, as motion does; one of the two is told, the more doubtful."""
    frames = figures.frames(
        {"a": lambda t: tall(t) if t < 5.05 else short(t), "b": lambda t: short(t) if t < 5.05 else tall(t)}, 10.0
    )
    late = PeopleFront(figures.store())
    for frame in frames[: len(frames) * 8 // 10]:
        late.feed(frame)
    late.tracker_said(said(figures.at_ns(8.0), 0.6))
    (doubt,) = (one for _, one in late.take() if isinstance(one, IdentityDoubted))
    assert doubt.probability > 0.99
    early = PeopleFront(figures.store())
    early.tracker_said(said(figures.at_ns(5.2), 0.6))
    for frame in frames:
        early.feed(frame)
    (doubt,) = (one for _, one in early.take() if isinstance(one, IdentityDoubted))
    assert (doubt.at_ns, doubt.probability) == (figures.at_ns(5.1), 0.6)


def said(at_ns: int, probability: float) -> IdentityTold:
    """An exchange of a and b at 5.1 s, by their tracker."""
    return IdentityTold(
        at_ns=at_ns, since_ns=figures.at_ns(5.1), kind="swap", before="a", after="b", probability=probability
    )


def test_people_who_pass_each_other_keep_their_names() -> None:
    """Two walk past each other at 30 cm; nothing is doubtful."""
    frames = figures.frames(
        {
            "a": lambda t: figures.figure(-1.0 + 0.5 * t, -0.8, facing_deg=0.0),
            "b": lambda t: figures.figure(3.0 - 0.5 * t, -1.1, facing_deg=180.0),
        },
        8.0,
    )
    assert doubts(frames) == []


def test_being_hidden_for_a_moment_is_no_exchange() -> None:
    """Both unseen for a second where they met, and each goes on as before."""
    frames = figures.frames(
        {"a": lambda t: None if 4.0 < t < 5.0 else tall(t), "b": lambda t: None if 4.0 < t < 5.0 else short(t)}, 10.0
    )
    assert doubts(frames) == []


def test_a_new_id_where_one_was_lost_is_the_same_person() -> None:
    """Gone for two seconds in the middle of the floor, and back under a new id half a metre on."""
    frames = figures.frames(
        {
            "old": lambda t: tall(t) if t < 4.0 else None,
            "new": lambda t: tall(t) + np.array([0.5, 0, 0], np.float32) if t > 6.0 else None,
            "other": short,
        },
        10.0,
    )
    (doubt,) = doubts(frames)
    assert (doubt.kind, doubt.before, doubt.after) == ("restart", "old", "new")


def test_a_body_seen_under_both_ids_for_a_moment_is_one_person() -> None:
    """The new id begins a quarter of a second before the old one ends, where it ends."""
    frames = figures.frames(
        {
            "old": lambda t: tall(t) if t < 4.25 else None,
            "new": lambda t: tall(t) + np.array([0.3, 0, 0], np.float32) if t > 4.0 else None,
            "other": short,
        },
        10.0,
    )
    assert ("restart", "old", "new") in [(doubt.kind, doubt.before, doubt.after) for doubt in doubts(frames)]


def test_who_left_through_a_gate_is_hardly_who_appears_inside() -> None:
    """One was lost in the exit, one in the middle: the new id is the latter's, and the other is not asked about."""
    x = (figures.DOOR.a[0] + figures.DOOR.b[0]) / 2
    frames = figures.frames(
        {
            "left": lambda t: figures.figure(x, -2.9) if t < 4.0 else None,
            "lost": lambda t: tall(t) if t < 4.0 else None,
            "new": lambda t: tall(t) + np.array([0.4, 0, 0], np.float32) if t > 5.0 else None,
        },
        12.0,
    )
    assert [(doubt.before, doubt.after) for doubt in doubts(frames, gates=(figures.DOOR,))] == [("lost", "new")]


def test_who_is_in_view_is_not_who_comes_back() -> None:
    """Somebody beside who is seen all the time is never taken for the lost one, however near."""
    frames = figures.frames(
        {
            "old": lambda t: tall(t) if t < 4.0 else None,
            "new": lambda t: tall(t) if t > 4.5 else None,
            "twin": lambda t: tall(t) + np.array([0.3, 0, 0], np.float32),
        },
        10.0,
    )
    assert [doubt.before for doubt in doubts(frames)] == ["old"]


def test_somebody_who_comes_through_the_gate_is_somebody_new() -> None:
    """A lost shopper inside, and a person of another build at the door."""
    x = (figures.DOOR.a[0] + figures.DOOR.b[0]) / 2
    frames = figures.frames(
        {
            "old": lambda t: tall(t) if t < 4.0 else None,
            "new": lambda t: figures.figure(x, -2.8, height_m=1.65) if t > 6.0 else None,
        },
        10.0,
    )
    assert doubts(frames, gates=(figures.DOOR,)) == []


def test_two_who_come_under_one_id_are_told_when_it_goes_on_as_the_other() -> None:
    """At 5.05 s the tall one's id sits on the short one, whose own is gone; the tall one comes back as somebody new."""
    frames = figures.frames(
        {
            "a": lambda t: tall(t) if t < 5.05 else short(t),
            "b": lambda t: short(t) if t < 5.05 else None,
            "c": lambda t: tall(t) if t > 7.0 else None,
        },
        10.0,
    )
    merge, restart = doubts(frames)
    assert (merge.kind, merge.before, merge.after) == ("merge", "b", "a")
    assert abs(merge.at_ns - figures.at_ns(5.1)) < 1e8
    assert (restart.kind, restart.before, restart.after) == ("restart", "b", "c")


def test_who_is_lost_beside_somebody_who_goes_on_is_only_lost() -> None:
    """The short one is out of view from 5 s on; the tall one's id stays where it was."""
    frames = figures.frames({"a": tall, "b": lambda t: short(t) if t < 5.05 else None}, 10.0)
    assert doubts(frames) == []
