"""IDF1: how much of everybody's time carries one right identity (Ristani et al. 2016).

Each true id is assigned at most one track for the whole sequence, so that wrong rows are fewest; what then does not
coincide is missed or false, however well it was detected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from .pairing import Pairing, co_occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Rows under the right identity, true rows without it, and claimed rows under a wrong one."""

    true_positives: int
    false_negatives: int
    false_positives: int

    @property
    def idf1(self) -> float:
        """Harmonic mean of identity precision and recall; nan where there is nothing at all."""
        both = 2 * self.true_positives + self.false_negatives + self.false_positives
        return 2 * self.true_positives / both if both else float("nan")

    @property
    def precision(self) -> float:
        """Share of claimed rows under the right identity; nan without claims."""
        claimed = self.true_positives + self.false_positives
        return self.true_positives / claimed if claimed else float("nan")

    @property
    def recall(self) -> float:
        """Share of true rows under the right identity; nan without truth."""
        truths = self.true_positives + self.false_negatives
        return self.true_positives / truths if truths else float("nan")


def identity(pairing: Pairing) -> Identity:
    """The assignment of tracks to true ids over the whole sequence.

    Leaving a true id or a track alone costs all its rows, so the fewest wrong rows are the most common ones.
    """
    together, truth_rows, track_rows = co_occurrence(pairing)
    rows, columns = linear_sum_assignment(together, maximize=True)
    common = int(np.sum(together[rows, columns]))
    return Identity(
        true_positives=common,
        false_negatives=int(truth_rows.sum()) - common,
        false_positives=int(track_rows.sum()) - common,
    )
