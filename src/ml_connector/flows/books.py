"""What every flow of one link works with: its accounts on both sides, its choices, its books."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection

from ml_connector.accounting.opening import OpeningSheet
from ml_connector.domain.clock import Clock
from ml_connector.domain.finances import Summary
from ml_connector.domain.links import Link
from ml_connector.domain.mapping import Mapping as AccountMapping
from ml_connector.domain.target import Company
from ml_connector.store.door import Store

#: Told ``(done, total, what is being done)``.
Progress = Callable[[int, int, str], None]


class Note(Protocol):
    """Writes an audit event inside the caller's transaction."""

    def __call__(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None: ...


#: What Amazon says of a settlement beside its file. Raises what reading from Amazon raises.
Summaries = Callable[[str], Awaitable[Sequence[Summary]]]


async def _no_summaries(_settlement_id: str) -> Sequence[Summary]:
    return ()


@dataclass(frozen=True, slots=True)
class Books:
    """One link, opened. ``mapping`` is the newest; ``mapping_version`` fetches an older one. ``scratch`` is a folder for files that live as long as one step of a flow."""

    store: Store
    target: Company
    link: Link
    mapping: AccountMapping
    mapping_version: Callable[[int], Awaitable[AccountMapping]]
    sheets: tuple[OpeningSheet, ...]
    clock: Clock
    note: Note
    scratch: Path
    progress: Progress = lambda _done, _total, _words: None
    summaries: Summaries = _no_summaries
