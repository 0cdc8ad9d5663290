"""Small plots in characters, for terminals and logs."""

from __future__ import annotations

from jwo_cli.insight.audit import PlateTrace

WIDTH, HEIGHT = 64, 9
FRAME = 3  # rows that are no grams: the frame above and below, the seconds


def weight_plot(trace: PlateTrace, *, length_s: float, width: int = WIDTH, height: int = HEIGHT) -> str:
    """A plate's weight in grams over seconds from the begin of a change; lines stand where it began and ended.

    Absolute weight says nothing (tare, stock): what is drawn is the difference to the first value. Empty where the
    plate gave no weight at all.
    """
    import plotext

    pairs = [(at_s, grams) for at_s, grams in zip(trace.at_s, trace.grams, strict=True) if grams is not None]
    if not pairs:
        return ""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plot_size(width, height)
    plotext.yfrequency(height - FRAME)  # a label for each row: of others some fall on the same one
    plotext.plot([at_s for at_s, _ in pairs], [grams - pairs[0][1] for _, grams in pairs], marker="hd")
    plotext.vline(0.0)
    if length_s > 0:
        plotext.vline(length_s)
    return str(plotext.uncolorize(plotext.build())).strip("\n")
