"""A run where the last one was cut off: the same layout, and a shadow's visits are never charged."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from jwo_cli.drive.going_on import going_on, settle_shadow
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.supervise import Arrived
from jwo_cli.estimate.signals import CodeRead, PoseFrame, Signal
from jwo_cli.journal import Intake, verify
from jwo_cli.layouts.version import content_version
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Store
from jwo_cli.model.staffing import Mode, ModeChanged
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import captured_ns
from tests.drive import scene
from tests.drive.counter import Clock


def versioned(store: Store) -> Store:
    """The layout under the version that its content has, as those of files are."""
    return replace(store, version=content_version(store))


STORE = versioned(scene.store())
DEAR = versioned(
    replace(
        STORE,
        catalogue=replace(
            STORE.catalogue,
            products=tuple(replace(item, price_minor=5 * item.price_minor) for item in STORE.catalogue.products),
        ),
    )
)


class Day:
    """Ann's visit, cut in two: a run up to a moment, and the run after it, with the layout that `going_on` says."""

    def __init__(self, journal: Path) -> None:
        self.journal, self.clock = journal, Clock()

    def run(self, store: Store, *, shadow: bool, from_s: float, until_s: float) -> LiveStore:
        store = going_on(self.journal, store, shadow=shadow)
        if not shadow:
            settle_shadow(self.journal, store)
        with Intake.open(self.journal, store_id=store.store_id, layout_version=store.version) as intake:
            run = LiveStore(store, intake, sources=(), recording=None, shadow=shadow, now_ns=self.clock)
            run.note(ModeChanged(at_ns=self.clock(), mode=Mode.UP, staff="test"))
            if from_s == 0.0:
                self.give(run, CodeRead(at_ns=scene.START_NS + NS_PER_S // 2, gate_id="door", account="acct-ann"))
            for signal in scene.signals():
                if from_s <= (captured_ns(signal) - scene.START_NS) / NS_PER_S < until_s:
                    self.give(run, signal)
            if until_s > scene.SECONDS:
                for step in range(120):
                    self.give(run, PoseFrame(at_ns=scene.START_NS + round((20.0 + step / 10) * NS_PER_S), people=()))
                run.end()
            else:
                run.commit()  # and is killed
            return run

    def give(self, run: LiveStore, signal: Signal) -> None:
        self.clock.ns = max(self.clock.ns, captured_ns(signal))
        run.take(Arrived("test", signal, time.monotonic_ns()))

    def kinds(self, source: str) -> list[str]:
        with Intake.open(self.journal) as intake:
            return [entry.kind for entry in intake.entries() if entry.source.startswith(source)]


def test_it_goes_on_with_the_layout_it_began_with(tmp_path: Path) -> None:
    """Prices rose in the files while the store was away: Ann pays what counted when she came in, and when she left."""
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=False, from_s=0.0, until_s=8.0)
    second = day.run(DEAR, shadow=False, from_s=8.0, until_s=99.0)
    assert (second.cut_off, second.store.version) == (True, STORE.version)
    assert [receipt.charged_minor for receipt in second.live.receipts] == [100]
    assert going_on(day.journal, DEAR, shadow=False) == DEAR  # it ended in order


def test_a_layout_that_is_gone_is_asked_for(tmp_path: Path) -> None:
    """Nobody is charged by other prices, because a file was deleted; with the layout as it was the run goes on."""
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=False, from_s=0.0, until_s=8.0)
    for kept in (day.journal / "layouts").iterdir():
        kept.unlink()
    with pytest.raises(UserError, match="not beside the journal"):
        going_on(day.journal, DEAR, shadow=False)
    assert going_on(day.journal, STORE, shadow=False) == STORE


def test_another_store_does_not_go_on(tmp_path: Path) -> None:
    """Somebody names the wrong journal: the visits on it are not theirs."""
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=False, from_s=0.0, until_s=8.0)
    with pytest.raises(UserError, match="of the store 'corner'"):
        going_on(day.journal, versioned(replace(STORE, store_id="other")), shadow=False)


def test_a_shadows_visit_is_never_charged(tmp_path: Path) -> None:
    """The shadow was cut off while Ann was inside: the store settles her there, and the run after it begins anew."""
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=True, from_s=0.0, until_s=14.0)
    second = day.run(STORE, shadow=False, from_s=14.0, until_s=99.0)
    assert not second.cut_off
    assert {"visit_ended", "store_closed"} <= set(day.kinds("shadow/"))
    assert "payment_due" not in day.kinds("run/")
    assert [receipt.account for receipt in second.live.receipts if receipt.account] == []
    assert not verify(day.journal)


def test_a_shadow_does_not_go_on_with_who_is_to_pay(tmp_path: Path) -> None:
    """It is refused, with what to do; a shadow after a shadow goes on."""
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=False, from_s=0.0, until_s=8.0)
    with pytest.raises(UserError, match="may be inside still"):
        going_on(day.journal, STORE, shadow=True)
    other = Day(tmp_path / "other")
    other.run(STORE, shadow=True, from_s=0.0, until_s=8.0)
    assert other.run(STORE, shadow=True, from_s=8.0, until_s=99.0).cut_off


def test_without_a_cut_the_files_count(tmp_path: Path) -> None:
    """No journal, an empty folder, an orderly end: the run begins with what it is given."""
    assert going_on(tmp_path / "none", DEAR, shadow=True) == DEAR
    day = Day(tmp_path / "journal")
    day.run(STORE, shadow=False, from_s=0.0, until_s=99.0)
    assert going_on(day.journal, DEAR, shadow=True) == DEAR
