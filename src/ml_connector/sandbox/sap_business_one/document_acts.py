"""What happens to documents after they are written: changed, confirmed, cancelled, closed, opened again (dossier, section 7).

A posted document is never deleted and its amounts never change; it is cancelled by another document.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.sap_business_one.bases import Bases
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, Checks, money
from ml_connector.sandbox.sap_business_one.documents import APART, Documents
from ml_connector.sandbox.sap_business_one.drafted import Drafted
from ml_connector.sandbox.sap_business_one.errors import not_supported, rejected
from ml_connector.sandbox.sap_business_one.journal import Journal, Origin
from ml_connector.sandbox.sap_business_one.kinds import BY_CODE, Kind
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

#: What a person or a client may still change in a posted document.
AMENDABLE = frozenset(
    {
        "Address",
        "Address2",
        "AddressExtension",
        "ClosingRemarks",
        "Comments",
        "DocDueDate",
        "ECommerceOperator",
        "Indicator",
        "JournalMemo",
        "NumAtCard",
        "OpeningRemarks",
        "OriginalRefNo",
        "PayToCode",
        "Reference1",
        "Reference2",
        "SalesPersonCode",
        "ShipToCode",
        "TrackingNumber",
        "TransportationCode",
    }
)
_CLOSED = "Document is already closed"


class DocumentActs:
    """Changes and actions on documents of one company. Every method is called inside a transaction."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        checks: Checks,
        documents: Documents,
        bases: Bases,
        journal: Journal,
        stock: Stock,
        numbering: Numbering,
        drafted: Drafted,
        wall: Wall,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._documents = documents
        self._bases = bases
        self._journal = journal
        self._stock = stock
        self._numbering = numbering
        self._drafted = drafted
        self._wall = wall

    # --- PATCH ---------------------------------------------------------------------------------------------------------

    def amend(self, kind: Kind, row: Row, changes: Row) -> None:
        """Texts of the header and of lines; of an order that is open, everything. What may not change is ignored."""
        if kind.commits and row["DocumentStatus"] == "bost_Open":
            self._amend_order(kind, row, changes)
            return
        kept: Row = {name: value for name, value in changes.items() if name in AMENDABLE or name.startswith("U_")}
        self._amend_lines(kind, row, changes)
        self._tables.update(self._type(kind), _key(row), {**kept, **self._documents.stamp(row)})

    def _amend_lines(self, kind: Kind, row: Row, changes: Row) -> None:
        lines = changes.get(APART[0])
        line_type = self._line_type(kind)
        for line in lines if isinstance(lines, list) else []:
            texts: Row = {name: value for name, value in line.items() if name == "FreeText" or name.startswith("U_")}
            if texts and line.get("LineNum") is not None:
                self._tables.update(line_type, {"LineNum": line["LineNum"]}, texts, parent=_key(row))

    def _amend_order(self, kind: Kind, row: Row, changes: Row) -> None:
        confirmed = changes.get("Confirmed", row["Confirmed"])
        self._promise(kind, row, -1)
        if set(changes) & {*APART, "DiscountPercent", "CardCode", "DocCurrency", "DocRate"}:
            self._recompute(kind, row, changes)
        else:
            names = AMENDABLE | {"Confirmed", "DocDate", "TaxDate", "Project"}
            kept: Row = {name: value for name, value in changes.items() if name in names or name.startswith("U_")}
            self._tables.update(self._type(kind), _key(row), {**kept, **self._documents.stamp(row)})
        self._promise(kind, {**row, "Confirmed": confirmed}, 1)

    def _recompute(self, kind: Kind, row: Row, changes: Row) -> None:
        """An order's amounts anew, from what was sent first and what is sent now."""
        if any(line["RemainingOpenQuantity"] != line["Quantity"] for line in self._lines(kind, row)):
            raise rejected("An order that was copied to another document keeps its lines [ORDR.DocumentLines]")
        body = self._drafted.merged(kind.set, int(str(row["DocEntry"])), changes)
        document = self._documents.complete(kind, body)
        kept = ("DocEntry", "DocNum", "Series", "DocObjectCode", "CreationDate", "DocTime", "JournalMemo")
        document.header.update({name: row[name] for name in kept}, **self._documents.stamp(row))
        document.header["Confirmed"] = changes.get("Confirmed", row["Confirmed"])
        entity = self._type(kind)
        self._tables.update(entity, _key(row), {each.name: document.header[each.name] for each in entity.scalars})
        for collection in entity.collections:
            self._tables.delete_children(self._catalog.schema.child(entity, collection), _key(row))
        self._documents.write_rows(entity, document.shown())
        self._drafted.keep(kind.set, int(str(row["DocEntry"])), body)

    def _promise(self, kind: Kind, row: Row, sign: int) -> None:
        """Promise what an order still owes, or take the promise back."""
        if not self._documents.commits(row):
            return
        for line in self._lines(kind, row):
            item = self._tables.one(self._catalog.schema.types["Item"], {"ItemCode": line["ItemCode"]})
            left = money(line, "RemainingOpenQuantity")
            if item is not None and item["InventoryItem"] == "tYES" and left:
                self._stock.commit(str(item["ItemCode"]), str(line["WarehouseCode"]), left * sign)

    # --- actions -------------------------------------------------------------------------------------------------------

    def cancel(self, kind: Kind, row: Row, changes: Mapping[str, object] | None = None) -> int | None:
        """Take a document back. An order is only marked; anything else is answered by a cancellation, whose DocEntry is given.

        ``changes`` are made to the cancellation (Cancel2). Raises :class:`ServiceLayerError` where it is paid, copied or closed.
        """
        if row["CancelStatus"] != "csNo":
            raise rejected("Document is already cancelled, or cancels another")
        if kind.commits:
            self._cancel_order(kind, row)
            return None
        lines = self._lines(kind, row)
        used = any(line["RemainingOpenQuantity"] != line["Quantity"] for line in lines if line["ItemCode"])
        if money(row, "PaidToDate") or used:
            raise rejected("Document cannot be cancelled; it is paid, reconciled or copied, wholly or in part")
        day = self._wall.day() if self._switches.text("cancellation_date") == "today" else str(row["DocDate"])
        self._check_period(kind, day)
        cancelling = self._cancellation(kind, row, day, changes or {})
        marks: Row = {"Cancelled": "tYES", "CancelStatus": "csYes", "DocumentStatus": "bost_Close", "CancelDate": day}
        self._tables.update(self._type(kind), _key(row), {**marks, **self._documents.stamp(row)})
        self._close_lines(kind, row)
        self._undo(kind, row, lines, cancelling)
        return int(str(cancelling["DocEntry"]))

    def prefilled(self, kind: Kind, row: Row) -> Row:
        """A cancellation as CreateCancellationDocument may answer it, without writing it."""
        shown: Row = {**row, "DocEntry": None, "DocNum": None, "CancelStatus": "csCancellation", "TransNum": None}
        entity = self._type(kind)
        for each in entity.collections:
            rows = self._tables.children(self._catalog.schema.child(entity, each), ("DocEntry",), [row])
            shown[each.name] = rows[(row["DocEntry"],)]
        return shown

    def close(self, kind: Kind, row: Row) -> None:
        """An order or a delivery is done with, whatever is still open in it."""
        if kind.receivable or not kind.trades:
            raise not_supported()
        if row["DocumentStatus"] == "bost_Close":
            raise rejected(_CLOSED)
        if kind.commits:
            self._promise(kind, row, -1)
        self._close_lines(kind, row)
        day: Row = {"ClosingDate": self._wall.day()}
        self._tables.update(
            self._type(kind), _key(row), {"DocumentStatus": "bost_Close", **day, **self._documents.stamp(row)}
        )

    def reopen(self, kind: Kind, row: Row) -> None:
        """A closed order is open again with what was not copied from it."""
        if not kind.commits:
            raise not_supported()
        lines = [line for line in self._lines(kind, row) if money(line, "RemainingOpenQuantity")]
        if row["DocumentStatus"] != "bost_Close" or row["CancelStatus"] != "csNo" or not lines:
            raise rejected("Document cannot be opened again")
        for line in lines:
            state: Row = {"LineStatus": "bost_Open"}
            self._tables.update(self._line_type(kind), {"LineNum": line["LineNum"]}, state, parent=_key(row))
        opened: Row = {"DocumentStatus": "bost_Open", "ClosingDate": None, **self._documents.stamp(row)}
        self._tables.update(self._type(kind), _key(row), opened)
        self._promise(kind, row, 1)

    # --- cancelling ----------------------------------------------------------------------------------------------------

    def _cancel_order(self, kind: Kind, row: Row) -> None:
        if row["DocumentStatus"] == "bost_Close":
            raise rejected(_CLOSED)
        self._promise(kind, row, -1)
        self._close_lines(kind, row)
        marks: Row = {
            "Cancelled": "tYES",
            "CancelStatus": "csYes",
            "DocumentStatus": "bost_Close",
            "CancelDate": self._wall.day(),
        }
        self._tables.update(self._type(kind), _key(row), {**marks, **self._documents.stamp(row)})

    def _cancellation(self, kind: Kind, row: Row, day: str, changes: Mapping[str, object]) -> Row:
        """The cancelling document: the same amounts, its own numbers, based on the one it cancels."""
        series, number = self._numbering.take(kind.set, kind.code, {})
        shown = self.prefilled(kind, row)
        shown.update(
            DocEntry=self._numbering.entry(kind.set, kind.first_entry),
            DocNum=number,
            Series=series,
            DocDate=day,
            CancelDate=day,
            Cancelled="tNO",
            DocumentStatus="bost_Close",
            CreationDate=self._wall.day(),
            DocTime=self._wall.time(),
            UpdateDate=self._wall.day(),
            UpdateTime=self._wall.time(),
            DataVersion=1,
        )
        if not self._switches.on("cancellation_copies_fields"):
            shown.update({name: None for name in shown if name.startswith("U_")})
        shown.update({name: value for name, value in changes.items() if name in AMENDABLE or name.startswith("U_")})
        lines = shown[APART[0]]
        for line in lines if isinstance(lines, list) else []:
            line.update(BaseType=kind.code, BaseEntry=row["DocEntry"], BaseLine=line["LineNum"])
            line.update(LineStatus="bost_Close", RemainingOpenQuantity=ZERO, OpenAmount=ZERO, OpenAmountFC=ZERO)
        entity = self._type(kind)
        self._tables.insert(entity, shown)
        self._documents.write_rows(entity, shown)
        return shown

    def _undo(self, kind: Kind, row: Row, lines: list[Row], cancelling: Row) -> None:
        """Books, stock and bases as if the document had never been."""
        if row["TransNum"] is not None:
            origin = Origin(kind.origin, int(str(cancelling["DocEntry"])), int(str(cancelling["DocNum"])))
            trans_num = self._journal.take_back(int(str(row["TransNum"])), str(cancelling["DocDate"]), origin)
            self._tables.update(self._type(kind), _key(cancelling), {"TransNum": trans_num})
        for line in lines:
            item = self._tables.one(self._catalog.schema.types["Item"], {"ItemCode": line["ItemCode"]})
            if self._documents.moves(kind, row, line, item):
                quantity = money(line, "Quantity") * -kind.stock
                self._stock.move(str(line["ItemCode"]), str(line["WarehouseCode"]), quantity)
        self._bases.give_back(lines)
        for line in lines:
            self._promise_again(line)

    def _promise_again(self, line: Row) -> None:
        """An order that was copied owes its goods again."""
        base = BY_CODE.get(int(str(line["BaseType"])))
        if base is None or not base.commits:
            return
        order = self._tables.one(self._type(base), {"DocEntry": line["BaseEntry"]})
        item = self._tables.one(self._catalog.schema.types["Item"], {"ItemCode": line["ItemCode"]})
        if (
            order is not None
            and self._documents.commits(order)
            and item is not None
            and item["InventoryItem"] == "tYES"
        ):
            self._stock.commit(str(line["ItemCode"]), str(line["WarehouseCode"]), money(line, "Quantity"))

    def _check_period(self, kind: Kind, day: str) -> None:
        names = (f"{kind.table}.DocDate", f"{kind.table}.DocDueDate", f"{kind.table}.TaxDate")
        self._checks.period(day, day, day, names, sales=kind.trades)

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _close_lines(self, kind: Kind, row: Row) -> None:
        line_type = self._line_type(kind)
        for line in self._lines(kind, row):
            state: Row = {"LineStatus": "bost_Close"}
            self._tables.update(line_type, {"LineNum": line["LineNum"]}, state, parent=_key(row))

    def _lines(self, kind: Kind, row: Row) -> list[Row]:
        return self._tables.children(self._line_type(kind), ("DocEntry",), [row])[(row["DocEntry"],)]

    def _type(self, kind: Kind) -> Type:
        return self._catalog.schema.of_set(kind.set)

    def _line_type(self, kind: Kind) -> Type:
        entity = self._type(kind)
        return self._catalog.schema.child(entity, next(each for each in entity.collections if each.name == APART[0]))


def _key(row: Row) -> Row:
    return {"DocEntry": row["DocEntry"]}
