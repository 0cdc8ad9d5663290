"""What is told while a replay runs."""

from __future__ import annotations

from jwo_cli.drive.happenings import REMEMBERED, Names, decided, observed
from jwo_cli.drive.replay import replay
from jwo_cli.estimate.signals import Signal
from jwo_cli.model.decisions import VisitStarted
from jwo_cli.model.entry import Entry
from jwo_cli.model.observations import Observation, Role, TrackStarted
from jwo_cli.shop.step import Step
from tests.drive import scene


class Scribe:
    """Writes down every sentence."""

    def __init__(self) -> None:
        self.names = Names(scene.store())
        self.lines: list[str] = []

    def signal(self, signal: Signal) -> None:
        pass

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        for caused in step.decisions:
            self.names.learn(caused.decision)
        told = [observed(observation, self.names), *(decided(item.decision, self.names) for item in step.decisions)]
        self.lines += [line for line in told if line]


def test_a_visit_reads_as_a_story() -> None:
    """In, a weight, a cart, out, a receipt."""
    scribe = Scribe()
    replay(scene.recording(), watcher=scribe)
    assert scribe.lines[0] == "A appears: a shopper"
    assert scribe.lines[1].startswith("a.s1: -520 g, likeliest A, hand 0.")
    assert scribe.lines[2] == "A's cart: 1 × Spring water"
    assert scribe.lines[3] == "A leaves"
    assert scribe.lines[-1] == "A's receipt: 1.00 EUR, settled"


def test_letters_follow_the_order_of_appearance_and_start_again_after_fifty_two() -> None:
    """A crowd of a day has no more letters than the alphabet."""
    names = Names(scene.store())
    letters = [names.person(f"track-{number}") for number in range(53)]
    assert letters[:2] == ["A", "B"]
    assert letters[26] == "a"
    assert letters[52] == "A"
    assert names.person("track-1") == "B"


def test_staff_are_told_as_staff() -> None:
    """Who is never billed is named so."""
    seen = TrackStarted(at_ns=0, track_id="eve", x_m=0, y_m=0, role=Role.STAFF)
    assert observed(seen, Names(scene.store())) == "A appears: a member of staff"


def test_names_are_kept_for_those_who_were_told_of_last() -> None:
    """A year of visitors is forgotten; who is named again and again keeps their letter all the while."""
    names = Names(scene.store())
    staff = names.person("ann")
    for number in range(3 * REMEMBERED):
        names.learn(VisitStarted(at_ns=number, visit_id=f"v{number}", track_id=f"t{number}", role=Role.STAFF))
        names.person(f"t{number}")
        assert names.person("ann") == staff
    assert names.held() <= 3 * REMEMBERED
    assert names.person("next") == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(3 * REMEMBERED + 1) % 52]
