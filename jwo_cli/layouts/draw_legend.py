"""The plan's right column, and the colours that plan and legend share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jwo_cli.layouts.plane import area
from jwo_cli.layouts.sheet import INK, SOFT, Sheet, north_arrow, scale_bar, title_block
from jwo_cli.model.layout import GateKind, Store

if TYPE_CHECKING:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

VIEW_DEG = 70.0  # a usual lens, drawn for a camera that is not calibrated yet

ZONE = "#9fb3a3"
FRONT, STAFF, EYE, RADIO, WAY_IN, WAY_OUT = "#d1495b", "#8a8f94", "#2a7fb8", "#8e5ea2", "#2e8b57", "#b5651d"
KINDS = {"gondola": "#e8dcc4", "fridge": "#cfe5ef", "table": "#dbe8cd", "counter": "#dcdcdc"}
OTHER_KIND = "#ececec"
DOORS = {GateKind.ENTRY: WAY_IN, GateKind.EXIT: WAY_OUT, GateKind.BOTH: "#556"}


def side_column(sheet: Sheet, store: Store) -> None:
    """Title, facts, scale, north, fixtures and legend."""
    shelves = store.shelves()
    plates = sum(len(shelf.plates) for _, shelf in shelves)
    facts = [
        f"Floor plan · store {store.store_id}",
        f"Layout version {store.version}",
        f"Floor {abs(area(store.floor)):.1f} m² · {len(store.fixtures)} fixtures",
        f"{len(shelves)} shelves · {plates} scale plates · {len(store.facings)} facings",
        f"{len(store.gates)} gates · {len(store.cameras)} cameras · {len(store.antennas)} RFID antennas",
    ]
    top = title_block(sheet, store.name, facts)
    top = scale_bar(sheet, top - 4)
    top = north_arrow(sheet, top)
    top = _schedule(sheet, store, top)
    _legend(sheet, store, top)


def _schedule(sheet: Sheet, store: Store, top: float) -> float:
    """Fixtures with their sizes, as a fitter orders them; the height where the next thing may begin."""
    sheet.column.text(4, top, "Fixtures", fontsize=9, fontweight="bold", color=INK, va="top")
    columns = (4.0, 16.0, 60.0, 69.0)
    sheet.column.text(columns[1], top - 4.6, "kind, size (w × d × h)", fontsize=6.5, color=SOFT, va="top")
    for at, heading in zip(columns[2:], ("boards", "plates"), strict=True):
        sheet.column.text(at, top - 4.6, heading, fontsize=6.5, color=SOFT, va="top", ha="right")
    top -= 8.2
    room = int((top - 75) / 3.7)  # the legend keeps its place
    shown = store.fixtures if len(store.fixtures) <= room else store.fixtures[: room - 1]
    for fixture in shown:
        boards = [shelf for bay in fixture.bays for shelf in bay.shelves]
        cells = (
            fixture.fixture_id,
            f"{fixture.kind} {fixture.dx_m:.2f} × {fixture.dy_m:.2f} × {fixture.dz_m:.2f}",
            str(len(boards) or ""),
            str(sum(len(shelf.plates) for shelf in boards) or ""),
        )
        for at, cell, side in zip(columns, cells, ("left", "left", "right", "right"), strict=True):
            weight = "bold" if at == columns[0] else "normal"
            sheet.column.text(at, top, cell, fontsize=7, color=INK, va="top", ha=side, fontweight=weight)
        top -= 3.7
    if len(shown) < len(store.fixtures):
        rest = len(store.fixtures) - len(shown)
        sheet.column.text(
            columns[0], top, f"… and {rest} more, see `jwo layout show`", fontsize=7, color=SOFT, va="top"
        )
        top -= 3.7
    return top - 3.0


def _legend(sheet: Sheet, store: Store, top: float) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    kinds = list(dict.fromkeys(fixture.kind for fixture in store.fixtures))
    entries: list[Patch | Line2D] = [
        Patch(facecolor=KINDS.get(kind, OTHER_KIND), edgecolor=INK, label=kind) for kind in kinds
    ]
    entries.append(Line2D([], [], color=FRONT, linewidth=2.6, label="front of a fixture"))
    entries.append(Patch(facecolor="none", edgecolor="#9b8f78", label="scale plate (all boards from above)"))
    if any(zone.staff_only for zone in store.zones):
        entries.append(Patch(facecolor="none", edgecolor=STAFF, hatch="////", linestyle="--", label="staff only"))
    if any(not zone.staff_only for zone in store.zones):
        entries.append(Patch(facecolor="none", edgecolor=ZONE, linestyle="--", label="zone"))
    for kind, label in (
        (GateKind.ENTRY, "entry, opens inwards"),
        (GateKind.EXIT, "exit, opens outwards"),
        (GateKind.BOTH, "in and out"),
    ):
        if any(gate.kind is kind for gate in store.gates):
            entries.append(Line2D([], [], color=DOORS[kind], linewidth=1.6, label=label))
    if store.cameras:
        entries.append(Patch(facecolor=EYE, alpha=0.4, label=f"camera and its view ({VIEW_DEG:.0f}° until calibrated)"))
    if store.antennas:
        entries.append(
            Line2D([], [], color=RADIO, linewidth=1, linestyle=(0, (3, 3)), label="RFID antenna and its range")
        )
    sheet.column.legend(
        handles=entries, loc="upper left", bbox_to_anchor=(0.02, top / sheet.column_mm[1]), frameon=False, fontsize=7.8,
        title="Legend", title_fontproperties={"weight": "bold", "size": 9}, alignment="left", labelcolor=INK,
    )  # fmt: skip
