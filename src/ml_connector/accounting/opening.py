"""The opening sheet: what stood with Amazon when a link began (ACCOUNTING 7).

One sheet per store group, entered by a person or read from the ERP and confirmed. A link starts at a settlement boundary;
the first file must take over exactly the reserve of the sheet. A group without a sheet began with nothing: then a first
file that takes over a reserve is held, because something was before that the books may or may not hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ml_connector.accounting.chains import StoreGroup, in_order, store_group
from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer, Finding, WrongUse
from ml_connector.domain.settlements import SettlementFacts, store_key


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An order invoiced before the start and not settled yet. ``amount`` > 0."""

    order_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class OpeningSheet:
    """The balances of one store group at ``boundary``, the start of the first settlement to be posted, UTC.

    All amounts >= 0, in ``currency``: ``reserve`` kept back by Amazon, ``payable`` owed to Amazon, ``in_transit`` paid out
    and not yet in the bank.
    """

    currency: str
    store: str
    boundary: datetime
    reserve: Decimal = money.ZERO
    payable: Decimal = money.ZERO
    in_transit: Decimal = money.ZERO
    open_invoices: tuple[OpenInvoice, ...] = ()

    @property
    def group(self) -> StoreGroup:
        return self.currency, store_key(self.store)


def sheets_from_data(data: Mapping[str, Any]) -> tuple[OpeningSheet, ...]:
    """From the plain data of a TOML file: ``[[store]]`` tables with ``currency``, ``store``, ``boundary`` (a TOML date-time
    with offset), and the amounts as strings. Raises :class:`WrongUse` naming the member that is wrong.
    """
    unknown = sorted(set(data) - {"store"})
    if unknown:
        raise WrongUse(f"The opening sheet has {', '.join(unknown)}; it takes [[store]] tables only.")
    sheets = tuple(_sheet(table) for table in data.get("store", ()))
    groups = [sheet.group for sheet in sheets]
    for sheet in sheets:
        if groups.count(sheet.group) > 1:
            raise WrongUse(f"The opening sheet names {sheet.store} in {sheet.currency} twice. Keep one of them.")
    return sheets


def _sheet(table: Mapping[str, Any]) -> OpeningSheet:
    unknown = sorted(
        set(table) - {"currency", "store", "boundary", "reserve", "payable", "in_transit", "open_invoices"}
    )
    if unknown:
        raise WrongUse(f"The opening sheet does not know {', '.join(unknown)}. Correct the name or remove it.")
    boundary = table.get("boundary")
    if not isinstance(boundary, datetime) or boundary.tzinfo is None:
        raise WrongUse(
            "The opening sheet needs boundary: the settlement-start-date of the first settlement, with its offset "
            "(2026-10-12T17:45:00Z)."
        )
    invoices = table.get("open_invoices", {})
    return OpeningSheet(
        currency=_text(table, "currency"),
        store=_text(table, "store"),
        boundary=boundary.astimezone(UTC),
        reserve=_amount(table.get("reserve", "0"), "reserve"),
        payable=_amount(table.get("payable", "0"), "payable"),
        in_transit=_amount(table.get("in_transit", "0"), "in_transit"),
        open_invoices=tuple(
            OpenInvoice(order, _amount(value, f"open_invoices of {order}")) for order, value in sorted(invoices.items())
        ),
    )


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise WrongUse(f"The opening sheet needs {name} in every [[store]] table.")
    return value.strip()


def _amount(value: object, name: str) -> Decimal:
    """A non-negative amount. Only text: a TOML number would be a binary fraction."""
    if not isinstance(value, str):
        raise WrongUse(f'The opening sheet needs {name} as text, for example {name} = "63.41".')
    try:
        amount = money.amount(value)
    except BadAnswer as error:
        raise WrongUse(f"The opening sheet: {name}: {error} Write it as 63.41.") from None
    if amount < 0:
        raise WrongUse(f"The opening sheet: {name} is {value}; it is a balance and cannot be negative.")
    return amount


def sheets_to_data(sheets: Iterable[OpeningSheet]) -> dict[str, Any]:
    """The plain data of :func:`sheets_from_data`."""
    return {
        "store": [
            {
                "currency": sheet.currency,
                "store": sheet.store,
                "boundary": sheet.boundary,
                "reserve": money.text(sheet.reserve, sheet.currency),
                "payable": money.text(sheet.payable, sheet.currency),
                "in_transit": money.text(sheet.in_transit, sheet.currency),
                "open_invoices": {
                    invoice.order_id: money.text(invoice.amount, sheet.currency) for invoice in sheet.open_invoices
                },
            }
            for sheet in sheets
        ]
    }


def opening_payables(sheets: Iterable[OpeningSheet]) -> dict[StoreGroup, Decimal]:
    """What was owed to Amazon at the start, for :func:`~ml_connector.accounting.chains.check_chains`."""
    return {sheet.group: sheet.payable for sheet in sheets if sheet.payable}


def check_opening(
    settlements: Iterable[SettlementFacts], sheets: Iterable[OpeningSheet]
) -> dict[str, tuple[Finding, ...]]:
    """The settlements of one selling account against the sheets. Findings by settlement id; all of them hold, but for the
    note that something is missing between the sheet and the first file.

    A file that ended by the boundary belongs to what was before the link, and is never posted by it. The first of each
    store group after it must begin there and take over the reserve of the sheet; the later ones are the chain's business.
    """
    by_group = {sheet.group: sheet for sheet in sheets}
    findings: dict[str, tuple[Finding, ...]] = {}
    begun: set[StoreGroup] = set()
    for facts in in_order(settlements):
        group = store_group(facts)
        sheet = by_group.get(group)
        finding: Finding | None = None
        if sheet and facts.end <= sheet.boundary:
            finding = _before_opening(facts, sheet)
        elif group not in begun:
            begun.add(group)
            finding = _first(facts, sheet)
        findings[facts.settlement_id] = (finding,) if finding else ()
    return findings


def _before_opening(facts: SettlementFacts, sheet: OpeningSheet) -> Finding:
    return Finding(
        "before_opening",
        f"Settlement {facts.settlement_id} ended before the opening of {sheet.store} at "
        f"{sheet.boundary:%Y-%m-%d %H:%M} UTC. It belongs to what was before this link and is not posted.",
    )


def _gap(first: SettlementFacts, sheet: OpeningSheet) -> Finding:
    return Finding(
        "settlement_gap",
        f"No settlement of {sheet.store} in {sheet.currency} covers {sheet.boundary:%Y-%m-%d %H:%M} UTC to "
        f"{first.start:%Y-%m-%d %H:%M} UTC, between the opening and {first.settlement_id}. Import what is missing, or correct "
        "the boundary with link open.",
        holds=False,
    )


def _first(first: SettlementFacts, sheet: OpeningSheet | None) -> Finding | None:
    taken_over = f"{money.text(first.previous_reserve, first.currency)} {first.currency}"
    if sheet is None:
        if not first.previous_reserve:
            return None
        return Finding(
            "opening_sheet_missing",
            f"Settlement {first.settlement_id} is the first of {first.main_store or 'its store'} and takes over a "
            f"reserve of {taken_over}. Enter the opening balances with link open, or import the settlement before it.",
        )
    if first.start < sheet.boundary:
        return Finding(
            "opening_boundary_differs",
            f"Settlement {first.settlement_id} of {sheet.store} began on {first.start:%Y-%m-%d %H:%M} UTC and ended after the "
            f"opening at {sheet.boundary:%Y-%m-%d %H:%M} UTC: what of it is in the books already cannot be told. A link "
            "begins where a settlement begins: correct the boundary with link open.",
        )
    if first.previous_reserve == sheet.reserve:
        return None if first.start == sheet.boundary else _gap(first, sheet)
    return Finding(
        "opening_reserve_differs",
        f"Settlement {first.settlement_id} is the first of {sheet.store} and takes over a reserve of {taken_over}, "
        f"but the opening sheet has {money.text(sheet.reserve, sheet.currency)} {sheet.currency}. "
        "Correct the sheet with link open, or import the settlement that is missing before it.",
    )
