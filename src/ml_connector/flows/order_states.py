"""What a version of an order means for the books (ACCOUNTING 6; SP-API dossier, section 12.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from ml_connector.domain.order_amounts import amount_findings
from ml_connector.domain.orders import SHIPPED, UNFULFILLABLE, Order
from ml_connector.flows.states import words

#: Kind of an order's record.
ORDER: Final = "order"

#: Not paid for yet, or in a state that nobody knows: never in the books, and it may vanish.
PENDING: Final = "pending"
#: The books may be made from it.
RELEASED: Final = "released"
#: It does not add up, or cannot be read: a person has to know.
HELD: Final = "held"
CANCELLED: Final = "cancelled"
#: Goods, but no sale of Amazon's: multi-channel, replacement, price zero.
NO_SALE: Final = "no_sale"

#: Buyer data is deleted at most this long after delivery (dossier, section 23); when that was is not always told, so it
#: counts from the shipment.
BUYER_KEPT: Final = timedelta(days=30)


def standing(order: Order) -> tuple[str, str]:
    """(state, reason) of an order's record while this is its newest version. Only RELEASED reaches the books."""
    if order.is_cancelled:
        return CANCELLED, ""
    if order.is_pending:
        return PENDING, ""
    findings = amount_findings(order)
    if findings:
        return HELD, words(findings)
    if order.may_be_sale:
        return RELEASED, ""
    if order.is_multi_channel or order.status == UNFULFILLABLE:
        return NO_SALE, "sold elsewhere: Amazon only fulfils it"
    if order.is_replacement:
        return NO_SALE, "a replacement: goods without a sale"
    if order.is_zero_price:
        return NO_SALE, "its price is zero"
    return PENDING, f"status {order.status or 'not told'} is not known here: nothing is booked on a guess"


def buyer_kept_until(order: Order, now: datetime) -> datetime | None:
    """When the buyer's data of an order must be gone; None where nothing of it may be kept: the order was cancelled, or its
    time is over already.

    While nothing is shipped it counts from the order's last change, and so is always limited.
    """
    if order.is_cancelled:
        return None
    shipped = [package.shipped_at for package in order.packages if package.shipped_at is not None]
    last = max(shipped) if order.status == SHIPPED and shipped else order.last_updated
    return last + BUYER_KEPT if last + BUYER_KEPT > now else None
