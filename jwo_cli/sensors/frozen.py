"""A frozen camera: pictures keep coming, and nothing in them is new.

A sensor's noise makes no two pictures alike. A camera that hangs sends its last picture again and again, or a loop of
pictures. Sent as JPEG they repeat bit by bit: that alone is proof enough. A video encoder draws the same picture a
little differently after each key frame until it settles, so that only most of the pictures are old ones. Then a camera
is frozen that never used to repeat pictures (a slow shutter at night makes some do), and in which nothing stirs: the
calmer half of the picture, which people walking do not touch, changes no more than a small part of what it used to.
"""

from __future__ import annotations

import zlib
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jwo_cli.model.units import NS_PER_S

from .frames import Grey

_EVERY = 4  # of rows and columns are looked at: 0.2 ms at 1080p
_CELL = 8  # looked-at pixels a side
_REMEMBERED = 16_384  # pictures: some 20 minutes at 15 a second
_LOOK_NS = NS_PER_S // 4
_HISTORY = 2_400  # looks: ten minutes
_LEARNT = 40  # looks before it is known what is usual
_REPEATED, _USUALLY = 0.5, 0.1  # share of repeated pictures: at least now, at most before
_STIR, _FAINT = 0.3, 0.1  # of the usual change, or grey levels: what an encoder does to a picture that is the same


@dataclass(frozen=True, slots=True)
class _Look:
    at_ns: int
    change: float
    repeated: float


class FreezeWatch:
    """Tells since when a camera has shown nothing new. Feed it every picture."""

    def __init__(self, frozen_s: float = 8.0) -> None:
        self._frozen_ns = round(frozen_s * NS_PER_S)
        self._seen: dict[int, None] = {}
        self._looked: NDArray[np.int16] | None = None
        self._looks: deque[_Look] = deque(maxlen=_HISTORY)
        self._look_ns = 0
        self._came = self._old = 0  # pictures since the last look
        self._run = 0  # pictures since the last new one
        self._since_ns: int | None = None
        self.new_ns: int | None = None  # when the last picture came that was not known

    def feed(self, grey: Grey, at_ns: int) -> bool:
        """Takes a picture that came at `at_ns`; whether it was never seen before."""
        small = np.ascontiguousarray(grey[::_EVERY, ::_EVERY])
        mark = zlib.crc32(small.tobytes())
        new = mark not in self._seen
        self._seen.pop(mark, None)
        self._seen[mark] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._came, self._old = self._came + 1, self._old + (not new)
        self._run = 0 if new else self._run + 1
        if new or self.new_ns is None:
            self.new_ns = at_ns
        if at_ns - self._look_ns >= _LOOK_NS:
            self._look(small.astype(np.int16), at_ns)
        return new

    def _look(self, look: NDArray[np.int16], at_ns: int) -> None:
        if self._looked is not None and self._looked.shape == look.shape:
            change = calm_change(self._looked, look)
            self._looks.append(_Look(at_ns, change, self._old / self._came))
        self._looked, self._look_ns, self._came, self._old = look, at_ns, 0, 0
        self._since_ns = self._settled(at_ns - self._frozen_ns)

    def frozen_since(self, at_ns: int) -> int | None:
        """Since when nothing new has come, if that is too long; None while all is well."""
        if self.new_ns is not None and self._run >= 3 and at_ns - self.new_ns >= self._frozen_ns:
            return self.new_ns
        return self._since_ns

    def forget(self, since_ns: int) -> None:
        """Leaves what came since then out of what is usual: a frozen camera teaches nothing."""
        while self._looks and self._looks[-1].at_ns > since_ns:
            self._looks.pop()
        self._since_ns = None

    def _settled(self, begin_ns: int) -> int | None:
        """`begin_ns` if since then hardly anything was new or stirred, unlike before."""
        before = [look for look in self._looks if look.at_ns <= begin_ns]
        lately = [look for look in self._looks if look.at_ns > begin_ns]
        if len(before) < _LEARNT or len(lately) < self._frozen_ns // _LOOK_NS // 2:
            return None
        repeated = np.mean([look.repeated for look in lately]) >= _REPEATED
        unusual = np.mean([look.repeated for look in before]) <= _USUALLY
        usual = float(np.median([look.change for look in before]))
        stirs = np.median([look.change for look in lately]) > max(_STIR * usual, _FAINT)
        return begin_ns if repeated and unusual and not stirs else None


def calm_change(before: NDArray[np.int16], after: NDArray[np.int16]) -> float:
    """Mean absolute change, grey levels, of the calmer half of the cells of two pictures [height, width]."""
    change = np.abs(after - before)
    rows, columns = (max(side // _CELL, 1) for side in change.shape)
    height, width = (min(_CELL, side) for side in change.shape)
    change = change[: rows * height, : columns * width]
    cells = change.reshape(rows, height, columns, width).mean(axis=(1, 3)).ravel()
    cells.sort()
    return float(cells[: (len(cells) + 1) // 2].mean())
