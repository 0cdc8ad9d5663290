"""CLEAR MOT, IDF1 and HOTA against recorded answers of TrackEval 1.3 and motmetrics 1.4, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwo_cli.estimate.metrics.clear import clear
from jwo_cli.estimate.metrics.hota import hota
from jwo_cli.estimate.metrics.identity import identity
from jwo_cli.estimate.metrics.pairing import Rows, iou, nearness, pair
from jwo_cli.recordings.mot import box_rows, place_rows
from tests.estimate.metrics.sequences import wandering

# TrackEval's MOTA, 1 - MOTP, IDSW, Frag, IDF1 (motmetrics says the same), HOTA, DetA, AssA, LocA.
ORACLE = {
    3: (0.577777777, 0.267289192, 4, 16, 0.654761904, 0.435561352, 0.496212345, 0.382549954, 0.772478568),
    12: (0.521739130, 0.280355604, 2, 18, 0.654761904, 0.426688056, 0.451143417, 0.403931277, 0.770969977),
    24: (0.606741573, 0.268342555, 1, 16, 0.781609195, 0.510380096, 0.519467139, 0.501640153, 0.774694786),
}  # fmt: skip


def _points(*rows: tuple[int, int, float]) -> Rows:
    table = np.array(rows)
    return Rows(
        frame=table[:, 0].astype(np.int64),
        id=table[:, 1].astype(np.int64),
        place=np.column_stack((table[:, 2], np.zeros(len(table)))),
    )


@pytest.mark.parametrize("seed", sorted(ORACLE))
def test_scores_equal_the_reference_implementations(seed: int) -> None:
    """To nine digits."""
    pairing = pair(*wandering(seed), iou)
    events, people, whole = clear(pairing), identity(pairing), hota(pairing)
    ours = (events.mota, events.motp, events.switches, events.fragments, people.idf1)
    ours += (whole.hota, whole.det_a, whole.ass_a, whole.loc_a)
    assert ours == pytest.approx(ORACLE[seed], abs=2e-9)


@pytest.mark.parametrize(
    ("name", "mota", "motp", "idf1"), [("Campus", 0.526, 0.277, 0.558), ("Stadtmitte", 0.564, 0.346, 0.645)]
)
def test_tud_gives_the_published_figures(shared_data: Path, name: str, mota: float, motp: float, idf1: float) -> None:
    """The two sequences that motmetrics ships."""
    folder = shared_data / "motmetrics-tud" / "motmetrics" / "data" / f"TUD-{name}"
    pairing = pair(box_rows(folder / "gt.txt", considered=True), box_rows(folder / "test.txt"), iou)
    events, people = clear(pairing), identity(pairing)
    assert (events.mota, events.motp, people.idf1) == pytest.approx((mota, motp, idf1), abs=6e-4)


def test_cmc_gives_its_authors_figures(shared_data: Path) -> None:
    """Their own result scores 0.940 and 0.967 on the floor within half a metre."""
    folder = shared_data / "cmc" / "CMC2"
    truth, tracks = (place_rows(folder / f"{name}-world-centroid.txt") for name in ("gt", "est"))
    pairing = pair(truth, tracks, nearness(0.5))
    assert (clear(pairing).mota, identity(pairing).idf1) == pytest.approx((0.940, 0.967), abs=6e-4)


def test_a_switch_is_counted_against_the_last_match_however_long_ago() -> None:
    """Frames 1 and 2 as track 7, unseen, then track 8."""
    truth = _points(*((frame, 1, 0.0) for frame in range(1, 6)))
    pairing = pair(truth, _points((1, 7, 0.0), (2, 7, 0.0), (5, 8, 0.0)), nearness(0.5))
    events = clear(pairing)
    assert (events.matches, events.misses, events.switches, events.false_positives) == (3, 2, 1, 0)
    assert events.mota == pytest.approx(1 - 3 / 5)
    assert identity(pairing).idf1 == pytest.approx(2 * 2 / (5 + 3))


def test_a_kept_pair_is_not_given_up_for_a_nearer_one() -> None:
    """Track 7 stays with its person while it is within the gate, although track 8 is nearer."""
    truth = _points((1, 1, 0.0), (2, 1, 0.0))
    events = clear(pair(truth, _points((1, 7, 0.0), (2, 7, 0.4), (2, 8, 0.0)), nearness(0.5)))
    assert (events.switches, events.false_positives) == (0, 1)


def test_a_pair_at_the_gate_matches_and_beyond_it_does_not() -> None:
    """Half a metre, and a millimetre more."""
    truth = _points((1, 1, 0.0))
    assert clear(pair(truth, _points((1, 1, 0.5)), nearness(0.5))).matches == 1
    assert clear(pair(truth, _points((1, 1, 0.501)), nearness(0.5))).matches == 0


def test_empty_sides_have_scores() -> None:
    """Nothing claimed misses everything; nothing true leaves nothing to divide by."""
    none = Rows(frame=np.zeros(0, np.int64), id=np.zeros(0, np.int64), place=np.zeros((0, 2)))
    some = _points((1, 1, 0.0), (2, 1, 0.0))
    missed = pair(some, none, nearness(0.5))
    assert (clear(missed).mota, identity(missed).idf1, hota(missed).hota) == (0.0, 0.0, 0.0)
    assert clear(pair(none, some, nearness(0.5))).mota == float("-inf")
    assert np.isnan(clear(pair(none, none, nearness(0.5))).mota)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_scores_forget_names_and_the_order_of_rows(seed: int) -> None:
    """Other ids in another order are the same tracks; the truth scores one against itself."""
    truth, tracks = wandering(seed, people=3, frames=8)
    order = np.random.default_rng(seed).permutation(len(tracks))
    renamed = Rows(frame=tracks.frame[order], id=1000 - 3 * tracks.id[order], place=tracks.place[order])
    one, other = pair(truth, tracks, iou), pair(truth, renamed, iou)
    assert clear(one).mota == pytest.approx(clear(other).mota)
    assert identity(one).idf1 == pytest.approx(identity(other).idf1)
    assert hota(one).hota == pytest.approx(hota(other).hota)
    same = pair(truth, truth, iou)
    assert (clear(same).mota, identity(same).idf1) == (1.0, 1.0)
    assert hota(same).hota == pytest.approx(1.0)
