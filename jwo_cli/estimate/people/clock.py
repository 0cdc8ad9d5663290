"""How far the pose clock is from the weight clock, learnt from the changes themselves.

A belief over a grid of offsets. Each change that somebody clearly made sharpens it; time blurs it, and now and then a
clock jumps (200 ms have been seen), so that every offset keeps some probability.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .reach import OFFSETS_S

Floats = NDArray[np.float64]

SIGMA_S = 0.07  # two streams stamped by different machines
JUMP = 0.05  # probability that the offset is anything at the next change
_SAME_S = 0.5  # changes nearer than this share one moment: learning twice from it would be twice sure


class ClockOffset:
    """The belief over OFFSETS_S (pose clock minus weight clock)."""

    def __init__(self) -> None:
        prior = np.exp(-0.5 * (OFFSETS_S / SIGMA_S) ** 2) + 0.02
        self._prior: Floats = prior / prior.sum()
        self._belief: Floats = self._prior.copy()
        self._learnt_ns: int | None = None

    @property
    def mean_s(self) -> float:
        """Expected offset, seconds."""
        return float((self._belief * OFFSETS_S).sum())

    def weights(self) -> Floats:
        """Probabilities of OFFSETS_S at the next change [T]."""
        return (1 - JUMP) * self._belief + JUMP * self._prior

    def learn(self, at_ns: int, scores: Sequence[Floats]) -> None:
        """Sharpen the belief by one change: log-likelihoods over the offsets, one array for each person there."""
        if self._learnt_ns is not None and abs(at_ns - self._learnt_ns) < _SAME_S * 1e9:
            return
        self._learnt_ns = at_ns
        prior = self.weights()
        # nobody seen (0) is possible too: then the change teaches nothing
        likelihood = np.exp(np.clip(np.logaddexp.reduce(np.stack([*scores, np.zeros_like(prior)])), -30, 30))
        blurred = np.convolve(np.pad(prior, 1, mode="edge"), (0.1, 0.8, 0.1), mode="valid")
        posterior = blurred * likelihood**0.5  # the place of the hand errs for other reasons as well
        self._belief = posterior / posterior.sum()
