"""Reports at the simulated Amazon: what is discovered, what can be asked for, and documents that do not wait."""

import gzip
from typing import Any

import pytest

from tests.support.sandbox_amazon import DOCUMENTS, REPORTS, V2, Seller, cut

SCHEDULES = "/reports/2021-06-30/schedules"
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
US = "ATVPDKIKX0DER"


def message(answer: Any) -> str:
    return str(answer.json()["errors"][0]["message"])


def ask_for(seller: Seller, report_type: str = LISTINGS, **more: object) -> Any:
    return seller.call("POST", REPORTS, json={"reportType": report_type, "marketplaceIds": [US], **more})


def test_settlements_are_discovered_done_with_all_stores_named_and_the_newest_first() -> None:
    page = Seller().call("GET", REPORTS, params={"reportTypes": V2, "processingStatuses": "DONE"}).json()
    assert len(page["reports"]) == 6
    created = [report["createdTime"] for report in page["reports"]]
    assert created == sorted(created, reverse=True)
    for report in page["reports"]:
        assert report["processingStatus"] == "DONE"
        assert report["marketplaceIds"] == [US, "A2ZV50J4W1RKNI", "A1PA6795UKMFR9", "A38D8NSA03LJTC"]
        assert report["createdTime"].endswith("+00:00")


def test_filtering_by_marketplace_does_not_separate_stores() -> None:
    assert len(Seller().listed(marketplaceIds=US)) == 6


def test_pages_hold_ten_by_default_and_a_token_comes_alone() -> None:
    seller = Seller({"stores": ["US", "CA", "DE", "FR"]})
    first = seller.call("GET", REPORTS, params={"reportTypes": V2}).json()
    assert len(first["reports"]) == 10
    token = first["nextToken"]
    second = seller.call("GET", REPORTS, params={"nextToken": token}).json()
    assert len(second["reports"]) == 2
    assert "nextToken" not in second
    both = seller.call("GET", REPORTS, params={"nextToken": token, "pageSize": "10"})
    assert (both.status_code, message(both)) == (400, "nextToken must be the only parameter")


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"reportTypes": V2, "pageSize": "0"},
        {"reportTypes": V2, "pageSize": "101"},
        {"reportTypes": V2, "processingStatuses": "FINISHED"},
        {"reportTypes": V2, "createdSince": "2026-11-01"},
        {"reportTypes": V2, "createdSince": "2026-11-01T00:00:00+09:00"},
        {"reportTypes": V2, "createdSince": "2026-11-01T00:00:00 00:00"},
        {"reportTypes": ",".join([V2] * 11)},
        {"nextToken": "bm90IG91cnM="},
        {"nextToken": "WzEsMl0="},
    ],
)
def test_parameters_that_are_not_understood_are_refused(params: dict[str, str]) -> None:
    refused = Seller().call("GET", REPORTS, params=params)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "InvalidInput")


def test_a_window_of_creation_is_kept() -> None:
    seller = Seller()
    everything = seller.listed()
    since = everything[2]["createdTime"].replace("+00:00", "Z")
    until = everything[4]["createdTime"].replace("+00:00", "Z")
    assert seller.listed(createdSince=since, createdUntil=until) == everything[2:5]


def test_reports_and_documents_are_gone_after_90_days_and_new_ones_have_come() -> None:
    seller = Seller({"stores": ["US"]})
    first = seller.listed()[0]
    seller.clock.advance(90 * 86_400)
    seller.sign_in()
    listed = seller.listed()
    assert first not in listed
    assert len(listed) == 6  # 14 days each, and one is still without its report
    assert seller.call("GET", f"{REPORTS}/{first['reportId']}").status_code == 404
    assert seller.call("GET", f"{DOCUMENTS}/{first['reportDocumentId']}").status_code == 404


@pytest.mark.parametrize(("report_type", "number"), [(V2, "1118"), ("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE", "1117")])
def test_a_settlement_cannot_be_asked_for(report_type: str, number: str) -> None:
    seller = Seller()
    for refused in (
        ask_for(seller, report_type),
        seller.call("POST", SCHEDULES, json={"reportType": report_type, "marketplaceIds": [US], "period": "P1D"}),
    ):
        assert refused.status_code == 400
        assert message(refused) == f"Request for report type {number} is not allowed at this time"


def test_an_ordinary_report_is_queued_worked_on_and_done() -> None:
    seller = Seller()
    asked = ask_for(seller)
    assert asked.status_code == 202
    path = f"{REPORTS}/{asked.json()['reportId']}"
    states = []
    for _ in range(3):
        states.append(seller.call("GET", path).json()["processingStatus"])
        seller.clock.advance(20)
    seller.clock.advance(20)
    done = seller.call("GET", path).json()
    assert states == ["IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS"]
    assert done["processingStatus"] == "DONE"
    assert b"STOOL-OAK-45" in seller.content(done["reportDocumentId"])


def test_no_data_is_cancelled_and_a_fatal_report_explains_itself() -> None:
    seller = Seller({"fatal_types": [LISTINGS]})
    empty = ask_for(seller, ORDERS, dataStartTime="2026-01-01T00:00:00Z", dataEndTime="2026-11-01T00:00:00Z")
    fatal = ask_for(seller)
    seller.clock.advance(60)
    assert seller.call("GET", f"{REPORTS}/{empty.json()['reportId']}").json()["processingStatus"] == "CANCELLED"
    broken = seller.call("GET", f"{REPORTS}/{fatal.json()['reportId']}").json()
    assert broken["processingStatus"] == "FATAL"
    assert seller.content(broken["reportDocumentId"]) == b"The report could not be produced.\n"


def test_a_report_can_be_cancelled_while_it_waits_and_not_later() -> None:
    seller = Seller()
    path = f"{REPORTS}/{ask_for(seller).json()['reportId']}"
    assert seller.call("DELETE", path).status_code == 200
    assert seller.call("GET", path).json()["processingStatus"] == "CANCELLED"
    assert seller.call("DELETE", path).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"marketplaceIds": [US]},
        {"reportType": LISTINGS},
        {"reportType": LISTINGS, "marketplaceIds": []},
        {"reportType": LISTINGS, "marketplaceIds": ["A1VC38T7YXB528"]},
        {"reportType": "GET_EVERYTHING", "marketplaceIds": [US]},
        {"reportType": LISTINGS, "marketplaceIds": [US], "dataStartTime": "yesterday"},
    ],
)
def test_a_report_that_makes_no_sense_is_refused(body: dict[str, object]) -> None:
    assert Seller().call("POST", REPORTS, json=body).status_code == 400


def test_only_json_is_taken() -> None:
    assert Seller().call("POST", REPORTS, content=b"a=b").status_code == 415


def order_report(seller: Seller, start: str, end: str, marketplace_id: str = US) -> list[dict[str, str]]:
    """The lines of an order report, in the encoding of its store."""
    asked = {"reportType": ORDERS, "marketplaceIds": [marketplace_id], "dataStartTime": start, "dataEndTime": end}
    report_id = seller.call("POST", REPORTS, json=asked).json()["reportId"]
    seller.clock.advance(60)
    seller.sign_in()
    report = seller.call("GET", f"{REPORTS}/{report_id}").json()
    if report["processingStatus"] == "CANCELLED":
        return []
    text = seller.content(report["reportDocumentId"]).decode("utf-8" if marketplace_id == US else "cp1252")
    header, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(header, line, strict=True)) for line in lines]


def test_the_order_report_has_the_orders_of_its_days_and_no_others() -> None:
    seller = Seller({"switches": {"other_stores_in_na": True}, "cancelled_rate": 0.5})
    start, end = "2026-10-20T00:00:00Z", "2026-11-19T00:00:00Z"
    lines = order_report(seller, start, end)
    found = {each["orderId"]: each for each in seller.orders(createdAfter=start, createdBefore=end)}
    found = {name: each for name, each in found.items() if each["salesChannel"]["marketplaceName"] != "Amazon.de"}
    assert {line["amazon-order-id"] for line in lines} == set(found)
    for line in lines:
        order = found[line["amazon-order-id"]]
        assert line["purchase-date"] == order["createdTime"][:19] + "+00:00"
        assert line["order-status"].upper() == order["fulfillment"]["fulfillmentStatus"]
        assert line["sales-channel"] == order["salesChannel"]["marketplaceName"]
        assert line["sku"] in {item["product"]["sellerSku"] for item in order["orderItems"]}
    assert {line["order-status"] for line in lines} >= {"Shipped", "Cancelled"}
    assert {line["sales-channel"] for line in lines} == {"Amazon.com", "Non-Amazon US"}


def test_the_order_report_has_the_known_columns_and_prices_where_there_are_any() -> None:
    lines = order_report(
        Seller({"orders_per_day": 6, "cancelled_rate": 0.5}), "2026-10-22T00:00:00Z", "2026-11-21T00:00:00Z"
    )
    assert " ".join(lines[0]) == (
        "amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel"
        " order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax"
        " shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount"
        " ship-city ship-state ship-postal-code ship-country promotion-ids cpf is-business-order purchase-order-number"
        " price-designation"
    )
    for line in lines:
        assert bool(line["item-price"]) == (line["item-status"] in ("Shipped", "Unshipped", "Partially Shipped"))
        assert (line["currency"] == "USD") == bool(line["item-price"])
    discounts = [line["item-promotion-discount"] for line in lines if line["item-promotion-discount"]]
    assert discounts
    assert not any(each.startswith("-") for each in discounts)


def test_an_order_report_reaches_30_days_and_beyond_that_holds_nothing() -> None:
    seller = Seller()
    assert order_report(seller, "2026-10-20T00:00:00Z", "2026-11-19T00:00:00Z")
    assert order_report(seller, "2026-10-20T00:00:00Z", "2026-11-19T00:00:01Z") == []


def test_an_order_report_of_a_european_store_is_in_windows_1252_unless_the_switch_says_utf_8() -> None:
    german = "A1PA6795UKMFR9"
    lines = order_report(Seller({"stores": ["DE"]}), "2026-10-25T00:00:00Z", "2026-11-21T00:00:00Z", german)
    assert any("Ü" in line["sku"] for line in lines)
    plain = Seller({"stores": ["DE"], "switches": {"flat_files_are_regional": False}})
    misread = order_report(plain, "2026-10-25T00:00:00Z", "2026-11-21T00:00:00Z", german)
    assert any("Ãœ" in line["sku"] for line in misread)


def test_near_duplicates_are_cancelled_where_the_switch_says_so() -> None:
    seller = Seller({"switches": {"near_duplicates_are_cancelled": True}})
    ask_for(seller)
    again = ask_for(seller).json()["reportId"]
    seller.clock.advance(60)
    assert seller.call("GET", f"{REPORTS}/{again}").json()["processingStatus"] == "CANCELLED"


def test_a_schedule_is_replaced_by_another_for_the_same_type_and_stores() -> None:
    seller = Seller()
    asked = {"reportType": LISTINGS, "marketplaceIds": [US]}
    seller.call("POST", SCHEDULES, json={**asked, "period": "P1D"})
    kept = seller.call("POST", SCHEDULES, json={**asked, "period": "PT8H"})
    assert kept.status_code == 201
    listed = seller.call("GET", SCHEDULES, params={"reportTypes": LISTINGS}).json()["reportSchedules"]
    assert [(each["reportScheduleId"], each["period"]) for each in listed] == [
        (kept.json()["reportScheduleId"], "PT8H")
    ]
    path = f"{SCHEDULES}/{kept.json()['reportScheduleId']}"
    assert seller.call("DELETE", path).status_code == 200
    assert seller.call("GET", path).status_code == 404
    assert seller.call("POST", SCHEDULES, json={**asked, "period": "P9D"}).status_code == 400


def test_a_schedule_makes_a_report_whenever_its_period_is_over() -> None:
    seller = Seller()
    asked = {
        "reportType": ORDERS,
        "marketplaceIds": [US],
        "period": "P1D",
        "nextReportCreationTime": "2026-11-22T03:00:00Z",
    }
    schedule_id = seller.call("POST", SCHEDULES, json=asked).json()["reportScheduleId"]
    assert seller.listed(reportTypes=ORDERS) == []
    seller.clock.advance(3 * 86_400)
    seller.sign_in()
    made = seller.listed(reportTypes=ORDERS)
    assert [each["createdTime"] for each in made] == [f"2026-11-{day}T03:00:00+00:00" for day in (22, 23, 24)]
    assert {each["reportScheduleId"] for each in made} == {schedule_id}
    assert made[0]["dataStartTime"] == "2026-11-21T03:00:00+00:00"
    assert made[0]["processingStatus"] == "DONE"
    assert b"amazon-order-id" in seller.content(made[0]["reportDocumentId"])
    following = seller.call("GET", f"{SCHEDULES}/{schedule_id}").json()["nextReportCreationTime"]
    assert following == "2026-11-25T03:00:00+00:00"


@pytest.mark.parametrize(
    ("period", "first", "second"),
    [
        ("PT84H", "2026-11-30T00:00:00Z", "2026-12-03T12:00:00+00:00"),
        ("P1M", "2026-12-31T00:00:00Z", "2027-01-28T00:00:00+00:00"),
    ],
)
def test_a_period_is_added_as_the_calendar_has_it(period: str, first: str, second: str) -> None:
    seller = Seller()
    asked = {"reportType": LISTINGS, "marketplaceIds": [US], "period": period, "nextReportCreationTime": first}
    path = f"{SCHEDULES}/{seller.call('POST', SCHEDULES, json=asked).json()['reportScheduleId']}"
    seller.clock.advance(41 * 86_400 if period == "P1M" else 10 * 86_400)
    seller.sign_in()
    assert seller.call("GET", path).json()["nextReportCreationTime"] == second


def minted(seller: Seller, report: int = 0, **params: str) -> dict[str, str]:
    document_id = seller.listed()[report]["reportDocumentId"]
    answer: dict[str, str] = seller.call("GET", f"{DOCUMENTS}/{document_id}", params=params).json()
    return answer


def test_a_document_is_fetched_without_any_header_of_amazons() -> None:
    seller = Seller({"switches": {"compression": "gzip"}})
    document = minted(seller)
    assert document["compressionAlgorithm"] == "GZIP"
    assert document["url"].startswith("http://sandbox.test/amazon/storage/")
    fetched = seller.raw("GET", document["url"])
    assert fetched.headers["content-type"] == "text/plain"
    assert "content-encoding" not in fetched.headers
    assert len(cut(gzip.decompress(fetched.content)).details) > 50
    with_token = seller.raw("GET", document["url"], headers={"x-amz-access-token": seller.token})
    assert with_token.status_code == 403
    assert seller.raw("GET", document["url"], headers={"authorization": "Bearer x"}).status_code == 400


def test_an_address_is_good_for_five_minutes_then_403_with_xml() -> None:
    seller = Seller()
    document = minted(seller)
    seller.clock.advance(300)
    assert seller.raw("GET", document["url"]).status_code == 200
    seller.clock.advance(1)
    expired = seller.raw("GET", document["url"])
    assert (expired.status_code, expired.headers["content-type"]) == (403, "application/xml")
    assert "Request has expired" in expired.text


def test_an_address_that_was_changed_is_refused() -> None:
    seller = Seller()
    document = minted(seller)
    changed = document["url"].replace("X-Amz-Expires=300", "X-Amz-Expires=9000")
    assert "SignatureDoesNotMatch" in seller.raw("GET", changed).text


def test_zipped_content_may_be_announced_by_its_headers_instead() -> None:
    seller = Seller({"switches": {"compression": "gzip"}})
    document = minted(seller, enableContentEncodingUrlHeader="true")
    fetched = seller.raw("GET", document["url"])
    assert fetched.headers["content-encoding"] == "gzip"
    assert fetched.content.startswith(b"settlement-id\t")  # the client has unzipped it


def test_documents_are_plain_or_zipped_and_may_not_say_so() -> None:
    plain = Seller({"switches": {"compression": "plain"}})
    document = minted(plain)
    assert "compressionAlgorithm" not in document
    assert plain.raw("GET", document["url"]).content.startswith(b"settlement-id\t")

    silent = Seller({"switches": {"compression": "gzip", "says_gzip": False}})
    document = minted(silent)
    assert "compressionAlgorithm" not in document
    assert silent.raw("GET", document["url"]).content.startswith(b"\x1f\x8b")


def test_a_cut_document_looks_complete_until_it_is_unzipped() -> None:
    faults = [{"operation": "downloadDocument", "fault": "truncated_gzip", "nth": 1}]
    seller = Seller({"switches": {"compression": "gzip"}}, faults=faults)
    document = minted(seller)
    with pytest.raises(EOFError):
        gzip.decompress(seller.raw("GET", document["url"]).content)
    assert gzip.decompress(seller.raw("GET", document["url"]).content)
