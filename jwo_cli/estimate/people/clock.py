"""How far the pose clock is from the weight clock, learnt from the changes themselves.

A belief over a grid of offsets. Each change that somebody clearly made sharpens it; time blurs it, and now and then a
clock jumps (200 ms have been seen), so that every offset keeps some probability.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.observations import DeviceFaulted, FaultKind

from .reach import OFFSETS_S
from .stream import DEVICE_ID

Floats = NDArray[np.float64]

SIGMA_S = 0.07  # two streams stamped by different machines
JUMP = 0.05  # probability that the offset is anything at the next change
APART_S = 0.1  # clocks that far apart are worth a word
_SAME_S = 0.5  # changes nearer than this share one moment: learning twice from it would be twice sure


class ClockOffset:
    """The belief over OFFSETS_S (pose clock minus weight clock)."""

    def __init__(self) -> None:
        prior = np.exp(-0.5 * (OFFSETS_S / SIGMA_S) ** 2) + 0.02
        self._prior: Floats = prior / prior.sum()
        self._belief: Floats = self._prior.copy()
        self._learnt_ns: int | None = None
        self._told = False

    @property
    def mean_s(self) -> float:
        """Expected offset, seconds."""
        return float((self._belief * OFFSETS_S).sum())

    def weights(self) -> Floats:
        """Probabilities of OFFSETS_S at the next change [T]."""
        return (1 - JUMP) * self._belief + JUMP * self._prior

    def fault(self, at_ns: int) -> DeviceFaulted | None:
        """Told once when the clocks are apart almost surely, and again only after they agreed in between."""
        apart = float(self._belief[np.abs(OFFSETS_S) >= APART_S - 1e-9].sum())
        if apart < 0.5:
            self._told = False
        if apart < 0.9 or self._told:
            return None
        self._told = True
        word = "ahead of" if self.mean_s > 0 else "behind"
        note = f"stamps lie about {abs(self.mean_s):.2f} s {word} the scales'"
        return DeviceFaulted(at_ns=at_ns, device_id=DEVICE_ID, kind=FaultKind.CLOCK, until_ns=at_ns, note=note)

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
