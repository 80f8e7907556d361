"""Posting periods: which documents each of them takes (SAP dossier, section 7). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ml_connector.domain.catalog import FiscalPeriod
from ml_connector.domain.documents import Kind
from ml_connector.erp.sap_business_one.values import day_of, yes

#: Statuses by name and by database code (contracts, ``enum-names-to-db-codes.json``). A *closing* period is for users with a
#: right of their own.
_OPEN: Final = frozenset({"ltUnlocked", "N", "ltUnlockedExceptSales", "S"})
_EXCEPT_SALES: Final = frozenset({"ltUnlockedExceptSales", "S"})

#: What a period that is open except for sales does not take: sales documents that are booked. Orders are in no book, and
#: payments are banking.
_SALES: Final = (Kind.INVOICE, Kind.CREDIT_MEMO)


def of_category(rows: Sequence[Mapping[str, Any]]) -> list[FiscalPeriod]:
    """The periods of one category. Their year is the one in which the category's last period ends.

    ``number`` is filled in by :func:`numbered`.
    """
    spans = [(day_of(row.get("PostingDateFrom")), day_of(row.get("PostingDateTo")), row) for row in rows]
    year = max((last.year for _, last, _ in spans), default=0)
    return [
        FiscalPeriod(
            name=str(row.get("PeriodCode") or row.get("PeriodName") or first.isoformat()),
            year=year,
            number=0,
            first_day=first,
            last_day=last,
            open=str(row.get("PeriodStatus")) in _OPEN and not yes(row.get("Locked")),
            closed_in=_SALES if str(row.get("PeriodStatus")) in _EXCEPT_SALES else (),
        )
        for first, last, row in spans
    ]


def numbered(periods: Sequence[FiscalPeriod]) -> tuple[FiscalPeriod, ...]:
    """Periods by first day, counted within their year. Business One's own SubNum starts again in every category, and a year
    can have several."""
    counts: dict[int, int] = {}
    found: list[FiscalPeriod] = []
    for period in sorted(periods, key=lambda period: (period.first_day, period.last_day, period.name)):
        counts[period.year] = counts.get(period.year, 0) + 1
        found.append(replace(period, number=counts[period.year]))
    return tuple(found)
