"""What changes in a company and is followed (Sage dossier, sections 10, 15, 20).

Change stamps are dates, without a time. A mark is the newest date that was read; the next sweep begins a day before it, so that
what changed later on the same day is read again rather than never. Stock and prices carry no stamp to rely on: they are swept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.catalog import Customer, Item, Price, Shipment, Stock
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.source import Page, Row
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.odata import instant
from ml_connector.erp.sage_300.wire import flag, list_of, number, optional_day, plain, text

_STAMP: Final = "DateLastMaintained"
#: Whole days read again: the stamp's own, and one before it.
_LOOK_BACK: Final = timedelta(days=2)

_ITEM_FIELDS: Final = (
    "UnformattedItemNumber",
    "ItemNumber",
    "Description",
    "StockItem",
    "StockingUnitOfMeasure",
    "QuantityAvailable",
    _STAMP,
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
    _STAMP,
)


async def items(api: WebApi, mark: str, today: date) -> AsyncIterator[Page[Item]]:
    """Items that changed since ``mark``."""
    async for page in _followed(api, "read items", "IC/ICItems", _ITEM_FIELDS, _item, mark, today):
        yield page


async def customers(api: WebApi, mark: str, today: date) -> AsyncIterator[Page[Customer]]:
    """Customers that changed since ``mark``."""
    async for page in _followed(api, "read customers", "AR/ARCustomers", _CUSTOMER_FIELDS, _customer, mark, today):
        yield page


async def prices(api: WebApi) -> AsyncIterator[Page[Price]]:
    """The base prices of every price list. Sale prices are left out: which properties bound them in time is not verified."""
    what, key = "read price lists", ("CurrencyCode", "UnformattedItemNumber", "PriceListCode")
    async for rows in api.pages(what, "IC/ICItemPricing", key=key):
        yield Page(tuple(price for row in rows for price in _prices(row)), "")


async def stock(api: WebApi, company: Company) -> AsyncIterator[Page[Stock]]:
    """Quantities by item and location, or of all locations together where this version does not show them apart."""
    if company.location_details:
        async for rows in api.pages("read stock by location", "IC/ICLocationDetails", key=("ItemNumber", "Location")):
            yield Page(tuple(_at_location(row) for row in rows), "")
        return
    key = ("UnformattedItemNumber",)
    async for rows in api.pages("read items", "IC/ICItems", key=key, select=_ITEM_FIELDS):
        yield Page(tuple(_everywhere(row) for row in rows if flag(row.get("StockItem"))), "")


async def shipments() -> AsyncIterator[Page[Shipment]]:
    """Nothing, now and later: the Web API has no resource for shipments, and an order shows no tracking number."""
    yield Page((), "")


async def _followed(
    api: WebApi,
    what: str,
    resource: str,
    fields: tuple[str, ...],
    read: Callable[[Mapping[str, Any]], Row],
    mark: str,
    today: date,
) -> AsyncIterator[Page[Row]]:
    """Rows stamped since ``mark``, page by page. Until the last page the mark stays: an interrupted sweep is read again."""
    since = _day_of(mark)
    condition = f"{_STAMP} gt {instant(since - _LOOK_BACK)}" if since is not None else ""
    newest = since
    # One page behind: only the last one may carry the new mark.
    waiting: tuple[Row, ...] | None = None
    async for rows in api.pages(what, resource, key=fields[:1], select=fields, condition=condition):
        if waiting is not None:
            yield Page(waiting, mark)
        waiting = tuple(read(row) for row in rows)
        stamps = [stamp for row in rows if (stamp := optional_day(row.get(_STAMP))) is not None]
        # A stamp in the future would hide everything up to then.
        newest = max([*([newest] if newest else []), *(min(stamp, today) for stamp in stamps)], default=None)
    yield Page(waiting or (), newest.isoformat() if newest is not None else mark)


def _day_of(mark: str) -> date | None:
    """The date of a mark; what is none of ours begins at the beginning."""
    try:
        return date.fromisoformat(mark) if mark else None
    except ValueError:
        return None


def _stamp(row: Mapping[str, Any]) -> str:
    day = optional_day(row.get(_STAMP))
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
