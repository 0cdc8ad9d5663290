"""A rig from what cameras recorded: of a board that was carried, or of a person who walked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rig import Rigged, calibrate_rig
from jwo_cli.estimate.calibration.rig_walk import calibrate_walk
from jwo_cli.estimate.calibration.verdict import Judgement
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.boards import parse_board
from jwo_cli.sensors.views import board_views, named_sources, read_instants, same_size, shared_moments
from jwo_cli.sensors.walks import read_walk, thinned

HEIGHTS_M = (1.0, 2.3)


def rigged(
    sources: Sequence[str],
    lenses: Sequence[Lens],
    *,
    board: str,
    walker_m: float | None,
    times: Path | None,
    refine: bool,
    seen: Callable[[str], None],
) -> Rigged | Judgement:
    """Where the cameras of CAMERA=SOURCE stand to each other; from a board, or from a walker of that height.

    Raises UserError where neither or both are named.
    """
    if (walker_m is None) == (not board):
        fix = "Say --board with videos or pictures, or --walker HEIGHT with files of heads and feet (or detections)."
        raise UserError("a rig comes from a board or from a walker", fix=fix)
    named = named_sources(sources)
    instants = read_instants(times, list(named)) if times else None
    if walker_m is not None:
        return _walked(named, lenses, walker_m, instants)
    form = parse_board(board)
    views = [board_views(source, form, seen=seen) for source in named.values()]
    same_size(list(named), [(item.width_px, item.height_px) for item in views], lenses)
    return calibrate_rig(list(named), lenses, shared_moments(views, instants), refine_lenses=refine)


def _walked(
    named: Mapping[str, str], lenses: Sequence[Lens], height_m: float, instants: Sequence[Mapping[int, int]] | None
) -> Rigged | Judgement:
    if not HEIGHTS_M[0] <= height_m <= HEIGHTS_M[1]:
        raise UserError(f"nobody is {height_m:g} m tall", fix="Say the walker's height with shoes in metres: 1.75.")
    seen_by = [
        read_walk(name, Path(source), lens, height_m, instants[index] if instants is not None else None)
        for index, ((name, source), lens) in enumerate(zip(named.items(), lenses, strict=True))
    ]
    return calibrate_walk(list(named), lenses, thinned(seen_by), height_m)
