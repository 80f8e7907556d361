"""Whether an order adds up: its parts to its lines, its lines to its total (SP-API dossier, section 10.5; DESIGN 7).

What is not pinned down is not guessed but allowed for in both readings: whether a total holds the tax that Amazon withholds,
and whether it holds a tip that is charged separately. Anything else that differs is a finding: the order is held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.money import ZERO
from ml_connector.domain.orders import (
    CANCELLED,
    DELIVERY_TIP,
    DISCOUNT,
    TAX,
    UNFULFILLABLE,
    Detail,
    Order,
    OrderItem,
    Part,
)


def amount_findings(order: Order) -> tuple[Finding, ...]:
    """Empty when the order adds up exactly. At most one finding of each code; its sentence names the first place.

    ``order_amounts_differ``: a total is not the sum of its parts. ``order_amounts_missing``: a line that was paid for shows no
    price. Both hold the order.
    """
    differ = next(_differences(order), None)
    missing = next(_missing(order), None)
    findings = []
    if differ is not None:
        findings.append(
            Finding(
                "order_amounts_differ",
                f"Order {order.order_id} does not add up: {differ}. Nothing is booked from it until Amazon shows it whole.",
            )
        )
    if missing is not None:
        findings.append(
            Finding(
                "order_amounts_missing",
                f"Order {order.order_id} ({order.status or 'of no status'}): {missing}. Nothing is booked from it until Amazon shows them.",
            )
        )
    return tuple(findings)


def _differences(order: Order) -> Iterator[str]:
    for item in order.items:
        yield from _item_differences(item, order.currency)
    yield from _kind_differences(order)
    if order.total is None:
        return
    withheld = sum((item.charge(TAX) for item in order.items if item.facilitated), ZERO)
    tip = order.charge(DELIVERY_TIP)
    if order.parts and not _is_one_of(order.total, _sum(order.parts), withheld, tip):
        yield _unequal("the parts of the order", _sum(order.parts), "its total", order.total, order.currency)
    totals = [item.total for item in order.items if item.total is not None]
    if totals:
        # Each line's total has been compared with its own parts above; a kind that no line has belongs to the order alone.
        lines = sum(totals, ZERO) + _sum(_order_alone(order))
        if not _is_one_of(order.total, lines, withheld, tip):
            yield _unequal("the lines", lines, "the order's total", order.total, order.currency)


def _item_differences(item: OrderItem, currency: str) -> Iterator[str]:
    where = f"of line {item.item_id}"
    for part in item.parts:
        pieces = sum((_piece(detail) for detail in part.details), ZERO)
        if part.details and abs(pieces) != abs(part.amount):
            yield _unequal(f"the pieces of {part.kind} {where}", pieces, "it", part.amount, currency)
    if item.total is None or not item.parts:
        return
    withheld = item.charge(TAX) if item.facilitated else ZERO
    if not _is_one_of(item.total, _sum(item.parts), withheld, ZERO):
        yield _unequal(f"the parts {where}", _sum(item.parts), "its total", item.total, currency)


def _kind_differences(order: Order) -> Iterator[str]:
    """The order's parts are those of its lines, kind by kind (the model says so of all but the tip)."""
    if not order.parts or not all(item.parts for item in order.items if item.total):
        return
    alone = {part.kind for part in _order_alone(order)}
    for kind in dict.fromkeys(part.kind for part in _all_parts(order)):
        whole, lines = order.charge(kind), sum((item.charge(kind) for item in order.items), ZERO)
        if kind not in alone and whole != lines:
            yield _unequal(f"{kind} of the lines", lines, "that of the order", whole, order.currency)


def _missing(order: Order) -> Iterator[str]:
    if order.is_pending or order.is_multi_channel or order.is_replacement or order.status in (CANCELLED, UNFULFILLABLE):
        return
    if not order.items:
        yield "it shows no lines"
    for item in order.items:
        if item.ordered and item.total is None:
            yield f"line {item.item_id} shows no amounts"
        elif item.total and not item.parts:
            yield f"line {item.item_id} does not say what its total consists of"


def _order_alone(order: Order) -> tuple[Part, ...]:
    """Charges of the order that belong to no line. Only a tip is; any other kind that stands on no line is a difference."""
    return tuple(part for part in order.parts if part.kind == DELIVERY_TIP)


def _all_parts(order: Order) -> Iterable[Part]:
    yield from order.parts
    for item in order.items:
        yield from item.parts


def _is_one_of(total: Decimal, parts: Decimal, withheld: Decimal, tip: Decimal) -> bool:
    return total in {parts, parts - withheld, parts - tip, parts - withheld - tip}


def _piece(detail: Detail) -> Decimal:
    """A discount on tax takes its magnitude off, as every discount does: its sign is as little pinned down."""
    return -abs(detail.amount) if detail.subtype == DISCOUNT else detail.amount


def _sum(parts: Iterable[Part]) -> Decimal:
    return sum((part.charge for part in parts), ZERO)


def _unequal(what: str, left: Decimal, other: str, right: Decimal, currency: str) -> str:
    return f"{what} come to {money.text(left, currency)}, {other} is {money.text(right, currency)} {currency}"
