"""Settlements are discovered page by page, documents fetched until they are whole, ordinary reports ordered once."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.documents import DOWNLOAD_TRIES, Download, FileSink
from ml_connector.amazon.reports import PAGES_MAX, SETTLEMENT_REPORT
from ml_connector.domain.errors import BadAnswer, LimitExceeded, RefusedByServer, Unavailable, WrongUse
from tests.support.amazon import Handler, Rig, answer, error, rig
from tests.support.logs import Logged

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
ORDINARY = "GET_MERCHANT_LISTINGS_ALL_DATA"
US = "ATVPDKIKX0DER"


def report(report_id: str, created: str = "2026-11-10T02:00:00+00:00", **more: Any) -> dict[str, Any]:
    return {
        "reportId": report_id,
        "reportType": SETTLEMENT_REPORT,
        "processingStatus": "DONE",
        "createdTime": created,
        "reportDocumentId": f"doc-{report_id}",
        "marketplaceIds": [US],
        **more,
    }


def discover(api: Handler) -> tuple[list[str], Rig]:
    r = rig(api)
    found = asyncio.run(r.reports.discover_settlements(SINCE))
    return [report.report_id for report in found], r


# --- discovery ---------------------------------------------------------------------------------------------------------


def test_discovery_asks_for_finished_settlements_since_a_named_moment() -> None:
    _, r = discover(lambda _request: answer({"reports": []}))

    assert r.amazon.requests[0].url.raw_path.decode() == (
        "/reports/2021-06-30/reports?reportTypes=GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2&processingStatuses=DONE"
        "&pageSize=100&createdSince=2026-11-01T00%3A00%3A00Z"
    )


def test_the_next_page_is_asked_for_by_its_token_alone() -> None:
    pages = [
        answer({"reports": [report("1")], "nextToken": "a+b/c="}),
        answer({"reports": [report("2")], "nextToken": ""}),
    ]

    found, r = discover(lambda _request: pages.pop(0))

    assert found == ["1", "2"]
    assert r.amazon.requests[1].url.query == b"nextToken=a%2Bb%2Fc%3D"


def test_reports_come_oldest_first_and_each_once() -> None:
    pages = [
        answer({"reports": [report("3", "2026-11-12T00:00:00Z"), report("2")], "nextToken": "t"}),
        answer({"reports": [report("2"), report("1", "2026-11-09T00:00:00Z")], "nextToken": None}),
    ]

    found, _ = discover(lambda _request: pages.pop(0))

    assert found == ["1", "2", "3"]


def test_what_is_not_finished_or_no_settlement_is_left_out() -> None:
    odd = [
        report("1", processingStatus="IN_PROGRESS"),
        report("2", reportDocumentId=None),
        report("3", reportType=ORDINARY),
        report("4"),
    ]

    found, _ = discover(lambda _request: answer({"reports": odd}))

    assert found == ["4"]


def test_a_list_that_goes_in_circles_is_refused() -> None:
    with pytest.raises(BadAnswer, match="circles"):
        discover(lambda _request: answer({"reports": [report("1")], "nextToken": "same"}))


def test_a_list_without_end_is_refused() -> None:
    count = iter(range(10_000))

    def api(_request: httpx2.Request) -> httpx2.Response:
        return answer({"reports": [], "nextToken": f"t{next(count)}"}, headers={"x-amzn-ratelimit-limit": "1000"})

    with pytest.raises(LimitExceeded, match=f"{PAGES_MAX} pages"):
        discover(api)
    assert next(count) == PAGES_MAX


def test_a_page_token_that_died_restarts_the_window_once() -> None:
    died: list[bool] = []

    def api(request: httpx2.Request) -> httpx2.Response:
        if b"nextToken" not in request.url.query:
            return answer({"reports": [report("1")], "nextToken": "t"})
        if not died:
            died.append(True)
            return error(400, "InvalidInput", message="expired token")
        return answer({"reports": [report("2")]})

    found, r = discover(api)

    assert found == ["1", "2"]
    assert len(r.amazon.requests) == 4


def test_a_page_token_that_is_always_refused_ends_the_listing() -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if b"nextToken" in request.url.query:
            return error(400, "InvalidInput")
        return answer({"reports": [], "nextToken": "t"})

    with pytest.raises(RefusedByServer):
        discover(api)


# --- documents ---------------------------------------------------------------------------------------------------------

STORE = "https://documents.example/d/1?X-Amz-Signature=canary"
EXPIRED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"


PACKED = gzip.compress(b"packed", mtime=0)


class Body(httpx2.AsyncByteStream):
    """A body that comes in two pieces and may break off after them."""

    def __init__(self, content: bytes, *, broken: bool) -> None:
        self._content = content
        self._broken = broken

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content[:2]
        yield self._content[2:]
        if self._broken:
            raise httpx2.RemoteProtocolError("peer closed the connection")


def stored(content: bytes, *, headers: Mapping[str, str] | None = None, broken: bool = False) -> httpx2.Response:
    """What the document store answers."""
    return httpx2.Response(200, headers=headers or {}, stream=Body(content, broken=broken))


def documents(fetch: Callable[[int], httpx2.Response], **document: Any) -> tuple[Rig, list[httpx2.Request]]:
    """An Amazon that mints an address for every asking, and a store behind it that answers with ``fetch(nth)``."""
    fetched: list[httpx2.Request] = []

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "documents.example":
            fetched.append(request)
            return fetch(len(fetched))
        return answer({"reportDocumentId": "doc-1", "url": STORE, **document})

    return rig(api), fetched


def download(r: Rig, **limits: int) -> tuple[bytes, Download]:
    kept = BytesIO()
    done = asyncio.run(r.documents.download("doc-1", FileSink(kept), **limits))
    return kept.getvalue(), done


def mints(r: Rig) -> int:
    return r.amazon.journal.count("debit getReportDocument")


def test_a_document_is_fetched_raw_without_any_header_of_amazons() -> None:
    r, fetched = documents(
        lambda _n: stored(PACKED, headers={"content-type": "text/plain;charset=CP1252"}),
        compressionAlgorithm="GZIP",
    )

    body, done = download(r)

    assert body == PACKED
    assert done == Download(size=len(PACKED), charset="cp1252", compression="GZIP")
    assert not {"x-amz-access-token", "authorization"} & set(fetched[0].headers)


def test_a_document_that_says_gzip_in_its_head_is_kept_packed_too() -> None:
    r, _ = documents(lambda _n: stored(PACKED, headers={"content-encoding": "gzip"}))

    assert download(r)[0] == PACKED


def test_no_charset_is_none() -> None:
    r, _ = documents(lambda _n: stored(b"x", headers={"content-type": "text/plain"}))

    assert download(r)[1].charset == ""


def test_an_expired_address_is_minted_anew() -> None:
    r, _ = documents(lambda n: httpx2.Response(403, content=EXPIRED) if n == 1 else stored(b"whole"))

    body, _ = download(r)

    assert body == b"whole"
    assert mints(r) == 2


def test_an_address_that_is_always_refused_is_minted_a_bounded_number_of_times() -> None:
    r, _ = documents(lambda _n: httpx2.Response(403, content=EXPIRED))

    with pytest.raises(Unavailable, match="address was refused"):
        download(r)
    assert mints(r) == DOWNLOAD_TRIES


def test_a_cut_starts_again_from_the_beginning_with_the_same_address() -> None:
    def fetch(n: int) -> httpx2.Response:
        if n == 1:
            return stored(b"half", broken=True)
        return stored(b"whole")

    r, _ = documents(fetch)

    assert download(r)[0] == b"whole"
    assert mints(r) == 1


def test_a_body_shorter_than_announced_is_a_cut() -> None:
    def fetch(n: int) -> httpx2.Response:
        if n == 1:
            return stored(b"who", headers={"content-length": "5"})
        return stored(b"whole")

    r, _ = documents(fetch)

    assert download(r)[0] == b"whole"


def test_a_store_in_trouble_is_asked_a_bounded_number_of_times() -> None:
    r, fetched = documents(lambda _n: httpx2.Response(503))

    with pytest.raises(Unavailable, match="HTTP 503"):
        download(r)
    assert len(fetched) == DOWNLOAD_TRIES


def test_a_document_that_is_gone_is_asked_for_once() -> None:
    r, fetched = documents(lambda _n: httpx2.Response(404))

    with pytest.raises(RefusedByServer, match="90 days"):
        download(r)
    assert len(fetched) == 1


def test_a_document_beyond_the_limit_is_not_read_on() -> None:
    r, _ = documents(lambda _n: stored(b"x" * 100))

    with pytest.raises(LimitExceeded):
        download(r, max_bytes=99)


@pytest.mark.parametrize("url", ["http://documents.example/d", "file:///etc/passwd", "", "https://\x00/"])
def test_an_address_without_tls_is_not_fetched_and_not_shown(url: str) -> None:
    r, fetched = documents(lambda _n: stored(b"x"), url=url)

    with pytest.raises(BadAnswer) as caught:
        download(r)
    assert fetched == []
    assert not url or url not in str(caught.value)


def test_presigned_addresses_reach_no_log_and_no_error(
    logged: Logged, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    r, _ = documents(lambda _n: httpx2.Response(403, content=EXPIRED))

    with caplog.at_level(logging.INFO), pytest.raises(Unavailable) as caught:
        download(r)
    out = capsys.readouterr()
    assert "amazon.download_again" in logged.events  # the log was looked at
    assert "canary" not in logged.text + out.out + out.err + caplog.text + str(caught.value)


def test_a_packed_document_that_looks_complete_and_is_not_is_fetched_again() -> None:
    r, fetched = documents(lambda n: stored(PACKED[:-9] if n == 1 else PACKED))

    assert download(r)[0] == PACKED
    assert len(fetched) == 2
    assert mints(r) == 1


@pytest.mark.parametrize(
    "damaged", [PACKED[:-9], PACKED[:3], b"\x1f\x8b" + b"x" * 50], ids=["cut", "begun", "nonsense"]
)
def test_a_packed_document_that_comes_damaged_twice_alike_is_handed_over_as_it_is(damaged: bytes) -> None:
    r, fetched = documents(lambda _n: stored(damaged))

    assert download(r)[0] == damaged
    assert len(fetched) == 2


def test_a_packed_document_that_is_damaged_in_another_way_each_time_is_not_taken() -> None:
    r, fetched = documents(lambda n: stored(PACKED[:-n]))

    with pytest.raises(Unavailable, match="damaged or without its end, each time in another way"):
        download(r)
    assert len(fetched) == DOWNLOAD_TRIES


@pytest.mark.parametrize(
    "whole",
    [PACKED + PACKED, PACKED + b"\0" * 100, gzip.compress(bytes(1_000_000)), b"", b"\x1f", b"plain \x1f\x8b"],
    ids=["members", "padded", "dense", "empty", "one byte", "plain"],
)
def test_a_document_that_is_whole_is_fetched_once(whole: bytes) -> None:
    r, fetched = documents(lambda _n: stored(whole))

    assert download(r)[0] == whole
    assert len(fetched) == 1


# --- ordinary reports --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "report_type",
    [
        "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE",
        "GET_V2_SETTLEMENT_REPORT_DATA_XML",
    ],
)
def test_a_settlement_is_not_ordered_and_the_reason_is_given_before_any_call(report_type: str) -> None:
    r = rig(lambda _request: answer({}))

    with pytest.raises(WrongUse, match=r"Amazon makes settlement reports itself.*discovered"):
        asyncio.run(r.reports.create_report(report_type, [US]))
    assert r.amazon.requests == [] and r.amazon.exchanges == []


def test_the_order_report_is_ordered_for_thirty_days_at_most() -> None:
    r = rig(lambda _request: answer({"reportId": "77"}, 202))

    asyncio.run(r.reports.create_order_report(SINCE, SINCE + timedelta(days=30), [US]))
    with pytest.raises(WrongUse, match="more than 30 days"):
        asyncio.run(r.reports.create_order_report(SINCE, SINCE + timedelta(days=30, seconds=1), [US]))

    [sent] = r.amazon.requests
    assert b'"dataStartTime":"2026-11-01T00:00:00Z","dataEndTime":"2026-12-01T00:00:00Z"' in sent.content
    assert b"GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL" in sent.content


def test_an_ordinary_report_is_ordered_with_utc_times() -> None:
    r = rig(lambda _request: answer({"reportId": "77"}, 202))

    report_id = asyncio.run(r.reports.create_report(ORDINARY, [US], start=SINCE, end=SINCE, options={"k": "v"}))

    assert report_id == "77"
    sent = r.amazon.requests[0]
    assert sent.headers["content-type"] == "application/json"
    assert sent.content == (
        b'{"reportType":"GET_MERCHANT_LISTINGS_ALL_DATA","marketplaceIds":["ATVPDKIKX0DER"],'
        b'"dataStartTime":"2026-11-01T00:00:00Z","dataEndTime":"2026-11-01T00:00:00Z","reportOptions":{"k":"v"}}'
    )


def lost_order(listed: list[dict[str, Any]]) -> Handler:
    """The answer to the order is lost; afterwards Amazon lists ``listed``."""

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            raise httpx2.ReadError("reset", request=request)
        return answer({"reports": listed})

    return api


def test_an_order_whose_answer_was_lost_is_looked_for_before_anything_else() -> None:
    r = rig(lost_order([report("8", reportType=ORDINARY), report("9", reportType=ORDINARY, marketplaceIds=["OTHER"])]))

    assert asyncio.run(r.reports.create_report(ORDINARY, [US])) == "8"
    assert [request.method for request in r.amazon.requests] == ["POST", "GET"]


def test_a_report_over_another_time_is_not_taken_for_the_lost_one() -> None:
    r = rig(lost_order([report("8", reportType=ORDINARY, dataStartTime="2026-10-01T00:00:00Z")]))

    with pytest.raises(Unavailable):
        asyncio.run(r.reports.create_report(ORDINARY, [US], start=SINCE))


def test_an_order_that_was_lost_and_is_not_listed_is_not_repeated() -> None:
    r = rig(lost_order([]))

    with pytest.raises(Unavailable, match="did not take the order"):
        asyncio.run(r.reports.create_report(ORDINARY, [US]))
    assert [request.method for request in r.amazon.requests] == ["POST", "GET"]


def test_an_order_that_met_an_empty_quota_is_sent_again() -> None:
    answers = [error(429, "QuotaExceeded"), answer({"reportId": "77"}, 202)]
    r = rig(lambda _request: answers.pop(0))

    assert asyncio.run(r.reports.create_report(ORDINARY, [US])) == "77"
    assert r.client.quota_refusals == {"createReport": 1}


def test_an_order_whose_token_was_refused_is_sent_again_with_a_new_one() -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if request.headers["x-amz-access-token"] == "Atza|1":
            return error(403, "Unauthorized", "The access token you provided has expired.")
        return answer({"reportId": "77"}, 202)

    assert asyncio.run(rig(api).reports.create_report(ORDINARY, [US])) == "77"


def test_an_order_that_amazon_refuses_says_why() -> None:
    r = rig(
        lambda _request: error(400, "InvalidInput", message="Request for report type 1118 is not allowed at this time")
    )

    with pytest.raises(RefusedByServer, match="can only be discovered"):
        asyncio.run(r.reports.create_report(ORDINARY, [US]))


@pytest.mark.parametrize("marketplaces", [[], [US] * 26])
def test_an_order_names_one_to_twenty_five_marketplaces(marketplaces: list[str]) -> None:
    with pytest.raises(WrongUse, match="1 to 25"):
        asyncio.run(rig(lambda _request: answer({})).reports.create_report(ORDINARY, marketplaces))


def wait(*statuses: str) -> tuple[Rig, Any]:
    left = list(statuses)

    def api(_request: httpx2.Request) -> httpx2.Response:
        status = left.pop(0) if len(left) > 1 else left[0]
        return answer(report("77", reportType=ORDINARY, processingStatus=status))

    r = rig(api)
    return r, r.reports.wait_for("77")


def test_waiting_ends_when_the_report_is_done_and_asks_ever_more_rarely() -> None:
    r, waiting = wait("IN_QUEUE", "IN_PROGRESS", "SOMETHING_NEW", "DONE")

    done = asyncio.run(waiting)

    assert done.report_document_id == "doc-77"
    assert r.clock.slept == [15, 30, 60]


def cancelled(*others: dict[str, Any]) -> Rig:
    """Report 77 was cancelled at 02:00; these others of its type are listed."""
    ours = ordered("77", processingStatus="CANCELLED", reportDocumentId=None)

    def api(request: httpx2.Request) -> httpx2.Response:
        report_id = request.url.path.rpartition("/")[2]
        if report_id == "reports":
            return answer({"reports": [ours, *others]})
        return answer(next(each for each in (ours, *others) if each["reportId"] == report_id))

    return rig(api)


def ordered(report_id: str, **more: Any) -> dict[str, Any]:
    window = {"dataStartTime": "2026-10-01T00:00:00+00:00", "dataEndTime": "2026-10-31T00:00:00+00:00"}
    return report(report_id, reportType=ORDINARY, **window, **more)


ALIKE = ordered("70", created="2026-11-10T01:40:00+00:00")
OF_OTHER_DATA = {
    **ALIKE,
    "reportId": "71",
    "dataStartTime": "2026-09-01T00:00:00+00:00",
    "dataEndTime": "2026-10-01T00:00:00+00:00",
}


def test_a_cancelled_report_means_no_data() -> None:
    r = cancelled()

    assert asyncio.run(r.reports.wait_for("77")) is None
    asked = r.amazon.requests[-1].url.params
    assert (asked["reportTypes"], asked["createdSince"], asked["createdUntil"]) == (
        ORDINARY,
        "2026-11-10T01:25:00Z",
        "2026-11-10T02:05:00Z",
    )


def test_a_report_cancelled_because_of_its_like_is_that_one() -> None:
    found = asyncio.run(cancelled(ALIKE, OF_OTHER_DATA).reports.wait_for("77"))

    assert found is not None
    assert found.report_document_id == "doc-70"


@pytest.mark.parametrize(
    "other",
    [
        {**ALIKE, "processingStatus": "CANCELLED"},
        {**ALIKE, "processingStatus": "FATAL"},
        {**ALIKE, "marketplaceIds": ["A1PA6795UKMFR9"]},
        {**ALIKE, "createdTime": "2026-11-10T02:01:00+00:00"},
    ],
    ids=["cancelled too", "failed", "of other stores", "later"],
)
def test_a_report_that_cannot_be_the_reason_is_none(other: dict[str, Any]) -> None:
    assert asyncio.run(cancelled(other).reports.wait_for("77")) is None


def test_a_report_cancelled_beside_one_of_other_data_is_not_taken_for_no_data() -> None:
    with pytest.raises(Unavailable, match="again in half an hour"):
        asyncio.run(cancelled(OF_OTHER_DATA).reports.wait_for("77"))


def test_a_fatal_report_is_named_with_the_document_that_explains_it() -> None:
    with pytest.raises(RefusedByServer, match=r"report 77 of type GET_MERCHANT.*explains in document doc-77"):
        asyncio.run(wait("FATAL")[1])


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_what_amazon_says_of_a_fatal_report_stands_in_the_refusal(pack: Callable[[bytes], bytes]) -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "documents.example":
            return stored(pack(b'{"errorDetails":"The date range is too long.\n"}'))
        if "/documents/" in request.url.path:
            return answer({"reportDocumentId": "doc-77", "url": STORE})
        return answer(report("77", reportType=ORDINARY, processingStatus="FATAL"))

    with pytest.raises(RefusedByServer, match=r"report 77 .*The date range is too long") as refused:
        asyncio.run(rig(api).reports.wait_for("77"))
    assert refused.value.words.startswith('{"errorDetails"')


def test_a_report_that_never_ends_is_not_waited_for_for_ever() -> None:
    r, waiting = wait("IN_PROGRESS")

    with pytest.raises(Unavailable, match="not finished report 77"):
        asyncio.run(waiting)
    assert len(r.amazon.requests) == 40


def test_an_order_beyond_the_limit_is_not_sent() -> None:
    r = rig(lambda _request: answer({}))

    with pytest.raises(LimitExceeded):
        asyncio.run(r.reports.create_report(ORDINARY, [US], options={"k": "v" * (1024 * 1024)}))
    assert r.amazon.requests == []
