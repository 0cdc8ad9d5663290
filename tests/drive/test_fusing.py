"""Whoever looks at a store's pictures, wherever: one floor, and everybody on it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import numpy as np

from jwo_cli.drive.fusing import FusedSource, Fusion, addresses
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.signals import ClockTick, PoseFrame
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt.wire import CameraSaw
from tests.drive.afar import AT, HERE, KIOSK, saw


class Camera:
    """A worker with one camera that sees them ten times a second."""

    kind, critical, patience_s = "cameras", True, 5.0

    def __init__(self, camera_id: str, numbers: Sequence[int]) -> None:
        self.name = camera_id
        self.numbers = numbers

    async def stream(self) -> AsyncGenerator[Inlet]:
        for number in self.numbers:
            yield saw(self.name, AT + number * 100_000_000)
            await asyncio.sleep(0)


async def gathered(*sources: FusedSource) -> list[list[Inlet]]:
    async def all_of(source: FusedSource) -> list[Inlet]:
        return [inlet async for inlet in source.stream()]

    return await asyncio.gather(*(all_of(source) for source in sources))


def test_the_cameras_of_several_workers_show_one_person() -> None:
    """Two workers with a camera each: one person, where they stand, and each worker is heard with every picture.

    Their name begins with this run's names: by that a next run knows whom it would name anew.
    """
    fusion = Fusion(KIOSK, names="p7-", now_ns=lambda: AT + 6 * NS_PER_S)
    names = sorted(store_views(KIOSK))[:2]
    given = asyncio.run(gathered(*(FusedSource(Camera(name, range(60)), fusion) for name in names)))
    frames = sorted((one for some in given for one in some if isinstance(one, PoseFrame)), key=lambda one: one.at_ns)
    assert [sum(isinstance(one, CameraSaw) for one in some) for some in given] == [60, 60]
    assert len(frames) > 30
    assert [len(frame.people) for frame in frames[10:]] == [1] * len(frames[10:])
    assert {one.track_id.startswith(fusion.names) for frame in frames for one in frame.people} == {True}
    assert fusion.names == "p7-"
    head = frames[-1].people[0].joints_m[0]
    assert float(np.hypot(*(head[:2] - HERE))) < 0.3


def test_a_camera_with_a_clock_of_the_past_is_in_trouble_and_holds_nobody_up() -> None:
    """Ten seconds behind two others: told once, over when it is right again, and the others' person is there."""
    fusion = Fusion(KIOSK)
    names = sorted(store_views(KIOSK))[:3]
    seen: list[Inlet] = []
    for number in range(150):
        for name in names:
            late_ns = 10_000_000_000 if name == names[2] and number < 100 else 0
            seen += fusion.take(saw(name, AT + number * 100_000_000 - late_ns))
    troubles = [one for one in seen if isinstance(one, Trouble)]
    assert [(one.device_id, one.kind, one.over) for one in troubles] == [
        (names[2], FaultKind.CLOCK, False),
        (names[2], FaultKind.CLOCK, True),
    ]
    frames = [one for one in seen if isinstance(one, PoseFrame)]
    assert sum(len(frame.people) == 1 for frame in frames) > 120


def test_who_is_followed_keeps_their_name_while_a_worker_is_gone() -> None:
    """One of two workers gives nothing for two seconds and begins anew: the same person under the same id."""
    fusion = Fusion(KIOSK)
    one, other = sorted(store_views(KIOSK))[:2]
    seen: list[Inlet] = []
    for number in range(80):
        for name in (one, other):
            if name == one or not 30 <= number < 50:
                seen += fusion.take(saw(name, AT + number * 100_000_000))
    followed = [{person.track_id for person in frame.people} for frame in seen if isinstance(frame, PoseFrame)]
    assert len(followed) > 60
    assert {name for ids in followed for name in ids} == followed[-1]


def test_a_store_whose_clock_is_set_back_goes_on_following_people() -> None:
    """An hour: whoever is there is seen again, under another name; one picture of before is still on its way."""
    now_ns = AT
    fusion = Fusion(KIOSK, names="p7-", now_ns=lambda: now_ns)
    cameras = sorted(store_views(KIOSK))[:2]
    followed: list[list[PoseFrame]] = [[], []]
    for number in range(120):
        back = number >= 60
        now_ns = AT + number * 100_000_000 - back * 3600 * NS_PER_S
        before = [saw(cameras[0], AT + 6 * NS_PER_S)] if number == 60 else []
        given = [one for seen in (*before, *(saw(name, now_ns) for name in cameras)) for one in fusion.ours(seen)]
        followed[back] += [one for one in given if isinstance(one, PoseFrame)]
    assert not [one for one in given if isinstance(one, Trouble)]
    assert [len(frames) > 40 for frames in followed] == [True, True]
    names = [{one.track_id for frame in frames for one in frame.people} for frames in followed]
    assert [len(some) for some in names] == [1, 1]
    assert names[0].isdisjoint(names[1])
    assert {name.startswith(fusion.names) for some in names for name in some} == {True}


def test_a_camera_without_calibration_is_told() -> None:
    """What it saw has no place; what is no picture's goes through."""
    fusion = Fusion(KIOSK)
    (trouble,) = fusion.take(replace(saw("c1", AT), camera_id="attic"))
    assert isinstance(trouble, Trouble)
    assert trouble.device_id == "attic"
    assert fusion.take(ClockTick(at_ns=AT)) == (ClockTick(at_ns=AT),)


def test_cameras_without_an_address_are_nobodys_work() -> None:
    """Calibrated, and nobody knows where."""
    store = replace(KIOSK, cameras=tuple(replace(one, url_ref="") for one in KIOSK.cameras))
    known = replace(store, cameras=(replace(store.cameras[0], url_ref="env:C"), *store.cameras[1:]))
    assert addresses(store) == {}
    assert addresses(known) == {store.cameras[0].camera_id: "env:C"}
