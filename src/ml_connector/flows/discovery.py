"""First step of the settlements flow: find the reports that Amazon made, and keep their bytes.

A settlement report cannot be ordered, only discovered (Amazon dossier, section 14.2). It is visible for 90 days, so its bytes
are archived at once, before anybody looks into them. One settlement may come as several reports.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from ml_connector.amazon.connection import AmazonAccount
from ml_connector.amazon.documents import FileSink
from ml_connector.amazon.reports import ReportInfo
from ml_connector.flows.books import Books
from ml_connector.store import archive, records, watermarks

FLOW: Final = "settlements"
REPORT: Final = "settlement_report"

#: States of a report's record.
ARCHIVED: Final = "archived"
TRANSLATED: Final = "translated"
REFUSED: Final = "refused"
DROPPED: Final = "dropped"

#: Reports are kept for 90 days; asking for the last hour of them would be refused as often as not.
_KEPT: Final = timedelta(days=90) - timedelta(hours=1)
#: Reports have been seen to appear late: look back this far behind what was seen already.
_OVERLAP: Final = timedelta(days=5)


async def discover(books: Books, amazon: AmazonAccount, since: date | None) -> int:
    """Archive every settlement report that is not archived yet; how many were new.

    Without ``since``: everything since the newest report seen, and all 90 days at first. An earlier ``since`` widens the
    search. A later one narrows it for this time only: what it leaves out is found by the next search without it.
    """
    usual = await _created_since(books)
    begin = usual if since is None else max(_earliest(books), datetime.combine(since, time.min, UTC))
    found = await amazon.discover_settlements(begin)
    new = 0
    for done, report in enumerate(found):
        books.progress(done, len(found), "downloading settlements")
        new += await _archive(books, amazon, report)
    newest = max((report.created_time for report in found), default=None)
    if newest is not None and begin <= usual:
        await books.store.call(lambda conn: watermarks.put(conn, books.link.amazon, FLOW, newest.isoformat()))
    return new


async def import_file(books: Books, path: Path, by: str) -> tuple[str, bool]:
    """Treat a file as discovered: for settlements that Amazon no longer shows. (sha256, whether it was new)."""
    raw = await archive.write_file(books.store, path)
    sighting = await books.store.call(
        lambda conn: records.see(
            conn,
            books.link.amazon,
            REPORT,
            [records.Reading(f"file-{raw.sha256[:16]}", raw.sha256, raw.sha256)],
            ARCHIVED,
        )
    )
    await books.store.call(lambda conn: books.note(conn, "imported", raw.sha256, {"by": by, "size": raw.size}))
    return raw.sha256, records.Sighting.NEW in sighting.values()


def _earliest(books: Books) -> datetime:
    return books.clock.now() - _KEPT


async def _created_since(books: Books) -> datetime:
    earliest = _earliest(books)
    mark = await books.store.call(lambda conn: watermarks.get(conn, books.link.amazon, FLOW))
    return max(earliest, datetime.fromisoformat(mark) - _OVERLAP) if mark else earliest


async def _archive(books: Books, amazon: AmazonAccount, report: ReportInfo) -> bool:
    known = await books.store.call(lambda conn: records.get(conn, books.link.amazon, REPORT, report.report_id))
    document_id = report.report_document_id
    if known is not None or document_id is None:
        return False
    # A name of our own: what Amazon calls the report is no business of the file system.
    path = books.scratch / f"report-{hashlib.sha256(report.report_id.encode()).hexdigest()[:32]}"
    with path.open("wb+") as file:
        await amazon.download(document_id, FileSink(file))
    raw = await archive.write_file(books.store, path)
    path.unlink()
    reading = records.Reading(report.report_id, raw.sha256, raw.sha256)
    await books.store.call(lambda conn: _record(books, conn, report, reading, raw.size))
    return True


def _record(books: Books, conn: Connection, report: ReportInfo, reading: records.Reading, size: int) -> None:
    records.see(conn, books.link.amazon, REPORT, [reading], ARCHIVED)
    books.note(conn, "archived", report.report_id, {"sha256": reading.sha256, "size": size})
