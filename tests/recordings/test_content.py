"""The id of a recording depends on everything that a replay depends on, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from jwo_cli.estimate.signals import CodeRead, Signal, TagRead
from jwo_cli.recordings.content import recording_id
from tests.recordings.cases import batch, frame, little_store

S = 1_000_000_000
TAG = TagRead(at_ns=3 * S, antenna_id="door", tag_id="e2", rssi_dbm=-61.0)
CODE = CodeRead(at_ns=4 * S, gate_id="in", account="opaque")


def day() -> list[Signal]:
    return [batch(S), frame(2 * S, "a"), TAG, CODE]


def changed_bit(signals: list[Signal]) -> None:
    grams = batch(S).grams.copy()
    grams.view(np.uint32)[3, 1] ^= 1
    signals[0] = replace(batch(S), grams=grams)


CHANGES: dict[str, Callable[[list[Signal]], object]] = {
    "one bit of one sample": changed_bit,
    "a channel's name": lambda s: s.__setitem__(0, replace(batch(S), channels=("g1:1:1", "g1:1:3"))),
    "a microsecond": lambda s: s.__setitem__(0, batch(S + 1_000)),
    "the sampling rate": lambda s: s.__setitem__(0, replace(batch(S), rate_hz=50.0)),
    "who was seen": lambda s: s.__setitem__(1, frame(2 * S, "b")),
    "one or two people": lambda s: s.__setitem__(1, frame(2 * S, "a", "a")),
    "a phase of nothing": lambda s: s.__setitem__(2, replace(TAG, phase_rad=0.0)),
    "where a text ends": lambda s: s.__setitem__(2, replace(TAG, antenna_id="doore", tag_id="2")),
    "a role": lambda s: s.__setitem__(3, replace(CODE, role="staff")),
    "the order of arrival": lambda s: s.reverse(),
    "a message twice": lambda s: s.insert(0, s[0]),
    "a message missing": lambda s: s.pop(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_difference_in_content_gives_another_id(change: str) -> None:
    """Each of these could change a receipt."""
    signals = day()
    CHANGES[change](signals)
    assert recording_id(little_store(), (), signals) != recording_id(little_store(), (), day())


def test_layout_and_staff_belong_to_it() -> None:
    """The order in which staff are listed does not."""
    plain = recording_id(little_store(), (), day())
    assert recording_id(little_store("v2"), (), day()) != plain
    assert recording_id(little_store(), ("7",), day()) != plain
    assert recording_id(little_store(), ("7", "8"), day()) == recording_id(little_store(), ("8", "7"), day())
