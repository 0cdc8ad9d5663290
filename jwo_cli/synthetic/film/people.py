"""People as textured solids: a skeleton from the play, limbs around it, clothes of their own, things in their hands."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.pixels import Image
from jwo_cli.synthetic.bodies import Motion
from jwo_cli.synthetic.draws import Floats, named

from .scenery import Scenery, product_colours

_HEAD, _NECK, _L_SHOULDER, _R_SHOULDER, _L_ELBOW, _R_ELBOW, _L_WRIST, _R_WRIST = range(8)
_NEAR_M = 0.45
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clothes:
    """What somebody wears, BGR."""

    shirt: Colour
    stripes: Colour
    trousers: Colour
    hair: Colour
    skin: Colour
    striped: int  # 0 plain, 1 along, 2 a belt of another colour


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Somebody at a moment: joints [8, 3] of the play, feet and knees below them, and what each hand holds."""

    joints_m: Floats
    legs_m: Floats  # [4, 3]: left knee, left foot, right knee, right foot
    holding: tuple[str | None, str | None]
    clothes: Clothes


def clothes(seed: int, key: str) -> Clothes:
    """Somebody's clothes, seeded."""
    rng = named(seed, "clothes", key)

    def colour(low: int, high: int) -> Colour:
        blue, green, red = (int(value) for value in rng.integers(low, high, 3))
        return (blue, green, red)

    skin = float(rng.uniform(0.45, 1.0))
    return Clothes(
        shirt=colour(20, 235),
        stripes=colour(20, 235),
        trousers=colour(15, 120),
        hair=colour(10, 80),
        skin=(round(150 * skin), round(175 * skin), round(225 * skin)),
        striped=int(rng.integers(0, 3)),
    )


def legs(motion: Motion, joints_m: Floats, at_s: float) -> Floats:
    """Knees and feet [4, 3] under a body: the feet swing along its way, as far as it went since the last stride."""
    now, before = np.array(motion.position(at_s)), np.array(motion.position(at_s - 0.15))
    pace = now - before
    speed = float(np.hypot(*pace)) / 0.15
    across = joints_m[_L_SHOULDER, :2] - joints_m[_R_SHOULDER, :2]
    across = across / max(float(np.hypot(*across)), 1e-6)
    ahead = pace / max(float(np.hypot(*pace)), 1e-6)
    swing = 0.26 * min(speed, 1.0) * math.sin(2 * math.pi * 0.85 * at_s)
    under = joints_m[_NECK, :2]
    hip_z = joints_m[_NECK, 2] * 0.6
    out = np.empty((4, 3))
    for side, sign in ((0, 1.0), (1, -1.0)):
        foot = under + 0.1 * sign * across + sign * swing * ahead
        out[2 * side + 1] = [*foot, 0.06]
        out[2 * side] = [*((under + 0.1 * sign * across) * 0.5 + foot * 0.5 + 0.03 * ahead), hip_z * 0.52]
    return out


def paint(image: Image, ground: Scenery, view: View, people: list[Shown]) -> None:
    """Paints people into a frame, the farthest first; what stands before them hides them."""
    parts = [part for person in people for part in _parts(person)]
    ends = np.array([[part.a, part.b] for part in parts]).reshape(-1, 3)
    if not len(ends):
        return
    deep = ends @ view.projection[2, :3] + view.projection[2, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        spots = view.project(ends)
    focal = float(np.linalg.norm(view.projection[0, :3] - view.projection[2, :3] * _centre(view)))
    order = np.argsort(-deep.reshape(-1, 2).mean(axis=1), kind="stable")
    for index in order:
        low, high = 2 * index, 2 * index + 1
        depth = float(min(deep[low], deep[high]))
        if depth < _NEAR_M or not np.all(np.abs(spots[low : high + 1]) < 1e4):
            continue
        _stroke(image, ground, spots[low], spots[high], parts[index], depth, focal)


@dataclass(frozen=True, slots=True)
class _Part:
    """A solid around a line: a limb, a head, a thing."""

    a: Floats
    b: Floats
    radius_m: float
    colour: Colour


def _parts(person: Shown) -> list[_Part]:
    j, wear = person.joints_m, person.clothes
    middle = (j[_L_SHOULDER] + j[_R_SHOULDER]) / 2
    hips = np.array([*(person.legs_m[1, :2] + person.legs_m[3, :2]) / 2, j[_NECK, 2] * 0.62])
    side = (j[_L_SHOULDER] - j[_R_SHOULDER]) * 0.45
    parts = [
        _Part(person.legs_m[1], person.legs_m[0], 0.065, wear.trousers),
        _Part(person.legs_m[0], hips + side * 0.5, 0.085, wear.trousers),
        _Part(person.legs_m[3], person.legs_m[2], 0.065, wear.trousers),
        _Part(person.legs_m[2], hips - side * 0.5, 0.085, wear.trousers),
        _Part(hips + side * 0.45, middle + side * 0.6, 0.115, wear.shirt),
        _Part(hips - side * 0.45, middle - side * 0.6, 0.115, wear.shirt),
        _Part(hips, middle, 0.12, wear.stripes if wear.striped == 1 else wear.shirt),
        _Part(j[_NECK] - [0, 0, 0.05], j[_NECK] + [0, 0, 0.08], 0.055, wear.skin),
        _Part(j[_HEAD] - [0, 0, 0.03], j[_HEAD] + [0, 0, 0.03], 0.1, wear.skin),
        _Part(j[_HEAD] + [0, 0, 0.05], j[_HEAD] + [0, 0, 0.08], 0.095, wear.hair),
    ]
    if wear.striped == 2:
        belt = hips * 0.45 + middle * 0.55
        parts.append(_Part(belt + side * 0.55, belt - side * 0.55, 0.07, wear.stripes))
    for shoulder, elbow, wrist, thing in (
        (_L_SHOULDER, _L_ELBOW, _L_WRIST, person.holding[0]),
        (_R_SHOULDER, _R_ELBOW, _R_WRIST, person.holding[1]),
    ):
        hand = j[wrist] + 0.08 * _unit(j[wrist] - j[elbow])
        parts += [
            _Part(j[shoulder], j[elbow], 0.055, wear.shirt),
            _Part(j[elbow], j[wrist], 0.045, wear.skin),
            _Part(j[wrist], hand, 0.045, wear.skin),
        ]
        if thing is not None:
            colour, band = (_colour(value) for value in product_colours(thing))
            up = np.array([0.0, 0.0, 1.0])
            parts.append(_Part(hand - 0.07 * up, hand + 0.07 * up, 0.055, colour))
            parts.append(_Part(hand - 0.015 * up, hand + 0.015 * up, 0.057, band))
    return parts


def _stroke(image: Image, ground: Scenery, a: Floats, b: Floats, part: _Part, depth_m: float, focal: float) -> None:
    """A thick line with round ends, where nothing that stands still is nearer."""
    thick = max(1, round(2 * part.radius_m * focal / depth_m))
    pad = thick // 2 + 2
    height, width = image.shape[:2]
    left, top = (max(0, math.floor(min(a[axis], b[axis])) - pad) for axis in (0, 1))
    right = min(width, math.ceil(max(a[0], b[0])) + pad)
    bottom = min(height, math.ceil(max(a[1], b[1])) + pad)
    if left >= right or top >= bottom:
        return
    mask = np.zeros((bottom - top, right - left), dtype=np.uint8)
    start, end = ((round(float(spot[0])) - left, round(float(spot[1])) - top) for spot in (a, b))
    cv2.line(mask, start, end, 255, thick, cv2.LINE_AA)
    free = ground.depth_m[top:bottom, left:right] > depth_m - part.radius_m
    weight = (mask * free).astype(np.float32)[..., None] / 255.0
    # rounded: darker towards the rims, as light from above leaves a limb
    rim = cv2.GaussianBlur(mask, (0, 0), max(0.6, thick / 6)).astype(np.float32)[..., None] / 255.0
    paint_ = np.array(part.colour, np.float32) * (0.55 + 0.45 * rim)
    patch = image[top:bottom, left:right]
    patch[:] = np.clip(patch * (1.0 - weight) + paint_ * weight, 0, 255).astype(np.uint8)


def _centre(view: View) -> float:
    """The principal point across, from the projection itself."""
    turn = view.projection[:, :3]
    return float(turn[0] @ turn[2])


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6))


def _colour(value: NDArray[np.uint8]) -> Colour:
    blue, green, red = (int(channel) for channel in value)
    return (blue, green, red)
