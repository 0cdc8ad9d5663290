"""Faults are told as episodes, not as floods: the first of a kind at once where it matters, repeats in one summary.

An episode of one device and kind goes on while it recurs within `QUIET_NS`; its summary has the first and last time
and how often (messages or samples).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S

QUIET_NS = 10 * NS_PER_S


@dataclass(slots=True, kw_only=True)
class _Episode:
    at_ns: int
    until_ns: int
    count: int
    note: str
    told: int  # count that was reported already


class Episodes:
    """Running episodes of every device; `take` hands out what is due."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, FaultKind], _Episode] = {}
        self._due: list[DeviceFaulted] = []
        self._lasting: dict[tuple[str, FaultKind], DeviceFaulted] = {}  # begun, and not over
        self._over_ns: dict[tuple[str, FaultKind], int] = {}  # when the last lasting one was

    def begin(self, at_ns: int, device_id: str, kind: FaultKind, *, note: str) -> None:
        """Something that lasts until `end` is told of it, however long that takes: reported without an end."""
        begun = DeviceFaulted(at_ns=at_ns, device_id=device_id, kind=kind, until_ns=at_ns, note=note)
        self._lasting[device_id, kind] = begun
        self._due.append(begun)

    def end(self, device_id: str, kind: FaultKind, *, until_ns: int) -> None:
        """What lasted is over; what is said of the same stretch afterwards is no news."""
        begun = self._lasting.pop((device_id, kind), None)
        if begun is not None:
            over = replace(begun, until_ns=max(until_ns, begun.at_ns + 1))
            self._over_ns[device_id, kind] = over.until_ns
            self._due.append(over)

    def add(
        self,
        at_ns: int,
        device_id: str,
        kind: FaultKind,
        *,
        until_ns: int | None = None,
        count: int = 1,
        note: str = "",
        at_once: bool = False,
        goes_on: bool = False,
    ) -> None:
        """One occurrence; `at_once` reports the first of an episode immediately (evidence is missing from now on).

        What `goes_on` is reported without an end at once, and with its end when it is over, however short it was.
        """
        until = at_ns if until_ns is None else until_ns
        key = (device_id, kind)
        if key in self._lasting or until <= self._over_ns.get(key, until - 1):
            return
        running = self._running.get(key)
        if running is not None and at_ns - running.until_ns <= QUIET_NS:
            running.until_ns = max(running.until_ns, until)
            running.count += count
            return
        if running is not None:
            self._tell(key, running)
        episode = _Episode(at_ns=at_ns, until_ns=until, count=count, note=note, told=0)
        self._running[key] = episode
        if goes_on:
            self._due.append(
                DeviceFaulted(at_ns=at_ns, device_id=device_id, kind=kind, until_ns=at_ns, count=count, note=note)
            )
        elif at_once:
            self._tell(key, episode, over=False)

    def take(self, now_ns: int, *, all_of_them: bool = False) -> list[DeviceFaulted]:
        """What is due: first reports, and summaries of episodes that ended `QUIET_NS` before `now_ns`."""
        if all_of_them:
            for device_id, kind in list(self._lasting):
                self.end(device_id, kind, until_ns=now_ns)
        for key in [key for key, run in self._running.items() if all_of_them or now_ns - run.until_ns > QUIET_NS]:
            self._tell(key, self._running.pop(key))
        due, self._due = self._due, []
        return due

    def _tell(self, key: tuple[str, FaultKind], episode: _Episode, *, over: bool = True) -> None:
        """Report an episode; one that is over has an end, also where it was a moment: without one it would last."""
        if episode.count == episode.told:
            return
        episode.told = episode.count
        self._due.append(
            DeviceFaulted(
                at_ns=episode.at_ns,
                device_id=key[0],
                kind=key[1],
                until_ns=max(episode.until_ns, episode.at_ns + 1) if over else episode.until_ns,
                count=episode.count,
                note=episode.note,
            )
        )
