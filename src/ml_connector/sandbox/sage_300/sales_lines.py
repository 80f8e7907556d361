"""What orders and credit notes have in common: the customer they take over, their lines' prices, their taxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sage_300.calendar import Calendar
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.inventory import Inventory
from ml_connector.sandbox.sage_300.money import AUTHORITIES, Money, Taxes
from ml_connector.sandbox.sage_300.records import text
from ml_connector.sandbox.sage_300.schema import Row

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sales:
    """The rooms that order entry asks."""

    calendar: Calendar
    money: Money
    taxes: Taxes
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of a document in its currency: ``net`` without taxes, ``taxes`` one per authority."""

    net: Decimal
    taxes: tuple[Decimal, ...]

    @property
    def gross(self) -> Decimal:
        return self.net + sum(self.taxes, _ZERO)


def active_customer(context: Context, row: Row) -> Row:
    """The customer of a document. Raises 409 where there is none, or none that may buy."""
    if not row["CustomerNumber"]:
        raise field_invalid("CustomerNumber must be entered.")
    customer = context.demand("ARCustomers", text(row, "CustomerNumber"))
    if customer["Status"] != "Active":
        raise field_invalid(f"Customer {customer['CustomerNumber']} is inactive.")
    return customer


def charge(context: Context, line: Row, currency: str) -> Row:
    """The miscellaneous charge of a line; one exists per currency (dossier, section 13.2)."""
    return context.demand("OEMiscellaneousCharges", currency, text(line, "MiscellaneousChargesCode"))


def totals(sales: Sales, header: Row, lines: Iterable[tuple[Row, Decimal]], currency: str) -> Totals:
    """Net and taxes of lines with their extended amounts (dossier, section 19)."""
    authorities = [text(header, f"TaxAuthority{n}") for n in range(1, AUTHORITIES + 1) if f"TaxAuthority{n}" in header]
    buyer = {n: int(str(header[f"TaxClass{n}"])) for n in range(1, AUTHORITIES + 1) if f"TaxClass{n}" in header}
    net = _ZERO
    taxes = [_ZERO] * AUTHORITIES
    for line, value in lines:
        item: Mapping[int, int] = {1: int(str(line["TaxClass1"]))}
        inside = frozenset({1}) if line["TaxIncluded1"] else frozenset()
        found = sales.taxes.of_line(value, authorities, (buyer, item), inside, currency)
        net += found.net
        taxes = [old + new for old, new in zip(taxes, found.amounts, strict=True)]
    return Totals(net, tuple(taxes))


def extended(sales: Sales, quantity: Decimal, price: Decimal, currency: str) -> Decimal:
    """Quantity times unit price, rounded to the currency: what a residual comes from (dossier, section 23)."""
    return sales.money.rounded(quantity * price, currency)
