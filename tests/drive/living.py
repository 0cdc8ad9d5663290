"""A store that runs in a process of its own, to be killed: shoppers come in at the door, stand there and leave.

    python -m tests.drive.living JOURNAL

What is acknowledged is printed after the sync: `entry SEQ HASH` for each observation, `granted SEQ` for
somebody who was let in, `inside SEQ` when their visit has begun; `up N` when the store has resumed, with N visits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.sources import Inlet
from jwo_cli.estimate.signals import CodeRead, PersonPose, PoseFrame, Signal, WeightBatch
from jwo_cli.journal import Intake
from jwo_cli.model.decisions import VisitStarted
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import Observation
from jwo_cli.model.staffing import EntryGranted, Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Step
from tests.drive import scene

STEP_S = 0.1
STAY_S = 3.0  # between one shopper and the next


class Shoppers:
    """A source: cameras and scales, and a code at the door every STAY_S seconds; people stand there and leave."""

    name, kind, critical, patience_s = "shop", "shop", True, 5.0

    async def stream(self) -> AsyncGenerator[Inlet]:
        begun_s, step = time.monotonic(), 0
        while True:
            step += 1
            await asyncio.sleep(max(0.0, begun_s + step * STEP_S - time.monotonic()))
            at_ns = time.time_ns()
            yield weights(at_ns)
            # The n-th shopper of the day: the same one before and after a kill.
            number, into_s = divmod(at_ns / NS_PER_S, STAY_S)
            yield people(at_ns, f"p{int(number)}", into_s)
            if into_s < STEP_S:
                yield CodeRead(at_ns=at_ns, gate_id="door", account=f"acct-{int(number)}", code_id=f"c{int(number)}")


def weights(at_ns: int) -> WeightBatch:
    grams = np.tile(np.array([5200.0, 8400.0, 1200.0], np.float32), (6, 1))
    return WeightBatch(device_id="a", end_ns=at_ns, rate_hz=60.0, channels=scene.CHANNELS, grams=grams)


def people(at_ns: int, name: str, into_s: float) -> Signal:
    if into_s > STAY_S - 1.0:
        return PoseFrame(at_ns=at_ns, people=())
    y_m = 0.2 if into_s < STAY_S - 1.5 else -0.4  # in the door, then outside
    joints = np.full((10, 3), (2.0, y_m, 1.3), np.float32)
    return PoseFrame(at_ns=at_ns, people=(PersonPose(track_id=name, joints_m=joints, scores=np.ones(10, np.float32)),))


class Teller:
    """Says what was acknowledged."""

    def signal(self, signal: Signal) -> None:
        """Nothing to say of those."""

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        print("entry", entry.seq, entry.hash, flush=True)
        if isinstance(observation, EntryGranted):
            print("granted", entry.seq, flush=True)
        if any(isinstance(caused.decision, VisitStarted) for caused in step.decisions):
            print("inside", entry.seq, flush=True)


async def main(journal: Path) -> None:
    store = scene.store()
    with Intake.open(journal, store_id=store.store_id, layout_version=store.version) as intake:
        run = LiveStore(store, intake, sources=[Shoppers()], recording=None, watcher=Teller(), rules=Rules())
        if run.live.mode is not Mode.UP:
            run.note(ModeChanged(at_ns=time.time_ns(), mode=Mode.UP, staff="test"))
        print("up", len(run.engine.roster.visits), flush=True)
        await run.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
