"""The film itself: every camera's frames of a play, in order of time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jwo_cli.estimate.pixels import Image
from jwo_cli.model.layout import Store
from jwo_cli.synthetic.draws import Floats, named
from jwo_cli.synthetic.stage import Happened, Person, Stage

from .optics import views
from .people import Clothes, Shown, clothes, legs, paint
from .scenery import scenery

FPS = 8.0
HELD_S = 2.5  # how long a thing stays in the hand before it goes into the bag
NOISE = 3.0  # grey levels, of a small sensor indoors


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One camera's frame."""

    camera_id: str
    at_ns: int
    image: Image


def shoot(
    store: Store, stage: Stage, *, start_ns: int, duration_s: float, seed: int, fps: float = FPS
) -> Iterator[Shot]:
    """All frames of all cameras that have a lens, from second 0; cameras do not expose at the same moment.

    The same store, stage and seed give the same pixels.
    """
    sights = views(store)
    shapes = {camera.camera_id: (camera.width_px, camera.height_px) for camera in store.cameras}
    grounds = {
        name: scenery(store, view, width_px=shapes[name][0], height_px=shapes[name][1], seed=seed)
        for name, view in sights.items()
    }
    noise = {name: named(seed, "sensor", name) for name in sights}
    grains = {name: rng.normal(0.0, NOISE, (*shapes[name][::-1], 1)) for name, rng in noise.items()}
    wearing = {key: clothes(seed, key) for key in stage.people}
    for number in range(int(duration_s * fps)):
        for turn, (name, view) in enumerate(sights.items()):
            at_s = (number + turn / max(len(sights), 1) * 0.5) / fps
            image = grounds[name].image.copy()
            present = [
                _shown(store, stage, person, at_s, wearing[key])
                for key, person in stage.people.items()
                if person.motion.begin_s <= at_s < person.motion.end_s
            ]
            paint(image, grounds[name], view, present)
            yield Shot(
                camera_id=name,
                at_ns=start_ns + round(at_s * 1e9),
                image=_exposed(image, grains[name], noise[name]),
            )


def _shown(store: Store, stage: Stage, person: Person, at_s: float, wearing: Clothes) -> Shown:
    joints = person.motion.joints(np.array([at_s - 0.05, at_s, at_s + 0.05]))[1]
    return Shown(
        joints_m=joints,
        legs_m=legs(person.motion, joints, at_s),
        holding=_holding(store, stage.events, person, at_s),
        clothes=wearing,
    )


def _holding(store: Store, events: Sequence[Happened], person: Person, at_s: float) -> tuple[str | None, str | None]:
    """What is in each hand: what was taken within the last seconds and not put back since."""
    held: list[str | None] = [None, None]
    for event in events:
        if event.actor != person.actor.key or not at_s - HELD_S <= event.at_s <= at_s or not event.products:
            continue
        if event.kind == "pick":
            hand = _hand(store, event, person)
            held[hand] = event.products[0]
            if len(event.products) > 1 and event.products[1] != event.products[0]:
                held[1 - hand] = event.products[1]
        else:
            held = [None if thing in event.products else thing for thing in held]
    return held[0], held[1]


def _hand(store: Store, event: Happened, person: Person) -> int:
    """Which hand was at the plates when it was taken: 0 left, 1 right."""
    if not event.plates:
        return 1
    then = person.motion.joints(np.array([event.at_s - 0.05, event.at_s, event.at_s + 0.05]))[1]
    where = np.array(store.plate_centre(event.plates[0]))
    return int(np.linalg.norm(then[7] - where) < np.linalg.norm(then[6] - where))


def _exposed(image: Image, grain: Floats, rng: np.random.Generator) -> Image:
    """What the sensor makes of it: a grain that moves from frame to frame, and a little more or less light."""
    light = 1.0 + float(rng.normal(0.0, 0.004))
    rolled = np.roll(grain, tuple(int(value) for value in rng.integers(0, 64, 2)), axis=(0, 1))
    return np.clip(image * light + rolled, 0, 255).astype(np.uint8)
