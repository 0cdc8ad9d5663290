"""Device trouble is said in sentences beside the receipts, not only in JSON."""

from __future__ import annotations

from jwo_cli.drive.telling import TROUBLE, troubles
from jwo_cli.model.observations import DeviceFaulted, FaultKind


def fault(device: str, kind: FaultKind) -> DeviceFaulted:
    return DeviceFaulted(at_ns=0, device_id=device, kind=kind, until_ns=1)


def test_each_kind_is_one_sentence_with_its_devices_once() -> None:
    """Two gaps of one device and a dead plate are two sentences."""
    said = troubles([fault("g3", FaultKind.GAP), fault("g1.s1.p1", FaultKind.DEAD), fault("g3", FaultKind.GAP)])
    assert [sentence.split(";")[0] for sentence in said] == ["g3 fell silent", "g1.s1.p1 weighed nothing"]


def test_many_devices_are_counted() -> None:
    """Nobody reads forty plate numbers."""
    (sentence,) = troubles([fault(f"p{n}", FaultKind.SPIKING) for n in range(9)])
    assert sentence.startswith("p0, p1, p2, p3 and 5 more spiked")


def test_every_kind_has_its_words() -> None:
    """A new kind of fault needs a sentence."""
    assert set(TROUBLE) == set(FaultKind)


def test_no_trouble_is_not_mentioned() -> None:
    """Silence is good news."""
    assert troubles([]) == []
