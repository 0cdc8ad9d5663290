"""What a recorded second costs when the store grows: copies side by side, everything in all of them at once."""

from __future__ import annotations

import time

from benchmarks.material import busiest, side_by_side
from jwo_cli.drive.replay import replay

TITLE = "Cost by size of the store"
SIZES = (1, 4, 16)


def run() -> str:
    """Milliseconds of one core for a recorded second, at 1, 4 and 16 times the plates and shoppers."""
    recording = busiest()
    rows = []
    for copies in SIZES:
        larger = side_by_side(recording, copies)
        signals = tuple(larger.signals())
        began = time.process_time()
        result = replay(larger)
        spent = time.process_time() - began
        shoppers = len({receipt.track_id for receipt in result.receipts})
        cost_ms = 1000 * spent / recording.duration_s
        plates = len(larger.store.plates())
        rows.append(
            f"| {copies}× | {plates} | {shoppers} | {len(signals) / recording.duration_s:.0f} | {cost_ms:.1f} | "
            f"{cost_ms / copies:.1f} | {recording.duration_s / spent:.0f}× |"
        )
    head = (
        f"{recording.name}, copied side by side.\n\n"
        "| size | plates | shoppers with receipts | messages/s | ms a recorded second | the same per copy | speed |\n"
        "|---|--:|--:|--:|--:|--:|--:|\n"
    )
    return head + "\n".join(rows) + "\n"
