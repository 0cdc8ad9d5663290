"""CLEAR MOT: what was missed, invented and swapped (Bernardin and Stiefelhagen 2008, as the MOTChallenge counts it).

In every frame a pair that matched in the frame before is kept while it is still alike enough; the rest is assigned
for the greatest similarity. A switch is a true id whose match differs from its last one, however long ago that was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .pairing import FramePair, Ints, Pairing, allowed, best_match

# Above any sum of similarities, so that keeping one pair outweighs every rearrangement.
_KEEP = 1000.0
_NOBODY = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Clear:
    """Counts over a sequence; `similarity` is the sum over matched pairs, 1 each where they coincide."""

    matches: int
    misses: int
    false_positives: int
    switches: int
    fragments: int
    mostly_tracked: int
    mostly_lost: int
    similarity: float

    @property
    def mota(self) -> float:
        """1 - (misses + false positives + switches) / true places; -inf without truth."""
        truths = self.matches + self.misses
        wrong = self.misses + self.false_positives + self.switches
        return 1 - wrong / truths if truths else float("-inf" if wrong else "nan")

    @property
    def motp(self) -> float:
        """Mean dissimilarity of matched pairs (1 - IoU for boxes); smaller is better, nan without matches."""
        return 1 - self.similarity / self.matches if self.matches else float("nan")

    @property
    def precision(self) -> float:
        """Share of claimed places that are true; nan without claims."""
        claimed = self.matches + self.false_positives
        return self.matches / claimed if claimed else float("nan")

    @property
    def recall(self) -> float:
        """Share of true places that were found; nan without truth."""
        truths = self.matches + self.misses
        return self.matches / truths if truths else float("nan")


class _Ledger:
    """What each true id matched so far: `last` ever, `now` in the newest frame that had both sides."""

    def __init__(self, truths: int) -> None:
        self.last = np.full(truths, _NOBODY, np.int64)
        self.now = np.full(truths, _NOBODY, np.int64)
        self.seen = np.zeros(truths, np.int64)
        self.matched = np.zeros(truths, np.int64)
        self.begun = np.zeros(truths, np.int64)
        self.switches = 0
        self.similarity = 0.0

    def step(self, frame: FramePair) -> None:
        self.seen[frame.truth] += 1
        if not len(frame.truth) or not len(frame.track):
            return
        kept = self.now[frame.truth][:, None] == frame.track[None, :]
        rows, columns = best_match(np.where(allowed(frame.similarity), _KEEP * kept + frame.similarity, 0.0))
        self._note(frame.truth[rows], frame.track[columns])
        self.similarity += float(frame.similarity[rows, columns].sum())

    def _note(self, truths: Ints, tracks: Ints) -> None:
        before = self.last[truths]
        self.switches += int(np.sum((before != _NOBODY) & (before != tracks)))
        self.begun[truths[self.now[truths] == _NOBODY]] += 1
        self.matched[truths] += 1
        self.last[truths] = tracks
        self.now[:] = _NOBODY
        self.now[truths] = tracks


def clear(pairing: Pairing) -> Clear:
    """Counts what CLEAR MOT counts over a sequence."""
    ledger = _Ledger(pairing.truths)
    for frame in pairing.frames:
        ledger.step(frame)
    matches = int(ledger.matched.sum())
    share = ledger.matched / np.maximum(ledger.seen, 1)
    return Clear(
        matches=matches,
        misses=pairing.truth_rows - matches,
        false_positives=pairing.track_rows - matches,
        switches=ledger.switches,
        fragments=int(np.sum(np.maximum(ledger.begun - 1, 0))),
        mostly_tracked=int(np.sum(share > 0.8)),
        mostly_lost=int(np.sum(share < 0.2)),
        similarity=ledger.similarity,
    )
