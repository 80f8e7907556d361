"""The simulated Amazon takes confirmations of shipments, and its orders show them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.support.sandbox_amazon import ORDERS, Seller

BUSY: dict[str, object] = {
    "stores": ["US"],
    "settlements": 1,
    "orders_per_day": 20,
    "shrinking_rate": 0,
    "cancelled_rate": 0,
}
US, LATELY = "ATVPDKIKX0DER", "2026-11-17T00:00:00Z"


def waiting(seller: Seller, units: int = 1) -> dict[str, Any]:
    """An order of so many units that the seller has not shipped yet, as it stands."""
    found = seller.orders(createdAfter=LATELY, fulfilledBy="MERCHANT", fulfillmentStatuses="UNSHIPPED")
    return next(order for order in found if order["orderItems"][0]["quantityOrdered"] == units)


def package(order: dict[str, Any], **changes: object) -> dict[str, object]:
    (item,) = order["orderItems"]
    detail: dict[str, object] = {
        "packageReferenceId": "7",
        "carrierCode": "DHL",
        "shippingMethod": "Express",
        "trackingNumber": "JD0001",
        "shipDate": order["lastUpdatedTime"],
        "orderItems": [{"orderItemId": item["orderItemId"], "quantity": item["quantityOrdered"]}],
    }
    return {name: value for name, value in (detail | changes).items() if value is not None}


def some(order: dict[str, Any], units: object) -> list[dict[str, object]]:
    return [{"orderItemId": order["orderItems"][0]["orderItemId"], "quantity": units}]


def confirm(seller: Seller, order: dict[str, Any], detail: object, marketplace_id: str = US) -> httpx2.Response:
    path = f"/orders/v0/orders/{order['orderId']}/shipmentConfirmation"
    return seller.call("POST", path, json={"marketplaceId": marketplace_id, "packageDetail": detail})


def shown(seller: Seller, order: dict[str, Any]) -> dict[str, Any]:
    answer = seller.get(f"{ORDERS}/{order['orderId']}", includedData="FULFILLMENT,PACKAGES")
    found: dict[str, Any] = answer.json()["order"]
    return found


def test_what_is_confirmed_is_shipped_and_shows_its_package() -> None:
    seller = Seller(BUSY)
    order = waiting(seller)
    answer = confirm(seller, order, package(order))
    assert (answer.status_code, answer.content) == (204, b"")
    after = shown(seller, order)
    assert after["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert after["orderItems"][0]["fulfillment"] == {"quantityFulfilled": 1, "quantityUnfulfilled": 0}
    (parcel,) = after["packages"]
    assert {name: parcel[name] for name in ("packageReferenceId", "carrier", "shippingService", "trackingNumber")} == {
        "packageReferenceId": "7",
        "carrier": "DHL",
        "shippingService": "Express",
        "trackingNumber": "JD0001",
    }


def test_a_confirmed_order_is_updated_once_and_delivered_later() -> None:
    seller = Seller(BUSY)
    order = waiting(seller)
    confirm(seller, order, package(order))
    since = seller.clock.now()
    seller.clock.advance(10 * 86_400)
    after = shown(seller, order)
    assert after["packages"][0]["packageStatus"] == {"status": "DELIVERED"}
    assert after["packages"][0]["trackingNumber"] == "JD0001"
    assert after["lastUpdatedTime"] > since.isoformat()


def test_a_part_is_partially_shipped_and_the_seller_ships_the_rest() -> None:
    seller = Seller(BUSY)
    order = waiting(seller, units=3)
    assert confirm(seller, order, package(order, orderItems=some(order, 1))).status_code == 204
    part = shown(seller, order)
    assert part["fulfillment"]["fulfillmentStatus"] == "PARTIALLY_SHIPPED"
    assert part["orderItems"][0]["fulfillment"] == {"quantityFulfilled": 1, "quantityUnfulfilled": 2}
    assert confirm(seller, order, package(order, packageReferenceId="8")).status_code == 400
    seller.clock.advance(4 * 86_400)
    whole = shown(seller, order)
    assert whole["fulfillment"]["fulfillmentStatus"] == "SHIPPED"
    assert [(each["packageReferenceId"], each["packageItems"][0]["quantity"]) for each in whole["packages"]] == [
        ("7", 1),
        ("8", 2),
    ]


def test_a_package_that_is_sent_again_is_changed_not_added() -> None:
    seller = Seller(BUSY)
    order = waiting(seller)
    confirm(seller, order, package(order))
    assert confirm(seller, order, package(order, trackingNumber="JD0002")).status_code == 204
    (parcel,) = shown(seller, order)["packages"]
    assert (parcel["trackingNumber"], parcel["packageItems"][0]["quantity"]) == ("JD0002", 1)


def test_the_sale_of_a_confirmed_order_is_posted_all_the_same() -> None:
    seller = Seller({**BUSY, "switches": {"transaction_lag_hours": 0}})
    order = waiting(seller)
    confirm(seller, order, package(order))
    seller.clock.advance(4 * 86_400)
    asked = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order["orderId"]}
    assert [each["transactionType"] for each in seller.transactions(**asked)].count("Shipment") >= 1


@pytest.mark.parametrize(
    "changes",
    [
        {"packageReferenceId": "P7"},
        {"packageReferenceId": None},
        {"carrierCode": ""},
        {"carrierCode": "Other"},
        {"trackingNumber": None},
        {"shipDate": "02/21/2022"},
        {"shipDate": "2026-11-21T10:00:00+09:00"},
        {"shipDate": "2027-01-01T00:00:00Z"},
        {"orderItems": []},
        {"orderItems": [{"orderItemId": "1", "quantity": 1}]},
        {"orderItems": [{"quantity": 1}]},
        {"orderItems": "all"},
    ],
)
def test_a_package_that_is_not_understood_is_refused(changes: dict[str, object]) -> None:
    seller = Seller(BUSY)
    order = waiting(seller)
    assert confirm(seller, order, package(order, **changes)).status_code == 400
    assert shown(seller, order)["fulfillment"]["fulfillmentStatus"] == "UNSHIPPED"


@pytest.mark.parametrize("units", [0, 2, True, 1.5, "1"])
def test_units_that_cannot_be_are_refused(units: object) -> None:
    seller = Seller(BUSY)
    order = waiting(seller)
    assert confirm(seller, order, package(order, orderItems=some(order, units))).status_code == 400


def test_only_the_sellers_own_open_orders_can_be_confirmed() -> None:
    seller = Seller({**BUSY, "cancelled_rate": 0.5})
    mine = waiting(seller)
    assert confirm(seller, mine, package(mine), marketplace_id="A1PA6795UKMFR9").status_code == 400
    for asked in ({"fulfilledBy": "AMAZON"}, {"fulfilledBy": "MERCHANT", "fulfillmentStatuses": "CANCELLED,PENDING"}):
        order = next(each for each in seller.orders(createdAfter=LATELY, **asked) if len(each["orderItems"]) == 1)
        detail = package(order, orderItems=some(order, 1))
        assert confirm(seller, order, detail).status_code == 400
    nobodys = {**mine, "orderId": "111-0000000-0000000"}
    assert confirm(seller, nobodys, package(mine)).status_code == 404


def test_an_order_that_is_about_to_lose_units_cannot_be_confirmed() -> None:
    """Its money will be that of the units that are left."""
    seller = Seller({**BUSY, "cancelled_rate": 1, "orders_per_day": 60})
    found = seller.orders(createdAfter=LATELY, fulfilledBy="MERCHANT", fulfillmentStatuses="UNSHIPPED")
    answers = {order["orderId"]: confirm_slowly(seller, order) for order in found}
    refused = {order_id for order_id, status in answers.items() if status == 400}
    seller.clock.advance(3 * 86_400)
    cancelled = {
        each["orderId"] for each in seller.orders(createdAfter=LATELY, fulfillmentStatuses="CANCELLED")
    } & answers.keys()
    assert refused == cancelled != set()


def confirm_slowly(seller: Seller, order: dict[str, Any]) -> int:
    seller.clock.advance(1)
    return confirm(seller, order, package(order)).status_code
