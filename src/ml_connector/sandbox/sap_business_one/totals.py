"""The arithmetic of a marketing document: lines, discount, freight, tax, rounding. Pure (dossier, section 11).

Everything is in the document's currency and positive. The server computes totals whatever a client thinks they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.checks import ZERO, rounded
from ml_connector.sandbox.sap_business_one.prices import PRICE_ACCURACY

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Rules:
    """How this company computes. ``decimals`` of the document's currency.

    ``tax_by``: "row" rounds the tax of each row, "document" that of all rows with one code, shared out over them.
    ``gross_prices``: "kept" keeps a gross total to the cent, "net_first" rounds the net price before it multiplies.
    ``discounted_price``: "rounded" rounds the price after discount before it multiplies, "exact" only the row's total.
    ``line_total``: "kept" takes a total that was sent, "recomputed" ignores it where a price was sent too.
    """

    decimals: int
    tax_by: str = "row"
    gross_prices: str = "kept"
    discounted_price: str = "rounded"
    line_total: str = "kept"


@dataclass(frozen=True, slots=True)
class Asked:
    """A row as it was asked for. ``price`` before discount, net unless ``gross``; ``total`` net of tax, where one was sent.

    ``discount`` and ``tax_rate`` in percent. ``tax_code`` groups rows whose tax is rounded together.
    """

    quantity: Decimal
    price: Decimal | None
    discount: Decimal
    total: Decimal | None
    gross: bool
    tax_rate: Decimal
    tax_code: str = ""


@dataclass(frozen=True, slots=True)
class Counted:
    """A row as it counts. ``unit_price`` before, ``price`` after discount, net; ``total`` before, ``net`` after the header's
    discount; ``tax`` on ``net``; ``gross_price`` and ``gross_total`` with tax, before the header's discount."""

    unit_price: Decimal
    price: Decimal
    discount: Decimal
    total: Decimal
    net: Decimal
    tax: Decimal
    gross_price: Decimal
    gross_total: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """A whole document. ``freight`` rows are not discounted. ``total`` is what the customer owes."""

    lines: tuple[Counted, ...]
    freight: tuple[Counted, ...]
    discount: Decimal
    tax: Decimal
    total: Decimal


def compute(
    lines: Sequence[Asked], freight: Sequence[Asked], discount_percent: Decimal, difference: Decimal, rules: Rules
) -> Totals:
    """The totals of a document. ``difference``: what rounding adds to the total, as the client asked for it."""
    counted = [_row(line, rules) for line in lines]
    charges = [_row(each, rules) for each in freight]
    subtotal = sum((row.total for row in counted), ZERO)
    discount = rounded(subtotal * discount_percent / _HUNDRED, rules.decimals)
    nets = [row.total - share for row, share in zip(counted, _shared(discount, counted, rules), strict=True)]
    counted = [
        replace(row, net=net, tax=_tax(asked, row, net, rules))
        for asked, row, net in zip(lines, counted, nets, strict=True)
    ]
    charges = [
        replace(row, tax=_tax(asked, row, row.total, rules)) for asked, row in zip(freight, charges, strict=True)
    ]
    if rules.tax_by == "document":
        together = _taxed_together([*lines, *freight], [*counted, *charges], rules)
        counted, charges = together[: len(counted)], together[len(counted) :]
    rows = (*counted, *charges)
    tax = sum((row.tax for row in rows), ZERO)
    total = sum((row.net for row in rows), ZERO) + tax + rounded(difference, rules.decimals)
    return Totals(tuple(counted), tuple(charges), discount, tax, total)


def _row(asked: Asked, rules: Rules) -> Counted:
    """One row before the header's discount; its tax is filled in later."""
    factor = 1 - asked.discount / _HUNDRED
    inside = 1 + asked.tax_rate / _HUNDRED
    if asked.total is not None and (asked.price is None or rules.line_total == "kept"):
        total = rounded(asked.total, rules.decimals)
        price = rounded(total / asked.quantity, PRICE_ACCURACY) if asked.quantity else total
        unit_price = price if not factor else rounded(price / factor, PRICE_ACCURACY)
        return _unrated(asked, unit_price, price, total, rounded(total * inside, rules.decimals), rules)
    given = asked.price or ZERO
    if asked.gross and rules.gross_prices == "kept":
        gross_total = rounded(asked.quantity * given * factor, rules.decimals)
        total = rounded(gross_total / inside, rules.decimals)
        price = rounded(total / asked.quantity, PRICE_ACCURACY) if asked.quantity else ZERO
        return _unrated(asked, rounded(given / inside, PRICE_ACCURACY), price, total, gross_total, rules)
    unit_price = rounded(given / inside, PRICE_ACCURACY) if asked.gross else given
    price = unit_price * factor
    if rules.discounted_price == "rounded":
        price = rounded(price, PRICE_ACCURACY) if asked.discount else price
    total = rounded(asked.quantity * price, rules.decimals)
    return _unrated(asked, unit_price, price, total, rounded(total * inside, rules.decimals), rules)


def _unrated(
    asked: Asked, unit_price: Decimal, price: Decimal, total: Decimal, gross_total: Decimal, rules: Rules
) -> Counted:
    gross_price = rounded(gross_total / asked.quantity, PRICE_ACCURACY) if asked.quantity else gross_total
    return Counted(unit_price, price, asked.discount, total, total, ZERO, gross_price, gross_total)


def _tax(asked: Asked, row: Counted, net: Decimal, rules: Rules) -> Decimal:
    if asked.gross and rules.gross_prices == "kept" and net == row.total and rules.tax_by == "row":
        return row.gross_total - row.total
    return rounded(net * asked.tax_rate / _HUNDRED, rules.decimals)


def _shared(amount: Decimal, rows: Sequence[Counted], rules: Rules) -> list[Decimal]:
    """An amount over rows in proportion to their totals; cumulative rounding, so that nothing is lost."""
    return list(shares(amount, [row.total for row in rows], rules.decimals))


def shares(amount: Decimal, weights: Sequence[Decimal], decimals: int) -> Iterable[Decimal]:
    """``amount`` in parts that add up to it, in proportion to ``weights``."""
    whole, done, seen = sum(weights, ZERO), ZERO, ZERO
    for weight in weights:
        seen += weight
        upto = rounded(amount * seen / whole, decimals) if whole else ZERO
        yield upto - done
        done = upto


def _taxed_together(asked: Sequence[Asked], rows: Sequence[Counted], rules: Rules) -> list[Counted]:
    """The tax of all rows with one code, rounded once and shared out over them."""
    taxed = list(rows)
    for code in {each.tax_code for each in asked}:
        at = [number for number, each in enumerate(asked) if each.tax_code == code]
        base = sum((rows[number].net for number in at), ZERO)
        tax = rounded(base * asked[at[0]].tax_rate / _HUNDRED, rules.decimals)
        for number, share in zip(at, shares(tax, [rows[number].net for number in at], rules.decimals), strict=True):
            taxed[number] = replace(rows[number], tax=share)
    return taxed
