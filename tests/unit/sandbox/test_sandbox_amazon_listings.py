"""The simulated Amazon's listings: one for each SKU, changed by submissions that are accepted now and show later."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from ml_connector.sandbox.ledger import Ledger
from tests.support.sandbox_amazon import LISTINGS, REPORTS, Seller

US, CA, DE = "ATVPDKIKX0DER", "A2EUQ1WTGCTBG2", "A1PA6795UKMFR9"
AT_ONCE = {"switches": {"listing_delay_minutes": 0}}
QUARTER_OF_AN_HOUR = 16 * 60


def price(amount: object, **more: object) -> dict[str, object]:
    """A price as the only one of the US store."""
    value = {
        "marketplace_id": US,
        "currency": "USD",
        "audience": "ALL",
        "our_price": [{"schedule": [{"value_with_tax": amount}]}],
        **more,
    }
    return {"op": "replace", "path": "/attributes/purchasable_offer", "value": [value]}


def quantity(units: object, op: str = "merge", channel: str = "DEFAULT") -> dict[str, object]:
    value = {"fulfillment_channel_code": channel, "quantity": units}
    return {"op": op, "path": "/attributes/fulfillment_availability", "value": [value]}


def offers(seller: Seller, sku: str) -> list[tuple[str, str]]:
    found = seller.listing(sku).json()["offers"]
    return [(each["offerType"], each["price"]["amount"]) for each in found]


def test_a_sku_is_what_amazon_ships_or_what_the_seller_ships_never_both() -> None:
    seller = Seller({"stores": ["US"]})
    by_channel: dict[str, set[str]] = {}
    for order in seller.orders():
        for item in order["orderItems"]:
            by_channel.setdefault(order["fulfillment"]["fulfilledBy"], set()).add(item["product"]["sellerSku"])
    assert by_channel["AMAZON"].isdisjoint(by_channel["MERCHANT"])
    for sku in by_channel["AMAZON"]:
        (channel,) = seller.listing(sku).json()["fulfillmentAvailability"]
        assert channel["fulfillmentChannelCode"] == "AMAZON_NA"
    for sku in by_channel["MERCHANT"]:
        (channel,) = seller.listing(sku).json()["fulfillmentAvailability"]
        assert channel["fulfillmentChannelCode"] == "DEFAULT"


def test_a_listing_says_what_orders_say_of_its_product_and_price() -> None:
    seller = Seller({"stores": ["US"], "cancelled_rate": 0})
    items = [item for order in seller.orders(fulfillmentStatuses="SHIPPED") for item in order["orderItems"]]
    for item in items:
        listing = seller.listing(item["product"]["sellerSku"]).json()
        assert listing["summaries"][0]["asin"] == item["product"]["asin"]
        assert listing["summaries"][0]["itemName"] == item["product"]["title"]
        if "price" in item["product"] and item["product"]["price"]["unitPrice"]["amount"] != "0.00":
            assert listing["offers"][0]["price"] == item["product"]["price"]["unitPrice"]


def test_a_price_is_accepted_now_and_shows_within_a_quarter_of_an_hour() -> None:
    seller = Seller({"stores": ["US"]})
    assert offers(seller, "LANTERN-S") == [("B2C", "24.50")]
    answer = seller.patch("LANTERN-S", price(27.25))
    assert (answer.status_code, answer.json()["status"], answer.json()["issues"]) == (200, "ACCEPTED", [])
    assert len(answer.json()["submissionId"]) == 36
    unchanged = seller.call(
        "GET", seller.listing_path("LANTERN-S"), params={"marketplaceIds": US, "includedData": "offers"}
    )
    assert unchanged.json()["offers"][0]["price"]["amount"] == "24.50"
    seller.clock.advance(QUARTER_OF_AN_HOUR)
    assert offers(seller, "LANTERN-S") == [("B2C", "27.25")]


def test_submissions_for_one_sku_take_effect_in_their_order() -> None:
    seller = Seller({"stores": ["US"]})
    for amount in (11, 12, 13, 14, 15):
        assert seller.patch("LANTERN-S", price(amount)).json()["status"] == "ACCEPTED"
    seller.clock.advance(QUARTER_OF_AN_HOUR)
    assert offers(seller, "LANTERN-S") == [("B2C", "15.00")]


def test_a_replaced_offer_loses_the_sale_that_it_does_not_repeat() -> None:
    seller = Seller({"stores": ["US"], **AT_ONCE})
    sale = [{"schedule": [{"value_with_tax": 19.99, "start_at": "2026-11-20", "end_at": "2026-11-30"}]}]
    seller.patch("LANTERN-S", price(27.25, discounted_price=sale))
    assert offers(seller, "LANTERN-S") == [("B2C", "19.99")]
    seller.patch("LANTERN-S", price(28))
    assert offers(seller, "LANTERN-S") == [("B2C", "28.00")]


def test_a_sale_ends_on_its_last_day() -> None:
    seller = Seller({"stores": ["US"], **AT_ONCE})
    sale = [{"schedule": [{"value_with_tax": 19.99, "start_at": "2026-11-20", "end_at": "2026-11-21"}]}]
    seller.patch("LANTERN-S", price(27.25, discounted_price=sale))
    assert offers(seller, "LANTERN-S") == [("B2C", "19.99")]
    seller.clock.advance(86_400)
    assert offers(seller, "LANTERN-S") == [("B2C", "27.25")]


def test_a_price_for_businesses_stands_beside_the_one_for_everybody() -> None:
    seller = Seller({"stores": ["US"], **AT_ONCE})
    seller.patch("LANTERN-S", price(22, audience="B2B"))
    assert offers(seller, "LANTERN-S") == [("B2C", "24.50"), ("B2B", "22.00")]
    seller.patch("LANTERN-S", {"op": "delete", "path": "/attributes/purchasable_offer"})
    assert offers(seller, "LANTERN-S") == []
    assert seller.listing("LANTERN-S").json()["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_a_merged_quantity_keeps_the_lead_time_and_a_replaced_one_does_not() -> None:
    seller = Seller({"stores": ["US"], **AT_ONCE})
    seller.patch("LANTERN-S-MFN", quantity(17))
    (entry,) = seller.listing("LANTERN-S-MFN").json()["attributes"]["fulfillment_availability"]
    assert entry == {"fulfillment_channel_code": "DEFAULT", "quantity": 17, "lead_time_to_ship_max_days": 2}
    seller.patch("LANTERN-S-MFN", quantity(0, "replace"))
    shown = seller.listing("LANTERN-S-MFN").json()
    assert shown["attributes"]["fulfillment_availability"] == [{"fulfillment_channel_code": "DEFAULT", "quantity": 0}]
    assert shown["summaries"][0]["status"] == ["DISCOVERABLE"]


def test_what_the_seller_ships_himself_is_sold_out_of_the_quantity_that_was_set() -> None:
    seller = Seller({"stores": ["US"], "orders_per_day": 20, "cancelled_rate": 0, "replacement_rate": 0, **AT_ONCE})
    seller.patch("LANTERN-S-MFN", quantity(1000))
    since = seller.clock.now()
    seller.clock.advance(5 * 86_400)
    (shown,) = seller.listing("LANTERN-S-MFN").json()["fulfillmentAvailability"]
    seller.clock.advance(120)
    sold = sum(
        item["quantityOrdered"]
        for order in seller.orders(createdAfter=since.strftime("%Y-%m-%dT%H:%M:%SZ"), fulfilledBy="MERCHANT")
        for item in order["orderItems"]
        if item["product"]["sellerSku"] == "LANTERN-S-MFN"
    )
    assert sold > 5
    assert shown["quantity"] == 1000 - sold


@pytest.mark.parametrize(
    ("sku", "patch", "attribute"),
    [
        ("LANTERN-S", price("27.25"), "purchasable_offer"),
        ("LANTERN-S", price(0), "purchasable_offer"),
        ("LANTERN-S", price(1.005), "purchasable_offer"),
        ("LANTERN-S", price(True), "purchasable_offer"),
        ("LANTERN-S", price(9, currency="EUR"), "purchasable_offer"),
        ("LANTERN-S", price(9, marketplace_id=CA), "purchasable_offer"),
        ("LANTERN-S", price(9, discounted_price=[{"schedule": [{"value_with_tax": 8}]}]), "purchasable_offer"),
        ("LANTERN-S", {**price(9), "op": "merge"}, "purchasable_offer"),
        ("LANTERN-S", quantity(3, channel="AMAZON_NA"), "fulfillment_availability"),
        ("LANTERN-S-MFN", quantity(-1), "fulfillment_availability"),
        ("LANTERN-S-MFN", quantity(1.5), "fulfillment_availability"),
        ("LANTERN-S-MFN", quantity(1, channel="NOWHERE"), "fulfillment_availability"),
        ("NOBODY", quantity(1), "sku"),
    ],
)
def test_what_cannot_be_is_invalid_in_an_answer_of_200_and_changes_nothing(
    sku: str, patch: dict[str, object], attribute: str
) -> None:
    seller = Seller({"stores": ["US", "CA"], **AT_ONCE})
    before = seller.listing("LANTERN-S").json()["attributes"]
    answer = seller.patch(sku, patch)
    assert (answer.status_code, answer.json()["status"]) == (200, "INVALID")
    assert {name for each in answer.json()["issues"] for name in each["attributeNames"]} == {attribute}
    assert seller.listing("LANTERN-S").json()["attributes"] == before


def test_an_offer_without_its_price_is_refused_in_amazons_words() -> None:
    seller = Seller({"stores": ["US"]})
    offer = {"op": "replace", "path": "/attributes/purchasable_offer", "value": [{"marketplace_id": US}]}
    (issue,) = seller.patch("LANTERN-S", offer).json()["issues"]
    assert (issue["code"], issue["message"]) == ("90220", "'our_price' is required but not supplied.")


def test_a_preview_says_valid_and_stores_nothing() -> None:
    seller = Seller({"stores": ["US"], **AT_ONCE})
    assert seller.patch("LANTERN-S", price(30), mode="VALIDATION_PREVIEW").json()["status"] == "VALID"
    assert seller.patch("LANTERN-S", price(0), mode="VALIDATION_PREVIEW").json()["status"] == "INVALID"
    assert offers(seller, "LANTERN-S") == [("B2C", "24.50")]


@pytest.mark.parametrize(("reading", "status", "channels"), [("flips", "ACCEPTED", 2), ("refused", "INVALID", 1)])
def test_a_merchants_quantity_on_what_amazon_ships(reading: str, status: str, channels: int) -> None:
    seller = Seller({"stores": ["US"], "switches": {"listing_delay_minutes": 0, "default_on_fba": reading}})
    assert seller.patch("LANTERN-S", quantity(5)).json()["status"] == status
    assert len(seller.listing("LANTERN-S").json()["fulfillmentAvailability"]) == channels


def test_what_fails_while_it_is_worked_on_shows_as_an_issue_later() -> None:
    seller = Seller({"stores": ["US"], "late_issues": ["LANTERN-S"]})
    assert seller.patch("LANTERN-S", price(27.25)).json()["status"] == "ACCEPTED"
    seller.clock.advance(QUARTER_OF_AN_HOUR)
    shown = seller.listing("LANTERN-S").json()
    assert [each["severity"] for each in shown["issues"]] == ["ERROR"]
    assert shown["offers"][0]["price"]["amount"] == "24.50"
    found = seller.get(f"{LISTINGS}/{seller.credentials['seller_id']}", marketplaceIds=US, withIssueSeverity="ERROR")
    assert [each["sku"] for each in found.json()["items"]] == ["LANTERN-S"]


@pytest.mark.parametrize(
    "patches",
    [
        [],
        [{"op": "test", "path": "/attributes/purchasable_offer", "value": [{}]}],
        [{"op": "replace", "path": "/attributes/purchasable_offer/0", "value": [{}]}],
        [{"op": "replace", "path": "/summaries", "value": [{}]}],
        [{"op": "replace", "path": "/attributes/item_name"}],
        [{"op": "replace", "path": "/attributes/item_name", "value": "x"}],
        [{"op": "replace", "path": "/attributes/item_name", "value": ["x"]}],
        ["x"],
    ],
)
def test_a_body_of_another_form_is_a_bad_request(patches: list[Any]) -> None:
    answer = Seller({"stores": ["US"]}).patch("LANTERN-S", *patches)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"productType": 1e999999999, "patches": []}', b'{"productType": "\\u0000"}', b"\xff", b"[1]"],
)
def test_a_body_that_nobody_means_is_a_bad_request_too(body: bytes) -> None:
    seller = Seller({"stores": ["US"]})
    path, typed = seller.listing_path("LANTERN-S"), {"content-type": "application/json"}
    answer = seller.call("PATCH", path, headers=typed, content=body, params={"marketplaceIds": US})
    assert answer.status_code == 400


def test_a_sku_comes_percent_encoded_slash_and_all() -> None:
    seller = Seller({"stores": ["US", "DE"]})
    assert seller.listing('THROW "SOFT" 130').json()["sku"] == 'THROW "SOFT" 130'
    assert seller.listing("LATERNE-GRÜN", marketplaceIds=DE).json()["sku"] == "LATERNE-GRÜN"
    unknown = seller.listing("A/B 1%2F#ü")
    assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (404, "NOT_FOUND")
    path = f"{LISTINGS}/{seller.credentials['seller_id']}/A/B"
    assert seller.get(path, marketplaceIds=US).status_code == 403


def test_another_sellers_listings_are_refused() -> None:
    seller = Seller({"stores": ["US"]})
    for path in (f"{LISTINGS}/A0SOMEBODY", f"{LISTINGS}/A0SOMEBODY/LANTERN-S"):
        assert seller.get(path, marketplaceIds=US).status_code == 403


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"marketplaceIds": "ATVPDKIKX0DEX"},
        {"marketplaceIds": f"{US},{DE}"},
        {"marketplaceIds": US, "includedData": "everything"},
        {"marketplaceIds": US, "pageSize": "21"},
        {"marketplaceIds": US, "identifiers": "LANTERN-S"},
        {"marketplaceIds": US, "identifiersType": "SKU"},
        {"marketplaceIds": US, "identifiers": "LANTERN-S", "identifiersType": "NAME"},
        {"marketplaceIds": US, "createdAfter": "soon"},
        {"marketplaceIds": US, "pageToken": "x"},
    ],
)
def test_a_search_that_is_not_understood_is_a_bad_request(params: dict[str, str]) -> None:
    seller = Seller({"stores": ["US", "DE"]})
    answer = seller.get(f"{LISTINGS}/{seller.credentials['seller_id']}", **params)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "BAD_REQUEST")


def test_a_search_finds_in_pages_and_by_every_number_of_an_article() -> None:
    seller = Seller({"stores": ["US"]})
    path, asked = f"{LISTINGS}/{seller.credentials['seller_id']}", {"marketplaceIds": US, "sortBy": "sku"}
    first = seller.get(path, **asked, sortOrder="ASC", pageSize="5").json()
    rest = seller.get(path, **asked, sortOrder="ASC", pageSize="5", pageToken=first["pagination"]["nextToken"]).json()
    skus = [each["sku"] for each in (*first["items"], *rest["items"])]
    assert (len(skus), skus, "pagination" in rest) == (8, sorted(skus), False)
    assert first["numberOfResults"] == 8

    def by(kind: str, value: str) -> list[str]:
        found = seller.get(path, **asked, sortOrder="ASC", identifiersType=kind, identifiers=value).json()
        return [each["sku"] for each in found["items"]]

    assert by("ASIN", "B0GHLNT001") == ["LANTERN-S", "LANTERN-S-MFN"]
    assert by("SKU", "LANTERN-S,NOBODY") == ["LANTERN-S"]
    fn_sku = seller.listing("LANTERN-S").json()["summaries"][0]["fnSku"]
    assert by("FNSKU", fn_sku) == ["LANTERN-S"]


def test_the_report_of_all_listings_says_what_they_say() -> None:
    seller = Seller({"stores": ["US", "CA"], **AT_ONCE})
    seller.patch("LANTERN-S-MFN", quantity(17), price(26))
    seller.clock.advance(1)
    asked = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": [US]}
    report_id = seller.call("POST", REPORTS, json=asked).json()["reportId"]
    seller.clock.advance(60)
    document = seller.call("GET", f"{REPORTS}/{report_id}").json()["reportDocumentId"]
    rows = list(csv.DictReader(io.StringIO(seller.content(document).decode()), delimiter="\t", quoting=csv.QUOTE_NONE))
    told = {row["seller-sku"]: row for row in rows}
    assert len(told) == len(rows) == 8
    lantern = told["LANTERN-S-MFN"]
    assert (lantern["price"], lantern["quantity"], lantern["fulfillment-channel"]) == ("26.00", "17", "DEFAULT")
    assert (told["LANTERN-S"]["quantity"], told["LANTERN-S"]["fulfillment-channel"]) == ("", "AMAZON_NA")


def test_listings_outlive_a_restart_and_so_do_submissions_that_wait() -> None:
    ledger = Ledger()
    first = Seller({"stores": ["US"]}, state=ledger)
    first.patch("LANTERN-S", price(27.25))
    again = Seller({"stores": ["US"]}, state=ledger)
    again.clock.advance(QUARTER_OF_AN_HOUR)
    assert offers(again, "LANTERN-S") == [("B2C", "27.25")]
