"""Orders found by reports: each stretch once, a report that was ordered is not ordered again, doubt is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from ml_connector.domain.errors import RefusedByServer, Unavailable
from ml_connector.flows.order_finding import FLOW, FOUND_ORDER, Found, OrderFinder
from ml_connector.sandbox.faults import Fault
from ml_connector.store import records, windows
from ml_connector.store.door import Store
from tests.support.amazon_story import Story
from tests.support.databases import sqlite_database

TRADE = {"stores": ["US"], "settlements": 5, "period_days": 14, "orders_per_day": 3}
SINCE = timedelta(days=70)


class Stage(Story):
    """A world of trade, and whoever finds orders in it."""

    def __init__(
        self, path: Path, scenario: Mapping[str, object] | None = None, faults: tuple[Fault, ...] = ()
    ) -> None:
        super().__init__({**TRADE, **(scenario or {})}, faults)
        self.path = path
        self.database = sqlite_database(path)
        self.noted: list[str] = []

    def run(self, *, pause: bool = False, since: timedelta | None = SINCE) -> Found:
        """One call of the finder, in a process of its own."""

        async def find() -> Found:
            store = Store.open(self.database, self.clock)
            try:
                finder = OrderFinder(store, "amazon", self.account, self.clock, self.note, self.path)
                if since is not None:
                    await finder.want(self.clock.now() - since)
                return await finder.find(lambda: pause, lambda _done, _total, _words: None)
            finally:
                await store.close()

        return asyncio.run(find())

    def note(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None:
        self.noted.append(event)

    def kept(self) -> list[records.Record]:
        async def read() -> list[records.Record]:
            store = Store.open(self.database, self.clock)
            found = await store.call(lambda conn: records.find(conn, kind=FOUND_ORDER, limit=10_000))
            await store.close()
            return found

        return asyncio.run(read())

    def calls(self) -> Counter[str]:
        """What was paid for from the buckets, by operation."""
        debits = (line.removeprefix("debit ") for line in self.buckets.journal if line.startswith("debit "))
        return Counter(debits)


def test_every_order_of_the_past_is_found_with_a_report_for_each_thirty_days(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    found = stage.run()

    assert (found.done, found.reports, found.kept.new) == (True, 3, len(stage.kept()))
    assert found.kept.new > 180
    assert {each.state for each in stage.kept()} == {"found"}
    assert stage.calls()["createReport"] == stage.calls()["getReportDocument"] == 3
    assert stage.noted == ["orders_found"] * 3
    assert not list(tmp_path.glob("orders-*"))


def test_what_was_read_once_is_not_read_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    first = stage.run()

    again = stage.run(since=None)

    assert (again.done, again.reports) == (True, 0)
    assert stage.calls()["createReport"] == first.reports


def test_it_pauses_between_two_reports_and_goes_on_there(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    ends = [stage.run(pause=True), *(stage.run(pause=True, since=None) for _ in range(2))]

    assert [(each.done, each.reports) for each in ends] == [(False, 1), (False, 1), (True, 1)]
    assert stage.calls()["createReport"] == 3


def test_a_report_that_was_ordered_before_a_crash_is_waited_for_and_not_ordered_again(tmp_path: Path) -> None:
    """The process dies after the order: the download never comes."""
    stage = Stage(tmp_path, faults=(Fault("amazon", "downloadDocument", "http_503", nth=1, count=4),))
    with pytest.raises(Unavailable, match="could not be fetched"):
        stage.run()

    found = stage.run(since=None)

    assert found.done and found.reports == 3
    assert stage.calls()["createReport"] == 3


def test_a_report_that_amazon_fails_to_make_is_told_and_another_one_is_ordered_next_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"fatal_types": ["GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"]})

    for attempt in (1, 2):
        with pytest.raises(RefusedByServer, match="failed to make report"):
            stage.run(since=SINCE if attempt == 1 else None)
        assert stage.calls()["createReport"] == attempt


def test_a_month_without_orders_is_done_as_well(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    found = stage.run(since=timedelta(days=200))

    async def read() -> list[windows.Window]:
        store = Store.open(stage.database, stage.clock)
        done = await store.call(lambda conn: windows.newest(conn, "amazon", FLOW))
        await store.close()
        return done

    assert found.done and found.reports == 7
    assert [each.found for each in asyncio.run(read())][-3:] == [0, 0, 0]
