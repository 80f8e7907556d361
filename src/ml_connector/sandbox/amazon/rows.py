"""The shape of what a settlement lists: rows of one amount each, and the events they come from.

Source: settlement dossier, sections 3-4. Amounts are whole minor units (cents, yen), positive to the seller.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class Row(NamedTuple):
    """One detail row. ``quantity`` is "" where the row has none; ``posted`` is UTC."""

    transaction_type: str
    amount_type: str
    amount_description: str
    amount: int
    posted: datetime
    order_id: str = ""
    merchant_order_id: str = ""
    adjustment_id: str = ""
    shipment_id: str = ""
    marketplace_name: str = ""
    fulfillment_id: str = ""
    order_item_code: str = ""
    merchant_order_item_id: str = ""
    merchant_adjustment_item_id: str = ""
    sku: str = ""
    quantity: str = ""
    promotion_id: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. ``counted`` is when its money is released; its rows keep the day they were posted."""

    counted: datetime
    rows: tuple[Row, ...]


def share(amount: int, per_ten_thousand: int) -> int:
    """A rate of an amount >= 0 in minor units, half up."""
    return (amount * per_ten_thousand + 5_000) // 10_000


def part(amount: int, some: int, of: int) -> int:
    """``some`` parts of ``of`` of an amount of either sign, towards zero, so that opposite amounts stay opposite."""
    whole = abs(amount) * some // of
    return whole if amount >= 0 else -whole
