"""What lies where, and what is promised to customers. Moving stock never touches an item's UpdateDate (dossier, section 5.5).

Quantities are in inventory units. Items are valued at their standard cost (AvgStdPrice), in local currency.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.company import TOTALS_ACCURACY
from ml_connector.sandbox.sap_business_one.errors import OBJECT_REJECTED, ServiceLayerError, not_found
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

_ZERO = Decimal(0)


class Stock:
    """The stock of one company. Every method is called inside a transaction."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches, wall: Wall) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._wall = wall

    def move(self, item_code: str, warehouse: str, by: Decimal, where: str = "") -> None:
        """Change what lies in a warehouse. Raises :class:`ServiceLayerError` where it would fall below nothing (switch)."""
        place = self._place(item_code, warehouse)
        left = _decimal(place["InStock"]) + by
        if by < 0 and left < 0 and self._switches.on("block_negative_stock"):
            raise ServiceLayerError(400, OBJECT_REJECTED, f"Quantity falls into negative inventory  {where}".rstrip())
        self._change(item_code, warehouse, "InStock", "QuantityOnStock", by)
        if self._switches.on("stock_touches_items"):
            now: Row = {"UpdateDate": self._wall.day(), "UpdateTime": self._wall.time()}
            self._tables.update(self._catalog.schema.types["Item"], {"ItemCode": item_code}, now)

    def commit(self, item_code: str, warehouse: str, by: Decimal) -> None:
        """Promise stock to customers, or take a promise back."""
        self._place(item_code, warehouse)
        self._change(item_code, warehouse, "Committed", "QuantityOrderedByCustomers", by)

    def value(self, item: Row, quantity: Decimal) -> Decimal:
        """What a quantity of an item is worth in the books, local currency."""
        value = _decimal(item["AvgStdPrice"]) * quantity
        return value.quantize(Decimal(1).scaleb(-TOTALS_ACCURACY), rounding=ROUND_HALF_UP)

    def _place(self, item_code: str, warehouse: str) -> Row:
        place_type = self._catalog.schema.types["ItemWarehouseInfo"]
        place = self._tables.one(place_type, {"ItemCode": item_code, "WarehouseCode": warehouse})
        if place is None:
            raise not_found()
        return place

    def _change(self, item_code: str, warehouse: str, place_column: str, item_column: str, by: Decimal) -> None:
        change = int(by * 1_000_000)
        book = self._tables.book
        book.execute(
            f'UPDATE {{OITW}} SET "{place_column}" = "{place_column}" + ? WHERE "ItemCode" = ? AND "WarehouseCode" = ?',  # noqa: S608
            (change, item_code, warehouse),
        )
        book.execute(
            f'UPDATE {{OITM}} SET "{item_column}" = "{item_column}" + ? WHERE "ItemCode" = ?',  # noqa: S608
            (change, item_code),
        )


def _decimal(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else _ZERO
