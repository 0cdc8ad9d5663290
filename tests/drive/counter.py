"""A run driven by hand, as fast as the machine goes: the store's clock is moved by the signals."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from jwo_cli.drive.caretaker import Rules
from jwo_cli.drive.door_wait import WaitRules
from jwo_cli.drive.health import Needed
from jwo_cli.drive.hearing import HEARD
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.replay import replay
from jwo_cli.drive.sources import Inlet, Source
from jwo_cli.drive.staff import tell
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.perception import WARM_NS
from jwo_cli.estimate.signals import CodeRead, PoseFrame, Signal
from jwo_cli.journal import Intake, verify
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import Observation
from jwo_cli.model.staffing import Mode, ModeChanged, ModeRequested
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns, open_recording
from jwo_cli.shop.settings import EngineSettings
from tests.drive import scene

STORE = scene.store()
COLA = STORE.catalogue.products[0]


class Clock:
    """The store's clock, moved by the signals: a run as fast as the machine goes, the same every time."""

    def __init__(self) -> None:
        self.ns = scene.START_NS

    def __call__(self) -> int:
        return self.ns


class Shop:
    """A run driven by hand: each signal at its time, whatever staff do in between, from another handle."""

    def __init__(
        self,
        place: Path,
        *,
        rules: Rules | None = None,
        sources: Sequence[Source] = (),
        settings: EngineSettings | None = None,
        wait: WaitRules | None = None,
        begins_s: float = 0.0,
        kept: str = "recording",
        scales: tuple[str, ...] = ("a",),
        well: tuple[str, ...] = (),
        needs: Needed | None = None,
        store: Store = STORE,
    ) -> None:
        self.place, self.clock = place, Clock()
        self.clock.ns += round(begins_s * NS_PER_S)
        self.intake = Intake.open(place / "journal", store_id=store.store_id, layout_version=store.version)
        self.run = LiveStore(
            store,
            self.intake,
            sources=sources,
            recording=place / kept,
            rules=rules or Rules(),
            now_ns=self.clock,
            settings=settings,
            wait=wait,
            needed=needs or Needed(scales=scales, well=well),
        )
        self.ask(Mode.STAFF_ONLY)

    def ask(self, mode: Mode) -> None:
        """Staff ask for a mode, from another process."""
        self.staff(ModeRequested(at_ns=self.clock(), mode=mode, staff="ann"))
        self.run.commit()

    def staff(self, observation: Observation) -> None:
        with Intake.open(self.place / "journal") as other:
            tell(other, observation, staff="ann")

    def give(self, what: Inlet) -> None:
        self.run.take(Arrived("test", what, time.monotonic_ns()))

    def play(
        self,
        *,
        until_s: float = 99.0,
        from_s: float = 0.0,
        meanwhile: Callable[[float], None] = lambda _: None,
        called: str = "ann",
    ) -> None:
        for signal in scene.signals():
            at_s = (captured_ns(signal) - scene.START_NS) / NS_PER_S
            if not from_s <= at_s < until_s:
                continue
            self.clock.ns = captured_ns(signal)
            meanwhile(at_s)
            self.give(renamed(signal, called))
        if until_s > scene.SECONDS:
            self._nobody(12.0)

    def _nobody(self, seconds: float) -> None:
        """Cameras look on, and nobody is there."""
        for _ in range(round(seconds * 10)):
            self.clock.ns += NS_PER_S // 10
            self.give(PoseFrame(at_ns=self.clock.ns, people=()))

    def end(self) -> None:
        self.run.end()
        self.intake.close()

    def goes_on(self, place: Path, *, begins_s: float, kept: bool = True) -> Shop:
        """The shop is killed, and the next run begins then; `kept` says whether with what was heard until when."""
        self.run._bodies.write()
        self.run._hearing.write(self.run._perception.untold_ns() + WARM_NS)
        self.intake.close()
        place.mkdir()
        (self.place / "journal").rename(place / "journal")
        if not kept:
            (place / "journal" / HEARD).unlink()
        following = Shop(place, begins_s=begins_s)
        assert following.run.cut_off
        return following

    def kinds(self) -> list[str]:
        with Intake.open(self.place / "journal") as intake:
            return [entry.kind for entry in intake.entries()]


def renamed(signal: Signal, called: str) -> Signal:
    """The same, as a tracker says it that calls her otherwise."""
    if not isinstance(signal, PoseFrame):
        return signal
    return replace(signal, people=tuple(replace(one, track_id=called) for one in signal.people))


def enters(shop: Shop, at_s: float, account: str = "acct-ann") -> None:
    at_ns = scene.START_NS + round(at_s * NS_PER_S)
    shop.give(
        CodeRead(at_ns=at_ns, gate_id="door", account=account, role="tester" if account == "tester" else "shopper")
    )


def up(shop: Shop) -> None:
    shop.run.note(ModeChanged(at_ns=shop.clock(), mode=Mode.UP, staff="test"))


def identical(shop: Shop) -> None:
    """The law: the recording's replay ends in the live journal's own hash, with the same receipts."""
    again = replay(open_recording(shop.place / "recording"))
    assert (again.head_seq, again.head_hash) == shop.run.head
    assert again.receipts == tuple(shop.run.live.receipts)
    assert not verify(shop.place / "journal")


def one_visit(shop: Shop) -> None:
    """Ann scans, takes a water and leaves."""
    up(shop)
    scanned = False

    def scan(at_s: float) -> None:
        nonlocal scanned
        if at_s > 1.0 and not scanned:
            scanned = True
            enters(shop, at_s)

    shop.play(meanwhile=scan)
