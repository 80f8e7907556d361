"""Listings Items 2021-08-01: what the seller offers under each SKU, and how he changes it.

Source: SP-API dossier, sections 8 and 18, 25.9, and the model's parameter rules. What buyers pay does not follow a price that
is patched: the trade of a world is drawn from its seed alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ml_connector.sandbox.amazon.catalog import ean_of
from ml_connector.sandbox.amazon.inventory import fn_sku
from ml_connector.sandbox.amazon.listing_ledger import CREATED, Listing, ListingLedger, submission_id
from ml_connector.sandbox.amazon.listing_patches import (
    OFFER,
    PRODUCT_TYPE,
    Offered,
    day_of,
    issue,
    issues_of,
    read_patches,
)
from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.orders import Article, articles_of, ships_itself
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import choice, instant, listed, whole
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

_DATASETS = (
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
)
_IDENTIFIER_TYPES = ("ASIN", "EAN", "FNSKU", "GTIN", "ISBN", "JAN", "MINSAN", "SKU", "UPC")
_STATUSES = ("BUYABLE", "DISCOVERABLE")
_SORTED_BY = ("sku", "createdDate", "lastUpdatedDate")
_REACHABLE = 1_000
Item = dict[str, Any]


class Listings:
    """The listings of one selling account."""

    def __init__(
        self, ledger: ListingLedger, stores: Sequence[Store], pager: Pager, clock: WorldClock, switches: Switches
    ) -> None:
        self._ledger = ledger
        self._stores = stores
        self._pager = pager
        self._clock = clock
        self._flips = switches.text("default_on_fba") == "flips"

    def get(self, sku: str, request: Request) -> Reply:
        """``GET /items/{sellerId}/{sku}``: 404 where the seller does not list it in any of the marketplaces."""
        stores, included = self._asked(request.query)
        now = self._clock.now()
        found = [each for each in self._ledger.listings(stores[0].region, now) if each.sku == sku]
        if not found or not _offering(sku, stores):
            raise Refused(404, "NOT_FOUND", f"SKU '{sku}' not found in marketplace {request.query['marketplaceIds']}")
        return Reply.of_json(200, _item(found[0], _offering(sku, stores), now, included))

    def search(self, seller_id: str, request: Request) -> Reply:
        """``GET /items/{sellerId}``: in pages, at most 1,000 of them reachable."""
        query, now = request.query, self._clock.now()
        stores, included = self._asked(query)
        size = whole(query, "pageSize", default=10, most=20)
        wanted = _filters(query)
        by = choice(query, "sortBy", _SORTED_BY) or "lastUpdatedDate"
        descending = (choice(query, "sortOrder", ("ASC", "DESC")) or "DESC") == "DESC"
        found = [
            (listing, _offering(listing.sku, stores))
            for listing in self._ledger.listings(stores[0].region, now)
            if _offering(listing.sku, stores)
        ]
        found = [(listing, offering) for listing, offering in found if _passes(listing, offering, now, wanted)]
        found.sort(key=lambda each: (_sorting(each[0], by), each[0].sku), reverse=descending)

        def fetch(position: Position) -> tuple[Items, Position | None]:
            upto = position + size
            shown = [_item(listing, offering, now, included) for listing, offering in found[position:upto]]
            return shown, upto if upto < min(len(found), _REACHABLE) else None

        bound = {name: value for name, value in query.items() if name != "pageToken"}
        page = self._pager.page(
            Question("searchListingsItems", seller_id, bound, query.get("pageToken"), "pageToken"), 0, fetch
        )
        answer: dict[str, object] = {"numberOfResults": len(found), "items": page.items}
        if page.token is not None:
            answer["pagination"] = {"nextToken": page.token}
        return Reply.of_json(200, answer)

    def patch(self, sku: str, request: Request) -> Reply:
        """``PATCH /items/{sellerId}/{sku}``: a rejection is a 200 too; what is accepted takes effect later."""
        query, now = request.query, self._clock.now()
        stores = self._named(query)
        listed(query, "includedData", most=2, allowed=("identifiers", "issues"))
        preview = choice(query, "mode", ("VALIDATION_PREVIEW",)) != ""
        body = request.json()
        patches = read_patches(body)
        if _offering(sku, stores):
            issues = issues_of(body["productType"], patches, Offered(sku, stores, self._flips))
        else:
            issues = [issue("90244", f"The SKU '{sku}' is not listed.", "sku")]
        if issues or preview:
            status = "INVALID" if issues else "VALID"
            number = submission_id(f"{status}:{sku}:{stamp(now)}")
        else:
            status, number = "ACCEPTED", self._ledger.submit(stores[0].region, sku, patches, now)
        answer = {"sku": sku, "status": status, "submissionId": number, "issues": issues}
        if "identifiers" in query.get("includedData", "").split(","):
            answer["identifiers"] = [
                {"marketplaceId": store.marketplace_id, "asin": article.asin}
                for store, article in _offering(sku, stores)
            ]
        return Reply.of_json(200, answer)

    def _asked(self, query: Mapping[str, str]) -> tuple[list[Store], Collection[str]]:
        included = listed(query, "includedData", most=len(_DATASETS), allowed=_DATASETS) or ("summaries",)
        return self._named(query), included

    def _named(self, query: Mapping[str, str]) -> list[Store]:
        """The stores asked for: at least one, all of one region, as a host serves one."""
        known = {store.marketplace_id: store for store in self._stores}
        names = listed(query, "marketplaceIds", most=len(known), allowed=known)
        stores = [known[name] for name in dict.fromkeys(names)]
        if not stores or len({store.region for store in stores}) > 1:
            raise Refused.input("marketplaceIds must name marketplaces of one region")
        return stores


def _offering(sku: str, stores: Sequence[Store]) -> list[tuple[Store, Article]]:
    return [(store, article) for store in stores for article in articles_of(store) if article.sku == sku]


def _filters(query: Mapping[str, str]) -> dict[str, Any]:
    """What a search asks for, checked."""
    identifiers = listed(query, "identifiers", most=20)
    kind = choice(query, "identifiersType", _IDENTIFIER_TYPES)
    if bool(identifiers) != bool(kind):
        raise Refused.input("identifiers and identifiersType go together")
    return {
        "identifiers": identifiers,
        "kind": kind,
        "family": {"variationParentSku", "packageHierarchySku"} & set(query),
        "created": (instant(query, "createdAfter"), instant(query, "createdBefore")),
        "changed": (instant(query, "lastUpdatedAfter"), instant(query, "lastUpdatedBefore")),
        "with": listed(query, "withStatus", most=len(_STATUSES), allowed=_STATUSES),
        "without": listed(query, "withoutStatus", most=len(_STATUSES), allowed=_STATUSES),
        "severities": listed(query, "withIssueSeverity", most=2, allowed=("WARNING", "ERROR")),
    }


def _passes(
    listing: Listing, offering: Sequence[tuple[Store, Article]], now: datetime, wanted: Mapping[str, Any]
) -> bool:
    """Does a search find this listing? Articles of this seller have no families."""
    article = offering[0][1]
    numbers = {
        "SKU": listing.sku,
        "ASIN": article.asin,
        "EAN": ean_of(article.asin),
        "GTIN": f"0{ean_of(article.asin)}",
    }
    if not ships_itself(listing.sku):
        numbers["FNSKU"] = fn_sku(article)
    statuses = {status for store, _ in offering for status in _status(listing, store, now)}
    severities = {str(each["severity"]) for each in listing.issues}
    return (
        not wanted["family"]
        and (not wanted["kind"] or numbers.get(wanted["kind"]) in wanted["identifiers"])
        and _within(stamp(CREATED), wanted["created"])
        and _within(listing.changed, wanted["changed"])
        and (not wanted["with"] or not statuses.isdisjoint(wanted["with"]))
        and statuses.isdisjoint(wanted["without"])
        and (not wanted["severities"] or not severities.isdisjoint(wanted["severities"]))
    )


def _within(instant_: str, limits: tuple[datetime | None, datetime | None]) -> bool:
    after, before = limits
    return (after is None or instant_ >= stamp(after)) and (before is None or instant_ <= stamp(before))


def _sorting(listing: Listing, by: str) -> str:
    return {"sku": listing.sku, "createdDate": stamp(CREATED), "lastUpdatedDate": listing.changed}[by]


def _item(
    listing: Listing, offering: Sequence[tuple[Store, Article]], now: datetime, included: Collection[str]
) -> Item:
    marketplaces = [store.marketplace_id for store, _ in offering]
    known: dict[str, object] = {
        "summaries": [_summary(listing, store, article, now) for store, article in offering],
        "attributes": {
            name: [each for each in entries if each.get("marketplace_id", marketplaces[0]) in marketplaces]
            for name, entries in listing.attributes.items()
        },
        "issues": listing.issues,
        "offers": [
            {
                "marketplaceId": store.marketplace_id,
                "offerType": "B2B" if audience == "B2B" else "B2C",
                "price": {"currencyCode": store.currency, "amount": amount},
                "audience": {"value": audience},
            }
            for store, _ in offering
            for audience, amount in _prices(listing, store, now)
        ],
        "fulfillmentAvailability": [
            {"fulfillmentChannelCode": channel, "quantity": quantity}
            for channel, quantity in listing.quantities.items()
        ],
        "relationships": [{"marketplaceId": each, "relationships": []} for each in marketplaces],
        "productTypes": [{"marketplaceId": each, "productType": PRODUCT_TYPE} for each in marketplaces],
    }
    return {"sku": listing.sku, **{name: value for name, value in known.items() if name in included}}


def _summary(listing: Listing, store: Store, article: Article, now: datetime) -> dict[str, object]:
    summary: dict[str, object] = {
        "marketplaceId": store.marketplace_id,
        "asin": article.asin,
        "productType": PRODUCT_TYPE,
        "conditionType": "new_new",
        "status": _status(listing, store, now),
        "itemName": article.name,
        "createdDate": stamp(CREATED),
        "lastUpdatedDate": listing.changed,
    }
    return summary if ships_itself(listing.sku) else {**summary, "fnSku": fn_sku(article)}


def _status(listing: Listing, store: Store, now: datetime) -> list[str]:
    """Nothing on offer, or none left: not buyable."""
    buyable = bool(_prices(listing, store, now)) and any(listing.quantities.values())
    return list(_STATUSES) if buyable else [_STATUSES[1]]


def _prices(listing: Listing, store: Store, now: datetime) -> list[tuple[str, str]]:
    """Audience and price of every offer in a store."""
    return [
        (str(entry.get("audience", "ALL")), format(_price_at(entry, now), f".{store.minor_digits}f"))
        for entry in listing.attributes.get(OFFER, ())
        if entry["marketplace_id"] == store.marketplace_id
    ]


def _price_at(offer: Mapping[str, Any], now: datetime) -> Decimal:
    """The price that holds now: a sale's, from its first day to its last, or the usual one."""
    (usual,) = offer["our_price"][0]["schedule"]
    for sale in (schedule for each in offer.get("discounted_price", ()) for schedule in each["schedule"]):
        if str(day_of(sale["start_at"])) <= now.date().isoformat() <= str(day_of(sale["end_at"])):
            return Decimal(sale["value_with_tax"])
    return Decimal(usual["value_with_tax"])


def lines_of(ledger: ListingLedger, stores: Sequence[Store], now: datetime) -> Iterator[tuple[str, ...]]:
    """What the report of all listings says: name, SKU, price, quantity, channel, ASIN and status, each SKU once."""
    seen = set()
    for store in stores:
        for listing in ledger.listings(store.region, now):
            offering = _offering(listing.sku, [store])
            if not offering or (store.region, listing.sku) in seen:
                continue
            seen.add((store.region, listing.sku))
            article, prices = offering[0][1], _prices(listing, store, now)
            price = prices[0][1] if prices else ""
            channel, quantity = next(iter(listing.quantities.items()), ("", 0))
            told = str(quantity) if ships_itself(listing.sku) else ""
            active = "Active" if "BUYABLE" in _status(listing, store, now) else "Inactive"
            yield article.name, listing.sku, price, told, channel, article.asin, active
