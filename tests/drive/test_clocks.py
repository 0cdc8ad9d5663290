"""What the store holds devices' clocks against."""

from __future__ import annotations

from jwo_cli.drive.clocks import LAG_NS, Lag
from jwo_cli.model.units import NS_PER_MS

AT = 1_790_000_000_000_000_000


def test_lags_are_kept_for_a_second_whoever_asks_for_them() -> None:
    """A store whose cameras are its own never asks, and each picture of its day may lag a little more than the last."""
    lag = Lag()
    for number in range(1000):
        now_ns = AT + number * 10 * NS_PER_MS
        lag.heard("c1", now_ns - number, now_ns)
    (kept,) = lag._least.values()
    assert len(kept) == LAG_NS // (10 * NS_PER_MS) + 1
    lag.heard("c2", now_ns + LAG_NS, now_ns + LAG_NS)
    lag.shared_ns(now_ns + LAG_NS + 1)
    assert list(lag._least) == ["c2"]
