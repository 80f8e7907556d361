"""A store with documents that are due, and posters on it, for tests of posting."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection

from ml_connector.domain.documents import Document, State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Target, Trail
from ml_connector.posting.decide import Rules
from ml_connector.posting.loop import Poster
from ml_connector.store import attempts, documents, posting_sets
from ml_connector.store.documents import DocumentRow, NewDocument
from ml_connector.store.door import Store
from tests.support.clock import FakeClock
from tests.support.databases import sqlite_database

CONNECTION = "sap"


@dataclass
class Office:
    """One store. ``events`` are the audit notes, as (event, document key)."""

    store: Store
    clock: FakeClock
    events: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> Office:
        clock = FakeClock()

        async def yield_point() -> None:
            await asyncio.sleep(0)

        return cls(Store.open(sqlite_database(folder), clock, yield_point=yield_point, fsync=False), clock)

    def close(self) -> None:
        asyncio.run(self.store.close())

    def note(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
        self.events.append((event, subject))

    def plan(
        self, *entries: Document, state: State = State.APPROVED, set_id: str = "", goal: State = State.POSTED
    ) -> None:
        """One posting set, approved unless said otherwise."""
        name = set_id or f"set-{entries[0].reference}"

        def keep(conn: Connection) -> None:
            posting_sets.add(conn, name, link="main", connection=CONNECTION, settlement_id=entries[0].reference)
            rows = [
                NewDocument(entry, CONNECTION, "main", entry.key, name, position, goal.value, state)
                for position, entry in enumerate(entries)
            ]
            documents.add(conn, rows)

        self.call(keep)

    def poster(self, target: Target, holder: str = "one", rules: Rules | None = None) -> Poster:
        return Poster(self.store, target, CONNECTION, holder, self.clock, Random(1), self.note, rules=rules or Rules())

    def call(self, work: Any) -> Any:
        return asyncio.run(self.store.call(work))

    def row(self, key: DocumentKey) -> DocumentRow:
        row = self.call(lambda conn: documents.get(conn, key))
        assert isinstance(row, DocumentRow)
        return row

    def state(self, key: DocumentKey) -> tuple[State, str]:
        """State and reason."""
        row = self.row(key)
        return row.state, row.reason_code

    def trail(self, key: DocumentKey) -> Trail:
        trails: Mapping[DocumentKey, Trail] = self.call(lambda conn: attempts.trails(conn, [key]))
        return trails[key]

    def told(self, event: str) -> Sequence[str]:
        """The documents of which ``event`` was noted."""
        return [subject for each, subject in self.events if each == event]
