"""`jwo track`: follow people through detections, in one camera's image or on the floor over several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError

app = typer.Typer(no_args_is_help=True, help="Follow people through detections.")

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the tracks.")]
Rate = Annotated[
    float | None,
    typer.Option(
        "--fps",
        min=0.01,
        callback=console.finite,
        help="Frame numbers a second; without it, found from how fast people walk.",
    ),
]


@app.callback()
def group() -> None:
    """Follow people through detections."""


@app.command()
def mot(
    detections: Annotated[
        Path, typer.Argument(metavar="DETECTIONS", help="MOTChallenge rows: frame,id,x,y,w,h,score[,…] (.gz too).")
    ],
    out: Out,
    fps: Rate = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Only give the boxes ids, all frames at once: nothing is smoothed or filled in."),
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Track one camera's detections in its image; writes MOTChallenge rows with the frame numbers as given."""
    import numpy as np

    from jwo_cli.estimate.tracking.runs import Detections, join_image, track_image
    from jwo_cli.estimate.tracking.settings import TrackSettings
    from jwo_cli.recordings.mot import Boxes, read_detections, write_boxes

    rows = read_detections(detections)
    seen = Detections(frame=rows.frame, box_px=rows.box_px, score=rows.score, look=rows.look)
    with console.progress(f"following {len(rows)} boxes", quiet=as_json):
        found = (join_image if quick else track_image)(seen, TrackSettings(), fps)
    count = len(found.frame)
    write_boxes(
        out,
        Boxes(frame=found.frame, id=found.id, box_px=found.place, score=np.ones(count), look=np.zeros((count, 0))),
    )
    _tell(out, int(found.id.max(initial=0)), count, found.rate_hz, known=fps is not None, as_json=as_json)


@app.command()
def floor(
    detections: Annotated[
        list[str],
        typer.Option("--detections", metavar="CAM=FILE", help="A camera's MOTChallenge rows (or .npz); repeatable."),
    ],
    calibration: Annotated[
        Path,
        typer.Option(
            "--calibration",
            metavar="FILE",
            help="A layout with calibrated cameras, a file with poses (OpenCV, Kalibr, caliscope), or JSON/TOML with "
            '{"cameras": {"CAM": {"projection": 3x4 from metres to pixels, "size": [w, h]}}, "floor": polygon}.',
        ),
    ],
    out: Out,
    more: Annotated[list[str] | None, typer.Argument(metavar="[CAM=FILE]…", help="More cameras.")] = None,
    fps: Rate = None,
    as_json: console.AsJson = False,
) -> None:
    """Track people on the floor over all cameras; writes rows `frame id x y z` in metres, frame numbers as given."""
    from jwo_cli.estimate.tracking.runs import Detections, track_floor
    from jwo_cli.estimate.tracking.settings import TrackSettings
    from jwo_cli.recordings.floor_cameras import chosen, read_floor_cameras
    from jwo_cli.recordings.mot import Places, read_detections, write_places

    files = _by_camera([*detections, *(more or [])])
    cameras = read_floor_cameras(calibration)
    views = chosen(cameras, tuple(files), calibration)
    seen = []
    for path in files.values():
        rows = read_detections(path)
        seen.append(Detections(frame=rows.frame, box_px=rows.box_px, score=rows.score, look=rows.look))
    if len({part.look.shape[1] for part in seen if len(part.frame)}) > 1:
        raise UserError("the cameras' appearance vectors differ in length", fix="Give all cameras the same detector.")
    with console.progress(f"following {sum(len(part.frame) for part in seen)} boxes", quiet=as_json):
        found = track_floor(views, seen, TrackSettings(), rate_hz=fps, doors=cameras.doors, area=cameras.area)
    write_places(out, Places(frame=found.frame, id=found.id, xy=found.place))
    people = int(found.id.max(initial=0))
    _tell(out, people, len(found.frame), found.rate_hz, known=fps is not None, as_json=as_json)


def _by_camera(pairs: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for pair in pairs:
        name, mark, file = pair.partition("=")
        if not mark or not name or not file:
            raise UserError(f"{pair!r} names no camera", fix="Write CAM=FILE, for example cam1=cam1.txt.")
        if name in files:
            raise UserError(f"camera {name!r} is given twice", fix="Give each camera one file.")
        files[name] = Path(file)
    return files


def _tell(out: Path, people: int, rows: int, rate_hz: float, *, known: bool, as_json: bool) -> None:
    if as_json:
        console.print_json({"out": str(out), "tracks": people, "rows": rows, "fps": round(rate_hz, 3)})
        return
    if not known:
        console.say(f"taken to be {rate_hz:.1f} frame numbers a second, by how fast people walk; --fps says it exactly")
    console.say(f"wrote {out}: {people} tracks, {rows} rows")
