"""A replay as text that a person can read and a diff can show: one line an entry, numbers as coarse as they matter.

Seconds to a tenth, grams whole, probabilities in whole percent: what differs in finer digits is no change of behaviour
(another linear algebra may round another way), what differs here is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jwo_cli.drive.log import MemoryLog
from jwo_cli.drive.replay import replay
from jwo_cli.drive.tour import sample
from jwo_cli.model.entry import Entry
from jwo_cli.model.units import NS_PER_S
from jwo_cli.recordings import open_recording

REFERENCE = Path(__file__).with_name("sample.txt")


class Kept(MemoryLog):
    """A log whose entries are handed out at the end."""

    def entries(self) -> list[Entry]:
        return list(self._by_key.values())


def transcript() -> str:
    """The bundled sample, replayed with today's code."""
    recording = open_recording(sample())
    log = Kept(store_id=recording.store.store_id)
    replay(recording, intake=log)
    lines = [f"{(entry.at_ns - recording.start_ns) / NS_PER_S:7.1f} {_told(entry)}" for entry in log.entries()]
    return "\n".join(lines) + "\n"


def _told(entry: Entry) -> str:
    payload: Any = entry.payload
    match entry.kind:
        case "weight_changed":
            plates = " ".join(f"{plate['plate_id']} {plate['delta_g']:+.0f} g" for plate in payload["plates"])
            return f"weight_changed {plates}, near {' '.join(reach['track_id'][-4:] for reach in payload['reaches'])}"
        case "cart_changed":
            return f"cart_changed {_lines(payload['lines'])}"
        case "receipt_issued":
            whole = f"{payload['charged_minor']} {payload['settled']} {payload['probability']:.0%}"
            return f"receipt_issued {payload['track_id'][-4:]} {whole} {_lines(payload['lines'])}"
        case "visit_started" | "visit_ended" | "track_started" | "track_ended":
            return f"{entry.kind} {payload['track_id'][-4:]}"
        case _:
            return entry.kind


def _lines(lines: list[Any]) -> str:
    return (
        "; ".join(f"{line['quantity']} × {line['product_id']} {line['probability']:.0%}" for line in lines) or "empty"
    )
