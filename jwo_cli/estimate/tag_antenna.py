"""One antenna over time: which tags are in its field, with hysteresis, judged by how tags in the field are read here.

The reference is the antenna's own: tags that are present tell what present looks like (their median, slowly), and a
tag once present is compared with its own usual rate and strength. So neither weaker power nor fuller shelves make
tags leave. An antenna that hears nothing, or hears its own tags badly, says nothing about absence. Windows are as long
as a tag needs to be read a dozen times; time moves in steps of a fixed grid, so that batches do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.observations import DeviceFaulted, FaultKind, TagState
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .tag_field import PRESENCE, Floats, Ints, Reference, TagFieldModel, Window, features, strongest

STEP_NS = 500 * NS_PER_MS
# Streamed through the Nedap samples these call none of the boxed tags gone that stay, and tell one that is taken out
# 4 to 6 s later (benchmarks/rfid_nedap.py).
PRESENT, GONE = 0.5, 0.03
HOLD_NS = 1 * NS_PER_S
WANTED_READS = 12.0  # the window is as long as this takes, within
SHORTEST_S, LONGEST_S = 4.0, 20.0
LEAST_READS = 3
SURE = 0.97  # bodies and hands hide tags for seconds; the training data has none of that
GOOD_DB = 6.0  # a read this much weaker than usual is no longer from its place
LEVEL_S, USUAL_S = 20.0, 60.0  # time constants of the antenna's reference and of a tag's own
DEAF_NS = 2 * NS_PER_S
DEAF_READS = 10.0  # and as long as this many reads usually take
FEW = 4  # with fewer tags present, none can speak for the antenna
TROUBLE_NS = 30 * NS_PER_S  # heard badly for so long, that is how it hears now
LASTS_NS = 30 * NS_PER_S  # read well for so long, a tag hangs here and is not carried past
MOST_READS = 30_000  # kept; the fastest readers give 1,000 a second


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """A tag came into or left the field at `at_ns`; `probability` that it is so.

    One that left while the antenna was not heard left at some moment until `until_ns`, 0 for all others.
    """

    at_ns: int
    tag_id: str
    state: TagState
    probability: float
    until_ns: int = 0


@dataclass(slots=True)
class _Tag:
    """What is known of a tag: `log_rate` and `over_db` are its usual rate and strength against the reference."""

    tag_id: str
    number: int
    last_ns: int
    present: bool = False
    log_rate: float = 0.0
    over_db: float = 0.0
    came_ns: int = 0
    good_ns: int = 0
    since_ns: int | None = None  # the other state looks true since then
    doubt: float = 0.0  # the most that spoke against it since then


@dataclass(slots=True)
class AntennaField:
    """Reads in by `take`, changes out by `step`, whose times must rise by STEP_NS."""

    antenna_id: str
    model: TagFieldModel = PRESENCE
    faults: list[DeviceFaulted] = field(default_factory=list)
    silences: list[tuple[int, int]] = field(default_factory=list)  # what left since then is not told; until when, or 0
    late: int = 0
    settled_ns: int = 0  # all that came or left up to then is told, as far as the antenna was heard
    _pending: list[tuple[int, str, float]] = field(default_factory=list)
    _tags: dict[str, _Tag] = field(default_factory=dict)
    _numbers: int = 0
    _at: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _tag: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    _rssi: Floats = field(default_factory=lambda: np.empty(0, np.float64))
    _stepped_ns: int | None = None
    _heard_ns: int = 0
    _known_ns: int = 0  # all up to then was told when it was heard last
    _awake_ns: int | None = None  # heard without a break since then
    _read_hz: float = 0.0
    _rate_hz: float | None = None  # the reference: a present tag's reads a second and dBm
    _level_dbm: float = 0.0
    _trouble_ns: int | None = None

    def take(self, at_ns: int, tag_id: str, rssi_dbm: float) -> None:
        """One read, in any order; one that comes after its time was judged is counted as late."""
        if self._stepped_ns is not None and at_ns <= self._stepped_ns:
            self.late += 1
        else:
            self._pending.append((at_ns, tag_id, rssi_dbm))

    def held(self) -> int:
        """Reads and tags kept: a measure of memory."""
        return len(self._at) + len(self._pending) + len(self._tags)

    def lasting(self) -> list[str]:
        """Tags that hang in the field."""
        return [tag.tag_id for tag in self._tags.values() if tag.present and tag.good_ns - tag.came_ns >= LASTS_NS]

    def wakes_ns(self) -> int | None:
        """Steps before this time change nothing; None when none does until another read comes."""
        if len(self._at) or self._awake_ns is not None:
            return 0
        return min((at_ns for at_ns, _, _ in self._pending), default=None)

    def step(self, now_ns: int) -> list[FieldChange]:
        """What became certain by `now_ns`."""
        self._admit(now_ns)
        self._stepped_ns = self.settled_ns = now_ns
        if not self._tags or not self._hearing(now_ns):
            return []
        tags = list(self._tags.values())
        window, positions = self._window(tags, now_ns)
        rates, levels = window.rates_hz(), window.levels_dbm()
        if self._rate_hz is None and not (rates > 0).any():
            return []
        reference = self._reference(tags, window)
        p = self.model.probability(features(window, reference))
        present = np.array([tag.present for tag in tags])
        first_good = self._good_reads(tags, positions, window, reference)
        changes: list[FieldChange] = []
        if not self._in_trouble(now_ns, tags, present, p, rates, levels):
            self._follow(tags, present, p, rates, levels)
            changes = self._judge(now_ns, tags, p, window, first_good)
            self._compare(changes, rates, levels, reference)
        self.settled_ns = self._known_ns = self._settled(now_ns, tags, first_good)
        self._forget(now_ns)
        return changes

    # -- reads -----------------------------------------------------------------------------------------------------

    def _admit(self, now_ns: int) -> None:
        """Reads up to now enter, each once, in an order that depends on the reads alone; old ones leave."""
        ready = sorted({read for read in self._pending if read[0] <= now_ns})
        self._pending = [read for read in self._pending if read[0] > now_ns]
        for at_ns, tag_id, _ in ready:
            tag = self._tags.get(tag_id)
            if tag is None:
                tag = self._tags[tag_id] = _Tag(tag_id, self._numbers, at_ns)
                self._numbers += 1
            tag.last_ns = at_ns
            if self._awake_ns is None or at_ns - self._heard_ns > self._deaf_ns():
                if self._heard_ns:
                    self._tell_gap(at_ns)
                self._awake_ns = at_ns
            self._heard_ns = at_ns
        share = STEP_NS / NS_PER_S / LEVEL_S
        if ready:
            self._read_hz += (len(ready) * NS_PER_S / STEP_NS - self._read_hz) * share
        self._at = np.concatenate([self._at, np.array([at for at, _, _ in ready], np.int64)])
        self._tag = np.concatenate([self._tag, np.array([self._tags[name].number for _, name, _ in ready], np.int64)])
        self._rssi = np.concatenate([self._rssi, np.array([rssi for _, _, rssi in ready], np.float64)])
        cut = max(int(np.searchsorted(self._at, now_ns - round(LONGEST_S * NS_PER_S))), len(self._at) - MOST_READS)
        self._at, self._tag, self._rssi = self._at[cut:], self._tag[cut:], self._rssi[cut:]

    def _deaf_ns(self) -> int:
        usual = DEAF_READS / self._read_hz * NS_PER_S if self._read_hz > 0 else 0.0
        return max(DEAF_NS, min(round(usual), round(LONGEST_S * NS_PER_S)))

    def _hearing(self, now_ns: int) -> bool:
        """Whether the antenna is heard; when not, nothing that seemed to begin goes on."""
        if self._awake_ns is not None and now_ns - self._heard_ns <= self._deaf_ns():
            return True
        if self._awake_ns is not None:
            self._tell_gap(self._heard_ns)
            self._awake_ns = None
        for tag in self._tags.values():
            tag.since_ns = None
        self._forget(now_ns)
        return False

    def _tell_gap(self, until_ns: int) -> None:
        """Told twice: without an end when it is noticed, with its end when the antenna is heard again."""
        self.faults.append(
            DeviceFaulted(
                at_ns=self._heard_ns, device_id=self.antenna_id, kind=FaultKind.GAP, until_ns=until_ns,
                note="the antenna heard no tag at all",
            )
        )  # fmt: skip
        self.silences.append((self._untold_ns(), until_ns if until_ns > self._heard_ns else 0))

    def _untold_ns(self) -> int:
        """Since when nothing was told that left, when it was heard last."""
        return max(min(self._known_ns, self._heard_ns), self._heard_ns - round(LONGEST_S * NS_PER_S))

    def hushed_ns(self) -> int | None:
        """Since when nothing is told, where nothing was read for a while and that is no silence yet; else None."""
        late_ns = (self._stepped_ns or 0) - self._heard_ns
        return self._untold_ns() if self._awake_ns is not None and late_ns > DEAF_NS else None

    def _usual(self, tags: list[_Tag]) -> tuple[Floats, Floats]:
        """Log rate and dB against the level that each tag would have in the field: its own, else the middle of all."""
        there = [tag for tag in tags if tag.present]
        rate = float(np.median([tag.log_rate for tag in there])) if there else 0.0
        over = float(np.median([tag.over_db for tag in there])) if there else 0.0
        return (
            np.array([tag.log_rate if tag.present else rate for tag in tags]),
            np.array([tag.over_db if tag.present else over for tag in tags]),
        )

    def _reference(self, tags: list[_Tag], window: Window) -> Reference:
        """What each tag would look like in the field; before any tag is known to be, what the strongest look like."""
        if self._rate_hz is None:
            return strongest(window)
        log_rate, over_db = self._usual(tags)
        return Reference(rate_hz=self._rate_hz * np.exp(log_rate), rssi_dbm=self._level_dbm + over_db)

    def _window(self, tags: list[_Tag], now_ns: int) -> tuple[Window, Ints]:
        """Every tag's window up to now, and each read's position in `tags` [r]; seconds count from now."""
        numbers = np.array([tag.number for tag in tags])
        positions: Ints = np.searchsorted(numbers, self._tag)
        if self._rate_hz is None:
            length = np.full(len(tags), LONGEST_S / 4)
        else:
            usual = self._rate_hz * np.exp(self._usual(tags)[0])
            length = np.clip(WANTED_READS / usual, SHORTEST_S, LONGEST_S)
        at_s = (self._at - now_ns) / NS_PER_S
        window = Window(tag=positions, at_s=at_s, rssi_dbm=self._rssi, tags=len(tags), begin_s=-length, length_s=length)
        return window, positions

    def _good_reads(self, tags: list[_Tag], positions: Ints, window: Window, reference: Reference) -> Ints:
        """First read as strong as from its place in every tag's window [tags] (0 for none); the last is remembered."""
        level = np.broadcast_to(np.asarray(reference.rssi_dbm, np.float64), (len(tags),))
        good = window.inside() & (self._rssi >= level[positions] - GOOD_DB)
        first = np.full(len(tags), np.iinfo(np.int64).max)
        last = np.zeros(len(tags), np.int64)
        np.minimum.at(first, positions[good], self._at[good])
        np.maximum.at(last, positions[good], self._at[good])
        for tag, at_ns in zip(tags, last.tolist(), strict=True):
            tag.good_ns = max(tag.good_ns, at_ns)
        return np.where(last > 0, first, 0)

    # -- judgement -------------------------------------------------------------------------------------------------

    def _in_trouble(
        self, now_ns: int, tags: list[_Tag], present: NDArray[np.bool_], p: Floats, rates: Floats, levels: Floats
    ) -> bool:
        """Whether the tags that are still heard are mostly heard badly: then it is the antenna, not the tags."""
        heard = present & (rates > 0)
        bad = present.sum() >= FEW and (not heard.any() or (p[heard] < 0.5).sum() > heard.sum() / 2)
        if not bad:
            self._trouble_ns = None
            return False
        if self._trouble_ns is None:
            self._trouble_ns = now_ns
        if now_ns - self._trouble_ns >= TROUBLE_NS and heard.any():
            self.faults.append(
                DeviceFaulted(
                    at_ns=self._trouble_ns, device_id=self.antenna_id, kind=FaultKind.GAP, until_ns=now_ns,
                    note="the antenna hears its tags more weakly than before",
                )
            )  # fmt: skip
            over = [(math.log(rates[i]) - tags[i].log_rate, levels[i] - tags[i].over_db) for i in np.flatnonzero(heard)]
            self._rate_hz = math.exp(float(np.median([rate for rate, _ in over])))
            self._level_dbm = float(np.median([level for _, level in over]))
            self._trouble_ns = None
        for tag in tags:
            tag.since_ns = None
        return True

    def _follow(self, tags: list[_Tag], present: NDArray[np.bool_], p: Floats, rates: Floats, levels: Floats) -> None:
        """The reference follows the tags that are surely there, and each of them its own usual."""
        steady = np.flatnonzero(present & (p >= 0.5) & (rates > 0))
        if self._rate_hz is None or len(steady) == 0:
            return
        share = STEP_NS / NS_PER_S / LEVEL_S
        rate = float(np.median([math.log(rates[i]) - tags[i].log_rate for i in steady]))
        level = float(np.median([levels[i] - tags[i].over_db for i in steady]))
        self._rate_hz = math.exp((1 - share) * math.log(self._rate_hz) + share * rate)
        self._level_dbm += share * (level - self._level_dbm)
        share = STEP_NS / NS_PER_S / USUAL_S
        for i in steady:
            tag = tags[i]
            tag.log_rate += share * (math.log(rates[i] / self._rate_hz) - tag.log_rate)
            tag.over_db += share * (float(levels[i]) - self._level_dbm - tag.over_db)

    def _judge(self, now_ns: int, tags: list[_Tag], p: Floats, window: Window, first_good: Ints) -> list[FieldChange]:
        """Tags whose other state has looked true for HOLD_NS, in a window that the antenna heard all of."""
        awake_s = (self._awake_ns - now_ns) / NS_PER_S if self._awake_ns is not None else 0.0
        begin, length = window.bounds()
        reads = np.bincount(window.tag[window.inside()], minlength=window.tags)
        changes = []
        for i, tag in enumerate(tags):
            against = float(p[i]) if tag.present else 1.0 - float(p[i])
            turned = against <= (GONE if tag.present else 1.0 - PRESENT) and begin[i] >= awake_s
            missing_s = (now_ns - tag.good_ns + HOLD_NS) / NS_PER_S  # when it will have been missing for HOLD_NS
            if not turned or (missing_s < length[i] if tag.present else reads[i] < LEAST_READS):
                tag.since_ns = None
                continue
            if tag.since_ns is None:
                tag.since_ns, tag.doubt = now_ns, against
            tag.doubt = max(tag.doubt, against)
            if now_ns - tag.since_ns < HOLD_NS:
                continue
            state = TagState.GONE if tag.present else TagState.PRESENT
            at_ns = tag.good_ns if tag.present else int(first_good[i])
            sure = min(1.0 - tag.doubt, SURE)
            tag.present, tag.since_ns = not tag.present, None
            changes.append(
                FieldChange(
                    at_ns=at_ns or tag.last_ns, tag_id=tag.tag_id, state=state, probability=round(sure, 4),
                    until_ns=self._unheard_ns(tag) if state is TagState.GONE else 0,
                )
            )  # fmt: skip
            if tag.present:
                tag.came_ns = at_ns or tag.last_ns
        return changes

    def _unheard_ns(self, gone: _Tag) -> int:
        """When the antenna was heard again, where it was not right after the tag's last good read; else 0."""
        return self._awake_ns if self._awake_ns is not None and 0 < gone.good_ns < self._awake_ns else 0

    def _settled(self, now_ns: int, tags: list[_Tag], first_good: Ints) -> int:
        """A tag that is present may have left after it was last read well; one that seems to have come may have then.

        So how long one has to wait follows from how often tags are read here: a shelf whose tags are all read again
        after somebody walked away from it has lost nothing to them.
        """
        left = [tag.good_ns for tag in tags if tag.present]
        came = [
            int(at_ns) - 1
            for tag, at_ns in zip(tags, first_good.tolist(), strict=True)
            if not tag.present and tag.since_ns is not None
        ]
        return min([now_ns, *left, *came])

    def _compare(self, changes: list[FieldChange], rates: Floats, levels: Floats, reference: Reference) -> None:
        """Tags that came are from now on compared with themselves; the first to come make the reference."""
        came = [change for change in changes if change.state is TagState.PRESENT]
        if came and self._rate_hz is None:
            self._rate_hz, self._level_dbm = float(reference.rate_hz), float(reference.rssi_dbm)
        order = {tag_id: i for i, tag_id in enumerate(self._tags)}
        for change in came if self._rate_hz is not None else ():
            tag, i = self._tags[change.tag_id], order[change.tag_id]
            tag.log_rate = math.log(rates[i] / self._rate_hz)
            tag.over_db = float(levels[i]) - self._level_dbm

    def _forget(self, now_ns: int) -> None:
        """Absent tags that nothing is read of any more go."""
        oldest = now_ns - round(LONGEST_S * NS_PER_S)
        for tag_id in [name for name, tag in self._tags.items() if not tag.present and tag.last_ns < oldest]:
            del self._tags[tag_id]
