"""Which promotions apply to which units: the cheapest way for the shopper, found exactly, the same for any order.

A unit takes part in one promotion at most; promotions do not stack. Percent and amount off work on single units.
Multi-buys and buy-n-pay-m take units together, across products; paid units of these count at their shelf price.
Costs are integers in hundredths of a minor unit, so that a percentage is exact until its line is rounded.

The search walks the units from the dearest to the cheapest and keeps, for each way of having begun bundles (how many
units each promotion holds of its unfinished one), the least cost so far. From dearest to cheapest, filling the bundles
of a buy-n-pay-m one after the other frees the most money of all partitions: no partition has more free units among the
dearest k, for any k. So the walk is exact in time units × product of bundle sizes, not exponential in the basket.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from jwo_cli.model.catalogue import Catalogue, Product, Promotion, PromotionKind

from .pricing_rounding import apportion

# Promotions that share products are solved together while their bundle sizes multiply to no more than this. Five
# overlapping three-for-twos are 243; 40 units at the bound took 0.3 s. Beyond it the best are solved first, the others
# on what is left: never worse than without them, always the same.
MAX_STATES = 1024

_State = tuple[int, ...]
_GROUPED = (PromotionKind.MULTI_BUY, PromotionKind.BUY_N_PAY_M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Units of one product in a basket, and the price of one on the shelf (minor units)."""

    product_id: str
    price_minor: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What promotions take off a stack: whole minor units from bundles, hundredths from single units' promotions."""

    bundles_minor: int = 0
    singles_hundredths: int = 0
    promotions: tuple[Promotion, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unit:
    stack: int
    price: int  # minor units
    single: int  # hundredths


def is_sound(promotion: Promotion) -> bool:
    """Whether a promotion can be meant: no more than everything off, fewer units to pay than to buy."""
    match promotion.kind:
        case PromotionKind.PERCENT_OFF:
            return 0 <= promotion.value <= 100
        case PromotionKind.AMOUNT_OFF:
            return promotion.value >= 0
        case PromotionKind.MULTI_BUY:
            return promotion.value >= 0 and promotion.quantity >= 1
        case PromotionKind.BUY_N_PAY_M:
            return 0 <= promotion.value < promotion.quantity


def valid_promotions(catalogue: Catalogue, at_ns: int) -> tuple[Promotion, ...]:
    """The sound promotions in force at `at_ns` (from ≤ at < until), in catalogue order."""
    return tuple(
        promotion
        for promotion in catalogue.promotions
        if (promotion.from_ns is None or promotion.from_ns <= at_ns)
        and (promotion.until_ns is None or at_ns < promotion.until_ns)
        and is_sound(promotion)
    )


def best_single(product: Product, promotions: Sequence[Promotion]) -> tuple[int, Promotion | None]:
    """The least price of one unit (or kilogram) by a promotion of its own, in hundredths, and which (None: none)."""
    names = (product.product_id, *product.aliases)
    return _single(product.price_minor, [p for p in promotions if any(name in names for name in p.products)])


def _single(price_minor: int, promotions: Sequence[Promotion]) -> tuple[int, Promotion | None]:
    best, chosen = 100 * price_minor, None
    for promotion in promotions:
        if promotion.kind is PromotionKind.PERCENT_OFF:
            cost = price_minor * (100 - promotion.value)
        elif promotion.kind is PromotionKind.AMOUNT_OFF:
            cost = 100 * max(0, price_minor - promotion.value)
        else:
            continue
        if cost < best:
            best, chosen = cost, promotion
    return best, chosen


def best_savings(stacks: Sequence[Stack], promotions: Sequence[Promotion]) -> tuple[Saving, ...]:
    """What each stack saves under the cheapest assignment of units to promotions.

    `stacks` have one product each, `promotions` name products as the stacks do. A bundle's saving is a whole number of
    minor units and is spread over its products by shelf price, so that the bundle costs exactly what was promised and
    an item given back refunds its share.
    """
    by_stack = [[p for p in promotions if stack.product_id in p.products] for stack in stacks]
    singles = [_single(stack.price_minor, mine) for stack, mine in zip(stacks, by_stack, strict=True)]
    units = [
        _Unit(i, stack.price_minor, singles[i][0])
        for i, stack in sorted(enumerate(stacks), key=lambda pair: (-pair[1].price_minor, pair[0]))
        for _ in range(stack.quantity)
    ]
    grouped = [p for p in promotions if p.kind in _GROUPED]
    may = {i: tuple(g for g, p in enumerate(grouped) if p in by_stack[i]) for i in range(len(stacks))}
    chosen = _assign(units, grouped, may)
    bundles = _spread(units, grouped, chosen, stacks)
    savings = []
    for i, stack in enumerate(stacks):
        alone = sum(1 for unit, group in zip(units, chosen, strict=True) if unit.stack == i and group is None)
        cost, single = singles[i]
        used = {group for unit, group in zip(units, chosen, strict=True) if unit.stack == i and group is not None}
        names = [p for g, p in enumerate(grouped) if g in used] + ([single] if single is not None and alone else [])
        saved = alone * (100 * stack.price_minor - cost)
        savings.append(Saving(bundles_minor=bundles[i], singles_hundredths=saved, promotions=tuple(names)))
    return tuple(savings)


def _spread(
    units: Sequence[_Unit], grouped: Sequence[Promotion], chosen: Sequence[int | None], stacks: Sequence[Stack]
) -> list[int]:
    """Each stack's share of what the bundles of each promotion save, minor units."""
    shares = [0] * len(stacks)
    for g, promotion in enumerate(grouped):
        mine = [unit for unit, group in zip(units, chosen, strict=True) if group == g]
        listed = [sum(unit.price for unit in mine if unit.stack == i) for i in range(len(stacks))]
        paid = sum(_step_cost(promotion, k % promotion.quantity, unit) for k, unit in enumerate(mine)) // 100
        for i, share in enumerate(apportion(sum(listed) - paid, listed)):
            shares[i] += share
    return shares


def _step_cost(promotion: Promotion, held: int, unit: _Unit) -> int:
    """Hundredths for putting `unit` into a bundle that already holds `held` units, all of them dearer or equal."""
    if promotion.kind is PromotionKind.MULTI_BUY:
        return 100 * promotion.value if held == 0 else 0
    return 100 * unit.price if held < promotion.value else 0


def _assign(units: Sequence[_Unit], grouped: Sequence[Promotion], may: dict[int, tuple[int, ...]]) -> list[int | None]:
    """The promotion of each unit (index into `grouped`) or None, at the least cost; ties go to None, then the first."""
    chosen: list[int | None] = [None] * len(units)
    for batch in _batches(units, grouped, may):
        free = [k for k, unit in enumerate(units) if chosen[k] is None and any(g in may[unit.stack] for g in batch)]
        sub = [units[k] for k in free]
        for k, group in zip(free, _walk(sub, grouped, may, batch), strict=True):
            chosen[k] = group
    return chosen


def _batches(
    units: Sequence[_Unit], grouped: Sequence[Promotion], may: dict[int, tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """Promotions to solve together: those that share units, as many as `MAX_STATES` allows, the most saving first."""
    reach = {g: [k for k, unit in enumerate(units) if g in may[unit.stack]] for g in range(len(grouped))}
    useful = [g for g in reach if len(reach[g]) >= grouped[g].quantity]
    components: list[list[int]] = []
    for g in useful:
        near = [c for c in components if any(not set(reach[g]).isdisjoint(reach[other]) for other in c)]
        components = [c for c in components if c not in near] + [[other for c in near for other in c] + [g]]
    batches: list[tuple[int, ...]] = []
    for component in components:
        if math.prod(grouped[g].quantity for g in component) <= MAX_STATES:
            batches.append(tuple(sorted(component)))
            continue
        alone = {g: _alone_saving([units[k] for k in reach[g]], grouped, may, g) for g in component}
        batch: list[int] = []
        for g in sorted(component, key=lambda g: (-alone[g], g)):
            if batch and math.prod(grouped[other].quantity for other in [*batch, g]) > MAX_STATES:
                batches.append(tuple(sorted(batch)))
                batch = []
            batch.append(g)
        batches.append(tuple(sorted(batch)))
    return batches


def _alone_saving(units: list[_Unit], grouped: Sequence[Promotion], may: dict[int, tuple[int, ...]], g: int) -> int:
    """Hundredths that promotion `g` would save if it were the only one."""
    taken = [unit for unit, group in zip(units, _walk(units, grouped, may, (g,)), strict=True) if group == g]
    cost = sum(_step_cost(grouped[g], k % grouped[g].quantity, unit) for k, unit in enumerate(taken))
    return sum(unit.single for unit in taken) - cost


def _walk(
    units: Sequence[_Unit], grouped: Sequence[Promotion], may: dict[int, tuple[int, ...]], batch: tuple[int, ...]
) -> list[int | None]:
    """The exact search over one batch of promotions; `units` from the dearest to the cheapest."""
    sizes = [grouped[g].quantity for g in batch]
    left = [[0] * len(batch) for _ in range(len(units) + 1)]  # units still to come that each promotion may use
    for k in range(len(units) - 1, -1, -1):
        left[k] = [count + (g in may[units[k].stack]) for count, g in zip(left[k + 1], batch, strict=True)]
    start: _State = (0,) * len(batch)
    layer: dict[_State, int] = {start: 0}
    trail: list[dict[_State, tuple[_State, int | None]]] = []
    for k, unit in enumerate(units):
        following: dict[_State, int] = {}
        came: dict[_State, tuple[_State, int | None]] = {}
        options = [(b, g) for b, g in enumerate(batch) if g in may[unit.stack]]
        for state, cost in layer.items():
            moves: list[tuple[_State, int, int | None]] = [(state, cost + unit.single, None)]
            for b, g in options:
                moved = (*state[:b], (state[b] + 1) % sizes[b], *state[b + 1 :])
                moves.append((moved, cost + _step_cost(grouped[g], state[b], unit), g))
            for moved, total, group in moves:
                if moved in following and following[moved] <= total:
                    continue
                if _can_finish(moved, sizes, left[k + 1], len(units) - k - 1):
                    following[moved], came[moved] = total, (state, group)
        layer = following
        trail.append(came)
    chosen: list[int | None] = []
    state = start
    for came in reversed(trail):
        state, group = came[state]
        chosen.append(group)
    return chosen[::-1]


def _can_finish(state: _State, sizes: Sequence[int], left: Sequence[int], units_left: int) -> bool:
    """Whether the units to come can fill every bundle that was begun."""
    missing = [(size - held) % size for held, size in zip(state, sizes, strict=True)]
    return sum(missing) <= units_left and all(need <= have for need, have in zip(missing, left, strict=True))
