"""Items and customers that changed (SAP dossier, sections 5.4, 6.1 and 6.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any, Final

from ml_connector.domain.catalog import Customer, Item
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.reads.marks import Followed, changed, stamp
from ml_connector.erp.sap_business_one.values import USABLE_FIELDS, code, number, usable, within, words, yes

_ITEMS: Final = Followed(
    what="read items",
    entity_set="Items",
    key="ItemCode",
    created="CreateDate",
    select=(
        "ItemCode",
        "ItemName",
        "InventoryItem",
        "SalesItem",
        "InventoryUOM",
        "SalesUnit",
        "BarCode",
        "UpdateDate",
        "UpdateTime",
        *USABLE_FIELDS,
    ),
)
_CUSTOMERS: Final = Followed(
    what="read business partners",
    entity_set="BusinessPartners",
    key="CardCode",
    created="CreateDate",
    select=(
        "CardCode",
        "CardName",
        "Currency",
        "DiscountPercent",
        "CreditLimit",
        "MaxCommitment",
        "IntrestRatePercent",
        "DunningTerm",
        "BlockDunning",
        *USABLE_FIELDS,
    ),
    condition="CardType eq 'cCustomer'",
)
#: What partners show as their currency where they take every one.
_EVERY_CURRENCY: Final = "##"


async def items(layer: ServiceLayer, mark: str, now: datetime) -> AsyncIterator[Page[Item]]:
    """See :class:`~ml_connector.domain.source.Feeds`. A movement of stock or a new price does not change an item."""
    async for rows, covered in changed(layer, _ITEMS, mark, now):
        yield Page(tuple(_item(row, now.date()) for row in rows), covered)


async def customers(layer: ServiceLayer, company: Company, mark: str, now: datetime) -> AsyncIterator[Page[Customer]]:
    """See :class:`~ml_connector.domain.source.Feeds`."""
    async for rows, covered in changed(layer, _CUSTOMERS, mark, now):
        yield Page(tuple(_customer(row, company, now.date()) for row in rows), covered)


def _item(row: Mapping[str, Any], today: date) -> Item:
    with within("item", row, "ItemCode"):
        return Item(
            code=code(row, "ItemCode"),
            name=words(row.get("ItemName")),
            stocked=yes(row.get("InventoryItem")),
            sellable=yes(row.get("SalesItem")) and usable(row, today),
            unit=words(row.get("InventoryUOM")) or words(row.get("SalesUnit")),
            barcode=words(row.get("BarCode")),
            changed=stamp(row.get("UpdateDate"), row.get("UpdateTime")),
        )


def _customer(row: Mapping[str, Any], company: Company, today: date) -> Customer:
    currency = words(row.get("Currency"))
    with within("business partner", row, "CardCode"):
        return Customer(
            code=code(row, "CardCode"),
            name=words(row.get("CardName")),
            currency="" if currency in ("", _EVERY_CURRENCY) else company.iso(currency),
            active=usable(row, today),
            hindrances=tuple(_hindrances(row)),
        )


def _hindrances(row: Mapping[str, Any]) -> list[str]:
    """What would stop, chase or change documents of an Amazon customer (ACCOUNTING 3)."""
    found: list[str] = []
    if limit := number(row, "CreditLimit"):
        found.append(f"It has a credit limit of {limit.normalize():f}: beyond it SAP may refuse or hold documents.")
    if limit := number(row, "MaxCommitment"):
        found.append(f"It has a commitment limit of {limit.normalize():f}: beyond it SAP may refuse or hold documents.")
    if percent := number(row, "IntrestRatePercent"):
        found.append(f"It pays {percent.normalize():f} % interest on arrears: finance charges would be written to it.")
    if (term := words(row.get("DunningTerm"))) and not yes(row.get("BlockDunning")):
        found.append(f"It is sent dunning letters (dunning term {term}): block them, Amazon pays by settlement.")
    if percent := number(row, "DiscountPercent"):
        found.append(f"It has a discount of {percent.normalize():f} % on every document that names none.")
    return found
