"""Who is inside, who pays together, and which id means whom."""

from __future__ import annotations

from dataclasses import replace

from jwo_cli.model.observations import CodeScanned, IdentityDoubted, Role, TrackEnded, TrackStarted
from jwo_cli.shop.roster import PARTY_NS, UNSEEN_NS, Roster
from jwo_cli.shop.visits import VisitState


def track(name: str, at_ns: int = 0, role: Role = Role.SHOPPER, gate: str | None = None) -> TrackStarted:
    return TrackStarted(at_ns=at_ns, track_id=name, x_m=0, y_m=0, role=role, gate_id=gate)


def code(account: str, at_ns: int = 0, size: int = 1, who: str | None = None) -> CodeScanned:
    return CodeScanned(at_ns=at_ns, gate_id="in", account=account, party_size=size, track_id=who)


def test_a_body_without_a_code_is_a_visit_of_its_own() -> None:
    """The nanostore has no gates: every id is a visit, shopping at once."""
    roster = Roster()
    visit, opened = roster.started(track("1"))
    assert opened == (visit,)
    assert visit.account is None
    assert visit.state is VisitState.SHOPPING


def test_a_code_waits_for_its_party() -> None:
    """Two people follow a code for two; the third is somebody else."""
    roster = Roster()
    visit, _ = roster.scanned(code("a", size=2))
    assert [roster.started(track(name))[0] is visit for name in ("1", "2", "3")] == [True, True, False]


def test_a_code_does_not_wait_for_ever() -> None:
    """Who comes later than a party may is not part of it."""
    roster = Roster()
    visit, _ = roster.scanned(code("a"))
    assert roster.started(track("1", PARTY_NS + 1))[0] is not visit


def test_who_appears_too_far_from_the_door_is_not_whose_code_it_was() -> None:
    """Somebody lost and found deep inside two seconds after a code is not its shopper, who is still to come."""
    roster = Roster({"in": (0.0, 0.0)})
    visit, _ = roster.scanned(code("a"))
    deep = TrackStarted(at_ns=2_000_000_000, track_id="1", x_m=5.0, y_m=1.0)
    assert roster.started(deep)[0] is not visit
    near = TrackStarted(at_ns=2_000_000_000, track_id="2", x_m=2.0, y_m=1.0)
    assert roster.started(near)[0] is visit


def test_who_is_seen_at_the_gate_takes_the_code_from_a_body_found_inside() -> None:
    """Somebody lost and found near enough is taken for the newcomer, until the newcomer is seen at the door."""
    roster = Roster({"in": (0.0, 0.0)})
    visit, _ = roster.scanned(code("a"))
    found = TrackStarted(at_ns=1_500_000_000, track_id="1", x_m=3.0, y_m=1.0)
    assert roster.started(found) == (visit, ())
    assert roster.started(track("2", 2_000_000_000, gate="in")) == (visit, (other := roster.by_track["1"],))
    assert (visit.account, visit.tracks) == ("a", ["2"])
    assert (other.account, other.tracks, other.state) == (None, ["1"], VisitState.SHOPPING)
    third, opened = roster.started(track("3", 2_500_000_000, gate="in"))
    assert opened == (third,)  # the code has its person now


def test_who_comes_to_the_gate_much_later_is_the_next_one() -> None:
    """The cameras found the first one late, inside; whoever comes through the door then shows a code of their own."""
    roster = Roster({"in": (0.0, 0.0)})
    visit, _ = roster.scanned(code("a"))
    late = TrackStarted(at_ns=6_000_000_000, track_id="1", x_m=3.0, y_m=1.0)
    assert roster.started(late) == (visit, ())
    assert roster.started(track("2", 8_000_000_000, gate="in"))[0] is not visit
    assert visit.tracks == ["1"]


def test_who_came_by_a_code_is_hardly_somebody_who_was_lost() -> None:
    """The tracker would as soon call a newcomer by the lost one's name; a code was shown for them at the door."""
    roster = Roster({"in": (0.0, 0.0)})
    roster.scanned(code("a"))
    roster.started(track("1", 1_000_000_000, gate="in"))
    doubt = IdentityDoubted(at_ns=1_000_000_000, kind="restart", before="0", after="1", probability=0.5)
    assert roster.weighed(doubt).probability < 0.05
    assert roster.weighed(replace(doubt, after="2")).probability == 0.5
    assert roster.weighed(replace(doubt, kind="swap")).probability == 0.5


def test_a_code_that_nobody_followed_ends_soon_where_cameras_see() -> None:
    """Somebody scanned and turned away; in a store with scales alone nobody knows, and the visit stays open."""
    hour_ns = 3_600_000_000_000
    for seen, due_ns in ((False, hour_ns + 1), (True, UNSEEN_NS + 1)):
        roster = Roster({"in": (0.0, 0.0)})
        if seen:
            roster.started(track("1", gate="out"))
            roster.ended(TrackEnded(at_ns=1, track_id="1", x_m=0, y_m=0, left_store=1.0))
            roster.close(roster.by_track["1"], 1)
        roster.scanned(code("a"))
        assert roster.due_ns(hour_ns, 4 * hour_ns) == due_ns


def test_who_came_through_the_gate_keeps_the_code() -> None:
    """The next one behind them does not."""
    roster = Roster({"in": (0.0, 0.0)})
    visit, _ = roster.scanned(code("a"))
    roster.started(track("1", 1_000_000_000, gate="in"))
    second, opened = roster.started(track("2", 2_000_000_000, gate="in"))
    assert opened == (second,)
    assert visit.tracks == ["1"]


def test_staff_do_not_join_a_shoppers_party() -> None:
    """A member of staff who passes the gate behind a shopper is not on their bill."""
    roster = Roster()
    visit, _ = roster.scanned(code("a"))
    assert roster.started(track("s", role=Role.STAFF))[0] is not visit


def test_a_code_read_in_front_of_a_known_body_names_its_account() -> None:
    """The camera saw who held the code: no second visit."""
    roster = Roster()
    visit, _ = roster.started(track("1"))
    assert roster.scanned(code("a", who="1")) == (visit, None)
    assert visit.account == "a"


def test_a_restarted_id_keeps_visit_account_and_role() -> None:
    """Id 2 went on where id 1 was lost: one visit, known by the id carried last."""
    roster = Roster()
    first, _ = roster.scanned(code("a"))
    roster.started(track("1"))
    second, _ = roster.started(track("2", PARTY_NS * 2))
    roster.linked("1", "2")
    assert list(roster.visits.values()) == [second]
    assert first is not second
    assert (second.account, second.track_id, second.tracks) == ("a", "2", ["1", "2"])


def test_an_id_that_comes_back_is_the_same_visit() -> None:
    """Lost inside for a while and seen again: nobody new came in."""
    roster = Roster()
    visit, _ = roster.started(track("1"))
    assert roster.started(track("1", 9)) == (visit, ())
    assert visit.tracks == ["1"]


def test_a_restarted_id_does_not_take_a_newcomers_account() -> None:
    """Ann, inside and charged to account a, restarts just as Bob's code is read: Bob's code waits on for Bob."""
    roster = Roster()
    ann, _ = roster.scanned(code("a"))
    roster.started(track("ann"))
    later = PARTY_NS * 3
    bob, _ = roster.scanned(code("b", later))
    roster.started(track("ann-again", later + 1))
    roster.linked("ann", "ann-again")
    roster.started(track("bob", later + 2))
    assert roster.by_track["ann-again"] is ann
    assert roster.by_track["bob"] is bob
    assert (ann.account, bob.account, bob.tracks) == ("a", "b", ["bob"])


def test_a_closed_visit_is_forgotten_but_named() -> None:
    """Explanations can still say which visit an id belonged to."""
    roster = Roster()
    visit, _ = roster.started(track("1"))
    roster.close(visit, 9)
    assert roster.visits == {}
    assert roster.visit_id_of("1") == visit.visit_id
    assert visit.state is VisitState.SETTLED


def test_ids_come_from_content() -> None:
    """The same recording gives the same visit ids; another one others."""
    ids = []
    for recording in ("r1", "r1", "r2"):
        roster = Roster()
        roster.recording_id = recording
        ids.append(roster.started(track("1"))[0].visit_id)
    assert ids[0] == ids[1] != ids[2]


def test_accounts_stay_with_people_whose_ids_change_places() -> None:
    """Ann's code opened the visit of id 1; now id 2 names her, and what id 2 leaves with is hers to pay."""
    roster = Roster()
    for name in ("1", "2"):
        roster.started(track(name))
        roster.scanned(code(f"account-{name}", who=name))
    roster.exchanged("1", "2")
    assert [roster.by_track[name].account for name in ("1", "2")] == ["account-2", "account-1"]
    assert [roster.by_track[name].track_id for name in ("1", "2")] == ["1", "2"]
    roster.ended(TrackEnded(at_ns=5, track_id="2", x_m=0, y_m=0))
    assert [roster.by_track[name].nobody_left() for name in ("1", "2")] == [False, True]


def test_ids_of_one_party_may_change_places_freely() -> None:
    """They pay together anyway."""
    roster = Roster()
    roster.scanned(code("a", size=2))
    for name in ("1", "2"):
        roster.started(track(name))
    roster.exchanged("1", "2")
    assert roster.by_track["1"].tracks == ["1", "2"]


def test_staff_and_shoppers_do_not_take_each_others_roles() -> None:
    """Who is staff is known by id; a meeting of the two changes nobody's role."""
    roster = Roster()
    roster.started(track("1"))
    roster.started(track("2", role=Role.STAFF))
    roster.confused("1", "2", 0.9)
    assert [roster.role_of(name) for name in ("1", "2")] == [Role.SHOPPER, Role.STAFF]


def test_whose_account_pays_is_as_doubtful_as_who_they_are() -> None:
    """Two who may have been confused with 0.4 are named right with 0.6; without accounts there is nothing."""
    roster = Roster()
    for name in ("1", "2", "3", "4"):
        roster.started(track(name))
        if name in "12":
            roster.scanned(code(f"account-{name}", who=name))
    roster.confused("1", "2", 0.4)
    roster.confused("3", "4", 0.4)
    assert [roster.by_track[name].named for name in ("1", "2", "3", "4")] == [0.6, 0.6, 1.0, 1.0]


def test_a_code_on_the_way_out_opens_no_visit_and_waits_for_nobody() -> None:
    """The account's own visit, seen or not; else who stands there says who pays; else there is nothing to settle."""
    roster = Roster()
    out = replace(code("a"), gate_id="out")
    assert roster.leaves(out) is None
    assert not roster.visits
    visit, _ = roster.scanned(code("a"))
    assert roster.leaves(out) is visit
    roster.started(track("1"))
    assert roster.leaves(out) is visit
    stranger, _ = roster.started(track("2"))
    assert stranger is not visit
    assert roster.leaves(replace(out, account="b", track_id="1")) is None
    assert roster.leaves(replace(out, account="b", track_id="2")) is stranger
    assert (stranger.account, visit.account) == ("b", "a")
    assert roster.started(track("3"))[0] not in (visit, stranger)
