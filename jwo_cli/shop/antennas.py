"""Antennas that were not heard: when that was, and whose stay in their fields meanwhile leaves a doubt.

What is taken where nothing else tells of it is missed once its antenna has been heard again for a while, if its tags
were known before: then a stay in the silence is no doubt any more. What an antenna never told of, or a run that was cut
off, is missed by nobody, and the doubt remains. An antenna's own word that it hears nothing (a gap) counts where its
tags were known: one over an empty rail, or at a door, has nothing to hear. Its reader's word always counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.layout import Antenna
from jwo_cli.model.observations import DeviceFaulted, FaultKind
from jwo_cli.model.units import NS_PER_S

Stays = dict[tuple[str, bool, int], tuple[int, int]]
"""(antenna, whether its tags were known, when the stay began) -> when it ended, and the entry that told it."""

# A reader's going is noticed a little late, and when it is back its antennas are not heard at once.
SLACK_NS = 5 * NS_PER_S
# Heard for so long without a break, an antenna has told what left before: the longest window of
# `estimate.tag_antenna`, its hold and two steps.
TOLD_NS = 22 * NS_PER_S
# Outages that are over and are remembered, of each antenna; and beginnings of runs that were cut off.
_REMEMBERED = 200


@dataclass(slots=True)
class _Outage:
    kind: FaultKind
    from_ns: int
    until_ns: int | None

    def meets(self, at_ns: int, until_ns: int) -> bool:
        """Whether it is of some moment of a stay, give or take."""
        return self.from_ns <= until_ns + SLACK_NS and (self.until_ns is None or self.until_ns + SLACK_NS >= at_ns)


class Outages:
    """When which antenna was not heard. An antenna's own word and its reader's do not end each other."""

    def __init__(self, antennas: Sequence[Antenna]) -> None:
        self._outages: dict[str, list[_Outage]] = {antenna.antenna_id: [] for antenna in antennas}
        self._begun_ns: list[int] = []

    def begun(self, at_ns: int) -> None:
        """A run begins: its front end knows nothing of the tags that the one before had seen."""
        self._begun_ns = [*self._begun_ns, at_ns][-_REMEMBERED:]

    def held(self) -> int:
        """Outages that are remembered: a measure of memory."""
        return sum(len(found) for found in self._outages.values())

    def faulted(self, fault: DeviceFaulted) -> None:
        """An antenna is not heard (no end), or was not; of other devices nothing is kept."""
        found = self._outages.get(fault.device_id)
        if found is None:
            return
        lasting = next((one for one in found if one.kind is fault.kind and one.until_ns is None), None)
        if fault.until_ns == fault.at_ns:
            if lasting is None:
                found.append(_Outage(fault.kind, fault.at_ns, None))
        elif lasting is not None and lasting.from_ns == fault.at_ns:
            lasting.until_ns = fault.until_ns
        else:
            found.append(_Outage(fault.kind, fault.at_ns, fault.until_ns))
        over = [one for one in found if one.until_ns is not None]
        for one in over[:-_REMEMBERED]:
            found.remove(one)

    def doubted(self, stays: Stays, now_ns: int) -> Stays:
        """Those of which nobody knows what was taken."""
        return {
            (antenna_id, tags_known, at_ns): (until_ns, seq)
            for (antenna_id, tags_known, at_ns), (until_ns, seq) in stays.items()
            if (
                not self._told(antenna_id, until_ns, now_ns)  # its own silence was long enough to be noticed
                if tags_known
                else self._away(antenna_id, at_ns, until_ns)
            )
        }

    def _away(self, antenna_id: str, at_ns: int, until_ns: int) -> bool:
        """Whether it is another's word that the antenna was not heard then."""
        found = self._outages.get(antenna_id, ())
        return any(one.kind is not FaultKind.GAP and one.meets(at_ns, until_ns) for one in found)

    def _told(self, antenna_id: str, at_ns: int, now_ns: int) -> bool:
        """Whether all that had left by then was told: the antenna was heard for long enough since, in the same run."""
        now_ns = min([now_ns, *(begun_ns for begun_ns in self._begun_ns if begun_ns > at_ns)])
        heard_ns = at_ns
        for one in sorted(self._outages.get(antenna_id, ()), key=lambda one: one.from_ns):
            if min(one.from_ns, now_ns) - heard_ns >= TOLD_NS:
                return True
            if one.until_ns is None:
                return False
            heard_ns = max(heard_ns, one.until_ns)
        return now_ns - heard_ns >= TOLD_NS


def note(stays: Stays) -> str:
    """What a reviewer should know, empty when every antenna was heard."""
    names = ", ".join(dict.fromkeys(antenna_id for antenna_id, *_ in stays))
    return f"they were near {names} while nothing was read there" if names else ""
