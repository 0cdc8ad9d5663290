"""Recordings: what a store's sensors sent, kept so that a replay meets the same data in the same order.

Sole owner of recordings' Parquet and of foreign formats. `open_recording` takes a recording folder or a raw
AutoCheckout folder; both give the same `Recording`.
"""

from __future__ import annotations

from .export import export_autocheckout
from .folder import require_layout
from .manifest import LiveRun
from .opening import open_recording
from .recording import Recording, captured_ns
from .truth import TrueEvent, TrueItem, TrueReceipt, Truth
from .writer import RecordingWriter, write_recording

__all__ = [
    "LiveRun",
    "Recording",
    "RecordingWriter",
    "TrueEvent",
    "TrueItem",
    "TrueReceipt",
    "Truth",
    "captured_ns",
    "export_autocheckout",
    "open_recording",
    "require_layout",
    "write_recording",
]
