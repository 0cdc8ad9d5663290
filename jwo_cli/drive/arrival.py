"""What comes to a running store's doors, and whose clock is believed there.

A gate's stamp far from the store's clock is that gate's clock, or the message waited somewhere: a code is then judged
by the store's clock, a door stands open from when that is heard, and a card that was held there over a minute ago opens
nothing.
"""

from __future__ import annotations

from jwo_cli.drive.sources import CardSeen, CodeSeen
from jwo_cli.estimate.signals import CodeRead, Signal, WeightBatch
from jwo_cli.model.entering import EntryRefused, EntryWay, Refusal, Role
from jwo_cli.model.staffing import EntryGranted
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.gatekeeper import LIFE_S, Admitted, Gatekeeper

DOOR_NS = 5 * NS_PER_S  # a gate's own stamp is believed this far from the store's clock
LATE_NS = 60 * NS_PER_S  # what was kept while somebody was away is no older


def believed(at_ns: int, now_ns: int, *, late: bool = False) -> int:
    """When it was, by a gate's stamp; by the store's clock where the stamp is too far from that.

    `late` says that what comes was kept while the broker or the store was away: then it may be older.
    """
    oldest_ns = now_ns - (LATE_NS if late else DOOR_NS)
    return at_ns if oldest_ns <= at_ns <= now_ns + DOOR_NS else now_ns


def shown(gatekeeper: Gatekeeper, what: CodeSeen | CardSeen, *, now_ns: int) -> Admitted | EntryRefused | None:
    """The decision on a code or card at a door; None while it is the same showing as before.

    That is told by when they come: stamps at the edge of what is believed would be now the gate's, now the store's.
    """
    at_ns = believed(what.at_ns, now_ns)
    if isinstance(what, CodeSeen):
        return gatekeeper.decide(what.text, at_ns=at_ns, gate_id=what.gate_id, heard_ns=now_ns)
    if now_ns - what.at_ns > LIFE_S * NS_PER_S:
        return EntryRefused(at_ns=at_ns, gate_id=what.gate_id, refusal=Refusal.EXPIRED, account=what.account)
    return gatekeeper.tap(what.account, at_ns=at_ns, gate_id=what.gate_id, heard_ns=now_ns)


def trusted(read: CodeRead) -> Admitted:
    """A code that was verified where it was read."""
    return Admitted(
        at_ns=read.at_ns,
        gate_id=read.gate_id,
        account=read.account,
        party_size=read.party_size,
        role=Role(read.role) if read.role in tuple(Role) else Role.SHOPPER,
        code_id=read.code_id,
        way=EntryWay(read.way) if read.way in tuple(EntryWay) else EntryWay.CODE,
    )


def granted(admitted: Admitted) -> EntryGranted:
    """The journal's word for an admission."""
    return EntryGranted(
        at_ns=admitted.at_ns,
        gate_id=admitted.gate_id,
        account=admitted.account,
        party_size=admitted.party_size,
        role=admitted.role,
        code_id=admitted.code_id,
        way=admitted.way,
    )


def device_of(signal: Signal) -> str:
    """The device that a signal names, empty where it names none."""
    return getattr(signal, "device_id", "") or getattr(signal, "antenna_id", "")


def scales_of(signal: Signal) -> tuple[str, ...]:
    """The scales whose plates a signal tells of, whoever sent it."""
    return signal.scales if isinstance(signal, WeightBatch) else ()
