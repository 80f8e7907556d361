"""The simulated Amazon works on feeds of listings: later, message by message, and says in a report what came of them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx2
import pytest

from tests.support.sandbox_amazon import DOCUMENTS, FEED_DOCUMENTS, FEEDS, REPORTS, V2, Seller

US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"
TYPE = "application/json; charset=UTF-8"
NOBODY_BUYS: dict[str, object] = {"stores": ["US", "DE"], "orders_per_day": 0, "switches": {"listing_delay_minutes": 0}}


def message(number: object, sku: object, units: object, **more: object) -> dict[str, object]:
    value = {"fulfillment_channel_code": "DEFAULT", "quantity": units}
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [value]}
    return {
        "messageId": number,
        "sku": sku,
        "operationType": "PATCH",
        "productType": "PRODUCT",
        "patches": [patch],
        **more,
    }


def content(seller: Seller, *messages: object, **header: object) -> bytes:
    told = {"sellerId": seller.credentials["seller_id"], "version": "2.0", **header}
    return json.dumps({"header": told, "messages": messages}).encode()


def announced(seller: Seller) -> dict[str, str]:
    found: dict[str, str] = seller.call("POST", FEED_DOCUMENTS, json={"contentType": TYPE}).json()
    return found


def put(seller: Seller, address: str, body: bytes, content_type: str = TYPE) -> httpx2.Response:
    return seller.raw("PUT", address, content=body, headers={"content-type": content_type})


def submitted(seller: Seller, body: bytes, **changes: object) -> httpx2.Response:
    """A feed with a document of its own."""
    document = announced(seller)
    assert put(seller, document["url"], body).status_code == 200
    asked = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [US],
        "inputFeedDocumentId": document["feedDocumentId"],
        **changes,
    }
    return seller.call("POST", FEEDS, json=asked)


def ended(seller: Seller, body: bytes) -> tuple[str, dict[str, Any]]:
    """How a feed ended, and its report."""
    feed_id = submitted(seller, body).json()["feedId"]
    seller.clock.advance(180)
    feed = seller.call("GET", f"{FEEDS}/{feed_id}").json()
    minted = seller.call("GET", f"{FEED_DOCUMENTS}/{feed['resultFeedDocumentId']}").json()
    found = seller.raw("GET", minted["url"]).content
    assert minted["compressionAlgorithm"] == "GZIP"
    report: dict[str, Any] = json.loads(gzip.decompress(found))
    return feed["processingStatus"], report


def quantity(seller: Seller, sku: str) -> int:
    (offered,) = seller.listing(sku).json()["fulfillmentAvailability"]
    units: int = offered["quantity"]
    return units


def test_a_feed_changes_listings_once_it_was_worked_on() -> None:
    seller = Seller(NOBODY_BUYS)
    before = quantity(seller, "LANTERN-S-MFN")
    feed_id = submitted(seller, content(seller, message(1, "LANTERN-S-MFN", 4))).json()["feedId"]
    statuses = [seller.call("GET", f"{FEEDS}/{feed_id}").json()["processingStatus"]]
    seller.clock.advance(61)
    statuses.append(seller.call("GET", f"{FEEDS}/{feed_id}").json()["processingStatus"])
    assert before != 4
    seller.clock.advance(120)
    statuses.append(seller.call("GET", f"{FEEDS}/{feed_id}").json()["processingStatus"])
    assert statuses == ["IN_QUEUE", "IN_PROGRESS", "DONE"]
    assert quantity(seller, "LANTERN-S-MFN") == 4


def test_done_does_not_mean_success_and_one_bad_message_does_not_stop_the_others() -> None:
    seller = Seller(NOBODY_BUYS)
    status, report = ended(
        seller,
        content(
            seller,
            message(1, "LANTERN-S-MFN", 4),
            message(2, "NOBODY", 4),
            message(3, "BOWL-SET-6-MFN", -1),
            message(3, "STOOL-OAK-45-MFN", 5),
            message(5, "STOOL-OAK-45-MFN", 5, operationType="DELETE"),
            message(6, "STOOL-OAK-45-MFN", 6, patches=[{"op": "copy"}]),
            message(7, "BOWL-SET-6-MFN", 7),
        ),
    )
    assert status == "DONE"
    assert report["summary"] == {
        "errors": 5, "warnings": 0, "messagesProcessed": 7, "messagesAccepted": 2, "messagesInvalid": 5
    }  # fmt: skip
    assert [each.get("messageId") for each in report["issues"]] == [2, 3, None, 5, 6]
    assert quantity(seller, "LANTERN-S-MFN") == 4
    assert quantity(seller, "BOWL-SET-6-MFN") == 7
    assert quantity(seller, "STOOL-OAK-45-MFN") not in (5, 6)


def test_a_partial_update_replaces_the_attributes_that_it_names() -> None:
    seller = Seller(NOBODY_BUYS)
    attributes = {"fulfillment_availability": [{"fulfillment_channel_code": "DEFAULT", "quantity": 9}]}
    update = {"messageId": 1, "sku": "LANTERN-S-MFN", "operationType": "PARTIAL_UPDATE", "productType": "PRODUCT"}
    status, report = ended(seller, content(seller, {**update, "attributes": attributes}))
    assert (status, report["issues"]) == ("DONE", [])
    shown = seller.listing("LANTERN-S-MFN").json()["attributes"]
    assert shown["fulfillment_availability"] == attributes["fulfillment_availability"]
    assert shown["purchasable_offer"]


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[" * 100_000,
        b'{"header": {"version": "2.0", "sellerId": "A0SOMEBODY"}, "messages": []}',
        b'{"header": {"version": "1.0"}}',
        b"[]",
        b"",
    ],
)
def test_a_feed_of_which_nothing_can_be_read_is_fatal_and_its_report_says_why(body: bytes) -> None:
    status, report = ended(Seller(NOBODY_BUYS), body)
    assert status == "FATAL"
    assert [each["severity"] for each in report["issues"]] == ["ERROR"]
    assert report["summary"]["messagesProcessed"] == 0


def test_a_feed_with_a_nul_in_it_is_fatal_and_no_listing_is_spoilt() -> None:
    seller = Seller(NOBODY_BUYS)
    patch = {"op": "add", "path": "/attributes/bullet_point", "value": [{"value": "\0"}]}
    status, _ = ended(seller, content(seller, message(1, "LANTERN-S-MFN", 4, patches=[patch])))
    assert status == "FATAL"
    assert "bullet_point" not in seller.listing("LANTERN-S-MFN").json()["attributes"]


def test_an_upload_needs_the_very_content_type_it_was_announced_with() -> None:
    seller = Seller(NOBODY_BUYS)
    address = announced(seller)["url"]
    refused = put(seller, address, b"{}", "application/json")
    assert (refused.status_code, b"SignatureDoesNotMatch" in refused.content) == (403, True)
    assert put(seller, address, b"{}").status_code == 200


def test_an_address_is_for_one_method_and_five_minutes_and_takes_no_token() -> None:
    seller = Seller(NOBODY_BUYS)
    address = announced(seller)["url"]
    assert seller.raw("GET", address).status_code == 403
    with_token = seller.raw(
        "PUT", address, content=b"{}", headers={"content-type": TYPE, "x-amz-access-token": seller.token}
    )
    assert with_token.status_code == 403
    report = seller.call("GET", f"{DOCUMENTS}/{seller.listed()[0]['reportDocumentId']}").json()["url"]
    assert put(seller, report, b"{}").status_code == 403
    seller.clock.advance(301)
    assert put(seller, address, b"{}").status_code == 403


def test_five_feeds_in_five_minutes_and_no_more() -> None:
    seller = Seller(NOBODY_BUYS)
    body = content(seller, message(1, "LANTERN-S-MFN", 4))
    assert [submitted(seller, body).status_code for _ in range(6)] == [202] * 5 + [429]
    seller.clock.advance(300)
    assert submitted(seller, body).status_code == 202


@pytest.mark.parametrize(
    "changes",
    [
        {"feedType": "POST_INVENTORY_AVAILABILITY_DATA"},
        {"marketplaceIds": []},
        {"marketplaceIds": [US, DE]},
        {"marketplaceIds": ["A1VC38T7YXB528"]},
        {"inputFeedDocumentId": "amzn1.tortuga.4.na.none"},
        {"inputFeedDocumentId": 1},
    ],
)
def test_a_feed_that_is_not_understood_is_refused(changes: dict[str, object]) -> None:
    seller = Seller(NOBODY_BUYS)
    assert submitted(seller, content(seller, message(1, "LANTERN-S-MFN", 4)), **changes).status_code == 400


def test_a_feed_without_an_upload_is_refused() -> None:
    seller = Seller(NOBODY_BUYS)
    asked = {
        "feedType": "JSON_LISTINGS_FEED",
        "marketplaceIds": [US],
        "inputFeedDocumentId": announced(seller)["feedDocumentId"],
    }
    assert seller.call("POST", FEEDS, json=asked).status_code == 400


def test_only_what_waits_can_be_cancelled_and_then_changes_nothing() -> None:
    seller = Seller(NOBODY_BUYS)
    feed_id = submitted(seller, content(seller, message(1, "LANTERN-S-MFN", 4))).json()["feedId"]
    assert seller.call("DELETE", f"{FEEDS}/{feed_id}").status_code == 200
    seller.clock.advance(600)
    assert seller.call("GET", f"{FEEDS}/{feed_id}").json()["processingStatus"] == "CANCELLED"
    assert seller.call("DELETE", f"{FEEDS}/{feed_id}").status_code == 400
    assert quantity(seller, "LANTERN-S-MFN") != 4


def test_feeds_are_listed_in_pages_whose_token_comes_alone() -> None:
    seller = Seller(NOBODY_BUYS)
    body = content(seller, message(1, "LANTERN-S-MFN", 4))
    made = [submitted(seller, body).json()["feedId"] for _ in range(3)]
    asked = {"feedTypes": "JSON_LISTINGS_FEED", "pageSize": "2"}
    first = seller.call("GET", FEEDS, params=asked).json()
    with_more = seller.call("GET", FEEDS, params={**asked, "nextToken": first["nextToken"]})
    assert with_more.status_code == 400
    rest = seller.call("GET", FEEDS, params={"nextToken": first["nextToken"]}).json()
    assert [each["feedId"] for each in (*first["feeds"], *rest["feeds"])] == made[::-1]


def test_another_account_sees_none_of_it() -> None:
    seller = Seller(NOBODY_BUYS)
    feed_id = submitted(seller, content(seller, message(1, "LANTERN-S-MFN", 4))).json()["feedId"]
    seller.token = seller.exchange(refresh_token=seller.account.other_refresh_token).json()["access_token"]
    assert seller.call("GET", f"{FEEDS}/{feed_id}").status_code == 404
    assert seller.call("GET", FEEDS, params={"feedTypes": "JSON_LISTINGS_FEED"}).json() == {"feeds": []}


def test_settlements_are_found_as_before() -> None:
    """Feeds and reports share the storage, not their ids."""
    seller = Seller(NOBODY_BUYS)
    submitted(seller, content(seller, message(1, "LANTERN-S-MFN", 4)))
    assert len(seller.call("GET", REPORTS, params={"reportTypes": V2}).json()["reports"]) == 6
