"""FBA Inventory v1: what Amazon has in its warehouses of the seller's goods.

Source: SP-API dossier, sections 8 and 20, and the model's parameter rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.marketplaces import Store
from ml_connector.sandbox.amazon.messages import Refused, Reply, Request
from ml_connector.sandbox.amazon.orders import CATALOG, Article
from ml_connector.sandbox.amazon.paging import Items, Pager, Position, Question
from ml_connector.sandbox.amazon.parameters import choice, instant, listed, truth
from ml_connector.sandbox.amazon.rows import stamp
from ml_connector.sandbox.amazon.stock import Held, Stock, filled_up
from ml_connector.sandbox.clock import WorldClock
from ml_connector.sandbox.switches import Switches

_TOKEN_LIFE = timedelta(seconds=30)
_REACHES_BACK = timedelta(days=548)
"""18 months."""


class Inventory:
    """The warehouses' stock of one selling account; others have none."""

    def __init__(
        self,
        stock: Stock,
        stores: Sequence[Store],
        seller_id: str,
        pager: Pager,
        clock: WorldClock,
        switches: Switches,
    ) -> None:
        self._stock = stock
        self._stores = {store.marketplace_id: store for store in stores}
        self._seller_id = seller_id
        self._pager = pager
        self._clock = clock
        self._page_size = switches.number("inventory_page_size")

    def summaries(self, seller_id: str, request: Request) -> Reply:
        """``GET /fba/inventory/v1/summaries``: SKU by SKU; a token is good for 30 seconds."""
        query, now = request.query, self._clock.now()
        store = self._store(query)
        detailed = truth(query, "details")
        wanted = listed(query, "sellerSkus", most=50) or ([query["sellerSku"]] if "sellerSku" in query else [])
        since = instant(query, "startDateTime")
        if since is not None and since < now - _REACHES_BACK:
            raise Refused.input("startDateTime must not be earlier than 18 months ago")

        def fetch(position: Position) -> tuple[Items, Position | None]:
            found = [] if seller_id != self._seller_id else self._summaries(store, wanted, since, detailed=detailed)
            upto = position + self._page_size
            return found[position:upto], upto if upto < len(found) else None

        bound = {name: value for name, value in query.items() if name != "nextToken"}
        question = Question("getInventorySummaries", seller_id, bound, query.get("nextToken"), "nextToken", _TOKEN_LIFE)
        page = self._pager.page(question, 0, fetch)
        granularity = {"granularityType": "Marketplace", "granularityId": store.marketplace_id}
        answer: dict[str, object] = {"payload": {"granularity": granularity, "inventorySummaries": page.items}}
        if page.token is not None:
            answer["pagination"] = {"nextToken": page.token}
        return Reply.of_json(200, answer)

    def _store(self, query: Mapping[str, str]) -> Store:
        if not choice(query, "granularityType", ("Marketplace",)):
            raise Refused.input("Missing required parameter: granularityType")
        for name in ("granularityId", "marketplaceIds"):
            if not listed(query, name, most=1, allowed=self._stores):
                raise Refused.input(f"Missing required parameter: {name}")
        if query["granularityId"] != query["marketplaceIds"]:
            raise Refused.input("granularityId must be the marketplace of marketplaceIds")
        return self._stores[query["granularityId"]]

    def _summaries(
        self, store: Store, wanted: Sequence[str], since: datetime | None, *, detailed: bool
    ) -> list[dict[str, object]]:
        now = self._clock.now()
        everywhere = self._stock.held(store.region, now)
        untouched = Held(self._stock.level(store.region), 0, 0, 0, stamp(filled_up(now)))
        held = [(article, everywhere.get(article.sku, untouched)) for article in CATALOG[store.code]]
        return [
            _summary(article, each, detailed=detailed)
            for article, each in held
            if (not wanted or article.sku in wanted) and (since is None or each.changed >= stamp(since))
        ]


def fn_sku(article: Article) -> str:
    """How the warehouse labels an article."""
    return f"X00{hashlib.sha256(article.sku.encode()).hexdigest()[:7].upper()}"


def _summary(article: Article, held: Held, *, detailed: bool) -> dict[str, object]:
    summary: dict[str, object] = {
        "asin": article.asin,
        "fnSku": fn_sku(article),
        "sellerSku": article.sku,
        "condition": "NewItem",
        "lastUpdatedTime": f"{held.changed[:19]}Z",
        "productName": article.name,
        "totalQuantity": held.total,
    }
    if detailed:
        summary["inventoryDetails"] = {
            "fulfillableQuantity": held.fulfillable,
            "inboundWorkingQuantity": 0,
            "inboundShippedQuantity": held.inbound,
            "inboundReceivingQuantity": 0,
            "reservedQuantity": {
                "totalReservedQuantity": held.reserved,
                "pendingCustomerOrderQuantity": held.reserved,
                "pendingTransshipmentQuantity": 0,
                "fcProcessingQuantity": 0,
            },
            "researchingQuantity": {"totalResearchingQuantity": 0, "researchingQuantityBreakdown": []},
            "unfulfillableQuantity": {
                "totalUnfulfillableQuantity": held.damaged,
                "customerDamagedQuantity": held.damaged,
                "warehouseDamagedQuantity": 0,
                "distributorDamagedQuantity": 0,
                "carrierDamagedQuantity": 0,
                "defectiveQuantity": 0,
                "expiredQuantity": 0,
            },
        }
    return summary
