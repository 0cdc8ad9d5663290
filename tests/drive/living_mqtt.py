"""A store behind a broker in a process of its own, to be killed.

    python -m tests.drive.living_mqtt JOURNAL PORT

It prints `up N` when it has resumed, with so many entries before, and `receipt` with the lines of each one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.edge import MqttSource
from jwo_cli.drive.health import Needed
from jwo_cli.drive.live import LiveStore
from jwo_cli.estimate.signals import Signal
from jwo_cli.journal import Intake
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import Observation
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.sensors.mqtt.client import Broker
from jwo_cli.shop.step import Step
from tests.drive import scene


class Teller:
    """Says what was charged."""

    def signal(self, signal: Signal) -> None:
        """Nothing to say of those."""

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        for caused in step.decisions:
            if isinstance(caused.decision, ReceiptIssued):
                lines = [f"{line.product_id}x{line.quantity}" for line in caused.decision.lines]
                print("receipt", *lines, flush=True)


async def main(journal: Path, port: int) -> None:
    store = scene.store()
    with Intake.open(journal, store_id=store.store_id, layout_version=store.version) as intake:
        before, _ = intake.head()
        source = MqttSource(Broker(host="127.0.0.1", port=port), store_id=store.store_id)
        run = LiveStore(
            store,
            intake,
            sources=[source],
            recording=None,
            watcher=Teller(),
            rules=Rules(),
            needed=Needed(scales=store.weighing()),
        )
        if run.live.mode is not Mode.UP:
            run.note(ModeChanged(at_ns=time.time_ns(), mode=Mode.UP, staff="test"))
        print("up", before, flush=True)
        await run.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
