"""Writing a settlement as Amazon's flat file, in the form of its store.

Source: settlement dossier, sections 2-4 (V2, 24 columns) and 14 (V1, 36 columns, served only by mistake).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.sandbox.amazon.marketplaces import Dates

COLUMNS = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "merchant-order-id",
    "adjustment-id",
    "shipment-id",
    "marketplace-name",
    "amount-type",
    "amount-description",
    "amount",
    "fulfillment-id",
    "posted-date",
    "posted-date-time",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "promotion-id",
)
V1_COLUMNS = (
    *COLUMNS[:12],
    "shipment-fee-type",
    "shipment-fee-amount",
    "order-fee-type",
    "order-fee-amount",
    "fulfillment-id",
    "posted-date",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "price-type",
    "price-amount",
    "item-related-fee-type",
    "item-related-fee-amount",
    "misc-fee-amount",
    "other-fee-amount",
    "other-fee-reason-description",
    "promotion-id",
    "promotion-type",
    "promotion-amount",
    "direct-payment-type",
    "direct-payment-amount",
    "other-amount",
)
_DATES: dict[Dates, str] = {"iso": "%Y-%m-%d", "eu": "%d.%m.%Y", "jp": "%Y/%m/%d"}
_V1_PAIRS = {
    "ItemPrice": ("price-type", "price-amount"),
    "ItemFees": ("item-related-fee-type", "item-related-fee-amount"),
    "Promotion": ("promotion-type", "promotion-amount"),
    "Shipment-Fees": ("shipment-fee-type", "shipment-fee-amount"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """How one file is written. Amounts arrive as text with a point; ``decimal_comma`` rewrites them."""

    dates: Dates
    decimal_comma: bool
    thousands_are_grouped: bool
    encoding: str
    byte_order_mark: bool
    newline: str
    trailing_cells: bool
    settlement_id_on_details: bool
    currency_on_details: bool
    v1: bool


@dataclass(frozen=True, slots=True)
class Head:
    """The summary row; instants are UTC, ``total`` is text with a point."""

    settlement_id: str
    start: datetime
    end: datetime
    deposit: datetime
    total: str
    currency: str


def write(head: Head, rows: Sequence[Mapping[str, str]], form: Form) -> bytes:
    """The file's bytes. Rows map column names to text; ``amount`` has a point, ``posted-date-time`` is ISO 8601."""
    columns = V1_COLUMNS if form.v1 else COLUMNS
    cells = [list(columns), _cells(columns, _summary(head, form))]
    for row in rows:
        written = _detail(head, row, form)
        cells.append(_cells(columns, _as_v1(written) if form.v1 else written))
    if not form.trailing_cells:
        cells = [_trimmed(line) for line in cells]
    text = "".join("\t".join(line) + form.newline for line in cells)
    mark = b"\xef\xbb\xbf" if form.byte_order_mark and form.encoding == "utf-8" else b""
    return mark + text.encode(form.encoding)


def _summary(head: Head, form: Form) -> dict[str, str]:
    return {
        "settlement-id": head.settlement_id,
        "settlement-start-date": _instant(head.start, form),
        "settlement-end-date": _instant(head.end, form),
        "deposit-date": _instant(head.deposit, form),
        "total-amount": _amount(head.total, form),
        "currency": head.currency,
    }


def _detail(head: Head, row: Mapping[str, str], form: Form) -> dict[str, str]:
    posted = datetime.fromisoformat(row["posted-date-time"])
    return {
        **row,
        "settlement-id": head.settlement_id if form.settlement_id_on_details else "",
        "currency": head.currency if form.currency_on_details else "",
        "amount": _amount(row["amount"], form),
        "posted-date": posted.strftime(_DATES[form.dates]),
        "posted-date-time": _instant(posted, form),
    }


def _as_v1(row: dict[str, str]) -> dict[str, str]:
    kind, amount = _V1_PAIRS.get(row["amount-type"], ("", "other-amount"))
    if not kind:
        return {**row, "transaction-type": row["amount-description"], amount: row["amount"]}
    return {**row, kind: row["amount-description"], amount: row["amount"]}


def _instant(instant: datetime, form: Form) -> str:
    if form.v1:
        return instant.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return instant.strftime(f"{_DATES[form.dates]} %H:%M:%S UTC")


def _amount(amount: str, form: Form) -> str:
    if not form.decimal_comma:
        return amount
    whole, _, decimals = amount.partition(".")
    if form.thousands_are_grouped:
        whole = f"{int(whole):,}".replace(",", ".") if whole not in ("-0", "0") else whole
    return f"{whole},{decimals}" if decimals else whole


def _cells(columns: Sequence[str], row: Mapping[str, str]) -> list[str]:
    return [row.get(column, "") for column in columns]


def _trimmed(line: list[str]) -> list[str]:
    while line and not line[-1]:
        line.pop()
    return line
