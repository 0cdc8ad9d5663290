"""From pixels to receipts: a filmed shopper is charged for what they took."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("zxingcpp")

from jwo_cli.drive.film import film_demo
from jwo_cli.model.decisions import Settlement
from jwo_cli.synthetic.sample import SOUP, START_NS
from jwo_cli.synthetic.scripts import Actor, Leave, Pick, Script


@pytest.mark.slow
def test_one_shopper_from_the_code_on_the_phone_to_the_receipt(tmp_path: Path) -> None:
    """Two tins, one account, settled by itself; nothing but the films says who was there."""
    ben = Actor(key="ben", enter_s=1.0, acts=(Pick(product=SOUP, count=2), Leave()), account="account-ben", hurry=1.3)
    script = Script(name="film", scenario="film", seed=6, start_ns=START_NS, actors=(ben,))
    done: list[float] = []
    shown = film_demo(tmp_path / "film", seed=6, say=lambda _: None, script=script, progress=done.append)
    assert (shown.visits, shown.receipts_right, shown.codes_read) == (1, 1, 1)
    (receipt,) = (receipt for receipt in shown.receipts if receipt.lines)
    assert receipt.settled is Settlement.AUTOMATIC
    assert [(line.product_id, line.quantity) for line in receipt.lines] == [(SOUP, 2)]
    assert 0.9 < sum(done) <= 1.01
    assert sorted(path.name for path in (tmp_path / "film").iterdir()) == [
        "c1.mp4",
        "c2.mp4",
        "c3.mp4",
        "c4.mp4",
        "recording",
    ]
