"""An antenna that is not heard: who was near goes to a person, live, replayed and after a restart."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from jwo_cli import journal
from jwo_cli.drive.happenings import Names, observed
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import ListSource, Trouble
from jwo_cli.estimate.signals import PersonPose, PoseFrame, Signal, TagRead, WeightBatch
from jwo_cli.insight.audit import audit
from jwo_cli.insight.telling import event_text
from jwo_cli.journal import Intake
from jwo_cli.model.catalogue import Product
from jwo_cli.model.layout import Antenna, Pose, Store
from jwo_cli.model.observations import FaultKind, TagChanged, TagState, UnreadStay
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording
from tests.drive import scene
from tests.drive.counter import Shop, identical

SHIRTS = tuple(f"3034257BF7194E4000001A{number:02X}" for number in range(0x80, 0x85))
BEGINS_S, EVERY_S = -45.0, 0.125
Heard = Callable[[float], bool]


def always(_: float) -> bool:
    """The antenna is well."""
    return True


def store() -> Store:
    """The scene's shop; shirts hang on a rail above its shelf, of which only an antenna tells."""
    plain = scene.store()
    shirt = Product(product_id="80614141123458", name="Shirt", price_minor=2500)
    return replace(
        plain,
        antennas=(Antenna(antenna_id="rail", pose=Pose(x_m=1.2, y_m=2.9, z_m=2.2), range_m=1.0),),
        catalogue=replace(plain.catalogue, products=(*plain.catalogue.products, shirt)),
    )


def rail(heard: Heard, taken_s: float | None) -> Iterator[TagRead]:
    """Five shirts, of which one leaves, as far as they are read."""
    for step in range(round((scene.SECONDS + 40.0 - BEGINS_S) / EVERY_S)):
        for number, tag in enumerate(SHIRTS):
            at_s = BEGINS_S + (step + number / len(SHIRTS)) * EVERY_S
            if heard(at_s) and (number or taken_s is None or at_s < taken_s):
                at_ns = scene.START_NS + round(at_s * NS_PER_S)
                yield TagRead(at_ns=at_ns, antenna_id="rail", tag_id=tag, rssi_dbm=-58.0 + (step * 7 + number) % 5)


def nobody(from_s: float, until_s: float) -> Iterator[PoseFrame]:
    """Cameras look on."""
    for tenth in range(round(from_s * 10), round(until_s * 10)):
        yield PoseFrame(at_ns=scene.START_NS + tenth * NS_PER_S // 10, people=())


def plays(
    shop: Shop, heard: Heard, *, taken_s: float | None = None, from_s: float = BEGINS_S, until_s: float = 60.0,
    near: bool = True, stays_s: float = 0.0,
) -> None:  # fmt: skip
    """Ann's visit, who takes a bottle at ten seconds: at the shelf, or (not near) within a metre of the door.

    With `stays_s` she goes on standing where she is for so long, before she walks out.
    """
    people = [moved(one, near, stays_s) for one in scene.signals() if isinstance(one, PoseFrame | WeightBatch)]
    stood = list(standing(people, stays_s))
    end_s = scene.SECONDS + stays_s
    walk = sorted([*people, *stood], key=captured_ns)
    streams = (nobody(BEGINS_S, 0.0), walk, nobody(end_s, 60.0), rail(heard, taken_s))
    for signal in heapq.merge(*streams, key=captured_ns):
        at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
        if from_s <= at_s < until_s:
            shop.clock.ns = captured_ns(signal)
            shop.give(signal)
    shop.run.commit()


HALF_S = 12.0


def moved(one: PoseFrame | WeightBatch, near: bool, stays_s: float) -> Signal:
    """The scene's signal, where and when this visit has it."""
    late_ns = round(stays_s * NS_PER_S) if captured_ns(one) - scene.START_NS > HALF_S * NS_PER_S else 0
    if isinstance(one, WeightBatch):
        return one
    deep = np.array([1.0, 1.0 if near else 0.4, 1.0], np.float32)
    people = tuple(replace(person, joints_m=person.joints_m * deep) for person in one.people)
    return replace(one, at_ns=one.at_ns + late_ns, people=people)


def standing(walk: list[Signal], stays_s: float) -> Iterator[PoseFrame]:
    """She stands at the shelf for a while."""
    middle_ns = scene.START_NS + round(HALF_S * NS_PER_S)
    last = max(
        (one for one in walk if isinstance(one, PoseFrame) and one.at_ns <= middle_ns), key=lambda one: one.at_ns
    )
    for tenth in range(1, round(stays_s * 10)):
        yield replace(last, at_ns=last.at_ns + tenth * NS_PER_S // 10)


def reader(shop: Shop, *, away: bool) -> None:
    """What its source says when a reader goes away, or comes back."""
    for name, kind in (("r1", FaultKind.GAP), ("rail", FaultKind.DEAD)):
        shop.give(Trouble(at_ns=shop.clock(), device_id=name, kind=kind, over=not away, note="its reader is away"))


def told(shop: Shop) -> list[tuple[str, str, bool]]:
    """How each visit was settled, what is charged on it, and whether a person is told of the rail's antenna."""
    return [
        (one.settled.value, ", ".join(line.name for line in one.lines if line.charged),
         any("near rail while nothing was read" in reason for reason in one.reasons))
        for one in shop.run.live.receipts
    ]  # fmt: skip


def stays(shop: Shop) -> list[UnreadStay]:
    """Who was near the antenna while it was not heard."""
    with Intake.open(shop.place / "journal") as intake:
        return [one for _, one in intake.observed([UnreadStay])]


def ends(shop: Shop) -> None:
    """The law holds."""
    shop.end()
    identical(shop)


WATER = "Spring water"


def test_who_was_near_a_silent_antenna_goes_to_a_person_and_the_replay_says_the_same(tmp_path: Path) -> None:
    """It falls silent for good at seven seconds; the water that a scale showed is charged, the rail is asked about."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    plays(shop, lambda at_s: at_s < 7.0, taken_s=9.0)
    assert told(shop) == [("review", WATER, True)]
    assert [(one.antenna_id, one.tags_known) for one in stays(shop)] == [("rail", True)]
    assert ("rail", FaultKind.GAP) in shop.run.health.ill
    ends(shop)


def test_the_receipt_and_the_live_view_say_where_nothing_was_read(tmp_path: Path) -> None:
    """The audit of a receipt names the entry that it waits for, the antenna, and how long she was near it."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    plays(shop, lambda at_s: at_s < 7.0)
    (stay,) = stays(shop)
    assert observed(stay, Names(store())) == "A was near rail, which read nothing"
    ends(shop)
    with journal.open_journal(tmp_path / "journal") as session:
        found = audit(session, shop.run.live.receipts[0].receipt_id)
        text = [event_text(event, found) for event in found.others]
    assert len(text) == 1
    assert f"near rail for {(stay.until_ns - stay.at_ns) / NS_PER_S:.1f} s, while nothing was read there" in text[0]


@pytest.mark.parametrize(("near", "heard"), [(False, lambda at_s: at_s < 7.0), (True, always)])
def test_who_was_not_near_or_whose_antenna_is_heard_settles_by_themselves(
    tmp_path: Path, near: bool, heard: Heard
) -> None:
    """Ann keeps near the door and takes nothing, or nothing is wrong."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    plays(shop, heard, near=near)
    assert told(shop) == ([("automatic", WATER, False)] if near else [])
    assert "visit_ended" in shop.kinds()
    assert stays(shop) == []
    ends(shop)


def test_a_glitch_in_a_long_visit_is_nobodys_doubt_and_what_left_in_it_is_charged(tmp_path: Path) -> None:
    """Four seconds of silence, in which she takes a shirt; she stays for half a minute more."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    plays(shop, lambda at_s: not 7.0 <= at_s < 11.0, taken_s=9.0, stays_s=30.0)
    assert told(shop) == [("automatic", f"{WATER}, Shirt", False)]
    assert len(stays(shop)) == 1
    with Intake.open(tmp_path / "journal") as intake:
        (gone,) = [one for _, one in intake.observed([TagChanged]) if one.state is TagState.GONE]
    assert (gone.until_ns - gone.at_ns) / NS_PER_S == pytest.approx(4.0, abs=0.5)
    ends(shop)


@pytest.mark.parametrize("away", [True, False])
def test_an_antenna_that_is_never_heard_is_a_doubt_where_its_reader_is_away(tmp_path: Path, away: bool) -> None:
    """From the first moment of the run; a reader that is well reads nothing where nothing hangs."""
    shop = Shop(tmp_path, store=store(), begins_s=BEGINS_S, scales=())
    if away:
        reader(shop, away=True)
    plays(shop, lambda _: False)
    assert told(shop) == [("review", WATER, True) if away else ("automatic", WATER, False)]
    assert [one.tags_known for one in stays(shop)] == [False]
    ends(shop)


# -- after a restart ---------------------------------------------------------------------------------------------------


def goes_on(place: Path, *, until_s: float, begins_s: float, taken_s: float | None = None, edge: bool = False) -> Shop:
    """A store that heard its antenna is killed, and the next run begins."""
    (place / "a").mkdir()
    cut_ns = round(until_s * NS_PER_S)
    with pytest.MonkeyPatch.context() as clock:  # the journal's is the play's
        clock.setattr("jwo_cli.journal.intake.time", SimpleNamespace(time_ns=lambda: scene.START_NS + cut_ns))
        first = Shop(place / "a", store=store(), begins_s=BEGINS_S, scales=())
        plays(first, always, taken_s=taken_s, until_s=until_s)
    assert stays(first) == []
    first.run._bodies.write()
    first.intake.close()
    (place / "b").mkdir()
    (place / "a" / "journal").rename(place / "b" / "journal")
    second = Shop(place / "b", store=store(), begins_s=begins_s, scales=())
    assert second.run.cut_off
    if edge:  # the broker tells of the machine on whose network the reader is
        second.give(Trouble(at_ns=second.clock(), device_id="edge1", kind=FaultKind.DEAD, note="it went away"))
    else:
        reader(second, away=True)  # it is not there yet
    return second


@pytest.mark.parametrize("edge", [False, True])
@pytest.mark.parametrize("back", [True, False])
def test_who_was_near_an_antenna_when_the_store_was_cut_off_goes_to_a_person(
    tmp_path: Path, back: bool, edge: bool
) -> None:
    """Killed while she is at the rail; the next run hears it at once, or never. Nobody knows what left."""
    second = goes_on(tmp_path, until_s=9.5, begins_s=10.0, taken_s=9.0, edge=edge)
    if back and not edge:
        reader(second, away=False)
    plays(second, lambda _: back, taken_s=9.0, from_s=10.0)
    assert [(how, asked) for how, _, asked in told(second)] == [("review", True)]
    assert not any(one.tags_known for one in stays(second))
    ends(second)


def test_who_came_after_a_restart_settles_by_themselves(tmp_path: Path) -> None:
    """Killed before she came: the next run hears the antenna before she is near."""
    second = goes_on(tmp_path, until_s=2.0, begins_s=2.5)
    reader(second, away=False)
    plays(second, always, from_s=2.5)
    assert told(second) == [("automatic", WATER, False)]
    ends(second)


def test_a_stay_that_was_told_before_a_cut_is_told_once(tmp_path: Path) -> None:
    """The antenna was never heard; she has left when the store is killed, and her way is given again."""
    (tmp_path / "a").mkdir()
    first = Shop(tmp_path / "a", store=store(), begins_s=BEGINS_S, scales=())
    reader(first, away=True)
    plays(first, lambda _: False, until_s=30.0)
    assert told(first) == [("review", WATER, True)]
    known = stays(first)
    assert len(known) == 1
    first.intake.close()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "journal").rename(tmp_path / "b" / "journal")
    second = Shop(tmp_path / "b", store=store(), begins_s=30.0, scales=())
    plays(second, lambda _: False, from_s=3.0)
    assert (stays(second), told(second)) == (known, [])
    ends(second)


# -- a reader on the network -------------------------------------------------------------------------------------------


def figure(at_ns: int, into_s: float) -> PoseFrame:
    """Ann at the rail for three seconds, then out of the door."""
    if into_s > 7.0:
        return PoseFrame(at_ns=at_ns, people=())
    y_m = 2.4 - 0.8 * max(into_s - 5.0, 0.0) * 2.0
    joints = np.full((10, 3), (1.8, y_m, 1.3), np.float32)
    return PoseFrame(at_ns=at_ns, people=(PersonPose(track_id="p", joints_m=joints, scores=np.ones(10, np.float32)),))


def test_a_reader_that_goes_away_is_missed_by_name_and_in_the_replay(tmp_path: Path) -> None:
    """Over LLRP, in seconds: it reads, its machine is switched off, somebody is at its rail and walks out."""
    pytest.importorskip("llrpkit")
    from llrpkit.emulator.core import EmulatedTag, LLRPEmulator

    from jwo_cli.drive.edge import ReaderSource
    from jwo_cli.sensors.llrp import ReaderAddress

    tags = [EmulatedTag(epc=bytes.fromhex(tag), antennas=(1,), rssi_dbm=-55.0) for tag in SHIRTS]
    shop = store()

    async def story() -> LiveStore:
        emulator = LLRPEmulator(tags=tags, reads_per_sec=60.0)
        await emulator.start()
        begin_ns = time.time_ns() + NS_PER_S // 2
        poses = [(begin_ns + n * NS_PER_S // 10, figure(begin_ns + n * NS_PER_S // 10, n / 10)) for n in range(250)]
        address = ReaderAddress(reader_id="r1", host="127.0.0.1", port=emulator.port, antennas={1: "rail"}, session=0)
        with Intake.open(tmp_path / "journal", store_id=shop.store_id, layout_version=shop.version) as intake:
            cameras = ListSource("cameras", "cameras", poses)
            run = LiveStore(shop, intake, sources=[ReaderSource(address), cameras], recording=tmp_path / "recording")
            stop = asyncio.Event()
            running = asyncio.create_task(run.run(stop))
            await asyncio.sleep(2.5)
            await emulator.stop()
            for _ in range(250):
                if not run.live.receipts:
                    await asyncio.sleep(0.1)
            stop.set()
            await running
        return run

    run = asyncio.run(story())
    (receipt,) = run.live.receipts
    assert (receipt.settled, receipt.lines) == ("review", ())
    assert any("near rail while nothing was read" in reason for reason in receipt.reasons)
    assert {kind for name, kind in run.health.ill if name == "rail"} == {FaultKind.DEAD, FaultKind.GAP}
    again = replay(open_recording(tmp_path / "recording"))
    assert (again.head_seq, again.head_hash) == run.head
    assert again.receipts == tuple(run.live.receipts)
