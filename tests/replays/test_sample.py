"""Today's code on the recorded morning: the same story as when somebody last looked."""

from __future__ import annotations

import difflib

from tests.replays.transcript import REFERENCE, transcript


def test_the_sample_gives_what_it_gave() -> None:
    """A difference is a change of behaviour: wanted, or found here."""
    kept, now = REFERENCE.read_text(encoding="utf-8").splitlines(), transcript().splitlines()
    diff = "\n".join(difflib.unified_diff(kept, now, "reference", "today", lineterm="", n=1))
    assert not diff, f"\n{diff}\n\nIf this is better, renew it: python -m tests.replays (and commit the diff)"
