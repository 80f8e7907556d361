"""Settlements as literals: rows written in a test become domain objects, without a file and without a vocabulary.

The grouping here is the plainest there is (a dict), so that tests of accounting do not depend on the one that ships.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.accounting.journal_lines import CATEGORY_ORDER
from ml_connector.accounting.period_split import calendar_of
from ml_connector.domain.catalog import Account, Currency, FiscalPeriod, References
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import (
    BALANCE_SHEET_ROLES,
    AccountingPolicy,
    AccountRule,
    ClosedPeriod,
    Placement,
    Policy,
    Presentation,
    StoreSettings,
)
from ml_connector.domain.mapping import Mapping as AccountMapping
from ml_connector.domain.settlements import (
    Granularity,
    Group,
    GroupKey,
    RowRanges,
    SettlementGroups,
    SettlementHead,
    TaxTreatment,
    Triple,
)

US = "Amazon.com"


@dataclass(frozen=True)
class Row:
    """One detail row, its category already decided. ``order`` is the order id, ``day`` the accounting date."""

    category: str | None
    amount: str
    day: date
    store: str = US
    order: str = ""
    triple: Triple | None = None
    channel: str = "AFN"
    tax: TaxTreatment | None = None


def month(year: int, number: int, *, is_open: bool = True) -> FiscalPeriod:
    """A fiscal period that is a calendar month."""
    following = date(year + number // 12, number % 12 + 1, 1)
    return FiscalPeriod(
        name=f"{year}-{number:02d}",
        year=year,
        number=number,
        first_day=date(year, number, 1),
        last_day=date.fromordinal(following.toordinal() - 1),
        open=is_open,
    )


YEAR_2026 = tuple(month(2026, number) for number in range(1, 13))


def account_of(category: str) -> str:
    """The account of a category in :func:`chart`: its place in the order of lines."""
    return f"{1000 + CATEGORY_ORDER.index(category)}"


def chart(*, without: Iterable[str] = ()) -> AccountMapping:
    """A mapping with one account per category; failed payouts and card charges are on the account of the payouts."""
    in_transit = {"failed_payout", "successful_charge"}
    return AccountMapping(
        version=1,
        rules=tuple(
            AccountRule(Placement(account_of("payout" if category in in_transit else category)), category=category)
            for category in CATEGORY_ORDER
            if category not in set(without)
        ),
    )


def references(
    periods: Iterable[FiscalPeriod] = YEAR_2026, accounts: Iterable[Account] | None = None, **more: object
) -> References:
    """A company whose chart has the accounts of :func:`chart`, all fit for use."""
    if accounts is None:
        accounts = (account(account_of(c), profit_and_loss=c not in BALANCE_SHEET_ROLES) for c in CATEGORY_ORDER)
    return References(
        company=str(more.get("company", "SBODEMOUS")),
        local_currency="USD",
        accounts=tuple(accounts),
        periods=tuple(periods),
        currencies=(Currency("$", "USD", 2), Currency("EUR", "EUR", 2), Currency("GBP", "GBP", 2)),
    )


def account(code: str, name: str = "", **more: object) -> Account:
    """An account fit for use, but for what is said otherwise."""
    given: dict[str, object] = {
        "postable": True,
        "frozen": False,
        "manual_locked": False,
        "control": None,
        "currency": "",
        "profit_and_loss": None,
    }
    return Account(code=code, shown_as=code, name=name or f"Account {code}", **{**given, **more})  # type: ignore[arg-type]


def policy(
    *,
    stores: Mapping[str, StoreSettings] | None = None,
    closed_period: ClosedPeriod = ClosedPeriod.HOLD,
    granularity: Granularity = Granularity.SETTLEMENT,
    presentation: Presentation = Presentation.NET,
    period_split: bool = True,
    suspense: bool = False,
) -> AccountingPolicy:
    """``settlement_summary`` for Amazon.com, but for what is said otherwise."""
    return AccountingPolicy(
        policy=Policy.SETTLEMENT_SUMMARY,
        closed_period=closed_period,
        stores=stores or {US: StoreSettings(zone="UTC")},
        granularity=granularity,
        presentation=presentation,
        period_split=period_split,
        suspense=suspense,
    )


def settlement(
    rows: Iterable[Row],
    *,
    settlement_id: str = "90000000011",
    currency: str = "USD",
    start: datetime = datetime(2026, 10, 12, 17, 45, tzinfo=UTC),
    end: datetime = datetime(2026, 10, 26, 17, 45, tzinfo=UTC),
    main_store: str | None = US,
    total: str | None = None,
    books: AccountingPolicy | None = None,
    periods: Iterable[FiscalPeriod] = YEAR_2026,
    mapping: AccountMapping | None = None,
    findings: tuple[Finding, ...] = (),
) -> SettlementGroups:
    """The settlement that ``rows`` are; its total is their sum where none is given. Row 1 stands on line 3."""
    books = books or policy()
    detail = tuple(rows)
    bucket = calendar_of(periods, books, mapping or chart()).bucket
    grouped = _grouped(detail, bucket, books.granularity)
    summed = sum((Decimal(row.amount) for row in detail), Decimal(0))
    exact = summed if total is None else Decimal(total)
    return SettlementGroups(
        head=SettlementHead(settlement_id, currency, start, end, None, exact),
        sha256=hashlib.sha256(repr((settlement_id, exact, detail)).encode()).hexdigest(),
        encoding="utf-8",
        rows=len(detail),
        zone="UTC",
        main_store=main_store,
        stores={},
        groups=grouped,
        foots=summed == exact,
        findings=findings,
    )


def _grouped(rows: tuple[Row, ...], bucket: Callable[[date], Hashable], granularity: Granularity) -> tuple[Group, ...]:
    found: dict[tuple[GroupKey, str | None], list[tuple[int, Row]]] = {}
    for line, row in enumerate(rows, start=3):
        detail = {
            Granularity.SETTLEMENT: "",
            Granularity.DAY: row.day.isoformat(),
            Granularity.ORDER: row.order,
        }[granularity]
        triple = row.triple or Triple("t", "t", row.category or "unknown")
        key = GroupKey(triple, row.store, row.channel, "", bucket(row.day), row.tax, detail)
        found.setdefault((key, row.category), []).append((line, row))
    return tuple(_group(key, category, members) for (key, category), members in found.items())


def _group(key: GroupKey, category: str | None, members: list[tuple[int, Row]]) -> Group:
    amounts = [Decimal(row.amount) for _, row in members]
    text = "".join(f"{row}\n" for _, row in members)
    return Group(
        key=key,
        category=category,
        positive=sum((a for a in amounts if a > 0), Decimal(0)),
        negative=sum((a for a in amounts if a < 0), Decimal(0)),
        rows=RowRanges.of(line for line, _ in members),
        rows_sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
