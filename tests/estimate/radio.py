"""Reads of tags as a reader would report them: seeded, irregular in time, noisy in strength."""

from __future__ import annotations

import numpy as np

from jwo_cli.estimate.signals import TagRead
from tests.estimate.people.figures import at_ns


def reads(
    tag: str, begin: float, end: float, *, hz: float = 8.0, dbm: float = -58.0, antenna: str = "ant", seed: int = 0
) -> list[TagRead]:
    """A tag that is read `hz` times a second on average from `begin` to `end` (seconds)."""
    rng = np.random.default_rng([seed, *tag.encode(), round(begin * 1000)])
    count = int((end - begin) * hz * 2 + 20)
    times = begin + np.cumsum(rng.gamma(2.0, 0.5 / hz, count))
    strengths = np.round(rng.normal(dbm, 2.0, count), 1)
    return [
        TagRead(at_ns=at_ns(float(t)), antenna_id=antenna, tag_id=tag, rssi_dbm=float(s))
        for t, s in zip(times, strengths, strict=True)
        if t < end
    ]


def mixed(*streams: list[TagRead]) -> list[TagRead]:
    """Several streams in order of time."""
    return sorted((read for stream in streams for read in stream), key=lambda r: (r.at_ns, r.tag_id))


def shelf(count: int, begin: float, end: float, **more: float) -> list[TagRead]:
    """Tags t0, t1, … that lie on the shelf."""
    return mixed(*(reads(f"t{i}", begin, end, **more) for i in range(count)))  # type: ignore[arg-type]
