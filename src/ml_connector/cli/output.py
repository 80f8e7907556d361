"""What a command says: one JSON document on stdout for programs, or words and tables for people. Progress and trouble go to
stderr, so that stdout stays clean."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

#: All control characters but tab and line feed, the marks that turn the writing direction, and surrogates.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

#: Between two columns of a table, and a longer word than this may be cut (a sha256).
_BETWEEN: Final = 3
_WORD_MAX: Final = 40

AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout; words and progress go to stderr.")
]


def plain(value: Any) -> Any:
    """``value`` as JSON data: amounts and dates as text, dataclasses as objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name.rstrip("_"): plain(getattr(value, field.name))
            for field in fields(value)
            if not field.name.startswith("_")
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (str, int, bool, float)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def count(number: int, one: str, many: str = "") -> str:
    """``1 document``, ``2 documents``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def words(value: Any) -> str:
    """JSON data as a person writes it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key}={words(item)}" for key, item in value.items())
        case list():
            return ", ".join(map(words, value))
        case _:
            return str(value)


def class_words(class_: str) -> str:
    """How a document is kept from counting twice, for people. What is no class is a sentence already."""
    return {
        "refused": "the server itself refuses a second posting",
        "two_acts": "entered first, then committed by a number that the server takes once",
        "window": "a lost answer is waited out and looked for before anything is sent again",
    }.get(class_, class_)


def emit(data: Any) -> None:
    """One JSON document."""
    # ASCII only: whatever the words in it are, they fit every encoding and move no cursor.
    sys.stdout.write(json.dumps(plain(data), indent=2) + "\n")
    sys.stdout.flush()


def shown(text: str) -> str:
    """``text`` without what would do something to a terminal instead of being seen: control characters, changes of the
    writing direction, halves of characters."""
    return _UNSEEN.sub("\ufffd", text)


def console() -> Console:
    """For people, on stdout. Text is shown as it is: what is to have a style comes from :func:`styled`."""
    from ml_connector.cli.terminal import Terminal

    return Terminal()


def trouble() -> Console:
    """For people, on stderr."""
    from ml_connector.cli.terminal import Terminal

    return Terminal(stderr=True)


def styled(words: str, style: str) -> Text:
    """Words with a colour."""
    from ml_connector.cli import terminal

    return terminal.styled(words, style)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table for people; ``right`` names the columns aligned to the right (amounts, counts). Where the terminal is too narrow
    for its words, a list of the same: words cut into pieces cannot be read."""
    from rich import box
    from rich.table import Table

    screen = console()
    cells = [[shown(str(cell)) for cell in row] for row in rows]
    widths = _widths([[column, *(row[at] for row in cells)] for at, column in enumerate(columns)], screen.width)
    if widths is None:
        _listed(screen, shown(title), columns, cells)
        return
    out = Table(title=shown(title) or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        out.add_column(column, justify="right" if column in right else "left", overflow="fold", width=width)
    for row in cells:
        out.add_row(*row)
    screen.print(out)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """How wide each column is to be, its title being its first text; None where there is no room for the words."""
    from rich.cells import cell_len

    room -= _BETWEEN * len(columns)
    most = [max(cell_len(line) for text in texts for line in (text.splitlines() or [""])) for texts in columns]
    least = [min(_WORD_MAX, max(cell_len(word) for text in texts for word in ("", *text.split()))) for texts in columns]
    left = room - sum(least)
    if left < 0:
        return None
    widths = list(least)
    for at in sorted(range(len(columns)), key=lambda at: most[at] - least[at]):  # the small wishes first
        more = min(left, most[at] - widths[at])
        widths[at] += more
        left -= more
    return widths


def _listed(screen: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if title:
        screen.print(title)
    for row in rows:
        screen.print()
        for column, cell in zip(columns, row, strict=True):
            if cell.strip():
                screen.print(f"{column}: {cell}" if column else cell)
    screen.print()


@contextmanager
def progress(description: str) -> Iterator[ProgressBar]:
    """A bar on stderr while something long goes on; nothing where nobody watches."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=trouble(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        yield ProgressBar(bar, bar.add_task(description, total=None))


class ProgressBar:
    """Takes ``(done, total, words)`` calls, as flows report them."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar = bar
        self._task = task

    def __call__(self, done: int, total: int, words: str) -> None:
        self._bar.update(self._task, completed=done, total=total, description=shown(words))
