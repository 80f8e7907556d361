"""What the simulated Amazon says against what Amazon has published: shapes, limits, ids, columns and words."""

from __future__ import annotations

import csv
import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

from ml_connector.sandbox.amazon.gateway import ROUTES
from ml_connector.sandbox.amazon.limits import LIMITS
from ml_connector.sandbox.amazon.marketplaces import STORES
from tests.support.amazon_swagger import Swagger, amazon_contracts
from tests.support.sandbox_amazon import (
    BALANCES,
    CATALOG,
    DOCUMENTS,
    EVERYTHING,
    EVERYTHING_LISTED,
    FEED_DOCUMENTS,
    FEEDS,
    GROUPS,
    INVENTORY,
    LONG_AGO,
    ORDERS,
    PAYOUTS,
    REPORTS,
    SUMMARY,
    TRANSACTIONS,
    V2,
    Seller,
)
from tests.support.sandbox_amazon import LISTINGS as ITEMS

pytestmark = pytest.mark.contract

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"
SCHEDULES = "/reports/2021-06-30/schedules"
LISTINGS = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": ["ATVPDKIKX0DER"]}


@pytest.fixture(scope="module")
def contracts() -> Path:
    return amazon_contracts()


def test_every_answer_about_reports_has_the_published_shape(contracts: Path) -> None:
    swagger = Swagger(contracts, "reports_2021-06-30")
    seller = Seller()
    page = seller.call("GET", REPORTS, params={"reportTypes": V2, "pageSize": "4"})
    settlement = page.json()["reports"][0]
    created = seller.call("POST", REPORTS, json=LISTINGS)
    waiting = f"{REPORTS}/{created.json()['reportId']}"
    scheduled = seller.call("POST", SCHEDULES, json={**LISTINGS, "period": "P1D"})
    schedule = f"{SCHEDULES}/{scheduled.json()['reportScheduleId']}"
    answers = [
        ("getReports", page),
        ("getReports", seller.call("GET", REPORTS, params={"nextToken": page.json()["nextToken"]})),
        ("getReports", seller.call("GET", REPORTS)),
        ("getReport", seller.call("GET", f"{REPORTS}/{settlement['reportId']}")),
        ("getReport", seller.call("GET", waiting)),
        ("getReport", seller.call("GET", f"{REPORTS}/0")),
        ("createReport", created),
        ("createReport", seller.call("POST", REPORTS, json={**LISTINGS, "reportType": V2})),
        ("createReport", seller.call("POST", REPORTS, content=b"x")),
        ("cancelReport", seller.call("DELETE", waiting)),
        ("getReportDocument", seller.call("GET", f"{DOCUMENTS}/{settlement['reportDocumentId']}")),
        ("getReportDocument", seller.call("GET", f"{DOCUMENTS}/none")),
        ("createReportSchedule", scheduled),
        ("getReportSchedules", seller.call("GET", SCHEDULES, params={"reportTypes": LISTINGS["reportType"]})),
        ("getReportSchedule", seller.call("GET", schedule)),
        ("cancelReportSchedule", seller.call("DELETE", schedule)),
        ("getReportSchedule", seller.call("GET", schedule)),
    ]
    seller.token = "Atza|nobody"
    answers.append(("getReport", seller.call("GET", waiting)))
    for operation, answer in answers:
        swagger.check(operation, answer)
    assert {answer.status_code for _, answer in answers} == {200, 201, 202, 400, 403, 404, 415}


def test_every_answer_about_sellers_has_the_published_shape(contracts: Path) -> None:
    swagger = Swagger(contracts, "sellers")
    seller = Seller({"stores": list(STORES)})
    pings = [seller.call("GET", PARTICIPATIONS) for _ in range(16)]
    swagger.check("getMarketplaceParticipations", pings[0])
    swagger.check("getMarketplaceParticipations", pings[-1])
    assert pings[-1].status_code == 429
    swagger.check("getAccount", seller.call("GET", "/sellers/v1/account"))


EVERY_STORE: dict[str, object] = {
    "stores": list(STORES),
    "settlements": 2,
    "orders_per_day": 1,
    "refund_rate": 0.3,
    "cancelled_rate": 0.3,
    "replacement_rate": 0.3,
    "shrinking_rate": 0.5,
    "failed_payout": ["DE:1"],
    "a_to_z": ["US:2"],
    "unknown_triple": ["US:2"],
    "bank_currency": "EUR",
}
"""Everything that the sandbox can show, in one world."""


@pytest.mark.parametrize(
    "switches",
    [
        {"other_stores_in_na": True},
        {"discount_is_negative": False, "eu_item_is_gross": True, "pending_shows_prices": True},
        {"grand_total_has_withheld_tax": False},
    ],
)
def test_every_answer_about_orders_has_the_published_shape(contracts: Path, switches: dict[str, object]) -> None:
    swagger = Swagger(contracts, "orders_2026-01-01")
    seller = Seller({**EVERY_STORE, "switches": switches})
    asked = {"lastUpdatedAfter": LONG_AGO, "includedData": EVERYTHING}
    answers: list[httpx2.Response] = []
    token = ""
    while token or not answers:
        answers.append(seller.get(ORDERS, **asked, **({"paginationToken": token} if token else {})))
        token = answers[-1].json().get("pagination", {}).get("nextToken", "")
    assert len(answers) > 3
    order_id = answers[0].json()["orders"][0]["orderId"]
    answers.append(seller.get(ORDERS, createdAfter=LONG_AGO))
    answers.append(seller.get(ORDERS, createdAfter="soon"))
    for answer in answers:
        swagger.check("searchOrders", answer)
    for answer in (
        seller.get(f"{ORDERS}/{order_id}", includedData=EVERYTHING),
        seller.get(f"{ORDERS}/111-0000000-0000000"),
        seller.get(f"{ORDERS}/{order_id}", includedData="EVERYTHING"),
    ):
        swagger.check("getOrder", answer)


@pytest.mark.parametrize("twins", [True, False])
def test_every_answer_about_finances_has_the_published_shape(contracts: Path, twins: bool) -> None:
    swagger = Swagger(contracts, "finances_2024-06-19")
    switches = {"release_makes_a_twin": twins, "other_stores_in_na": True}
    seller = Seller({**EVERY_STORE, "negative": ["UK:2"], "switches": switches})
    asked = {"postedAfter": LONG_AGO}
    answers: list[httpx2.Response] = []
    token = ""
    while token or not answers:
        answers.append(seller.get(TRANSACTIONS, **asked, **({"nextToken": token} if token else {})))
        token = answers[-1].json()["payload"].get("nextToken", "")
    kinds = {each["transactionType"] for answer in answers for each in answer.json()["payload"]["transactions"]}
    assert kinds == {
        "Shipment", "Refund", "ServiceFee", "ProductAdsPayment", "FBAInventoryReimbursement", "RemovalShipment",
        "Retrocharge", "Adjustment", "MiscellaneousLedgerAdjustment", "Transfer",
    }  # fmt: skip
    answers.append(seller.get(TRANSACTIONS))
    for answer in answers:
        swagger.check("listTransactions", answer)
    for answer in (seller.get(SUMMARY), seller.get(SUMMARY, relatedIdentifierName="ORDER_ID")):
        swagger.check("listSummary", answer)
    for answer in (
        seller.get(BALANCES),
        seller.get(BALANCES, balanceType="DEFERRED", asOfDate="2026-11-01"),
        seller.get(BALANCES, balanceType="ALL"),
    ):
        swagger.check("listBalances", answer)


def test_every_answer_about_groups_payouts_and_the_catalog_has_the_published_shape(contracts: Path) -> None:
    seller = Seller(EVERY_STORE)
    groups, payouts = Swagger(contracts, "financesV0"), Swagger(contracts, "transfers_2024-06-01")
    catalog = Swagger(contracts, "catalogItems_2022-04-01")
    first = seller.get(GROUPS, MaxResultsPerPage="3")
    groups.check("listFinancialEventGroups", first)
    groups.check(
        "listFinancialEventGroups",
        seller.get(GROUPS, MaxResultsPerPage="3", NextToken=first.json()["payload"]["NextToken"]),
    )
    groups.check("listFinancialEventGroups", seller.get(GROUPS, MaxResultsPerPage="101"))
    statuses = set()
    for answer in (seller.get(PAYOUTS), seller.get(PAYOUTS, marketplaceIds="ATVPDKIKX0DER")):
        payouts.check("listPayouts", answer)
        statuses |= {each["currentStatus"] for each in answer.json().get("payouts", [])}
    assert statuses == {"PAID", "FAILED", "IN_TRANSIT"}
    us, sets = {"marketplaceIds": "ATVPDKIKX0DER"}, "attributes,identifiers,images,productTypes,summaries,salesRanks"
    for answer in (
        seller.get(CATALOG, **us, identifiers="B0GHSTL045", identifiersType="ASIN", includedData=sets),
        seller.get(CATALOG, **us, keywords="oak"),
        seller.get(CATALOG, **us),
    ):
        catalog.check("searchCatalogItems", answer)
    for answer in (
        seller.get(f"{CATALOG}/B0GHSTL045", **us, includedData=sets),
        seller.get(f"{CATALOG}/B000000000", **us),
        seller.get(f"{CATALOG}/B0GHSTL045"),
    ):
        catalog.check("getCatalogItem", answer)


def test_every_answer_about_listings_and_stock_has_the_published_shape(contracts: Path) -> None:
    listings, stock = Swagger(contracts, "listingsItems_2021-08-01"), Swagger(contracts, "fbaInventory")
    nobody_buys: dict[str, object] = {"stores": ["US"], "orders_per_day": 0}
    seller = Seller({**nobody_buys, "late_issues": ["LANTERN-S"], "switches": {"inventory_page_size": 2}})
    us, own = {"marketplaceIds": "ATVPDKIKX0DER"}, f"{ITEMS}/{seller.credentials['seller_id']}"
    price, rise, merge = (
        example(contracts, f"listings_patch_{name}") for name in ("price", "price_with_sale", "quantity_merge")
    )
    accepted = seller.patch("LANTERN-S", *price["patches"])
    patched = [
        accepted,
        seller.patch("BOWL-SET-6", *rise["patches"], includedData="identifiers,issues"),
        seller.patch("LANTERN-S-MFN", *merge["patches"]),
        seller.patch("LANTERN-S", *price["patches"], mode="VALIDATION_PREVIEW"),
        seller.patch("NOBODY", *price["patches"]),
        seller.patch("LANTERN-S"),
    ]
    assert [each.json().get("status") for each in patched] == [
        "ACCEPTED",
        "ACCEPTED",
        "ACCEPTED",
        "VALID",
        "INVALID",
        None,
    ]
    assert set(accepted.json()) == set(example(contracts, "listings_submission_accepted"))
    for answer in patched:
        listings.check("patchListingsItem", answer)
    seller.clock.advance(3600)
    for answer in (
        seller.listing("LANTERN-S"),
        seller.listing("LANTERN-S-MFN"),
        seller.listing("NOBODY"),
        seller.get(f"{own}/X"),
    ):
        listings.check("getListingsItem", answer)
    shown, wanted = seller.listing("LANTERN-S-MFN").json(), example(contracts, "listings_get_item")
    assert set(shown) == {*wanted, "relationships", "productTypes"}
    assert shown["attributes"]["fulfillment_availability"] == wanted["attributes"]["fulfillment_availability"]
    assert set(shown["summaries"][0]) == set(wanted["summaries"][0])
    for answer in (seller.get(own, **us, pageSize="3", includedData=EVERYTHING_LISTED), seller.get(own)):
        listings.check("searchListingsItems", answer)
    in_us = {"granularityType": "Marketplace", "granularityId": us["marketplaceIds"], **us}
    page = seller.get(INVENTORY, **in_us, details="true")
    for answer in (page, seller.get(INVENTORY, **in_us), seller.get(INVENTORY)):
        stock.check("getInventorySummaries", answer)
    assert structure(page.json()) == structure(example(contracts, "fba_inventory_summaries"))


def test_every_answer_to_a_confirmed_shipment_has_the_published_shape(contracts: Path) -> None:
    swagger = Swagger(contracts, "ordersV0")
    seller = Seller({"stores": ["US"], "orders_per_day": 20, "shrinking_rate": 0, "cancelled_rate": 0})
    asked = {"createdAfter": "2026-11-17T00:00:00Z", "fulfilledBy": "MERCHANT", "fulfillmentStatuses": "UNSHIPPED"}
    order = seller.orders(**asked)[0]
    body = example(contracts, "ordersV0_confirm_shipment_request")
    item = order["orderItems"][0]
    body["packageDetail"]["orderItems"] = [{"orderItemId": item["orderItemId"], "quantity": item["quantityOrdered"]}]
    path = "/orders/v0/orders/{}/shipmentConfirmation"
    for order_id, sent, status in (
        (order["orderId"], body, 204),
        (order["orderId"], {**body, "packageDetail": {}}, 400),
        ("111-0000000-0000000", body, 404),
    ):
        answer = seller.call("POST", path.format(order_id), json=sent)
        assert answer.status_code == status
        swagger.check("confirmShipment", answer)
    shown = seller.get(f"{ORDERS}/{order['orderId']}", includedData=EVERYTHING)
    assert shown.json()["order"]["packages"][0]["trackingNumber"] == body["packageDetail"]["trackingNumber"]
    Swagger(contracts, "orders_2026-01-01").check("getOrder", shown)


def test_every_answer_about_feeds_and_what_they_come_to_has_the_published_shape(contracts: Path) -> None:
    swagger = Swagger(contracts, "feeds_2021-06-30")
    seller = Seller({"stores": ["US"], "switches": {"compression": "plain"}})
    documented = seller.call("POST", FEED_DOCUMENTS, json=example(contracts, "feeds_create_document_request"))
    feed = example(contracts, "feed_json_listings_content")
    feed["header"]["sellerId"] = seller.credentials["seller_id"]
    feed["messages"][0] |= {"sku": "LANTERN-S"}
    feed["messages"][1] |= {"sku": "LANTERN-S"}
    del feed["messages"][0]["patches"][0]["value"][0]["our_price"]
    typed = {"content-type": "application/json; charset=UTF-8"}
    assert seller.raw("PUT", documented.json()["url"], json=feed, headers=typed).status_code == 200
    asked = {
        **example(contracts, "feeds_create_feed_request"),
        "inputFeedDocumentId": documented.json()["feedDocumentId"],
    }
    created = seller.call("POST", FEEDS, json=asked)
    path = f"{FEEDS}/{created.json()['feedId']}"
    waiting, other = seller.call("GET", path), seller.call("POST", FEEDS, json=asked)
    cancelled = seller.call("DELETE", f"{FEEDS}/{other.json()['feedId']}")
    seller.clock.advance(180)
    done = seller.call("GET", path)
    assert set(done.json()) == set(example(contracts, "feeds_get_feed_done"))
    result = seller.call("GET", f"{FEED_DOCUMENTS}/{done.json()['resultFeedDocumentId']}")
    for operation, answer in (
        ("createFeedDocument", documented),
        ("createFeedDocument", seller.call("POST", FEED_DOCUMENTS, json={})),
        ("createFeed", created),
        ("createFeed", seller.call("POST", FEEDS, json={**asked, "feedType": "POST_PRODUCT_PRICING_DATA"})),
        ("getFeed", waiting),
        ("getFeed", done),
        ("getFeed", seller.call("GET", f"{FEEDS}/1")),
        ("cancelFeed", cancelled),
        ("cancelFeed", seller.call("DELETE", path)),
        ("getFeeds", seller.call("GET", FEEDS, params={"feedTypes": "JSON_LISTINGS_FEED", "pageSize": "1"})),
        ("getFeeds", seller.call("GET", FEEDS)),
        ("getFeedDocument", result),
        ("getFeedDocument", seller.call("GET", f"{FEED_DOCUMENTS}/none")),
    ):
        swagger.check(operation, answer)
    report = seller.raw("GET", result.json()["url"]).json()
    schema = contracts / "schemas" / "feeds" / "listings-feed-processing-report-schema-v2.json"
    jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(report)
    assert structure(report) == structure(example(contracts, "feed_processing_report"))
    assert report["summary"] == example(contracts, "feed_processing_report")["summary"]


def structure(value: Any) -> Any:
    """The names of every object, however deep, and of a list those of its first element."""
    if isinstance(value, dict):
        return {name: structure(each) for name, each in value.items()}
    return [structure(value[0])] if isinstance(value, list) and value else type(value).__name__


def test_members_of_transactions_groups_and_payouts_are_those_of_the_published_examples(contracts: Path) -> None:
    """The models require next to nothing: what an example shows of a thing has to be there of the same thing."""
    seller = Seller({"stores": ["US", "DE"]})
    shown = example(contracts, "finances_list_transactions")["payload"]["transactions"]
    for wanted in shown:
        ours = [each for each in seller.transactions() if each["transactionType"] == wanted["transactionType"]]
        assert all(set(each) >= set(wanted) - {"items", "contexts", "breakdowns"} for each in ours)
    (group,) = example(contracts, "financesV0_event_groups")["payload"]["FinancialEventGroupList"]
    groups = seller.get(GROUPS, MaxResultsPerPage="100").json()["payload"]["FinancialEventGroupList"]
    assert all(set(each) == set(group) for each in groups if each["ProcessingStatus"] == "Closed")
    (payout,) = example(contracts, "transfers_list_payouts")["payouts"]
    assert all(set(each) == set(payout) for each in seller.get(PAYOUTS).json()["payouts"])
    (balance,) = example(contracts, "finances_list_balances")["balances"]
    assert all(set(each) == set(balance) for each in seller.get(BALANCES).json()["balances"])
    (summary,) = example(contracts, "finances_list_summary")["summaries"]
    assert all(set(each) == set(summary) for each in seller.get(SUMMARY).json()["summaries"])


@pytest.mark.parametrize("fault", ["http_429", "http_500", "http_503"])
def test_faults_are_worded_in_the_published_shape(contracts: Path, fault: str) -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": fault}])
    answer = seller.call("GET", REPORTS, params={"reportTypes": V2})
    assert answer.status_code == int(fault.removeprefix("http_"))
    Swagger(contracts, "reports_2021-06-30").check("getReports", answer)


def example(contracts: Path, name: str) -> Any:
    return json.loads((contracts / "composed-examples" / f"{name}.json").read_text(encoding="utf-8"))


def test_errors_are_those_that_real_callers_quote(contracts: Path) -> None:
    seller = Seller()
    malformed = seller.call("GET", PARTICIPATIONS, headers={"x-amz-access-token": "x"})
    seller.account.expire_tokens()
    expired = seller.call("GET", PARTICIPATIONS)
    seller.sign_in()
    bad_date = seller.call("GET", REPORTS, params={"reportTypes": V2, "createdSince": "soon"})
    settlement = seller.call("POST", REPORTS, json={**LISTINGS, "reportType": V2})
    exhausted = [seller.call("GET", PARTICIPATIONS) for _ in range(16)][-1]
    no_role = Seller({"missing_roles": ["getReports"]}).call("GET", REPORTS, params={"reportTypes": V2})
    said = {
        "error_403_token_malformed": malformed,
        "error_403_token_expired": expired,
        "error_403_role_missing": no_role,
        "error_400_invalid_input": bad_date,
        "error_create_settlement_report_400": settlement,
        "error_429": exhausted,
        "lwa_error_400_invalid_grant": seller.exchange(refresh_token="Atzr|x"),
        "lwa_error_401_invalid_client": seller.exchange(client_secret="x"),
    }
    assert {name: answer.json() for name, answer in said.items()} == {name: example(contracts, name) for name in said}


def test_tokens_have_the_members_that_real_ones_have(contracts: Path) -> None:
    granted = Seller().exchange().json()
    assert set(granted) == set(example(contracts, "lwa_token_200"))
    assert granted["expires_in"] == example(contracts, "lwa_token_200")["expires_in"]


def test_limits_and_paths_are_the_published_ones(contracts: Path) -> None:
    with (contracts / "tables" / "rate_limits.csv").open(encoding="utf-8") as table:
        published = {row["operation"]: row for row in csv.DictReader(table) if not row["deprecated"]}
    assert {name: (str(limit.rate), str(limit.burst)) for name, limit in LIMITS.items()} == {
        name: (published[name]["rate_per_s"], published[name]["burst"]) for name in LIMITS
    }
    assert {operation for *_, operation in ROUTES} == set(LIMITS)
    for method, pattern, operation in ROUTES:
        path = re.sub(r"\{\w+\}", "anything", published[operation]["path"])
        assert method == published[operation]["method"]
        assert re.fullmatch(pattern, path)


def test_stores_are_the_published_ones(contracts: Path) -> None:
    with (contracts / "tables" / "marketplaces.csv").open(encoding="utf-8") as table:
        published = {row["marketplace_id"]: row for row in csv.DictReader(table)}
    for store in STORES.values():
        row = published[store.marketplace_id]
        assert (row["country"], row["region"], row["currency"]) == (store.country, store.region, store.currency)
        assert store.domain.endswith(row["domain"])
        if store.pseudo_id:
            assert published[store.pseudo_id]["country"] == store.country


def test_files_have_the_known_columns_and_only_known_words_with_their_usual_sign(contracts: Path) -> None:
    manifest = json.loads((contracts / "settlement" / "composed" / "manifest.json").read_text(encoding="utf-8"))
    with (contracts / "tables" / "settlement_vocabulary.csv").open(encoding="utf-8") as table:
        known = [
            (row["transaction_type"], row["amount_type"], row["amount_description"], row["usual_sign"])
            for row in csv.DictReader(table)
        ]
    for store in STORES:
        seller = Seller({"stores": [store], "orders_per_day": 8, "refund_rate": 0.3, "failed_payout": [f"{store}:1"]})
        for file in seller.files("cp932" if store == "JP" else "utf-8"):
            assert file.header == manifest["columns"]
            for row in file.details:
                triple = (row["transaction-type"], row["amount-type"], row["amount-description"])
                signs = {sign for *pattern, sign in known if all(map(fnmatchcase, triple, pattern))}
                assert signs, f"{triple} is not in the vocabulary"
                assert signs & {"+/-", "-" if row["amount"].startswith("-") else "+"}, f"{triple} {row['amount']}"
