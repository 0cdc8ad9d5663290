"""Random numbers by name: one independent generator for each (seed, purpose), the same on every machine.

PCG64 and SeedSequence are fixed by NumPy's compatibility policy; names enter through SHA-256, never through `hash`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Floats = NDArray[np.float64]


def named(seed: int, *purpose: object) -> np.random.Generator:
    """The generator for one purpose: a word and whatever tells it from its like, say a shelf's name."""
    digest = hashlib.sha256("/".join(map(str, purpose)).encode()).digest()
    words = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4)]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform in [low, high)."""
    return float(rng.uniform(low, high))


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


def pick_one(rng: np.random.Generator, things: Sequence[T]) -> T:
    """One of them, all equally likely. Raises ValueError when there is none."""
    if not things:
        raise ValueError("nothing to choose from")
    return things[int(rng.integers(len(things)))]


def some_of(rng: np.random.Generator, things: Sequence[T], count: int) -> list[T]:
    """`count` different ones (all when there are fewer), in random order."""
    order = rng.permutation(len(things))[: max(count, 0)]
    return [things[int(i)] for i in order]


def log_normal(rng: np.random.Generator, median: float, spread: float) -> float:
    """Log-normal by its median and the standard deviation of its logarithm."""
    return median * math.exp(spread * float(rng.standard_normal()))


def content_id(seed: int, *purpose: object) -> str:
    """A number of 19 to 20 digits, as the tracker gives its targets; by content, never by chance."""
    digest = hashlib.sha256(f"{seed}/{'/'.join(map(str, purpose))}".encode()).digest()
    return str(10**18 + int.from_bytes(digest[:8], "little") % (17 * 10**18))
