"""Two ordinary reports that can be asked for: the listings of the account, and its orders by date.

Source: SP-API dossier, section 14.1 and 14.2 (order reports reach about a month; beyond it they are empty, no error). The
columns are a selection: these files are asked for to exercise the reports' life, not their content.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.closing import Chain
from ml_connector.sandbox.amazon.orders import CATALOG

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ORDINARY_TYPES = (LISTINGS, ORDERS)
_ORDERS_REACH = timedelta(days=31)


def ordinary_content(report_type: str, chains: Sequence[Chain], start: datetime, end: datetime) -> bytes | None:
    """The file of an ordinary report, UTF-8; None where there is no data, which Amazon answers with CANCELLED."""
    lines = _listings(chains) if report_type == LISTINGS else _orders(chains, start, end)
    return "".join("\t".join(line) + "\n" for line in lines).encode() if len(lines) > 1 else None


def _listings(chains: Sequence[Chain]) -> list[tuple[str, ...]]:
    header = ("item-name", "seller-sku", "price", "quantity", "fulfillment-channel", "status")
    listed = {
        article.sku: (article.name, article.sku, chain.store.money(article.price), "", "AMAZON_NA", "Active")
        for chain in chains
        for article in CATALOG[chain.store.code]
    }
    return [header, *(listed[sku] for sku in sorted(listed))]


def _orders(chains: Sequence[Chain], start: datetime, end: datetime) -> list[tuple[str, ...]]:
    header = ("amazon-order-id", "purchase-date", "sales-channel", "sku", "quantity", "currency")
    if end - start > _ORDERS_REACH:
        return [header]
    lines = [
        (
            order.order_id,
            order.posted.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
            order.store.name,
            order.article.sku,
            str(order.quantity),
            order.store.currency,
        )
        for chain in chains
        for order, _ in chain.trade.orders((start - chain.origin).days, (end - chain.origin).days + 1)
        if start <= order.posted < end
    ]
    return [header, *lines]
