"""Catalog Items 2022-04-01: which ASIN a product of ours is sold under (SP-API dossier, section 20).

Barcodes are asked for twenty at a time and matched by what Amazon says of each item. An answer to a search by SKU does not say
which SKU found what, so SKUs are asked for one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient
from ml_connector.amazon.errors import NOT_FOUND
from ml_connector.amazon.paging import CATALOG, Query, pages
from ml_connector.amazon.wire import Id, Wire, plain_text
from ml_connector.domain.errors import RefusedByServer, WrongUse

#: Identifiers of one call, and items of one page.
IDENTIFIERS_MAX: Final = 20
_PAGES_MAX: Final = 50
_INCLUDED: Final = ("summaries", "identifiers")

SKU: Final = "SKU"
#: What can be searched for in twenties: printed on the product, and told by Amazon with each item.
BARCODES: Final = ("EAN", "GTIN", "ISBN", "JAN", "MINSAN", "UPC")


@dataclass(frozen=True, slots=True)
class CatalogItem:
    """A product of Amazon's catalog in one store. ``barcodes`` are (kind, digits) as Amazon has them."""

    asin: str
    name: str
    brand: str
    barcodes: tuple[tuple[str, str], ...]


class _Identifier(Wire, frozen=True):
    identifier_type: str
    identifier: str


class _Identifiers(Wire, frozen=True):
    marketplace_id: str
    identifiers: tuple[_Identifier, ...]


class _Summary(Wire, frozen=True):
    marketplace_id: str
    item_name: str | None = None
    brand: str | None = None


class _Item(Wire, frozen=True):
    asin: Id
    summaries: tuple[_Summary, ...] | None = None
    identifiers: tuple[_Identifiers, ...] | None = None


class _Pagination(Wire, frozen=True):
    next_token: str | None = None


class _Found(Wire, frozen=True):
    items: Annotated[tuple[_Item, ...], msgspec.Meta(max_length=1_000)]
    pagination: _Pagination | None = None


class Catalog:
    """Amazon's catalog, as one selling account may see it."""

    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    async def by_barcode(self, marketplace_id: str, kind: str, codes: Sequence[str]) -> tuple[CatalogItem, ...]:
        """The items of a store with these barcodes, each once; ``kind`` is one of :data:`BARCODES`. See :func:`matches`."""
        if kind not in BARCODES:
            raise WrongUse(f"Amazon's catalog cannot be searched for {kind}: it knows {', '.join(BARCODES)}.")
        found: dict[str, CatalogItem] = {}
        wanted = list(dict.fromkeys(codes))
        for start in range(0, len(wanted), IDENTIFIERS_MAX):
            some = tuple(wanted[start : start + IDENTIFIERS_MAX])
            found |= {item.asin: item for item in await self._search(marketplace_id, kind, some, {})}
        return tuple(found.values())

    async def by_sku(self, marketplace_id: str, seller_id: str, sku: str) -> tuple[CatalogItem, ...]:
        """The item that the seller lists under ``sku``: none, one, or where a listing was moved several."""
        return await self._search(marketplace_id, SKU, (sku,), {"sellerId": seller_id})

    async def by_asin(self, marketplace_id: str, asin: str) -> CatalogItem | None:
        """The item, None where the store does not have it."""
        query = {"marketplaceIds": (marketplace_id,), "includedData": _INCLUDED}
        try:
            wire = await self._client.read(limits.GET_CATALOG_ITEM, _Item, path={"asin": asin}, query=query)
        except RefusedByServer as refused:
            if refused.code == NOT_FOUND:
                return None
            raise
        return _item(wire, marketplace_id)

    async def _search(
        self, marketplace_id: str, kind: str, identifiers: tuple[str, ...], more: Query
    ) -> tuple[CatalogItem, ...]:
        query: Query = {
            "identifiers": identifiers,
            "identifiersType": kind,
            "marketplaceIds": (marketplace_id,),
            "includedData": _INCLUDED,
            "pageSize": str(IDENTIFIERS_MAX),
            **more,
        }

        async def read(asked: Query) -> _Found:
            return await self._client.read(limits.SEARCH_CATALOG_ITEMS, _Found, query=asked)

        found = [item async for page in pages(read, CATALOG, query, pages_max=_PAGES_MAX) for item in page.items]
        return tuple({item.asin: _item(item, marketplace_id) for item in found}.values())


def matches(codes: Iterable[str], items: Iterable[CatalogItem]) -> Mapping[str, tuple[str, ...]]:
    """For each code the ASINs of the items that carry it, sorted. Leading zeros do not count: a UPC is an EAN with a zero before it.
    None is a product that Amazon does not know, several are one that a person has to choose."""
    carried: dict[str, set[str]] = {}
    for item in items:
        for _, code in item.barcodes:
            carried.setdefault(code.lstrip("0"), set()).add(item.asin)
    return {code: tuple(sorted(carried.get(code.lstrip("0"), ()))) for code in codes}


def _item(wire: _Item, marketplace_id: str) -> CatalogItem:
    summary = next((each for each in wire.summaries or () if each.marketplace_id == marketplace_id), None)
    return CatalogItem(
        asin=wire.asin,
        name=plain_text(summary.item_name) if summary else "",
        brand=plain_text(summary.brand) if summary else "",
        barcodes=tuple(
            (plain_text(each.identifier_type), plain_text(each.identifier))
            for store in wire.identifiers or ()
            if store.marketplace_id == marketplace_id
            for each in store.identifiers
        ),
    )
