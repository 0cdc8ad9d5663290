"""Weight samples to weight changes: `WeightFront` takes batches and returns `Change`, `Touch` and `DeviceFaulted`."""

from jwo_cli.estimate.weight.events import Change, Event, Touch
from jwo_cli.estimate.weight.front import Blind, WeightFront

__all__ = ["Blind", "Change", "Event", "Touch", "WeightFront"]
