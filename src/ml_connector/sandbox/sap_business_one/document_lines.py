"""A document's lines and freight rows as a client sent them, made whole: item, place, price, tax, base (dossier, section 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.bases import Base, Bases
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, Checks, money, within
from ml_connector.sandbox.sap_business_one.company import LOCAL_CURRENCY
from ml_connector.sandbox.sap_business_one.errors import rejected
from ml_connector.sandbox.sap_business_one.kinds import Kind
from ml_connector.sandbox.sap_business_one.prices import Price, Prices
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.taxes import Taxes
from ml_connector.sandbox.sap_business_one.totals import Asked
from ml_connector.sandbox.sap_business_one.values import filled
from ml_connector.sandbox.switches import Switches


@dataclass(frozen=True, slots=True)
class Line:
    """A line made whole. ``row`` lacks only what :mod:`totals` computes; ``item`` is None on a service line."""

    row: Row
    asked: Asked
    item: Row | None
    base: Base | None


class Lines:
    """Completes lines of one company's documents. Raises :class:`ServiceLayerError` where a rule says no."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        checks: Checks,
        prices: Prices,
        taxes: Taxes,
        bases: Bases,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._prices = prices
        self._taxes = taxes
        self._bases = bases

    def complete(self, kind: Kind, header: Row, partner: Row, sent: list[Row]) -> list[Line]:
        """The lines in order, numbered from 0."""
        if not sent:
            raise rejected(f"No matching records found [{kind.table}.DocumentLines]: a document needs lines")
        return [self._line(kind, header, partner, dict(line), number) for number, line in enumerate(sent)]

    def freight(self, kind: Kind, header: Row, partner: Row, sent: list[Row]) -> list[Line]:
        """The freight rows in order, numbered from 0."""
        return [self._freight_row(header, partner, dict(line), number) for number, line in enumerate(sent)]

    # --- lines ---------------------------------------------------------------------------------------------------------

    def _line(self, kind: Kind, header: Row, partner: Row, sent: Row, number: int) -> Line:
        where = f"[line: {number + 1}]"
        base = self._bases.of_line(kind, sent, header.get("CardCode"), f"[{kind.lines}.BaseEntry]{where}")
        if base is not None:
            self._bases.take_over(sent, base)
        service = header["DocType"] == "dDocument_Service"
        item = None if service else self._item(kind, sent.get("ItemCode"), str(header["DocDate"]), where)
        if sent.get("Currency") not in (None, header["DocCurrency"]):
            raise rejected(f"Currency of the row differs from the document's [{kind.lines}.Currency]{where}")
        quantity = self._quantity(sent, service=service, where=where)
        asked = self._asked(kind, header, sent, item, quantity)
        line_type = self._catalog.schema.types["DocumentLine"]
        row = filled(sent, line_type, self._catalog.schema)
        row.update(LineNum=number, VisualOrder=number, Quantity=quantity, Currency=header["DocCurrency"])
        row["PriceSource"] = asked[1]
        if item is not None:
            self._place(kind, header, row, item, where)
            row["ItemDescription"] = row["ItemDescription"] or item["ItemName"]
        elif not row["AccountCode"]:
            raise rejected(f"Specify a G/L account [{kind.lines}.AccountCode]{where}")
        self._checks.dimensions(row, "DocumentLines", number + 1)
        code, rate = "", ZERO
        if kind.trades:
            code, rate = self._taxes.of_line(
                row, item, partner, str(header["TaxDate"]), f"[{kind.lines}.TaxCode]{where}"
            )
        row["TaxPercentagePerRow"] = rate
        return Line(row, _with_tax(asked[0], code, rate), item, base)

    def _item(self, kind: Kind, code: object, day: str, where: str) -> Row:
        if not code:
            raise rejected(f"Item number is missing; specify an item number [DocumentLines.ItemCode]{where}")
        item = self._tables.one(self._catalog.schema.types["Item"], {"ItemCode": code})
        if item is None:
            raise rejected(f"Invalid item number [{kind.lines}.ItemCode]{where} , '{code}'")
        inactive = item["Frozen"] == "tYES" and within(day, item["FrozenFrom"], item["FrozenTo"])
        if inactive or item["Valid"] == "tNO" or not within(day, item["ValidFrom"], item["ValidTo"]):
            raise rejected(f"Item '{code}' is inactive [{kind.lines}.ItemCode]{where}")
        if kind.trades and item["SalesItem"] != "tYES":
            raise rejected(f"Item '{code}' is not a sales item [{kind.lines}.ItemCode]{where}")
        if not kind.trades and item["InventoryItem"] != "tYES":
            raise rejected(f"Item '{code}' is not kept in stock [{kind.lines}.ItemCode]{where}")
        return item

    def _quantity(self, sent: Row, *, service: bool, where: str) -> Decimal:
        if service:
            return ZERO
        quantity = money(sent, "Quantity") if sent.get("Quantity") is not None else Decimal(1)
        if quantity <= 0:
            raise rejected(f"Quantity must be above zero [DocumentLines.Quantity]{where}")
        return quantity

    def _place(self, kind: Kind, header: Row, row: Row, item: Row, where: str) -> None:
        """The warehouse of a line: sent, the item's, or the first; active, and of the document's branch."""
        code = row["WarehouseCode"] or item["DefaultWarehouse"] or "01"
        warehouse = self._tables.one(self._catalog.schema.types["Warehouse"], {"WarehouseCode": code})
        if warehouse is None or warehouse["Inactive"] == "tYES":
            raise rejected(f"Invalid warehouse [{kind.lines}.WhsCode]{where} , '{code}'")
        branch = header["BPL_IDAssignedToInvoice"]
        if branch is not None and warehouse["BusinessPlaceID"] != branch:
            raise rejected(f"Warehouse '{code}' does not belong to the branch [{kind.lines}.WhsCode]{where}")
        row["WarehouseCode"] = code

    # --- prices --------------------------------------------------------------------------------------------------------

    def _asked(
        self, kind: Kind, header: Row, sent: Row, item: Row | None, quantity: Decimal
    ) -> tuple[Asked, str | None]:
        """Price, discount or total as they were sent, or as the company's prices say; and where the price comes from."""
        discount = money(sent, "DiscountPercent")
        total = self._total(header, sent)
        if not kind.trades:
            cost = _sent(sent, "UnitPrice", "Price") or money(item or {}, "AvgStdPrice")
            return Asked(quantity, cost, ZERO, None, gross=False, tax_rate=ZERO), None
        if item is None:
            amount = total if total is not None else _sent(sent, "UnitPrice", "Price") or ZERO
            return Asked(Decimal(1), amount, discount, total, gross=False, tax_rate=ZERO), "dpsManual"
        unit_price, price = _sent(sent, "UnitPrice"), _sent(sent, "Price")
        gross = _sent(sent, "GrossPrice", "PriceAfterVAT")
        if unit_price is not None:
            percent = self._discount(header, sent, item, discount)
            return Asked(quantity, unit_price, percent, total, gross=False, tax_rate=ZERO), "dpsManual"
        if price is not None:
            # A price after discount is what counts; the discount only explains it.
            return Asked(quantity, price, ZERO, total, gross=False, tax_rate=ZERO), "dpsManual"
        if gross is not None:
            return Asked(quantity, gross, discount, total, gross=True, tax_rate=ZERO), "dpsManual"
        if total is not None:
            return Asked(quantity, None, discount, total, gross=False, tax_rate=ZERO), "dpsManual"
        found = self._prices.effective(str(header["CardCode"]), str(item["ItemCode"]), str(header["DocDate"]))
        percent = discount if sent.get("DiscountPercent") is not None else found.discount
        converted = self._in_currency(found, header)
        return Asked(quantity, converted, percent, None, gross=found.gross, tax_rate=ZERO), found.source

    def _discount(self, header: Row, sent: Row, item: Row, discount: Decimal) -> Decimal:
        """A special price's discount applies to a price that was sent without one (switch; dossier, section 13, point 11)."""
        if sent.get("DiscountPercent") is not None or not self._switches.on("special_discount_applies"):
            return discount
        found = self._prices.effective(str(header["CardCode"]), str(item["ItemCode"]), str(header["DocDate"]))
        return found.discount

    def _total(self, header: Row, sent: Row) -> Decimal | None:
        """The total of a row in the document's currency, where one was sent and counts."""
        if self._switches.text("sent_line_total") == "ignored" and header["DocType"] != "dDocument_Service":
            return None
        if sent.get("RowTotalFC") is not None and header["DocCurrency"] != LOCAL_CURRENCY:
            return money(sent, "RowTotalFC")
        if sent.get("LineTotal") is None:
            return None
        if self._switches.text("foreign_line_total") == "local":
            return money(sent, "LineTotal") / money(header, "DocRate")
        return money(sent, "LineTotal")

    def _in_currency(self, price: Price, header: Row) -> Decimal:
        """A price of the lists in the document's currency."""
        if price.currency in (None, header["DocCurrency"]):
            return price.price
        _, rate = self._checks.terms(str(price.currency), str(header["DocDate"]), "[DocumentLines.Price]")
        return price.price * rate / money(header, "DocRate")

    # --- freight -------------------------------------------------------------------------------------------------------

    def _freight_row(self, header: Row, partner: Row, sent: Row, number: int) -> Line:
        where = f"[DocumentAdditionalExpenses.ExpenseCode][line: {number + 1}]"
        expense = self._tables.one(
            self._catalog.schema.types["AdditionalExpense"], {"ExpensCode": sent.get("ExpenseCode")}
        )
        if expense is None:
            raise rejected(f"Invalid freight code {where} , '{sent.get('ExpenseCode')}'")
        row = filled(sent, self._catalog.schema.types["DocumentAdditionalExpense"], self._catalog.schema)
        row["LineNum"] = number
        code, rate = self._taxes.of_freight(row, expense, partner, str(header["TaxDate"]), where)
        row["TaxPercent"] = rate
        gross = _sent(sent, "LineGross")
        net = self._total(header, {**sent, "RowTotalFC": None}) if sent.get("LineTotal") is not None else None
        price = net if net is not None else gross if gross is not None else money(expense, "FixedAmountRevenues")
        asked = Asked(
            Decimal(1), price, ZERO, net, gross=net is None and gross is not None, tax_rate=rate, tax_code=code
        )
        return Line(row, asked, expense, None)


def _sent(sent: Row, *names: str) -> Decimal | None:
    """The first of some amounts that was sent."""
    for name in names:
        value = sent.get(name)
        if isinstance(value, Decimal):
            return value
    return None


def _with_tax(asked: Asked, code: str, rate: Decimal) -> Asked:
    return Asked(asked.quantity, asked.price, asked.discount, asked.total, asked.gross, rate, code)
