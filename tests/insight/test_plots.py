"""Plots in characters: what stands at a row is what the row means."""

from __future__ import annotations

import re
from itertools import pairwise

from jwo_cli.insight.audit import PlateTrace
from jwo_cli.insight.plots import FRAME, HEIGHT, weight_plot


def test_every_row_has_its_own_grams() -> None:
    """Labels fall by the same step from row to row; none is left out."""
    at_s = tuple(place / 10 for place in range(-30, 50))
    grams = tuple(509.6 - 95.4 * min(max(at, 0.0), 1.0) for at in at_s)
    plot = weight_plot(PlateTrace(plate_id="p", at_s=at_s, grams=grams), length_s=1.0)
    labels = [float(label) for label in re.findall(r"(-?\d+\.\d+)┤", plot)]
    assert len(labels) == HEIGHT - FRAME
    steps = [above - below for above, below in pairwise(labels)]
    assert max(steps) - min(steps) < 0.25


def test_a_plate_that_gave_nothing_has_no_plot() -> None:
    """There is nothing to draw."""
    assert weight_plot(PlateTrace(plate_id="p", at_s=(0.0,), grams=(None,)), length_s=1.0) == ""
