"""The simulated Amazon's warehouses: what is in them follows from orders and refunds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.sandbox_amazon import INVENTORY, Seller

US, CA, DE = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9"
IN_US = {"granularityType": "Marketplace", "granularityId": US, "marketplaceIds": US}
IN_CA = {"granularityType": "Marketplace", "granularityId": CA, "marketplaceIds": CA}
MONDAY = datetime(2026, 11, 16, 6, tzinfo=UTC)
BUSY: dict[str, object] = {"stores": ["US"], "orders_per_day": 12, "refund_rate": 0.4}


def stock(seller: Seller, **params: str) -> dict[str, dict[str, Any]]:
    """Every summary with its details, by SKU."""
    answer = seller.get(INVENTORY, **{**IN_US, "details": "true", **params}).json()
    return {each["sellerSku"]: each for each in answer["payload"]["inventorySummaries"]}


def test_only_what_amazon_ships_lies_in_its_warehouses_and_every_total_is_the_sum_of_its_parts() -> None:
    found = stock(Seller(BUSY))
    assert set(found) == {"STOOL-OAK-45", "LANTERN-S", "BOWL-SET-6", 'THROW "SOFT" 130'}
    for each in found.values():
        details = each["inventoryDetails"]
        assert each["totalQuantity"] == (
            details["fulfillableQuantity"]
            + details["inboundShippedQuantity"]
            + details["reservedQuantity"]["totalReservedQuantity"]
            + details["unfulfillableQuantity"]["totalUnfulfillableQuantity"]
        )


def test_stock_is_what_monday_brought_less_what_orders_took_since() -> None:
    """The world begins on a Saturday; the two minutes by which orders lag are waited for with nobody buying."""
    seller = Seller(BUSY)
    full = 7 * 15 * 13
    found = stock(seller)
    at = seller.clock.now()
    ordered: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    seller.clock.advance(120)
    for order in seller.orders(createdAfter="2026-11-10T00:00:00Z", fulfilledBy="AMAZON"):
        created = datetime.fromisoformat(order["createdTime"])
        for item in order["orderItems"]:
            units, sku = item["quantityOrdered"], item["product"]["sellerSku"]
            if MONDAY < created <= at:
                ordered[sku] += units
            if order["fulfillment"]["fulfillmentStatus"] in ("PENDING", "UNSHIPPED") and created <= at:
                waiting[sku] += units
    assert sum(ordered.values()) > 50
    assert sum(waiting.values()) > 3
    for sku, each in found.items():
        assert each["inventoryDetails"]["fulfillableQuantity"] == full - ordered[sku]
        assert each["inventoryDetails"]["reservedQuantity"]["pendingCustomerOrderQuantity"] == waiting[sku]


def test_what_buyers_send_back_lies_there_and_cannot_be_sold() -> None:
    seller = Seller({**BUSY, "switches": {"transaction_lag_hours": 0}})
    found = stock(seller)
    back: Counter[str] = Counter()
    for each in seller.transactions(postedAfter=MONDAY.strftime("%Y-%m-%dT%H:%M:%SZ")):
        if each["transactionType"] == "Refund":
            context = each["items"][0]["contexts"][0]
            (item,) = each["items"][0]["relatedIdentifiers"]
            if context["fulfillmentNetwork"] == "AFN":
                back[context["sku"]] += int(item["itemRelatedIdentifierValue"].rpartition("R")[2])
    assert sum(back.values()) > 5
    damaged = {sku: each["inventoryDetails"]["unfulfillableQuantity"] for sku, each in found.items()}
    assert {sku: each["customerDamagedQuantity"] for sku, each in damaged.items()} == {
        sku: back[sku] for sku in damaged
    }


def test_a_listing_offers_what_the_warehouse_can_ship() -> None:
    seller = Seller(BUSY)
    (offered,) = seller.listing("LANTERN-S").json()["fulfillmentAvailability"]
    now = seller.clock.now()
    held = seller.call("GET", INVENTORY, params={**IN_US, "details": "true", "sellerSku": "LANTERN-S"}).json()
    (summary,) = held["payload"]["inventorySummaries"]
    assert seller.clock.now() == now
    assert offered["quantity"] == summary["inventoryDetails"]["fulfillableQuantity"]


def test_two_stores_of_one_region_draw_on_one_stock() -> None:
    seller = Seller({"stores": ["US", "CA"], "orders_per_day": 6})
    american = seller.get(INVENTORY, **IN_US, sellerSku="LANTERN-S").json()["payload"]["inventorySummaries"]
    canadian = seller.call("GET", INVENTORY, params={**IN_CA, "sellerSku": "LANTERN-S"}).json()["payload"]
    assert canadian["inventorySummaries"] == american
    assert "inventoryDetails" not in american[0]


def test_only_what_changed_since_is_told() -> None:
    seller = Seller({"stores": ["US"], "orders_per_day": 1})
    everything = stock(seller)
    latest = max(each["lastUpdatedTime"] for each in everything.values())
    changed = stock(seller, startDateTime=latest)
    assert set(changed) == {sku for sku, each in everything.items() if each["lastUpdatedTime"] >= latest}
    assert stock(seller, startDateTime=seller.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")) == {}


def test_a_token_is_good_for_thirty_seconds_and_for_the_same_question() -> None:
    seller = Seller({"stores": ["US"], "switches": {"inventory_page_size": 3}})
    first = seller.get(INVENTORY, **IN_US).json()
    token = first["pagination"]["nextToken"]
    assert len(first["payload"]["inventorySummaries"]) == 3
    other = seller.call("GET", INVENTORY, params={**IN_US, "details": "true", "nextToken": token})
    assert other.status_code == 400
    seller.clock.advance(30)
    second = seller.call("GET", INVENTORY, params={**IN_US, "nextToken": token})
    assert len(second.json()["payload"]["inventorySummaries"]) == 1
    assert "pagination" not in second.json()
    seller.clock.advance(1)
    late = seller.call("GET", INVENTORY, params={**IN_US, "nextToken": token})
    assert (late.status_code, late.json()["errors"][0]["code"]) == (400, "InvalidInput")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"granularityType": "Marketplace", "granularityId": US},
        {"granularityType": "Marketplace", "marketplaceIds": US},
        {"granularityId": US, "marketplaceIds": US},
        {**IN_US, "granularityType": "Seller"},
        {**IN_US, "marketplaceIds": f"{US},{CA}"},
        {**IN_US, "marketplaceIds": CA},
        {**IN_US, "details": "yes"},
        {**IN_US, "startDateTime": "2025-01-01T00:00:00Z"},
        {**IN_US, "startDateTime": "2026-11-01T00:00:00+09:00"},
        {**IN_US, "sellerSkus": ",".join(f"S{number}" for number in range(51))},
        {**IN_US, "nextToken": "x"},
    ],
)
def test_a_question_that_is_not_understood_is_refused(params: dict[str, str]) -> None:
    assert Seller({"stores": ["US", "CA"]}).get(INVENTORY, **params).status_code == 400


def test_another_account_has_nothing_there() -> None:
    seller = Seller({"stores": ["US"]})
    seller.token = seller.exchange(refresh_token=seller.account.other_refresh_token).json()["access_token"]
    answer = seller.call("GET", INVENTORY, params=IN_US)
    assert answer.json()["payload"]["inventorySummaries"] == []
