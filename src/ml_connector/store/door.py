"""The one door to the database: ``await store.call(fn)`` runs ``fn(connection)`` in one short transaction.

``fn`` is synchronous, touches nothing but its connection, and may run more than once (PostgreSQL asks for that after a
deadlock). When the call returns, the transaction is on disk; when it raises, nothing of it is. A caller that is cancelled
does not know which, like one that was killed.

Three doors behind one interface: a single writer thread that commits in groups (SQLite), a small pool (PostgreSQL), and the
calling thread itself between two yield points (deterministic simulation).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import MlConnectorError, Unavailable, WrongUse
from ml_connector.store import dialect, migrate
from ml_connector.store.engines import POOL_SIZE, make_engine

T = TypeVar("T")

GROUP_SIZE_MAX: Final = 64
SLOW_S: Final = 0.1
_TRIES: Final = 6
_SERIALIZATION_FAILURE: Final = "40001"
_DEADLOCK: Final = "40P01"


@dataclass(slots=True)
class Counts:
    """What went through the door. ``slow`` transactions took more than 100 ms; ``retried`` were asked for again."""

    calls: int = 0
    transactions: int = 0
    slow: int = 0
    retried: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, calls: int, took_s: float) -> None:
        with self._lock:
            self.calls += calls
            self.transactions += 1
            self.slow += took_s > SLOW_S

    def add_retry(self) -> None:
        with self._lock:
            self.retried += 1


class Door(Protocol):
    """A way in."""

    async def call(self, fn: Callable[[Connection], T]) -> T: ...

    async def close(self) -> None: ...


class Store:
    """The database of one installation."""

    def __init__(self, engine: Engine, door: Door, counts: Counts) -> None:
        self.engine = engine
        self.counts = counts
        self._door = door

    @classmethod
    def open(
        cls,
        where: str | Path,
        clock: Clock,
        *,
        yield_point: Callable[[], Awaitable[None]] | None = None,
        fsync: bool = True,
    ) -> Store:
        """Open the database at a path (SQLite) or a ``postgresql://`` address, and bring its tables up to date.

        With ``yield_point`` (SQLite only) nothing runs in another thread: it is awaited before each transaction and after
        each commit. ``fsync=False`` is for files that a test throws away.
        Raises :class:`WrongUse` for an address that cannot be used or a database made by a newer version, and
        :class:`Unavailable` where it does not answer.
        """
        engine = make_engine(where, clock, fsync=fsync)
        if yield_point is not None and engine.dialect.name == "postgresql":
            raise WrongUse("PostgreSQL cannot run inside a simulation.")
        counts = Counts()
        try:
            migrate.migrate(engine)
        except MlConnectorError:
            engine.dispose()
            raise
        except DBAPIError as error:
            engine.dispose()
            raise _unavailable(error) from error
        if engine.dialect.name == "postgresql":
            return cls(engine, PooledDoor(engine, clock, counts), counts)
        if yield_point is not None:
            return cls(engine, InlineDoor(engine, clock, counts, yield_point), counts)
        return cls(engine, WriterDoor(engine, clock, counts), counts)

    async def call(self, fn: Callable[[Connection], T]) -> T:
        """Run ``fn`` in one short transaction. Raises what ``fn`` raises (nothing is kept then), and
        :class:`Unavailable` where the database cannot be written."""
        return await self._door.call(fn)

    def now(self, conn: Connection) -> datetime:
        """The database's clock: the server's on PostgreSQL, the injected one on SQLite."""
        return dialect.now(conn)

    async def close(self) -> None:
        """Finish what was asked for and let go."""
        await self._door.close()
        self.engine.dispose()


def _unavailable(error: DBAPIError) -> Unavailable:
    words = str(error.orig).strip().partition("\n")[0]
    if getattr(error.orig, "sqlite_errorcode", None) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return Unavailable(
            f"The database is damaged ({words}): keep the file, and put the newest backup in its place.",
            code="database_damaged",
        )
    return Unavailable(
        f"The database cannot be used ({words}): check that it is reachable, not held by another program, and the disk "
        "has room.",
        code="database_unavailable",
    )


class _OneConnection:
    """A connection that is kept open, and opened anew after a failed commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None

    def get(self) -> Connection:
        if self._conn is None:
            self._conn = self._engine.connect()
        return self._conn

    def in_transaction(self) -> bool:
        """What SQLite itself says."""
        driver: Any = self.get().connection.driver_connection
        return bool(driver.in_transaction)

    def drop(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.invalidate()
            conn.close()

    def close(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()


# --- SQLite: one writer, committing in groups ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Call:
    """One asked-for call and, later, how it ended."""

    fn: Callable[[Connection], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def run(self, conn: Connection) -> None:
        """In a savepoint of its own, so that a failure takes back only this call."""
        try:
            with conn.begin_nested():
                self.result = self.fn(conn)
        except BaseException as error:  # noqa: BLE001  whatever it is belongs to the caller, not to this thread
            self.error = error

    def resolve(self) -> None:
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class WriterDoor:
    """One thread that writes. Calls that wait while a transaction runs share the next one and its single fsync."""

    def __init__(self, engine: Engine, clock: Clock, counts: Counts) -> None:
        self._clock = clock
        self._counts = counts
        self._connection = _OneConnection(engine)
        self._queue: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def call(self, fn: Callable[[Connection], T]) -> T:
        if self._closed:
            raise WrongUse("The database was closed already.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put(_Call(fn, loop, future))
        return await future

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _work(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._next()
            if batch:
                self._transact(batch)
                _hand_out(batch)
        self._connection.close()

    def _next(self) -> tuple[list[_Call], bool]:
        """What waits now, at least one; and whether there may be more."""
        call = self._queue.get()
        batch: list[_Call] = []
        while call is not None:
            if not call.future.cancelled():
                batch.append(call)
            if len(batch) == GROUP_SIZE_MAX:
                return batch, True
            try:
                call = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _transact(self, batch: list[_Call]) -> None:
        started = self._clock.monotonic()
        try:
            with self._connection.get().begin():
                for call in batch:
                    call.run(self._connection.get())
                    if call.error is not None and not self._connection.in_transaction():
                        # A full disk takes back everything, and what followed would commit by itself.
                        raise Unavailable(
                            "The database took back a whole transaction: check that its disk has room.",
                            code="database_unavailable",
                        ) from call.error
        except BaseException as error:  # noqa: BLE001  nothing of the group is on disk: every caller must know
            told = _unavailable(error) if isinstance(error, DBAPIError) else error
            for call in batch:
                call.error = told
            self._connection.drop()
        self._counts.add(len(batch), self._clock.monotonic() - started)


def _hand_out(batch: list[_Call]) -> None:
    """Wake the callers, with one wake-up for each loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Call]] = {}
    for call in batch:
        by_loop.setdefault(call.loop, []).append(call)
    for loop, calls in by_loop.items():
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_resolve, calls)


def _resolve(calls: list[_Call]) -> None:
    for call in calls:
        call.resolve()


# --- the calling thread, for simulation ---------------------------------------------------------------------------------


class InlineDoor:
    """No thread: the transaction runs where it was asked for, between two places where a simulated process may stop."""

    def __init__(
        self, engine: Engine, clock: Clock, counts: Counts, yield_point: Callable[[], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._counts = counts
        self._connection = _OneConnection(engine)
        self._yield_point = yield_point

    async def call(self, fn: Callable[[Connection], T]) -> T:
        await self._yield_point()
        result = self._transact(fn)
        await self._yield_point()
        return result

    def _transact(self, fn: Callable[[Connection], T]) -> T:
        started = self._clock.monotonic()
        conn = self._connection.get()
        with conn.begin():
            result = fn(conn)
        self._counts.add(1, self._clock.monotonic() - started)
        return result

    async def close(self) -> None:
        self._connection.close()


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------


class PooledDoor:
    """Each call on a thread and a connection of the pool. READ COMMITTED: who reads in order to write takes a lock."""

    def __init__(self, engine: Engine, clock: Clock, counts: Counts) -> None:
        self._engine = engine
        self._clock = clock
        self._counts = counts
        self._threads = ThreadPoolExecutor(POOL_SIZE, thread_name_prefix="store")

    async def call(self, fn: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._transact, fn)

    def _transact(self, fn: Callable[[Connection], T]) -> T:
        for tries_left in reversed(range(_TRIES)):
            started = self._clock.monotonic()
            try:
                with self._engine.begin() as conn:
                    result = fn(conn)
            except DBAPIError as error:
                if tries_left and getattr(error.orig, "sqlstate", None) in {_SERIALIZATION_FAILURE, _DEADLOCK}:
                    self._counts.add_retry()
                    continue
                if isinstance(error, OperationalError):
                    raise _unavailable(error) from error
                raise
            self._counts.add(1, self._clock.monotonic() - started)
            return result
        raise MlConnectorError("The last try neither ended nor failed.")

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
