"""Exam-like cases: documents as in nanostore-dev, and truth that its scorer understands."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks.__main__ import MISSED
from benchmarks.exam import ASKED, verdicts
from jwo_cli.recordings import open_recording
from jwo_cli.synthetic.exam import Documents, generate, write_case


@pytest.fixture(scope="module")
def documents(shared_data: Path) -> Documents:
    """The real store's planogram and product table."""
    return Documents.read(shared_data / "nanostore-dev" / "dev-01-single_simple")


@pytest.fixture(scope="module")
def cases(documents: Documents, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three cases in a folder."""
    folder = tmp_path_factory.mktemp("exam")
    for case, wrong in generate(documents, count=3, seed=4):
        write_case(folder, documents, case, wrong)
    return folder


def _scorer(shared_data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", shared_data / "nanostore-dev" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_case_opens_as_any_other(cases: Path) -> None:
    """Both streams, the layout from its own planogram, no strangers among the channels that the real ones lack too."""
    for folder in sorted(cases.iterdir()):
        recording = open_recording(folder)
        assert recording.duration_s > 10
        assert len(recording.store.plates()) > 250
        assert recording.name == folder.name


def test_truth_has_the_fields_of_the_development_cases(cases: Path, shared_data: Path) -> None:
    """The same names, down to events and knobs; plates by gondola, shelf and plate."""
    theirs = json.loads((shared_data / "nanostore-dev/dev-01-single_simple/truth.json").read_text())
    for folder in sorted(cases.iterdir()):
        ours = json.loads((folder / "truth.json").read_text())
        assert ours.keys() == theirs.keys()
        assert ours["knobs"].keys() == theirs["knobs"].keys()
        assert ours["receipts"][0].keys() == theirs["receipts"][0].keys()
        for event in ours["events"]:
            assert {"t", "type", "plates", "products", "delta_g", "target_id"} <= event.keys()
            assert all(plate.keys() == {"gondola", "shelf", "plate"} for plate in event["plates"])


def test_their_scorer_scores_our_cases(cases: Path, shared_data: Path) -> None:
    """The truth as a prediction is perfect, an empty one finds nothing."""
    scorer = _scorer(shared_data)
    truths = {folder.name: json.loads((folder / "truth.json").read_text()) for folder in cases.iterdir()}
    perfect = scorer.evaluate(str(cases), {name: truth["receipts"] for name, truth in truths.items()})
    assert perfect["total"]["f1"] == perfect["total"]["case_exact"] == 1.0
    assert scorer.evaluate(str(cases), {})["total"]["recall"] == 0.0


def test_the_same_seed_writes_the_same_bytes(cases: Path, documents: Documents, tmp_path: Path) -> None:
    """Every file of a case."""
    case, wrong = next(generate(documents, count=3, seed=4))
    again = write_case(tmp_path, documents, case, wrong)
    for path in sorted(again.iterdir()):
        assert path.read_bytes() == (cases / again.name / path.name).read_bytes(), path.name


def test_wrong_weights_stand_in_the_table_only(documents: Documents) -> None:
    """The catalogue of the case lies, the goods do not."""
    lines = documents.with_masses({"041508922487": 666.4}).splitlines()
    weights = {d["product_id"]["id"]: d["metadata"].get("weight") for d in map(json.loads, lines)}
    assert weights["041508922487"] == 666.4
    assert len(lines) == len(documents.products.splitlines())


def test_the_judge_says_what_was_missed() -> None:
    """Exactly what is asked is met; a little less, or a figure that nothing was there for, is missed."""
    assert MISSED not in verdicts({"total": dict(ASKED)})
    for name, short in (("f1", 0.9299), ("automatic_exact", None)):
        (row,) = [line for line in verdicts({"total": {**ASKED, name: short}}).split("\n") if MISSED in line]
        assert row.startswith(f"| {name.replace('_', ' ')} ")
