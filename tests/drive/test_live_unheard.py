"""A scale that is never heard: what is taken there is missing evidence, live, replayed and after a restart."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jwo_cli.drive.health import Needed
from jwo_cli.drive.hearing import HEARD, Hearing
from jwo_cli.drive.replay import replay
from jwo_cli.drive.retold import BACK_NS
from jwo_cli.drive.running import Plan, _needed
from jwo_cli.drive.state import alone, state_of
from jwo_cli.estimate.perception import WARM_NS
from jwo_cli.estimate.signals import Awaited, WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.observations import DeviceFaulted, FaultKind, UnweighedReach
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording, write_recording
from tests.drive import scene
from tests.drive.counter import Shop, enters, identical, up

Heard = Callable[[float], bool]
Visits = list[tuple[str, int, list[int]]]


def never(_: float) -> bool:
    """Nothing comes from the scale."""
    return False


def always(_: float) -> bool:
    """It is well."""
    return True


def plays(shop: Shop, heard: Heard, *, from_s: float = 0.0, until_s: float = 99.0) -> None:
    """Ann's visit, of whose scale the store hears what was measured at these seconds."""
    for signal in scene.signals():
        at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
        if not from_s <= at_s < until_s:
            continue
        shop.clock.ns = captured_ns(signal)
        if from_s <= 1.5 <= at_s and not shop.run.live.opened:
            enters(shop, at_s)
        if not isinstance(signal, WeightBatch) or heard(at_s):
            shop.give(signal)
    if until_s > scene.SECONDS:
        shop._nobody(25.0)  # in which the scale is silent again
    shop.run.commit()
    shop.run.caretaker.look(now_ns=shop.clock.ns, monotonic_s=time.monotonic())


def silences(shop: Shop) -> list[tuple[float, float]]:
    """When the scale was told to be silent, and until when: seconds of the scene."""
    with Intake.open(shop.place / "journal") as intake:
        found = [one for _, one in intake.observed([DeviceFaulted]) if one.kind is FaultKind.GAP]
    told = [(one.at_ns, one.until_ns) for one in found if one.device_id == "a"]
    return [(seconds(begun_ns), seconds(over_ns)) for begun_ns, over_ns in told]


def seconds(at_ns: int) -> float:
    """Seconds of the scene."""
    return round((at_ns - scene.START_NS) / NS_PER_S, 1)


def receipts(shop: Shop) -> Visits:
    """How each was settled, what was charged, and how many of each thing stand on it."""
    return [
        (one.settled.value, one.charged_minor, [line.quantity for line in one.lines]) for one in shop.run.live.receipts
    ]


def unweighed(shop: Shop) -> int:
    """Hands at plates that did not weigh."""
    with Intake.open(shop.place / "journal") as intake:
        return len(list(intake.observed([UnweighedReach])))


DOUBTED: Visits = [("review", 0, [1])]
CHARGED: Visits = [("automatic", 100, [1])]


def test_what_is_taken_from_a_scale_that_is_never_heard_goes_to_a_person(tmp_path: Path) -> None:
    """Nobody is charged for what nobody weighed; the silence is journalled and shown, and the replay says the same."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, never)
    assert (receipts(shop), unweighed(shop)) == (DOUBTED, 1)
    assert silences(shop) == [(0.0, 0.0)]
    assert ("a", FaultKind.GAP) in shop.run.health.ill
    with alone(tmp_path / "journal"):
        assert state_of(tmp_path / "journal").ill == ("a: gap, silent",)
    shop.end()
    identical(shop)


def test_it_is_missed_as_one_that_fell_silent(tmp_path: Path) -> None:
    """Not heard at all, no more from the fifth second on, or from the ninth: the same receipt, doubted as much."""
    told = []
    for number, until_s in enumerate((0.0, 5.0, 9.0)):
        (tmp_path / str(number)).mkdir()
        shop = Shop(tmp_path / str(number))
        up(shop)
        plays(shop, lambda at_s, until_s=until_s: at_s < until_s)  # type: ignore[misc]
        assert silences(shop) == [(until_s, until_s)]
        told.append([(one.settled, one.charged_minor, one.probability) for one in shop.run.live.receipts])
        shop.end()
        identical(shop)
    assert told[0] == told[1] == told[2] != []


def test_one_that_speaks_late_is_well_again_and_its_silence_stays_in_doubt(tmp_path: Path) -> None:
    """From the thirteenth second on it weighs: what was taken in the tenth is still a person's."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, lambda at_s: at_s > 13.0, until_s=17.0)
    assert not shop.run.health.ill
    plays(shop, always, from_s=17.0)
    assert silences(shop)[:2] == [(0.0, 0.0), (0.0, 13.2)]
    assert receipts(shop) == DOUBTED
    shop.end()
    identical(shop)


def test_one_that_speaks_within_the_usual_patience_is_not_missed(tmp_path: Path) -> None:
    """Scales come up some seconds after the store: no fault, and what they weigh from then on is charged."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, lambda at_s: at_s > 6.0, until_s=17.0)
    assert silences(shop) == []
    plays(shop, always, from_s=17.0)
    assert receipts(shop) == CHARGED
    shop.end()
    identical(shop)


def test_a_run_s_recording_that_is_played_to_a_store_is_of_the_same_scales(tmp_path: Path) -> None:
    """It says what its run was to hear; what else the layout names is not missed."""
    shop = Shop(tmp_path)
    plays(shop, never)
    shop.end()
    played = open_recording(tmp_path / "recording")
    assert played.run is not None
    assert played.run.awaited == (Awaited(device_id="a", heard_ns=scene.START_NS),)
    assert _needed(Plan(store=played.store, journal=tmp_path, played=played)) == Needed(scales=("a",))


def test_a_recording_without_a_run_misses_nothing_that_it_never_had(tmp_path: Path) -> None:
    """A dataset's layout may name more than was recorded: only a run says what it was to hear."""
    seen = [signal for signal in scene.signals() if not isinstance(signal, WeightBatch)]
    write_recording(
        tmp_path / "foreign", name="foreign", store=scene.store(), start_ns=scene.START_NS, signals=seen
    )  # fmt: skip
    again = replay(open_recording(tmp_path / "foreign"))
    assert (again.receipts, again.faults) == ((), ())


# -- after a restart ---------------------------------------------------------------------------------------------------


def cut_off(place: Path, cut_s: float, *, kept: bool = True, told: tuple[str, ...] = ()) -> Shop:
    """A run whose scale was well, and of which that much was told, is killed; the next one begins in half a second."""
    first = Shop(place / "a")
    up(first)
    plays(first, always, until_s=cut_s)
    assert {"weight_changed", "unweighed_reach"}.intersection(first.kinds()) == set(told)
    return first.goes_on(place / "b", begins_s=cut_s + 0.5, kept=kept)


@pytest.mark.parametrize("cut_s", [3.0, 6.0, 10.6, 12.0])
@pytest.mark.parametrize("kept", [True, False])
def test_one_that_is_not_heard_after_a_restart_is_silent_since_before_it(
    tmp_path: Path, cut_s: float, kept: bool
) -> None:
    """Heard up to the kill, also while Ann took something that was not told yet: a person decides about her."""
    second = cut_off(tmp_path, cut_s, kept=kept)
    plays(second, never, from_s=cut_s + 0.5)
    assert receipts(second) == DOUBTED
    ((since_s, over_s),) = silences(second)
    assert since_s == over_s
    if kept:
        assert cut_s - 5.0 < since_s < cut_s  # what it said in the last seconds was not told yet
    assert ("a", FaultKind.GAP) in second.run.health.ill
    second.end()
    identical(second)


def test_one_that_is_heard_after_a_restart_is_not_missed(tmp_path: Path) -> None:
    """Half a second without a store, and Ann takes something afterwards: she is charged as on any day."""
    second = cut_off(tmp_path, 6.0)
    plays(second, always, from_s=6.5, until_s=17.0)
    assert silences(second) == []
    plays(second, always, from_s=17.0)
    assert receipts(second) == CHARGED
    second.end()
    identical(second)


def test_a_pick_that_was_told_before_the_cut_is_charged_once(tmp_path: Path) -> None:
    """Told and journalled, then the store is killed and the scale stays silent: her hand of then takes nothing more."""
    second = cut_off(tmp_path, 14.0, told=("weight_changed",))
    plays(second, never, from_s=14.5)
    assert receipts(second) == CHARGED
    second.end()
    identical(second)


def test_however_often_the_store_is_cut_off(tmp_path: Path) -> None:
    """The second run never heard it, and the third does not either."""
    second = cut_off(tmp_path, 4.0)
    plays(second, never, from_s=4.5, until_s=8.0)
    third = second.goes_on(tmp_path / "c", begins_s=8.5)
    plays(third, never, from_s=8.5)
    assert receipts(third) == DOUBTED
    assert third.run._hearing.awaited == second.run._hearing.awaited
    third.end()
    identical(third)


def test_a_day_that_ended_in_order_leaves_nothing(tmp_path: Path) -> None:
    """The next run begins anew, and misses its scales from its own beginning."""
    first = Shop(tmp_path)
    up(first)
    plays(first, always)
    assert not first.run.inside
    first.run._hearing.write(first.run._perception.untold_ns() + WARM_NS)
    assert (tmp_path / "journal" / HEARD).exists()
    first.end()
    assert not (tmp_path / "journal" / HEARD).exists()
    second = Shop(tmp_path, begins_s=60.0, kept="next")
    assert [seconds(one.heard_ns) for one in second.run._hearing.awaited] == [60.0]
    second.end()


def test_a_run_keeps_what_was_heard_while_it_goes_on(tmp_path: Path) -> None:
    """Without a word of anybody: what stands there is of the last seconds, and no later than what was told."""
    shop = Shop(tmp_path)
    up(shop)
    plays(shop, always, until_s=10.0)
    shop.run._bodies_s = float("-inf")  # a second is over
    asyncio.run(shop.run._turn())
    kept = json.loads((tmp_path / "journal" / HEARD).read_text())
    assert list(kept) == ["a"]
    assert 5.0 < seconds(kept["a"]) < 10.0
    shop.end()


@pytest.mark.parametrize("damaged", ["", "[]", '{"a": "x"}', '{"a": null}', "{", '{"a": 99999999999999999999}'])
def test_a_file_that_says_nothing_useful_costs_a_minute_of_doubt_at_most(tmp_path: Path, damaged: str) -> None:
    """Whatever stands there: no later than the run's beginning, no earlier than devices give anything again."""
    (tmp_path / HEARD).write_text(damaged)
    (item,) = Hearing(tmp_path, ["a"], start_ns=scene.START_NS, resumed=True).awaited
    assert scene.START_NS - BACK_NS <= item.heard_ns <= scene.START_NS
