"""The store live on a terminal: floor, carts and what just happened. Through a pipe the happenings come as lines."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from jwo_cli import console
from jwo_cli.drive.floor_map import canvas, draw
from jwo_cli.drive.happenings import Names, decided, observed
from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.model.decisions import CartChanged, CartLine, VisitEnded
from jwo_cli.model.entry import Entry
from jwo_cli.model.layout import Point2, Store
from jwo_cli.model.observations import Observation, TrackEnded, WeightChanged
from jwo_cli.model.staffing import VisitJoined
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Step

if TYPE_CHECKING:
    from rich.console import RenderableType

FRAMES_PER_S = 12
EVENTS_SHOWN = 12
# A changed fixture is marked this long, and a person that was not seen this long is no longer drawn.
MARK_NS = 2 * NS_PER_S
UNSEEN_NS = 3 * NS_PER_S


class FloorWatch:
    """A watcher of one replay. `start` takes over the terminal, `stop` gives it back and leaves the last picture."""

    def __init__(self, store: Store, *, name: str) -> None:
        from rich.live import Live

        self._store = store
        self._title = name
        self._names = Names(store)
        self._console = console.rich_console(stderr=True)
        # A picture as high as the terminal would scroll it by one line at every frame.
        self._rows = max(min(self._console.size.height - 1, 48), EVENTS_SHOWN + 10)
        self._live = (
            Live(console=self._console, auto_refresh=False, vertical_overflow="crop")
            if self._console.is_terminal
            else None
        )
        self._people: dict[str, tuple[int, Point2]] = {}
        self._busy: dict[str, tuple[int, str]] = {}
        self._carts: dict[str, tuple[CartLine, ...]] = {}
        self._events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self._fixture_of = {shelf.shelf_id: fixture.fixture_id for fixture, shelf in store.shelves()}
        self._start_ns: int | None = None
        self._now_ns = 0
        self._drawn_s = 0.0

    def start(self) -> None:
        """Take over the terminal."""
        if self._live is not None:
            self._console.height = self._rows
            self._live.start()

    def stop(self) -> None:
        """Draw the last state and give the terminal back."""
        if self._live is not None:
            self._live.update(self._picture(), refresh=True)
            self._live.stop()

    def signal(self, signal: Signal) -> None:
        """Where people are now; the picture follows a few times a second."""
        at_ns = signal.end_ns if isinstance(signal, WeightBatch) else signal.at_ns
        self._start_ns = at_ns if self._start_ns is None else self._start_ns
        self._now_ns = max(self._now_ns, at_ns)
        if isinstance(signal, PoseFrame):
            for person in signal.people:
                seen = person.joints_m[~np.isnan(person.joints_m[:, :2]).any(axis=1), :2]
                if len(seen):
                    x_m, y_m = np.median(seen, axis=0)
                    self._people[person.track_id] = (at_ns, (float(x_m), float(y_m)))
        if self._live is not None and time.monotonic() - self._drawn_s > 1 / FRAMES_PER_S:
            self._live.update(self._picture(), refresh=True)
            self._drawn_s = time.monotonic()

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:
        """Something was observed, and perhaps decided."""
        for caused in step.decisions:
            self._names.learn(caused.decision)
        self._tell(entry.at_ns, observed(observation, self._names))
        if isinstance(observation, WeightChanged):
            mark = "▼" if sum(plate.delta_g for plate in observation.plates) < 0 else "▲"
            self._busy[self._fixture_of.get(observation.shelf_id, "")] = (self._now_ns, mark)
        if isinstance(observation, TrackEnded):
            self._people.pop(observation.track_id, None)
        for caused in step.decisions:
            if isinstance(caused.decision, CartChanged):
                self._carts[caused.decision.visit_id] = caused.decision.lines
            if isinstance(caused.decision, VisitEnded | VisitJoined):
                self._carts.pop(caused.decision.visit_id, None)
            self._tell(entry.at_ns, decided(caused.decision, self._names))

    def _tell(self, at_ns: int, sentence: str | None) -> None:
        if sentence is None:
            return
        line = f"{(at_ns - (self._start_ns or at_ns)) / NS_PER_S:7.1f} s  {sentence}"
        self._events.append(line)
        if self._live is None:
            self._console.print(line, soft_wrap=True)

    def _picture(self) -> RenderableType:
        from rich.layout import Layout
        from rich.panel import Panel
        from rich.text import Text

        whole = Layout()
        whole.split_column(Layout(name="above", ratio=2), Layout(name="below", size=EVENTS_SHOWN + 2))
        whole["above"].split_row(Layout(name="floor", ratio=3), Layout(name="carts", ratio=2))
        clock = (self._now_ns - (self._start_ns or 0)) / NS_PER_S if self._start_ns is not None else 0.0
        whole["floor"].update(Panel(self._floor(), title=Text(self._heading(clock))))
        whole["carts"].update(self._side())
        whole["below"].update(Panel(Text("\n".join(self._events)), title="what happened"))
        return whole

    def _heading(self, clock_s: float) -> str:
        return f"{self._title}  {clock_s:.1f} s"

    def _side(self) -> RenderableType:
        from rich.panel import Panel

        return Panel(self._cart_text(), title="carts")

    def _floor(self) -> RenderableType:
        from rich.text import Text

        columns, rows = max(20, self._console.width * 3 // 5 - 4), self._rows - EVENTS_SHOWN - 4
        self._people = {track: seen for track, seen in self._people.items() if self._now_ns - seen[0] < UNSEEN_NS}
        self._busy = {key: value for key, value in self._busy.items() if self._now_ns - value[0] < MARK_NS}
        people = {
            "*" if track in self._names.staff else self._names.person(track): place
            for track, (_, place) in self._people.items()
        }
        busy = {key: mark for key, (_, mark) in self._busy.items()}
        place = canvas(self._store, columns=columns, rows=rows)
        return Text("\n".join(draw(self._store, place, people=people, busy=busy)))

    def _cart_text(self) -> RenderableType:
        from rich.text import Text

        text = Text()
        for visit_id, lines in self._carts.items():
            text.append(f"{self._names.visitor(visit_id)}\n", style="bold")
            for line in lines:
                text.append(f"{line.probability:5.0%}  {line.quantity} × {self._names.product(line.product_id)}\n")
        return text
