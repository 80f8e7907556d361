"""What changes in a company and is followed (Sage dossier, sections 10, 15, 20). Items and customers carry the date of their
last change; stock and prices carry no stamp to rely on and are swept whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.catalog import Customer, Item, Price, Shipment, Stock
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.source import Page
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.reads.marks import STAMP, Source, sweep
from ml_connector.erp.sage_300.values import flag, list_of, number, optional_day, plain, text

_ITEM_FIELDS: Final = (
    "UnformattedItemNumber",
    "ItemNumber",
    "Description",
    "StockItem",
    "StockingUnitOfMeasure",
    "QuantityAvailable",
    STAMP,
)
_CUSTOMER_FIELDS: Final = (
    "CustomerNumber",
    "CustomerName",
    "CurrencyCode",
    "Status",
    "OnHold",
    "CheckCreditLimit",
    "CreditLimitCustomerCurrency",
    "CheckOverdueAmounts",
    "InterestProfile",
    "PrintStatements",
    "AccountType",
    STAMP,
)


async def items(api: WebApi, mark: str, today: date) -> AsyncIterator[Page[Item]]:
    """Items that changed since ``mark``."""
    source = Source("read items", "IC/ICItems", _ITEM_FIELDS[:1], _ITEM_FIELDS, stamped=True)
    async for rows, after in sweep(api, source, mark, today):
        yield Page(tuple(_item(row) for row in rows), after)


async def customers(api: WebApi, mark: str, today: date) -> AsyncIterator[Page[Customer]]:
    """Customers that changed since ``mark``."""
    source = Source("read customers", "AR/ARCustomers", _CUSTOMER_FIELDS[:1], _CUSTOMER_FIELDS, stamped=True)
    async for rows, after in sweep(api, source, mark, today):
        yield Page(tuple(_customer(row) for row in rows), after)


async def prices(api: WebApi, mark: str, today: date) -> AsyncIterator[Page[Price]]:
    """The base prices of every price list. Sale prices are left out: which properties bound them in time is not verified."""
    key = ("CurrencyCode", "UnformattedItemNumber", "PriceListCode")
    async for rows, after in sweep(api, Source("read price lists", "IC/ICItemPricing", key), mark, today):
        yield Page(tuple(price for row in rows for price in _prices(row)), after)


async def stock(api: WebApi, company: Company, mark: str, today: date) -> AsyncIterator[Page[Stock]]:
    """Quantities by item and location, or of all locations together where this version does not show them apart."""
    if company.location_details:
        source = Source("read stock by location", "IC/ICLocationDetails", ("ItemNumber", "Location"))
        async for rows, after in sweep(api, source, mark, today):
            yield Page(tuple(_at_location(row) for row in rows), after)
        return
    source = Source("read items", "IC/ICItems", _ITEM_FIELDS[:1], _ITEM_FIELDS)
    async for rows, after in sweep(api, source, mark, today):
        yield Page(tuple(_everywhere(row) for row in rows if flag(row.get("StockItem"))), after)


async def shipments() -> AsyncIterator[Page[Shipment]]:
    """Nothing, now and later: the Web API has no resource for shipments, and an order shows no tracking number."""
    yield Page((), "")


def _stamp(row: Mapping[str, Any]) -> str:
    day = optional_day(row.get(STAMP))
    return day.isoformat() if day is not None else ""


def _item(row: Mapping[str, Any]) -> Item:
    code = text(row.get("UnformattedItemNumber")) or plain(text(row.get("ItemNumber")))
    if not code:
        raise BadAnswer("Sage 300 shows an item without a number.")
    return Item(
        code=code,
        name=text(row.get("Description")),
        stocked=flag(row.get("StockItem")),
        # Whether an item is active is shown by no property that anybody has seen.
        sellable=True,
        unit=text(row.get("StockingUnitOfMeasure")),
        barcode="",
        changed=_stamp(row),
    )


def _prices(row: Mapping[str, Any]) -> list[Price]:
    return [
        Price(
            item=text(row.get("UnformattedItemNumber")),
            price_list=text(row.get("PriceListCode")),
            currency=text(row.get("CurrencyCode")),
            amount=number(detail.get("UnitPrice"), "a price"),
            unit=text(detail.get("QuantityUnit")),
            quantity=number(1),
            includes_tax=None,
        )
        for detail in list_of(row, "ItemPricingDetails")
        if text(detail.get("PriceDetailType")) == "BasePriceQuantity"
    ]


def _at_location(row: Mapping[str, Any]) -> Stock:
    """What may be promised: what Sage calls available to ship, else on hand less committed. Items are named in either form."""
    on_hand = number(row.get("QuantityOnHand"), "a quantity")
    committed = number(row.get("QuantityCommitted"), "a quantity")
    shown = row.get("QuantityAvailableToShip")
    return Stock(
        item=plain(text(row.get("ItemNumber"))),
        warehouse=text(row.get("Location")),
        on_hand=on_hand,
        committed=committed,
        on_order=money.ZERO,
        available=number(shown, "a quantity") if shown is not None else on_hand - committed,
    )


def _everywhere(row: Mapping[str, Any]) -> Stock:
    available = number(row.get("QuantityAvailable"), "a quantity")
    return Stock(_item(row).code, "", available, money.ZERO, money.ZERO, available)


def _customer(row: Mapping[str, Any]) -> Customer:
    return Customer(
        code=text(row.get("CustomerNumber")),
        name=text(row.get("CustomerName")),
        currency=text(row.get("CurrencyCode")),
        active=text(row.get("Status")) == "Active",
        hindrances=tuple(_hindrances(row)),
    )


def _hindrances(row: Mapping[str, Any]) -> list[str]:
    """What would stop, chase or change documents of an Amazon customer (ACCOUNTING 3)."""
    found: list[str] = []
    if flag(row.get("OnHold")):
        found.append("It is on hold: order entry refuses its documents.")
    limit = number(row.get("CreditLimitCustomerCurrency"))
    if flag(row.get("CheckCreditLimit")) and limit:
        found.append(f"It has a credit limit of {limit.normalize():f}: beyond it Sage may refuse or hold documents.")
    if flag(row.get("CheckOverdueAmounts")):
        found.append("Its overdue amounts are checked: Sage may hold its documents until Amazon has paid.")
    if profile := text(row.get("InterestProfile")):
        found.append(f"It has the interest profile {profile}: interest would be charged to it.")
    if flag(row.get("PrintStatements")):
        found.append("It is sent statements: Amazon pays by settlement.")
    if text(row.get("AccountType")) == "BalanceForward":
        found.append("It is a balance forward account: receipts cannot be applied to single invoices.")
    return found
