"""The demonstration's devices on the wire, read by the sources that a store's settings name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("amqtt")
pytest.importorskip("av")
pytest.importorskip("llrpkit")
pytest.importorskip("zxingcpp")

from jwo_cli.drive.edge import MqttSource
from jwo_cli.drive.live_devices import served
from jwo_cli.drive.sources import CodeSeen, Inlet, Source
from jwo_cli.drive.wired import wired
from jwo_cli.estimate.signals import CodeRead, PoseFrame, TagRead, WeightBatch
from jwo_cli.model.units import NS_PER_S
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from jwo_cli.sensors.qr import modules
from jwo_cli.synthetic.film.phones import Showing
from jwo_cli.synthetic.sample import CHOCOLATE
from jwo_cli.synthetic.scenes import tagged_store
from jwo_cli.synthetic.scripts import Actor, Leave, Pick, Script
from jwo_cli.synthetic.simulate import Simulated, simulate
from jwo_cli.synthetic.tags import Place, moves, tagged

STORE = tagged_store()
CODE = "FB2Q:O0E6HZOKJ0$G0284VY39H6NYMTXD.54V0"


def play(ago_s: float, *, published: bool = False) -> Simulated:
    """Somebody who takes a chocolate; the play began so many seconds ago. What goes over MQTT only where asked for."""
    ann = Actor(key="ann", enter_s=0.5, acts=(Pick(product=CHOCOLATE), Leave()))
    start_ns = time.time_ns() - round(ago_s * NS_PER_S)
    made = simulate(STORE, Script(name="d", scenario="d", seed=5, start_ns=start_ns, actors=(ann,)))
    return made if published else replace(made, signals=tuple(s for s in made.signals if isinstance(s, CodeRead)))


async def heard(source: Source, enough: Callable[[list[Inlet]], bool]) -> list[Inlet]:
    """What a source gives, until it is enough."""
    got: list[Inlet] = []
    stream: AsyncIterator[Inlet] = source.stream()
    async with asyncio.timeout(30), aclosing(stream) as inlets:  # type: ignore[type-var]
        async for inlet in inlets:
            got.append(inlet)
            if enough(got):
                break
    return got


def test_the_reader_hears_all_tags_but_those_that_were_taken(tmp_path: Path) -> None:
    """Everything of the play is past: one chocolate is away, every other tag is read, and nothing else."""
    made = play(ago_s=300.0)
    tags = tagged(STORE, seed=5)
    gone = {moved.tag_id for moved in moves(STORE, made.stage, tags) if moved.place is Place.AWAY}

    async def story() -> list[Inlet]:
        async with loopback_broker() as broker, served(STORE, made, broker, []) as devices:
            return await heard(wired(devices.settings)[0], lambda got: len(got) > 300)

    read = {inlet.tag_id for inlet in asyncio.run(story()) if isinstance(inlet, TagRead)}
    assert len(gone) == 1
    assert read == {tag.tag_id for tag in tags} - gone


def test_a_phone_before_the_camera_is_a_code_at_its_gate(tmp_path: Path) -> None:
    """Read out of the video that the camera serves, stamped within the time in which the phone was held."""
    made, now_ns = play(ago_s=300.0), time.time_ns()
    shown = Showing(begin_ns=now_ns + 2 * NS_PER_S, end_ns=now_ns + 5 * NS_PER_S, modules=modules(CODE))

    async def story() -> list[Inlet]:
        async with loopback_broker() as broker, served(STORE, made, broker, [shown]) as devices:
            return await heard(wired(devices.settings)[1], lambda got: len(got) >= 5)

    codes = asyncio.run(story())
    assert [(code.text, code.gate_id) for code in codes if isinstance(code, CodeSeen)] == [(CODE, "entry")] * 5
    stamps = [code.at_ns for code in codes if isinstance(code, CodeSeen)]
    assert shown.begin_ns - NS_PER_S < min(stamps) < max(stamps) < shown.end_ns + NS_PER_S


def test_scales_and_tracker_come_over_the_broker() -> None:
    """As they are measured: nothing of it lies ahead of the clock."""

    def enough(got: list[Inlet]) -> bool:
        return sum(isinstance(one, WeightBatch) for one in got) >= 9 and any(isinstance(one, PoseFrame) for one in got)

    async def story() -> list[Inlet]:
        async with loopback_broker() as broker, served(STORE, play(ago_s=-1.0, published=True), broker, []):
            source = MqttSource(broker, store_id=STORE.store_id)
            return await heard(source, enough)

    got = asyncio.run(story())
    batches = [one for one in got if isinstance(one, WeightBatch)]
    frames = [one for one in got if isinstance(one, PoseFrame)]
    assert {batch.channels[0] for batch in batches} == {"f1:1:1", "g1:1:1", "g2:1:1"}
    assert frames
    assert max([batch.end_ns for batch in batches] + [frame.at_ns for frame in frames]) <= time.time_ns()
