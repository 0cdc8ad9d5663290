"""A running store on a terminal: floor, carts and happenings; beside them its mode, its devices and their health.

Who is inside with what, whether doors stand open, what keeps the store shut and what staff are asked come before the
devices that are well.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jwo_cli.drive.fitting import BORDER, first, height
from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.model.layout import Store

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

CART_ROWS = 3  # that carts keep, whatever is to be said of the store
COLOURS = {"up": "green", "staff_only": "yellow", "draining": "yellow", "down": "red"}


class LiveWatch(FloorWatch):
    """A watcher of one run; `attach` tells it which."""

    def __init__(self, store: Store, *, shadow: bool = False) -> None:
        super().__init__(store, name=store.name)
        self._shadow = shadow
        self._zone = ZoneInfo(store.timezone)
        self._run: LiveStore | None = None

    def attach(self, run: LiveStore) -> None:
        """Show the mode and the devices of this run, and whoever is inside already."""
        self._run = run
        for visit_id in run.engine.roster.visits:
            self._carts.setdefault(visit_id, ())

    def _stamp(self) -> str:
        """The time in the store: a run goes on for months."""
        return f"{dt.datetime.now(self._zone):%H:%M:%S}"

    def _heading(self, clock_s: float) -> str:  # noqa: ARG002 - nobody needs to know since when a store runs
        mode = self._run.live.mode.value.replace("_", " ") if self._run is not None else ""
        shadow = ", shadow" if self._shadow else ""
        return f"{self._title}  {mode}{shadow}"

    def _side(self, *, columns: int, rows: int) -> RenderableType:
        from rich.layout import Layout
        from rich.panel import Panel

        inside = rows - 2 * BORDER
        most, others = self._foremost(), self._devices()
        all_of_it = height([*most, *others], self._console, columns)
        carts = height(self._cart_texts(columns), self._console, columns)
        given = max(height(most, self._console, columns) + bool(others), inside // 2, inside - carts)
        state = max(min(all_of_it, given, inside - CART_ROWS), 1)
        whole = Layout()
        whole.split_column(Layout(name="carts"), Layout(name="state", size=state + BORDER))
        whole["carts"].update(self._cart_panel(columns=columns, rows=inside - state))
        shown = first([*most, *others], self._console, columns=columns, rows=state, more=_more)
        whole["state"].update(Panel(shown, title="store and devices"))
        return whole

    def state_text(self) -> Text:
        """Mode, doors, sources and devices in trouble."""
        from rich.text import Text

        return Text("\n").join([*self._foremost(), *self._devices()])

    def _foremost(self) -> Sequence[Text]:
        """What nobody should have to look for."""
        from rich.text import Text

        if self._run is None:
            return ()
        live, mode = self._run.live, self._run.live.mode.value
        head = Text(mode.replace("_", " "), style=COLOURS.get(mode, ""))
        head.append(f", {len(self._run.engine.roster.visits)} inside, {live.issued} receipts", style="default")
        released = self._run.engine.house.released()
        doors = Text(f"stands open: {', '.join(released)}", style="red") if released else Text("no door stands open")
        asked = [Text(f"for staff: {reason}", style="yellow") for reason in list(live.asked)[-1:]]
        shut = [Text(f"shut until this is over: {reason}", style="yellow") for reason in self._run.caretaker.kept_shut]
        if self._run.caretaker.stopping:
            shut = [Text("stops when nobody is inside; Ctrl-C: at once", style="yellow")]
        shadow = [Text("a shadow: nothing is charged")] if self._shadow else []
        return (head, *shadow, doors, *shut, *asked)

    def _devices(self) -> Sequence[Text]:
        """Devices in trouble, then the others."""
        from rich.text import Text

        if self._run is None:
            return ()
        now_s, latencies_s = time.monotonic(), self._run.live.latencies_s
        ills = [
            Text(f"{ill.device_id}: {ill.kind.value}{f', {ill.note}' if ill.note else ''}", style="red")
            for ill in self._run.health.ill.values()
        ]
        sources = []
        for state in self._run.states.values():
            well = state.connected and now_s - state.heard_s <= state.patience_s
            source = Text("● ", style="green" if well else "red" if state.critical else "yellow")
            heard = f"{now_s - state.heard_s:.1f} s ago" if state.given else "not heard of yet"
            sources.append(source.append(f"{state.name}: {state.problem or heard}", style="default"))
        late = [Text(f"last receipt {latencies_s[-1]:.1f} s after the exit")] if latencies_s else []
        return (*ills, *sources, *late)


def _more(left: int) -> str:
    return f"and {left} more: jwo store status"
