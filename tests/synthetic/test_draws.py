"""Draws: named generators, the same everywhere."""

from __future__ import annotations

import subprocess
import sys

from jwo_cli.synthetic.draws import content_id, named, some_of


def test_a_purpose_has_its_own_generator() -> None:
    """Equal names give equal numbers; another name, number or seed gives others."""
    first = named(7, "plates", "g1").random(4).tolist()
    assert named(7, "plates", "g1").random(4).tolist() == first
    assert named(7, "plates", "g2").random(4).tolist() != first
    assert named(8, "plates", "g1").random(4).tolist() != first


def test_draws_do_not_depend_on_hash_randomisation() -> None:
    """What one process draws, another draws too."""
    code = "from jwo_cli.synthetic.draws import named; print(named(3, 'x', ('a', 1)).integers(10**9))"
    said = [
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]


def test_the_first_numbers_are_these() -> None:
    """A change of the derivation would change every recording that was ever made: it must be meant."""
    assert named(1, "pinned").integers(0, 1_000_000, 4).tolist() == PINNED


def test_ids_look_like_the_trackers() -> None:
    """19 or 20 digits, below 2**64, by content."""
    found = {content_id(1, "visit", n) for n in range(200)}
    assert len(found) == 200
    assert all(19 <= len(name) <= 20 and int(name) < 2**64 for name in found)


def test_some_are_different_ones() -> None:
    """No repetition, and no more than there are."""
    assert sorted(some_of(named(1, "some"), [1, 2, 3], 9)) == [1, 2, 3]


PINNED = [276234, 920649, 184605, 439985]
