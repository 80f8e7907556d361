"""The door: one short transaction for each call, on disk when it returns, nothing of it when it raises."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from ml_connector.domain.errors import Unavailable, WrongUse
from ml_connector.store import watermarks
from ml_connector.store.door import GROUP_SIZE_MAX, Store
from tests.support.clock import NOON, FakeClock
from tests.support.databases import in_store, in_transaction, postgresql_database, sqlite_database


class Stop(Exception):
    """What a call raises in these tests."""


def put(value: str, *, then: Exception | None = None) -> Callable[[Connection], str]:
    def write(conn: Connection) -> str:
        watermarks.put(conn, "amazon", value, value)
        if then is not None:
            raise then
        return value

    return write


def kept(conn: Connection) -> list[str]:
    return list(conn.execute(text("SELECT flow FROM watermarks ORDER BY flow")).scalars())


def test_a_call_that_returned_is_there_for_the_next_process(where: str | Path) -> None:
    assert in_transaction(where, put("orders")) == "orders"

    assert in_transaction(where, kept) == ["orders"]


def test_a_call_that_raised_leaves_nothing(where: str | Path) -> None:
    with pytest.raises(Stop):
        in_transaction(where, put("orders", then=Stop()))

    assert in_transaction(where, kept) == []


def test_one_failing_call_among_many_takes_back_only_itself(where: str | Path) -> None:
    async def many(store: Store) -> list[object]:
        calls = [store.call(put(f"{n:02}", then=Stop() if n == 7 else None)) for n in range(20)]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    ends = in_store(where, many)

    assert [n for n, end in enumerate(ends) if isinstance(end, Stop)] == [7]
    assert in_transaction(where, kept) == [f"{n:02}" for n in range(20) if n != 7]


def test_a_broken_statement_among_many_takes_back_only_itself(where: str | Path) -> None:
    async def many(store: Store) -> list[object]:
        calls = [store.call(put(f"{n}")) for n in range(3)]
        broken = store.call(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
        return list(await asyncio.gather(*calls, broken, return_exceptions=True))

    assert [type(end).__name__ for end in in_store(where, many)][:3] == ["str"] * 3
    assert in_transaction(where, kept) == ["0", "1", "2"]


def test_waiting_calls_share_a_transaction_of_at_most_64(tmp_path: Path) -> None:
    async def many(store: Store) -> tuple[int, int]:
        await asyncio.gather(*(store.call(put(f"{n:03}")) for n in range(200)))
        return store.counts.calls, store.counts.transactions

    calls, transactions = in_store(sqlite_database(tmp_path), many)

    assert calls == 200
    assert -(-200 // GROUP_SIZE_MAX) <= transactions < 200


@asynccontextmanager
async def busy(store: Store) -> AsyncIterator[None]:
    """The writer is inside a transaction, and ends it with the block."""
    loop, begun, gate = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def wait(_conn: Connection) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()

    transaction = asyncio.create_task(store.call(wait))
    await begun.wait()
    try:
        yield
    finally:
        gate.set()
    await transaction


async def in_one_group(store: Store, *fns: Callable[[Connection], object]) -> list[object]:
    """Ask for all of them while the writer is busy, so that they share its next transaction."""
    async with busy(store):
        calls = [asyncio.create_task(store.call(fn)) for fn in fns]
        await asyncio.sleep(0)
    ends = list(await asyncio.gather(*calls, return_exceptions=True))
    assert store.counts.transactions == 2
    return ends


def test_when_the_commit_fails_every_caller_of_the_group_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    # A deferred foreign key is checked at the commit: the nearest thing to a full disk that a test can have.
    path = sqlite_database(tmp_path)
    with sqlite3.connect(path) as setup:
        setup.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        setup.execute("CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
    setup.close()

    def poison(conn: Connection) -> None:
        conn.execute(text("INSERT INTO child VALUES (1)"))

    async def group(store: Store) -> tuple[list[object], str]:
        return await in_one_group(store, put("before"), poison, put("after")), await store.call(put("afterwards"))

    ends, afterwards = in_store(path, group)

    assert [type(end) for end in ends] == [Unavailable] * 3
    assert in_transaction(path, kept) == [afterwards]


def test_when_the_database_takes_back_the_transaction_every_caller_of_the_group_is_told(tmp_path: Path) -> None:
    def take_back(conn: Connection) -> None:
        conn.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise Stop

    async def group(store: Store) -> tuple[list[object], str]:
        return await in_one_group(store, put("before"), take_back, put("after")), await store.call(put("afterwards"))

    path = sqlite_database(tmp_path)
    ends, afterwards = in_store(path, group)

    assert [type(end) for end in ends] == [Unavailable] * 3
    assert in_transaction(path, kept) == [afterwards]


def test_a_call_cancelled_before_its_turn_is_not_made(tmp_path: Path) -> None:
    async def cancel_one(store: Store) -> None:
        async with busy(store):
            call = asyncio.create_task(store.call(put("cancelled")))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.sleep(0)

    path = sqlite_database(tmp_path)
    in_store(path, cancel_one)

    assert in_transaction(path, kept) == []


def test_inside_a_simulation_a_call_stops_once_before_and_once_after_its_commit(tmp_path: Path) -> None:
    path = sqlite_database(tmp_path)
    seen: list[list[str]] = []

    async def yield_point() -> None:
        other = sqlite3.connect(path)
        seen.append([row[0] for row in other.execute("SELECT flow FROM watermarks")])
        other.close()

    in_store(path, lambda store: store.call(put("orders")), yield_point=yield_point)

    assert seen == [[], ["orders"]]


def test_inside_a_simulation_whoever_dies_before_the_transaction_leaves_nothing(tmp_path: Path) -> None:
    path = sqlite_database(tmp_path)

    async def die() -> None:
        raise Stop

    with pytest.raises(Stop):
        in_store(path, lambda store: store.call(put("orders")), yield_point=die)

    assert in_transaction(path, kept) == []


def test_inside_a_simulation_a_failed_call_leaves_the_door_usable(tmp_path: Path) -> None:
    async def nothing() -> None:
        await asyncio.sleep(0)

    async def fail_then_write(store: Store) -> list[str]:
        with pytest.raises(Stop):
            await store.call(put("first", then=Stop()))
        await store.call(put("second"))
        return await store.call(kept)

    assert in_store(sqlite_database(tmp_path), fail_then_write, yield_point=nothing) == ["second"]


def test_sqlite_writes_through_to_the_disk_and_checks_its_references(tmp_path: Path) -> None:
    def pragmas(conn: Connection) -> list[object]:
        return [
            conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    full = 2
    assert in_transaction(sqlite_database(tmp_path), pragmas) == ["wal", full, 1]


def test_on_sqlite_the_clock_of_the_database_is_the_injected_one(tmp_path: Path) -> None:
    async def ask(store: Store) -> object:
        return await store.call(store.now)

    assert in_store(sqlite_database(tmp_path), ask, FakeClock(NOON)) == NOON


def test_the_database_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "fresh.db"

    in_transaction(path, kept)

    assert path.stat().st_mode & 0o077 == 0


def test_a_slow_transaction_is_counted(tmp_path: Path) -> None:
    clock = FakeClock()

    async def slow(store: Store) -> int:
        await store.call(lambda _conn: clock.advance(0.2))
        await store.call(lambda _conn: clock.advance(0.05))
        return store.counts.slow

    assert in_store(sqlite_database(tmp_path), slow, clock) == 1


@pytest.mark.parametrize("where", ["mysql://somewhere/db", "sqlite://", "http://user:hunter2@x"])
def test_an_address_of_anything_else_is_refused_without_repeating_it(where: str) -> None:
    with pytest.raises(WrongUse) as refused:
        Store.open(where, FakeClock())

    assert "hunter2" not in str(refused.value)


def test_a_missing_folder_says_to_run_init(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="run init first"):
        Store.open(tmp_path / "nowhere" / "x.db", FakeClock())


def test_a_closed_door_stays_closed(tmp_path: Path) -> None:
    async def late(store: Store) -> None:
        await store.close()
        with pytest.raises(WrongUse):
            await store.call(kept)

    in_store(sqlite_database(tmp_path), late)


@pytest.mark.postgres
def test_postgresql_asks_again_after_a_deadlock() -> None:
    async def cross(store: Store) -> tuple[list[str], int]:
        await store.call(put("a"))
        await store.call(put("b"))
        barrier: list[str] = []

        def lock_both(first: str, second: str) -> Callable[[Connection], str]:
            def update(conn: Connection) -> str:
                statement = text("UPDATE watermarks SET value = 'x' WHERE flow = :flow")
                conn.execute(statement, {"flow": first})
                barrier.append(first)
                while len(barrier) < 2:
                    conn.execute(text("SELECT pg_sleep(0.005)"))
                conn.execute(statement, {"flow": second})
                return first

            return update

        ends = await asyncio.gather(store.call(lock_both("a", "b")), store.call(lock_both("b", "a")))
        return sorted(ends), store.counts.retried

    ends, retried = in_store(postgresql_database(), cross)

    assert ends == ["a", "b"]
    assert retried >= 1
