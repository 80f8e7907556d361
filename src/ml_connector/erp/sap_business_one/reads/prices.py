"""Prices: of every item on every list, then special ones (SAP dossier, section 5.5). A sweep each time: neither leaves a stamp."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain.catalog import Price
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.reads.marks import Mark, mark_from
from ml_connector.erp.sap_business_one.reads.queries import PRICES
from ml_connector.erp.sap_business_one.reads.sweeps import Fields, Sweep, swept
from ml_connector.erp.sap_business_one.values import code, day_in, number, rows_in, within, words, yes

#: The first word of a mark: which of the two parts of the sweep it stands in.
_LISTED, _SPECIAL = "listed", "special"

_LIST_FIELDS: Final = ("PriceListNo", "IsGrossPrice", "Active", "ValidFrom", "ValidTo")
_SPECIAL_FIELDS: Final = (
    "ItemCode",
    "CardCode",
    "Price",
    "Currency",
    "DiscountPercent",
    "PriceListNum",
    "Valid",
    "ValidFrom",
    "ValidTo",
    "SpecialPriceDataAreas",
)


@dataclass(frozen=True, slots=True)
class _List:
    """A price list that is in use."""

    gross: bool
    first_day: date | None
    last_day: date | None


async def prices(layer: ServiceLayer, company: Company, mark: str, now: datetime) -> AsyncIterator[Page[Price]]:
    """Every price of items that are sold. The mark is a place in the sweep, "" at its end."""
    part, *after = mark_from(mark).after or (_LISTED,)
    lists = await _lists(layer)
    if part != _SPECIAL:
        sweep = _sweep(lists, company)
        async for rows, last in swept(layer, sweep, str(after[0]) if after else ""):
            yield Page(rows, Mark(after=(_LISTED, last) if last else (_SPECIAL,)).text())
        after = []
    key = ("ItemCode", "CardCode")
    after = after if len(after) == len(key) else []
    pages = layer.pages("read special prices", "SpecialPrices", key=key, select=_SPECIAL_FIELDS, after=after)
    async for found, more in pages:
        special: list[Price] = []
        for row in found:
            with within("special price of", row, "ItemCode", "CardCode"):
                special += await _special(layer, row, lists, company, now.date())
        place = (_SPECIAL, code(found[-1], "ItemCode"), code(found[-1], "CardCode")) if more else ()
        yield Page(tuple(special), Mark(after=place).text())


async def _lists(layer: ServiceLayer) -> dict[str, _List]:
    """The lists in use, by number."""
    rows = await layer.rows("read price lists", "PriceLists", key="PriceListNo", select=_LIST_FIELDS)
    return {
        code(row, "PriceListNo"): _List(
            yes(row.get("IsGrossPrice")), day_in(row.get("ValidFrom")), day_in(row.get("ValidTo"))
        )
        for row in rows
        if yes(row.get("Active"))
    }


def _sweep(lists: Mapping[str, _List], company: Company) -> Sweep[Price]:
    def price(row: Fields, unit: str, item: str) -> Price | None:
        number_ = code(row, "PriceList")
        known, amount = lists.get(number_), number(row, "Price")
        if known is None or not amount or not words(row.get("Currency")):
            # A price of zero without a currency is none (dossier 5.5).
            return None
        return Price(
            item=item,
            price_list=number_,
            currency=company.iso(words(row.get("Currency"))),
            amount=amount,
            unit=unit,
            quantity=Decimal(1),
            includes_tax=known.gross,
            first_day=known.first_day,
            last_day=known.last_day,
        )

    return Sweep(
        what="read prices",
        query=PRICES,
        condition="SalesItem eq 'tYES'",
        collection="ItemPrices",
        fields=("SalesUnit", "InventoryUOM"),
        from_query=lambda row: price(row, _unit(row, "SalUnitMsr", "InvntryUom"), code(row, "ItemCode")),
        from_item=lambda item, row: price(row, _unit(item, "SalesUnit", "InventoryUOM"), code(item, "ItemCode")),
    )


def _unit(row: Fields, sales: str, inventory: str) -> str:
    return words(row.get(sales)) or words(row.get(inventory))


async def _special(
    layer: ServiceLayer, row: Fields, lists: Mapping[str, _List], company: Company, today: date
) -> list[Price]:
    """The special prices of one item and customer: its own, those of its periods, and those from a quantity on."""
    if not yes(row.get("Valid")):
        return []
    known = lists.get(words(row.get("PriceListNum")))
    base = Price(
        item=code(row, "ItemCode"),
        price_list=_list_number(row.get("PriceListNum")),
        currency=company.iso(words(row.get("Currency"))),
        amount=number(row, "Price"),
        unit="",
        quantity=Decimal(1),
        includes_tax=known.gross if known else None,
        customer=code(row, "CardCode"),
        first_day=day_in(row.get("ValidFrom")),
        last_day=day_in(row.get("ValidTo")),
    )
    found = [(base, number(row, "DiscountPercent"))]
    for period in rows_in(row, "SpecialPriceDataAreas"):
        in_period = replace(
            base,
            price_list=_list_number(period.get("PriceListNo")),
            currency=company.iso(words(period.get("PriceCurrency"))) or base.currency,
            amount=number(period, "SpecialPrice"),
            first_day=day_in(period.get("DateFrom")),
            last_day=day_in(period.get("Dateto")),
        )
        found.append((in_period, number(period, "Discount")))
        for step in rows_in(period, "SpecialPriceQuantityAreas"):
            from_quantity = replace(
                in_period,
                currency=company.iso(words(step.get("PriceCurrency"))) or in_period.currency,
                amount=number(step, "SpecialPrice"),
                quantity=number(step, "Quantity"),
            )
            found.append((from_quantity, number(step, "Discountin")))
    priced = [await _priced(layer, price, discount, company, today) for price, discount in found]
    return [price for price in priced if price.amount]


async def _priced(layer: ServiceLayer, price: Price, discount: Decimal, company: Company, today: date) -> Price:
    """A special price that names an amount, as it is; one that names a discount only, as the server computes it."""
    if price.amount or not discount:
        return price
    asked = {
        "ItemCode": price.item,
        "Date": (price.first_day or today).isoformat(),
        "UoMQuantity": price.quantity,
        # Prices of everybody on a list stand under a code of their own, *1 for the first (dossier 5.5, not verified).
        **({"PriceList": int(price.customer[1:])} if _is_list(price.customer) else {"CardCode": price.customer}),
    }
    data = await layer.act("read an item's price", "CompanyService_GetItemPrice", {"ItemPriceParams": asked})
    answered: Mapping[str, Any] = data if isinstance(data, dict) else {}
    rest = (100 - number(answered, "Discount")) / 100
    currency = words(answered.get("Currency"))
    return replace(
        price,
        amount=number(answered, "Price") * rest,
        currency=company.iso(currency) if currency else price.currency,
    )


def _list_number(value: Any) -> str:
    """The list that a special price is derived from; 0 is none."""
    return "" if not value else words(value)


def _is_list(customer: str) -> bool:
    return customer.startswith("*") and customer[1:].isdecimal() and len(customer) <= 6
