"""The receipts of real and real-like recordings are as right as they were: a floor under every later change."""

from __future__ import annotations

import random
from pathlib import Path
from typing import cast

import pytest

from jwo_cli.drive.export import autocheckout
from jwo_cli.drive.replay import replay
from jwo_cli.insight.judged import from_receipts
from jwo_cli.insight.scoring import score
from jwo_cli.insight.truth import find_truths
from jwo_cli.model.decisions import Settlement
from jwo_cli.recordings import Recording, open_recording
from tests.insight.test_scoring import oracle_of


def test_the_development_cases(shared_data: Path) -> None:
    """Seventeen cases: F1 ≥ 0.96, receipts exact ≥ 0.85, over-charged ≤ 4 %; what is settled by itself is exact.

    The published scorer gives the same figures from the exported form.
    """
    root = shared_data / "nanostore-dev"
    cases = find_truths([root])
    results = {case.name: replay(open_recording(case.folder)) for case in cases}
    rates = score(cases, {case.name: from_receipts(case, results[case.name].receipts) for case in cases}).total
    assert (rates["f1"] or 0) >= 0.96
    assert (rates["receipt_exact"] or 0) >= 0.85
    assert (rates["over_charged"] or 0) <= 0.04
    assert (rates["actually_over_charged"] or 0) <= 0.02
    assert (rates["automatic_share"] or 0) >= 0.8
    assert (rates["automatic_exact"] or 0) >= 0.97
    published = oracle_of(root).evaluate(str(root), autocheckout(list(results.values())))["total"]
    assert published["f1"] == pytest.approx(rates["f1"], abs=1e-6)
    assert published["receipt_exact"] == pytest.approx(rates["receipt_exact"], abs=1e-6)


def test_the_real_recording(shared_data: Path) -> None:
    """One shopper, one bottle, settled by itself."""
    (receipt,) = replay(open_recording(shared_data / "nanostore-real" / "BENCHMARK-1")).receipts
    assert [(line.product_id, line.quantity) for line in receipt.lines] == [("071142008582", 1)]
    assert receipt.settled is Settlement.AUTOMATIC


def test_messages_in_any_order_are_no_crash(shared_data: Path) -> None:
    """Every message of a case, shuffled: whatever comes out, nothing that is not a number reaches the journal."""
    recording = open_recording(shared_data / "nanostore-dev" / "dev-01-single_simple")
    signals = list(recording.signals())
    random.Random(5).shuffle(signals)
    replay(cast("Recording", Shuffled(recording, signals)))


class Shuffled:
    """A recording whose messages arrive in another order."""

    def __init__(self, recording: object, signals: list) -> None:  # type: ignore[type-arg]
        self._recording, self._signals = recording, signals

    def __getattr__(self, name: str) -> object:
        return getattr(self._recording, name)

    def signals(self) -> object:
        """The messages in the other order."""
        return iter(self._signals)
