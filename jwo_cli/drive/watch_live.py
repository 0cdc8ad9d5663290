"""A running store on a terminal: floor, carts and happenings; beside them its mode, its devices and their health."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from jwo_cli.drive.live import LiveStore
from jwo_cli.drive.watch import FloorWatch
from jwo_cli.model.layout import Store

if TYPE_CHECKING:
    from rich.console import RenderableType

# How the mode stands in the heading.
ILLS = 6  # devices in trouble that are shown; `jwo store status` names all
COLOURS = {"up": "green", "staff_only": "yellow", "draining": "yellow", "down": "red"}


class LiveWatch(FloorWatch):
    """A watcher of one run; `attach` tells it which."""

    def __init__(self, store: Store, *, shadow: bool = False) -> None:
        super().__init__(store, name=store.name)
        self._shadow = shadow
        self._run: LiveStore | None = None

    def attach(self, run: LiveStore) -> None:
        """Show the mode and the devices of this run."""
        self._run = run

    def _heading(self, clock_s: float) -> str:
        mode = self._run.live.mode.value.replace("_", " ") if self._run is not None else ""
        shadow = ", shadow: nothing is charged" if self._shadow else ""
        return f"{self._title}  {mode}{shadow}  {clock_s / 60:.0f} min"

    def _side(self) -> RenderableType:
        from rich.layout import Layout
        from rich.panel import Panel

        whole = Layout()
        lines = 0 if self._run is None else len(self._run.states) + min(len(self._run.health.ill), ILLS + 1) + 3
        whole.split_column(Layout(name="carts"), Layout(name="state", size=min(lines + 2, 18)))
        whole["carts"].update(Panel(self._cart_text(), title="carts"))
        whole["state"].update(Panel(self.state_text(), title="store and devices"))
        return whole

    def state_text(self) -> RenderableType:
        """Mode, sources and devices in trouble."""
        from rich.text import Text

        text = Text()
        if self._run is None:
            return text
        live, now_s = self._run.live, time.monotonic()
        mode = live.mode.value
        text.append(mode.replace("_", " "), style=COLOURS.get(mode, ""))
        text.append(f", {len(self._run.engine.roster.visits)} inside, {live.issued} receipts\n")
        if live.latencies_s:
            text.append(f"last receipt {live.latencies_s[-1]:.1f} s after the exit\n")
        for state in self._run.states.values():
            well = state.connected and now_s - state.heard_s <= state.patience_s
            text.append("● ", style="green" if well else "red" if state.critical else "yellow")
            heard = f"{now_s - state.heard_s:.1f} s ago" if state.given else "not heard of yet"
            text.append(f"{state.name}: {state.problem or heard}\n")
        ills = list(self._run.health.ill.values())
        for ill in ills[:ILLS]:
            text.append(f"  {ill.device_id}: {ill.kind.value} {ill.note}\n", style="red")
        if len(ills) > ILLS:
            text.append(f"  and {len(ills) - ILLS} more: jwo store status\n", style="red")
        for reason in list(live.asked)[-1:]:
            text.append(f"for staff: {reason}\n", style="yellow")
        return text
