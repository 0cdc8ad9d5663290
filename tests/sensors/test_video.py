"""Video files give every picture with its time; kept streams come back with the times that were kept beside them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from jwo_cli.model.findings import UserError
from jwo_cli.model.units import NS_PER_S

av = pytest.importorskip("av", reason="PyAV (the extra `cameras`) is not installed")

from jwo_cli.sensors.addresses import address_of  # noqa: E402
from jwo_cli.sensors.cameras import Camera  # noqa: E402
from jwo_cli.sensors.frames import Clock, Frame, KeptClock, LiveClock, OwnClock  # noqa: E402
from jwo_cli.sensors.keeping import Keeper, kept_frames, parts, read_times  # noqa: E402
from jwo_cli.sensors.trouble import CameraError, Trouble  # noqa: E402
from jwo_cli.sensors.video import Video  # noqa: E402
from tests.sensors.footage import noisy, write_video  # noqa: E402

START_NS = 1_700_000_000 * NS_PER_S


@pytest.mark.parametrize(
    ("codec", "options"), [("libx264", {"bf": "3"}), ("libx264", {"tune": "zerolatency"}), ("mjpeg", {})]
)
def test_every_picture_of_a_file_comes_once_in_order_with_its_time(tmp_path: Path, codec: str, options: dict) -> None:
    """Also where the codec stores pictures in another order than they are shown (B-frames)."""
    path = write_video(tmp_path / "a.mkv", noisy(48, 64, 30), codec=codec, **options)
    with Video("c1", address_of(str(path)), start_ns=START_NS) as video:
        frames = [(frame.number, frame.capture_ns - START_NS, frame.clock) for frame in video.frames()]
    assert [number for number, _, _ in frames] == list(range(30))
    assert [round(at_ns / NS_PER_S * 10) for _, at_ns, _ in frames] == list(range(30))
    assert {clock for _, _, clock in frames} == {Clock.START}


def test_grey_is_the_luma_and_colours_are_bgr(tmp_path: Path) -> None:
    """Blue first, as everything above expects; grey is as large as the picture, without the codec's padding."""
    blue = np.zeros((50, 70, 3), np.uint8)
    blue[..., 0] = 200
    path = write_video(tmp_path / "a.mp4", [blue] * 3, codec="libx264", crf="5")
    with Video("c1", address_of(str(path))) as video:
        frame = next(iter(video.frames()))
        assert frame.grey().shape == (50, 70)
        assert frame.image().shape == (50, 70, 3)
        assert frame.image()[25, 35].argmax() == 0


@pytest.mark.parametrize(
    ("content", "kind"),
    [(None, Trouble.NOT_FOUND), (b"", Trouble.NO_VIDEO), (b"no video at all " * 99, Trouble.NO_VIDEO)],
)
def test_what_is_no_video_is_said_so(tmp_path: Path, content: bytes | None, kind: Trouble) -> None:
    """A typed error with a sentence and what to do, whatever FFmpeg called it."""
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CameraError) as caught:
        Video("c1", address_of(str(path)))
    assert caught.value.kind is kind
    assert caught.value.fix


def test_a_file_that_was_cut_off_gives_what_is_whole(tmp_path: Path) -> None:
    """Half of a file is half of its pictures, not an error halfway."""
    path = write_video(tmp_path / "a.ts", noisy(48, 64, 40), g="5")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Video("c1", address_of(str(path))) as video:
        assert 10 <= sum(1 for _ in video.frames()) < 40


def _keep(folder: Path, source: Path, camera_id: str = "c1") -> list[tuple[int, int]]:
    """Keeps a whole file as camera c1's stream; what was captured when, by the brightness that the pictures show."""
    camera = Camera(camera_id, address_of(str(source)), recorder=Keeper(folder, camera_id).keep)
    return [
        (round(float(event.grey().mean())), event.capture_ns) for event in camera.events() if isinstance(event, Frame)
    ]


def _brightening(count: int) -> list[np.ndarray]:
    return [np.full((48, 64), 40 + 4 * number, np.uint8) for number in range(count)]


@pytest.mark.parametrize("options", [{"bf": "3", "g": "8"}, {"tune": "zerolatency"}])
def test_a_kept_stream_is_the_same_pictures_with_the_same_times(tmp_path: Path, options: dict) -> None:
    """Remuxed, not encoded again: every byte of every packet is the camera's, every time that of its picture."""
    source = write_video(tmp_path / "a.mkv", _brightening(30), rate_hz=7, **options)
    before = _keep(tmp_path / "video", source)
    after = [
        (round(float(frame.grey().mean())), frame.capture_ns, frame.clock)
        for frame in kept_frames(tmp_path / "video", "c1")
    ]
    assert [pair[:2] for pair in after] == before
    assert {clock for _, _, clock in after} == {Clock.BESIDE}
    assert _slices(source) == _slices(parts(tmp_path / "video", "c1")[0].video)


def _slices(path: Path) -> list[bytes]:
    """The last bytes of each packet (MP4 may hold the parameter sets elsewhere)."""
    with av.open(str(path)) as container:
        return [bytes(packet)[-8:] for packet in container.demux(video=0) if packet.size]


def test_each_connection_is_a_part_and_all_are_read_in_order(tmp_path: Path) -> None:
    """After a reconnection the codec may differ, so that nothing is appended to the part before."""
    for count, codec in ((5, "libx264"), (7, "mjpeg")):
        _keep(tmp_path / "video", write_video(tmp_path / f"{codec}.mkv", _brightening(count), codec=codec))
    assert len(parts(tmp_path / "video", "c1")) == 2
    assert len(list(kept_frames(tmp_path / "video", "c1"))) == 12


def test_a_crash_costs_the_last_moments_not_the_stream(tmp_path: Path) -> None:
    """Both files cut off in the middle: what lies before is read, with its times."""
    before = _keep(tmp_path / "video", write_video(tmp_path / "a.mkv", _brightening(40), g="5", tune="zerolatency"))
    part = parts(tmp_path / "video", "c1")[0]
    for path in (part.video, part.times):
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    kept = [(round(float(frame.grey().mean())), frame.capture_ns) for frame in kept_frames(tmp_path / "video", "c1")]
    assert len(kept) >= 15
    assert kept == before[: len(kept)]


def test_times_that_are_no_times_are_refused_with_their_line(tmp_path: Path) -> None:
    """Where a person or a disk has been at work, the file and line are named."""
    path = tmp_path / "c1.times.csv"
    path.write_text("stream_ns,capture_ns,clock\n0,5,rtcp\nx,6,rtcp\n1,")
    with pytest.raises(UserError, match=r"c1\.times\.csv:3"):
        read_times(path)


def test_a_full_disk_is_told_once_and_the_camera_goes_on(tmp_path: Path) -> None:
    """Who watches the store must not go blind because the disk is full; who only records wants to know at once."""
    source = write_video(tmp_path / "a.mkv", _brightening(20), tune="zerolatency")
    (tmp_path / "taken").write_text("a file where the folder should be")
    told: list[UserError] = []
    for failed in (told.append, None):
        camera = Camera("c1", address_of(str(source)), recorder=Keeper(tmp_path / "taken", "c1", failed).keep)
        if failed is None:
            with pytest.raises(UserError, match="cannot be written"):
                list(camera.events())
        else:
            assert len(list(camera.events())) == 20
    assert [error.exit_code for error in told] == [3]


def test_a_disk_that_fills_up_ends_the_keeping_and_not_the_pictures(tmp_path: Path) -> None:
    """The kernel's full device stands in for it; what came before stays."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    source = write_video(tmp_path / "a.mkv", noisy(96, 128, 60), tune="zerolatency", g="5", crf="10")
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "c1.times.csv").symlink_to("/dev/full")
    told: list[UserError] = []
    camera = Camera("c1", address_of(str(source)), recorder=Keeper(tmp_path / "video", "c1", told.append).keep)
    assert len(list(camera.events())) == 60
    assert len(told) == 1
    assert "No space left" in str(told[0])


@pytest.mark.parametrize("name", ["", "../c1", ".c1", "a/b"])
def test_a_camera_s_name_leads_to_no_other_folder(tmp_path: Path, name: str) -> None:
    """Camera names come from layouts that others wrote."""
    with pytest.raises(UserError):
        Keeper(tmp_path, name)


def test_arrival_times_keep_the_stream_s_spacing_and_its_least_delay() -> None:
    """Jitter of the network does not reach the capture times."""
    clock = LiveClock()
    delays = np.random.default_rng(1).exponential(20e6, 600)
    times = [
        clock.stamp(k * 100_000_000, k * 100_000_000 + 5_000_000 + int(delay), None) for k, delay in enumerate(delays)
    ]
    late = [at_ns - k * 100_000_000 for k, (at_ns, _) in enumerate(times)][100:]
    assert max(late) < 7_000_000
    assert {clock for _, clock in times} == {Clock.ARRIVAL}


def test_a_camera_with_a_wrong_clock_is_not_believed() -> None:
    """An hour off is no capture time; how much it is off is told."""
    clock = LiveClock()
    stamp, rests_on = clock.stamp(0, START_NS, START_NS - 3600 * NS_PER_S)
    assert (stamp, rests_on) == (START_NS, Clock.ARRIVAL)
    assert clock.own == OwnClock(off_ns=-3600 * NS_PER_S, believed=False)
    stamp, rests_on = clock.stamp(NS_PER_S, START_NS + NS_PER_S, START_NS + NS_PER_S - 80_000_000)
    assert (stamp, rests_on, clock.own) == (START_NS + NS_PER_S - 80_000_000, Clock.RTCP, OwnClock())


@pytest.mark.parametrize(
    ("off_s", "off"), [(-0.3, False), (0.3, False), (-0.6, False), (-1.0, False), (-1.4, True), (1.0, True)]
)
def test_a_camera_whose_clock_is_a_step_away_is_stamped_as_its_pictures_come(off_s: float, off: bool) -> None:
    """Ways of 20 to 420 ms do not count: the least of them does. It is believed again when it is right again."""
    clock, random = LiveClock(), np.random.default_rng(3)

    def shown(first: int, by_s: float) -> list[tuple[int, Clock]]:
        """Ten seconds of pictures: by how much their stamps are off, and what they rest on."""
        out = []
        for at_ns in range(first * 10 * NS_PER_S, (first + 1) * 10 * NS_PER_S, NS_PER_S // 10):
            came_ns = at_ns + 20_000_000 + int(random.uniform(0, 4e8))
            stamp_ns, rests_on = clock.stamp(at_ns, came_ns, at_ns + round(by_s * NS_PER_S))
            out.append((stamp_ns - at_ns, rests_on))
        return out[50:]

    rests = {rests_on for _, rests_on in shown(0, off_s)}
    assert rests == {Clock.ARRIVAL if off else Clock.RTCP}
    assert clock.own is not None
    assert clock.own.believed == (not off)
    told_s = off_s if abs(off_s) > 0.75 else 0.0  # a second behind is believed, and told all the same
    assert abs(clock.own.off_ns - told_s * NS_PER_S) < NS_PER_S // 10
    assert max(abs(by_ns) for by_ns, _ in shown(1, off_s)) <= (NS_PER_S // 10 if off else abs(off_s) * NS_PER_S)
    assert set(shown(2, 0.0)) == {(0, Clock.RTCP)}
    assert clock.own == OwnClock()


def test_a_camera_whose_pictures_take_a_second_to_come_is_believed() -> None:
    """Right by its own clock, also after a burst that came later still: its pictures' times are exact."""
    clock = LiveClock()
    late_ns = [NS_PER_S + (NS_PER_S if number < 5 else 0) for number in range(100)]
    stamps = [
        clock.stamp(at_ns, START_NS + at_ns + way_ns, START_NS + at_ns)
        for at_ns, way_ns in zip(range(0, 10 * NS_PER_S, NS_PER_S // 10), late_ns, strict=True)
    ]
    assert stamps[10:] == [(START_NS + number * NS_PER_S // 10, Clock.RTCP) for number in range(10, 100)]
    assert clock.own == OwnClock(off_ns=-NS_PER_S)  # it may be its clock as well: that is told


def test_stamps_do_not_go_back_and_forth_between_two_clocks() -> None:
    """A camera's clock a little more and a little less than too far off: once it is left, pictures keep one clock."""
    clock = LiveClock()
    rests = [
        clock.stamp(at_ns, at_ns, at_ns - 1_250_000_000 + (-1) ** number * 30_000_000)[1]
        for number, at_ns in enumerate(range(0, 10 * NS_PER_S, NS_PER_S // 10))
    ]
    assert rests == [Clock.RTCP] + [Clock.ARRIVAL] * 99


@pytest.mark.parametrize("by_s", [-1.0, 0.9, 5.0, -3600.0])
def test_a_camera_that_is_right_stays_right_when_the_machine_s_clock_is_set(by_s: float) -> None:
    """A machine that was off and is put right: from the first picture on, whether or not the camera tells the time."""
    clock, mute, by_ns = LiveClock(), LiveClock(), round(by_s * NS_PER_S)
    for at_ns in range(0, 30 * NS_PER_S, NS_PER_S // 10):
        came_ns, set_ns = START_NS + at_ns + 50_000_000, 0 if at_ns >= 15 * NS_PER_S else -by_ns
        stamp, rests_on = clock.stamp(at_ns, came_ns + set_ns, START_NS + at_ns, steady_ns=came_ns)
        by_arrival, _ = mute.stamp(at_ns, came_ns + set_ns, None, steady_ns=came_ns)
        if at_ns >= 15 * NS_PER_S:
            assert (stamp - START_NS, rests_on, clock.own) == (at_ns, Clock.RTCP, OwnClock())
            assert by_arrival - START_NS == at_ns + 50_000_000


def test_kept_times_belong_to_the_nearest_picture() -> None:
    """A container's time base rounds stream times."""
    clock = KeptClock({0: START_NS, 66_666_666: START_NS + 70_000_000})
    assert clock.capture_ns(66_000_000) == START_NS + 70_000_000 - 666_666
    assert Fraction(clock.capture_ns(1) - START_NS, 1) == 1


@contextmanager
def motion_jpeg(rate_hz: float) -> Iterator[str]:
    """An IP camera that serves Motion JPEG; its address."""
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuvj420p"
    encoder.time_base = Fraction(1, 25)
    pictures = [
        b"".join(bytes(packet) for packet in encoder.encode(av.VideoFrame.from_ndarray(grey, "gray").reformat(
            format="yuvj420p"
        )))
        for grey in noisy(48, 64, 5)
    ]  # fmt: skip

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for picture in itertools.cycle(picture for picture in pictures if picture):
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + picture + b"\r\n")
                except OSError:
                    return
                time.sleep(1 / rate_hz)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/video"
        server.shutdown()


def test_motion_jpeg_is_stamped_as_it_comes() -> None:
    """It bears no times, and comes far more seldom than the 25 times a second that FFmpeg assumes."""
    with motion_jpeg(10.0) as address, Video("c1", address_of(address)) as video:
        began_ns = time.time_ns()
        stamps = [(frame.capture_ns, frame.clock) for frame, _ in zip(video.frames(), range(20), strict=False)]
        took_ns = time.time_ns() - began_ns
    assert {clock for _, clock in stamps} == {Clock.ARRIVAL}
    assert 0.8 < (stamps[-1][0] - stamps[0][0]) / took_ns <= 1.0
    assert abs(stamps[-1][0] - time.time_ns()) < NS_PER_S
