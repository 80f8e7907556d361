"""Documents copied from others: what a line takes over from its base, and what is left open there afterwards (section 6.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, money
from ml_connector.sandbox.sap_business_one.errors import rejected
from ml_connector.sandbox.sap_business_one.kinds import BY_CODE, Kind
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

#: What a copied line takes from its base where it says nothing itself.
_TAKEN = (
    "ItemCode",
    "ItemDescription",
    "WarehouseCode",
    "TaxCode",
    "VatGroup",
    "AccountCode",
    "COGSAccountCode",
    "CostingCode",
    "CostingCode2",
    "CostingCode3",
    "CostingCode4",
    "CostingCode5",
    "ProjectCode",
    "FreeText",
)
_PRICED = ("UnitPrice", "Price", "PriceAfterVAT", "GrossPrice", "LineTotal", "GrossTotal")


@dataclass(frozen=True, slots=True)
class Base:
    """The line that another was copied from."""

    kind: Kind
    header: Row
    line: Row


class Bases:
    """Base documents of one company."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches

    def of_line(self, kind: Kind, line: Row, card_code: object, where: str) -> Base | None:
        """The base that a line names, None where it names none. Raises :class:`ServiceLayerError` where it cannot be one."""
        code, entry, number = line.get("BaseType"), line.get("BaseEntry"), line.get("BaseLine")
        if code in (None, -1):
            return None
        base_kind = BY_CODE.get(int(str(code)))
        if base_kind is None or base_kind.code not in kind.bases:
            raise rejected(f"Base document type '{code}' does not fit {where}")
        header = self._tables.one(self._header_type(base_kind), {"DocEntry": entry})
        line_type = self._line_type(base_kind)
        found = self._tables.one(line_type, {"DocEntry": entry, "LineNum": number})
        if header is None or found is None:
            raise rejected(f"Base document does not exist {where}")
        if header["CardCode"] != card_code:
            raise rejected("Base document card and target document card do not match.")
        self._check_open(base_kind, header, found)
        return Base(base_kind, header, found)

    def take_over(self, line: Row, base: Base) -> None:
        """Fill in what a copied line does not say: item, place, price, tax, and the quantity that is still open."""
        for name in _TAKEN:
            if line.get(name) is None:
                line[name] = base.line[name]
        if line.get("Quantity") is None:
            line["Quantity"] = base.line["RemainingOpenQuantity"]
        if all(line.get(name) is None for name in _PRICED):
            line["UnitPrice"] = base.line["UnitPrice"]
            if line.get("DiscountPercent") is None:
                line["DiscountPercent"] = base.line["DiscountPercent"]
            if line["Quantity"] == base.line["Quantity"]:
                total = "RowTotalFC" if base.line["RowTotalFC"] else "LineTotal"
                line[total] = base.line[total]

    def use(self, lines: Iterable[tuple[Row, Base | None]]) -> None:
        """What was copied is no longer open in the base; a base with nothing open is closed."""
        for line, base in lines:
            if base is not None:
                self._open_less(base, money(line, "Quantity"), money(line, "LineTotal"))

    def give_back(self, lines: Iterable[Row]) -> None:
        """The copy is cancelled: its bases are open again by as much."""
        for line in lines:
            kind = BY_CODE.get(int(str(line["BaseType"])))
            if kind is None:
                continue
            header = self._tables.one(self._header_type(kind), {"DocEntry": line["BaseEntry"]})
            key: Row = {"DocEntry": line["BaseEntry"], "LineNum": line["BaseLine"]}
            found = self._tables.one(self._line_type(kind), key)
            if header is not None and found is not None:
                self._open_less(Base(kind, header, found), -money(line, "Quantity"), -money(line, "LineTotal"))

    def _open_less(self, base: Base, quantity: Decimal, total: Decimal) -> None:
        line_type, header_type = self._line_type(base.kind), self._header_type(base.kind)
        left = max(money(base.line, "RemainingOpenQuantity") - quantity, ZERO)
        status = "bost_Open" if left else "bost_Close"
        changes: Row = {
            "RemainingOpenQuantity": left,
            "OpenAmount": max(money(base.line, "OpenAmount") - total, ZERO),
            "LineStatus": status,
        }
        key: Row = {"DocEntry": base.header["DocEntry"], "LineNum": base.line["LineNum"]}
        self._tables.update(line_type, key, changes)
        still_open = self._tables.count(
            line_type, '"DocEntry" = ? AND "LineStatus" = ?', [int(str(base.header["DocEntry"])), "bost_Open"]
        )
        # An invoice is closed by what is paid, not by what was credited line by line.
        if base.kind.receivable == 0:
            state: Row = {"DocumentStatus": "bost_Open" if still_open else "bost_Close"}
            self._tables.update(header_type, {"DocEntry": base.header["DocEntry"]}, state)

    def _check_open(self, kind: Kind, header: Row, line: Row) -> None:
        closed = header["DocumentStatus"] == "bost_Close" or header["CancelStatus"] != "csNo"
        paid = kind.receivable != 0 and header["CancelStatus"] == "csNo"
        if closed and not (paid and not self._switches.on("paid_base_refused")):
            raise rejected("One of the base documents has already been closed")
        if line["LineStatus"] == "bost_Close":
            raise rejected("One of the base documents has already been closed")

    def _header_type(self, kind: Kind) -> Type:
        return self._catalog.schema.of_set(kind.set)

    def _line_type(self, kind: Kind) -> Type:
        entity = self._header_type(kind)
        return self._catalog.schema.child(
            entity, next(each for each in entity.collections if each.name == "DocumentLines")
        )
