"""Scripts for films: few shoppers, one after the other and two at once, who take, put back and walk past."""

from __future__ import annotations

from dataclasses import replace

from jwo_cli.layouts.version import with_version
from jwo_cli.model.layout import Antenna, Camera, Pose, Store

from .sample import CHIPS, CHOCOLATE, COLA, COOKIES, JUICE, SOUP, START_NS, layout
from .scripts import Actor, AnyAct, Leave, Pick, Put, Script, Touch


def film_script(seed: int) -> Script:
    """Five shoppers of the corner kiosk within three quarters of a minute, two of them at one fixture."""
    plans: tuple[tuple[str, float, tuple[AnyAct, ...]], ...] = (
        ("ann", 0.5, (Pick(product=CHIPS), Pick(product=COLA))),
        ("ben", 8.0, (Pick(product=SOUP, count=2),)),
        ("cem", 15.0, (Pick(product=CHOCOLATE), Put(product=CHOCOLATE), Pick(product=COOKIES))),
        ("dana", 18.0, (Touch(plate="g1.s2.p5", kind="tap"),)),
        ("eli", 26.0, (Pick(product=JUICE),)),
    )
    return Script(
        name="film",
        scenario="film",
        seed=seed,
        start_ns=START_NS,
        actors=tuple(
            Actor(key=key, enter_s=enter_s, acts=(*acts, Leave()), account=f"account-{key}", hurry=1.15)
            for key, enter_s, acts in plans
        ),
        description="Five shoppers, filmed.",
    )


def film_store() -> Store:
    """The corner kiosk with the two cameras more that `jwo layout coverage --propose` proposes for it.

    Its own two see 39 % of the floor together; with these, 95 % is seen by two.
    """
    store = layout()
    first = store.cameras[0]
    more = tuple(
        Camera(
            camera_id=name,
            pose=Pose(x_m=x, y_m=y, z_m=2.7),
            look_at=look_at,
            width_px=first.width_px,
            height_px=first.height_px,
        )
        for name, x, y, look_at in (("c3", 5.2, 4.5, (4.43, 3.18, 1.41)), ("c4", 0.07, 3.48, (1.4, 2.71, 1.41)))
    )
    return replace(store, cameras=(*store.cameras, *more))


SHELF_ANTENNA = "a1"


def tagged_store() -> Store:
    """The corner kiosk with an antenna over its wall gondola, whose top shelf has goods with tags."""
    store = layout()
    antenna = Antenna(
        antenna_id=SHELF_ANTENNA,
        pose=Pose(x_m=1.6, y_m=4.1, z_m=2.2),
        range_m=1.2,
        plates=tuple(f"g1.s3.p{number}" for number in range(1, 7)),
    )
    return with_version(replace(store, antennas=(antenna,)))
