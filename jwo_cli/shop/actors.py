"""Who may have done what a sensor told of: everybody inside, each with the probability that it was them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jwo_cli.model.observations import Reach, Role

from .beliefs import log_sum
from .explain import Actor
from .roster import Roster
from .settings import EngineSettings


def actors(
    roster: Roster, settings: EngineSettings, reaches: Sequence[Reach], *, poses_known: bool, gone: bool = False
) -> list[Actor]:
    """Everybody inside with log P(it was them); those not in sight and nobody-we-know get their small share.

    With `gone` it may have happened a while ago: whoever was there and has left since counts as nobody we know.
    """
    inside = [track for track, visit in roster.by_track.items() if track not in visit.replaced]
    if not settings.use_reach or not poses_known:
        scores: dict[str | None, float] = dict.fromkeys(inside, 0.0)
        scores[None] = math.log(settings.unknown_actor)
    else:
        known = roster.by_track
        scores = {reach.track_id: reach.log_likelihood for reach in reaches if reach.track_id in known}
        for track in inside:
            scores.setdefault(track, math.log(settings.absent_actor))
        left = [reach.log_likelihood for reach in reaches if gone and reach.track_id not in known]
        scores[None] = log_sum([math.log(settings.unknown_actor), *left])
    total = log_sum(list(scores.values()))
    return [
        Actor(track, score - total, track is not None and roster.role_of(track) is Role.STAFF, score)
        for track, score in scores.items()
    ]
