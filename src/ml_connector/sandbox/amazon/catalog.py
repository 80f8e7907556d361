"""Catalog 2022-04-01: the few articles that the sandbox's seller sells, for matching SKUs with ASINs.

Source: SP-API dossier, section 20, and the model's parameter rules. Datasets other than summaries, identifiers and product
types are known and empty.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.orders import CATALOG
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import choice, listed, whole

_IDENTIFIER_TYPES = ("ASIN", "EAN", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
_DATASETS = (
    "attributes",
    "classifications",
    "dimensions",
    "identifiers",
    "images",
    "productTypes",
    "relationships",
    "salesRanks",
    "summaries",
    "vendorDetails",
)
_BOUND = ("identifiers", "identifiersType", "keywords", "marketplaceIds", "sellerId", "brandNames")
_BRAND = "Garden & Hearth"


@dataclass(frozen=True, slots=True)
class Listed:
    """A product as one store lists it: one ASIN, the seller's SKUs of it."""

    asin: str
    skus: tuple[str, ...]
    name: str
    ean: str


class Catalog:
    """Everything that the stores of the account list."""

    def __init__(self, stores: Sequence[Store], seller_id: str, pager: Pager) -> None:
        self._stores = {store.marketplace_id: store for store in stores}
        self._seller_id = seller_id
        self._pager = pager

    def search(self, seller_id: str, request: Request) -> Reply:
        """``GET /items``: by identifiers, or by keywords; one marketplace. A SKU needs the seller it belongs to."""
        query = request.query
        store = self._store(query, most=1)
        included = self._included(query)
        size = whole(query, "pageSize", default=10, most=20)
        found = self._found(query, store)

        def fetch(position: Position) -> tuple[Items, Position | None]:
            upto = position + size
            shown = [_item(listing, [store], included) for listing in found[position:upto]]
            return shown, upto if upto < len(found) else None

        bound = {name: query[name] for name in _BOUND if name in query}
        question = Question("searchCatalogItems", seller_id, bound, query.get("pageToken"), "pageToken")
        page = self._pager.page(question, 0, fetch)
        answer: dict[str, object] = {"numberOfResults": len(found), "items": page.items}
        if page.token is not None:
            answer["pagination"] = {"nextToken": page.token}
        if "keywords" in query:
            brand = {"numberOfResults": len(found), "brandName": _BRAND}
            answer["refinements"] = {"brands": [brand] if found else [], "classifications": []}
        return Reply.of_json(200, answer)

    def get(self, asin: str, request: Request) -> Reply:
        """``GET /items/{asin}``: 404 where none of the marketplaces lists it."""
        query = request.query
        self._store(query, most=len(self._stores))
        stores = [self._stores[each] for each in query["marketplaceIds"].split(",")]
        listing = [(store, each) for store in stores for each in _listings(store) if each.asin == asin]
        if not listing:
            raise Refused.not_found(f"Requested item '{asin}' not found in marketplace(s) {query['marketplaceIds']}.")
        return Reply.of_json(200, _item(listing[0][1], [store for store, _ in listing], self._included(query)))

    def _store(self, query: Mapping[str, str], *, most: int) -> Store:
        marketplaces = listed(query, "marketplaceIds", most=most, allowed=self._stores)
        if not marketplaces:
            raise Refused.input("Missing required parameter: marketplaceIds")
        return self._stores[marketplaces[0]]

    def _included(self, query: Mapping[str, str]) -> Collection[str]:
        return listed(query, "includedData", most=len(_DATASETS), allowed=_DATASETS) or ("summaries",)

    def _found(self, query: Mapping[str, str], store: Store) -> list[Listed]:
        identifiers, keywords = listed(query, "identifiers", most=20), listed(query, "keywords", most=20)
        kind = choice(query, "identifiersType", _IDENTIFIER_TYPES)
        if bool(identifiers) == bool(keywords):
            raise Refused.input("Exactly one of identifiers and keywords must be provided")
        if identifiers and not kind:
            raise Refused.input("Missing required parameter: identifiersType")
        if kind == "SKU" and "sellerId" not in query:
            raise Refused.input("Missing required parameter: sellerId")
        listings = _listings(store)
        if keywords:
            return [each for each in listings if all(word.lower() in each.name.lower() for word in keywords)]
        if kind == "SKU" and query["sellerId"] != self._seller_id:
            return []
        return [each for each in listings if not _identifiers(each, kind).isdisjoint(identifiers)]


def _listings(store: Store) -> list[Listed]:
    return [
        Listed(article.asin, (article.sku, article.merchants.sku), article.name, ean_of(article.asin))
        for article in CATALOG[store.code]
    ]


def ean_of(asin: str) -> str:
    """An EAN that is the same wherever the product is listed, with the check digit that scanners want."""
    digits = f"40{int.from_bytes(asin.encode()) % 10**10:010d}"
    weighted = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(digits))
    return f"{digits}{-weighted % 10}"


def _identifiers(listing: Listed, kind: str) -> frozenset[str]:
    known = {"ASIN": (listing.asin,), "SKU": listing.skus, "EAN": (listing.ean,), "GTIN": (f"0{listing.ean}",)}
    return frozenset(known.get(kind, ()))


def _item(listing: Listed, stores: Sequence[Store], included: Collection[str]) -> dict[str, object]:
    item: dict[str, object] = {"asin": listing.asin}
    empty: dict[str, object] = {name: {} if name == "attributes" else [] for name in _DATASETS}
    empty["summaries"] = [
        {
            "marketplaceId": store.marketplace_id,
            "brand": _BRAND,
            "itemClassification": "BASE_PRODUCT",
            "itemName": next(each.name for each in _listings(store) if each.asin == listing.asin),
            "packageQuantity": 1,
        }
        for store in stores
    ]
    empty["identifiers"] = [
        {
            "marketplaceId": store.marketplace_id,
            "identifiers": [{"identifier": listing.ean, "identifierType": "EAN"}],
        }
        for store in stores
    ]
    empty["productTypes"] = [{"marketplaceId": store.marketplace_id, "productType": "HOME"} for store in stores]
    return item | {name: empty[name] for name in _DATASETS if name in included}
