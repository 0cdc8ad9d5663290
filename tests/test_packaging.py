"""The package map is written by hand; these tests hold it against the tree."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, object]:
    """pyproject.toml."""
    return tomllib.loads((root / "pyproject.toml").read_text())


def _packages_on_disk(root: Path) -> set[str]:
    inside = {path.parent.relative_to(root) for path in (root / "jwo_cli").rglob("__init__.py")}
    beside = {Path("jwo_cli") / name for name in ("commands", "store_layouts", "sample_data")}
    return {".".join(path.parts) for path in inside | beside}


def test_every_package_of_the_tree_is_listed_and_no_other(root: Path, project: dict) -> None:
    """A room that is not listed would be missing from the wheel, silently."""
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted(_packages_on_disk(root))


def test_every_folder_with_code_is_a_package(root: Path) -> None:
    """Without __init__.py a room works in the source tree and is lost in the wheel."""
    folders = {path.parent for path in (root / "jwo_cli").rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_shipped_data_is_covered_by_the_package_data_patterns(root: Path, project: dict) -> None:
    """Every file beside the code of a data package is named by a pattern."""
    for name, folder in (("jwo_cli.store_layouts", "store_layouts"), ("jwo_cli.sample_data", "sample_data")):
        patterns = project["tool"]["setuptools"]["package-data"][name]
        kept = {path for pattern in patterns for path in (root / folder).glob(pattern)}
        files = {path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        assert {path for path in files - kept if path.suffix not in {".py", ".md"}} == set()


def test_every_dependency_is_bounded_above_and_pinned(root: Path, project: dict) -> None:
    """A range in pyproject, an exact version in constraints.txt."""
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-") for line in (root / "constraints.txt").read_text().split("\n")
    }
    extras = project["project"]["optional-dependencies"]
    for requirement in [*project["project"]["dependencies"], *(item for extra in extras.values() for item in extra)]:
        name = re.split(r"[\[><=]", requirement)[0]
        if name != "jwo-cli":
            assert ",<" in requirement, requirement
            assert name in pinned, requirement
