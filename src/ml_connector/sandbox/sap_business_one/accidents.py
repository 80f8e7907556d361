"""What no rule allows and what happens nevertheless: amounts changed in the database, documents lost with an older copy."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import money
from ml_connector.sandbox.sap_business_one.desk import Desk
from ml_connector.sandbox.sap_business_one.errors import not_found
from ml_connector.sandbox.sap_business_one.journal import Journal
from ml_connector.sandbox.sap_business_one.kinds import BY_CODE, BY_SET
from ml_connector.sandbox.sap_business_one.payments import FLOWS
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables


class Accidents:
    """Acts behind the back of the system. Every method is called inside a transaction."""

    def __init__(self, tables: Tables, catalog: Catalog, journal: Journal, stock: Stock, desk: Desk) -> None:
        self._tables = tables
        self._catalog = catalog
        self._journal = journal
        self._stock = stock
        self._desk = desk

    def nudge(self, set_name: str, entry: int, by: Decimal) -> None:
        """Change the total of a document (and its first row), or the sum of a payment; the books are not told."""
        entity, row = self._found(set_name, entry)
        if set_name in FLOWS:
            name = "TransferSum" if row["TransferSum"] else "CashSum"
            self._tables.update(entity, {"DocEntry": entry}, {name: money(row, name) + by})
            return
        totals = ("DocTotal", "DocTotalSys", *(("DocTotalFc",) if row["DocTotalFc"] else ()))
        self._tables.update(entity, {"DocEntry": entry}, {name: money(row, name) + by for name in totals})
        lines = self._lines(entity, row)
        amounts = ("LineTotal", *(("RowTotalFC",) if row["DocTotalFc"] else ()))
        line_type = self._catalog.schema.child(entity, entity.collections[0])
        changes: Row = {name: money(lines[0], name) + by for name in amounts}
        self._tables.update(line_type, {"LineNum": 0}, changes, parent={"DocEntry": entry})

    def lose(self, set_name: str, entry: int) -> None:
        """The company's database is an older copy: the document was never there, nor its entry, nor what it settled or moved."""
        entity, row = self._found(set_name, entry)
        if set_name in FLOWS:
            self._desk.payments.unsettle(FLOWS[set_name], row)
            self._journal.vanish(self._desk.payments.trans_num(FLOWS[set_name], entry))
        elif set_name in BY_SET:
            self._put_back(set_name, entity, row)
            if row["TransNum"] is not None:
                self._journal.vanish(int(str(row["TransNum"])))
        for collection in entity.collections:
            self._tables.delete_children(self._catalog.schema.child(entity, collection), {"DocEntry": entry})
        self._tables.delete(entity.table, {"DocEntry": entry})

    def _put_back(self, set_name: str, entity: Type, row: Row) -> None:
        kind = BY_SET[set_name]
        for line in self._lines(entity, row):
            item = self._tables.one(self._catalog.schema.types["Item"], {"ItemCode": line["ItemCode"]})
            if self._desk.documents.moves(kind, row, line, item) and line["BaseType"] not in BY_CODE:
                quantity = money(line, "Quantity") * -kind.stock
                self._stock.move(str(line["ItemCode"]), str(line["WarehouseCode"]), quantity)

    def _found(self, set_name: str, entry: int) -> tuple[Type, Row]:
        entity = self._catalog.schema.of_set(set_name)
        row = self._tables.one(entity, {"DocEntry": entry})
        if row is None:
            raise not_found()
        return entity, row

    def _lines(self, entity: Type, row: Row) -> list[Row]:
        line_type = self._catalog.schema.child(entity, entity.collections[0])
        return self._tables.children(line_type, entity.key, [row])[(row["DocEntry"],)]
