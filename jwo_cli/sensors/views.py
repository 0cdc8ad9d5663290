"""Views of a board from pictures and videos, with what the estimate cannot see: windows that are wider than squares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jwo_cli.estimate.calibration.intrinsics import View
from jwo_cli.estimate.calibration.lens import Lens
from jwo_cli.estimate.calibration.rig_start import Moment
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.boards import WINDOW_PX, Board, find_corners, squares_px
from jwo_cli.sensors.pictures import pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """One camera's views of the board: `numbers` their places in the source, `looked` pictures looked at.

    `wide` names the views whose refinement window took in other corners than the one it refined.
    """

    views: tuple[View, ...]
    numbers: tuple[int, ...]
    looked: int
    width_px: int
    height_px: int
    wide: tuple[str, ...] = ()


def board_views(
    source: str,
    board: Board,
    *,
    window_px: int = WINDOW_PX,
    every: int = 1,
    seen: Callable[[str], None] = lambda _: None,
) -> Views:
    """Every view of the board in a source (see `pictures`). Raises UserError where pictures differ in size."""
    views: list[View] = []
    numbers: list[int] = []
    wide: list[str] = []
    size: tuple[int, int] | None = None
    looked = 0
    for picture in pictures(source, every=every):
        height, width = picture.grey.shape
        if size is not None and size != (width, height):
            problem = f"{picture.name} is {width}x{height}, the pictures before it {size[0]}x{size[1]}"
            raise UserError(problem, fix="Calibrate with pictures of one camera in one resolution.")
        size = (width, height)
        looked += 1
        seen(picture.name)
        found = find_corners(picture.grey, board, window_px=window_px)
        if found is None:
            continue
        views.append(View(name=picture.name, points_m=found[0], px=found[1]))
        numbers.append(picture.number)
        if window_px > squares_px(found[1], board) / 2:
            wide.append(picture.name)
    if size is None:
        raise UserError(f"there are no pictures at {source}", fix="Check the path, or a smaller --every.")
    return Views(
        views=tuple(views), numbers=tuple(numbers), looked=looked, width_px=size[0], height_px=size[1], wide=tuple(wide)
    )


def shared_moments(cameras: Sequence[Views], instants: Sequence[Mapping[int, int]] | None = None) -> list[Moment]:
    """The views of several cameras by shared instants: equal numbers, or as `instants` (number -> instant) says."""
    out = []
    for index, views in enumerate(cameras):
        for view, number in zip(views.views, views.numbers, strict=True):
            instant = number if instants is None else instants[index].get(number)
            if instant is not None:
                out.append(Moment(camera=index, instant=instant, view=view))
    return out


def read_instants(file: Path, names: Sequence[str]) -> list[dict[int, int]]:
    """Frame number -> shared instant of each camera, from a CSV with `sync_index,cam_id,frame_index`.

    Raises UserError with the line that is wrong, or where a camera has none.
    """
    import csv

    out: list[dict[int, int]] = [{} for _ in names]
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            for line, row in enumerate(csv.DictReader(text), start=2):
                try:
                    name, frame, instant = row["cam_id"], int(row["frame_index"]), int(row["sync_index"])
                except (KeyError, TypeError, ValueError):
                    fix = "Give the columns sync_index, cam_id and frame_index, whole numbers."
                    raise UserError(f"{file}:{line}: this is no time of a frame", fix=fix) from None
                if name in names:
                    out[names.index(name)][frame] = instant
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: {error}", fix="Check the path.") from None
    lost = [name for name, own in zip(names, out, strict=True) if not own]
    if lost:
        raise UserError(f"{file} says nothing of {', '.join(lost)}", fix="Its cam_id must be the cameras' names.")
    return out


def named_sources(sources: Sequence[str]) -> dict[str, str]:
    """Camera -> its source, from CAMERA=SOURCE. Raises UserError where one is not of that form, or comes twice."""
    named: dict[str, str] = {}
    for item in sources:
        name, _, source = item.partition("=")
        if not name or not source or name in named:
            problem = f"{item!r} names no camera and its source" if name not in named else f"{name} is named twice"
            raise UserError(problem, fix="Write CAMERA=SOURCE, such as c1=c1.mp4, each camera once.")
        named[name] = source
    return named


def same_size(names: Sequence[str], sizes: Sequence[tuple[int, int]], lenses: Sequence[Lens]) -> None:
    """Raises UserError where pictures are of another size than their lens was calibrated for."""
    for name, (width, height), lens in zip(names, sizes, lenses, strict=True):
        if (width, height) != (lens.width_px, lens.height_px):
            there = f"{lens.width_px}x{lens.height_px}"
            problem = f"{name}'s pictures are {width}x{height}, its lens was calibrated at {there}"
            raise UserError(problem, fix="Record at the resolution of the calibration, or calibrate the lens again.")
