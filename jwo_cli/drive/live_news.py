"""What people may see of a run while it goes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from jwo_cli.model import staffing
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entering import Refusal
from jwo_cli.model.units import NS_PER_S

KEPT = 1_000  # receipts that are remembered for people


@dataclass(slots=True)
class Live:
    """The mode, the latest receipts and how soon they came, doors, and what staff should look at."""

    mode: staffing.Mode = staffing.Mode.DOWN
    issued: int = 0
    charged_minor: int = 0
    receipts: deque[ReceiptIssued] = field(default_factory=lambda: deque(maxlen=KEPT))  # the latest
    latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))  # last sighting to durable receipt
    asked: deque[str] = field(default_factory=lambda: deque(maxlen=100))
    opened: int = 0
    refused: dict[Refusal, int] = field(default_factory=dict)
    behind_s: float = 0.0  # how long the latest signal waited for its turn

    def receipt(self, issued: ReceiptIssued, *, now_ns: int) -> None:
        """A receipt is durable now."""
        self.issued += 1
        self.charged_minor += issued.charged_minor
        self.receipts.append(issued)
        self.latencies_s.append((now_ns - issued.at_ns) / NS_PER_S)

    def refusal(self, refused: Refusal) -> None:
        """Somebody was not let in."""
        self.refused[refused] = self.refused.get(refused, 0) + 1
