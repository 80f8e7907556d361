"""Small literal documents for tests of posting."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.domain.documents import Document, JournalEntry, JournalLine
from ml_connector.domain.keys import DocumentKey, document_key
from ml_connector.domain.target import Shown, ShownLine

NOON = datetime(2026, 10, 31, 12, tzinfo=UTC)


def line(category: str, account: str, debit: str = "0", credit: str = "0", store: str = "Amazon.com") -> JournalLine:
    return JournalLine(category, store, account, Decimal(debit), Decimal(credit), f"{category} {store}")


def entry(
    settlement: str = "90000000011",
    period: str = "2026P10",
    *,
    lines: tuple[JournalLine, ...] = (),
    day: date = date(2026, 10, 26),
    currency: str = "USD",
    depends_on: tuple[DocumentKey, ...] = (),
) -> JournalEntry:
    """A balanced entry of two lines, unless others are given."""
    return JournalEntry(
        key=document_key("ABCD", "JE", settlement, period),
        company="",
        branch="",
        posting_date=day,
        document_date=day,
        period=period,
        currency=currency,
        reference=settlement,
        memo=f"Amazon settlement {settlement}",
        lines=lines or (line("payout", "1120", debit="85.79"), line("product_sales", "4000", credit="85.79")),
        depends_on=depends_on,
    )


def shown(document: Document) -> Shown:
    """What a faithful target shows for a journal entry."""
    assert isinstance(document, JournalEntry)
    return Shown(
        document.posting_date,
        document.document_date,
        document.currency,
        document.total,
        tuple(
            ShownLine(each.account, each.debit, each.credit, f"{each.category} {each.store}")
            for each in document.lines
            if each.posts
        ),
    )
