"""The entry behind a document: which accounts it moves, by how much (dossier, section 13, point 20).

An invoice: customer against revenue, tax and freight, and, where it issues stock, cost of goods sold against inventory. A
credit note: the same the other way round. A delivery, a goods issue or receipt: stock only. Cost is in local currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import COSTING, ZERO, Checks, money
from ml_connector.sandbox.sap_business_one.company import LOCAL_CURRENCY, ROUNDING_ACCOUNT, account_code
from ml_connector.sandbox.sap_business_one.document_lines import Line
from ml_connector.sandbox.sap_business_one.kinds import Kind
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.taxes import Taxes
from ml_connector.sandbox.switches import Switches

SALES_TAX_ACCOUNT = "222000"


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in local currency and, where the document has another, in that one. Debit positive, credit negative."""

    local: Decimal
    foreign: Decimal = ZERO

    def times(self, sign: int) -> Amount:
        return Amount(self.local * sign, self.foreign * sign)


@dataclass(frozen=True, slots=True)
class Priced:
    """A line or freight row with what it counts for: net after the header's discount, and its tax, both positive.

    ``moves``: goods come or go by this line.
    """

    line: Line
    net: Amount
    tax: Amount
    moves: bool = False


class Postings:
    """Lines of entries, gathered by account."""

    def __init__(
        self, tables: Tables, catalog: Catalog, switches: Switches, checks: Checks, stock: Stock, taxes: Taxes
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._stock = stock
        self._taxes = taxes

    def of_document(self, kind: Kind, header: Row, lines: Sequence[Priced], freight: Sequence[Priced]) -> list[Row]:
        """The lines of a document's entry; none where it moves nothing."""
        entry = _Entry(header)
        if kind.receivable:
            self._trade(entry, kind, header, lines, freight)
        if kind.stock and self._switches.on("perpetual_inventory"):
            self._goods(entry, kind, header, lines)
        return entry.lines()

    def _trade(
        self, entry: _Entry, kind: Kind, header: Row, lines: Sequence[Priced], freight: Sequence[Priced]
    ) -> None:
        owed = Amount(money(header, "DocTotal"), money(header, "DocTotalFc"))
        entry.add(owed.times(kind.receivable), str(header["ControlAccount"]), str(header["CardCode"]))
        day = str(header["DocDate"])
        for number, priced in enumerate(lines, start=1):
            account = self._revenue_account(kind, priced.line)
            self._checks.account(account, day, f"[{kind.lines}.AcctCode][line: {number}]")
            entry.add(priced.net.times(-kind.receivable), account, dimensions=priced.line.row)
            self._tax(entry, kind, priced)
        for priced in freight:
            account = str(priced.line.item["RevenuesAccount"]) if priced.line.item else ""
            self._checks.account(account, day, "[DocumentAdditionalExpenses.ExpenseCode]")
            entry.add(priced.net.times(-kind.receivable), account)
            self._tax(entry, kind, priced)
        rounding = Amount(money(header, "RoundingDiffAmount"), money(header, "RoundingDiffAmountFC"))
        entry.add(rounding.times(-kind.receivable), account_code(self._switches, ROUNDING_ACCOUNT))

    def _revenue_account(self, kind: Kind, line: Line) -> str:
        if line.row["AccountCode"]:
            return str(line.row["AccountCode"])
        if line.item is not None and line.item["IncomeAccount"] and kind.receivable > 0:
            return str(line.item["IncomeAccount"])
        warehouse = self._warehouse(line.row)
        return str(warehouse["RevenuesAccount" if kind.receivable > 0 else "SalesCreditAcc"])

    def _tax(self, entry: _Entry, kind: Kind, priced: Priced) -> None:
        account = self._taxes.account(str(priced.line.row["VatGroup"] or ""))
        code = str(account) if account else account_code(self._switches, SALES_TAX_ACCOUNT)
        entry.add(priced.tax.times(-kind.receivable), code)

    def _goods(self, entry: _Entry, kind: Kind, header: Row, lines: Sequence[Priced]) -> None:
        """Inventory against cost of goods sold, or against what a goods receipt or issue names."""
        for priced in lines:
            if not priced.moves:
                continue
            line = priced.line
            value = self._stock.value(line.item or {}, money(line.row, "Quantity"))
            warehouse = self._warehouse(line.row)
            against = line.row["COGSAccountCode"] if kind.trades else line.row["AccountCode"]
            if not against:
                own = "CostOfGoodsSold" if kind.trades else "IncreasingAcc" if kind.stock > 0 else "DecreasingAccount"
                against = warehouse[own]
            self._checks.account(against, str(header["DocDate"]), "[DocumentLines.COGSAccountCode]")
            entry.add(Amount(value).times(kind.stock), str(warehouse["StockAccount"]))
            entry.add(Amount(value).times(-kind.stock), str(against), dimensions=line.row)

    def _warehouse(self, row: Row) -> Row:
        found = self._tables.one(
            self._catalog.schema.types["Warehouse"], {"WarehouseCode": row["WarehouseCode"] or "01"}
        )
        if found is None:
            raise AssertionError(f"warehouse {row['WarehouseCode']} is gone")
        return found


class _Entry:
    """Lines in the making: one per account, partner and dimensions."""

    def __init__(self, header: Row) -> None:
        self._header = header
        self._found: dict[tuple[object, ...], Amount] = {}

    def add(self, amount: Amount, account: str, partner: str = "", dimensions: Row | None = None) -> None:
        words = dimensions or {}
        key = (account, partner, *(words.get(name) for name in (*COSTING, "ProjectCode")))
        known = self._found.get(key, Amount(ZERO))
        self._found[key] = Amount(known.local + amount.local, known.foreign + amount.foreign)

    def lines(self) -> list[Row]:
        currency = self._header["DocCurrency"]
        return [
            _line(key, amount, None if currency == LOCAL_CURRENCY or not amount.foreign else currency, self._header)
            for key, amount in self._found.items()
            if amount.local or amount.foreign
        ]


def _line(key: tuple[object, ...], amount: Amount, currency: object, header: Row) -> Row:
    account, partner, *dimensions = key
    side, other = ("Debit", "Credit") if (amount.local or amount.foreign) > 0 else ("Credit", "Debit")
    return {
        "AccountCode": account,
        "ShortName": partner or account,
        side: abs(amount.local),
        other: ZERO,
        f"FC{side}": abs(amount.foreign) if currency else ZERO,
        f"FC{other}": ZERO,
        "FCCurrency": currency,
        "BPLID": header["BPL_IDAssignedToInvoice"],
        "BPLName": header["BPLName"],
        **dict(zip((*COSTING, "ProjectCode"), dimensions, strict=True)),
    }
