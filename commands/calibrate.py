"""`jwo calibrate`: lenses, rigs, the store's frame, scales and clocks, with verdicts; and whether they still hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import LensKind

if TYPE_CHECKING:
    from jwo_cli.estimate.calibration.lens import Lens
    from jwo_cli.estimate.calibration.report import Report
    from jwo_cli.layouts.cameras_io import CameraFile
    from jwo_cli.model.layout import Store
    from jwo_cli.sensors.views import Views

HELP = "Calibrate cameras, rigs, the floor, scales and clocks; check whether it still holds."
app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=HELP)

BoardForm = Annotated[
    str,
    typer.Option(
        "--board", metavar="BOARD", help="chessboard:9x6:0.025 (inner corners, metres) or charuco:4x5:0.054:0.75:DICT."
    ),
]
LayoutOption = Annotated[Path | None, typer.Option("--layout", metavar="LAYOUT", help="The layout to write.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Write no layout and no calibration, only the picture.")]
Picture = Annotated[Path | None, typer.Option("--picture", metavar="FILE", help="Where the picture (PNG) is written.")]


@app.callback()
def group() -> None:
    """Calibrate cameras, rigs, the floor, scales and clocks; check whether it still holds."""


@app.command()
def camera(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Images: a folder, 'left*.jpg' in quotes; or a video.")
    ],
    board: BoardForm,
    layout: LayoutOption = None,
    camera_id: Annotated[str, typer.Option("--camera", metavar="ID", help="Which camera of the layout it is.")] = "",
    lens: Annotated[LensKind, typer.Option("--lens", help="equidistant for fisheyes.")] = LensKind.RADTAN,
    window: Annotated[
        str, typer.Option("--window", help="Half the corner window in px; auto lets it follow small squares.")
    ] = "11",
    every: Annotated[int, typer.Option("--every", min=1, help="Look at each n-th picture.")] = 1,
    export: Annotated[Path | None, typer.Option("--export", metavar="DIR", help="Also write OpenCV YAML here.")] = None,
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """Intrinsics of one camera from pictures of a board: focal length, centre, distortion, and how sure they are."""
    from jwo_cli.estimate.calibration.intrinsics import calibrate
    from jwo_cli.estimate.calibration.telling import lens_report
    from jwo_cli.estimate.calibration.verdict import Judgement
    from jwo_cli.layouts import calibrated
    from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, write_cameras
    from jwo_cli.layouts.draw_calibration import draw_lens
    from jwo_cli.sensors.boards import parse_board
    from jwo_cli.sensors.views import board_views

    store = _store(layout, [camera_id] if layout else [])
    name = camera_id or "".join(sign for sign in Path(source).stem if sign.isalnum() or sign in "-_") or "camera"
    with console.progress("looking for the board", quiet=as_json) as bar:
        views = board_views(source, parse_board(board), window_px=_window(window), every=every, seen=bar.describe)
    found = calibrate(views.views, views.width_px, views.height_px, kind=lens)
    if isinstance(found, Judgement):
        _finish(lens_report(name, found), as_json=as_json)
    drawn = draw_lens(found, picture or Path(f"{name}-lens.png"), title=f"{name}: {found.judgement.verdict.value}")
    files: list[Path] = []
    report = lens_report(name, found, looked=views.looked, wide=views.wide, picture=str(drawn))
    if not dry_run and report.verdict != "refused":
        if store is not None and layout is not None:
            files += calibrated.write_back(calibrated.with_lens(store, camera_id, found.lens), layout)
        if export is not None:
            files += write_cameras([CameraFile(name=name, lens=found.lens)], export, CameraFormat.OPENCV)[0]
    _finish(report, files, as_json=as_json)


@app.command()
def rig(
    sources: Annotated[list[str], typer.Argument(metavar="CAMERA=SOURCE…", help="One video or folder per camera.")],
    board: BoardForm,
    layout: LayoutOption = None,
    intrinsics: Annotated[
        list[Path] | None,
        typer.Option(
            "--intrinsics", metavar="FILE", help="Lenses (OpenCV, ROS, Kalibr); else the layout's. Repeatable."
        ),
    ] = None,
    times: Annotated[
        Path | None, typer.Option("--times", metavar="CSV", help="sync_index,cam_id,frame_index; else equal numbers.")
    ] = None,
    refine: Annotated[bool, typer.Option("--refine-lenses", help="Let focal lengths and bends move, too.")] = False,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The rig, in the first camera's frame (Kalibr camchain).")
    ] = Path("rig.yaml"),
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """Where several cameras stand to each other, from a board that is carried through what they see."""
    from jwo_cli.estimate.calibration.rig import calibrate_rig
    from jwo_cli.estimate.calibration.telling import rig_report
    from jwo_cli.estimate.calibration.verdict import Judgement
    from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, write_cameras
    from jwo_cli.layouts.draw_calibration import draw_rig
    from jwo_cli.sensors.boards import parse_board
    from jwo_cli.sensors.views import board_views, read_instants, shared_moments

    named = _named(sources)
    names = list(named)
    store = _store(layout, names if layout else [])
    lenses = [item.lens for item in _lenses(names, intrinsics or [], store)]
    form = parse_board(board)
    instants = read_instants(times, names) if times else None
    with console.progress("looking for the board", quiet=as_json) as bar:
        views = [board_views(source, form, seen=bar.describe) for source in named.values()]
    _same_size(names, views, lenses)
    found = calibrate_rig(names, lenses, shared_moments(views, instants), refine_lenses=refine)
    if isinstance(found, Judgement):
        _finish(rig_report(names, found), as_json=as_json)
    drawn = draw_rig(names, found, picture or Path("rig.png"), title=f"rig: {found.judgement.verdict.value}")
    report = rig_report(names, found, picture=str(drawn))
    files: list[Path] = []
    if not dry_run and report.verdict != "refused":
        rigged = zip(names, found.lenses, found.cameras, strict=True)
        cameras = [CameraFile(name=name, lens=lens, pose=pose) for name, lens, pose in rigged]
        written, lost = write_cameras(cameras, out, CameraFormat.KALIBR)
        console.findings(lost)
        files += written
        if store is not None and layout is not None:
            files += _place_as_drawn(store, layout, cameras)
    _finish(report, files, as_json=as_json)


def _finish(report: Report, files: list[Path] | None = None, *, as_json: bool) -> NoReturn:
    """Print the report and end: 0 for pass and marginal, 1 for refused."""
    from jwo_cli.estimate.calibration.telling import with_files

    report = with_files(report, [str(file) for file in files or []])
    if as_json:
        figures = {figure.name: figure.value for figure in report.figures}
        document = {"what": report.what, "verdict": report.verdict, **figures, "reasons": report.reasons}
        console.print_json({**document, "picture": report.picture, "files": report.files})
    else:
        rows = [(item.name, _number(item.value), item.unit, item.note) for item in report.figures]
        if rows:
            console.table(("figure", "value", "", ""), rows, title=report.what)
        for reason in report.reasons:
            fix = f" {reason.fix}" if reason.fix else ""
            console.out(f"  {reason.verdict.value:9} {reason.text}.{fix}")
        console.out(f"{report.what}: {report.verdict.value}")
        for file in [report.picture, *report.files]:
            if file:
                console.say(f"wrote {file}")
    console.finish(console.FINDINGS if report.verdict == "refused" else console.FINE)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"


def _store(layout: Path | None, cameras: list[str]) -> Store | None:
    """The layout, with the cameras that will be written. Raises UserError before any work is done."""
    from jwo_cli.layouts.calibrated import camera_of, open_store

    if layout is None:
        return None
    store = open_store(layout)
    for camera_id in cameras:
        if not camera_id:
            raise UserError("which camera of the layout this is was not said", fix="Say --camera ID.")
        camera_of(store, camera_id)
    return store


def _window(text: str) -> int:
    """The corner window in px, 0 for auto."""
    if text == "auto":
        return 0
    if text.isdigit() and 2 <= int(text) <= 50:
        return int(text)
    raise UserError(f"--window {text!r} is no size", fix="Say a whole number from 2 to 50, or auto.")


def _named(sources: list[str]) -> dict[str, str]:
    """Camera -> its source, from CAMERA=SOURCE."""
    named: dict[str, str] = {}
    for item in sources:
        name, _, source = item.partition("=")
        if not name or not source or name in named:
            problem = f"{item!r} names no camera and its source" if name not in named else f"{name} is named twice"
            raise UserError(problem, fix="Write CAMERA=SOURCE, such as c1=c1.mp4, each camera once.")
        named[name] = source
    return named


def _lenses(names: list[str], files: list[Path], store: Store | None) -> list[CameraFile]:
    """Each camera's lens, from the files (by name, or in order where the count agrees) or from the layout."""
    from jwo_cli.estimate.calibration.lens import lens_of
    from jwo_cli.layouts.cameras_io import CameraFile, read_cameras

    read = [camera for file in files for camera in read_cameras(file)]
    by_name = {camera.name: camera for camera in read}
    if read and len(read) == len(names) and not set(names) <= set(by_name):
        by_name = dict(zip(names, read, strict=True))
    if store is not None:
        for camera in store.cameras:
            lens = lens_of(camera)
            if lens is not None and camera.camera_id not in by_name:
                by_name[camera.camera_id] = CameraFile(name=camera.camera_id, lens=lens)
    lost = [name for name in names if name not in by_name]
    if lost:
        fix = "Calibrate them first (`jwo calibrate camera`), or say --intrinsics FILE."
        raise UserError(f"the lens of {', '.join(lost)} is not known", fix=fix)
    return [by_name[name] for name in names]


def _same_size(names: list[str], views: list[Views], lenses: list[Lens]) -> None:
    for name, seen, lens in zip(names, views, lenses, strict=True):
        if (seen.width_px, seen.height_px) != (lens.width_px, lens.height_px):
            size = f"{seen.width_px}x{seen.height_px}"
            problem = f"{name}'s pictures are {size}, its lens was calibrated at {lens.width_px}x{lens.height_px}"
            raise UserError(problem, fix="Record at the resolution of the calibration, or calibrate the lens again.")


def _place_as_drawn(store: Store, layout: Path, cameras: list[CameraFile]) -> list[Path]:
    """The rig into the layout, turned onto where the cameras were drawn: good to a decimetre until `floor` is done."""
    from jwo_cli.layouts.calibrated import camera_of, drawn_alignment, with_lens, with_pose, write_back

    poses = [camera.pose for camera in cameras if camera.pose is not None]
    store_from_rig, off_m = drawn_alignment([camera_of(store, camera.name) for camera in cameras], poses)
    for camera, pose in zip(cameras, poses, strict=True):
        store = with_lens(store, camera.name, camera.lens)
        store = with_pose(store, camera.name, pose.after(store_from_rig.inverse()))
    console.say(f"the rig was laid onto the drawn cameras ({off_m:.2f} m off); `jwo calibrate floor` places it exactly")
    return list(write_back(store, layout))
