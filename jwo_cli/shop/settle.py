"""From joint beliefs to cart lines: the most probable basket, how sure each line is, and what else it may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from jwo_cli.model.catalogue import Product, SoldBy
from jwo_cli.model.decisions import CartLine, Decision, EventExplained, Explanation, LineAlternative

from .beliefs import Group, Lot, Story, basket_odds, lots_of, story_odds, tracks_of
from .groups import Groups
from .step import Caused

# Masses this near are one mass: grams, and a share.
_SAME_MASS_G, _SAME_MASS_SHARE = 5.0, 0.02
# Alternatives rarer than this are not worth a shopkeeper's eye.
_SHOWN = 0.005
# Where no basket is more likely than not, these many are compared by what they would cost if they were wrong.
_CREDIBLE = 0.5
_COMPARED = 12
# A receipt that is not exactly right costs as much as this many wrong units.
_EXACT = 1.0


@dataclass(frozen=True, slots=True)
class Basket:
    """The most probable basket of some owners, its probability, and its lines."""

    lines: tuple[CartLine, ...]
    probability: float


def best_basket(
    group: Group, owners: Sequence[str], products: dict[str, Product], *, doubted: float | None = None
) -> Basket:
    """The best estimate of what the owners hold, line by line explained.

    It is the basket with the highest joint probability; where no basket is more likely than not, the one whose wrong
    units would be fewest on average: a person looks at it anyway. With `doubted`, products that are not in it but may
    have been taken, so probably, get lines of quantity 0.
    """
    odds = basket_odds(group, owners)
    best, probability = odds[0]
    if probability < _CREDIBLE:
        best = _least_wrong(odds)
        probability = dict(odds).get(best, 0.0)
    lots = _lots_behind(group, owners, best)
    lines = tuple(
        _line(product_id, count, odds, dict(best), lots.get(product_id, []), products) for product_id, count in best
    )
    for i, line in enumerate(lines):
        if line.mass_g is not None:
            weighed, share = _as_weighed(group, owners, line, dict(best)[line.product_id])
            lines, probability = (*lines[:i], weighed, *lines[i + 1 :]), probability * share
    if doubted is not None:
        missed = _missed(odds, dict(best), doubted)
        lines += tuple(_line(product_id, 0, odds, dict(best), [], products) for product_id in missed)
    return Basket(lines=lines, probability=min(probability, 1.0))


def _least_wrong(odds: list[tuple[tuple[tuple[str, int], ...], float]]) -> tuple[tuple[str, int], ...]:
    """Of the likely baskets and the one that takes each product by itself, that with the least expected error.

    Who of two holds a thing is one question: a basket that hedges it (both may have it, so neither is charged) is never
    exactly right, however few its wrong units are.
    """
    candidates = [basket for basket, _ in odds[:_COMPARED]]
    by_item = _item_by_item(odds)
    if by_item not in candidates:
        candidates.append(by_item)
    costs = [
        math.fsum(p * (_apart(basket, other) + _EXACT * (basket != other)) for other, p in odds)
        for basket in candidates
    ]
    best = min(range(len(candidates)), key=lambda index: (round(costs[index], 9), index))
    return candidates[best]


def _apart(one: tuple[tuple[str, int], ...], other: tuple[tuple[str, int], ...]) -> int:
    """Units by which two baskets differ."""
    counts = dict(one)
    for product_id, count in other:
        counts[product_id] = counts.get(product_id, 0) - count
    return sum(abs(count) for count in counts.values())


def _item_by_item(odds: list[tuple[tuple[tuple[str, int], ...], float]]) -> tuple[tuple[str, int], ...]:
    """Each product's most probable quantity by itself; of equal ones the smaller, in the shopper's favour."""
    counts: dict[str, dict[int, float]] = {}
    for basket, probability in odds:
        for product_id, count in basket:
            table = counts.setdefault(product_id, {})
            table[count] = table.get(count, 0.0) + probability
    best = {}
    for product_id, table in counts.items():
        table[0] = 1.0 - math.fsum(table.values())
        best[product_id] = min(table, key=lambda count, table=table: (-round(table[count], 9), count))  # type: ignore[misc]
    return tuple(sorted((product_id, count) for product_id, count in best.items() if count))


def _missed(odds: list[tuple[tuple[tuple[str, int], ...], float]], best: dict[str, int], doubted: float) -> list[str]:
    """Products that the best basket lacks and some other holds, with more than this probability, likeliest first."""
    chances: dict[str, float] = {}
    for basket, probability in odds:
        for product_id, _ in basket:
            if product_id not in best:
                chances[product_id] = chances.get(product_id, 0.0) + probability
    found = [product_id for product_id, chance in chances.items() if chance > doubted]
    return sorted(found, key=lambda product_id: (-chances[product_id], product_id))


def _lots_behind(group: Group, owners: Sequence[str], best: tuple[tuple[str, int], ...]) -> dict[str, list[Lot]]:
    """Each product's lots in the most probable hypothesis that agrees on its quantity."""
    wanted = dict(best)
    found: dict[str, list[Lot]] = {}
    for hypothesis in group.hypotheses:
        table: dict[str, list[Lot]] = {}
        for owner in owners:
            for lot in lots_of(hypothesis.state, owner):
                table.setdefault(lot.product_id, []).append(lot)
        for product_id, lots in table.items():
            if product_id not in found and sum(lot.units for lot in lots) == wanted.get(product_id):
                found[product_id] = lots
        if len(found) == len(wanted):
            break
    return found


def _as_weighed(group: Group, owners: Sequence[str], line: CartLine, count: int) -> tuple[CartLine, float]:
    """A line of goods sold by weight with the mass that is most believed, and how much of the belief in so many
    scoops agrees with it: how much somebody took is as much a question as whether they took it.
    """
    found: list[tuple[float, float, list[Lot]]] = []
    for hypothesis in group.hypotheses:
        held = [lot for owner in owners for lot in lots_of(hypothesis.state, owner)]
        lots = [lot for lot in held if lot.product_id == line.product_id]
        if sum(lot.units for lot in lots) == count:
            found.append((math.fsum(lot.mass_g for lot in lots), math.exp(hypothesis.log_p), lots))

    def agreed(mass_g: float) -> float:
        slack_g = max(_SAME_MASS_G, _SAME_MASS_SHARE * mass_g)
        return math.fsum(p for other_g, p, _ in found if abs(other_g - mass_g) <= slack_g)

    total = math.fsum(p for _, p, _ in found)
    if not found or total <= 0.0:
        return line, 1.0
    best = max(range(len(found)), key=lambda index: (round(agreed(found[index][0]), 9), -index))
    mass_g, _, lots = found[best]
    share = min(agreed(mass_g) / total, 1.0)
    weighed = replace(
        line,
        mass_g=round(mass_g, 2),
        probability=round(line.probability * share, 4),
        caused_by=tuple(sorted({lot.origin for lot in lots})),
    )
    return weighed, share


def _line(
    product_id: str,
    count: int,
    odds: list[tuple[tuple[tuple[str, int], ...], float]],
    best: dict[str, int],
    lots: list[Lot],
    products: dict[str, Product],
) -> CartLine:
    same = 0.0
    others: dict[tuple[str, int], float] = {}
    for basket, probability in odds:
        counts = dict(basket)
        here = counts.get(product_id, 0)
        if here == count:
            same += probability
            continue
        # Where this product is missing, something that the best basket lacks may stand in its place.
        instead = [(name, n) for name, n in basket if n > best.get(name, 0) and name != product_id]
        key = instead[0] if here < count and instead else (product_id, here)
        others[key] = others.get(key, 0.0) + probability
    product = products.get(product_id)
    by_weight = product is not None and product.sold_by is SoldBy.WEIGHT
    mass_g = math.fsum(lot.mass_g for lot in lots) if lots else None
    alternatives = tuple(
        LineAlternative(product_id=name, quantity=n, probability=round(probability, 4))
        for (name, n), probability in sorted(others.items(), key=lambda item: (-item[1], item[0]))
        if probability >= _SHOWN
    )
    return CartLine(
        product_id=product_id,
        quantity=1 if by_weight and count else count,
        probability=round(min(same, 1.0), 4),
        caused_by=tuple(sorted({lot.origin for lot in lots})),
        alternatives=alternatives,
        mass_g=round(mass_g, 2) if by_weight and mass_g is not None else None,
    )


def explained(
    group: Group, mine: AbstractSet[str], groups: Groups, named: Callable[[Story], str | None]
) -> list[Caused[Decision]]:
    """What is believed of every open event that these tracks may have had a part in, in order of the events."""
    seqs = {event: None for item in group.hypotheses for event, story in item.history if mine & {*tracks_of(story)}}
    return [told for seq in sorted(seqs) for told in explain_event(group, seq, groups, named)]


def explain_event(
    group: Group, event_seq: int, groups: Groups, named: Callable[[Story], str | None]
) -> list[Caused[Decision]]:
    """What is believed of one open event; nothing where no explanation is worth telling."""
    explanations = tuple(
        Explanation(visit_id=named(story), action=story[1], items=story[2], probability=round(probability, 4))
        for story, probability in story_odds(group, event_seq)[:8]
        if probability >= 0.001
    )
    if not explanations:
        return []
    at_ns = groups.event(event_seq).at_ns
    told = EventExplained(at_ns=at_ns, event_seq=event_seq, explanations=explanations)
    return [Caused(told, (event_seq,))]
