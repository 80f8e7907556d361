"""Stock by warehouse: a sweep each time, since nothing in Business One says that stock has moved (SAP dossier, 5.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Final

from ml_connector.domain.catalog import Stock
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.reads.marks import Mark, mark_from
from ml_connector.erp.sap_business_one.reads.queries import STOCK
from ml_connector.erp.sap_business_one.reads.sweeps import Fields, Sweep, swept
from ml_connector.erp.sap_business_one.values import code, number

#: What the available quantity means here, for people.
STOCK_IS: Final = (
    "In stock less committed, by warehouse, in the item's inventory unit. What is on order is not counted, and more may be "
    "promised than is there: then it is below zero."
)


def _from_query(row: Fields) -> Stock:
    return _stock(
        code(row, "ItemCode"),
        code(row, "WhsCode"),
        number(row, "OnHand"),
        number(row, "IsCommited"),
        number(row, "OnOrder"),
    )


def _from_item(item: Fields, place: Fields) -> Stock:
    return _stock(
        code(item, "ItemCode"),
        code(place, "WarehouseCode"),
        number(place, "InStock"),
        number(place, "Committed"),
        number(place, "Ordered"),
    )


def _stock(item: str, warehouse: str, on_hand: Decimal, committed: Decimal, on_order: Decimal) -> Stock:
    return Stock(item, warehouse, on_hand, committed, on_order, available=on_hand - committed)


_SWEEP: Final = Sweep(
    what="read stock",
    query=STOCK,
    condition="InventoryItem eq 'tYES'",
    collection="ItemWarehouseInfoCollection",
    fields=(),
    from_query=_from_query,
    from_item=_from_item,
)


async def stock(layer: ServiceLayer, mark: str) -> AsyncIterator[Page[Stock]]:
    """Every stocked item in every warehouse. The mark is a place in the sweep, "" at its end."""
    after = next(iter(mark_from(mark).after), "")
    async for rows, last in swept(layer, _SWEEP, str(after)):
        yield Page(rows, Mark(after=(last,)).text() if last else "")
