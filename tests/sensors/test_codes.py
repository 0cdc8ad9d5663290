"""Codes are read where they are, and nowhere else: QR codes by one decoder, barcodes when there is enough agreement."""

from __future__ import annotations

import json

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2", reason="OpenCV (the extra `cameras`) is not installed")
zxingcpp = pytest.importorskip("zxingcpp", reason="zxing-cpp (the extra `codes`) is not installed")

from benchmarks.codes import photographed  # noqa: E402
from benchmarks.codes_data import photos  # noqa: E402
from benchmarks.entry_codes import STRESSES, backdrop, frame  # noqa: E402
from jwo_cli.model.gtin import check_digit  # noqa: E402
from jwo_cli.sensors.codes import Settled, gtin_of, read_codes, settle  # noqa: E402
from jwo_cli.sensors.decoders import Reader, Reading, Symbology, has_zbar  # noqa: E402
from jwo_cli.sensors.gate_codes import GateReader  # noqa: E402
from jwo_cli.sensors.qr import modules  # noqa: E402
from tests.conftest import Jwo  # noqa: E402

SQUARE = ((10.0, 10.0), (110.0, 10.0), (110.0, 60.0), (10.0, 60.0))


def _reading(text: str, reader: Reader, rendering: int = 0, symbology: Symbology = Symbology.EAN_13) -> Reading:
    return Reading(symbology=symbology, text=text, reader=reader, rendering=rendering, corners_px=SQUARE)


def _drawn(text: str, scale: int = 6) -> np.ndarray:
    """A QR code on white, grey [h, w]."""
    grid = np.array(modules(text), bool)
    return np.kron(np.where(grid, 0, 255).astype(np.uint8), np.ones((scale, scale), np.uint8))


def _bars(gtin: str, symbology: str = "EAN13") -> np.ndarray:
    """A barcode on white, grey [h, w]."""
    code = zxingcpp.create_barcode(gtin, getattr(zxingcpp.BarcodeFormat, symbology))
    return np.pad(np.asarray(code.to_image(scale=2)), 20, constant_values=255)


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("dark", [False, True])
def test_a_qr_code_is_read_any_way_up_and_light_on_dark(turn: int, dark: bool) -> None:
    """With its text and where it is."""
    picture = np.rot90(_drawn("ENTRY CODE 42"), turn)
    (code,) = read_codes(255 - picture if dark else picture)
    assert (code.text, code.gtin, code.settled) == ("ENTRY CODE 42", None, Settled.CORRECTED)
    assert np.ptp([x for x, _ in code.corners_px]) > picture.shape[1] / 2


@pytest.mark.parametrize(
    ("digits", "symbology", "gtin"),
    [
        ("4006381333931", "EAN13", "4006381333931"),
        ("96385074", "EAN8", "96385074"),
        ("036000291452", "UPCA", "0036000291452"),
        ("01234565", "UPCE", "0012345000065"),
    ],
)
def test_a_barcode_is_read_as_its_gtin(digits: str, symbology: str, gtin: str) -> None:
    """UPC-E is written out, UPC-A gets its leading zero."""
    (code,) = read_codes(_bars(digits, symbology))
    assert code.gtin == gtin
    assert Reader.ZXING in code.readers


def test_several_codes_in_one_picture_come_from_top_to_bottom() -> None:
    """Each at its place."""
    parts = [_drawn("FIRST"), _drawn("SECOND")]
    picture = np.vstack([np.pad(part, ((0, 0), (0, 400 - part.shape[1])), constant_values=255) for part in parts])
    assert [code.text for code in read_codes(picture)] == ["FIRST", "SECOND"]


@pytest.mark.parametrize(("reader", "needed"), [(Reader.ZXING, 2), (Reader.ZBAR, 3)])
def test_one_decoder_alone_must_read_a_barcode_in_several_renderings(reader: Reader, needed: int) -> None:
    """One misreading in ten has a check digit that fits: a single reading is not enough."""
    text = "4006381333931"
    assert settle([_reading(text, reader, k) for k in range(needed - 1)]) == ((), True)
    assert settle([_reading(text, reader, 0)] * 5) == ((), True)
    (code,), _ = settle([_reading(text, reader, k) for k in range(needed)])
    assert code.settled is Settled.REPEATED


def test_both_decoders_together_settle_a_barcode_at_once() -> None:
    """Two that err in different ways agree by chance once in a very long time."""
    text = "4006381333931"
    (code,), doubtful = settle([_reading(text, Reader.ZXING), _reading(text, Reader.ZBAR)])
    assert (code.settled, doubtful) == (Settled.AGREED, False)


def test_readings_that_contradict_each_other_settle_nothing() -> None:
    """Unless one of them comes at least twice as often."""
    right, wrong = "4006381333931", "5030159003930"
    readings = [_reading(right, Reader.ZXING, k) for k in range(3)] + [
        _reading(wrong, Reader.ZBAR, k) for k in range(2)
    ]
    assert settle(readings) == ((), True)
    readings += [_reading(right, Reader.ZBAR, 3)]
    (code,), doubtful = settle(readings)
    assert (code.gtin, doubtful) == (right, False)


def test_short_barcodes_need_the_stricter_decoder() -> None:
    """A shadow passes for EAN-8 with zbar, in rendering after rendering."""
    votes = [_reading("96385074", Reader.ZBAR, k, Symbology.EAN_8) for k in range(5)]
    assert settle(votes) == ((), True)
    assert settle([*votes, _reading("96385074", Reader.ZXING, 0, Symbology.EAN_8)])[0]


def test_a_wrong_check_digit_is_no_gtin() -> None:
    """Whatever a decoder says."""
    body = "400638133393"
    digits = [f"{body}{digit}" for digit in range(10)]
    right = [text for text in digits if gtin_of(_reading(text, Reader.ZBAR)) is not None]
    assert right == [body + str(check_digit(body))]


def test_nothing_is_read_in_noise_and_stripes() -> None:
    """Full of edges, without a code."""
    for seed in range(3):
        scene = np.clip(backdrop(np.random.default_rng(seed)), 0, 255).astype(np.uint8)[:400, :640]
        assert read_codes(scene) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 100), (7, 7), (100, 3)])
def test_a_picture_too_small_for_any_code_holds_none(shape: tuple[int, int]) -> None:
    """No error either."""
    assert read_codes(np.full(shape, 128, np.uint8)) == ()


def test_photographs_give_at_least_what_either_decoder_reads_and_nothing_false(shared_data) -> None:
    """On each third of the photographs (the benchmark takes all, folder by folder)."""
    if not has_zbar():
        pytest.skip("zbar (the system's libzbar0) is not installed")
    tallies = photographed(every=3)
    assert sum(tally.ours for tally in tallies.values()) >= sum(tally.union for tally in tallies.values())
    assert sum(tally.ours_wrong for name, tally in tallies.items() if name.startswith("falsepositives")) == 0


def test_the_photographs_are_there(shared_data) -> None:
    """So that the test above cannot pass over nothing."""
    told = [photo.text is not None for photo in photos()]
    assert sum(told) > 300
    assert len(told) - sum(told) >= 40


def test_a_gate_reads_nine_of_ten_entry_codes_of_a_hundred_pixels() -> None:
    """Blur, motion, glare, rotation, tilt, dark mode and noise; every text that is read is right."""
    read = 0
    names = list(STRESSES)
    for seed in range(2 * len(names)):
        picture, text = frame(np.random.default_rng([seed, 3]), STRESSES[names[seed % len(names)]], 100.0)
        texts = {code.text for code in GateReader().read(picture)}
        assert texts <= {text}
        read += text in texts
    assert read >= 0.9 * 2 * len(names)


def test_a_gate_stops_trying_when_its_time_is_up() -> None:
    """By a clock that jumps a second each time it is asked: the whole frame is looked at once, then no more."""
    ticks = iter(range(1_000))
    reader = GateReader(budget_s=0.5, clock_s=lambda: float(next(ticks)))
    empty = np.clip(backdrop(np.random.default_rng(1)), 0, 255).astype(np.uint8)
    assert reader.read(empty) == ()
    assert next(ticks) == 2


def test_a_gate_looks_first_where_the_code_was() -> None:
    """A code that moves on is still found, at its new place."""
    reader = GateReader()
    empty = np.full((720, 1280), 200, np.uint8)
    for left in (100, 700):
        picture = empty.copy()
        drawn = _drawn("ENTRY CODE 42", 4)
        picture[300 : 300 + len(drawn), left : left + len(drawn)] = drawn
        (code,) = reader.read(picture)
        assert left <= min(x for x, _ in code.corners_px) <= left + len(drawn)


def test_the_command_reads_pictures_as_table_and_json(jwo: Jwo, tmp_path) -> None:
    """Exit code 1 where there is nothing, 2 where a file is none."""
    cv2.imwrite(str(tmp_path / "a.png"), _drawn("HELLO"))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((50, 50), 200, np.uint8))
    (tmp_path / "c.png").write_text("no picture")
    done = jwo("codes", "read", "a.png", "b.png", "--json")
    assert done.returncode == 0, done.stderr
    (code,) = json.loads(done.stdout)["codes"]
    assert (code["file"], code["text"], code["symbology"], code["gtin"]) == ("a.png", "HELLO", "qr", None)
    table = jwo("codes", "read", "a.png", "b.png")
    assert "HELLO" in table.stdout
    assert "no code in b.png" in table.stderr
    assert jwo("codes", "read", "b.png").returncode == 1
    wrong = jwo("codes", "read", "c.png")
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
