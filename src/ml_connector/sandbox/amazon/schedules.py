"""Report schedules: one for each type and set of marketplaces, which makes a report whenever its period is over.

Source: SP-API dossier, section 14.3, and the model.
"""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.messages import Refused, Reply, Request, report_time
from ml_connector.sandbox.amazon.ordinary_reports import Asked
from ml_connector.sandbox.amazon.parameters import listed
from ml_connector.sandbox.amazon.queues import RETENTION
from ml_connector.sandbox.amazon.reports import Reports, instant_of
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.ledger import Book

PERIODS = (
    "PT5M PT15M PT30M PT1H PT2H PT4H PT8H PT12H P1D P2D P3D PT84H P7D P14D P15D P18D P30D P1M".split()  # noqa: SIM905
)
_CAUGHT_UP_AT_ONCE = 200
"""A schedule that was not looked at for long makes so many of its reports, not thousands."""


class Schedules:
    """The schedules of every selling account."""

    def __init__(self, book: Book, reports: Reports, clock: WorldClock) -> None:
        self._book = book
        self._reports = reports
        self._clock = clock

    def run(self, now: datetime) -> None:
        """Make the reports that are due by ``now``, each as of its own instant."""
        for row in self._book.rows("SELECT * FROM {schedules} WHERE next_creation <= ?", (now.isoformat(),)):
            due = max(datetime.fromisoformat(row["next_creation"]), now - RETENTION)
            for _ in range(_CAUGHT_UP_AT_ONCE):
                if due > now:
                    break
                following = _after(due, row["period"])
                start = due - (following - due)
                asked = Asked(row["type"], row["marketplace_ids"].split(","), start, due, due)
                self._reports.make(row["seller_id"], asked, schedule_id=row["schedule_id"])
                due = following
            self._book.execute(
                "UPDATE {schedules} SET next_creation = ? WHERE schedule_id = ?", (due.isoformat(), row["schedule_id"])
            )

    def create(self, seller_id: str, request: Request) -> Reply:
        """``POST /schedules``: asking again for the same type and marketplaces replaces."""
        asked = request.json()
        report_type, marketplace_ids = self._reports.asked_for(asked)
        period = asked.get("period")
        if period not in PERIODS:
            raise Refused.input("Invalid period")
        following = instant_of(asked, "nextReportCreationTime", self._clock.now().replace(microsecond=0))
        key = (seller_id, report_type, ",".join(marketplace_ids))
        schedule_id = self._reports.next_id()
        with self._book.transaction():
            self._book.execute("DELETE FROM {schedules} WHERE seller_id = ? AND type = ? AND marketplace_ids = ?", key)
            self._book.execute(
                "INSERT INTO {schedules} VALUES (?, ?, ?, ?, ?, ?, ?)",
                (schedule_id, *key, str(period), following.isoformat(), json.dumps(asked.get("reportOptions", {}))),
            )
        return Reply.of_json(201, {"reportScheduleId": schedule_id})

    def list_all(self, seller_id: str, request: Request) -> Reply:
        """``GET /schedules``."""
        types = listed(request.query, "reportTypes", most=10)
        if not types:
            raise Refused.input("Missing required parameter: reportTypes")
        rows = self._book.rows("SELECT * FROM {schedules} WHERE seller_id = ? ORDER BY schedule_id", (seller_id,))
        return Reply.of_json(200, {"reportSchedules": [_schedule(row) for row in rows if row["type"] in types]})

    def get(self, seller_id: str, schedule_id: str) -> Reply:
        """``GET /schedules/{reportScheduleId}``."""
        return Reply.of_json(200, _schedule(self._own(seller_id, schedule_id)))

    def cancel(self, seller_id: str, schedule_id: str) -> Reply:
        """``DELETE /schedules/{reportScheduleId}``."""
        self._own(seller_id, schedule_id)
        self._book.execute("DELETE FROM {schedules} WHERE schedule_id = ?", (schedule_id,))
        return Reply(200)

    def _own(self, seller_id: str, schedule_id: str) -> sqlite3.Row:
        row = self._book.row(
            "SELECT * FROM {schedules} WHERE seller_id = ? AND schedule_id = ?", (seller_id, schedule_id)
        )
        if row is None:
            raise Refused.not_found(f"Report schedule {schedule_id} was not found")
        return row


def _after(instant: datetime, period: str) -> datetime:
    """One period later; a month is a calendar month, and ends on the 28th at the latest."""
    if period == "P1M":
        year, month = divmod(instant.year * 12 + instant.month, 12)
        return instant.replace(year=year, month=month + 1, day=min(instant.day, 28))
    found = re.fullmatch(r"P(T?)(\d+)([MHD])", period)
    if found is None:
        raise ValueError(f"not a period: {period}")
    unit = {"M": "minutes", "H": "hours", "D": "days"}[found[3]]
    return instant + timedelta(**{unit: int(found[2])})


def _schedule(row: sqlite3.Row) -> dict[str, object]:
    return {
        "reportScheduleId": row["schedule_id"],
        "reportType": row["type"],
        "marketplaceIds": row["marketplace_ids"].split(","),
        "reportOptions": json.loads(row["options"]),
        "period": row["period"],
        "nextReportCreationTime": report_time(datetime.fromisoformat(row["next_creation"])),
    }
