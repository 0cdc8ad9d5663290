"""The front end: raw signals in any order they arrive, observations in one order that depends on the data alone.

Every source of observations (people, weights, tags, codes) knows a due time for what it tells: the moment of recorded
time by which it is certain. What has been told waits here until all sources have passed its due time, and leaves in
order of due time. A source that is silent does not hold the others back for more than LATENESS_NS. So the delay is
bounded, and splitting the input differently changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from jwo_cli.model.entering import EntryWay
from jwo_cli.model.layout import Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FaultKind,
    Observation,
    Reach,
    Role,
    ShelfTouched,
    StoreClosed,
    StoreOpened,
    TagChanged,
    TrackEnded,
    TrackStarted,
    UnreadStay,
    WeightChanged,
)
from jwo_cli.model.units import NS_PER_MS, NS_PER_S

from .blind import AFTER_NS, BlindSpots, Gaps
from .people.exits import Leave
from .people.front import PeopleFront
from .people.standing import FLOOR
from .people.unread import UnreadFields
from .signals import Awaited, ClockTick, CodeRead, IdentityTold, Overheard, PoseFrame, Signal, TagRead, WeightBatch
from .tags import TagPresence, tag_plates
from .vision.sights import Sights
from .weight import Blind, Change, Touch, WeightFront

LATENESS_NS = 4 * NS_PER_S  # streams reach us up to 2.3 s after capture (the nanostore's poses do)
REACH_NS = 1_200 * NS_PER_MS  # a retreating hand is watched this long after a change
HOLD_NS = 15 * NS_PER_S  # a shelf that somebody holds on to keeps the rest waiting no longer than this
TAG_NS = 7 * NS_PER_S  # until a departure is told where tags are read often: the window and hold of `tag_antenna`
CODE_NS = 600 * NS_PER_MS  # who stood at the reader is looked up among poses around the reading
READER_M = 1.5
END_NS = AFTER_NS + 2 * NS_PER_S  # who is there at the end leaves after all that was done before
LEAP_NS = 30 * NS_PER_S
OLDEST_NS = 60 * NS_PER_S  # nobody waits for what is older
WARM_NS = 3 * NS_PER_S  # a front end that begins anew knows levels and hands after so long

_Item = Observation | Change | Touch | CodeRead | Blind
# Among things due together: who is there first, then what happened, then who left.
_RANK: dict[type, int] = {TrackStarted: 0, CodeScanned: 1, TrackEnded: 9}


class Perception:
    """Signals of one store to observations. Feed signals as they arrive, then close.

    `prompt` tells who walked out of a door as soon as what they took is certain (a running store), instead of in one
    order with everything else, which is the same however messages of different devices met. `sights` is what cameras
    see in hands, filled by whoever has cameras. `awaited` are the scales that are missed if they are not heard, as all
    antennas are in a running store.
    """

    def __init__(
        self, store: Store, *, recording_id: str, staff: tuple[str, ...] = (), prompt: bool = False,
        sights: Sights | None = None, awaited: Sequence[Awaited] = (),
    ) -> None:  # fmt: skip
        self._store = store
        self._recording_id = recording_id
        self._people = PeopleFront(store, staff=staff, prompt=prompt)
        self._plates = {
            fixture.fixture_id: frozenset(
                plate.plate_id for bay in fixture.bays for shelf in bay.shelves for plate in shelf.plates
            )
            for fixture in store.fixtures
        }
        self._weight = WeightFront(store, awaited=awaited)
        self._blind = BlindSpots(store, self._people)
        self._gaps = Gaps()
        self._prompt = prompt
        self._tags = TagPresence(store, prompt=prompt)
        self._antennas = {antenna.antenna_id: antenna for antenna in store.antennas}
        self._unread = UnreadFields(store.antennas if store.off_plates() else (), awaited=prompt)
        self._homes = _homes(store)
        self._sights = sights
        self._now_ns: int | None = None
        self._leap_ns: int | None = None
        self._weighed = bool(awaited)
        self._waiting: list[tuple[int, int, int, str, int, _Item]] = []
        self._entered = 0

    def feed(self, signal: Signal) -> tuple[Observation, ...]:
        """What is certain after one more signal, in order."""
        if isinstance(signal, Overheard):
            return ()  # no sensor's: the driver hands it to the engine
        at_ns = signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns
        opened: tuple[Observation, ...] = ()
        if self._now_ns is None:
            self._now_ns = at_ns
            opened = (StoreOpened(at_ns=at_ns, recording_id=self._recording_id, layout_version=self._store.version),)
        match signal:
            case PoseFrame():
                self._people.feed(signal)
            case IdentityTold():
                self._people.tracker_said(signal)
            case WeightBatch():
                self._weighed = True
                self._take_weights(self._weight.feed(signal))
            case TagRead():
                self._tags.feed(signal)
            case CodeRead():
                self._wait(signal.at_ns + CODE_NS, signal)
            case ClockTick():
                pass  # time moves on, below
            case _:
                assert_never(signal)
        now_ns = self._now_ns = self._advanced(self._now_ns, at_ns)
        silent_ns = now_ns - LATENESS_NS
        self._people.advance(silent_ns)
        self._take_weights(self._weight.advance(silent_ns))
        self._tags.settle(silent_ns)
        self._take_told()
        self._take_stays(self._unread.watch(silent_ns, self._people.histories))
        return opened + self._release(self._certain_ns(now_ns)) + self._let_go(self._certain_ns(now_ns))

    @property
    def now_ns(self) -> int | None:
        """The time of the latest signal; None before the first."""
        return self._now_ns

    @property
    def entering(self) -> int:
        """How many codes were read of which it is not told yet whose they were."""
        return sum(isinstance(item, CodeRead) for *_, item in self._waiting)

    def untold_ns(self) -> int:
        """Of what was captured before this all is told, and a front end that begins here tells the rest; 0 at first."""
        if self._now_ns is None:
            return 0
        begun = [item.begin_ns if isinstance(item, Change | Touch) else item.at_ns for *_, item in self._waiting]
        begun += [leave.ended.at_ns for leave in self._people.leaving]
        weighed_ns = self._weight.settled_ns if self._weighed else self._now_ns
        oldest_ns = self._now_ns - OLDEST_NS  # a clock that is an hour behind does not make everybody keep an hour
        return max(min(self._now_ns - LATENESS_NS, weighed_ns, *begun) - WARM_NS, oldest_ns)

    def close(self) -> tuple[Observation, ...]:
        """Everything that is left, StoreClosed last; nothing when no signal ever came."""
        if self._now_ns is None:
            return ()
        self._people.close()
        self._take_weights(self._weight.close())
        self._tags.close(self._now_ns)
        self._take_told(last_ns=END_NS)
        for track_id, history in self._people.histories().items():
            self._take_stays(self._unread.leaving(track_id, self._now_ns, history))
        out = self._release(None) + self._let_go(None)
        end_ns = max([self._now_ns, *(observation.at_ns for observation in out)])
        return (*out, StoreClosed(at_ns=end_ns))

    def _advanced(self, now_ns: int, at_ns: int) -> int:
        """Recorded time after a signal of `at_ns`; a lone stamp far ahead does not move it."""
        leaping, self._leap_ns = self._leap_ns, None
        if at_ns - now_ns <= LEAP_NS or (leaping is not None and abs(at_ns - leaping) <= LEAP_NS):
            return max(now_ns, at_ns)
        self._leap_ns = at_ns
        return now_ns

    def _certain_ns(self, now_ns: int) -> int:
        """Everything due up to here has been told: the slowest source decides, within bounds."""
        silent_ns = now_ns - LATENESS_NS
        poses_ns = self._people.progress_ns
        in_turn = self._tags.heard and not self._prompt
        poses_ns = silent_ns if poses_ns is None or in_turn else max(poses_ns, silent_ns)
        if not self._weighed:
            return min(poses_ns, silent_ns)
        if not self._waiting or self._waiting[0][0] > poses_ns:
            return poses_ns  # nothing is due: the scales need not be asked
        return min(poses_ns, max(self._weight.settled_ns, now_ns - HOLD_NS))

    def _take_weights(self, events: Sequence[Change | Touch | DeviceFaulted]) -> None:
        for event in events:
            if isinstance(event, DeviceFaulted):
                if event.kind is FaultKind.GAP:
                    self._gaps.add(event, self._weight.plates_of(event.device_id))
                self._wait(event.until_ns, event)
            else:
                self._wait(max(event.at_ns + REACH_NS, event.end_ns), event)
        for blind in self._weight.take_blind():
            self._wait(blind.until_ns + AFTER_NS, blind)

    def _take_told(self, last_ns: int = 0) -> None:
        for due_ns, observation in self._people.take():
            self._wait(due_ns + (last_ns if isinstance(observation, TrackEnded) else 0), observation)
        for due_ns, told in self._tags.take():
            self._wait(due_ns, told)
        for silence in self._tags.silences:
            self._unread.silent(silence)
        self._tags.silences.clear()

    def _take_stays(self, stays: Sequence[tuple[int, UnreadStay]]) -> None:
        for due_ns, stay in stays:
            self._wait(due_ns, stay)

    def _wait(self, due_ns: int, item: _Item) -> None:
        rank = _RANK.get(type(item), 5)
        self._entered += 1
        heapq.heappush(self._waiting, (due_ns, rank, item.at_ns, repr(item), self._entered, item))

    def _release(self, until_ns: int | None) -> tuple[Observation, ...]:
        """What is due by `until_ns` (everything for None), completed with who was there."""
        out: list[Observation] = []
        while self._waiting and (until_ns is None or self._waiting[0][0] <= until_ns):
            item = heapq.heappop(self._waiting)[-1]
            later_ns = self._unfelt_ns(item) if isinstance(item, TrackEnded) else None
            if later_ns is not None:
                self._wait(later_ns, item)
                continue
            out += self._complete(item)
            self._take_told()  # a change may tell something about the clocks
        return tuple(out)

    def _let_go(self, certain_ns: int | None) -> tuple[Observation, ...]:
        """Those who are out, each once all is told that they may have done; everybody for None.

        What was done before they walked away goes first, also where it still waited for other parts of the store. So
        who leaves may be told before what happened elsewhere a moment earlier: the order depends on how messages of
        different devices met, which a recording keeps.
        """
        out: list[Observation] = []
        for leave in tuple(self._people.leaving):
            if certain_ns is None or self._settled(leave):
                track_id, last_ns = leave.ended.track_id, max(leave.near_ns.values(), default=leave.ended.at_ns)
                history = self._people.histories().get(track_id)
                self._take_stays(self._unread.leaving(track_id, leave.known_ns, history, self._tags.hushed()))
                out += self._release(min(last_ns + REACH_NS, leave.known_ns)) + self._release_tags(leave)
                out.append(leave.ended)
                self._people.leaving.remove(leave)
        return tuple(out)

    def _release_tags(self, leave: Leave) -> tuple[Observation, ...]:
        """What antennas told of somebody who left goes before them, also where its turn among all is later."""
        near = [item for item in sorted(self._waiting) if self._concerns(leave, item[-1])]
        if near:
            self._waiting = [item for item in self._waiting if item not in near]
            heapq.heapify(self._waiting)
        return tuple(observation for item in near for observation in self._complete(item[-1]))

    def _concerns(self, leave: Leave, item: _Item) -> bool:
        """Whether it is a tag that they may have moved, or their stay at an antenna."""
        if isinstance(item, TagChanged):
            return item.at_ns <= (self._within(leave, item.antenna_id) or 0)
        return isinstance(item, UnreadStay) and item.track_id == leave.ended.track_id

    def _settled(self, leave: Leave) -> bool:
        """Whether scales and antennas have told everything that somebody could have done who left."""
        if any(self._unfelt(self._plates[fixture_id], until_ns) for fixture_id, until_ns in leave.near_ns.items()):
            return False
        waited_ns = 0 if self._now_ns is None else self._now_ns - leave.known_ns
        if waited_ns < HOLD_NS:
            for fixture_id, until_ns in leave.near_ns.items():
                settled_ns = self._weight.settled_of(self._plates[fixture_id])
                if settled_ns is not None and settled_ns < until_ns:
                    return False
        if waited_ns >= TAG_NS:
            return True
        return all(
            (self._within(leave, antenna_id) or 0) <= settled_ns
            for antenna_id, settled_ns in self._tags.settled_ns().items()
        )

    def _unfelt(self, plates: frozenset[str], until_ns: int) -> bool:
        """Whether it is still to be told what hands did, until then, at some of these plates that did not weigh."""
        silent_ns = self._weight.silent_of(plates)
        if silent_ns is not None and silent_ns < until_ns:
            return True
        blind = [item[-1] for item in self._waiting if isinstance(item[-1], Blind)]
        return any(one.at_ns < until_ns and not plates.isdisjoint(one.plates) for one in blind)

    def _unfelt_ns(self, ended: TrackEnded) -> int | None:
        """When it is told what they may have done at plates that did not weigh; None where nothing is to be told."""
        due_ns = (due for due, *_, item in self._waiting if isinstance(item, Blind) and item.at_ns < ended.at_ns)
        return max(due_ns, default=None)

    def _within(self, leave: Leave, antenna_id: str) -> int | None:
        """Until when what an antenna sees was within somebody's reach; None for never.

        One that names no plates may see anything, and is waited for as long as anything is.
        """
        antenna = self._antennas.get(antenna_id)
        if antenna is None or not antenna.plates:
            return leave.known_ns
        at_ns = (ns for name, ns in leave.near_ns.items() if not self._plates[name].isdisjoint(antenna.plates))
        return max(at_ns, default=None)

    def _complete(self, item: _Item) -> tuple[Observation, ...]:
        match item:
            case Change():
                changed = self._changed(item)
                self._blind.felt(changed)
                return (changed,)
            case Touch():
                return (self._touched(item),)
            case Blind():
                return self._blind.reaches(item)
            case TagChanged():
                return (replace(item, reaches=self._around(item)),)
            case CodeRead():
                return (self._scanned(item),)
            case _:
                return (item,)

    def _around(self, item: TagChanged) -> tuple[Reach, ...]:
        """Who may have done it: over a silence of its antenna by how long they were there, for goods on no plate."""
        antenna, homes = self._antennas.get(item.antenna_id), self._homes.get(item.product_id, ())
        plates = tag_plates(homes, antenna)
        if not item.until_ns:
            return self._people.around(item.at_ns, plates, antenna)
        known = self._people.around_within(item.at_ns, item.until_ns, plates, antenna)
        there = () if homes else self._unread.reaches(item.antenna_id, item.at_ns, item.until_ns)
        if not there:
            return known
        named = {reach.track_id for reach in there}
        rest = [replace(reach, log_likelihood=FLOOR) for reach in known if reach.track_id not in named]
        return tuple(sorted([*there, *rest], key=lambda reach: (-reach.log_likelihood, reach.track_id)))

    def _touched(self, touch: Touch) -> ShelfTouched:
        reaches = self._people.reaches(touch.at_ns, [(plate, 1.0) for plate in touch.plates], 0, sure=0.0)
        return ShelfTouched(
            at_ns=touch.at_ns, begin_ns=touch.begin_ns, end_ns=touch.end_ns, shelf_id=touch.shelf_id,
            plates=touch.plates, peak_g=touch.peak_g, reaches=reaches,
        )  # fmt: skip

    def _changed(self, change: Change) -> WeightChanged:
        total = sum(plate.delta_g for plate in change.plates)
        felt = sum(abs(plate.delta_g) for plate in change.plates)
        # goods shifted along the shelf leave on one plate and arrive on another: neither a take nor a put
        direction = 0 if abs(total) <= 0.3 * felt else (1 if total > 0 else -1)
        plates = [(plate.plate_id, plate.delta_g) for plate in change.plates]
        gap = self._gaps.across(change)
        if gap is None:
            reaches = self._people.reaches(change.at_ns, plates, direction, sure=change.real)
        else:
            reaches = self._people.reaches_within(*gap, plates, direction)
        return WeightChanged(
            at_ns=change.at_ns, begin_ns=change.begin_ns, end_ns=change.end_ns, shelf_id=change.shelf_id,
            plates=change.plates, real=change.real, steps=change.steps,
            reaches=reaches,
            poses_known=self._people.poses_known(change.at_ns),
            appearance=self._seen(change, direction, reaches),
        )  # fmt: skip

    def _seen(self, change: Change, direction: int, reaches: tuple[Reach, ...]) -> tuple[tuple[str, float], ...]:
        """What hands showed of what moved, among what stands on those plates and beside them."""
        if self._sights is None:
            return ()
        around = self._people.places.around([plate.plate_id for plate in change.plates])
        near = [product_id for product_id, plates in self._homes.items() if not around.isdisjoint(plates)]
        return self._sights.appearance(change.at_ns, direction, reaches, near)

    def _scanned(self, code: CodeRead) -> CodeScanned:
        gate = self._people.places.gate(code.gate_id)
        track_id = None
        if gate is not None:
            x_m, y_m = (gate.a[0] + gate.b[0]) / 2, (gate.a[1] + gate.b[1]) / 2
            track_id = self._people.nearest(code.at_ns, x_m, y_m, READER_M)
        role = Role(code.role) if code.role in tuple(Role) else Role.SHOPPER
        way = EntryWay(code.way) if code.way in tuple(EntryWay) else EntryWay.CODE
        return CodeScanned(
            at_ns=code.at_ns, gate_id=code.gate_id, account=code.account, party_size=code.party_size, role=role,
            track_id=track_id, code_id=code.code_id, way=way,
        )  # fmt: skip


def _homes(store: Store) -> dict[str, tuple[str, ...]]:
    """Product id -> plates of all its facings."""
    products = store.catalogue.by_id()
    homes: dict[str, tuple[str, ...]] = {}
    for facing in store.facings:
        product = products.get(facing.product_id)
        if product is not None:
            homes[product.product_id] = homes.get(product.product_id, ()) + facing.plates
    return homes
