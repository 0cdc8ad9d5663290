"""The store live on a terminal: floor, carts and what just happened. Through a pipe the happenings come as lines.

Where a terminal is small, carts come before the floor and the happenings. What happened stands in the order in which it
became known, with the time of that: what is told late is the newest all the same.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from jwo_cli import console
from jwo_cli.drive.fitting import BORDER, FRAME, first, last
from jwo_cli.drive.floor_map import canvas, draw
from jwo_cli.drive.happenings import Names, decided, observed
from jwo_cli.estimate.signals import PoseFrame, Signal, WeightBatch
from jwo_cli.model.decisions import CartChanged, CartLine, VisitEnded, VisitStarted
from jwo_cli.model.entry import Entry
from jwo_cli.model.layout import Point2, Store
from jwo_cli.model.observations import Observation, TrackEnded, WeightChanged
from jwo_cli.model.staffing import VisitJoined
from jwo_cli.model.units import NS_PER_S
from jwo_cli.shop.step import Step

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

FRAMES_PER_S = 12
EVENTS_SHOWN = 12  # at most; a third of the rows in a terminal that is small
LEAST_ROWS, MOST_ROWS = 10, 48
SIDE_COLUMNS = 40  # of the carts at least, up to half of the terminal
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
        self.rows = min(max(self._console.size.height - 1, LEAST_ROWS), MOST_ROWS)
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

    @property
    def drawn(self) -> bool:
        """Whether there is a terminal, and a picture on it."""
        return self._live is not None

    def start(self) -> None:
        """Take over the terminal."""
        if self._live is not None:
            self._console.height = self.rows
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

    def step(self, entry: Entry, observation: Observation, step: Step) -> None:  # noqa: ARG002 - a `Watcher`
        """Something was observed, and perhaps decided."""
        for caused in step.decisions:
            self._names.learn(caused.decision)
        self._tell(observed(observation, self._names))
        if isinstance(observation, WeightChanged):
            mark = "▼" if sum(plate.delta_g for plate in observation.plates) < 0 else "▲"
            self._busy[self._fixture_of.get(observation.shelf_id, "")] = (self._now_ns, mark)
        if isinstance(observation, TrackEnded):
            self._people.pop(observation.track_id, None)
        for caused in step.decisions:
            if isinstance(caused.decision, VisitStarted):
                self._carts.setdefault(caused.decision.visit_id, ())
            if isinstance(caused.decision, CartChanged):
                self._carts[caused.decision.visit_id] = caused.decision.lines
            if isinstance(caused.decision, VisitEnded | VisitJoined):
                self._carts.pop(caused.decision.visit_id, None)
            self._tell(decided(caused.decision, self._names))

    def _tell(self, sentence: str | None) -> None:
        if sentence is None:
            return
        line = f"{self._stamp()}  {sentence}"
        self._events.append(line)
        if self._live is None:
            self._console.print(line, soft_wrap=True)

    def _stamp(self) -> str:
        """When something is told."""
        return f"{self._clock_s():7.1f} s"

    def _clock_s(self) -> float:
        return (self._now_ns - (self._start_ns or self._now_ns)) / NS_PER_S

    def _picture(self) -> RenderableType:
        from rich.layout import Layout
        from rich.panel import Panel
        from rich.text import Text

        width = self._console.width
        events = max(1, min(EVENTS_SHOWN, self.rows // 3 - BORDER))
        side, rows = min(max(width * 2 // 5, SIDE_COLUMNS), width // 2), self.rows - events - BORDER
        whole = Layout()
        whole.split_column(Layout(name="above"), Layout(name="below", size=events + BORDER))
        whole["above"].split_row(Layout(name="floor"), Layout(name="side", size=side))
        floor = self._floor(columns=max(width - side - FRAME, 1), rows=max(rows - BORDER, 1))
        whole["floor"].update(Panel(floor, title=Text(self._heading(self._clock_s()))))
        whole["side"].update(self._side(columns=side - FRAME, rows=rows))
        told = [Text(line) for line in self._events]
        told_last = last(told, self._console, columns=width - FRAME, rows=events)
        whole["below"].update(Panel(told_last, title="what happened"))
        return whole

    def _heading(self, clock_s: float) -> str:
        return f"{self._title}  {clock_s:.1f} s"

    def _side(self, *, columns: int, rows: int) -> RenderableType:
        """What stands beside the floor; rows with their panels' borders, columns without."""
        return self._cart_panel(columns=columns, rows=rows - BORDER)

    def _cart_panel(self, *, columns: int, rows: int) -> RenderableType:
        from rich.panel import Panel

        empty = sum(not lines for lines in self._carts.values())

        def more(left: int) -> str:
            return f"and {left - 1 + empty if empty else left} more inside"

        carts = first(self._cart_texts(columns), self._console, columns=columns, rows=rows, more=more)
        return Panel(carts, title="carts")

    def _floor(self, *, columns: int, rows: int) -> RenderableType:
        from rich.text import Text

        self._people = {track: seen for track, seen in self._people.items() if self._now_ns - seen[0] < UNSEEN_NS}
        self._busy = {key: value for key, value in self._busy.items() if self._now_ns - value[0] < MARK_NS}
        people = {
            "*" if track in self._names.staff else self._names.person(track): place
            for track, (_, place) in self._people.items()
        }
        busy = {key: mark for key, (_, mark) in self._busy.items()}
        place = canvas(self._store, columns=columns, rows=rows)
        return Text("\n".join(draw(self._store, place, people=people, busy=busy)))

    def _cart_texts(self, columns: int) -> list[Text]:
        """Who has what, a row for each thing; in the last text are all who are inside and have nothing."""
        from rich.text import Text

        carts: list[Text] = []
        for visit_id, lines in self._carts.items():
            rows = []
            for place, line in enumerate(lines):
                row = Text(self._names.visitor(visit_id) if place == 0 else " ", style="bold")
                what = f" {line.probability:5.0%}  {line.quantity} × {self._names.product(line.product_id)}"
                row.append(what, style="not bold").truncate(max(columns, 1), overflow="ellipsis")
                rows.append(row)
            carts += [Text("\n").join(rows)] if rows else []
        empty = [self._names.visitor(visit_id) for visit_id, lines in self._carts.items() if not lines]
        return [*carts, Text(f"{', '.join(empty)}: nothing so far", style="dim")] if empty else carts
