"""What can go wrong with the simulated Amazon, one by one, as a bare client meets it."""

from __future__ import annotations

import gzip
from typing import Any

import httpx2
import pytest

from tests.support.sandbox_amazon import DOCUMENTS, LONG_AGO, ORDERS, REPORTS, TRANSACTIONS, V2, Seller

US = "ATVPDKIKX0DER"
ORDER_REPORT = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
ASKED = {"createdAfter": LONG_AGO, "maxResultsPerPage": "10"}


def details(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["details"]


def address(seller: Seller) -> dict[str, Any]:
    """The newest settlement's document, minted now."""
    minted: dict[str, Any] = seller.call("GET", f"{DOCUMENTS}/{seller.listed()[-1]['reportDocumentId']}").json()
    return minted


def test_a_token_may_end_between_two_pages_and_a_new_one_goes_on_with_the_next() -> None:
    seller = Seller({"stores": ["US"]}, faults=[{"operation": "searchOrders", "fault": "expired_session", "nth": 2}])
    following = {**ASKED, "paginationToken": seller.call("GET", ORDERS, params=ASKED).json()["pagination"]["nextToken"]}
    assert details(seller.call("GET", ORDERS, params=following)) == (403, "The access token you provided has expired.")
    seller.sign_in()
    assert seller.call("GET", ORDERS, params=following).status_code == 200


def test_a_rotated_secret_is_refused_while_tokens_that_were_issued_go_on() -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": "rotated_secret", "nth": 1}])
    assert len(seller.listed()) == 6
    refused = seller.exchange()
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert len(seller.listed()) == 6


def test_a_revoked_permission_ends_refresh_token_and_access_token() -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": "revoked_token", "nth": 1}])
    answer = seller.call("GET", REPORTS, params={"reportTypes": V2})
    assert details(answer) == (403, "The access token you provided is revoked, malformed or invalid.")
    refused = seller.exchange()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_download_that_breaks_goes_on_where_it_broke() -> None:
    seller = Seller(faults=[{"operation": "downloadDocument", "fault": "truncated_body", "nth": 1}])
    minted = address(seller)
    with pytest.raises(httpx2.RemoteProtocolError):
        seller.raw("GET", minted["url"])
    whole = seller.raw("GET", minted["url"])
    half = len(whole.content) // 2
    rest = seller.raw("GET", minted["url"], headers={"range": f"bytes={half}-", "if-range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, whole.content[half:])
    assert rest.headers["content-range"] == f"bytes {half}-{len(whole.content) - 1}/{len(whole.content)}"


def test_a_download_that_is_resumed_too_late_is_refused_and_needs_a_new_address() -> None:
    faults: list[dict[str, object]] = [
        {"operation": "downloadDocument", "fault": "truncated_body", "nth": 1},
        {"operation": "downloadDocument", "fault": "expired_address", "nth": 2},
    ]
    seller = Seller(faults=faults)
    minted = address(seller)
    with pytest.raises(httpx2.RemoteProtocolError):
        seller.raw("GET", minted["url"])
    refused = seller.raw("GET", minted["url"], headers={"range": "bytes=100-"})
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/xml")
    assert b"<Code>AccessDenied</Code>" in refused.content
    assert seller.raw("GET", address(seller)["url"]).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "first", "last"),
    [
        ("bytes=0-9", 206, 0, 10),
        ("bytes=5-", 206, 5, None),
        ("bytes=-7", 206, -7, None),
        ("bytes=3-99999999", 206, 3, None),
        ("bytes=-", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("bytes=9-3", 416, 0, 0),
        ("bytes=99999999-", 416, 0, 0),
    ],
)
def test_parts_of_a_document(asked: str, status: int, first: int, last: int | None) -> None:
    seller = Seller()
    minted = address(seller)
    whole = seller.raw("GET", minted["url"]).content
    part = seller.raw("GET", minted["url"], headers={"range": asked})
    assert part.status_code == status
    if status != 416:
        assert part.content == whole[first:last]


def test_a_part_of_another_version_is_the_whole() -> None:
    seller = Seller()
    minted = address(seller)
    answer = seller.raw("GET", minted["url"], headers={"range": "bytes=5-", "if-range": '"another"'})
    assert answer.status_code == 200


def test_a_report_may_be_accepted_without_an_answer_and_is_found_by_looking() -> None:
    seller = Seller(faults=[{"operation": "createReport", "fault": "lost_reply", "nth": 1}])
    with pytest.raises(httpx2.RemoteProtocolError):
        seller.call("POST", REPORTS, json={"reportType": ORDER_REPORT, "marketplaceIds": [US]})
    found = seller.call("GET", REPORTS, params={"reportTypes": ORDER_REPORT}).json()["reports"]
    assert [each["processingStatus"] for each in found] == ["IN_QUEUE"]


def test_the_edge_refuses_in_html() -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": "html_error", "status": 400, "nth": 1}])
    answer = seller.call("GET", REPORTS, params={"reportTypes": V2})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html")
    assert len(seller.listed()) == 6


def test_an_empty_page_has_a_token_that_goes_on() -> None:
    seller = Seller({"stores": ["US"]}, faults=[{"operation": "searchOrders", "fault": "empty_page", "nth": 2}])
    assert len(seller.orders()) == len(Seller({"stores": ["US"]}).orders())


def test_a_repeated_token_leads_in_a_circle() -> None:
    seller = Seller({"stores": ["US"]}, faults=[{"operation": "searchOrders", "fault": "repeated_token", "nth": 1}])
    token = seller.call("GET", ORDERS, params=ASKED).json()["pagination"]["nextToken"]
    again = seller.call("GET", ORDERS, params={**ASKED, "paginationToken": token}).json()
    assert again["pagination"]["nextToken"] == token


@pytest.mark.parametrize("fault", ["http_429", "http_500", "http_503", "error_after_commit"])
def test_what_goes_wrong_has_a_request_id_of_its_own_too(fault: str) -> None:
    seller = Seller(faults=[{"operation": "getReports", "fault": fault, "count": 2, "nth": 1}])
    ids = {seller.call("GET", REPORTS, params={"reportTypes": V2}).headers["x-amzn-requestid"] for _ in range(3)}
    assert len(ids) == 3


def test_login_and_storage_word_what_passes_in_their_own_way() -> None:
    faults: list[dict[str, object]] = [
        {"operation": "token", "fault": "http_503", "nth": 2},
        {"operation": "token", "fault": "http_500", "nth": 3},
        {"operation": "downloadDocument", "fault": "http_503", "nth": 1},
    ]
    seller = Seller(faults=faults)
    minted = address(seller)
    said = [(answer.status_code, answer.json()["error"]) for answer in (seller.exchange(), seller.exchange())]
    assert said == [(503, "temporarily_unavailable"), (500, "server_error")]
    busy = seller.raw("GET", minted["url"])
    assert (busy.status_code, busy.headers["content-type"]) == (503, "application/xml")
    assert b"<Code>SlowDown</Code>" in busy.content


def test_a_burst_of_errors_passes() -> None:
    seller = Seller(faults=[{"operation": "listTransactions", "fault": "http_500", "nth": 2, "count": 3}])
    statuses = [seller.call("GET", TRANSACTIONS, params={"postedAfter": LONG_AGO}).status_code for _ in range(6)]
    assert statuses == [200, 500, 500, 500, 200, 200]


def test_a_gzip_without_its_end_comes_in_an_answer_that_looks_complete() -> None:
    seller = Seller(
        {"switches": {"compression": "gzip"}},
        faults=[{"operation": "downloadDocument", "fault": "truncated_gzip", "nth": 1}],
    )
    minted = address(seller)
    answer = seller.raw("GET", minted["url"])
    assert (answer.status_code, int(answer.headers["content-length"])) == (200, len(answer.content))
    with pytest.raises(EOFError):
        gzip.decompress(answer.content)
    assert gzip.decompress(seller.raw("GET", minted["url"]).content).startswith(b"settlement-id\t")


def test_a_slow_body_takes_its_time_and_is_whole() -> None:
    seller = Seller(faults=[{"operation": "downloadDocument", "fault": "slow_body", "seconds": 90, "nth": 1}])
    minted = address(seller)
    begun = seller.clock.now()
    slow = seller.raw("GET", minted["url"]).content
    assert (seller.clock.now() - begun).total_seconds() == pytest.approx(90)
    assert slow == seller.raw("GET", minted["url"]).content
