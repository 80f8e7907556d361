"""Clients that others wrote, against a served sandbox: what they understand of each answer is what was sent.

Amazon's own generated client (``amzn-sp-api``) and the one that most people use (``python-amazon-sp-api``). Neither
carries types; they are imported by name, and raise no warning of their own under the suite's filter.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ml_connector.sandbox.amazon.gateway import ROUTES
from tests.support.amazon_served import served_amazon

Answer = TypeVar("Answer")

US, NON_AMAZON, DE = "ATVPDKIKX0DER", "A2ZV50J4W1RKNI", "A1PA6795UKMFR9"
V2 = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
ORDER_REPORT = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
EVERYTHING = ["PROCEEDS", "PROMOTION", "CANCELLATION", "FULFILLMENT", "EXPENSE", "TAX", "PACKAGES", "PAYMENT", "BUYER", "RECIPIENT"]  # fmt: skip
LISTED = ["summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships", "productTypes"]  # fmt: skip
LONG_AGO = "2020-01-01T00:00:00Z"
SCENARIO = """
seed = 1
[amazon]
stores = ["US", "DE"]
orders_per_day = 10
refund_rate = 0.2
cancelled_rate = 0.2
replacement_rate = 0.1
shrinking_rate = 0.4
failed_payout = ["DE:1"]
bank_currency = "EUR"
[amazon.switches]
other_stores_in_na = true
listing_delay_minutes = 1
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("clients") / "scenario.toml"
    file.write_text(SCENARIO, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def amazon(scenario: Path) -> Iterator[dict[str, Any]]:
    with served_amazon(scenario, speed=100) as announced:
        yield announced


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


class Amazons:
    """Amazon's client, and what it was sent last."""

    def __init__(self, amazon: dict[str, Any]) -> None:
        # Without a default configuration each model that is made hangs one more handler into the log.
        configuration = module("spapi.configuration").Configuration
        configuration.set_default(configuration())
        config = module("spapi.auth.credentials").SPAPIConfig(
            amazon["client_id"], amazon["client_secret"], amazon["refresh_token"]
        )
        ends = {"oauth_endpoint": amazon["token_url"], "endpoint": amazon["base_url"]}
        self._client = module("spapi.client").SPAPIClient(config, **ends).api_client

    def api(self, folder: str, name: str) -> Any:
        return getattr(module(f"spapi.api.{folder}"), name)(self._client)

    def understood(self, answer: Any) -> Any:
        """What the client made of an answer, key for key what was sent, but for what is null or absent."""
        sent = without_nulls(json.loads(self._client.last_response.data))
        understood = in_the_words_of(sent, in_the_names_of_the_api(answer))
        assert understood == sent
        return understood

    def close(self) -> None:
        self._client.rest_client.pool_manager.clear()

    def now(self) -> datetime:
        """The sandbox's own time, as its last answer says."""
        return parsedate_to_datetime(self._client.last_response.getheaders()["date"])

    def finished(self, api: Any, report_id: str) -> Any:
        """A report, asked for again and again until it is there. It takes the sandbox less than a second."""
        waiting = ("IN_QUEUE", "IN_PROGRESS")
        return self.at_last(
            lambda: self.understood(api.get_report(report_id)), lambda report: report["processingStatus"] not in waiting
        )

    def at_last(self, read: Callable[[], Any], is_there: Callable[[Any], bool]) -> Any:
        """What is read, again and again, as fast as the sandbox allows, until it is what is waited for."""
        for _ in range(10_000):
            try:
                found = read()
            except module("spapi.rest").ApiException as refused:
                if refused.status != 429:
                    raise
            else:
                if is_there(found):
                    return found
        raise AssertionError("it never came")

    def refusal(self, call: Callable[..., Any], **parameters: Any) -> tuple[int, str]:
        """Status and code of a call that must be refused."""
        with pytest.raises(module("spapi.rest").ApiException) as refused:
            call(**parameters)
        return refused.value.status, json.loads(refused.value.body)["errors"][0]["code"]


def module(name: str) -> Any:
    return importlib.import_module(name)


def in_the_names_of_the_api(value: Any) -> Any:
    """A model's ``to_dict`` speaks Python: its own table of names leads back to the API's."""
    if isinstance(value, list):
        return [in_the_names_of_the_api(each) for each in value]
    if not hasattr(value, "attribute_map"):
        return value
    members = {name: getattr(value, attribute) for attribute, name in value.attribute_map.items()}
    assert set(value.to_dict()) == set(value.attribute_map)
    return {name: in_the_names_of_the_api(each) for name, each in members.items() if each is not None}


def in_the_words_of(sent: Any, understood: Any) -> Any:
    """Where ``python-dateutil`` is installed, the client makes instants of texts: the text again, where it is the same instant."""
    if isinstance(understood, datetime) and isinstance(sent, str):
        return sent if understood == datetime.fromisoformat(sent) else understood
    if isinstance(understood, dict) and isinstance(sent, dict):
        return {name: in_the_words_of(sent.get(name), each) for name, each in understood.items()}
    if isinstance(understood, list) and isinstance(sent, list) and len(understood) == len(sent):
        return [in_the_words_of(*pair) for pair in zip(sent, understood, strict=True)]
    return understood


@pytest.fixture(scope="module")
def amazons(amazon: dict[str, Any]) -> Iterator[Amazons]:
    client = Amazons(amazon)
    yield client
    client.close()


@pytest.fixture(scope="module")
def unhurried(scenario: Path) -> Iterator[Amazons]:
    """Where time is as slow as here: what waits in a queue still waits when the next request comes."""
    with served_amazon(scenario) as announced:
        client = Amazons(announced)
        yield client
        client.close()


def ago(now: datetime, days: int) -> str:
    return (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pages(call: Callable[..., Any], token_name: str, token_of: Callable[[Any], str | None]) -> Iterator[Any]:
    page = call()
    yield page
    while token := token_of(page):
        page = call(**{token_name: token})
        yield page


def test_every_operation_that_is_served_is_called_by_amazons_client_in_this_file() -> None:
    called = Path(__file__).read_text(encoding="utf-8")
    methods = {operation: re.sub(r"([A-Z])", r"_\1", operation).lower() for *_, operation in ROUTES}
    assert [operation for operation, method in methods.items() if f".{method}" not in called] == []


def test_every_order(amazons: Amazons) -> None:
    api = amazons.api("orders_v2026_01_01.search_orders_api", "SearchOrdersApi")
    asked = {"created_after": LONG_AGO, "included_data": EVERYTHING, "marketplace_ids": [US, NON_AMAZON, DE]}
    orders = [
        order
        for page in pages(
            lambda **token: amazons.understood(api.search_orders(**asked, **token)),
            "pagination_token",
            lambda page: page.get("pagination", {}).get("nextToken"),
        )
        for order in page["orders"]
    ]
    assert len(orders) > 1000
    assert {each["fulfillment"]["fulfillmentStatus"] for each in orders} >= {
        "PENDING",
        "UNSHIPPED",
        "SHIPPED",
        "CANCELLED",
    }
    assert {each["salesChannel"]["channelName"] for each in orders} == {"AMAZON", "NON_AMAZON"}
    getting = amazons.api("orders_v2026_01_01.get_order_api", "GetOrderApi")
    settled = orders[0]
    assert amazons.understood(getting.get_order(settled["orderId"], included_data=EVERYTHING))["order"] == settled
    assert amazons.refusal(getting.get_order, order_id="111-0000000-0000000") == (404, "NotFound")


def test_a_shipment_is_confirmed(amazons: Amazons) -> None:
    searching = amazons.api("orders_v2026_01_01.search_orders_api", "SearchOrdersApi")
    getting = amazons.api("orders_v2026_01_01.get_order_api", "GetOrderApi")
    api = amazons.api("orders_v0.orders_v0_api", "OrdersV0Api")
    asked = {"fulfillment_statuses": ["UNSHIPPED"], "fulfilled_by": ["MERCHANT"], "marketplace_ids": [US]}
    found = amazons.understood(searching.search_orders(created_after=LONG_AGO, **asked))["orders"]
    confirmed = next(order["orderId"] for order in found if is_confirmed(api, order, ago(amazons.now(), 0)))
    amazons.at_last(lambda: tracked(amazons, getting, confirmed), lambda numbers: numbers == ["1Z999AA10123456784"])


def is_confirmed(api: Any, order: dict[str, Any], shipped: str) -> bool:
    """Can it be? Where the buyer is about to cancel units, it cannot."""
    models, (item, *_) = module("spapi.models.orders_v0"), order["orderItems"]
    line = models.ConfirmShipmentOrderItem(order_item_id=item["orderItemId"], quantity=item["quantityOrdered"])
    detail = models.PackageDetail(
        package_reference_id="1", carrier_code="UPS", tracking_number="1Z999AA10123456784", ship_date=shipped,
        order_items=[line],
    )  # fmt: skip
    try:
        api.confirm_shipment(order["orderId"], models.ConfirmShipmentRequest(package_detail=detail, marketplace_id=US))
    except module("spapi.rest").ApiException as refused:
        if refused.status == 400:
            return False
        raise
    return True


def tracked(amazons: Amazons, getting: Any, order_id: str) -> list[str]:
    order = amazons.understood(getting.get_order(order_id, included_data=["PACKAGES"]))["order"]
    return [each["trackingNumber"] for each in order.get("packages", [])]


def test_every_transaction(amazons: Amazons) -> None:
    api = amazons.api("finances_v2024_06_19.finances_v2024_api", "FinancesV2024Api")
    amazons.understood(api.list_balances())
    amazons.understood(
        api.list_balances(as_of_date=amazons.now().date(), marketplace_ids=[US], balance_type="DEFERRED")
    )
    since = ago(amazons.now(), 120)
    found = [
        each
        for page in pages(
            lambda **token: amazons.understood(api.list_transactions(posted_after=since, **token))["payload"],
            "next_token",
            lambda page: page.get("nextToken"),
        )
        for each in page["transactions"]
    ]
    assert len(found) > 1000
    assert {each["transactionStatus"].upper() for each in found} == {"DEFERRED", "RELEASED", "DEFERRED_RELEASED"}
    related = {each["relatedIdentifierName"] for one in found for each in one["relatedIdentifiers"]}
    assert related == {
        "ORDER_ID", "SHIPMENT_ID", "REFUND_ID", "FINANCIAL_EVENT_GROUP_ID", "SETTLEMENT_ID", "DEFERRED_TRANSACTION_ID",
        "RELEASE_TRANSACTION_ID",
    }  # fmt: skip
    (settlement, *_) = amazons.understood(api.list_summary())["summaries"]
    (by,) = settlement["relatedIdentifiers"]
    asked = {"related_identifier_name": "SETTLEMENT_ID", "related_identifier_value": by["relatedIdentifierValue"]}
    assert amazons.understood(api.list_summary(**asked))["summaries"] == [settlement]


def test_groups_and_payouts(amazons: Amazons) -> None:
    groups = amazons.api("finances_v0.finances_v0_api", "FinancesV0Api")
    listed = amazons.understood(groups.list_financial_event_groups(max_results_per_page=100))["payload"]
    assert {each["ProcessingStatus"] for each in listed["FinancialEventGroupList"]} == {"Open", "Closed"}
    assert any("ConvertedTotal" in each for each in listed["FinancialEventGroupList"])
    transfers = amazons.api("transfers_v2024_06_01.transfers_api", "TransfersApi")
    payouts = amazons.understood(transfers.list_payouts(marketplace_ids=[DE]))["payouts"]
    assert {each["currentStatus"] for each in payouts} >= {"PAID", "FAILED"}
    assert amazons.refusal(transfers.list_payouts, marketplace_ids=[US]) == (403, "Unauthorized")


def test_catalog_and_sellers(amazons: Amazons, amazon: dict[str, Any]) -> None:
    catalog = amazons.api("catalogitems_v2022_04_01.catalog_api", "CatalogApi")
    by_sku = {"identifiers": ["STOOL-OAK-45", "LANTERN-S"], "identifiers_type": "SKU", "seller_id": amazon["seller_id"]}
    datasets = ["summaries", "identifiers", "productTypes"]
    found = amazons.understood(catalog.search_catalog_items([US], **by_sku, included_data=datasets))["items"]
    assert [each["asin"] for each in found] == ["B0GHSTL045", "B0GHLNT001"]
    assert amazons.understood(catalog.get_catalog_item("B0GHSTL045", [US], included_data=datasets)) == found[0]
    sellers = amazons.api("sellers_v1.sellers_api", "SellersApi")
    amazons.understood(sellers.get_marketplace_participations())
    amazons.understood(sellers.get_account())


def test_listings_and_stock(amazons: Amazons, amazon: dict[str, Any]) -> None:
    api = amazons.api("listings_items_v2021_08_01.listings_api", "ListingsApi")
    models, own = module("spapi.models.listings_items_v2021_08_01"), amazon["seller_id"]
    page = amazons.understood(api.search_listings_items(own, [US], included_data=LISTED, page_size=5))
    rest = amazons.understood(
        api.search_listings_items(
            own, [US], included_data=LISTED, page_size=5, page_token=page["pagination"]["nextToken"]
        )
    )
    assert page["numberOfResults"] == len(page["items"]) + len(rest["items"]) == 8
    quoted = 'THROW "SOFT" 130-MFN'
    assert amazons.understood(api.get_listings_item(own, quoted, [US]))["sku"] == quoted

    more = {"fulfillment_channel_code": "DEFAULT", "quantity": 17}
    patch = models.PatchOperation(op="merge", path="/attributes/fulfillment_availability", value=[more])
    body = models.ListingsItemPatchRequest(product_type="PRODUCT", patches=[patch])
    answer = amazons.understood(
        api.patch_listings_item(own, quoted, [US], body, included_data=["issues", "identifiers"])
    )
    assert (answer["status"], answer["issues"]) == ("ACCEPTED", [])
    amazons.at_last(
        lambda: amazons.understood(api.get_listings_item(own, quoted, [US], included_data=LISTED)),
        lambda listing: listing["fulfillmentAvailability"][0]["quantity"] <= 17,
    )
    wrong = models.ListingsItemPatchRequest(
        product_type="PRODUCT", patches=[models.PatchOperation(op="add", path="/x")]
    )
    assert amazons.refusal(api.patch_listings_item, body=wrong, seller_id=own, sku=quoted, marketplace_ids=[US]) == (
        400,
        "BAD_REQUEST",
    )
    assert amazons.refusal(api.get_listings_item, seller_id=own, sku="A/B", marketplace_ids=[US]) == (404, "NOT_FOUND")

    inventory = amazons.api("fba_inventory_v1.fba_inventory_api", "FbaInventoryApi")
    summaries = amazons.understood(inventory.get_inventory_summaries("Marketplace", US, [US], details=True))
    assert len(summaries["payload"]["inventorySummaries"]) == 4


def test_a_feed_is_uploaded_worked_on_and_reported(amazons: Amazons, amazon: dict[str, Any]) -> None:
    api, models = amazons.api("feeds_v2021_06_30.feeds_api", "FeedsApi"), module("spapi.models.feeds_v2021_06_30")
    typed, feed_type = "application/json; charset=UTF-8", "JSON_LISTINGS_FEED"
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]}  # fmt: skip
    message = {"messageId": 1, "sku": "BOWL-SET-6-MFN", "operationType": "PATCH", "productType": "PRODUCT", "patches": [patch]}  # fmt: skip
    content = {"header": {"sellerId": amazon["seller_id"], "version": "2.0"}, "messages": [message]}
    document_id = uploaded(amazons, api, json.dumps(content).encode(), typed)
    spec = models.CreateFeedSpecification(feed_type=feed_type, marketplace_ids=[US], input_feed_document_id=document_id)
    feed_id = amazons.understood(api.create_feed(spec))["feedId"]
    another = amazons.understood(api.create_feed(spec))["feedId"]
    done = amazons.at_last(
        lambda: amazons.understood(api.get_feed(feed_id)), lambda feed: "resultFeedDocumentId" in feed
    )
    assert done["processingStatus"] == "DONE"
    result = done["resultFeedDocumentId"]
    report = json.loads(downloaded(lambda: amazons.understood(api.get_feed_document(result))))
    assert report["summary"]["messagesAccepted"] == 1
    listed = amazons.understood(api.get_feeds(feed_types=[feed_type], page_size=1))
    rest = amazons.understood(api.get_feeds(next_token=listed["nextToken"]))
    assert [each["feedId"] for each in (*listed["feeds"], *rest["feeds"])] == [another, feed_id]


def uploaded(amazons: Amazons, api: Any, content: bytes, typed: str) -> str:
    """The id of a feed document with this content."""
    spec = module("spapi.models.feeds_v2021_06_30").CreateFeedDocumentSpecification(content_type=typed)

    def put() -> str:
        document = amazons.understood(api.create_feed_document(spec))
        sent = urllib.request.Request(document["url"], content, {"content-type": typed}, method="PUT")
        with urllib.request.urlopen(sent):
            return str(document["feedDocumentId"])

    return while_it_lasts(put)


def test_what_waits_in_a_queue_can_be_cancelled(unhurried: Amazons) -> None:
    feeds = unhurried.api("feeds_v2021_06_30.feeds_api", "FeedsApi")
    reports = unhurried.api("reports_v2021_06_30.reports_api", "ReportsApi")
    models = module("spapi.models.feeds_v2021_06_30")
    spec = models.CreateFeedSpecification(
        feed_type="JSON_LISTINGS_FEED",
        marketplace_ids=[US],
        input_feed_document_id=uploaded(unhurried, feeds, b"{}", "application/json"),
    )
    feed_id = unhurried.understood(feeds.create_feed(spec))["feedId"]
    feeds.cancel_feed(feed_id)
    assert unhurried.understood(feeds.get_feed(feed_id))["processingStatus"] == "CANCELLED"
    wanted = {"report_type": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplace_ids": [US]}
    asked = module("spapi.models.reports_v2021_06_30").CreateReportSpecification(**wanted)
    report_id = unhurried.understood(reports.create_report(asked))["reportId"]
    reports.cancel_report(report_id)
    assert unhurried.understood(reports.get_report(report_id))["processingStatus"] == "CANCELLED"


@pytest.mark.parametrize(
    ("folder", "name", "call", "parameters"),
    [
        ("orders_v0.orders_v0_api", "OrdersV0Api", "get_orders", {"marketplace_ids": [US], "created_after": LONG_AGO}),
        ("finances_v0.finances_v0_api", "FinancesV0Api", "list_financial_events", {}),
        ("transfers_v2024_06_01.transfers_api", "TransfersApi", "get_payment_methods", {"marketplace_id": US}),
        ("tokens_v2021_03_01.tokens_api", "TokensApi", "create_restricted_data_token", {"body": {}}),
        ("notifications_v1.notifications_api", "NotificationsApi", "get_destinations", {}),
        ("datakiosk_v2023_11_15.queries_api", "QueriesApi", "get_queries", {}),
    ],
)
def test_what_is_not_served_is_refused_as_the_gateway_does(
    amazons: Amazons, folder: str, name: str, call: str, parameters: dict[str, Any]
) -> None:
    assert amazons.refusal(getattr(amazons.api(folder, name), call), **parameters) == (403, "Unauthorized")


def test_reports_of_both_kinds_and_schedules(amazons: Amazons) -> None:
    api = amazons.api("reports_v2021_06_30.reports_api", "ReportsApi")
    models = module("spapi.models.reports_v2021_06_30")
    settlement = amazons.understood(api.get_reports(report_types=[V2], processing_statuses=["DONE"]))["reports"][0]
    amazons.understood(api.get_report(settlement["reportId"]))
    document_id = settlement["reportDocumentId"]
    settled = downloaded(lambda: amazons.understood(api.get_report_document(document_id)))
    assert settled.startswith(b"settlement-id\t")

    spec = models.CreateReportSpecification(
        report_type=ORDER_REPORT,
        marketplace_ids=[US],
        data_start_time=ago(amazons.now(), 30),
        data_end_time=ago(amazons.now(), 0),
    )
    asked = amazons.understood(api.create_report(spec))["reportId"]
    report = amazons.finished(api, asked)
    assert report["processingStatus"] == "DONE"
    orders = downloaded(lambda: amazons.understood(api.get_report_document(report["reportDocumentId"])))
    assert orders.startswith(b"amazon-order-id\tmerchant-order-id\tpurchase-date\t")
    assert amazons.refusal(api.cancel_report, report_id=asked) == (400, "InvalidInput")

    every_day = {"report_type": ORDER_REPORT, "marketplace_ids": [US], "period": "P1D"}
    plan = models.CreateReportScheduleSpecification(**every_day, next_report_creation_time=ago(amazons.now(), -1))
    schedule = amazons.understood(api.create_report_schedule(plan))["reportScheduleId"]
    amazons.understood(api.get_report_schedule(schedule))
    amazons.understood(api.get_report_schedules([ORDER_REPORT]))
    api.cancel_report_schedule(schedule)
    assert amazons.refusal(api.get_report_schedule, report_schedule_id=schedule) == (404, "NotFound")


def downloaded(minted: Callable[[], dict[str, Any]]) -> bytes:
    """A document's content, unzipped."""

    def get() -> bytes:
        document = minted()
        with urllib.request.urlopen(document["url"]) as answer:
            content: bytes = answer.read()
        return gzip.decompress(content) if document.get("compressionAlgorithm") == "GZIP" else content

    return while_it_lasts(get)


def while_it_lasts(use: Callable[[], Answer]) -> Answer:
    """Use an address that is made for it. It lasts three seconds here: where the machine is that busy, there is another."""
    for _ in range(5):
        try:
            return use()
        except urllib.error.HTTPError as refused:
            with refused:
                if refused.code != 403:
                    raise
    raise AssertionError("no address lasted long enough")


def test_instants_in_utc_are_taken_however_they_are_written_and_no_others(amazons: Amazons) -> None:
    api = amazons.api("orders_v2026_01_01.search_orders_api", "SearchOrdersApi")
    amazons.understood(api.search_orders(created_after=datetime(2026, 1, 1, tzinfo=UTC), max_results_per_page=1))
    for refused in ("2026-01-01T00:00:00+09:00", "2026-01-01T00:00:00-00:00", "2026-01-01T00:00:00", "2026-01-01"):
        assert amazons.refusal(api.search_orders, created_after=refused) == (400, "InvalidInput")


class Theirs:
    """The other client, with its endpoint and its token class pointed at the sandbox."""

    def __init__(self, amazon: dict[str, Any]) -> None:
        scheme, _, rest = amazon["token_url"].partition("://")
        host, _, path = rest.partition("/")
        tokens = module("sp_api.auth").AccessTokenClient
        self._token_class = type("Tokens", (tokens,), {"scheme": f"{scheme}://", "host": host, "path": f"/{path}"})
        self._credentials = {
            "refresh_token": amazon["refresh_token"],
            "lwa_app_id": amazon["client_id"],
            "lwa_client_secret": amazon["client_secret"],
        }
        self._base_url = amazon["base_url"]
        self._made: list[Any] = []

    def close(self) -> None:
        for client in self._made:
            client.close()
            client._auth._transport.close()

    def client(self, name: str, version: str | None = None) -> Any:
        # It keeps a token for an hour of its own time, which is a hundred times as long as one lives here.
        module("sp_api.auth.access_token_client").cache.clear()
        made = getattr(module("sp_api.api"), name)(
            marketplace=module("sp_api.base").Marketplaces.US,
            credentials=self._credentials,
            auth_token_client_class=self._token_class,
            **({"version": version} if version else {}),
        )
        made.endpoint = self._base_url
        self._made.append(made)
        return made


@pytest.fixture(scope="module")
def their_world(scenario: Path) -> Iterator[dict[str, Any]]:
    """A world of its own: the two clients would share one seller's quota."""
    with served_amazon(scenario, speed=100) as announced:
        yield announced


@pytest.fixture(scope="module")
def theirs(their_world: dict[str, Any]) -> Iterator[Theirs]:
    client = Theirs(their_world)
    yield client
    client.close()


@pytest.fixture(scope="module")
def theirs_id(their_world: dict[str, Any]) -> str:
    return str(their_world["seller_id"])


def all_pages(call: Callable[..., Any], token_name: str, **asked: Any) -> Iterator[Any]:
    load_all_pages = module("sp_api.util").load_all_pages
    yield from load_all_pages(throttle_by_seconds=0, next_token_param=token_name)(call)(**asked)


def test_the_other_client_pages_a_thousand_orders(theirs: Theirs) -> None:
    orders = theirs.client("Orders", "2026-01-01")
    asked = {"createdAfter": LONG_AGO, "marketplaceIds": [US, DE], "includedData": ["PROCEEDS", "FULFILLMENT"]}
    found = [
        order
        for page in all_pages(orders.search_orders, "paginationToken", **asked)
        for order in page.payload["orders"]
    ]
    assert len({order["orderId"] for order in found}) == len(found) > 1000
    assert orders.get_order(found[0]["orderId"]).payload["order"]["orderId"] == found[0]["orderId"]


def test_the_other_client_pages_a_thousand_transactions(theirs: Theirs) -> None:
    finances = theirs.client("Finances", "2024-06-19")
    now = parsedate_to_datetime(theirs.client("Sellers").get_marketplace_participation().headers["date"])
    pages = list(all_pages(finances.list_transactions, "nextToken", postedAfter=ago(now, 120)))
    found = [each for page in pages for each in page.payload["transactions"]]
    assert len({each["transactionId"] for each in found}) == len(found) > 1000
    assert any(not page.payload["transactions"] for page in pages)


def test_the_other_client_reads_reports_groups_and_the_catalog(theirs: Theirs) -> None:
    reports = theirs.client("Reports")
    (first, *_) = reports.get_reports(reportTypes=[V2], processingStatuses=["DONE"]).payload["reports"]
    document = reports.get_report_document(first["reportDocumentId"], download=True).payload["document"]
    assert document.startswith("settlement-id\t")
    asked = reports.create_report(reportType=ORDER_REPORT, marketplaceIds=[US], dataStartTime=LONG_AGO)
    assert asked.payload["reportId"]
    groups = theirs.client("Finances", "v0").list_financial_event_groups(MaxResultsPerPage=100)
    assert groups.payload["FinancialEventGroupList"]
    catalog = theirs.client("CatalogItems", "2022-04-01")
    found = catalog.search_catalog_items(keywords=["oak"], marketplaceIds=[US], includedData=["summaries"])
    assert [item["asin"] for item in found.payload["items"]] == ["B0GHSTL045"]


def test_the_other_client_changes_listings_reads_stock_and_submits_a_feed(theirs: Theirs, theirs_id: str) -> None:
    listings = theirs.client("ListingsItems", "2021-08-01")
    value = {"fulfillment_channel_code": "DEFAULT", "quantity": 3}
    patch = {"op": "merge", "path": "/attributes/fulfillment_availability", "value": [value]}
    body, sku = {"productType": "PRODUCT", "patches": [patch]}, 'THROW "SOFT" 130-MFN'
    assert listings.patch_listings_item(theirs_id, sku, marketplaceIds=[US], body=body).payload["status"] == "ACCEPTED"
    assert listings.get_listings_item(theirs_id, sku, marketplaceIds=[US]).payload["sku"] == sku
    assert listings.search_listings_items(theirs_id, marketplaceIds=[US]).payload["numberOfResults"] == 8
    stock = theirs.client("Inventories").get_inventory_summary_marketplace(details=True, marketplaceIds=[US])
    assert len(stock.payload["inventorySummaries"]) == 4
    message = {"messageId": 1, "sku": sku, "operationType": "PATCH", **body}
    feed = {"header": {"sellerId": theirs_id, "version": "2.0"}, "messages": [message]}
    feeds = theirs.client("Feeds")
    feeds.submit_feed(
        "JSON_LISTINGS_FEED",
        io.BytesIO(json.dumps(feed).encode()),
        content_type="application/json",
        marketplaceIds=[US],
    )
    (found,) = feeds.get_feeds(feedTypes=["JSON_LISTINGS_FEED"]).payload["feeds"]
    assert found["processingStatus"] in ("IN_QUEUE", "IN_PROGRESS", "DONE")


@pytest.mark.parametrize(
    ("name", "version", "call", "asked"),
    [
        ("Orders", "v0", "get_orders", {"CreatedAfter": LONG_AGO}),
        ("Finances", "v0", "list_financial_events", {}),
        ("Notifications", None, "get_destinations", {}),
        ("Tokens", None, "create_restricted_data_token", {"restrictedResources": []}),
    ],
)
def test_the_other_client_is_refused_what_is_not_served(
    theirs: Theirs, name: str, version: str | None, call: str, asked: dict[str, Any]
) -> None:
    with pytest.raises(module("sp_api.base").SellingApiForbiddenException):
        getattr(theirs.client(name, version), call)(**asked)
