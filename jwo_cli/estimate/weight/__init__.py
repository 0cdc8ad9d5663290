"""Weight samples to weight changes: `WeightFront` takes batches and returns `Change`, `Touch` and `DeviceFaulted`."""

from jwo_cli.estimate.weight.events import Change, Event, Touch
from jwo_cli.estimate.weight.front import WeightFront

__all__ = ["Change", "Event", "Touch", "WeightFront"]
