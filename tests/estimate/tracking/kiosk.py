"""The corner kiosk with four calibrated cameras, shoppers who walk through it, and what detectors give of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from jwo_cli.estimate.camera import View, store_views
from jwo_cli.estimate.pixels import Boxes
from jwo_cli.estimate.tracking.live import LiveFloor, News, Standing, Told
from jwo_cli.layouts.bundled import bundled
from jwo_cli.layouts.calibrated import open_store
from jwo_cli.model.layout import Camera, Pose, Store
from tests.estimate.tracking.scenes import box

SIZE = (1280, 720)
IN, OUT = (1.2, 0.05), (4.8, 0.05)  # the middles of the two gates
Way = Sequence[tuple[float, float, float]]  # at so many seconds, at x, y
Frame = tuple[str, int, Boxes]


def kiosk() -> Store:
    """A calibrated wide camera in each corner, under the ceiling."""
    places = {"c1": (0.1, 0.1), "c2": (6.3, 0.1), "c3": (6.3, 4.5), "c4": (0.1, 4.5)}
    cameras = tuple(
        Camera(
            camera_id=name,
            pose=Pose(x_m=x, y_m=y, z_m=2.8),
            look_at=(3.2, 2.2, 0.4),
            width_px=SIZE[0],
            height_px=SIZE[1],
            intrinsics=(520.0, 520.0, 640.0, 360.0),
        )
        for name, (x, y) in places.items()
    )
    return replace(open_store(bundled()["corner_kiosk"]), cameras=cameras)


def at(way: Way, seconds: float) -> np.ndarray | None:
    """Where somebody is; None before and after."""
    times = [time for time, _, _ in way]
    if not times[0] <= seconds <= times[-1]:
        return None
    return np.array([np.interp(seconds, times, [point[axis] for point in way]) for axis in (1, 2)])


def frames(
    ways: Sequence[Way], seconds: float, *, rate_hz: float = 6.0, cameras: Sequence[str] = ("c1", "c2", "c3"),
    blur_px: float = 2.0, missed: float = 0.05, seed: int = 0, hidden: tuple[float, float] = (0.0, 0.0),
    tall_m: Sequence[float] = (1.7,) * 9,
) -> list[Frame]:  # fmt: skip
    """What the cameras give, in order of time; nobody is seen while `hidden`."""
    draw, views, out = np.random.default_rng(seed), store_views(kiosk()), []
    for step in range(int(seconds * rate_hz)):
        now = step / rate_hz
        for name in cameras:
            rows = [
                _edges(views[name], place, tall) + draw.normal(0, blur_px, 4)
                for place, tall in ((at(way, now), tall) for way, tall in zip(ways, tall_m, strict=False))
                if place is not None and draw.random() >= missed and not hidden[0] <= now < hidden[1]
            ]
            inside = [row for row in rows if row[2] > 20 and row[0] < SIZE[0] - 20 and row[1] < SIZE[1] - 20]
            out.append((name, round(now * 1e9), boxes(*inside)))
    return out


def boxes(*rows: np.ndarray) -> Boxes:
    """Corners as a detector's boxes, cut at the image's edge."""
    corners = np.array(rows, np.float32).reshape(-1, 4)
    corners[:, [0, 2]] = np.clip(corners[:, [0, 2]], 0, SIZE[0])
    corners[:, [1, 3]] = np.clip(corners[:, [1, 3]], 0, SIZE[1])
    return Boxes(corners_px=corners, scores=np.full(len(corners), 0.9, np.float32))


def _edges(view: View, place: np.ndarray, tall_m: float) -> np.ndarray:
    x, y, w, h = box(view, place, tall_m)
    return np.array([x, y, x + w, y + h])


@dataclass
class Heard:
    """Everything that was told, when news were told, and how late the latest place was."""

    standing: list[Standing] = field(default_factory=list)
    news: list[News] = field(default_factory=list)
    told_ns: list[int] = field(default_factory=list)
    latest_s: float = 0.0

    def take(self, told: Told, now_ns: int) -> None:
        """One answer of the tracker."""
        self.latest_s = max([self.latest_s, *((now_ns - each.at_ns) / 1e9 for each in told.standing)])
        self.standing += told.standing
        self.news += told.news
        self.told_ns += [now_ns] * len(told.news)

    def of(self, kind: type) -> list:
        """The news of one kind."""
        return [each for each in self.news if isinstance(each, kind)]

    def misses(self, way: Way, track_id: str) -> tuple[np.ndarray, np.ndarray]:
        """How far an id was from a way where both were [n], metres, and the same as the covariance sees it, squared."""
        far, chi2 = [], []
        for each in self.standing:
            place = at(way, each.at_ns / 1e9)
            if track_id in each.track_ids and place is not None:
                row = each.track_ids.index(track_id)
                miss = each.xy_m[row] - place
                far.append(np.linalg.norm(miss))
                chi2.append(miss @ np.linalg.solve(each.covariance[row, :2, :2], miss))
        return np.array(far), np.array(chi2)


def heard(floor: LiveFloor, given: Iterable[Frame], *, close: bool = True) -> Heard:
    """Feed all, in the order given."""
    out, newest = Heard(), 0
    for camera_id, at_ns, found in given:
        newest = max(newest, at_ns)
        out.take(floor.feed(camera_id, at_ns, found), newest)
    if close:
        out.take(floor.close(), newest)
    return out
