"""Days: streams without end in bounded memory, and the truth of everybody who came."""

from __future__ import annotations

import itertools
import tracemalloc

from jwo_cli.estimate.signals import CodeRead, PoseFrame, WeightBatch
from jwo_cli.model.layout import Store
from jwo_cli.synthetic.day import Day, poisson, simulate_day
from jwo_cli.synthetic.simulate import Visit
from jwo_cli.synthetic.stage import Happened


def test_everybody_who_comes_leaves_with_what_they_took(kiosk: Store) -> None:
    """One code and one visit for each; events add up to baskets; nobody is left at the end."""
    visits: list[Visit] = []
    events: list[Happened] = []
    day = Day(
        kiosk,
        seed=2,
        end_s=120.0,
        arrivals=iter([1.0, 20.0, 21.0, 90.0]),
        on_visit=visits.append,
        on_event=events.append,
    )
    signals = list(day)
    assert len(visits) == len([s for s in signals if isinstance(s, CodeRead)]) == 4
    for visit in visits:
        mine = [event for event in events if event.actor == visit.ids[0]]
        taken = sum(len(e.products) for e in mine if e.kind == "pick") - sum(e.kind == "put" for e in mine)
        assert taken == sum(count for _, count in visit.items)
    last = [s for s in signals if isinstance(s, PoseFrame)][-1]
    assert last.people == ()


def test_a_stream_is_whole(kiosk: Store) -> None:
    """Every device's samples without a gap, in order of capture."""
    signals = list(simulate_day(kiosk, hours=0.05, visits_per_hour=120, seed=3))
    stamps = [s.end_ns if isinstance(s, WeightBatch) else s.at_ns for s in signals]
    late = [b - a for a, b in itertools.pairwise(stamps) if b < a]
    assert min(late, default=0) > -30_000_000  # only batches at the seam of two chunks, by their stamps' scatter
    for device in ("g1", "g2", "f1"):
        batches = [s for s in signals if isinstance(s, WeightBatch) and s.device_id == device]
        assert len(batches) >= 0.05 * 3600 * 5 - 2
        assert {len(batch.grams) for batch in batches} == {12}


def test_memory_does_not_grow(kiosk: Store) -> None:
    """Twelve busy minutes take no more than the first did."""
    stream = simulate_day(kiosk, hours=0.2, visits_per_hour=300, seed=3)
    tracemalloc.start()
    levels = []
    for n, _ in enumerate(stream):
        if n % 4_000 == 3_999:
            levels.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(levels) >= 5
    assert levels[-1] < 1.2 * max(levels[:2]) + 1_000_000


def test_arrivals_come_at_their_rate() -> None:
    """So many an hour, in order; none at rate 0."""
    times = list(itertools.takewhile(lambda at: at < 36_000, poisson(60.0, 1)))
    assert times == sorted(times)
    assert 520 < len(times) < 680
    assert list(poisson(0.0, 1)) == []
