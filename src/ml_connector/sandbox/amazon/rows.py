"""The shape of what happens to a seller's money: events, and the rows of one amount each that a settlement lists for them.

Source: settlement dossier, sections 3-4. Amounts are whole minor units (cents, yen), positive to the seller.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
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
    """Something that happened, once: a sale, a refund, a fee. ``kind`` is one of ``transactions.SHAPES``.

    ``counted`` is when its money is released; its rows keep the day they were posted, and tell of one thing: they differ in
    amount, labels and promotion only. A settlement lists the rows, Finances shows the event as a transaction.
    """

    kind: str
    counted: datetime
    rows: tuple[Row, ...]

    @property
    def posted(self) -> datetime:
        """When it happened, UTC."""
        return self.rows[0].posted

    @property
    def amount(self) -> int:
        """What it comes to for the seller, in minor units."""
        return sum(row.amount for row in self.rows)


_OF_THE_LINE = ("amount_type", "amount_description", "amount", "promotion_id")
_OF_THE_HEAD = tuple(name for name in Row._fields if name not in (*_OF_THE_LINE, "posted"))


def packed(event: Event) -> str:
    """An event's rows as JSON: what they share, once, then the lines."""
    first = event.rows[0]
    head = {name: value for name in _OF_THE_HEAD if (value := getattr(first, name))}
    lines = [(row.amount_type, row.amount_description, row.amount, row.promotion_id) for row in event.rows]
    return compact([head, lines])


def unpacked(kind: str, posted: str, counted: str, content: str) -> Event:
    """The event that :func:`packed` wrote, with its instants as :func:`stamp` wrote them."""
    head, lines = json.loads(content)
    at = datetime.fromisoformat(posted)
    blank = {"transaction_type": "", **head}
    rows = tuple(
        Row(
            **blank,
            posted=at,
            amount_type=amount_type,
            amount_description=description,
            amount=amount,
            promotion_id=promotion_id,
        )
        for amount_type, description, amount, promotion_id in lines
    )
    return Event(kind, datetime.fromisoformat(counted), rows)


def stamp(instant: datetime) -> str:
    """UTC with milliseconds and ``Z``: how Orders writes instants, and how they are kept, in an order that sorts."""
    utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:23]}Z"


compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""JSON as it is kept in the ledger."""


def share(amount: int, per_ten_thousand: int) -> int:
    """A rate of an amount >= 0 in minor units, half up."""
    return (amount * per_ten_thousand + 5_000) // 10_000


def part(amount: int, some: int, of: int) -> int:
    """``some`` parts of ``of`` of an amount of either sign, towards zero, so that opposite amounts stay opposite."""
    whole = abs(amount) * some // of
    return whole if amount >= 0 else -whole
