"""Cameras into the store's frame: the truth comes back, and a mistake in the survey is named."""

from __future__ import annotations

import numpy as np
import pytest

from jwo_cli.estimate.calibration.floor import Placed, Survey, place
from jwo_cli.estimate.calibration.rigid import Rigid, angle_deg, identity
from jwo_cli.estimate.calibration.verdict import Judgement, Verdict
from tests.estimate.calibration.worlds import lens, rig

FLOOR = [(1.0, 0.8, 0), (2.8, 0.9, 0), (1.2, 2.2, 0), (2.9, 2.1, 0), (2.0, 1.4, 0), (1.5, 1.5, 0), (2.4, 1.9, 0)]
SPACE = [*FLOOR, (1.3, 1.0, 0.9), (2.6, 2.0, 1.3)]


def survey(cameras: list[Rigid], points: list[tuple[float, float, float]], noise_px: float = 0.5) -> Survey:
    """Clicks on points that each camera sees."""
    rng = np.random.default_rng(4)
    which = lens()
    names, index, places, clicks = [], [], [], []
    for number, camera in enumerate(cameras):
        px = which.project(camera.apply(np.array(points)))
        for place_m, spot in zip(points, px, strict=True):
            if np.isfinite(spot).all() and ((spot > 0) & (spot < (1280, 720))).all():
                names.append(f"p{len(names)}")
                index.append(number)
                places.append(place_m)
                clicks.append(spot + rng.normal(0, noise_px, 2))
    return Survey(names=tuple(names), camera=np.array(index), places_m=np.array(places), px=np.array(clicks))


@pytest.mark.parametrize("points", [FLOOR, SPACE])
def test_one_camera_is_placed_from_the_floor_or_from_space(points: list[tuple[float, float, float]]) -> None:
    """To centimetres, without any guess."""
    true = rig(1)[0]
    found = place([identity()], [lens()], survey([true], points))
    assert isinstance(found, Placed)
    assert np.linalg.norm(found.cameras[0].centre() - true.centre()) < 0.04
    assert angle_deg(found.cameras[0].turn @ true.turn.T) < 0.5
    assert found.judgement.verdict is Verdict.PASS
    assert np.nanmax(found.floor_cm) < 3


def test_a_rig_is_placed_by_points_that_no_camera_sees_alone() -> None:
    """Three points in one camera and three in another fix both."""
    cameras = rig(2)
    body = [camera.after(cameras[0].inverse()) for camera in cameras]
    whole = survey(cameras, FLOOR, noise_px=0.2)
    three = [np.flatnonzero(whole.camera == number)[:3] for number in (0, 1)]
    keep = np.zeros(len(whole.px), dtype=bool)
    keep[np.concatenate(three)] = True
    guess = cameras[0].after(Rigid(turn=np.eye(3), shift=np.array([0.2, -0.1, 0.1])))
    found = place(body, [lens()] * 2, whole.take(keep), guess=guess)
    assert isinstance(found, Placed)
    for true, here in zip(cameras, found.cameras, strict=True):
        assert np.linalg.norm(here.centre() - true.centre()) < 0.05


def test_a_mistaken_point_is_named() -> None:
    """Half a metre off in the survey: not a pass, and the sentence says which."""
    true = rig(1)[0]
    seen = survey([true], SPACE)
    places = seen.places_m.copy()
    places[4, 0] += 0.5
    wrong = Survey(names=seen.names, camera=seen.camera, places_m=places, px=seen.px)
    found = place([identity()], [lens()], wrong)
    assert isinstance(found, Placed)
    assert found.judgement.verdict is not Verdict.PASS
    assert any("point p4 is" in reason.text for reason in found.judgement.reasons)


LINE = [(x, 1.0, 0.0) for x in (1.2, 1.6, 2.0, 2.4, 2.8)]


@pytest.mark.parametrize("points", [FLOOR[:3], FLOOR[:3] * 2, [FLOOR[0]] * 6, LINE])
@pytest.mark.parametrize("drawn", [False, True])
def test_too_few_points_or_a_line_are_refused(points: list[tuple[float, float, float]], drawn: bool) -> None:
    """A judgement, no pose: not even where the camera as drawn would fit, and however often a point is repeated."""
    true = rig(1)[0]
    found = place([identity()], [lens()], survey([true], points), guess=true if drawn else None)
    assert isinstance(found, Judgement)
    assert found.verdict is Verdict.REFUSED
