"""A store's own pictures of its goods as a file of looks: `looks.npz` in the store's directory.

Pictures lie in a folder, one or more a product: `4006381333931.jpg`, `4006381333931_2.png` (what stands before the
first `_` or `.` is the product's id), or a folder a product. Clean pictures, cut tightly around the thing, one product
each. The file names the network that made it, and is refused for any other.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from jwo_cli.estimate.pixels import Embedder, Image
from jwo_cli.estimate.vision.appearance import Gallery, Looks
from jwo_cli.model.catalogue import Catalogue
from jwo_cli.model.findings import Finding, Severity, UserError

from .crops import looks_of

FILE = "looks.npz"
IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_FORM = 1


def embed_pictures(
    folder: Path, catalogue: Catalogue, embedder: Embedder, model: str, *, seen: Callable[[str], None] = lambda _: None
) -> tuple[Gallery, tuple[Finding, ...]]:
    """Looks of all pictures of the catalogue's products; findings name pictures of none, and products without any.

    Raises UserError where no picture can be used.
    """
    products, ids, images, findings = catalogue.by_id(), [], list[Image](), list[Finding]()
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES):
        seen(file.name)
        product = products.get(_named(file, folder))
        image = _read(file)
        if product is None or image is None:
            problem = "it shows no product of the catalogue" if product is None else "it is no image that can be read"
            fix = "Name it after its product's id (4006381333931.jpg)." if product is None else "Save it again as JPEG."
            findings.append(Finding(file=str(file), problem=problem, fix=fix, severity=Severity.WARNING))
            continue
        ids.append(product.product_id)
        images.append(image)
    if not images:
        fix = "Put one clean picture a product there, named after the product's id."
        raise UserError(f"{folder} holds no picture of a product", fix=fix, findings=findings)
    pictured = dict.fromkeys(ids)
    bare = [product.product_id for product in catalogue.products if product.product_id not in pictured]
    if bare:
        told = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
        problem = f"{len(bare)} products have no picture: {told}"
        fix = "Cameras say nothing about them; add pictures where look-alikes stand together."
        findings.append(Finding(file=str(folder), problem=problem, fix=fix, severity=Severity.WARNING))
    return Gallery(product_ids=tuple(ids), looks=looks_of(images, embedder), model=model), tuple(findings)


def write_gallery(gallery: Gallery, file: Path) -> None:
    """The file, written aside and renamed into place."""
    content = io.BytesIO()
    np.savez_compressed(
        content,
        form=np.array(_FORM),
        model=np.array(gallery.model),
        product_ids=np.array(gallery.product_ids),
        network=gallery.looks.network.astype(np.float32),
        colour=gallery.looks.colour.astype(np.float32),
    )
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    aside.write_bytes(content.getvalue())
    aside.replace(file)


def read_gallery(file: Path, model: str) -> Gallery:
    """The looks of a store's goods. Raises UserError where there are none, they are damaged, or of another network."""
    again = "Make it again from the pictures."
    try:
        with np.load(file, allow_pickle=False) as kept:
            form, made_by = int(kept["form"]), str(kept["model"])
            ids = tuple(str(name) for name in kept["product_ids"])
            looks = Looks(network=kept["network"].astype(np.float64), colour=kept["colour"].astype(np.float64))
    except FileNotFoundError:
        raise UserError(f"{file} does not exist", fix=again) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{file} is damaged: {error}", fix=again) from None
    whole = looks.network.ndim == 2 and looks.colour.ndim == 2 and len(ids) == len(looks.network) == len(looks.colour)
    if form != _FORM or not ids or not whole or not np.isfinite(looks.network).all():
        raise UserError(f"{file} is damaged: its parts do not fit together", fix=again)
    if made_by != model:
        raise UserError(f"{file} was made with {made_by}, this is {model}", fix=again)
    return Gallery(product_ids=ids, looks=looks, model=made_by)


def _named(file: Path, folder: Path) -> str:
    if file.parent != folder:
        return file.parent.name
    return file.stem.split("_", 1)[0]


def _read(file: Path) -> Image | None:
    import cv2

    content = np.frombuffer(file.read_bytes(), np.uint8)
    image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
    return None if image is None else np.asarray(image, np.uint8)
