"""What events teach about masses: confirmed ones sharpen them, impossible ones raise suspicion, repeats turn the past.

Called after every weight event with the group's belief about it.
"""

from __future__ import annotations

import math

from jwo_cli.model.decisions import ActionKind, MassDoubted

from .beliefs import Group, whole_stories
from .groups import Groups
from .masses import MassBelief, MassBook
from .settings import EngineSettings

# A wrong catalogue mass is reported once it is this sure.
_REPORT = 0.95
# A product that nobody weighed gets a proposal once this many units were seen to leave.
_ENOUGH = 2
# The event and the one before it, of which it may be the end.
_BACK = 2


def learn(masses: MassBook, groups: Groups, group: Group, seq: int, settings: EngineSettings) -> list[MassDoubted]:
    """Learn from event `seq`; returns the catalogue errors that have become clear by it."""
    event = groups.event(seq).weight
    if event is None:
        return []
    total = abs(math.fsum(item.delta_g for item in event.plates))
    sigma = math.sqrt(math.fsum(item.sigma_g**2 for item in event.plates) + 0.5)
    found = []
    for product_id, (count, probability) in _single_products(group, seq).items():
        belief = masses[product_id]
        before = belief.copy()
        sure = settings.learn_threshold if belief.listed_g is not None else settings.unlisted_threshold
        if probability >= sure:
            masses.learn(product_id, total, sigma, count)
            again = belief.wrong > 0.5 >= before.wrong
        elif probability >= settings.suspect_threshold:
            again = masses.suspect(product_id, total, sigma, count, probability=probability)
        else:
            continue
        if again:
            groups.weigh_again(product_id, before, belief)
        unlisted = belief.listed_g is None and belief.events >= _ENOUGH
        if (belief.wrong > _REPORT or unlisted) and not belief.reported:
            belief.reported = True
            found.append(_mass_doubted(product_id, belief, event.at_ns))
    return found


def _single_products(group: Group, seq: int) -> dict[str, tuple[int, float]]:
    """Each product that alone may explain the event: its most probable count and that count's probability."""
    odds: dict[str, dict[int, float]] = {}
    for hypothesis in group.hypotheses:
        for event_seq, (_, action, items) in whole_stories(hypothesis.history[-_BACK:]):
            if event_seq == seq and action in {ActionKind.PICK, ActionKind.RESTOCK} and len(items) == 1:
                counts = odds.setdefault(items[0][0], {})
                counts[items[0][1]] = counts.get(items[0][1], 0.0) + math.exp(hypothesis.log_p)
    return {product_id: max(counts.items(), key=lambda item: item[1]) for product_id, counts in odds.items()}


def _mass_doubted(product_id: str, belief: MassBelief, at_ns: int) -> MassDoubted:
    return MassDoubted(
        at_ns=at_ns,
        product_id=product_id,
        listed_g=belief.listed_g,
        measured_g=round(belief.measured_g, 1),
        events=belief.events,
        probability=round(belief.wrong, 4) if belief.listed_g is not None else 1.0,
    )
