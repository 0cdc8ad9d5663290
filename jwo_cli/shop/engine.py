"""The store as a fold: one observation in, decisions and effects out. No clock, no I/O, no randomness, no threads.

The engine keeps groups of joint hypotheses (`beliefs`), asks `explain` and `encounters` what an observation can mean,
and settles a visit when it ends. Everything it decides names the entries that caused it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from jwo_cli.model import staffing
from jwo_cli.model.decisions import CartChanged, Decision, VisitEnded, VisitStarted
from jwo_cli.model.effects import Effect
from jwo_cli.model.entering import AccountBlocked, AccountErased, AccountOpened, EntryRefused, PaymentMethodSet
from jwo_cli.model.layout import GateKind, Store
from jwo_cli.model.observations import (
    CodeScanned,
    DeviceFaulted,
    FloorTouched,
    HandsMet,
    IdentityDoubted,
    Observation,
    Reach,
    ReviewDecided,
    Role,
    ShelfTouched,
    StoreClosed,
    StoreOpened,
    TagChanged,
    Ticked,
    TrackEnded,
    TrackStarted,
    UnreadStay,
    UnweighedReach,
    WeightChanged,
)
from jwo_cli.model.paying import PaymentAnswered, PaymentDisputed, ReceiptSent
from jwo_cli.model.staffing import VisitJoined
from jwo_cli.model.units import NS_PER_S

from . import antennas, encounters
from .actors import actors
from .beliefs import FLOOR, Group, Story, fresh_group, plate_owner, track_owner, tracks_of
from .combined import Combiner
from .explain import Actor, WeightExplainer
from .groups import Groups
from .house import House, went_out
from .learning import learn
from .masses import MassBook
from .roster import Roster, Visit
from .settings import EngineSettings
from .settle import best_basket, explain_event, explained
from .step import Caused, Step
from .tags import TagBook, named
from .till import Till
from .unweighed import WORTH_NAMING, UnweighedExplainer

# What follows from all else that an engine holds.
_DERIVED = frozenset({"_products", "_explainer", "_unfelt", "_combiner", "_out", "_effects"})


class Engine:
    """One store's fold. Build a new one for each run or replay; feed it every observation in journal order."""

    def __init__(self, store: Store, *, settings: EngineSettings | None = None) -> None:
        self.store = store
        self.settings = settings or EngineSettings()
        self.roster = Roster({gate.gate_id: gate.middle() for gate in store.gates})
        self.house = House(store)
        self.masses = MassBook(store.catalogue.products, learning=self.settings.use_learning)
        self._tags = TagBook(store)
        self._groups = Groups(self.settings)
        self.till = Till(store.catalogue, self.settings)
        self._out: list[Caused[Decision]] = []
        self._effects: list[Effect] = []
        self._wire()

    def _wire(self) -> None:
        """Those who only compute, about the store and the masses as they are now."""
        self._products = self.store.catalogue.by_id()
        self._explainer = WeightExplainer(self.store, self.masses, self.settings)
        self._unfelt = UnweighedExplainer(self.store, self.masses)
        self._combiner = Combiner(
            self._explainer,
            self._groups,
            self.settings,
            lambda event: self._actors(event.reaches, poses_known=event.poses_known),
        )

    def __getstate__(self) -> dict[str, object]:
        """What it remembers: an engine with the same decides the same from here on."""
        return {name: value for name, value in vars(self).items() if name not in _DERIVED}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._out, self._effects = [], []
        self._wire()

    def held(self) -> int:
        """How many owners and open events the beliefs hold: a measure of memory."""
        return self._groups.size() + self._tags.held()

    def handle(self, seq: int, observation: Observation) -> Step:  # noqa: C901, PLR0912, PLR0915 - an arm for each
        """Fold one observation in. `seq` is its journal entry; decisions refer to it."""
        self._out, self._effects = [], []
        if isinstance(observation, (TrackStarted, TrackEnded, CodeScanned, Ticked)):
            self._lose(seq, observation.at_ns)
        match observation:
            case StoreOpened():
                self.roster.recording_id = observation.recording_id
                self._tags.outages.begun(observation.at_ns)
            case CodeScanned():
                self._scanned(seq, observation)
            case TrackStarted():
                self._started(seq, observation)
            case TrackEnded():
                self._ended(seq, observation)
            case IdentityDoubted():
                self._doubted(seq, observation)
            case HandsMet():
                self._met(seq, observation)
            case FloorTouched():
                self._floor(seq, observation)
            case WeightChanged():
                self._weighed(seq, observation)
            case UnweighedReach():
                self._unweighed(seq, observation)
            case UnreadStay():
                self.roster.stayed(observation, seq)
            case TagChanged():
                self._tagged(seq, observation)
            case PaymentAnswered() | PaymentDisputed():
                self._take(self.till.answered(observation))
            case StoreClosed():
                self._take(self.till.door.close(observation.at_ns, seq))
                for visit in sorted(self.roster.visits.values(), key=lambda item: item.started_ns):
                    self._settle(seq, visit, observation.at_ns)
            case ShelfTouched():
                self._touched(seq, observation)
            case DeviceFaulted():
                self._tags.faulted(observation)
            case EntryRefused() | staffing.EntryGranted() | staffing.EntryPending():
                self._take(self.house.handle(observation))
                self._take(self.till.at_door(observation, self.roster.visits.values(), seq))
            case staffing.ModeChanged() | staffing.AgeConfirmed() | staffing.GateReleased() | staffing.GateRestored():
                self._take(self.house.handle(observation))
            case staffing.CatalogueChanged() | staffing.PlanogramChanged():
                self._relaid(self.house.relaid(observation))
            case (
                Ticked() | ReceiptSent() | AccountOpened() | AccountBlocked() | AccountErased() | PaymentMethodSet()
                | ReviewDecided() | staffing.StockRestocked() | staffing.StockCounted() | staffing.StockMoved()
                | staffing.ModeRequested() | staffing.ModeRefused()
            ):  # fmt: skip
                pass  # kept for the gatekeeper, the desk, the books and reports: nobody's cart depends on it
            case _:
                assert_never(observation)
        return Step(tuple(self._out), tuple(self._effects))

    def wake_ns(self) -> int | None:
        """When something is to be settled although nothing happens: the driver tells the time then (`Ticked`)."""
        return self.roster.due_ns(*self._limits_ns())

    def _limits_ns(self) -> tuple[int, int]:
        return round(self.settings.lost_s * NS_PER_S), round(self.settings.visit_s * NS_PER_S)

    def _relaid(self, store: Store) -> None:
        """Prices, or what stands where, changed: what is explained from now on is explained by the new ones."""
        self.store = store
        self.masses.add(store.catalogue.products)
        self._wire()
        self._tags.relaid(store)
        self.till.catalogue = store.catalogue

    def _take(self, step: Step) -> None:
        self._out += step.decisions
        self._effects += step.effects

    # -- people --------------------------------------------------------------------------------------------------

    def _scanned(self, seq: int, scan: CodeScanned) -> None:
        gate = next((gate for gate in self.store.gates if gate.gate_id == scan.gate_id), None)
        if gate is not None and gate.kind is GateKind.EXIT:
            if (leaving := self.roster.leaves(scan)) is None:
                self._effects.append(went_out(scan))
            elif not leaving.tracks:
                self._settle(seq, leaving, scan.at_ns)
            return
        known = set(self.roster.visits)
        visit, joined = self.roster.scanned(scan)
        if joined is not None:
            joins = VisitJoined(at_ns=scan.at_ns, visit_id=joined.visit_id, into=visit.visit_id)
            self._out.append(Caused(joins, (seq,)))
        if visit.visit_id not in known:
            self._visit_opened(seq, visit, scan.at_ns)
        self._take(self.till.entered(visit, scan.at_ns, seq))

    def _started(self, seq: int, track: TrackStarted) -> None:
        visit, opened = self.roster.started(track)
        owner = track_owner(track.track_id)
        self._groups.add(owner)
        for each in opened:
            self._visit_opened(seq, each, track.at_ns)
        if track_owner(visit.visit_id) in self._groups and visit not in opened:
            self._groups.rename(track_owner(visit.visit_id), owner)

    def _visit_opened(self, seq: int, visit: Visit, at_ns: int) -> None:
        visit.came = self.store.catalogue
        if not visit.tracks:
            # Scales only: the visit itself is the one who may have taken things.
            self.roster.by_track[visit.visit_id] = visit
            owner = track_owner(visit.visit_id)
            self._groups.add(owner)
        started = VisitStarted(
            at_ns=at_ns, visit_id=visit.visit_id, track_id=visit.track_id, role=visit.role, account=visit.account
        )
        self._out.append(Caused(started, (seq,)))

    def _ended(self, seq: int, track: TrackEnded) -> None:
        visit = self.roster.ended(track)
        if visit is not None and track.left_store >= 0.5 and visit.nobody_left():
            self._settle(seq, visit, track.at_ns)

    def _lose(self, seq: int, now_ns: int) -> None:
        """Whoever was lost inside, or never leaves, is settled for a person to look at."""
        for visit in self.roster.overdue(now_ns, *self._limits_ns()):
            self._settle(seq, visit, now_ns, complete=self.settings.lost_complete)
        before_ns = now_ns - round(self.settings.staff_s * NS_PER_S)
        shoppers = [track for track, visit in self.roster.by_track.items() if visit.role is Role.SHOPPER]
        if aged := self._groups.aged(before_ns, shoppers):
            for group, event_seq in aged:
                self._out += explain_event(group, event_seq, self._groups, self._visits_of)
            self._groups.forget([event_seq for _, event_seq in aged], before_ns, shoppers)

    def _doubted(self, seq: int, doubt: IdentityDoubted) -> None:
        owners = [track_owner(doubt.before), track_owner(doubt.after)]
        if not self.settings.use_identity or any(owner not in self._groups for owner in owners):
            return
        if doubt.before == doubt.after or (doubt.kind == "merge" and not self.settings.use_merges):
            return
        doubt = self.roster.weighed(doubt)
        self._groups.expand(self._groups.join(owners), seq, doubt.at_ns, encounters.identity_moves(doubt))
        if doubt.kind != "restart":
            self.roster.confused(doubt.before, doubt.after, doubt.probability)
        elif doubt.probability >= 0.5 and (gone := self.roster.linked(doubt.before, doubt.after)) is not None:
            into = self.roster.by_track[doubt.after].visit_id
            self._out.append(Caused(VisitJoined(at_ns=doubt.at_ns, visit_id=gone.visit_id, into=into), (seq,)))

    def _met(self, seq: int, event: HandsMet) -> None:
        owners = [track_owner(event.a), track_owner(event.b)]
        if not self.settings.use_handover or any(owner not in self._groups for owner in owners):
            return
        if event.a == event.b:
            return
        self._groups.expand(
            self._groups.join(owners), seq, event.at_ns, encounters.hand_over_moves(event, self.settings)
        )
        self._carts_changed(seq, [event.a, event.b], event.at_ns)

    def _floor(self, seq: int, event: FloorTouched) -> None:
        owner = track_owner(event.track_id)
        if not self.settings.use_floor or owner not in self._groups:
            return
        group = self._groups.join([owner, FLOOR])
        self._groups.expand(group, seq, event.at_ns, encounters.floor_moves(event, self.settings))
        self._carts_changed(seq, [event.track_id], event.at_ns)

    def _unweighed(self, seq: int, event: UnweighedReach) -> None:
        """A hand at plates that did not weigh: what it did there stays in doubt."""
        visit = self.roster.by_track.get(event.track_id)
        owner = track_owner(event.track_id)
        if not self.settings.use_unweighed or visit is None or visit.role is not Role.SHOPPER:
            return
        if owner not in self._groups:
            return
        if event.probability >= WORTH_NAMING:
            visit.unweighed.update(dict.fromkeys(event.plates[:1]))
        self._groups.expand(self._groups.join([owner]), seq, event.at_ns, self._unfelt.moves(event, seq))
        self._carts_changed(seq, [event.track_id], event.at_ns)

    def _touched(self, seq: int, event: ShelfTouched) -> None:
        """Nothing left the shelf on balance; with two people there, something may have gone from one to the other."""
        hands = [reach.track_id for reach in event.reaches if reach.log_likelihood > self.settings.plain_reach]
        hands = [track for track in hands if track_owner(track) in self._groups]
        if len(hands) < 2 or not self.settings.use_exchange:
            return
        group = self._groups.join([track_owner(track) for track in hands])

        def at_home(product_id: str) -> bool:
            return self._explainer.stands_at(product_id, event.plates)

        moves = encounters.shelf_exchange_moves(event, hands, at_home, self.settings)
        self._groups.expand(group, seq, event.at_ns, moves)
        self._carts_changed(seq, hands, event.at_ns)

    # -- things --------------------------------------------------------------------------------------------------

    def _weighed(self, seq: int, event: WeightChanged) -> None:
        if not event.plates:
            return
        self._tags.weighed(event)
        actors = self._actors(event.reaches, poses_known=event.poses_known)
        likely = [actor for actor in actors if actor.log_p > -self.settings.actor_floor]
        owners = [track_owner(actor.track_id) for actor in likely if actor.track_id is not None]
        plates = [plate_owner(plate) for plate in self._explainer.plates_around(event)]
        owners += [owner for owner in plates if owner in self._groups]
        group = self._groups.join(owners) if owners else fresh_group(plates[0])
        moves = self._explainer.moves(event, seq, actors)
        instead = self._combiner.instead(group, event, seq)
        self._groups.expand(group, seq, event.at_ns, moves, weight=event, instead=instead)
        for doubt in learn(self.masses, self._groups, group, seq, self.settings):
            self._out.append(Caused(doubt, (seq,)))
        if not any(owner.startswith("t:") for owner in group.owners):
            self._out += explain_event(group, seq, self._groups, self._visits_of)  # nobody's receipt will tell it
        self._carts_changed(seq, [actor.track_id for actor in likely if actor.track_id is not None], event.at_ns)

    def _tagged(self, seq: int, event: TagChanged) -> None:
        if not self.settings.use_tags:
            return
        everybody = self._actors(event.reaches, poses_known=bool(event.reaches), gone=bool(event.until_ns))
        likely = [(actor.track_id, actor.log_p) for actor in everybody if actor.log_p > -self.settings.actor_floor]
        tracks = [track_id for track_id, _ in likely if track_id is not None]
        moves = self._tags.moves(named(event, self._name(event.product_id)), seq, likely)
        owners = [track_owner(track) for track in tracks] + self._groups.bearing(event.tag_id)
        if moves is not None and owners:
            self._groups.expand(self._groups.join(owners), seq, event.at_ns, moves)
            self._carts_changed(seq, tracks, event.at_ns)

    def _actors(self, reaches: Sequence[Reach], *, poses_known: bool, gone: bool = False) -> list[Actor]:
        return actors(self.roster, self.settings, reaches, poses_known=poses_known, gone=gone)

    # -- carts and receipts --------------------------------------------------------------------------------------

    def _carts_changed(self, seq: int, tracks: Sequence[str], at_ns: int) -> None:
        visits: dict[str, Visit] = {}
        for track in tracks:
            visit = self.roster.by_track.get(track)
            if visit is not None and visit.role is Role.SHOPPER:
                visits[visit.visit_id] = visit
        for visit in visits.values():
            basket = best_basket(self._group_of(visit), self._owners(visit), self._products)
            if basket.lines != visit.shown:
                visit.shown = basket.lines
                self._out.append(Caused(CartChanged(at_ns=at_ns, visit_id=visit.visit_id, lines=basket.lines), (seq,)))

    def _owners(self, visit: Visit) -> list[str]:
        return [track_owner(track) for track in (visit.tracks or [visit.visit_id])]

    def _group_of(self, visit: Visit) -> Group:
        return self._groups.join(self._owners(visit))

    def _settle(self, seq: int, visit: Visit, at_ns: int, *, complete: float = 1.0) -> None:
        """The visit is over: its basket is closed, priced, and charged as far as it is beyond doubt.

        `complete` is the probability that all of the visit was seen.
        """
        group = self._group_of(visit)
        owners = self._owners(visit)
        if self.settings.use_tags and (doubts := self._tags.unheard(owners, at_ns)) is not None:
            self._groups.expand(group, seq, at_ns, doubts)
        basket = best_basket(group, owners, self._products, doubted=1.0 - self.settings.line_threshold)
        self._out += explained(group, {*visit.tracks, visit.visit_id}, self._groups, self._visits_of)
        unread = self._tags.unread(visit.unread, at_ns) if self.settings.use_tags else {}
        origins = {origin for line in basket.lines for origin in line.caused_by}
        causes = tuple(sorted({*origins, *(told for _, told in unread.values()), seq}))
        doubtful = basket.probability < self.settings.settle_threshold or bool(unread)
        if missed := [why for why in (self.house.stood_open(at_ns), antennas.note(unread)) if why]:
            visit.notes.update(dict.fromkeys(missed))
            complete = min(complete, self.settings.lost_complete)
        basket = replace(basket, probability=basket.probability * complete * visit.named)
        sure = round(basket.probability, 4)
        ended = VisitEnded(at_ns=at_ns, visit_id=visit.visit_id, track_id=visit.track_id, probability=sure)
        self._out.append(Caused(ended, (seq,)))
        if visit.role is Role.SHOPPER and (basket.lines or doubtful):
            age = self.house.age_of(visit.visit_id, visit.account)
            self._take(self.till.issue(ended, visit, basket, causes, age=age))
        else:
            self._take(self.till.left_with_nothing(ended, visit, seq))
        stray = self.roster.close(visit, at_ns)
        if stray is not None:
            self._out.append(Caused(stray, (seq,)))
        for owner in owners:
            self._groups.release(owner)

    def _visits_of(self, story: Story) -> str | None:
        return " & ".join(self.roster.visit_id_of(track) or track for track in tracks_of(story)) or None

    def _name(self, product_id: str) -> str:
        product = self._products.get(product_id)
        return product.product_id if product is not None else product_id
