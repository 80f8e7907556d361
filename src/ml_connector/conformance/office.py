"""Our own side of a case: the shipped store and poster, with documents that are due."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Final

from sqlalchemy import Connection

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document, State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Target, Trail
from ml_connector.posting import approvals
from ml_connector.posting.decide import Rules
from ml_connector.posting.loop import Poster
from ml_connector.store import attempts, documents, posting_sets
from ml_connector.store.documents import DocumentRow, NewDocument
from ml_connector.store.door import Counts, InlineDoor, Store
from ml_connector.store.tables import metadata

CONNECTION: Final = "erp"
LINK: Final = "main"

#: Longer than any settle window, its waits and a lease: what is not at its end by then never gets there by itself.
PATIENCE_S: Final = 6 * 3600.0
_BUSY_S: Final = 30.0
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it


async def _yield_point() -> None:
    await asyncio.sleep(0)  # noqa: TID251 - where the simulated process may stop


class Office:
    """A store of its own, and posters on it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._database = _lend(clock)
        self.store = self._database.store
        self.events: list[tuple[str, str]] = []

    def close(self) -> None:
        """Throw everything away, also what killed workers left open."""
        self._database.give_back()

    # --- what a person does here ---------------------------------------------------------------------------------------

    async def plan(self, target: Target, *planned: Document, set_id: str = "", goal: State = State.POSTED) -> None:
        """One approved posting set."""
        name = set_id or f"set-{planned[0].key}"

        def keep(conn: Connection) -> None:
            posting_sets.add(conn, name, link=LINK, connection=CONNECTION, settlement_id=planned[0].reference)
            documents.add(
                conn,
                [
                    NewDocument(each, CONNECTION, LINK, target.wire_key(each), name, place, goal.value, State.APPROVED)
                    for place, each in enumerate(planned)
                ],
            )

        await self.store.call(keep)

    async def adopt(self, target: Target, known: DocumentRow) -> None:
        """Take over what another office has posted, without a look."""
        await self.plan(target, known.document)
        await self.store.call(
            lambda conn: documents.set_state(conn, known.key, State.POSTED, ids=known.ids, posted_at=known.posted_at)
        )

    async def replay(self, key: DocumentKey) -> None:
        """A person asks to try a held document again."""
        await self.store.call(lambda conn: approvals.replay(conn, self.store, key, "a person", self._note))

    # --- work ----------------------------------------------------------------------------------------------------------

    def poster(self, target: Target, holder: str = "one", rules: Rules | None = None) -> Poster:
        """A worker with a door to the store of its own, as a process has."""
        counts = Counts()
        store = Store(self.store.engine, InlineDoor(self.store.engine, self.clock, counts, _yield_point), counts)
        chance = Random(f"poster {holder}")  # noqa: S311 - spreads pauses
        return Poster(store, target, CONNECTION, holder, self.clock, chance, self._note, rules=rules or Rules())

    async def work(self, poster: Poster, patience_s: float = PATIENCE_S) -> None:
        """Drain, wait until something is due, drain again, until nothing is on its way or ``patience_s`` is over."""
        ends = self.clock.monotonic() + patience_s
        while True:
            tally = await poster.drain()
            if not tally.busy and tally.next_look_at is None:
                return
            pause_s = _BUSY_S if tally.next_look_at is None else (tally.next_look_at - self.clock.now()).total_seconds()
            if self.clock.monotonic() + pause_s > ends:
                return
            await self.clock.sleep(max(pause_s, 0.001))

    async def row(self, key: DocumentKey) -> DocumentRow:
        row = await self.store.call(lambda conn: documents.get(conn, key))
        if row is None:
            raise LookupError(key)
        return row

    async def trail(self, key: DocumentKey) -> Trail:
        trails: Mapping[DocumentKey, Trail] = await self.store.call(lambda conn: attempts.trails(conn, [key]))
        return trails[key]

    def _note(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
        self.events.append((event, subject))


class _Lent:
    """The clock of whoever has a database at the moment."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


class _Database:
    """A migrated file, used by one office after the other: migrating it, and translating statements, is done once."""

    free: ClassVar[list[_Database]] = []

    def __init__(self, clock: Clock) -> None:
        self.clock = _Lent(clock)
        path = Path(tempfile.mkstemp(suffix=".db", dir=_folder())[1])
        self.store = Store.open(path, self.clock, yield_point=_yield_point, fsync=False)

    def give_back(self) -> None:
        """Empty, and without the connections of processes that were killed."""
        self.store.engine.dispose()
        with self.store.engine.begin() as conn:
            for table in reversed(metadata.sorted_tables):
                conn.execute(table.delete())
        self.store.engine.dispose()
        self.free.append(self)


def _lend(clock: Clock) -> _Database:
    if not _Database.free:
        return _Database(clock)
    database = _Database.free.pop()
    database.clock.clock = clock
    return database


@cache
def _folder() -> Path:
    """Of this process, in memory where the machine has a folder there."""
    folder = Path(tempfile.mkdtemp(prefix="ml-connector-conformance-", dir=_MEMORY if _MEMORY.is_dir() else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
