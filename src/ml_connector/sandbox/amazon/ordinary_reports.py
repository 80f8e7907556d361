"""The reports that can be asked for: the account's listings, and its orders by the date on which they were placed.

Source: SP-API dossier, section 14.2 (order reports reach 30 days; beyond it they are empty, no error); settlement dossier,
section 2 (encodings of flat files other than settlements). The order report has no order item id and does not say who
collects the tax: enough to find orders, not to invoice them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from ml_connector.sandbox.amazon.listing_ledger import ListingLedger
from ml_connector.sandbox.amazon.listings import lines_of
from ml_connector.sandbox.amazon.marketplaces import STORES, Store
from ml_connector.sandbox.amazon.order_ledger import OrderLedger, Wanted
from ml_connector.sandbox.amazon.order_view import address_of
from ml_connector.sandbox.amazon.orders import asin_of
from ml_connector.sandbox.amazon.rows import part, stamp

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ORDINARY_TYPES = (LISTINGS, ORDERS)
LISTING_COLUMNS = ("item-name", "seller-sku", "price", "quantity", "fulfillment-channel", "asin1", "status")
ORDER_COLUMNS = (
    "amazon-order-id",
    "merchant-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "order-channel",
    "ship-service-level",
    "product-name",
    "sku",
    "asin",
    "item-status",
    "quantity",
    "currency",
    "item-price",
    "item-tax",
    "shipping-price",
    "shipping-tax",
    "gift-wrap-price",
    "gift-wrap-tax",
    "item-promotion-discount",
    "ship-promotion-discount",
    "ship-city",
    "ship-state",
    "ship-postal-code",
    "ship-country",
    "promotion-ids",
    "cpf",
    "is-business-order",
    "purchase-order-number",
    "price-designation",
)
_PARTS = {
    "item-price": "ITEM",
    "item-tax": "TAX/ITEM",
    "shipping-price": "SHIPPING",
    "shipping-tax": "TAX/SHIPPING",
    "gift-wrap-price": "GIFT_WRAP",
    "gift-wrap-tax": "TAX/GIFT_WRAP",
    "item-promotion-discount": "DISCOUNT/ITEM",
    "ship-promotion-discount": "DISCOUNT/SHIPPING",
}
_STATUSES = {
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "Partially Shipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Cancelled",
}
_ORDERS_REACH = timedelta(days=30)
_ENCODINGS = {"na": "utf-8", "eu": "cp1252", "fe": "cp932"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One report: what of, for which stores, from when to when, and as of which instant it is written."""

    report_type: str
    marketplace_ids: Sequence[str]
    start: datetime
    end: datetime
    as_of: datetime


def ordinary_content(
    asked: Asked, stores: Sequence[Store], orders: OrderLedger, listings: ListingLedger, *, regional: bool
) -> bytes | None:
    """The file of an ordinary report; None where there is no data, which Amazon answers with CANCELLED.

    It is written in UTF-8, or, where ``regional``, as the first store's region has it.
    """
    named = [store for store in stores if {store.marketplace_id, store.pseudo_id} & set(asked.marketplace_ids)]
    if asked.report_type == LISTINGS:
        lines = [LISTING_COLUMNS, *sorted(lines_of(listings, named, asked.as_of), key=itemgetter(1))]
    else:
        lines = _orders(asked, named, orders)
    if len(lines) < 2:
        return None
    encoding = _ENCODINGS[named[0].region] if regional else "utf-8"
    return "".join("\t".join(line) + "\n" for line in lines).encode(encoding, errors="replace")


def _orders(asked: Asked, stores: Sequence[Store], orders: OrderLedger) -> list[tuple[str, ...]]:
    if asked.end - asked.start > _ORDERS_REACH:
        return [ORDER_COLUMNS]
    wanted = Wanted(
        family="created",
        after=stamp(asked.start),
        before=stamp(asked.end),
        as_of=stamp(asked.as_of),
        oldest="",
        marketplace_ids=[each for store in stores for each in (store.marketplace_id, store.pseudo_id) if each],
    )
    found = orders.search(wanted, -1)
    lines = (_line(row, item, counts) for row in found for item, counts in _items(row))
    return [ORDER_COLUMNS, *(tuple(line.get(column, "") for column in ORDER_COLUMNS) for line in lines)]


def _items(row: sqlite3.Row) -> list[tuple[Mapping[str, Any], Sequence[int]]]:
    return list(zip(json.loads(row["facts"])["items"], json.loads(row["state"])["counts"], strict=True))


def _line(row: sqlite3.Row, item: Mapping[str, Any], counts: Sequence[int]) -> dict[str, str]:
    store, facts = STORES[row["store"]], json.loads(row["facts"])
    status, is_merchants = _STATUSES[row["status"]], row["fulfilled_by"] == "MERCHANT"
    town, region, postal_code = address_of(store)
    business = "AMAZON_BUSINESS" in facts["programs"]
    line = {
        "amazon-order-id": row["order_id"],
        "merchant-order-id": facts["alias"] or row["order_id"],
        "purchase-date": _second(row["created"]),
        "last-updated-date": _second(row["updated"]),
        "order-status": status,
        "fulfillment-channel": "Merchant" if is_merchants else "Amazon",
        "sales-channel": f"Non-Amazon {store.code}" if facts["non_amazon"] else store.name,
        "ship-service-level": "Standard" if is_merchants else "SecondDay",
        "product-name": item["title"],
        "sku": item["sku"],
        "asin": asin_of(item["sku"]),
        "item-status": status if counts[0] else "Cancelled",
        "quantity": str(counts[0]),
        "ship-city": town,
        "ship-state": region,
        "ship-postal-code": postal_code,
        "ship-country": store.country,
        "promotion-ids": ",".join(item["promotions"]),
        "is-business-order": str(business).lower(),
        "price-designation": "Business Price" if business else "",
    }
    if row["status"] != "PENDING" and counts[0] and item["parts"]:
        line |= {"currency": store.currency, **_amounts(store, item, counts[0])}
    return line


def _amounts(store: Store, item: Mapping[str, Any], ordered: int) -> dict[str, str]:
    """Amounts of the line; discounts are positive here, and what there is not is empty."""
    parts = {name: part(amount, ordered, item["quantity"]) for name, amount in item["parts"].items()}
    return {column: store.money(abs(parts[name])) for column, name in _PARTS.items() if name in parts}


def _second(instant: str) -> str:
    return f"{instant[:19]}+00:00"
