"""A gate's camera: phones come, are held, and go; between them nobody is there."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("zxingcpp")

from jwo_cli.sensors.gate_codes import GateReader
from jwo_cli.sensors.qr import modules
from jwo_cli.synthetic.film.phones import FPS, MOVES_NS, GateFilm, Showing, show_phone

S = 1_000_000_000
FIRST, SECOND = "FB2Q:O0E6HZOKJ0$G0284VY39H6NYMTXD.54V0", "FB2Q:O0E6HZOKJ0$G0XF4M4SHH6N1WO7G0ROQ3"


def film(seed: int = 1) -> GateFilm:
    """One phone from 1 s to 2 s, another from 4 s to 5 s."""
    return GateFilm(
        [
            Showing(begin_ns=4 * S, end_ns=5 * S, modules=modules(SECOND)),
            Showing(begin_ns=S, end_ns=2 * S, modules=modules(FIRST)),
        ],
        seed=seed,
    )


def test_a_phone_shows_a_code_that_readers_read() -> None:
    """Held as people hold it, at the size that gates must manage."""
    read = [
        [code.text for code in GateReader().read(show_phone(modules(FIRST), seed=seed, size_px=120))]
        for seed in range(20)
    ]
    assert sum(found == [FIRST] for found in read) >= 18


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_code_is_read_while_it_is_held_and_no_other(seed: int) -> None:
    """Nearly every frame of a phone that is held still gives its code; before, between and after there is none."""
    reader, shown = GateReader(), film(seed)
    found: dict[int, list[str]] = {}
    for number in range(round(6 * FPS)):
        at_ns = round(number * S / FPS)
        found[at_ns] = [code.text for code in reader.read(shown.frame(at_ns))]
    for begin_s, text in ((1, FIRST), (4, SECOND)):
        held = [texts for at_ns, texts in found.items() if begin_s * S <= at_ns <= (begin_s + 1) * S]
        assert sum(texts == [text] for texts in held) >= 0.9 * len(held)
    empty = [texts for at_ns, texts in found.items() if 2 * S + MOVES_NS <= at_ns <= 4 * S - MOVES_NS]
    assert empty
    assert not any(empty)


def test_the_same_seed_gives_the_same_film() -> None:
    """And another one another."""
    one, again, other = (film(seed).frame(round(1.5 * S)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_picture_is_never_the_one_before() -> None:
    """A sensor's grain moves, also where nobody is: a camera that stands still would be taken for frozen."""
    shown = film()
    assert not np.array_equal(shown.frame(3 * S), shown.frame(3 * S))
