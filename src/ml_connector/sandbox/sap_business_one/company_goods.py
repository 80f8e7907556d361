"""Master data that a new company begins with: what is sold, where it lies, to whom, at which price and tax.

One customer per store (dossier, section 6.1), one Amazon warehouse per region, and rows that must refuse: an inactive
warehouse, a frozen item, a frozen customer, items kept by batch and by serial number.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from importlib import resources

from ml_connector.sandbox.sap_business_one.schema import Row, Schema, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.values import with_defaults

#: (code, name, its own stock account, country, branch)
WAREHOUSES = (
    ("01", "Main warehouse", "116100", "US", 1),
    ("FBA-US", "Amazon FBA US", "116000", "US", 1),
    ("FBA-CA", "Amazon FBA CA", "116000", "CA", 1),
    ("FBA-UK", "Amazon FBA UK", "116000", "GB", 2),
    ("FBA-EU", "Amazon FBA EU", "116000", "DE", 2),
    ("FBA-JP", "Amazon FBA JP", "116000", "JP", 1),
    ("DROP", "Sent by the maker", "116100", "US", 1),
    ("OLD", "Closed warehouse", "116100", "US", 1),
)

#: (code, name, currency, country, price list, branch)
CUSTOMERS = (
    ("C-AMZ-US", "Amazon.com", "USD", "US", 2, 1),
    ("C-AMZ-CA", "Amazon.ca", "CAD", "CA", 2, 1),
    ("C-AMZ-UK", "Amazon.co.uk", "GBP", "GB", 3, 2),
    ("C-AMZ-DE", "Amazon.de", "EUR", "DE", 3, 2),
    ("C-AMZ-FR", "Amazon.fr", "EUR", "FR", 3, 2),
    ("C-AMZ-JP", "Amazon.co.jp", "JPY", "JP", 2, 1),
    ("C-SHOP", "The shop around the corner", "##", "US", 1, 1),
    ("C-OLD", "Customer of earlier years (frozen)", "##", "US", 1, 1),
)
VENDOR = "S-MAKER"
SHOP_DISCOUNT = Decimal(5)
"""Header discount of C-SHOP in percent: it applies to documents that name none."""

#: (number, name, base list, factor, gross, currency, active)
PRICE_LISTS = (
    (1, "Base price", 1, "1", "tNO", "USD", "tYES"),
    (2, "Amazon dollars", 1, "1.25", "tNO", "USD", "tYES"),
    (3, "Amazon Europe, tax included", 3, "1", "tYES", "EUR", "tYES"),
    (4, "Autumn 2024", 4, "1", "tNO", "USD", "tNO"),
)

#: (code, name, rate in percent, inactive)
SALES_TAX_CODES = (
    ("EX", "Exempt", "0", "tNO"),
    ("TX8", "Texas", "8.25", "tNO"),
    ("CA7", "California", "7.25", "tNO"),
    ("NY4", "New York, old", "4", "tYES"),
)

#: (code, name, category, ((from, rate in percent), ...), inactive)
VAT_GROUPS = (
    ("O0", "Output tax 0 %", "bovcOutputTax", (("2007-01-01", "0"),), "tNO"),
    (
        "O1",
        "Output tax 19 %",
        "bovcOutputTax",
        (("2007-01-01", "19"), ("2020-07-01", "16"), ("2021-01-01", "19")),
        "tNO",
    ),
    ("O2", "Output tax 7 %", "bovcOutputTax", (("2007-01-01", "7"),), "tNO"),
    ("OU", "Output tax UK 20 %", "bovcOutputTax", (("2011-01-04", "20"),), "tNO"),
    ("I1", "Input tax 19 %", "bovcInputTax", (("2007-01-01", "19"),), "tNO"),
    ("OX", "Output tax, old", "bovcOutputTax", (("2000-01-01", "16"),), "tYES"),
)

#: (series, name, object code, first number, manual)
SERIES = (
    (4, "Primary", "13", 20_001_234, "tNO"),
    (40, "AMZ", "13", 50_000_001, "tNO"),
    (41, "Manual", "13", 1, "tYES"),
    (5, "Primary", "14", 21_000_101, "tNO"),
    (6, "Primary", "15", 22_000_301, "tNO"),
    (7, "Primary", "17", 23_000_501, "tNO"),
    (8, "Primary", "24", 30_000_812, "tNO"),
    (9, "Primary", "46", 31_000_044, "tNO"),
    (10, "Primary", "59", 32_000_007, "tNO"),
    (11, "Primary", "60", 33_000_009, "tNO"),
)

_SINCE = timedelta(days=70)
_MARKS: dict[str, Row] = {
    "": {},
    "taxed": {"ArTaxCode": "TX8", "SalesVATGroup": "O1"},
    "service": {"InventoryItem": "tNO", "PurchaseItem": "tNO"},
    "batches": {"ManageBatchNumbers": "tYES"},
    "serials": {"ManageSerialNumbers": "tYES"},
    "frozen": {"Frozen": "tYES"},
}


@dataclass(frozen=True, slots=True)
class _Writer:
    tables: Tables
    schema: Schema

    def insert(self, name: str, row: Row, **collections: list[Row]) -> None:
        entity = self.schema.types[name]
        self.tables.insert(entity, with_defaults(row, entity))
        for collection, members in collections.items():
            child = self._child(entity, collection)
            key = {each: row[each] for each in entity.key}
            self.tables.insert_all(child, [with_defaults(member, child) for member in members], parent=key)

    def _child(self, entity: Type, collection: str) -> Type:
        return self.schema.child(entity, next(each for each in entity.collections if each.name == collection))


def found_goods(tables: Tables, schema: Schema, today: date, code_of: Callable[[str], str], *, branches: bool) -> None:
    """Write master data into empty tables; it was entered some weeks before ``today``.

    ``code_of`` gives the internal code of an account, ``branches`` says whether the company works with them.
    """
    writer = _Writer(tables, schema)
    _warehouses(writer, code_of, branches=branches)
    _taxes(writer, code_of)
    for number, name, base, factor, gross, currency, active in PRICE_LISTS:
        row: Row = {
            "PriceListNo": number,
            "PriceListName": name,
            "BasePriceList": base,
            "Factor": Decimal(factor),
            "IsGrossPrice": gross,
            "DefaultPrimeCurrency": currency,
            "Active": active,
        }
        writer.insert("PriceList", row)
    _partners(writer, code_of, today, branches=branches)
    _items(writer, today)
    for series, name, code, first, manual in SERIES:
        row = {"SeriesProperty": series, "Name": name, "Document": code, "InitialNumber": first, "NextNumber": first}
        writer.insert("Series", {**row, "IsManual": manual})


def _warehouses(writer: _Writer, code_of: Callable[[str], str], *, branches: bool) -> None:
    for code, name, stock_account, country, branch in WAREHOUSES:
        row: Row = {
            "WarehouseCode": code,
            "WarehouseName": name,
            "Country": country,
            "BusinessPlaceID": branch if branches else None,
            "StockAccount": code_of(stock_account),
            "CostOfGoodsSold": code_of("601000"),
            "RevenuesAccount": code_of("401000"),
            "SalesCreditAcc": code_of("405000"),
            "IncreasingAcc": code_of("601100"),
            "DecreasingAccount": code_of("601100"),
            "DropShip": "tYES" if code == "DROP" else "tNO",
            "Inactive": "tYES" if code == "OLD" else "tNO",
        }
        writer.insert("Warehouse", row)


def _taxes(writer: _Writer, code_of: Callable[[str], str]) -> None:
    for code, name, rate, inactive in SALES_TAX_CODES:
        percent = Decimal(rate)
        line: Row = {"STACode": code, "STAType": -3, "RowNumber": 0, "EffectiveRate": percent}
        row: Row = {"Code": code, "Name": name, "Rate": percent, "Inactive": inactive, "Freight": "tYES"}
        writer.insert("SalesTaxCode", row, SalesTaxCodes_Lines=[line])
    for code, name, category, rates, inactive in VAT_GROUPS:
        lines: list[Row] = [{"Effectivefrom": since, "Rate": Decimal(rate)} for since, rate in rates]
        group: Row = {"Code": code, "Name": name, "Category": category, "Inactive": inactive}
        writer.insert("VatGroup", {**group, "TaxAccount": code_of("222000")}, VatGroups_Lines=lines)


def _partners(writer: _Writer, code_of: Callable[[str], str], today: date, *, branches: bool) -> None:
    for code, name, currency, country, price_list, branch in CUSTOMERS:
        row: Row = {
            "CardCode": code,
            "CardName": name,
            "Currency": currency,
            "Country": country,
            "PriceListNum": price_list,
            "DiscountPercent": SHOP_DISCOUNT if code == "C-SHOP" else Decimal(0),
            "VatGroup": "O1" if country in ("DE", "FR") else "OU" if country == "GB" else "O0",
            "DebitorAccount": code_of("113000"),
            "Frozen": "tYES" if code == "C-OLD" else "tNO",
            **_entered(today),
        }
        address: Row = {"AddressName": "Seat", "Country": country, "BPCode": code, "RowNum": 0}
        assigned: list[Row] = [{"BPCode": code, "BPLID": branch}] if branches else []
        writer.insert("BusinessPartner", row, BPAddresses=[address], BPBranchAssignment=assigned)
    vendor: Row = {"CardCode": VENDOR, "CardName": "The maker", "CardType": "cSupplier", "Currency": "##"}
    writer.insert("BusinessPartner", {**vendor, "DebitorAccount": code_of("211000"), **_entered(today)})


def _items(writer: _Writer, today: date) -> None:
    for line in _csv("items.csv"):
        cost, stock = Decimal(line["cost"]), Decimal(line["stock"])
        row: Row = {
            "ItemCode": line["code"],
            "ItemName": line["name"],
            "AvgStdPrice": cost,
            "MovingAveragePrice": cost,
            "DefaultWarehouse": line["warehouse"] or "01",
            "QuantityOnStock": stock,
            **_MARKS[line["marks"]],
            **_entered(today),
        }
        base = Decimal(line["base_price"])
        prices = [
            _price(number, base_list, factor, base, Decimal(line["euro_price"]))
            for number, _, base_list, factor, *_ in PRICE_LISTS
        ]
        places: list[Row] = [
            {
                "ItemCode": line["code"],
                "WarehouseCode": code,
                "InStock": stock if code == line["warehouse"] else Decimal(0),
                "StandardAveragePrice": cost,
            }
            for code, *_ in WAREHOUSES
        ]
        writer.insert("Item", row, ItemPrices=prices, ItemWarehouseInfoCollection=places)


def _price(number: int, base_list: int, factor: str, base: Decimal, euros: Decimal) -> Row:
    """A row of an item's prices; a price of zero without a currency is none (dossier, section 5.5)."""
    price = {1: base, 2: (base * Decimal("1.25")).quantize(Decimal("0.01")), 3: euros}.get(number, Decimal(0))
    currency = ("EUR" if number == 3 else "USD") if price else None
    return {
        "PriceList": number,
        "Price": price,
        "Currency": currency,
        "BasePriceList": base_list,
        "Factor": Decimal(factor),
    }


def _entered(today: date) -> Row:
    day = (today - _SINCE).isoformat()
    return {"CreateDate": day, "CreateTime": "09:00:00", "UpdateDate": day, "UpdateTime": "09:00:00", "DataVersion": 1}


def _csv(name: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
