"""`jwo calibrate`: lenses, rigs, the store's frame, scales and clocks, with verdicts; and whether they still hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from jwo_cli import console
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import LensKind

if TYPE_CHECKING:
    from jwo_cli.estimate.calibration.report import Report
    from jwo_cli.model.layout import Store

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
    found = calibrate(views.views, views.width_px, views.height_px, kind=lens, looked=views.looked)
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
    sources: Annotated[
        list[str], typer.Argument(metavar="CAMERA=SOURCE…", help="A video or folder each; with --walker a table each.")
    ],
    board: Annotated[str, typer.Option("--board", metavar="BOARD", help="The board that was carried, as above.")] = "",
    walker: Annotated[
        float | None,
        typer.Option("--walker", metavar="M", help="No board: this tall is who walked; heads and feet, or boxes."),
    ] = None,
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
        Path,
        typer.Option("--out", metavar="DIR", help="The rig, in the first camera's frame or on the walker's floor."),
    ] = Path("rig"),
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """Where several cameras stand to each other, from a board that is carried, or a person who walks, before them."""
    from jwo_cli.estimate.calibration.telling import rig_report
    from jwo_cli.estimate.calibration.verdict import Judgement
    from jwo_cli.layouts.calibrated import known_cameras, write_back
    from jwo_cli.layouts.cameras_io import CameraFile, CameraFormat, write_cameras
    from jwo_cli.layouts.draw_calibration import draw_rig
    from jwo_cli.layouts.placing import place_as_drawn
    from jwo_cli.sensors.rigging import rigged
    from jwo_cli.sensors.views import named_sources

    names = list(named_sources(sources))
    store = _store(layout, names if layout else [])
    lenses = [item.lens for item in known_cameras(names, intrinsics or [], store)]
    with console.progress("looking for the board" if board else "following the walker", quiet=as_json) as bar:
        found = rigged(
            sources, lenses, board=board, walker_m=walker, times=times, refine=refine, seen=bar.describe
        )  # fmt: skip
    if isinstance(found, Judgement):
        _finish(rig_report(names, found), as_json=as_json)
    drawn = draw_rig(names, found, picture or Path("rig.png"), title=f"rig: {found.judgement.verdict.value}")
    report = rig_report(names, found, picture=str(drawn))
    files: list[Path] = []
    if not dry_run and report.verdict != "refused":
        placed = zip(names, found.lenses, found.cameras, strict=True)
        cameras = [CameraFile(name=name, lens=lens, pose=pose) for name, lens, pose in placed]
        files += write_cameras(cameras, out, CameraFormat.OPENCV)[0]
        if store is not None and layout is not None:
            store, off_m = place_as_drawn(store, cameras, upright=found.walked)
            text = f"the rig was laid onto the drawn cameras ({off_m:.2f} m off)"
            console.say(f"{text}; `jwo calibrate floor --rig` places it exactly")
            files += write_back(store, layout)
    _finish(report, files, as_json=as_json)


@app.command()
def floor(
    layout: Annotated[Path, typer.Argument(metavar="LAYOUT", help="The layout whose cameras are placed.")],
    points: Annotated[
        Path | None, typer.Option("--points", metavar="CSV", help="camera,x_px,y_px,x_m,y_m,z_m[,name] in the store.")
    ] = None,
    markers: Annotated[
        Path | None,
        typer.Option("--markers", metavar="CSV", help="marker,x_m,y_m,z_m[,rotation_deg] flat on the floor."),
    ] = None,
    image: Annotated[
        list[str] | None, typer.Option("--image", metavar="CAMERA=IMAGE", help="Pictures with markers; repeatable.")
    ] = None,
    side: Annotated[
        float, typer.Option("--side", min=0.001, callback=console.finite, help="A marker's side, metres.")
    ] = 0.2,
    dictionary: Annotated[str, typer.Option("--dictionary", help="The markers' dictionary.")] = "DICT_4X4_50",
    rig_files: Annotated[
        Path | None, typer.Option("--rig", metavar="DIR", help="What `jwo calibrate rig` wrote: place them as one.")
    ] = None,
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """Cameras into the store's frame, from surveyed points or from markers on the floor."""
    from jwo_cli.estimate.calibration.telling import floor_report
    from jwo_cli.layouts import calibrated, surveys
    from jwo_cli.layouts.draw_calibration import draw_floor
    from jwo_cli.layouts.placing import place_cameras
    from jwo_cli.sensors.boards import find_markers
    from jwo_cli.sensors.pictures import read_grey
    from jwo_cli.sensors.views import named_sources

    store = calibrated.open_store(layout)
    if points is not None:
        names, survey = surveys.read_points(points)
    elif markers is not None and image:
        named = named_sources(image)
        names = tuple(named)
        seen = [find_markers(read_grey(Path(source)), dictionary) for source in named.values()]
        survey = surveys.marker_survey(surveys.read_markers(markers, side), seen)
    else:
        raise UserError("nothing was surveyed", fix="Say --points CSV, or --markers CSV with --image CAMERA=IMAGE.")
    placing = place_cameras(store, names, survey, rig_files)
    drawn = ""
    if placing.placed is not None:
        lenses = [item.lens for item in placing.cameras]
        drawn = str(draw_floor(placing.names, lenses, placing.survey, placing.placed, picture or Path("floor.png")))
    report = floor_report(placing.names, placing.placed or placing.judgement, picture=drawn)
    files = calibrated.write_back(placing.store, layout) if not dry_run and report.verdict != "refused" else ()
    _finish(report, list(files), as_json=as_json)


@app.command()
def check(
    layout: Annotated[Path, typer.Argument(metavar="LAYOUT", help="The layout with the calibration.")],
    camera_id: Annotated[str, typer.Option("--camera", metavar="ID", help="Which camera is checked.")],
    then: Annotated[Path, typer.Option("--then", metavar="IMAGE", help="A picture from when it was calibrated.")],
    now: Annotated[Path, typer.Option("--now", metavar="IMAGE", help="A picture of today.")],
    picture: Picture = None,
    as_json: console.AsJson = False,
) -> None:
    """Whether a camera was nudged since its calibration: by how much it turned, and what that moves on the floor."""
    from jwo_cli.estimate.calibration.nudge import nudged
    from jwo_cli.estimate.calibration.rigid import pose_of
    from jwo_cli.estimate.calibration.telling import nudge_report
    from jwo_cli.layouts import calibrated
    from jwo_cli.layouts.draw_calibration import draw_nudge
    from jwo_cli.sensors.matches import matches
    from jwo_cli.sensors.pictures import read_grey
    from jwo_cli.sensors.views import same_size

    store = calibrated.open_store(layout)
    known = calibrated.camera_of(store, camera_id)
    lens = calibrated.known_cameras([camera_id], [], store)[0].lens
    before, after = read_grey(then), read_grey(now)
    same_size([camera_id], [(before.shape[1], before.shape[0])], [lens])
    left, right = matches(before, after)
    found = nudged(lens, pose_of(known), left, right)
    drawn = draw_nudge(camera_id, lens, left, right, found, picture or Path(f"{camera_id}-check.png"))
    _finish(nudge_report(camera_id, found, picture=str(drawn)), as_json=as_json)


@app.command()
def scale(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Each weight on and off each plate, in order; or touches.")
    ],
    weights: Annotated[
        str, typer.Option("--weights", metavar="G,G", help="The two known weights, grams; none: touched in order.")
    ] = "",
    plates: Annotated[
        str,
        typer.Option("--plates", metavar="ID,…", help="The plates in the order they were loaded; all when left out."),
    ] = "",
    layout: LayoutOption = None,
    rewire: Annotated[bool, typer.Option("--rewire", help="Write the channels as they answered.")] = False,
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """Scales from two known weights: tare, span, noise, drift, swapped wires; or only the wires, by touching plates."""
    from jwo_cli.estimate.calibration.gather import traces
    from jwo_cli.estimate.calibration.scale import weigh
    from jwo_cli.estimate.calibration.telling import scale_report
    from jwo_cli.estimate.calibration.touch import touched
    from jwo_cli.layouts import calibrated
    from jwo_cli.layouts.draw_calibration import draw_scales, draw_touches
    from jwo_cli.recordings import open_recording

    opened = open_recording(recording)
    store = _store(layout, []) or opened.store
    order = calibrated.plate_order(store, plates)
    known = calibrated.two_weights(weights) if weights else []
    with console.progress("reading the scales", quiet=as_json):
        read = traces(opened.signals())
        found, pressed = (weigh(read, order, known), ()) if known else touched(read, order)
    file = picture or Path("scales.png")
    drawn = draw_scales(found, file) if known else draw_touches(pressed, file, title=found.judgement.verdict.value)
    report = scale_report(found, picture=str(drawn))
    files: list[Path] = []
    if layout is not None and not dry_run and report.verdict != "refused":
        if found.rewired and not rewire:
            raise UserError(
                "wires are swapped", fix="Swap them, or say --rewire to write the channels as they answered."
            )
        changed = calibrated.with_scales(store, [item.scale for item in found.weighed])
        files += calibrated.write_back(calibrated.with_channels(changed, found.rewired), layout)
    _finish(report, files, as_json=as_json)


@app.command()
def clock(
    recording: Annotated[Path, typer.Argument(metavar="RECORDING", help="Somebody taking things in view of cameras.")],
    layout: LayoutOption = None,
    picture: Picture = None,
    dry_run: DryRun = False,
    as_json: console.AsJson = False,
) -> None:
    """How far the cameras' clock is ahead of the scales', from hands at plates whose weight changed."""
    from jwo_cli.estimate.calibration.clock import clock_offset
    from jwo_cli.estimate.calibration.gather import changes, hands
    from jwo_cli.estimate.calibration.telling import clock_report
    from jwo_cli.estimate.calibration.verdict import Judgement
    from jwo_cli.estimate.people.stream import DEVICE_ID
    from jwo_cli.layouts import calibrated
    from jwo_cli.layouts.draw_calibration import draw_clock
    from jwo_cli.model.layout import Clock
    from jwo_cli.recordings import open_recording

    opened = open_recording(recording)
    store = _store(layout, [])
    with console.progress("reading scales and hands", quiet=as_json):
        moved = changes(store or opened.store, opened.signals(), opened.start_ns)
        found = clock_offset(moved, *hands(opened.signals(), opened.start_ns))
    if isinstance(found, Judgement):
        _finish(clock_report(found), as_json=as_json)
    drawn = draw_clock(found, picture or Path("clock.png"))
    report = clock_report(found, picture=str(drawn))
    files: list[Path] = []
    if store is not None and layout is not None and not dry_run and report.verdict != "refused":
        told = Clock(device_id=DEVICE_ID, offset_ns=round(found.offset_s * 1e9))
        files += calibrated.write_back(calibrated.with_clock(store, told), layout)
    _finish(report, files, as_json=as_json)


@app.command("import")
def import_cameras(
    layout: Annotated[Path, typer.Argument(metavar="LAYOUT", help="The layout to write.")],
    source: Annotated[Path, typer.Argument(metavar="FILE", help="OpenCV YAML, ROS camera_info, Kalibr camchain.")],
    names: Annotated[str, typer.Option("--cameras", metavar="ID,…", help="Whose they are, in the file's order.")] = "",
    poses: Annotated[
        bool, typer.Option("--poses", help="Its poses are in the store's frame: write them, too.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Take lenses (and poses) from other tools' files into a layout."""
    from jwo_cli.layouts.exchange import import_into

    files = import_into(layout, source, [name for name in names.split(",") if name], poses=poses)
    _files(files, as_json=as_json)


@app.command("export")
def export_cameras(
    layout: Annotated[Path, typer.Argument(metavar="LAYOUT", help="The calibrated layout.")],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="A folder; for Kalibr a file.")],
    form: Annotated[str, typer.Option("--format", help="opencv, ros or kalibr.")] = "opencv",
    as_json: console.AsJson = False,
) -> None:
    """Write a layout's calibrated cameras for other tools."""
    from jwo_cli.layouts.exchange import export_from

    files, lost = export_from(layout, out, form)
    console.findings(lost)
    _files(files, as_json=as_json)


def _files(files: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        console.print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        console.out(str(file))


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
    if text.isdecimal() and 2 <= int(text) <= 50:
        return int(text)
    raise UserError(f"--window {text!r} is no size", fix="Say a whole number from 2 to 50, or auto.")
