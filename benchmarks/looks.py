"""Goods told by pictures: real photographs of 29 packaged goods, one enrolled as the store's own, the others asked.

The photographs are those of the `codes` folder: phone pictures around barcodes, of which several show the same thing
(the same number is beside them as text). They are nearer than a hand in a store's camera and show less of the package;
the second table makes them as small as cameras do.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import clip
from jwo_cli.estimate.pixels import Embedder, Image
from jwo_cli.estimate.vision.appearance import Appearance, Gallery, LookModel, Looks, fit_temperature
from jwo_cli.sensors.crops import looks_of

TITLE = "Looks: which product a picture shows"
Floats = NDArray[np.float64]
CANDIDATES, DRAWS, MOST_ASKED = (3, 5, 10), 20, 4
SIDES_PX = (24, 48, 96, 400)
IMAGES = (".jpg", ".png", ".webp")


def photographs(root: Path) -> dict[str, list[Image]]:
    """Barcode number -> its photographs, for numbers that come at least twice."""
    import cv2

    found: dict[str, list[Path]] = {}
    for text in sorted((root / "codes").glob("*/*.txt")):
        if text.parent.name.startswith(("ean13", "upc")):
            images = [text.with_suffix(end) for end in IMAGES if text.with_suffix(end).exists()]
            found.setdefault(text.read_text(errors="replace").strip(), []).extend(images)
    read = {
        number: [image for path in paths if (image := cv2.imread(str(path))) is not None]
        for number, paths in found.items()
    }
    return {number: [np.asarray(image, np.uint8) for image in images] for number, images in read.items()
            if len(images) > 1}  # fmt: skip


def run() -> str:
    """The tables, or why they are not there."""
    root = clip.data()
    if not (root / "codes").is_dir() or not (root / "models").is_dir():
        return f"Skipped: the real data is not here ({root}).\n"
    os.environ.setdefault("JWO_MODELS", str(root / "models"))
    from jwo_cli.sensors.models import open_embedder
    from jwo_cli.sensors.models.entry import Role

    embedder = open_embedder(role=Role.PRODUCT, threads=1)
    goods = photographs(root)
    own = looks_of([images[0] for images in goods.values()], embedder)
    asked = [(number, image) for number, images in enumerate(goods.values()) for image in images[1 : 1 + MOST_ASKED]]
    true = np.array([number for number, _ in asked])
    start = time.process_time()
    seen = looks_of([image for _, image in asked], embedder)
    cost = (time.process_time() - start) / len(asked) * 1e3
    text = f"{len(goods)} goods, {len(asked)} pictures asked, {cost:.0f} ms a picture."
    rows = [
        f"{text} Chance that the right product is first among candidates drawn at random, as planograms leave them:",
        "",
        "| of the similarity | of all | " + " | ".join(f"of {count}" for count in CANDIDATES) + " |",
        "|---|---|" + "---|" * len(CANDIDATES),
    ]
    for share, name in ((0.0, "colour alone"), (1.0, "network alone"), (LookModel().network_share, "both, as used")):
        similarity = _similarity(own, seen, share)
        chances = " | ".join(f"{_right(similarity, true, count):.2f}" for count in CANDIDATES)
        rows.append(f"| {name} | {float(np.mean(similarity.argmax(axis=1) == true)):.2f} | {chances} |")
    rows += ["", *_small(own, asked, true, embedder), "", *_honest(_similarity(own, seen), true)]
    return "\n".join([*rows, ""])


def _similarity(own: Looks, seen: Looks, share: float | None = None) -> Floats:
    model = LookModel() if share is None else LookModel(network_share=share)
    names = tuple(str(number) for number in range(len(own)))
    return Appearance(Gallery(product_ids=names, looks=own, model="benchmark"), model).similarity(seen)


def _drawn(similarity: Floats, true: NDArray[np.int64], count: int) -> Floats:
    """Rows [n * DRAWS, count]: the true product first, then others drawn without repetition."""
    draw = np.random.default_rng(0)
    rows = []
    for i, number in enumerate(true.tolist()):
        others = np.delete(np.arange(similarity.shape[1]), number)
        picks = [draw.choice(others, count - 1, replace=False) for _ in range(DRAWS)]
        rows += [similarity[i, np.concatenate(([number], pick))] for pick in picks]
    return np.array(rows)


def _right(similarity: Floats, true: NDArray[np.int64], count: int) -> float:
    rows = _drawn(similarity, true, count)
    return float(np.mean(rows[:, 0] > rows[:, 1:].max(axis=1)))


def _small(own: Looks, asked: list[tuple[int, Image]], true: NDArray[np.int64], embedder: Embedder) -> list[str]:
    import cv2

    rows = ["| longest side px | right of 5 | best temperature |", "|---|---|---|"]
    for side in SIDES_PX:
        shares = [side / max(image.shape[:2]) for _, image in asked]
        images = [
            np.asarray(cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
            for share, (_, image) in zip(shares, asked, strict=True)
        ]
        similarity = _similarity(own, looks_of(images, embedder))
        drawn = _drawn(similarity, true, 5)
        best = fit_temperature(drawn, np.zeros(len(drawn), np.int64))
        rows.append(f"| {side} | {_right(similarity, true, 5):.2f} | {best:.3f} |")
    return rows


def _honest(similarity: Floats, true: NDArray[np.int64]) -> list[str]:
    """Temperature fitted on one half of the goods, judged on the other, both ways."""
    rows = ["| temperature | log-loss of 5 | told | right |", "|---|---|---|---|"]
    halves = [true % 2 == 0, true % 2 == 1]
    for fit_on, judge_on in (halves, halves[::-1]):
        fitted = _drawn(similarity[fit_on], true[fit_on], 5)
        temperature = fit_temperature(fitted, np.zeros(len(fitted), np.int64))
        rows.append(_row(f"{temperature:.3f}, fitted on the other half", temperature, similarity, true, judge_on))
    used = LookModel().temperature
    rows.append(_row(f"{used:.3f}, as used", used, similarity, true, np.ones(len(true), np.bool_)))
    return rows


def _row(name: str, temperature: float, similarity: Floats, true: NDArray[np.int64], rows: NDArray[np.bool_]) -> str:
    scores = _drawn(similarity[rows], true[rows], 5) / temperature
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    loss = float(-np.log(chances[:, 0]).mean())
    told, right = float(chances.max(axis=1).mean()), float((chances.argmax(axis=1) == 0).mean())
    return f"| {name} | {loss:.2f} (ignorance {np.log(5):.2f}) | {told:.2f} | {right:.2f} |"
