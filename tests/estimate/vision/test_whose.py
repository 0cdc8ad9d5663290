"""Whose detections are whose, camera by camera."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.tracking.settings import TrackSettings
from jwo_cli.estimate.vision.physique import Physique
from jwo_cli.estimate.vision.whose import assign, prepare
from tests.estimate.vision.puppets import VIEWS, Puppet, shown

PEOPLE = (Puppet(place=(2.0, 1.5)), Puppet(place=(3.6, 2.6)), Puppet(place=(4.6, 1.4)))
SPREAD = np.tile(0.1**2 * np.eye(2), (3, 1, 1))


def test_every_camera_gives_everybody_their_own_detection() -> None:
    """Three people in four cameras, detections in any order: no exchange anywhere."""
    places = np.array([puppet.place for puppet in PEOPLE])
    for name, view in VIEWS.items():
        order = [2, 0, 1]
        poses = shown([PEOPLE[i] for i in order], name)
        frame = prepare(name, 0, view, poses, Physique(), TrackSettings())
        pairs = assign(frame, places, SPREAD, [None] * 3)
        assert {person: order[row] for person, row in pairs} == {0: 0, 1: 1, 2: 2}


def test_nobody_gets_what_is_too_far_away() -> None:
    """A detection of somebody the tracker does not follow is left over."""
    frame = prepare("c1", 0, VIEWS["c1"], shown([PEOPLE[1]], "c1"), Physique(), TrackSettings())
    assert assign(frame, np.array([[1.0, 3.9]]), SPREAD[:1], [None]) == []


def test_an_empty_image_gives_nothing() -> None:
    """No detections, no people: no pairs and no error."""
    frame = prepare("c1", 0, VIEWS["c1"], shown([], "c1"), Physique(), TrackSettings())
    assert assign(frame, np.zeros((0, 2)), np.zeros((0, 2, 2)), []) == []
    assert assign(frame, np.array([[2.0, 2.0]]), SPREAD[:1], [None]) == []
