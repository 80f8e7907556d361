"""Orders at the simulated Amazon: windows that lose nothing, lives that go forwards, and money that adds up."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.sandbox.amazon import Doors
from tests.support.sandbox_amazon import LONG_AGO, ORDERS, File, Seller, amount

LIVELY = {
    "orders_per_day": 6,
    "cancelled_rate": 0.3,
    "replacement_rate": 0.2,
    "shrinking_rate": 0.6,
}


def order(seller: Seller, order_id: str, **params: str) -> dict[str, Any]:
    found: dict[str, Any] = seller.get(f"{ORDERS}/{order_id}", **params).json()["order"]
    return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def value(money: dict[str, str]) -> Decimal:
    return Decimal(money["amount"])


# Parameters


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({}, "Exactly one of"),
        ({"createdAfter": LONG_AGO, "lastUpdatedAfter": LONG_AGO}, "Exactly one of"),
        ({"createdAfter": LONG_AGO, "lastUpdatedBefore": "2026-11-01T00:00:00Z"}, "cannot be used with"),
        ({"createdBefore": "2026-11-01T00:00:00Z"}, "Exactly one of"),
        ({"createdAfter": "2026-11-02T00:00:00Z", "createdBefore": "2026-11-01T00:00:00Z"}, "must not be earlier"),
        ({"createdAfter": LONG_AGO, "createdBefore": "2026-11-21T09:32:00Z"}, "two minutes before"),
        ({"lastUpdatedAfter": "2027-01-01T00:00:00Z"}, "must not be earlier"),
        ({"createdAfter": LONG_AGO, "maxResultsPerPage": "0"}, "maxResultsPerPage"),
        ({"createdAfter": LONG_AGO, "maxResultsPerPage": "101"}, "maxResultsPerPage"),
        ({"createdAfter": LONG_AGO, "includedData": "EVERYTHING"}, "includedData"),
        ({"createdAfter": LONG_AGO, "fulfillmentStatuses": "Shipped"}, "fulfillmentStatuses"),
        ({"createdAfter": LONG_AGO, "fulfilledBy": "AFN"}, "fulfilledBy"),
        ({"createdAfter": LONG_AGO, "marketplaceIds": "A1VC38T7YXB528"}, "marketplaceIds"),
        ({"createdAfter": LONG_AGO, "marketplaceIds": ",".join(["ATVPDKIKX0DER"] * 51)}, "marketplaceIds"),
        ({"createdAfter": LONG_AGO, "paginationToken": "bm90IG91cnM="}, "paginationToken"),
        ({"createdAfter": "2026-11-01T00:00:00+01:00"}, "date/time"),
    ],
)
def test_a_search_that_is_not_understood_is_refused(params: dict[str, str], word: str) -> None:
    refused = Seller().get(ORDERS, **params)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "InvalidInput")
    assert word in refused.json()["errors"][0]["message"]


def test_utc_may_be_written_with_an_encoded_plus_and_a_bare_one_is_refused() -> None:
    seller = Seller()
    assert seller.get(ORDERS, createdAfter="2026-11-01T00:00:00+00:00").status_code == 200
    assert seller.call("GET", f"{ORDERS}?createdAfter=2026-11-01T00:00:00%2B00:00").status_code == 200
    bare = seller.call("GET", f"{ORDERS}?createdAfter=2026-11-01T00:00:00+00:00")
    assert (bare.status_code, bare.json()["errors"][0]["message"]) == (400, "Invalid date/time field")


def test_an_order_that_there_is_not_and_somebody_elses_are_not_found() -> None:
    seller = Seller()
    known = seller.orders()[0]["orderId"]
    seller.token = seller.exchange(refresh_token=seller.account.other_refresh_token).json()["access_token"]
    assert seller.call("GET", f"{ORDERS}/{known}").status_code == 404
    assert seller.call("GET", ORDERS, params={"createdAfter": LONG_AGO}).json()["orders"] == []
    seller.sign_in()
    assert seller.call("GET", f"{ORDERS}/111-0000000-0000000").status_code == 404


# Windows and pages


def test_the_end_of_the_window_is_echoed_and_is_two_minutes_ago_by_default() -> None:
    seller = Seller()
    page = seller.call("GET", ORDERS, params={"lastUpdatedAfter": LONG_AGO}).json()
    assert page["lastUpdatedBefore"] == "2026-11-21T09:28:00.000Z"
    asked = {"createdAfter": LONG_AGO, "createdBefore": "2026-11-01T12:00:00Z"}
    page = seller.call("GET", ORDERS, params=asked).json()
    assert page["createdBefore"] == "2026-11-01T12:00:00.000Z"
    assert "lastUpdatedBefore" not in page


def test_both_ends_of_a_window_belong_to_it() -> None:
    seller = Seller()
    found = seller.orders(lastUpdatedAfter=LONG_AGO)
    first, last = found[10]["lastUpdatedTime"], found[20]["lastUpdatedTime"]
    window = seller.orders(lastUpdatedAfter=first, lastUpdatedBefore=last)
    assert window == found[10:21]
    created = sorted(each["createdTime"] for each in found)
    assert [
        each["createdTime"] for each in seller.orders(createdAfter=created[3], createdBefore=created[7])
    ] == created[3:8]


def test_pages_hold_what_was_asked_for_and_the_last_one_has_no_token() -> None:
    seller = Seller()
    everything = seller.orders()
    asked = {"createdAfter": LONG_AGO, "maxResultsPerPage": "40"}
    sizes: list[int] = []
    token = ""
    while token or not sizes:
        page = seller.get(ORDERS, **asked, **({"paginationToken": token} if token else {})).json()
        sizes.append(len(page["orders"]))
        token = page.get("pagination", {}).get("nextToken", "")
        assert token or "pagination" not in page
    assert sizes[:-1] == [40] * (len(sizes) - 1)
    assert sum(sizes) == len(everything)


def test_a_token_wants_the_other_parameters_again_and_ends_after_a_day() -> None:
    seller = Seller()
    asked = {"createdAfter": LONG_AGO, "maxResultsPerPage": "10", "fulfilledBy": "AMAZON"}
    token = seller.get(ORDERS, **asked).json()["pagination"]["nextToken"]
    assert seller.get(ORDERS, **asked, paginationToken=token).status_code == 200
    more = {**asked, "maxResultsPerPage": "20", "includedData": "PROCEEDS"}
    assert len(seller.get(ORDERS, **more, paginationToken=token).json()["orders"]) == 20
    for changed in (
        {**asked, "fulfilledBy": "MERCHANT"},
        {"createdAfter": LONG_AGO},
        {**asked, "marketplaceIds": "ATVPDKIKX0DER"},
    ):
        refused = seller.get(ORDERS, **changed, paginationToken=token)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "InvalidInput")
    assert seller.get(ORDERS, **asked, paginationToken=token[:-4]).status_code == 400
    seller.clock.advance(86_400)
    assert "expired" in seller.get(ORDERS, **asked, paginationToken=token).json()["errors"][0]["message"]


def test_a_token_has_to_be_encoded_on_its_way_back() -> None:
    seller = Seller()
    asked = {"createdAfter": LONG_AGO, "maxResultsPerPage": "1"}
    page = seller.get(ORDERS, **asked).json()
    while "+" not in page["pagination"]["nextToken"]:
        page = seller.get(ORDERS, **asked, paginationToken=page["pagination"]["nextToken"]).json()
    query = f"createdAfter={LONG_AGO}&maxResultsPerPage=1&paginationToken={page['pagination']['nextToken']}"
    assert seller.call("GET", f"{ORDERS}?{query}").status_code == 400
    assert seller.call("GET", f"{ORDERS}?{query.replace('+', '%2B')}").status_code == 200


def test_polling_from_the_echoed_end_sees_every_version_of_every_order() -> None:
    """Polls an hour apart, with no overlap: in the end the last versions seen are the orders as they are."""
    seller = Seller({"stores": ["US"], **LIVELY})
    seen = {each["orderId"]: each for each in seller.orders(lastUpdatedAfter=LONG_AGO)}
    since = seller.get(ORDERS, lastUpdatedAfter=LONG_AGO, maxResultsPerPage="1").json()["lastUpdatedBefore"]
    versions = 0
    for _ in range(72):
        seller.clock.advance(3600)
        page = seller.get(ORDERS, lastUpdatedAfter=since, includedData="FULFILLMENT").json()
        assert "pagination" not in page
        versions += len(page["orders"])
        seen |= {each["orderId"]: each for each in page["orders"]}
        since = page["lastUpdatedBefore"]
    assert versions > 40
    rows = seller.world.book("amazon").rows(
        "SELECT order_id, updated FROM {versions} WHERE updated <= ? AND until > ?", (since, since)
    )
    as_they_are = {row["order_id"]: row["updated"] for row in rows}
    assert {order_id: each["lastUpdatedTime"] for order_id, each in seen.items()} == as_they_are


def test_an_order_that_changes_while_pages_are_read_is_in_the_next_window() -> None:
    seller = Seller({"stores": ["US"]})
    doors = seller.world.systems["amazon"].control
    assert isinstance(doors, Doors)
    found = seller.orders(lastUpdatedAfter=LONG_AGO)
    asked = {"lastUpdatedAfter": LONG_AGO, "maxResultsPerPage": "50"}
    first = seller.get(ORDERS, **asked).json()
    doors.orders.touch(found[60]["orderId"], seller.clock.now())
    rest = seller.get(ORDERS, **asked, paginationToken=first["pagination"]["nextToken"]).json()
    assert found[60]["orderId"] not in {each["orderId"] for each in rest["orders"]}
    seller.clock.advance(120)
    later = seller.get(ORDERS, lastUpdatedAfter=first["lastUpdatedBefore"]).json()["orders"]
    assert found[60]["orderId"] in {each["orderId"] for each in later}
    assert order(seller, found[60]["orderId"])["createdTime"] == found[60]["createdTime"]


def test_nothing_is_shown_that_is_younger_than_two_minutes() -> None:
    seller = Seller({"stores": ["US"]})
    doors = seller.world.systems["amazon"].control
    assert isinstance(doors, Doors)
    known = seller.orders(lastUpdatedAfter=LONG_AGO)[0]
    changed = seller.clock.now()
    doors.orders.touch(known["orderId"], changed)
    seller.clock.advance(119)
    seller.sign_in()
    assert (
        seller.call("GET", f"{ORDERS}/{known['orderId']}").json()["order"]["lastUpdatedTime"]
        == known["lastUpdatedTime"]
    )
    seller.clock.advance(2)
    shown = seller.call("GET", f"{ORDERS}/{known['orderId']}").json()["order"]
    assert instant(shown["lastUpdatedTime"]) == changed


def test_filters_keep_what_they_name() -> None:
    seller = Seller({**LIVELY, "stores": ["US", "DE"]})
    found = seller.orders()
    german = seller.orders(marketplaceIds="A1PA6795UKMFR9")
    assert {each["salesChannel"]["marketplaceName"] for each in german} == {"Amazon.de"}
    open_ones = seller.orders(fulfillmentStatuses="PENDING,UNSHIPPED")
    assert {each["fulfillment"]["fulfillmentStatus"] for each in open_ones} == {"PENDING", "UNSHIPPED"}
    own = seller.orders(fulfilledBy="MERCHANT")
    assert {each["fulfillment"]["fulfilledBy"] for each in own} == {"MERCHANT"}
    assert 0 < len(german) < len(found)
    assert 0 < len(open_ones) < len(own) < len(found)


def test_orders_reach_two_years_back() -> None:
    seller = Seller({"stores": ["US"], "settlements": 56, "orders_per_day": 1})
    created = min(instant(each["createdTime"]) for each in seller.orders(createdAfter="2020-01-01T00:00:00Z"))
    assert timedelta(days=725) < seller.clock.now() - created <= timedelta(days=730)


# Datasets


def test_only_the_datasets_asked_for_are_there() -> None:
    seller = Seller({"stores": ["US"], **LIVELY})
    bare = seller.get(ORDERS, createdAfter=LONG_AGO).json()["orders"]
    assert set().union(*bare) <= {
        "orderId", "createdTime", "lastUpdatedTime", "programs", "associatedOrders", "salesChannel", "orderItems",
    }  # fmt: skip
    assert set().union(*(item for each in bare for item in each["orderItems"])) == {
        "orderItemId",
        "quantityOrdered",
        "product",
    }
    for dataset, member in {
        "PROCEEDS": "proceeds", "FULFILLMENT": "fulfillment", "BUYER": "buyer", "RECIPIENT": "recipient",
        "PACKAGES": "packages", "PAYMENT": "payment",
    }.items():  # fmt: skip
        one = seller.get(ORDERS, createdAfter=LONG_AGO, includedData=dataset).json()["orders"]
        assert set().union(*one) - set().union(*bare) == {member}


def test_the_buyers_address_is_there_for_the_sellers_own_shipments_only() -> None:
    buyers = {
        each["fulfillment"]["fulfilledBy"]: set(each["buyer"])
        for each in Seller({"stores": ["US"]}).orders()
        if "AMAZON_BUSINESS" not in each.get("programs", [])
    }
    assert buyers == {"AMAZON": {"buyerName"}, "MERCHANT": {"buyerName", "buyerEmail"}}


def test_personal_data_needs_a_role_and_is_absent_or_refused_without_it() -> None:
    silent = Seller({"missing_roles": ["BUYER"]})
    (first, *_) = silent.get(ORDERS, createdAfter=LONG_AGO, includedData="BUYER,RECIPIENT").json()["orders"]
    assert "buyer" not in first
    assert "recipient" in first
    strict = Seller({"missing_roles": ["BUYER"], "switches": {"personal_data_without_role": "refused"}})
    assert strict.get(ORDERS, createdAfter=LONG_AGO, includedData="BUYER").status_code == 403
    assert strict.get(ORDERS, createdAfter=LONG_AGO, includedData="RECIPIENT").status_code == 200


# Lives


def test_every_status_that_is_served_is_met_and_pending_orders_have_no_prices() -> None:
    found = Seller({"stores": ["US"], **LIVELY}).orders()
    statuses = Counter(each["fulfillment"]["fulfillmentStatus"] for each in found)
    assert set(statuses) == {"PENDING", "UNSHIPPED", "SHIPPED", "CANCELLED"}
    for each in found:
        priced = each["fulfillment"]["fulfillmentStatus"] in ("UNSHIPPED", "SHIPPED")
        assert ("proceeds" in each) == priced
        if not priced:
            assert all("price" not in item["product"] and "proceeds" not in item for item in each["orderItems"])
    told = Seller({"stores": ["US"], **LIVELY, "switches": {"pending_shows_prices": True}})
    assert all("proceeds" in each for each in told.orders(fulfillmentStatuses="PENDING"))


def test_an_order_goes_from_pending_to_shipped_and_what_it_was_is_not_seen_again() -> None:
    seller = Seller({"stores": ["US"], **LIVELY})
    seller.orders()
    rows = seller.world.book("amazon").rows("SELECT * FROM {versions} ORDER BY order_id, updated")
    paths: dict[str, list[str]] = {}
    for row in rows:
        paths.setdefault(row["order_id"], []).append(row["status"])
    seen = {tuple(dict.fromkeys(path)) for path in paths.values()}
    assert seen == {
        ("PENDING", "SHIPPED"),
        ("PENDING", "UNSHIPPED", "SHIPPED"),
        ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"),
        ("PENDING", "CANCELLED"),
        ("PENDING", "UNSHIPPED", "CANCELLED"),
        ("SHIPPED",),  # came into view when its tax was corrected
    }


def test_quantities_and_money_shrink_with_what_is_cancelled() -> None:
    seller = Seller({"stores": ["US"], "orders_per_day": 8, "shrinking_rate": 1.0, "cancelled_rate": 0.0})
    seen: dict[str, list[tuple[int, Decimal]]] = {}
    for _ in range(60):
        for each in seller.orders(lastUpdatedAfter="2026-11-18T00:00:00Z", fulfilledBy="MERCHANT"):
            if "proceeds" in each:
                units = sum(item["quantityOrdered"] for item in each["orderItems"])
                seen.setdefault(each["orderId"], []).append((units, value(each["proceeds"]["grandTotal"])))
        seller.clock.advance(3600)
    shrunk = [history for history in seen.values() if history[0] != history[-1]]
    assert len(shrunk) > 2
    for history in shrunk:
        assert history == sorted(history, reverse=True)
        assert history[0][1] > history[-1][1]


def test_a_cancelled_line_is_at_nothing_and_says_who_cancelled_it() -> None:
    found = Seller({"stores": ["US"], **LIVELY}).orders()
    cancelled = [item for each in found for item in each["orderItems"] if item["quantityOrdered"] == 0]
    assert cancelled
    by = {item["cancellation"]["cancellationExecution"]["cancelledBy"] for item in cancelled}
    assert by == {"MERCHANT", "AMAZON"}
    whole = [each for each in found if each["fulfillment"]["fulfillmentStatus"] == "CANCELLED"]
    assert all(item["quantityOrdered"] == 0 for each in whole for item in each["orderItems"])


def test_a_replacement_costs_nothing_and_names_its_original() -> None:
    found = {each["orderId"]: each for each in Seller({"stores": ["US"], **LIVELY}).orders()}
    again = [each for each in found.values() if "associatedOrders" in each]
    assert again
    for each in again:
        (original,) = each["associatedOrders"]
        assert original["associationType"] == "REPLACEMENT_ORIGINAL_ID"
        assert original["orderId"] in found
        if each["fulfillment"]["fulfillmentStatus"] == "SHIPPED":
            assert each["proceeds"]["grandTotal"] == {"amount": "0.00", "currencyCode": "USD"}


def test_orders_of_other_shops_have_no_prices_and_no_store_of_amazons() -> None:
    found = Seller({"stores": ["US"], "switches": {"other_stores_in_na": True}}).orders()
    others = [each for each in found if each["salesChannel"]["channelName"] == "NON_AMAZON"]
    assert others
    for each in others:
        assert each["orderId"].startswith("S01-")
        assert each["salesChannel"]["marketplaceId"] == "A2ZV50J4W1RKNI"
        assert "proceeds" not in each
        assert "buyer" not in each


# Money


def adds_up(proceeds: dict[str, Any], total: str) -> bool:
    parts = {each["type"]: value(each["subtotal"]) for each in proceeds["breakdowns"]}
    discount = abs(parts.pop("DISCOUNT", Decimal(0)))
    return sum(parts.values()) - discount == value(proceeds[total])


@pytest.mark.parametrize(
    ("store", "switches"),
    [
        *((store, {}) for store in ("US", "CA", "UK", "DE", "FR", "JP")),
        ("DE", {"discount_is_negative": False}),
        ("FR", {"eu_item_is_gross": True}),
    ],
)
def test_every_order_adds_up_whatever_the_sign_of_discounts(store: str, switches: dict[str, object]) -> None:
    found = Seller({"stores": [store], **LIVELY, "switches": switches}).orders()
    priced = [each for each in found if "proceeds" in each]
    assert len(priced) > 200
    for each in priced:
        assert adds_up(each["proceeds"], "grandTotal")
        items = [item["proceeds"] for item in each["orderItems"] if "proceeds" in item]
        assert all(adds_up(item, "proceedsTotal") for item in items)
        assert sum(value(item["proceedsTotal"]) for item in items) == value(each["proceeds"]["grandTotal"])
        for breakdown in (part for item in items for part in item["breakdowns"] if "detailedBreakdowns" in part):
            assert sum(value(part["value"]) for part in breakdown["detailedBreakdowns"]) == value(breakdown["subtotal"])


def test_totals_without_the_withheld_tax_do_not_add_up_and_that_is_the_other_reading() -> None:
    found = Seller({"stores": ["US"], "switches": {"grand_total_has_withheld_tax": False}}).orders()
    shown = [adds_up(each["proceeds"], "grandTotal") for each in found if "proceeds" in each]
    assert shown.count(False) > len(shown) / 2


def test_discounts_are_negative_or_positive_as_the_switch_says() -> None:
    def discounts(**switches: object) -> list[Decimal]:
        found = Seller({"stores": ["US"], "orders_per_day": 6, "switches": switches}).orders()
        parts = [part for each in found if "proceeds" in each for part in each["proceeds"]["breakdowns"]]
        return [value(part["subtotal"]) for part in parts if part["type"] == "DISCOUNT"]

    assert all(each < 0 for each in discounts())
    assert discounts(discount_is_negative=False) == [-each for each in discounts()]


def charged_to_buyers(file: File) -> dict[str, Decimal]:
    """By order: what a settlement's sale rows say the buyer paid."""
    charged: dict[str, Decimal] = {}
    for row in file.details:
        if row["transaction-type"] == "Order" and row["amount-type"] in ("ItemPrice", "Promotion"):
            charged[row["order-id"]] = charged.get(row["order-id"], Decimal(0)) + amount(row["amount"])
    return charged


@pytest.mark.parametrize("store", ["US", "DE"])
def test_what_an_order_cost_is_what_its_settlement_says(store: str) -> None:
    seller = Seller({"stores": [store], **LIVELY})
    found = {each["orderId"]: each for each in seller.orders()}
    charged = [pair for file in seller.files() for pair in charged_to_buyers(file).items()]
    assert len(charged) > 200
    for order_id, paid in charged:
        assert value(found[order_id]["proceeds"]["grandTotal"]) == paid
        assert found[order_id]["fulfillment"]["fulfillmentStatus"] == "SHIPPED"


def test_an_order_is_placed_before_it_ships_and_ships_when_its_money_is_posted() -> None:
    seller = Seller({"stores": ["US"]})
    found = {each["orderId"]: each for each in seller.orders()}
    for file in seller.files():
        for row in file.details:
            if row["transaction-type"] != "Order" or row["order-id"].startswith("S01"):
                continue
            posted = datetime.strptime(row["posted-date-time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
            created = instant(found[row["order-id"]]["createdTime"])
            assert timedelta(hours=5) < posted - created < timedelta(hours=60)


def test_limits_and_roles_hold_for_orders_as_for_everything() -> None:
    seller = Seller({"missing_roles": ["getOrder"]})
    statuses = [seller.call("GET", ORDERS, params={"createdAfter": LONG_AGO}).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    seller.clock.advance(178)
    assert seller.call("GET", ORDERS, params={"createdAfter": LONG_AGO}).status_code == 429
    seller.clock.advance(1)
    answer = seller.call("GET", ORDERS, params={"createdAfter": LONG_AGO})
    assert (answer.status_code, answer.headers["x-amzn-ratelimit-limit"]) == (200, "0.0056")
    assert seller.call("GET", f"{ORDERS}/111-0000000-0000000").status_code == 403


def test_a_page_may_be_empty_or_lead_to_itself_when_the_plan_says_so() -> None:
    faults = [
        {"operation": "searchOrders", "fault": "empty_page", "nth": 2},
        {"operation": "searchOrders", "fault": "repeated_token", "nth": 3},
    ]
    seller = Seller({"stores": ["US"]}, faults=faults)
    asked = {"createdAfter": LONG_AGO, "maxResultsPerPage": "10"}
    pages, token = [], ""
    for _ in range(5):
        page = seller.get(ORDERS, **asked, **({"paginationToken": token} if token else {})).json()
        pages.append(len(page["orders"]))
        repeated, token = token, page["pagination"]["nextToken"]
    assert pages == [10, 0, 10, 10, 10]
    assert repeated == token
