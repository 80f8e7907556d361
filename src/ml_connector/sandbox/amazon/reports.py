"""Reports 2021-06-30: what closed by itself is discovered, ordinary reports are asked for.

Source: SP-API dossier, sections 8 and 14, 25.6, and the model's parameter rules.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.filing import SETTLEMENT_TYPE, Filing
from ml_connector.sandbox.amazon.listings import ORDINARY_TYPES, ordinary_content
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, read_time, report_time
from ml_connector.sandbox.amazon.scenario import Scenario
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches

RETENTION = timedelta(days=90)
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
PERIODS = (
    "PT5M PT15M PT30M PT1H PT2H PT4H PT8H PT12H P1D P2D P3D PT84H P7D P14D P15D P18D P30D P1M".split()  # noqa: SIM905
)
_REFUSED_TYPES = {SETTLEMENT_TYPE: "1118", "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE": "1117"}
_REMOVED_TYPES = ("GET_V2_SETTLEMENT_REPORT_DATA_XML",)
_QUEUED = timedelta(seconds=15)
_WORKED_ON = timedelta(seconds=30)
_NEAR_DUPLICATE = timedelta(minutes=30)
_PAGE_SIZE_DEFAULT = 10
_FIRST_ID, _ID_STEP = 600_000_000_000, 7_919
_FILTERS = {"types", "statuses", "marketplaces", "size", "since", "until"}


class Reports:
    """Reports and schedules of every selling account."""

    def __init__(self, book: Book, filing: Filing, clock: WorldClock, scenario: Scenario, switches: Switches) -> None:
        self._book = book
        self._filing = filing
        self._clock = clock
        self._scenario = scenario
        self._switches = switches

    def get_reports(self, seller_id: str, request: Request) -> Reply:
        """``GET /reports``: the newest first, in pages; a token comes alone."""
        now = self._clock.now()
        self._filing.up_to(now)
        wanted, offset = self._wanted(request.query, now)
        since = max(read_time(str(wanted["since"])), now - RETENTION)
        statuses, marketplaces = set(_texts(wanted["statuses"])), set(_texts(wanted["marketplaces"]))
        found = [
            row
            for row in self._book.rows(
                "SELECT * FROM {reports} WHERE seller_id = ? ORDER BY created DESC, report_id", (seller_id,)
            )
            if row["type"] in _texts(wanted["types"])
            and since <= datetime.fromisoformat(row["created"]) <= min(read_time(str(wanted["until"])), now)
            and (not statuses or _status(row, now) in statuses)
            and (not marketplaces or marketplaces & set(row["marketplace_ids"].split(",")))
        ]
        size = int(str(wanted["size"]))
        page: dict[str, object] = {"reports": [_report(row, now) for row in found[offset : offset + size]]}
        if offset + size < len(found):
            page["nextToken"] = _token(wanted, offset + size)
        return Reply.of_json(200, page)

    def get_report(self, seller_id: str, report_id: str) -> Reply:
        """``GET /reports/{reportId}``: 404 after 90 days and for other sellers."""
        return Reply.of_json(200, _report(self._own(seller_id, report_id), self._clock.now()))

    def create_report(self, seller_id: str, request: Request) -> Reply:
        """``POST /reports``: ordinary types only; settlement types are made by Amazon."""
        asked = request.json()
        report_type, marketplace_ids = self._asked_for(asked)
        now = self._clock.now().replace(microsecond=0)
        start = _instant(asked, "dataStartTime", now)
        end = _instant(asked, "dataEndTime", now)
        content = ordinary_content(report_type, self._filing.chains, start, end)
        outcome = "CANCELLED" if content is None else "DONE"
        if self._is_near_duplicate(seller_id, report_type, marketplace_ids, now):
            outcome = "CANCELLED"
        if report_type in self._scenario.fatal_types:
            outcome, content = "FATAL", b"The report could not be produced.\n"
        report_id = self._next_id()
        document_id = ""
        if outcome == "DONE" or (outcome == "FATAL" and self._switches.on("fatal_has_document")):
            document_id = f"amzn1.spdoc.1.4.na.{hashlib.sha256(report_id.encode()).hexdigest()[:32]}.T0.2651"
        ready = now + _QUEUED + _WORKED_ON
        with self._book.transaction():
            self._book.execute(
                "INSERT INTO {reports} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
                (
                    report_id,
                    seller_id,
                    report_type,
                    ",".join(marketplace_ids),
                    start.isoformat(),
                    end.isoformat(),
                    now.isoformat(),
                    (now + _QUEUED).isoformat(),
                    ready.isoformat(),
                    outcome,
                    document_id,
                ),
            )
            if document_id:
                self._book.execute("INSERT INTO {documents} VALUES (?, '', ?, 1)", (document_id, content))
        return Reply.of_json(202, {"reportId": report_id})

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

    def create_schedule(self, seller_id: str, request: Request) -> Reply:
        """``POST /schedules``: one for each type and set of marketplaces; asking again replaces it."""
        asked = request.json()
        report_type, marketplace_ids = self._asked_for(asked)
        period = asked.get("period")
        if period not in PERIODS:
            raise Refused.input("Invalid period")
        following = _instant(asked, "nextReportCreationTime", self._clock.now().replace(microsecond=0))
        key = (seller_id, report_type, ",".join(marketplace_ids))
        schedule_id = self._next_id()
        with self._book.transaction():
            self._book.execute("DELETE FROM {schedules} WHERE seller_id = ? AND type = ? AND marketplace_ids = ?", key)
            self._book.execute(
                "INSERT INTO {schedules} VALUES (?, ?, ?, ?, ?, ?, ?)",
                (schedule_id, *key, str(period), following.isoformat(), json.dumps(asked.get("reportOptions", {}))),
            )
        return Reply.of_json(201, {"reportScheduleId": schedule_id})

    def get_schedules(self, seller_id: str, request: Request) -> Reply:
        """``GET /schedules``."""
        types = _list(request.query, "reportTypes", most=10)
        if not types:
            raise Refused.input("Missing required parameter: reportTypes")
        rows = self._book.rows("SELECT * FROM {schedules} WHERE seller_id = ? ORDER BY schedule_id", (seller_id,))
        return Reply.of_json(200, {"reportSchedules": [_schedule(row) for row in rows if row["type"] in types]})

    def get_schedule(self, seller_id: str, schedule_id: str) -> Reply:
        """``GET /schedules/{reportScheduleId}``."""
        return Reply.of_json(200, _schedule(self._own_schedule(seller_id, schedule_id)))

    def cancel_schedule(self, seller_id: str, schedule_id: str) -> Reply:
        """``DELETE /schedules/{reportScheduleId}``."""
        self._own_schedule(seller_id, schedule_id)
        self._book.execute("DELETE FROM {schedules} WHERE schedule_id = ?", (schedule_id,))
        return Reply(200)

    def holds_document(self, seller_id: str, document_id: str) -> bool:
        """Does a report of this seller that is done and younger than 90 days have this document?"""
        row = self._book.row(
            "SELECT * FROM {reports} WHERE seller_id = ? AND document_id = ?", (seller_id, document_id)
        )
        now = self._clock.now()
        return row is not None and not _is_gone(row, now) and _status(row, now) in ("DONE", "FATAL")

    def _wanted(self, query: Mapping[str, str], now: datetime) -> tuple[dict[str, object], int]:
        """What the caller asks for, from its parameters or from the page token alone."""
        if "nextToken" in query:
            if len(query) > 1:
                raise Refused.input("nextToken must be the only parameter")
            return _read_token(query["nextToken"])
        types = _list(query, "reportTypes", most=10)
        if not types:
            raise Refused.input("Missing required parameter: reportTypes or nextToken")
        statuses = _list(query, "processingStatuses", most=len(STATUSES))
        if not set(statuses) <= set(STATUSES):
            raise Refused.input("Invalid processingStatuses")
        size = query.get("pageSize", str(_PAGE_SIZE_DEFAULT))
        if not (size.isascii() and size.isdigit() and 1 <= int(size) <= 100):
            raise Refused.input("Invalid pageSize")
        since = read_time(query["createdSince"]) if "createdSince" in query else now - RETENTION
        until = read_time(query["createdUntil"]) if "createdUntil" in query else now
        wanted: dict[str, object] = {
            "types": types,
            "statuses": statuses,
            "marketplaces": _list(query, "marketplaceIds", most=10),
            "size": size,
            "since": since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "until": until.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }
        return wanted, 0

    def _asked_for(self, asked: Mapping[str, object]) -> tuple[str, list[str]]:
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

    def _is_near_duplicate(
        self, seller_id: str, report_type: str, marketplace_ids: Sequence[str], now: datetime
    ) -> bool:
        if not self._switches.on("near_duplicates_are_cancelled"):
            return False
        before = self._book.row(
            "SELECT 1 FROM {reports} WHERE seller_id = ? AND type = ? AND marketplace_ids = ? AND created > ?",
            (seller_id, report_type, ",".join(marketplace_ids), (now - _NEAR_DUPLICATE).isoformat()),
        )
        return before is not None

    def _own(self, seller_id: str, report_id: str) -> sqlite3.Row:
        now = self._clock.now()
        self._filing.up_to(now)
        row = self._book.row("SELECT * FROM {reports} WHERE seller_id = ? AND report_id = ?", (seller_id, report_id))
        if row is None or _is_gone(row, now):
            raise Refused.not_found(f"Report {report_id} was not found")
        return row

    def _own_schedule(self, seller_id: str, schedule_id: str) -> sqlite3.Row:
        row = self._book.row(
            "SELECT * FROM {schedules} WHERE seller_id = ? AND schedule_id = ?", (seller_id, schedule_id)
        )
        if row is None:
            raise Refused.not_found(f"Report schedule {schedule_id} was not found")
        return row

    def _next_id(self) -> str:
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
    if status != "IN_QUEUE":
        report["processingStartTime"] = report_time(datetime.fromisoformat(row["works_from"]))
    if status not in ("IN_QUEUE", "IN_PROGRESS"):
        report["processingEndTime"] = report_time(datetime.fromisoformat(row["ends"]))
        if row["document_id"]:
            report["reportDocumentId"] = row["document_id"]
    return report


def _schedule(row: sqlite3.Row) -> dict[str, object]:
    return {
        "reportScheduleId": row["schedule_id"],
        "reportType": row["type"],
        "marketplaceIds": row["marketplace_ids"].split(","),
        "reportOptions": json.loads(row["options"]),
        "period": row["period"],
        "nextReportCreationTime": report_time(datetime.fromisoformat(row["next_creation"])),
    }


def _list(query: Mapping[str, str], name: str, *, most: int) -> list[str]:
    if name not in query:
        return []
    values = query[name].split(",")
    if not all(values) or len(values) > most:
        raise Refused.input(f"Invalid {name}")
    return values


def _texts(value: object) -> Sequence[str]:
    return value if isinstance(value, list) else []


def _instant(asked: Mapping[str, object], name: str, default: datetime) -> datetime:
    value = asked.get(name)
    return read_time(str(value)) if value is not None else default


def _token(wanted: Mapping[str, object], offset: int) -> str:
    return base64.b64encode(json.dumps([wanted, offset]).encode()).decode()


def _read_token(text: str) -> tuple[dict[str, object], int]:
    try:
        wanted, offset = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise Refused.input("Invalid nextToken") from None
    if not isinstance(wanted, dict) or set(wanted) != _FILTERS or not isinstance(offset, int):
        raise Refused.input("Invalid nextToken")
    return wanted, offset
