"""Draw the README's pictures anew from the bundled sample: `python tools/pictures.py`.

What the commands print is recorded by Rich and written as SVG, so that no picture promises what jwo does not do.
"""

from __future__ import annotations

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from jwo_cli import printing
from jwo_cli.drive.batch import replay_all
from jwo_cli.drive.telling import Teller
from jwo_cli.drive.tour import sample
from jwo_cli.insight.audit import audit
from jwo_cli.insight.telling import event_text, line_title
from jwo_cli.journal import open_journal

DOCS = Path(__file__).resolve().parent.parent / "docs"
RECEIPTS_SHOWN = 4


def _recorder(width: int) -> Console:
    return Console(record=True, width=width, file=io.StringIO(), highlight=False, markup=False, force_terminal=True)


def _save(recorder: Console, name: str, title: str) -> None:
    """Without Rich's fonts from the network: a picture must not call anybody."""
    svg = recorder.export_svg(title=title, unique_id="jwo")
    svg = re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*<!--.*?-->", "", svg, flags=re.DOTALL).replace("Fira Code, monospace", "monospace")
    (DOCS / name).write_text(svg, encoding="utf-8")


def main() -> None:
    """Write docs/replay.svg and docs/audit.svg."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "journal"
        with Teller(receipts=False) as teller:
            result = replay_all([sample()], place, teller).results[0]
        shown = _recorder(100)
        # Some that were settled by themselves, and one that waits: what a day looks like.
        receipts = sorted(result.receipts, key=lambda item: (bool(item.reasons), -len(item.lines)))
        waiting = [receipt for receipt in receipts if receipt.reasons and receipt.lines]
        waiting.sort(key=lambda item: all(line.charged for line in item.lines))
        for receipt in (*receipts[: RECEIPTS_SHOWN - 1], *waiting[:1]):
            shown.print(printing.receipt(receipt))
        _save(shown, "replay.svg", "jwo replay corner_kiosk_morning")
        with open_journal(place) as session:
            found = audit(session, (waiting or receipts)[0].receipt_id)
        told = _recorder(100)
        line = min(found.lines, key=lambda item: item.line.probability)
        told.print(Text(line_title(found.lines.index(line) + 1, line, found), style="bold"))
        told.print(Text(event_text(line.events[0], found)))
        for event in found.others[:1]:
            told.print(Text(event_text(event, found, plots=False)))
        _save(told, "audit.svg", f"jwo audit show {found.receipt.receipt_id}")


if __name__ == "__main__":
    main()
