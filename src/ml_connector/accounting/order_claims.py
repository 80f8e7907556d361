"""Which orders a settlement recognises (ACCOUNTING 1: the first document that recognises an order claims it, for ever)."""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterator
from typing import Final

from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import fold_label
from ml_connector.domain.settlement_rows import RowBlock, SettlementRows

#: An Amazon order id: the column also holds shipment, removal and reimbursement ids (settlement dossier, section 3).
_ORDER_ID: Final = re.compile(rb"([0-9]{3})-([0-9]{7})-([0-9]{7})")
_ITEM_PRICE: Final = fold_label("ItemPrice")
_SHOWN: Final = 5


def order_ids(rows: SettlementRows) -> Iterator[str]:
    """The ids of the orders whose prices or refunds are in the file, each once, ascending.

    An id is 17 digits, so it is kept as a number: eight bytes an order.
    """
    found = array("Q")
    for block in _blocks(rows):
        found.extend(int(b"".join(match.groups())) for match in map(_ORDER_ID.fullmatch, _recognised(block)) if match)
    previous = -1
    for number in sorted(found):
        if number != previous:
            digits = f"{number:017d}"
            yield f"{digits[:3]}-{digits[3:10]}-{digits[10:]}"
        previous = number


def claimed_elsewhere(rows: SettlementRows, claimed: Collection[str]) -> Finding | None:
    """The finding that the file recognises orders which another policy has claimed already; None where it does not."""
    wanted = {order.encode() for order in claimed}
    lines: dict[bytes, int] = {}
    for block in _blocks(rows):
        for order in wanted.intersection(_recognised(block)).difference(lines):
            lines[order] = block.first + next(
                place for place, cell in enumerate(block.column("order-id")) if cell == order
            )
    if not lines:
        return None
    first = sorted(lines, key=lambda order: lines[order])
    shown = ", ".join(order.decode() for order in first[:_SHOWN]) + (" ..." if len(first) > _SHOWN else "")
    return Finding(
        "order_claimed_elsewhere",
        f"{len(lines)} order(s) of this settlement were recognised by another policy before: {shown}. "
        "Decide which one carries them; the same sale is never posted twice.",
        lines[first[0]],
    )


def _blocks(rows: SettlementRows) -> Iterator[RowBlock[None]]:
    return rows.read(lambda _: None).blocks() if rows.head is not None else iter(())


def _recognised(block: RowBlock[None]) -> list[bytes]:
    """Order ids of the block's ItemPrice rows, each once."""
    kinds = block.column("amount-type")
    prices = {kind for kind in set(kinds) if fold_label(kind.decode()) == _ITEM_PRICE}
    orders = block.column("order-id")
    return list(dict.fromkeys(order for order, kind in zip(orders, kinds, strict=True) if kind in prices))
