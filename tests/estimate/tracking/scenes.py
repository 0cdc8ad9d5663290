"""A small room with cameras in its corners, people who walk through it, and what detectors would make of them."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.camera import View
from jwo_cli.estimate.tracking.detections import Glimpse
from jwo_cli.estimate.tracking.runs import Detections

SIZE = (1280.0, 720.0)


def look(place: tuple[float, float, float], at: tuple[float, float, float], focal: float = 700.0) -> View:
    """An upright camera at `place` that looks `at` a point."""
    ahead = np.subtract(at, place)
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    turn = np.stack((right, np.cross(ahead, right), ahead))
    matrix = np.array([[focal, 0, SIZE[0] / 2], [0, focal, SIZE[1] / 2], [0, 0, 1.0]])
    return View(projection=matrix @ np.column_stack((turn, -turn @ np.array(place))), size_px=SIZE)


def corners() -> list[View]:
    """Four cameras under the ceiling of a room of 8 by 6 metres."""
    return [look((x, y, 2.8), (4.0, 3.0, 0.6)) for x, y in ((-1, -1), (9, -1), (9, 7), (-1, 7))]


def box(view: View, xy: np.ndarray, height_m: float = 1.7) -> np.ndarray:
    """The box [4] of an upright person: feet 0.12 m around the place, a head of 0.10 m."""
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.column_stack((np.cos(turn), np.sin(turn)))
    feet = np.column_stack((xy + 0.12 * ring, np.zeros(24)))
    head = np.column_stack((xy + 0.10 * ring, np.full(24, height_m)))
    points = view.project(np.concatenate((feet, head)))
    low, high = points.min(axis=0), points.max(axis=0)
    return np.concatenate((low, high - low))


def walks(people: int, frames: int, rate_hz: float, seed: int) -> np.ndarray:
    """Places [people, frames, 2] of people who wander between points of the room at about 1.2 m/s."""
    draw = np.random.default_rng(seed)
    paths = np.zeros((people, frames, 2))
    for person in range(people):
        goals = draw.uniform((0.8, 0.8), (7.2, 5.2), (40, 2))
        steps = np.linalg.norm(np.diff(goals, axis=0), axis=1)
        along = np.concatenate(([0], np.cumsum(steps)))
        way = np.arange(frames) * 1.2 / rate_hz
        paths[person] = np.column_stack([np.interp(way, along, goals[:, axis]) for axis in (0, 1)])
        for axis in (0, 1):  # people do not turn on the spot
            kernel = np.ones(5) / 5
            paths[person, 2:-2, axis] = np.convolve(paths[person, :, axis], kernel, mode="valid")
    return paths


def seen(view: View, paths: np.ndarray, seed: int, *, blur_px: float = 2.0, missed: float = 0.05) -> Detections:
    """A detector's boxes of people in view, frames from 1."""
    draw = np.random.default_rng(seed)
    frame, boxes = [], []
    for now in range(paths.shape[1]):
        for person in range(len(paths)):
            found = box(view, paths[person, now])
            inside = found[0] > -found[2] / 2 and found[0] + found[2] / 2 < SIZE[0]
            if inside and found[1] < SIZE[1] * 0.8 and draw.random() >= missed:
                edges = np.concatenate((found[:2], found[:2] + found[2:])) + draw.normal(0, blur_px, 4)
                edges[[0, 2]] = np.clip(edges[[0, 2]], 0, SIZE[0])
                edges[[1, 3]] = np.clip(edges[[1, 3]], 0, SIZE[1])
                frame.append(now + 1)
                boxes.append(np.concatenate((edges[:2], edges[2:] - edges[:2])))
    count = len(frame)
    return Detections(
        frame=np.array(frame, np.int64),
        box_px=np.array(boxes).reshape(count, 4),
        score=np.full(count, 0.9),
        look=np.zeros((count, 0)),
    )


def glimpse(
    at_s: float, *places: tuple[float, float], camera: int = 0, sigma: float = 0.1, score: float = 0.9
) -> Glimpse:
    """Places on a floor as one camera's glimpse."""
    count = len(places)
    return Glimpse(
        at_s=at_s,
        camera=camera,
        place=np.array(places, np.float64).reshape(count, 2),
        noise=np.broadcast_to(sigma**2 * np.eye(2), (count, 2, 2)).copy(),
        unit=np.ones(count),
        score=np.full(count, score),
        traits=np.zeros((count, 0)),
        trait_noise=np.ones(count),
        row=np.arange(count),
    )
