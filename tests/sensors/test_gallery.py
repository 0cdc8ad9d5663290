"""A store's own pictures of its goods as a file of looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jwo_cli.estimate.pixels import Image
from jwo_cli.estimate.vision.appearance import Appearance
from jwo_cli.model.catalogue import Catalogue, Product
from jwo_cli.model.findings import UserError
from jwo_cli.sensors.crops import looks_of
from jwo_cli.sensors.gallery import embed_pictures, read_gallery, write_gallery

COLOURS = {"cola": (40, 40, 200), "tea": (40, 180, 60), "milk": (230, 230, 230)}
CATALOGUE = Catalogue(
    currency="EUR",
    products=tuple(Product(product_id=name, name=name, price_minor=100) for name in (*COLOURS, "bread")),
)


class Blocks:
    """An embedder without a network: the mean colours of a 4 x 4 grid."""

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        rows = [crop[: crop.shape[0] // 4 * 4, : crop.shape[1] // 4 * 4] for crop in crops]
        cells = [row.reshape(4, row.shape[0] // 4, 4, row.shape[1] // 4, 3).mean(axis=(1, 3)).ravel() for row in rows]
        found = np.array(cells, np.float32).reshape(len(crops), -1)
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-6)


def package(name: str, side: int = 64, seed: int = 0) -> Image:
    """A package of a product's colour with a label of its own, photographed with noise."""
    image = np.full((side, side, 3), COLOURS[name], np.int16)
    image[side // 4 : side // 2, :: 2 + list(COLOURS).index(name)] = 255
    return np.clip(image + np.random.default_rng(seed).normal(0, 6, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    import cv2

    folder = tmp_path / "pictures"
    (folder / "milk").mkdir(parents=True)
    for file, name in (("cola.png", "cola"), ("tea.png", "tea"), ("tea_2.png", "tea"), ("milk/front.png", "milk")):
        cv2.imwrite(str(folder / file), package(name))
    cv2.imwrite(str(folder / "holiday.png"), package("tea"))
    (folder / "cola_9.jpg").write_bytes(b"no image")
    return folder


def test_pictures_become_looks_and_what_is_amiss_is_told(pictures: Path) -> None:
    """Names and folders say which product; strange and torn pictures are named, and products without any."""
    gallery, findings = embed_pictures(pictures, CATALOGUE, Blocks(), "blocks")
    assert gallery.product_ids == ("cola", "milk", "tea", "tea")
    told = " ".join(str(finding) for finding in findings)
    assert "holiday.png" in told
    assert "cola_9.jpg" in told
    assert "bread" in told


def test_the_file_gives_back_what_was_written(pictures: Path, tmp_path: Path) -> None:
    """And from it a fresh photograph is known again."""
    gallery, _ = embed_pictures(pictures, CATALOGUE, Blocks(), "blocks")
    write_gallery(gallery, tmp_path / "looks.npz")
    kept = read_gallery(tmp_path / "looks.npz", "blocks")
    assert kept.product_ids == gallery.product_ids
    seen = Appearance(kept)
    for name in COLOURS:
        sight = seen.similarity(looks_of([package(name, 48, seed=7)], Blocks()))
        nats = dict(seen.nats(sight, tuple(COLOURS)))
        assert max(nats, key=lambda product: nats[product]) == name


def test_another_networks_looks_are_refused(pictures: Path, tmp_path: Path) -> None:
    """Vectors of two networks do not compare."""
    gallery, _ = embed_pictures(pictures, CATALOGUE, Blocks(), "blocks")
    write_gallery(gallery, tmp_path / "looks.npz")
    with pytest.raises(UserError, match="was made with blocks"):
        read_gallery(tmp_path / "looks.npz", "mobilenet")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04torn", b"no archive at all"])
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    """Never a traceback."""
    (tmp_path / "looks.npz").write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        read_gallery(tmp_path / "looks.npz", "blocks")


def test_no_pictures_is_said(tmp_path: Path) -> None:
    """An empty folder, and a file that is not there."""
    with pytest.raises(UserError, match="holds no picture"):
        embed_pictures(tmp_path, CATALOGUE, Blocks(), "blocks")
    with pytest.raises(UserError, match="does not exist"):
        read_gallery(tmp_path / "looks.npz", "blocks")
