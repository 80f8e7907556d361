"""The embedded engine keeps every promise of engines, and a few of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from ml_connector.engine.embedded import EmbeddedEngine
from ml_connector.engine.interface import Order, Slice, SliceEnd, SliceState, Work
from ml_connector.store import queue
from ml_connector.store.door import Store
from tests.support.clock import FakeClock
from tests.support.databases import sqlite_database
from tests.support.engine_contract import Bench, EngineContract

T = TypeVar("T")


class EmbeddedBench:
    """A store with the writer of its own thread, as in the product."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = Store.open(sqlite_database(folder), self.clock, fsync=False)
        self.stop = False
        self._connections: dict[tuple[str, str], str] = {}

    def engine(self, work: Work) -> EmbeddedEngine:
        def connection_of(_conn: Connection, link: str, flow: str) -> str | None:
            return self._connections.get((link, flow))

        return EmbeddedEngine(self.store, work, self.clock, connection_of, lambda: self.stop)

    async def schedule(self, link: str, flow: str, connection: str, every_s: int) -> None:
        self._connections[link, flow] = connection
        await self.put(queue.Schedule(link, flow, every_s, self.clock.now(), enabled=True))

    async def put(self, schedule: queue.Schedule) -> None:
        await self.store.call(lambda conn: queue.put_schedule(conn, schedule))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(story)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[EmbeddedBench]:
    bench = EmbeddedBench(tmp_path)
    yield bench
    asyncio.run(bench.store.close())


class TestEmbeddedEngine(EngineContract):
    @pytest.fixture
    def bench(self, bench: EmbeddedBench) -> Bench:
        return bench


async def done(_slice: Slice) -> SliceEnd:
    return SliceEnd(SliceState.DONE)


def order(slot: str) -> Order:
    return Order("sap", "post", "main", slot)


def test_slices_of_different_connections_run_side_by_side(bench: EmbeddedBench) -> None:
    met = asyncio.Event()
    arrived: list[str] = []

    async def work(slice_: Slice) -> SliceEnd:
        arrived.append(slice_.connection)
        if len(arrived) == 2:
            met.set()
        await met.wait()
        return SliceEnd(SliceState.DONE)

    async def story() -> None:
        engine = bench.engine(work)
        await engine.enqueue(Order("sap", "post", "main", "noon"))
        await engine.enqueue(Order("amazon", "orders", "main", "noon"))
        await asyncio.wait_for(engine.drain(), 30)

    bench.run(story())
    assert sorted(arrived) == ["amazon", "sap"]


def test_told_to_stop_it_begins_nothing_and_keeps_what_is_queued(bench: EmbeddedBench) -> None:
    async def work(slice_: Slice) -> SliceEnd:
        bench.stop = True
        return SliceEnd(SliceState.DONE)

    async def story() -> list[SliceEnd | None]:
        engine = bench.engine(work)
        wanted = [await engine.enqueue(order("first"))]
        bench.clock.advance(1)
        wanted.append(await engine.enqueue(order("second")))
        await engine.drain()
        return [await engine.end_of(each) for each in wanted]

    first, second = bench.run(story())
    assert first is not None
    assert second is None


def test_a_schedule_whose_link_is_gone_asks_for_nothing_and_is_moved_on(bench: EmbeddedBench) -> None:
    async def story() -> tuple[str | None, int, int]:
        await bench.put(queue.Schedule("gone", "post", 900, bench.clock.now(), enabled=True))
        engine = bench.engine(done)
        first = await engine.tick()
        found = await bench.store.call(queue.take)
        return (found.id if found else None), first, await engine.tick()

    assert bench.run(story()) == (None, 1, 0)


def test_a_schedule_that_is_switched_off_is_never_due(bench: EmbeddedBench) -> None:
    async def story() -> int:
        await bench.put(queue.Schedule("main", "post", 900, bench.clock.now(), enabled=False))
        return await bench.engine(done).tick()

    assert bench.run(story()) == 0


def test_a_cancelled_slice_never_starts(bench: EmbeddedBench) -> None:
    async def story() -> SliceEnd | None:
        engine = bench.engine(done)
        wanted = await engine.enqueue(order("noon"))
        await bench.store.call(lambda conn: queue.cancel(conn, wanted))
        await engine.drain()
        return await engine.end_of(wanted)

    end = bench.run(story())
    assert end is not None
    assert end.state is SliceState.CANCELLED
