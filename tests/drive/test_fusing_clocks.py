"""Clocks of machines elsewhere: what they are held against, when they are told, and whom nobody blames."""

from __future__ import annotations

from dataclasses import replace

import pytest

from jwo_cli.drive.fusing import Fusion
from jwo_cli.drive.sources import Inlet, Trouble
from jwo_cli.estimate.camera import store_views
from jwo_cli.model.observations import FaultKind
from jwo_cli.model.units import NS_PER_S
from tests.drive.afar import AT, KIOSK, Afar, alone, saw


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


@pytest.mark.parametrize("off_s", [-1.9, -1.25, -0.9])
@pytest.mark.parametrize("scales_s", [{"a": 0.0}, {"a": 0.1, "b": 0.0, "c": 3.0}])
def test_scales_are_a_measure_for_a_machine_that_is_alone(off_s: float, scales_s: dict[str, float]) -> None:
    """They are no later than they are: what its camera is behind is not the store's, and hands lie apart from picks."""
    (trouble,) = alone(scales_s, off_s=off_s)
    assert (trouble.kind, trouble.over) == (FaultKind.CLOCK, False)


@pytest.mark.parametrize(
    ("scales_s", "lag_s", "every_s"),
    [
        ({"a": 0.0}, 1.0, 0.2),  # the store is behind with its own work, or its clock is ahead
        ({"a": 0.0, "b": -1.0, "c": 0.1}, 1.0, 0.2),  # and one scale's clock is ahead as well
        ({"a": 1.5}, 0.0, 0.2),  # the scales' gateway is slow
        ({"a": 0.0}, 0.0, 3.0),  # or gives three seconds at once
        ({"a": -3600.0}, 1.0, 0.2),  # a scale's clock that is told by itself
    ],
)
def test_what_scales_are_behind_is_no_camera_s_clock(scales_s: dict[str, float], lag_s: float, every_s: float) -> None:
    """Nor what all are behind, whichever clock of the scales is off."""
    assert alone(scales_s, off_s=0.0, lag_s=lag_s, every_s=every_s) == []


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


def test_a_camera_that_the_layout_does_not_have_is_no_measure() -> None:
    """It is on time, and shows nobody; the others of the store lag, as the store does."""
    now_ns = AT
    fusion = Fusion(KIOSK, now_ns=lambda: now_ns)
    names = sorted(store_views(KIOSK))[:2]
    told: list[Inlet] = []
    for number in range(60):
        now_ns = AT + number * 100_000_000
        for name in names:
            seen = saw(name, now_ns - NS_PER_S)
            told += fusion.heard(replace(seen, sent_ns=seen.at_ns), late=False)
        unknown = replace(saw(names[0], now_ns), camera_id="attic", sent_ns=now_ns)
        told += fusion.heard(unknown, late=False)
    assert {one.device_id for one in told if isinstance(one, Trouble)} == {"attic"}


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
