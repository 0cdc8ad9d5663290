"""A seeded day at the till: visits that hold, take, correct and give back, as the engine would decide them."""

from __future__ import annotations

import random

from jwo_cli.model.paying import PaymentPurpose as Purpose

from .till import Store


def visit(shop: Store, draws: random.Random, name: str, *, account: str) -> int:
    """Append the dues of one visit; what the shopper owes in the end, minor units."""
    owed = draws.choice([0, draws.randint(50, 6000)])
    held = None
    if draws.random() < 0.4:
        held = shop.due(Purpose.AUTHORISE, 2000, visit=name, account=account, receipt=False)
    if owed == 0:
        if held is not None:
            shop.due(Purpose.CANCEL, 2000, visit=name, account=account, receipt=False, held=held)
        return 0
    captured = min(owed, 2000) if held is not None else 0
    if captured:
        shop.due(Purpose.CAPTURE, captured, visit=name, account=account, held=held)
    if owed > captured:
        shop.due(Purpose.CHARGE, owed - captured, visit=name, account=account)
    if draws.random() < 0.2:
        back = draws.randint(1, owed)
        shop.due(Purpose.REFUND, back, visit=name, account=account, decision=1)
        owed -= back
        if draws.random() < 0.3:
            more = draws.randint(50, 500)
            shop.due(Purpose.CHARGE, more, visit=name, account=account, decision=2)
            owed += more
    return owed
