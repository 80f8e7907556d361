"""Orders of the past, only to know which there are: one order report for each 30 days.

A report names no order items and not who collects the tax, so what it brings is a record of its own kind, from which no books are
made. It is by the day an order was placed, which never changes: a stretch that was read once is not read again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection

from ml_connector.amazon.connection import AmazonAccount
from ml_connector.amazon.documents import FileSink
from ml_connector.amazon.order_report import OrderReport, ReportedLine
from ml_connector.amazon.planner import HISTORY, Way
from ml_connector.amazon.windows import ORDER_REPORT_MAX
from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import BadAnswer, Finding, RefusedByServer
from ml_connector.flows.books import Note, Progress
from ml_connector.flows.finishing import finished
from ml_connector.flows.order_states import HELD
from ml_connector.store import versions, watermarks, windows
from ml_connector.store.door import Store
from ml_connector.store.versions import Kept, Seen
from ml_connector.store.windows import Window

FLOW: Final = "orders found"
#: Kind of such a record; its state.
FOUND_ORDER: Final = "found_order"
FOUND: Final = "found"

_SCHEMA: Final = 1
_WANTED: Final = "orders found wanted"
#: The last minutes are left out: a report of them would be stale before it is read.
_EDGE: Final = timedelta(minutes=10)
_LINES: Final = 1_000
#: So often a report that was ordered is waited for again; then another one is ordered.
_PATIENCE: Final = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What one call of :meth:`OrderFinder.find` brought. ``done``: every stretch is read. ``reports`` were read now."""

    done: bool = False
    kept: Kept = field(default_factory=Kept)
    reports: int = 0


@dataclass(slots=True)
class OrderFinder:
    """Finds the orders of one connection. ``scratch`` is a folder for a file that lives as long as its reading. ``so_far`` is
    what the present call of ``find``, or the last one, has brought: also one that was stopped or failed."""

    store: Store
    connection: str
    account: AmazonAccount
    clock: Clock
    note: Note
    scratch: Path
    so_far: Found = field(default_factory=Found)

    async def want(self, since: datetime) -> None:
        """Find the orders placed since then, until now."""
        until = self.clock.now() - _EDGE
        start = max(since, until - HISTORY + _EDGE)
        mark = f"{start.isoformat()} {until.isoformat()}"
        await self.store.call(lambda conn: watermarks.put(conn, self.connection, _WANTED, mark))

    async def find(self, enough: Callable[[], bool], progress: Progress) -> Found:
        """Read reports until all that was wanted is found, or until ``enough`` says to pause, asked after each.

        Raises what ordering, waiting for and downloading a report raise, and :class:`BadAnswer` for a file that is no order
        report; what was read by then is kept, and a report that was ordered is not ordered again.
        """
        self.so_far = Found()
        while True:
            left = await self.store.call(self._left)
            reports = self.so_far.reports
            if not left:
                await self.store.call(lambda conn: watermarks.remove(conn, self.connection, _WANTED))
                self.so_far = replace(self.so_far, done=True)
                return self.so_far
            if reports and enough():
                return self.so_far
            start, end = left[0]
            progress(reports, reports + len(left), f"finding orders placed from {start:%Y-%m-%d} on")
            window = await self.store.call(lambda conn, start=start, end=end: self._begin(conn, start, end))  # type: ignore[misc]
            await self._read(window)

    def _left(self, conn: Connection) -> list[tuple[datetime, datetime]]:
        """The stretches that are wanted and not read."""
        mark = watermarks.get(conn, self.connection, _WANTED)
        if mark is None:
            return []
        since, until = (datetime.fromisoformat(each) for each in mark.split())
        done = {(each.starts_at, each.ends_at) for each in windows.newest(conn, self.connection, FLOW)}
        return [each for each in _split(since, until) if each not in done]

    def _begin(self, conn: Connection, start: datetime, end: datetime) -> Window:
        begun = windows.open_one(conn, self.connection, FLOW)
        if begun is not None and (begun.starts_at, begun.ends_at) == (start, end):
            return windows.begin_again(conn, begun)
        windows.give_up(conn, self.connection, FLOW)
        return windows.begin(conn, self.connection, FLOW, Way.REPORT, start, end)

    async def _read(self, window: Window) -> None:
        end = window.ends_at or self.clock.now()
        report_id = window.report_id if window.again <= _PATIENCE else ""
        if not report_id:
            marketplaces = self.account.config.marketplace_ids
            report_id = await self.account.reports.create_order_report(window.starts_at, end, marketplaces)
            await self.store.call(lambda conn: windows.ordered(conn, window.id, report_id))
        try:
            report = await self.account.reports.wait_for(report_id)
        except RefusedByServer:
            # Amazon failed to make it, and will not make it later: the next one is to be another.
            await self.store.call(lambda conn: windows.ordered(conn, window.id, ""))
            raise
        before = self.so_far.kept.new
        if report is not None and report.report_document_id is not None:
            await self._keep(window, end, report.report_document_id)
        await finished(self._finish(window, end, self.so_far.kept.new - before))

    async def _keep(self, window: Window, end: datetime, document_id: str) -> None:
        """Every order of a document, some lines in each transaction."""
        path = self.scratch / f"orders-{window.id}"
        with path.open("wb+") as file:
            await self.account.documents.download(document_id, FileSink(file))
        report = OrderReport.at(path)
        if report.findings:
            raise BadAnswer(report.findings[0].message, code=report.findings[0].code)
        reading = report.read()
        lines: Iterator[ReportedLine] = iter(reading)
        while some := list(islice(lines, _LINES)):
            seen = list({(line.order_id, line.updated): _seen(line) for line in some}.values())
            await finished(self._store(window, seen))
        await finished(self._store(window, [_held(document_id, finding, end) for finding in reading.findings]))
        path.unlink()

    async def _store(self, window: Window, seen: list[Seen]) -> None:
        """Keep some orders, and count them."""

        def keep(conn: Connection) -> Kept:
            windows.page(conn, window.id, len(seen))
            return versions.keep(conn, self.connection, FOUND_ORDER, seen)

        kept = await self.store.call(keep)
        self.so_far = replace(self.so_far, kept=self.so_far.kept + kept)

    async def _finish(self, window: Window, end: datetime, new: int) -> None:
        """The stretch is read: on record, and counted."""

        def finish(conn: Connection) -> None:
            windows.finish(conn, window, end)
            stretch = {"from": window.starts_at.isoformat(), "to": end.isoformat(), "new": new}
            self.note(conn, "orders_found", self.connection, stretch)

        await self.store.call(finish)
        self.so_far = replace(self.so_far, reports=self.so_far.reports + 1)


def _split(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Stretches that touch, the earliest first, none longer than a report may be."""
    while since < until:
        end = min(until, since + ORDER_REPORT_MAX)
        yield since, end
        since = end


def _seen(line: ReportedLine) -> Seen:
    """What the line says of its order as a whole: the same on each of its lines."""
    told = {
        "order_id": line.order_id,
        "purchased": line.purchased.isoformat(),
        "updated": line.updated.isoformat(),
        "status": line.status,
        "fulfilled_by": line.fulfilled_by,
        "sales_channel": line.sales_channel,
        "merchant_order_id": line.merchant_order_id,
        "business": line.business,
    }
    content = msgspec.json.encode(told, order="sorted")
    return Seen(line.order_id, line.updated, hashlib.sha256(content).hexdigest(), _SCHEMA, content, FOUND)


def _held(document_id: str, finding: Finding, end: datetime) -> Seen:
    """A line that could not be read: an order may be missing, and a person has to know."""
    told = {"document_id": document_id, "code": finding.code, "line": finding.line}
    content = msgspec.json.encode(told, order="sorted")
    sha256 = hashlib.sha256(content).hexdigest()
    reason = f"{finding.code}: {finding.message}"
    return Seen(f"line-{finding.line or 0}-{sha256[:16]}", end, sha256, _SCHEMA, content, HELD, reason)
