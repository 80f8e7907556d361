"""A reading may be stopped at any moment: what is on record is what it tells."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from ml_connector.flows.finishing import finished
from ml_connector.flows.order_finding import FOUND_ORDER, OrderFinder
from ml_connector.flows.order_states import ORDER
from ml_connector.flows.orders import OrderReader
from ml_connector.store import records
from ml_connector.store.door import Store
from tests.support.amazon import MemoryBuckets
from tests.support.amazon_story import Story
from tests.support.clock import NOON, FakeClock
from tests.support.databases import sqlite_database
from tests.support.order_reading import shop
from tests.support.thin_amazon import ThinAmazon, fill


class Moment:
    """Somebody asks to stop at the n-th of the moments before and after each transaction."""

    def __init__(self, at: int) -> None:
        self.left = at
        self.reading: asyncio.Task[Any] | None = None

    async def pass_by(self) -> None:
        if self.reading is not None:
            self.left -= 1
            if self.left == 0:
                self.reading.cancel()
        await asyncio.sleep(0)

    async def stop(self, reading: Coroutine[Any, Any, Any]) -> bool:
        """Whether the reading was stopped before its end."""
        self.reading = asyncio.ensure_future(reading)
        with suppress(asyncio.CancelledError):
            await self.reading
        stopped, self.reading = self.reading.cancelled(), None
        return stopped


async def _on_record(store: Store, kind: str) -> int:
    return len(await store.call(lambda conn: records.find(conn, kind=kind, limit=10_000)))


def test_every_order_on_record_is_told_whenever_the_reading_is_stopped(tmp_path: Path) -> None:
    told: list[int] = []

    async def story(database: Path, moment: Moment) -> bool:
        clock = FakeClock()
        amazon = ThinAmazon(clock, limited=False)
        fill(amazon, 250, NOON - timedelta(hours=20), NOON - timedelta(hours=1))
        store = Store.open(database, clock, yield_point=moment.pass_by)
        reader = OrderReader(shop(store, amazon.account(clock, MemoryBuckets(clock)), clock))
        stopped = await moment.stop(reader.read(lambda: False))
        assert reader.so_far.kept.new == await _on_record(store, ORDER)
        told.append(reader.so_far.kept.new)
        await store.close()
        return stopped

    _at_every_moment(tmp_path, story)
    assert set(told) == {0, 100, 200, 250}


def test_every_order_found_is_told_whenever_the_finding_is_stopped(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    async def story(database: Path, moment: Moment) -> bool:
        trade = Story({"stores": ["US"], "settlements": 3, "period_days": 14, "orders_per_day": 1})
        noted: list[str] = []
        store = Store.open(database, trade.clock, yield_point=moment.pass_by)

        def note(conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
            noted.append(event)

        finder = OrderFinder(store, "amazon", trade.account, trade.clock, note, tmp_path)
        await finder.want(trade.clock.now() - timedelta(days=40))
        stopped = await moment.stop(finder.find(lambda: False, lambda _done, _total, _words: None))
        assert finder.so_far.kept.new == await _on_record(store, FOUND_ORDER)
        assert finder.so_far.reports == len(noted)
        told.append((finder.so_far.reports, finder.so_far.kept.new))
        await store.close()
        return stopped

    _at_every_moment(tmp_path, story)
    assert {reports for reports, _new in told} == {0, 1, 2}


def _at_every_moment(folder: Path, story: Any) -> None:
    for at in count(1):
        here = folder / str(at)
        here.mkdir()
        if not asyncio.run(story(sqlite_database(here), Moment(at))):
            return
        shutil.rmtree(here)


def test_an_error_comes_before_the_cancellation_it_met() -> None:
    async def story() -> None:
        began = asyncio.Event()

        async def fail() -> None:
            began.set()
            await asyncio.sleep(0)
            raise ValueError("the disk is full")

        task = asyncio.ensure_future(finished(fail()))
        await began.wait()
        task.cancel()
        with pytest.raises(ValueError, match="the disk is full"):
            await task

    asyncio.run(story())
