"""kill -9 of a store behind a broker while somebody takes something: the devices give again what it needs."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("amqtt")

from jwo_cli.drive.edge import run_edge
from jwo_cli.drive.sources import ListSource, shifted
from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.journal import Intake, verify
from jwo_cli.model.observations import WeightChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from jwo_cli.sensors.mqtt.client import Broker, Publisher
from jwo_cli.sensors.mqtt.loopback import loopback_broker
from tests.drive import scene
from tests.drive.counter import COLA

ROOT = Path(__file__).resolve().parents[2]
LEAD_S = 3.0
# The plate swings in the tenth second; what came of it is told in the fourteenth.
KILLS_S = (9.8, 13.5)


async def life(journal: Path, broker: Broker, until_s: float, said: list[str], *, enough: str = "receipt") -> None:
    """One life of the store, killed at a time (but not before it was up), or when it has said enough."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.drive.living_mqtt", str(journal), str(broker.port),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said.append((await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip())
        async with asyncio.timeout(max(0.5, until_s - time.time())):
            async for line in process.stdout:
                said.append(line.decode().strip())
                if said[-1].startswith(enough):
                    break
    except TimeoutError:
        pass
    finally:
        process.kill()
        await process.wait()


async def story(journal: Path) -> list[str]:
    """Ann's visit in real time, from two devices that keep what they sent; the store is killed twice meanwhile."""
    said: list[str] = []
    async with loopback_broker() as broker:
        start_ns = time.time_ns() + round(LEAD_S * NS_PER_S)
        played: list[Signal] = [shifted(signal, start_ns - scene.START_NS) for signal in scene.signals()]
        end_ns = start_ns + round(scene.SECONDS * NS_PER_S)
        played += [PoseFrame(at_ns=end_ns + number * NS_PER_S // 10, people=()) for number in range(150)]
        stop, kinds = asyncio.Event(), {"scale": WeightBatch, "tracker": PoseFrame}
        edges = [
            asyncio.create_task(
                run_edge(
                    [ListSource(name, name, [(captured_ns(one), one) for one in played if isinstance(one, kind)])],
                    Publisher(broker, store_id="corner", device_id=name, boot="b"),
                    stop,
                )
            )
            for name, kind in kinds.items()
        ]
        for kill_s in KILLS_S:
            await life(journal, broker, start_ns / NS_PER_S + kill_s, said)
        await life(journal, broker, end_ns / NS_PER_S + 20.0, said)
        stop.set()
        for edge in edges:
            edge.cancel()
        await asyncio.gather(*edges, return_exceptions=True)
    return said


@pytest.mark.slow
def test_a_store_that_is_killed_during_a_pick_charges_it_once(tmp_path: Path) -> None:
    """Killed while the plate swings and again when it rests: the third life charges one water, told once."""
    said = asyncio.run(story(tmp_path / "journal"))
    assert [line for line in said if line.startswith("receipt")] == [f"receipt {COLA.product_id}x1"]
    assert len([line for line in said if line.startswith("up")]) == len(KILLS_S) + 1
    with Intake.open(tmp_path / "journal") as intake:
        changes = [change for _, change in intake.observed([WeightChanged]) if change.real > 0.5]
    assert len(changes) == 1
    assert not verify(tmp_path / "journal")
