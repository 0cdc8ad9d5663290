"""Cancellations that got lost: whoever was told to end, and went on, ends at the next question."""

from __future__ import annotations

import asyncio


def unless_cancelled() -> None:
    """Raise what was swallowed: by Python 3.11's wait_for, where it met a result, or by an end that failed itself."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
