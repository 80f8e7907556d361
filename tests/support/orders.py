"""Orders to check by hand, and how Amazon writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from ml_connector.domain.orders import DISCOUNT, ITEM, SHIPPING, TAX, Detail, Order, OrderItem, Part

PLACED = datetime(2026, 10, 14, 20, 11, 2, tzinfo=UTC)
CHANGED = datetime(2026, 10, 14, 20, 41, 30, tzinfo=UTC)


def part(kind: str, amount: str, *details: tuple[str, str]) -> Part:
    return Part(kind, Decimal(amount), details=tuple(Detail(Decimal(value), subtype) for subtype, value in details))


def mugs(**changes: Any) -> OrderItem:
    """Three mugs at 19.99: 59.97, shipping 12.50, tax 5.80, discount 18.50: 59.77. The example of the dossier's composed page."""
    values: dict[str, Any] = {
        "item_id": "90000000000003",
        "ordered": 3,
        "sku": "MUG-SET-4",
        "asin": "B0TEST0003",
        "title": "Test mug set",
        "fulfilled": 0,
        "unfulfilled": 3,
        "unit_price": Decimal("19.99"),
        "total": Decimal("59.77"),
        "parts": (
            part(ITEM, "59.97"),
            part(SHIPPING, "12.50"),
            part(TAX, "5.80", (ITEM, "4.80"), (SHIPPING, "1.00")),
            part(DISCOUNT, "-18.50", (ITEM, "-6.00"), (SHIPPING, "-12.50")),
        ),
        "facilitated": True,
    }
    return OrderItem(**{**values, **changes})


def order(**changes: Any) -> Order:
    """An unshipped order of :func:`mugs`, 59.77 USD."""
    values: dict[str, Any] = {
        "order_id": "111-1000003-0000003",
        "created": PLACED,
        "last_updated": CHANGED,
        "channel": "AMAZON",
        "items": (mugs(),),
        "marketplace_id": "ATVPDKIKX0DER",
        "marketplace": "Amazon.com",
        "status": "UNSHIPPED",
        "fulfilled_by": "MERCHANT",
        "currency": "USD",
        "total": Decimal("59.77"),
        "parts": (part(ITEM, "59.97"), part(SHIPPING, "12.50"), part(TAX, "5.80"), part(DISCOUNT, "-18.50")),
    }
    return Order(**{**values, **changes})


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


def written(order_id: str = "111-1000003-0000003", **changes: Any) -> dict[str, Any]:
    """One mug for 19.99, as Amazon writes it."""
    proceeds = {"breakdowns": [{"type": "ITEM", "subtotal": usd("19.99")}]}
    return {
        "orderId": order_id,
        "createdTime": "2026-10-14T20:11:02.000Z",
        "lastUpdatedTime": "2026-10-14T20:41:30.000Z",
        "salesChannel": {
            "channelName": "AMAZON",
            "marketplaceId": "ATVPDKIKX0DER",
            "marketplaceName": "Amazon.com",
        },
        "proceeds": {"grandTotal": usd("19.99"), **proceeds},
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "orderItems": [
            {
                "orderItemId": "90000000000003",
                "quantityOrdered": 1,
                "product": {"asin": "B0TEST0003", "title": "Test mug", "sellerSku": "MUG-1"},
                "proceeds": {"proceedsTotal": usd("19.99"), **proceeds},
            }
        ],
        **changes,
    }
