"""What a run that goes on hears twice is told once.

After a cut the devices give again everything since the last moment at which all was told (`Perception.untold_ns`), and
some seconds before, which a new front end needs to know the levels. What it makes of these seconds was journalled
already: the same thing on the same plates, or of the same people, at the same time. The journal's own entries say so,
and a replay of such a run leaves out the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import get_args

from jwo_cli.drive.resume import LIVE_SOURCES
from jwo_cli.estimate.signals import Overheard
from jwo_cli.journal.upcast import lift
from jwo_cli.model import codec
from jwo_cli.model.entering import EntryRefused
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import (
    CodeScanned,
    FloorTouched,
    HandsMet,
    IdentityDoubted,
    Observation,
    ShelfTouched,
    TagChanged,
    TrackEnded,
    TrackStarted,
    UnreadStay,
    UnweighedReach,
    WeightChanged,
)
from jwo_cli.model.staffing import EntryGranted, EntryPending
from jwo_cli.model.units import NS_PER_S

BACK_NS = 60 * NS_PER_S  # devices give nothing again that is older
ABOUT_NS = NS_PER_S  # of what has no length: the same, told with another past before it
LATEST = 2_000  # entries that are looked at first: what a busy store writes in minutes
Told = (
    WeightChanged | ShelfTouched | UnweighedReach | UnreadStay | HandsMet | FloorTouched | IdentityDoubted | TagChanged
    | CodeScanned | TrackEnded | EntryGranted | EntryPending | EntryRefused
)  # fmt: skip
_TOLD: tuple[type[Observation], ...] = get_args(Told)
_KINDS = frozenset(codec.kind_of(kind) for kind in _TOLD)


class Retold:
    """What was told right before a cut. `earlier` are a journal's entries of before the run, in order."""

    def __init__(self, earlier: Iterable[Overheard]) -> None:
        found = [_decoded(item) for item in earlier if is_told(item)]
        latest_ns = max((one.at_ns for one in found), default=0)
        late = [one for one in found if latest_ns - one.at_ns <= BACK_NS]
        self._told: dict[type[Observation], list[Observation]] = {}
        for one in late:
            self._told.setdefault(type(one), []).append(one)
        self._left = {one.track_id: one.at_ns for one in late if isinstance(one, TrackEnded)}
        shown = (EntryGranted, EntryPending, EntryRefused)
        self._shown = {(one.gate_id, one.at_ns) for one in late if isinstance(one, shown)}

    def fresh(self, found: Sequence[Observation]) -> list[Observation]:
        """What of the front end's news was not told before."""
        return [one for one in found if not self._known(one)] if self._told else list(found)

    def at_door(self, gate_id: str, at_ns: int) -> bool:
        """Whether what was shown at a door at this time was answered before.

        What a door says of itself never is: a fire alarm may have a code's stamp, and the house knows how it stands.
        """
        return (gate_id, at_ns) in self._shown

    def _known(self, one: Observation) -> bool:
        if isinstance(one, TrackStarted):
            return one.at_ns <= self._left.get(one.track_id, -1)
        return any(_same(one, told) for told in self._told.get(type(one), ()))


def is_told(item: Entry | Overheard) -> bool:
    """Whether a live store told it of what it measured: what may be heard twice."""
    return item.kind in _KINDS and item.source.startswith(LIVE_SOURCES)


def _same(one: Observation, told: Observation) -> bool:
    """Whether two observations of one kind are of the same thing at the same time."""
    (begin_ns, end_ns), (told_ns, until_ns) = _span(one), _span(told)
    return begin_ns <= until_ns and told_ns <= end_ns and not _who(one).isdisjoint(_who(told))


def _span(one: Observation) -> tuple[int, int]:
    if isinstance(one, WeightChanged | ShelfTouched | UnweighedReach):
        return one.begin_ns, one.end_ns
    if isinstance(one, HandsMet | UnreadStay):
        return one.at_ns, one.until_ns
    return one.at_ns - ABOUT_NS // 2, one.at_ns + ABOUT_NS // 2


def _who(one: Observation) -> frozenset[object]:
    match one:
        case WeightChanged():
            return frozenset(plate.plate_id for plate in one.plates)
        case ShelfTouched():
            return frozenset(one.plates)
        case UnweighedReach():
            return frozenset((one.track_id, plate) for plate in one.plates)
        case UnreadStay():
            return frozenset([(one.antenna_id, one.track_id, one.tags_known)])
        case HandsMet():
            return frozenset([(one.a, one.b), (one.b, one.a)])
        case FloorTouched() | TrackEnded():
            return frozenset([one.track_id])
        case IdentityDoubted():
            return frozenset([(one.kind, one.before, one.after)])
        case TagChanged():
            return frozenset([(one.antenna_id, one.tag_id, one.state)])
        case CodeScanned():
            return frozenset([(one.gate_id, one.account, one.code_id)])
        case _:
            return frozenset()


def _decoded(item: Overheard) -> Observation:
    payload = lift(item.kind, item.version, json.loads(item.payload))
    found: Observation = codec.decode(codec.OBSERVATIONS[item.kind], payload)
    return found
