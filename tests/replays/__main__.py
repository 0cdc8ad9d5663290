"""`python -m tests.replays`: write the references anew. Read the diff before committing it."""

from __future__ import annotations

from tests.replays.transcript import REFERENCE, transcript

REFERENCE.write_text(transcript(), encoding="utf-8")
print(f"wrote {REFERENCE}")
