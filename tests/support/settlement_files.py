"""Settlement files as literals: rows given by the columns that matter, the rest left empty, as bytes of the V2 flat file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

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
SUMMARY = {
    "settlement-id": "90000000777",
    "settlement-start-date": "2026-10-12 17:45:00 UTC",
    "settlement-end-date": "2026-10-26 17:45:00 UTC",
    "deposit-date": "2026-10-28 17:45:00 UTC",
    "currency": "USD",
}

Cells = Mapping[str, str]


def row(
    amount: str, kind: str = "Order", what: str = "ItemPrice", description: str = "Principal", **more: str
) -> Cells:
    """A detail row; further columns by name with ``_`` for ``-``."""
    cells = {
        "settlement-id": SUMMARY["settlement-id"],
        "transaction-type": kind,
        "order-id": "113-1000001-0000001",
        "marketplace-name": "Amazon.com",
        "amount-type": what,
        "amount-description": description,
        "amount": amount,
        "fulfillment-id": "AFN",
        "posted-date": "2026-10-13",
        "posted-date-time": "2026-10-13 04:11:09 UTC",
        "order-item-code": "90000000000001",
        "sku": "CHAIR-BLK-01",
        "quantity-purchased": "1",
    }
    return cells | {name.replace("_", "-"): value for name, value in more.items()}


def account_row(amount: str, description: str = "Subscription Fee", **more: str) -> Cells:
    """A row of the account, without order or store."""
    blank = {"order_id": "", "marketplace_name": "", "fulfillment_id": "", "order_item_code": "", "sku": ""}
    return row(amount, "other-transaction", "other-transaction", description, **(blank | more))


def line(cells: Cells, columns: Iterable[str] = COLUMNS) -> str:
    return "\t".join(cells.get(name, "") for name in columns)


def settlement(
    rows: Iterable[Cells | str],
    total: str | None = None,
    *,
    columns: Iterable[str] = COLUMNS,
    newline: str = "\n",
    encoding: str = "utf-8",
    **summary: str,
) -> bytes:
    """The file. ``total`` is the rows' sum unless given; rows may be given as finished lines."""
    rows = list(rows)
    columns = tuple(columns)
    if total is None:
        total = str(sum((Decimal(cells["amount"]) for cells in rows if not isinstance(cells, str)), Decimal(0)))
    head = SUMMARY | {"total-amount": total} | {name.replace("_", "-"): value for name, value in summary.items()}
    lines = ["\t".join(columns), line(head, columns)]
    lines += [cells if isinstance(cells, str) else line(cells, columns) for cells in rows]
    return "".join(text + newline for text in lines).encode(encoding)
