"""The bundled sample: what the code makes is what is shipped."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jwo_cli.estimate.signals import CodeRead
from jwo_cli.recordings import open_recording
from jwo_cli.synthetic import sample


@pytest.fixture(scope="module")
def shipped(root: Path) -> Path:
    """The folder in the tree."""
    return root / "sample_data" / sample.NAME


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample written again."""
    return sample.write(tmp_path_factory.mktemp("sample"))


def test_the_sample_is_what_its_code_makes(shipped: Path, remade: Path) -> None:
    """The same content under any version of pyarrow; renew with `python -m jwo_cli.synthetic.sample`."""
    kept, made = open_recording(shipped), open_recording(remade)
    assert made.recording_id == kept.recording_id
    assert made.truth() == kept.truth()
    assert (made.store, made.start_ns, made.staff, made.duration_s) == (
        kept.store,
        kept.start_ns,
        kept.staff,
        kept.duration_s,
    )


def test_the_sample_is_the_same_byte_for_byte(shipped: Path, remade: Path) -> None:
    """Parquet's bytes depend on pyarrow's version, which each file names: with that version, every byte."""
    weights = next(iter(sorted(shipped.glob("streams/weights-*.parquet"))))
    writer = str(pq.read_metadata(weights).created_by)
    if pa.__version__ not in writer:
        pytest.skip(f"the sample was written by {writer}, this is pyarrow {pa.__version__}")
    names = sorted(path.relative_to(shipped) for path in shipped.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(remade) for path in remade.rglob("*") if path.is_file())
    assert [str(name) for name in names if (shipped / name).read_bytes() != (remade / name).read_bytes()] == []


def test_the_sample_is_small_and_shows_what_a_store_does(shipped: Path) -> None:
    """At most 3 MB; ten codes; picks, a put-back, a misplaced thing, touches, a hand-over."""
    assert sum(path.stat().st_size for path in shipped.rglob("*") if path.is_file()) <= 3_000_000
    recording = open_recording(shipped)
    truth = recording.truth()
    assert truth is not None
    assert {event.kind for event in truth.events} == {"pick", "put", "touch", "handover"}
    assert len(truth.receipts) == len([s for s in recording.signals() if isinstance(s, CodeRead)]) == 10
    assert 120.0 < recording.duration_s < 180.0
    assert recording.store.store_id == "corner-kiosk"
