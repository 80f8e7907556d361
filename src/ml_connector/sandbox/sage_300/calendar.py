"""Fiscal calendars: in which year and period a day lies, and whether that period is open.

Calendar months; property names: naming rule 4.3 of the dossier, and start and end dates as one live client reads them.
"""

from __future__ import annotations

from datetime import date, timedelta

from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.records import text
from ml_connector.sandbox.sage_300.schema import blank

RESOURCE = "CSFiscalCalendars"
PERIODS = 12


class Calendar:
    """The calendar of one company."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._book = context.records.book
        self._closed_now = False

    def close_for_now(self, *, closed: bool) -> None:
        """Until said otherwise every period is closed (fault ``closed_period``)."""
        self._closed_now = closed

    def open_period(self, day: str, what: str) -> tuple[str, str]:
        """Fiscal year and period (two digits) of a day that may be posted to. Raises 409 ``FieldInvalid``."""
        year, period = self.period(day, what)
        if self._closed_now or self._locked(year, period):
            raise field_invalid(f"{what}: fiscal period {year}-{period} is locked.")
        return year, period

    def period(self, day: str, what: str) -> tuple[str, str]:
        """Fiscal year and period of a day. Raises 409 ``FieldInvalid`` where no calendar holds it."""
        found = self._context.records.get(RESOURCE, day[:4])
        if found is not None:
            for number in range(1, PERIODS + 1):
                if text(found, f"FiscalPeriod{number}StartDate") <= day <= text(found, f"FiscalPeriod{number}EndDate"):
                    return day[:4], f"{number:02d}"
        raise field_invalid(f"{what}: the fiscal period of {day} cannot be determined.")

    def lock(self, day: str, *, locked: bool) -> None:
        """Lock the period that holds a day, or open it."""
        year, period = self.period(day, "The date")
        if locked:
            self._book.execute("INSERT OR IGNORE INTO {locked_periods} VALUES (?, ?)", (year, period))
        else:
            self._book.execute("DELETE FROM {locked_periods} WHERE year = ? AND period = ?", (year, period))
        if self._context.switches.on("calendar_shows_locks"):
            row = self._context.demand(RESOURCE, year)
            row[f"FiscalPeriod{int(period)}Status"] = "Locked" if locked else "Open"
            self._context.records.save(RESOURCE, row)

    def found(self, first: int, last: int) -> None:
        """Write the calendars of those years into an empty company."""
        self.create_tables()
        model = self._context.schema.model_of(RESOURCE)
        for year in range(first, last + 1):
            row = blank(model)
            row.update(FiscalYear=str(year), NumberOfFiscalPeriods=PERIODS)
            for number in range(1, PERIODS + 1):
                row[f"FiscalPeriod{number}StartDate"] = date(year, number, 1).isoformat()
                row[f"FiscalPeriod{number}EndDate"] = month_end(year, number).isoformat()
            self._context.records.insert(RESOURCE, row)

    def create_tables(self) -> None:
        self._book.create("locked_periods", "year TEXT, period TEXT, PRIMARY KEY (year, period)")

    def _locked(self, year: str, period: str) -> bool:
        values = (year, period)
        return self._book.row("SELECT 1 FROM {locked_periods} WHERE year = ? AND period = ?", values) is not None


def month_end(year: int, month: int) -> date:
    """The last day of a month."""
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
