"""Planogram and product documents from a layout, for recordings that were never AutoCheckout's.

Plates must be wired as 'g<gondola>:<shelf>:<plate>': that numbering is all these documents know. A facing becomes a
box in the store frame, metres; a shelf without facings becomes one facing without a product, so that its plates stay.
"""

from __future__ import annotations

import math
import re

from jwo_cli.model.catalogue import Product
from jwo_cli.model.codec import JsonValue
from jwo_cli.model.findings import UserError
from jwo_cli.model.layout import Fixture, Plate, Shelf, Store
from jwo_cli.model.units import minor_digits

_CHANNEL = re.compile(r"g(\d+):(\d+):(\d+)")
Key = tuple[int, int, int]  # gondola, shelf, plate


def channel_key(channel: str) -> Key:
    """'g1:5:11' -> (1, 5, 11). Raises UserError for any other wiring."""
    match = _CHANNEL.fullmatch(channel)
    if match is None:
        fix = "AutoCheckout's documents know plates by gondola, shelf and plate: name channels 'g1:5:11'."
        raise UserError(f"channel {channel!r} has no place in AutoCheckout's documents", fix=fix)
    return int(match[1]), int(match[2]), int(match[3])


def object_id(collection: int, number: int) -> dict[str, JsonValue]:
    """A document id from its place, so that exports are equal byte for byte."""
    return {"$oid": f"{collection:08x}{number:016x}"}


def planogram_documents(store: Store) -> list[dict[str, JsonValue]]:
    """The planogram: facings in file order, then shelves on which nothing stands."""
    plates = store.plates()
    documents = [
        _facing(number, [plates[plate_id] for plate_id in facing.plates], facing.product_id)
        for number, facing in enumerate(store.facings)
    ]
    faced = {plates[plate_id][1].shelf_id for facing in store.facings for plate_id in facing.plates}
    for fixture, shelf in store.shelves():
        if shelf.plates and shelf.shelf_id not in faced:
            documents.append(_facing(len(documents), [(fixture, shelf, plate) for plate in shelf.plates], None))
    return documents


def _facing(number: int, stand: list[tuple[Fixture, Shelf, Plate]], product_id: str | None) -> dict[str, JsonValue]:
    fixture = stand[0][0]
    boxes = [plate.box for _, _, plate in stand]
    left, front, bottom = (min(values) for values in zip(*((box.x_m, box.y_m, box.z_m) for box in boxes), strict=True))
    right, back = max(box.x_m + box.dx_m for box in boxes), max(box.y_m + box.dy_m for box in boxes)
    top = max(box.z_m + box.dz_m for box in boxes)
    x, y, z = fixture.pose.apply(left, front, bottom)
    size: dict[str, JsonValue] = {"dim_x": right - left, "dim_y": back - front, "dim_z": top - bottom}
    turn: dict[str, JsonValue] = {"z": math.radians(fixture.pose.rotation_deg)}
    ids: list[JsonValue] = [_plate_id(channel_key(plate.channel)) for _, _, plate in stand]
    document: dict[str, JsonValue] = {"_id": object_id(3, number), "plate_ids": ids}
    if product_id is not None:
        document["planogram_product_id"] = {"barcode_type": "UPC", "id": product_id}
    document["global_coordinates"] = {
        "transform": {"translation": {"x": x, "y": y, "z": z}, "rotation": turn},
        **size,
    }
    return document


def _plate_id(key: Key) -> JsonValue:
    return {"shelf_id": {"gondola_id": {"id": key[0]}, "shelf_index": key[1]}, "plate_index": key[2]}


def product_documents(store: Store) -> list[dict[str, JsonValue]]:
    """The product table, one document a product in catalogue order; prices in currency units, masses in grams."""
    catalogue = store.catalogue
    digits = minor_digits(catalogue.currency)
    return [_product(number, product, digits) for number, product in enumerate(catalogue.products)]


def _product(number: int, product: Product, digits: int) -> dict[str, JsonValue]:
    about: dict[str, JsonValue] = {"name": product.name, "price": product.price_minor / 10**digits}
    if product.unit_mass_g is not None:
        about["weight"] = product.unit_mass_g
    return {
        "_id": object_id(4, number),
        "product_id": {"barcode_type": "UPC", "id": product.product_id},
        "metadata": about,
    }
