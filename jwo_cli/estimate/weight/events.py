"""What the weight front end reports: settled changes and touches, before anybody knows who did it.

Same content as the model's WeightChanged and ShelfTouched without the people who could have reached there. Grams are
rounded to 0.01, times to milliseconds, probabilities to 1e-4, so that equal input gives equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from jwo_cli.model.observations import DeviceFaulted, PlateDelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The settled weight on one shelf changed between `begin_ns` (first contact) and `end_ns` (settled again).

    `at_ns` is the main step: when 80 % of what left had left for the last time, when half of what came was there first.
    `real` is the probability that something left or arrived; `steps` how many lifts the trace shows inside.
    """

    at_ns: int
    begin_ns: int
    end_ns: int
    shelf_id: str
    plates: tuple[PlateDelta, ...]
    real: float
    steps: int = 1

    @property
    def sum_g(self) -> float:
        """Change of the whole shelf, grams."""
        return sum(plate.delta_g for plate in self.plates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A press, a lean, goods shifted along the shelf, or a lift put back within a second: nothing left or arrived."""

    at_ns: int
    begin_ns: int
    end_ns: int
    shelf_id: str
    plates: tuple[str, ...]
    peak_g: float


Event = Change | Touch | DeviceFaulted


def order(event: Event) -> tuple[int, int, str, str]:
    """Sort key of events that are reported together: time, kind, place; never the order of a set or a hash."""
    match event:
        case Change():
            return (event.at_ns, 1, event.shelf_id, event.plates[0].plate_id)
        case Touch():
            return (event.at_ns, 2, event.shelf_id, event.plates[0])
        case DeviceFaulted():
            return (event.at_ns, 0, event.device_id, event.kind)
