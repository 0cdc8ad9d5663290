"""Words for what happened: every kind of action has some."""

from __future__ import annotations

from jwo_cli.insight.telling import DONE
from jwo_cli.model.decisions import ActionKind


def test_every_action_has_words() -> None:
    """A new kind of explanation never stops an audit for want of a verb."""
    assert set(DONE) == set(ActionKind)
    assert all(DONE.values())
