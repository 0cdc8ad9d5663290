"""Whoever looks at a store's pictures, wherever: one floor, and everybody on it once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from jwo_cli.drive.fusing import FusedSource, Fusion, addresses
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.signals import ClockTick, PoseFrame
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt.wire import CameraSaw
from tests.estimate.tracking.kiosk import kiosk

KIOSK = kiosk()
AT = 1_790_000_000_000_000_000
HERE = np.array(KIOSK.floor).mean(axis=0)


def saw(camera_id: str, at_ns: int, xy_m: NDArray[np.float64] = HERE) -> CameraSaw:
    """The box of somebody of 1.7 m who stands in the middle of the floor, or there."""
    view = store_views(KIOSK)[camera_id]
    foot, head = view.project(np.array([[*xy_m, 0.0], [*xy_m, 1.7]]))
    half = 0.19 * abs(foot[1] - head[1])
    middle = (foot[0] + head[0]) / 2
    box = np.array([[middle - half, head[1], middle + half, foot[1]]], dtype=np.float32)
    return CameraSaw(
        at_ns=at_ns, camera_id=camera_id, found=Boxes(corners_px=box, scores=np.full(1, 0.9, dtype=np.float32))
    )


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


class Afar:
    """Three cameras of machines elsewhere see somebody who walks in a circle; one of them has a clock of its own.

    Each picture takes as long as `jitter_s` says to come (0 to twice as long at random, each by itself), and all of
    them `lag_s` more. Where not `sent`, nobody says when the last camera's pictures were sent,
    and only that looks for long.
    """

    def __init__(self, *, jitter_s: float = 0.2, looking_s: float = 0.1, sent: bool = True) -> None:
        self.now_ns, self.random = AT, np.random.default_rng(7)
        self.fusion = Fusion(KIOSK, now_ns=lambda: self.now_ns)
        self.names = sorted(store_views(KIOSK))[:3]
        self.jitter_s, self.looking_s, self.sent = jitter_s, looking_s, sent
        self.troubles: list[tuple[float, str, bool]] = []
        self.bodies: list[tuple[float, int]] = []
        self.stamps_ms: set[int] = set()  # within a tenth of a second, of what was seen

    def walk(
        self,
        begin_s: float,
        end_s: float,
        off_s: float,
        *,
        late: bool = False,
        lag_s: float = 0.0,
        stall_s: float = 0.0,
    ) -> None:
        """Ten pictures a second, in order of arrival, the last camera's clock off by so much.

        What the last camera sends in the first `stall_s` comes in one burst when they are over.
        """
        reach = 0.3 * np.ptp(np.array(KIOSK.floor), axis=0)
        came: list[tuple[float, CameraSaw]] = []
        for at_s in np.arange(begin_s, end_s, 0.1):
            place = HERE + np.array([np.cos(at_s * 0.8), np.sin(at_s * 0.8)]) * reach
            for name in self.names:
                last = name == self.names[-1]
                by_s = off_s if last else 0.0
                sent_s = at_s + (self.looking_s if last or self.sent else 0.1) + self.random.uniform(0, 0.01)
                seen = saw(name, AT + round((at_s + by_s) * NS_PER_S), place)
                way_s = max(
                    self.random.uniform(0, 2 * self.jitter_s) + lag_s, stall_s - (sent_s - begin_s) if last else 0
                )
                sent_ns = AT + round((sent_s + by_s) * NS_PER_S) if self.sent or not last else 0
                came.append((sent_s + way_s, replace(seen, sent_ns=sent_ns)))
        for come_s, seen in sorted(came, key=lambda one: one[0]):
            self.now_ns = AT + round(come_s * NS_PER_S)
            for inlet in self.fusion.heard(seen, late=late):
                if isinstance(inlet, Trouble):
                    assert (inlet.device_id, inlet.kind) == (self.names[-1], FaultKind.CLOCK)
                    self.troubles.append((come_s, inlet.note, inlet.over))
                elif isinstance(inlet, PoseFrame):
                    self.bodies.append((come_s, len(inlet.people)))
                    self.stamps_ms.add(round((inlet.at_ns - AT) / 1e6) % 100)

    def most(self, from_s: float) -> int:
        """How many bodies were seen at once from a time on."""
        return max(count for at_s, count in self.bodies if at_s >= from_s)


@pytest.mark.parametrize(
    ("off_s", "looking_s", "sent"), [(-0.3, 0.05, True), (0.3, 0.05, True), (-0.3, 1.0, True), (0.0, 1.0, False)]
)
def test_a_clock_that_is_a_little_off_is_no_trouble(off_s: float, looking_s: float, sent: bool) -> None:
    """Nor is a network that takes up to 0.4 s, nor a machine that looks at a picture for a second, told or not."""
    afar = Afar(looking_s=looking_s, sent=sent)
    afar.walk(0.0, 12.0, off_s)
    assert afar.troubles == []
    assert sum(count == 1 for _, count in afar.bodies) > 80


@pytest.mark.parametrize("off_s", [-4.8, -1.5, 1.5, 60.0])
def test_a_machine_s_clock_that_is_off_is_told_and_its_cameras_left_out_until_it_is_right(off_s: float) -> None:
    """Within five seconds; nobody is seen twice from then on; right again within as long, and there once more."""
    afar = Afar()
    afar.walk(0.0, 4.0, 0.0)
    afar.walk(4.0, 15.0, off_s)
    ((told_s, note, over),) = afar.troubles
    assert 4.0 < told_s < 9.0
    assert not over
    assert ("its stamps are +" in note) == (off_s > 0)
    assert afar.most(told_s + 7.0) == 1
    afar.walk(15.0, 25.0, 0.0)
    assert [over for _, _, over in afar.troubles] == [False, True]
    assert 15.0 < afar.troubles[-1][0] < 20.0
    assert afar.most(22.0) == 1


@pytest.mark.parametrize("from_s", [0.0, 4.0])
def test_what_all_cameras_lag_is_no_camera_s_clock(from_s: float) -> None:
    """A store that is a second behind, or whose clock is a second ahead: everybody is seen as before, and once."""
    afar = Afar()
    if from_s:
        afar.walk(0.0, from_s, 0.0)
    afar.walk(from_s, 9.0, 0.0, lag_s=1.0)
    afar.walk(9.0, 13.0, 0.0)
    assert afar.troubles == []
    assert afar.most(0.0) == 1
    assert len({round(at_s) for at_s, count in afar.bodies if count}) >= 10


@pytest.mark.parametrize("off_s", [-1.5, 1.5])
def test_a_clock_that_is_off_is_told_while_all_lag_and_blames_no_other(off_s: float) -> None:
    """Also one that is ahead by more than all lag: it is no measure for others, and a lag does not make it right."""
    afar = Afar()
    afar.walk(0.0, 4.0, 0.0)
    afar.walk(4.0, 10.0, off_s)
    afar.walk(10.0, 16.0, off_s, lag_s=0.9)
    afar.walk(16.0, 20.0, 0.0, lag_s=0.9)
    assert [over for _, _, over in afar.troubles] == [False, True]
    assert afar.troubles[-1][0] > 16.0


@pytest.mark.parametrize(("cameras", "lag_s", "note"), [(1, 0.0, "-3."), (3, 1.0, "-4."), (3, 0.0, "-3.")])
def test_by_how_much_stamps_are_off_is_told_as_the_store_s_clock_has_it(cameras: int, lag_s: float, note: str) -> None:
    """What is taken off as the lag of all, its own among them, is not taken off what people read."""
    afar = Afar(jitter_s=0.0)
    afar.names = afar.names[-cameras:]
    afar.walk(0.0, 4.0, 0.0)
    afar.walk(4.0, 10.0, -3.0, lag_s=lag_s)
    ((_, told, over),) = afar.troubles
    assert not over
    assert f"its stamps are {note}" in told


@pytest.mark.parametrize("stall_s", [1.2, 1.6, 2.2])
def test_a_clock_that_is_ahead_is_not_right_because_its_network_stalls(stall_s: float) -> None:
    """Pictures that waited look right by their stamps: silence is no row of such, and nothing ahead is used."""
    afar = Afar()
    afar.walk(0.0, 4.0, 0.0)
    afar.walk(4.0, 9.0, 1.55)
    afar.stamps_ms.clear()
    afar.walk(9.0, 14.0, 1.55, stall_s=stall_s)
    assert [over for _, _, over in afar.troubles] == [False]
    assert afar.stamps_ms == {0}


@pytest.mark.parametrize("off_s", [-1.55, 1.55])
def test_a_clock_that_is_off_is_off_also_in_what_comes_late(off_s: float) -> None:
    """What was kept while the broker was away is used of the others alone, and is no row of stamps that are right."""
    afar = Afar()
    afar.walk(0.0, 4.0, 0.0)
    afar.walk(4.0, 9.0, off_s)
    afar.stamps_ms.clear()
    afar.walk(9.0, 12.0, off_s, late=True, lag_s=8.0)
    afar.walk(20.0, 23.0, off_s)
    assert [over for _, _, over in afar.troubles] == [False]
    assert afar.stamps_ms == {0}


def test_one_machine_alone_is_judged_by_two_seconds() -> None:
    """Nobody is there whom it could show twice: delay is no fault of its clock, and more than delay is."""
    afar = Afar()
    afar.names = afar.names[2:]
    afar.walk(0.0, 8.0, -1.4)
    assert afar.troubles == []
    afar.walk(8.0, 14.0, -2.5)
    assert [over for _, _, over in afar.troubles] == [False]


def test_the_store_s_own_cameras_are_a_measure_for_another_machine() -> None:
    """Its only one is a second and a half behind theirs: told, and not so where theirs come as late."""
    for lag_s, troubles in ((0.0, 1), (1.5, 0)):
        now_ns = AT
        fusion = Fusion(KIOSK, now_ns=lambda: now_ns)  # noqa: B023
        ours, theirs = sorted(store_views(KIOSK))[:2]
        told: list[Inlet] = []
        for number in range(60):
            now_ns = AT + number * 100_000_000
            fusion.ours(saw(ours, now_ns - round(lag_s * NS_PER_S)))
            seen = saw(theirs, now_ns - 3 * NS_PER_S // 2)
            told += fusion.heard(replace(seen, sent_ns=seen.at_ns), late=False)
        assert sum(isinstance(one, Trouble) for one in told) == troubles


def test_a_clock_that_was_never_right_shows_nobody_twice() -> None:
    """Not one of its pictures is used: the first is left out as the last, also where it is heard before the others."""
    afar = Afar()
    names, afar.names = afar.names, afar.names[2:]
    afar.walk(0.0, 0.6, -1.45)
    afar.names = names
    afar.walk(0.6, 8.0, -1.45)
    assert (afar.most(0.0), afar.stamps_ms) == (1, {0})
    assert [over for _, _, over in afar.troubles] == [False]


def test_what_comes_late_after_a_break_is_no_clock_s_fault() -> None:
    """A machine gives again what it kept: old, and true."""
    afar = Afar()
    afar.walk(0.0, 5.0, 0.0)
    afar.now_ns += 60 * NS_PER_S
    for number in range(50):
        for name in afar.names:
            afar.now_ns += NS_PER_S // 60
            late = saw(name, AT + round((5.0 + number / 10) * NS_PER_S))
            assert not [one for one in afar.fusion.heard(late, late=True) if isinstance(one, Trouble)]
