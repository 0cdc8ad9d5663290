"""What fits into a panel of the live view: whole sentences, as many as there are rows for, and how many do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

BORDER, FRAME = 2, 4  # rows and columns that a panel takes beside what is in it


def height(texts: Iterable[Text], console: Console, columns: int) -> int:
    """Rows that these take, each begun on a row of its own and wrapped at so many columns."""
    return sum(len(text.wrap(console, max(columns, 1))) for text in texts)


def first(texts: Sequence[Text], console: Console, *, columns: int, rows: int, more: Callable[[int], str]) -> Text:
    """The first of them that fit; where some do not, the last row says how many (`more`)."""
    from rich.text import Text

    if height(texts, console, columns) <= rows:
        return Text("\n").join(texts)
    shown: list[Text] = []
    while len(shown) < len(texts) and height([*shown, texts[len(shown)]], console, columns) < rows:
        shown.append(texts[len(shown)])
    return Text("\n").join([*shown, Text(more(len(texts) - len(shown)), style="dim")])


def last(texts: Sequence[Text], console: Console, *, columns: int, rows: int) -> Text:
    """The last of them that fit, oldest first."""
    from rich.text import Text

    shown: list[Text] = []
    for text in reversed(texts):
        if shown and height([text, *shown], console, columns) > rows:
            break
        shown.insert(0, text)
    return Text("\n").join(shown)
