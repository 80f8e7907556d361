"""The rows of a settlement file as the grouping sees them: in blocks, in columns, already checked.

A million rows must not become a million objects, so a reader hands over some hundred rows at a time as parallel columns.
Where a block ends is the reader's business: nothing that is computed from blocks may depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from ml_connector.domain.errors import Finding
from ml_connector.domain.settlements import SettlementHead

T = TypeVar("T")

#: What a row says about its own time: an instant in UTC, or only a day (which is then a local date: ACCOUNTING 5).
Moment = datetime | date


@dataclass(frozen=True, slots=True)
class RowBlock(Generic[T]):
    """Consecutive detail rows. ``first`` is the line number of ``lines[0]`` (the header is line 1); no line is left out.

    ``lines`` are the rows as UTF-8 text without their line end, ``ticks`` their amounts in 1/10,000 of the currency unit,
    ``when`` what the caller's function made of each row's :data:`Moment`. ``column(name)`` gives the cells of a column of
    the file by its name, as UTF-8, in the file's own spelling.
    """

    first: int
    lines: Sequence[bytes]
    ticks: Sequence[int]
    when: Sequence[T]
    column: Callable[[str], Sequence[bytes]]


class RowReading(Protocol[T]):
    """One pass over the detail rows. The other members are complete when ``blocks`` is exhausted.

    ``refused``: a row could not be read; no further block is given and what was given must not be used.
    """

    @property
    def rows(self) -> int: ...

    @property
    def ticks(self) -> int: ...

    @property
    def refused(self) -> bool: ...

    @property
    def complete(self) -> bool: ...

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    def blocks(self) -> Iterator[RowBlock[T]]: ...


class SettlementRows(Protocol):
    """A settlement file that can be read any number of times.

    ``head`` is None, and ``findings`` say why, for a file whose rows cannot be read at all.
    """

    @property
    def sha256(self) -> str: ...

    @property
    def encoding(self) -> str | None: ...

    @property
    def head(self) -> SettlementHead | None: ...

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    def read(self, when: Callable[[Moment], T]) -> RowReading[T]: ...


@dataclass(frozen=True, slots=True)
class RefusedSettlement:
    """A file that must not be used, and what is known of it all the same. ``rows`` is None where the end was not reached."""

    sha256: str
    encoding: str | None
    head: SettlementHead | None
    rows: int | None
    findings: tuple[Finding, ...]
