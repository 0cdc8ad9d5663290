"""Old payloads are lifted when they are read: the log is never rewritten, the projection is never migrated.

A lift takes the payload of (kind, version n) to version n + 1. The version a kind has today is one more than its last
lift. To change a payload's form: change its class in the model, register the lift here, write entries with the next
version (`current`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from jwo_cli.model.codec import JsonValue

Payload = dict[str, JsonValue]
Lift = Callable[[Payload], Payload]
Lifts = Mapping[tuple[str, int], Lift]

# (kind, version) -> how its payload becomes one of the next version. No payload has changed its form yet.
LIFTS: dict[tuple[str, int], Lift] = {}


def current(kind: str, lifts: Lifts = LIFTS) -> int:
    """The version in which this program writes and understands a kind."""
    return max((version + 1 for name, version in lifts if name == kind), default=1)


def lift(kind: str, version: int, payload: JsonValue, lifts: Lifts = LIFTS) -> JsonValue:
    """The payload in today's form. Raises ValueError for a version that this program does not know."""
    target = current(kind, lifts)
    if version > target:
        raise ValueError(f"{kind} version {version} is newer than the version {target} that this program knows")
    for step in range(version, target):
        if (kind, step) not in lifts or not isinstance(payload, dict):
            raise ValueError(f"{kind} version {step} cannot be lifted to version {step + 1}")
        payload = lifts[kind, step](payload)
    return payload
