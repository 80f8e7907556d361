"""Reports 2021-06-30: what closed by itself is discovered, ordinary reports are asked for.

Source: SP-API dossier, sections 8 and 14, 25.6, and the model's parameter rules.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.filing import SETTLEMENT_TYPE, Filing
from ml_connector.sandbox.amazon.listing_ledger import ListingLedger
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, read_time, report_time
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.ordinary_reports import ORDINARY_TYPES, Asked, ordinary_content
from ml_connector.sandbox.amazon.paging import Pager, Question
from ml_connector.sandbox.amazon.queues import RETENTION, Wanted, is_wanted, page_of
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

_REFUSED_TYPES = {SETTLEMENT_TYPE: "1118", "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE": "1117"}
_REMOVED_TYPES = ("GET_V2_SETTLEMENT_REPORT_DATA_XML",)
_QUEUED = timedelta(seconds=15)
_WORKED_ON = timedelta(seconds=30)
_NEAR_DUPLICATE = timedelta(minutes=30)
_FIRST_ID, _ID_STEP = 600_000_000_000, 7_919


class Reports:
    """The reports of every selling account."""

    def __init__(
        self,
        book: Book,
        filing: Filing,
        listings: ListingLedger,
        pager: Pager,
        clock: WorldClock,
        scenario: Scenario,
        switches: Switches,
    ) -> None:
        self._book = book
        self._filing = filing
        self._listings = listings
        self._pager = pager
        self._orders = OrderLedger(book)
        self._clock = clock
        self._scenario = scenario
        self._switches = switches

    def get_reports(self, seller_id: str, request: Request) -> Reply:
        """``GET /reports``: the newest first, in pages."""
        now = self._clock.now()
        question = Question("getReports", seller_id, {}, request.query.get("nextToken"), "nextToken")
        page = page_of(self._pager, question, request.query, now, lambda wanted: self._found(seller_id, wanted, now))
        following = {} if page.token is None else {"nextToken": page.token}
        return Reply.of_json(200, {"reports": page.items, **following})

    def _found(self, seller_id: str, wanted: Wanted, now: datetime) -> list[dict[str, object]]:
        return [
            _report(row, now)
            for row in self._book.rows(
                "SELECT * FROM {reports} WHERE seller_id = ? ORDER BY created DESC, report_id", (seller_id,)
            )
            if is_wanted(
                wanted,
                now,
                kind=row["type"],
                created=datetime.fromisoformat(row["created"]),
                status=_status(row, now),
                marketplaces=row["marketplace_ids"],
            )
        ]

    def get_report(self, seller_id: str, report_id: str) -> Reply:
        """``GET /reports/{reportId}``: 404 after 90 days and for other sellers."""
        return Reply.of_json(200, _report(self._own(seller_id, report_id), self._clock.now()))

    def create_report(self, seller_id: str, request: Request) -> Reply:
        """``POST /reports``: ordinary types only; settlement types are made by Amazon."""
        asked = request.json()
        report_type, marketplace_ids = self.asked_for(asked)
        now = self._clock.now().replace(microsecond=0)
        start = instant_of(asked, "dataStartTime", now)
        end = instant_of(asked, "dataEndTime", now)
        return Reply.of_json(
            202, {"reportId": self.make(seller_id, Asked(report_type, marketplace_ids, start, end, now))}
        )

    def make(self, seller_id: str, asked: Asked, *, schedule_id: str = "") -> str:
        """Queue a report at ``asked.as_of`` and decide what becomes of it; its id."""
        regional = self._switches.on("flat_files_are_regional")
        stores = [chain.store for chain in self._filing.chains]
        content = ordinary_content(asked, stores, self._orders, self._listings, regional=regional)
        outcome = "CANCELLED" if content is None else "DONE"
        if self._is_near_duplicate(seller_id, asked):
            outcome = "CANCELLED"
        if asked.report_type in self._scenario.fatal_types:
            outcome, content = "FATAL", b"The report could not be produced.\n"
        report_id = self.next_id()
        document_id = ""
        if outcome == "DONE" or (outcome == "FATAL" and self._switches.on("fatal_has_document")):
            document_id = f"amzn1.spdoc.1.4.na.{hashlib.sha256(report_id.encode()).hexdigest()[:32]}.T0.2651"
        times = (asked.start, asked.end, asked.as_of, asked.as_of + _QUEUED, asked.as_of + _QUEUED + _WORKED_ON)
        with self._book.transaction():
            self._book.execute(
                "INSERT INTO {reports} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(report_id, seller_id, asked.report_type, ",".join(asked.marketplace_ids)),
                    *(each.isoformat() for each in times),
                    *(outcome, document_id, schedule_id),
                ),
            )
            if document_id:
                self._book.execute("INSERT INTO {documents} VALUES (?, '', ?, 1)", (document_id, content))
        return report_id

    def cancel_report(self, seller_id: str, report_id: str) -> Reply:
        """``DELETE /reports/{reportId}``: only what still waits in the queue."""
        row = self._own(seller_id, report_id)
        if _status(row, self._clock.now()) != "IN_QUEUE":
            raise Refused.input(f"Report {report_id} is not in queue and cannot be cancelled")
        at = self._clock.now().isoformat()
        self._book.execute(
            "UPDATE {reports} SET outcome = 'CANCELLED', works_from = ?, ends = ?, document_id = '' WHERE report_id = ?",
            (at, at, report_id),
        )
        return Reply(200)

    def holds_document(self, seller_id: str, document_id: str) -> bool:
        """Does a report of this seller that is done and younger than 90 days have this document?"""
        row = self._book.row(
            "SELECT * FROM {reports} WHERE seller_id = ? AND document_id = ?", (seller_id, document_id)
        )
        now = self._clock.now()
        return row is not None and not _is_gone(row, now) and _status(row, now) in ("DONE", "FATAL")

    def asked_for(self, asked: Mapping[str, object]) -> tuple[str, list[str]]:
        """Type and marketplaces of a report or schedule that somebody wants made. Raises Refused."""
        report_type, marketplace_ids = asked.get("reportType"), asked.get("marketplaceIds")
        if not isinstance(report_type, str):
            raise Refused.input("Missing required field: reportType")
        if not isinstance(marketplace_ids, list) or not 1 <= len(marketplace_ids) <= 25:
            raise Refused.input("marketplaceIds must hold between 1 and 25 marketplaces")
        if report_type in _REFUSED_TYPES:
            number = _REFUSED_TYPES[report_type]
            raise Refused.input(f"Request for report type {number} is not allowed at this time")
        if report_type in _REMOVED_TYPES or report_type not in ORDINARY_TYPES:
            raise Refused.input("Invalid Report Type")
        if not set(map(str, marketplace_ids)) <= set(self._filing.marketplace_ids):
            raise Refused.input("Invalid marketplaceIds")
        return report_type, [str(each) for each in marketplace_ids]

    def _is_near_duplicate(self, seller_id: str, asked: Asked) -> bool:
        if not self._switches.on("near_duplicates_are_cancelled"):
            return False
        since = (asked.as_of - _NEAR_DUPLICATE).isoformat()
        before = self._book.row(
            "SELECT 1 FROM {reports} WHERE seller_id = ? AND type = ? AND marketplace_ids = ? AND created > ?",
            (seller_id, asked.report_type, ",".join(asked.marketplace_ids), since),
        )
        return before is not None

    def _own(self, seller_id: str, report_id: str) -> sqlite3.Row:
        now = self._clock.now()
        row = self._book.row("SELECT * FROM {reports} WHERE seller_id = ? AND report_id = ?", (seller_id, report_id))
        if row is None or _is_gone(row, now):
            raise Refused.not_found(f"Report {report_id} was not found")
        return row

    def next_id(self) -> str:
        """An id nobody has had, for reports and schedules alike."""
        row = self._book.row("INSERT INTO {ids} DEFAULT VALUES RETURNING number")
        if row is None:
            raise LookupError("no id was given")
        return str(_FIRST_ID + int(row["number"]) * _ID_STEP)


def _is_gone(row: sqlite3.Row, now: datetime) -> bool:
    created = datetime.fromisoformat(row["created"])
    return created > now or created < now - RETENTION


def _status(row: sqlite3.Row, now: datetime) -> str:
    if now < datetime.fromisoformat(row["works_from"]):
        return "IN_QUEUE"
    if now < datetime.fromisoformat(row["ends"]):
        return "IN_PROGRESS"
    return str(row["outcome"])


def _report(row: sqlite3.Row, now: datetime) -> dict[str, object]:
    status = _status(row, now)
    report: dict[str, object] = {
        "marketplaceIds": row["marketplace_ids"].split(","),
        "reportId": row["report_id"],
        "reportType": row["type"],
        "dataStartTime": report_time(datetime.fromisoformat(row["data_start"])),
        "dataEndTime": report_time(datetime.fromisoformat(row["data_end"])),
        "createdTime": report_time(datetime.fromisoformat(row["created"])),
        "processingStatus": status,
    }
    if row["schedule_id"]:
        report["reportScheduleId"] = row["schedule_id"]
    if status != "IN_QUEUE":
        report["processingStartTime"] = report_time(datetime.fromisoformat(row["works_from"]))
    if status not in ("IN_QUEUE", "IN_PROGRESS"):
        report["processingEndTime"] = report_time(datetime.fromisoformat(row["ends"]))
        if row["document_id"]:
            report["reportDocumentId"] = row["document_id"]
    return report


def instant_of(asked: Mapping[str, object], name: str, default: datetime) -> datetime:
    """An instant out of a request's body."""
    value = asked.get(name)
    return read_time(str(value)) if value is not None else default
