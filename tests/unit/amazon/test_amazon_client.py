"""One call: paid for before it leaves, bounded in every direction, and every refusal is a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import httpx2
import pytest

from ml_connector.amazon import limits
from ml_connector.amazon.client import ATTEMPTS, target, user_agent, utc_text
from ml_connector.amazon.limits import Operation
from ml_connector.amazon.reports import ReportInfo, ReportPage
from ml_connector.domain.errors import (
    BadAnswer,
    MlConnectorError,
    NotPermitted,
    RateLimited,
    RefusedByServer,
    Unavailable,
    WrongUse,
)
from tests.support.amazon import Rig, answer, error, rig

SLOW = limits.GET_REPORTS  # one in 45 s, burst 10


def empty(_request: httpx2.Request) -> httpx2.Response:
    return answer({"reports": []})


async def call(r: Rig, operation: Operation = SLOW) -> ReportPage:
    return await r.client.read(operation, ReportPage)


def test_the_bucket_is_debited_before_the_send() -> None:
    r = rig(empty)

    asyncio.run(call(r))

    assert r.amazon.journal == ["debit getReports", "send /reports/2021-06-30/reports"]


def test_the_burst_goes_at_once_and_the_next_call_waits_one_interval() -> None:
    r = rig(empty)

    async def story() -> None:
        for _ in range(10):
            await call(r)
        assert r.clock.monotonic() == 0
        await call(r)

    asyncio.run(story())
    assert r.clock.monotonic() == pytest.approx(1 / 0.0222 + 0.5, abs=0.01)


def test_a_long_row_of_calls_keeps_the_documented_rate_to_the_half_second() -> None:
    r = rig(empty)

    async def story() -> None:
        for _ in range(10 + 30):
            await call(r)

    asyncio.run(story())
    assert r.clock.monotonic() == pytest.approx(30 / 0.0222 + 0.5, abs=0.01)


def test_calls_at_once_wait_for_each_other_and_never_overdraw() -> None:
    r = rig(empty)

    async def story() -> None:
        await asyncio.gather(*(call(r) for _ in range(14)))

    asyncio.run(story())
    assert r.clock.monotonic() >= 4 / 0.0222 - 0.01
    assert r.client.quota_refusals == {}


def test_a_bucket_that_is_empty_for_long_gives_the_work_back() -> None:
    r = rig(empty)
    very_slow = Operation("verySlow", "GET", "/x", 0.0001, 1, "none")

    async def story() -> None:
        await call(r, very_slow)
        await call(r, very_slow)

    with pytest.raises(RateLimited, match="verySlow is spent"):
        asyncio.run(story())
    assert len(r.amazon.requests) == 1


def test_an_announced_rate_corrects_the_bucket_once() -> None:
    r = rig(lambda _request: answer({"reports": []}, headers={"x-amzn-ratelimit-limit": "0.5"}))

    async def story() -> None:
        for _ in range(12):
            await call(r)

    asyncio.run(story())
    assert r.amazon.journal.count("correct getReports 0.5") == 1
    assert r.clock.monotonic() == pytest.approx(4.5, abs=0.01)


def test_the_documented_rate_replaces_one_on_record_from_before() -> None:
    r = rig(lambda _request: answer({"reports": []}, headers={"x-amzn-ratelimit-limit": "0.0222"}))
    r.buckets.corrected[r.client.account, "getReports"] = 5.0

    asyncio.run(call(r))
    assert r.buckets.corrected[r.client.account, "getReports"] == 0.0222


@pytest.mark.parametrize("announced", ["0", "-1", "nan", "inf", "1e9", "fast", ""])
def test_a_rate_that_makes_no_sense_changes_nothing(announced: str) -> None:
    r = rig(lambda _request: answer({"reports": []}, headers={"x-amzn-ratelimit-limit": announced}))

    asyncio.run(call(r))
    assert not any(entry.startswith("correct") for entry in r.amazon.journal)


def test_a_429_drains_the_bucket_is_counted_and_tried_again_an_interval_later() -> None:
    answers = [error(429, "QuotaExceeded"), answer({"reports": []})]
    r = rig(lambda _request: answers.pop(0))

    asyncio.run(call(r))

    send = "send /reports/2021-06-30/reports"
    assert r.amazon.journal == ["debit getReports", send, "drain getReports", "debit getReports", send]
    assert r.client.quota_refusals == {"getReports": 1}
    assert r.clock.monotonic() >= 45


def test_a_quota_that_stays_empty_ends_after_a_bounded_number_of_tries() -> None:
    r = rig(lambda _request: error(429, "QuotaExceeded"))

    with pytest.raises(RateLimited, match=r"asked too often.*getReports, request req-1"):
        asyncio.run(call(r))
    assert len(r.amazon.requests) == ATTEMPTS
    assert r.client.quota_refusals == {"getReports": ATTEMPTS}
    assert r.amazon.journal[-1] == "drain getReports"


@pytest.mark.parametrize("status", [500, 502, 503])
def test_trouble_of_amazons_is_tried_again_a_bounded_number_of_times_each_paid_for(status: int) -> None:
    r = rig(lambda _request: error(status, "InternalFailure"))

    with pytest.raises(Unavailable, match=rf"HTTP {status}.*request req-1"):
        asyncio.run(call(r))
    assert len(r.amazon.requests) == ATTEMPTS
    assert r.amazon.journal.count("debit getReports") == ATTEMPTS


def test_a_broken_connection_is_tried_again() -> None:
    broken = [True]

    def api(request: httpx2.Request) -> httpx2.Response:
        if broken:
            broken.pop()
            raise httpx2.ReadError("reset", request=request)
        return answer({"reports": []})

    r = rig(api)

    assert asyncio.run(call(r)) == ReportPage(())
    assert len(r.amazon.requests) == 2


def test_a_refusal_carries_amazons_code_words_and_request_id_and_is_not_repeated() -> None:
    r = rig(lambda _request: error(400, "InvalidInput", message="Invalid date/time field"))

    with pytest.raises(
        RefusedByServer, match=r"Invalid date/time field.*dormant.*\(getReports, request req-1\)"
    ) as caught:
        asyncio.run(call(r))
    assert (caught.value.server_code, caught.value.words) == ("InvalidInput", "Invalid date/time field")
    assert len(r.amazon.requests) == 1


def test_a_400_for_the_ping_which_has_no_parameters_means_a_dormant_account() -> None:
    r = rig(lambda _request: error(400, "InvalidInput", message="Invalid Input"))

    with pytest.raises(RefusedByServer, match=r"selling account is dormant or closed") as refused:
        asyncio.run(r.client.read(limits.PING, ReportPage))
    assert (refused.value.code, refused.value.words) == ("account_dormant", "Invalid Input")


def test_html_from_the_edge_is_named_as_such() -> None:
    r = rig(lambda _request: httpx2.Response(400, content=b"<html><body>Bad Request</body></html>"))

    with pytest.raises(RefusedByServer, match="edge") as caught:
        asyncio.run(call(r))
    assert "<" not in str(caught.value)


PING = "/sellers/v1/marketplaceParticipations"


def refusing(ping: Callable[[], httpx2.Response], *, at_first: int = 0) -> Rig:
    """An Amazon that allows the first so many calls and then nothing, and answers the ping as told."""
    allowed = [1] * at_first

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == PING:
            return ping()
        if allowed:
            allowed.pop()
            return answer({"reports": []})
        return error(403, "Unauthorized")

    return rig(api)


def pings(r: Rig) -> int:
    return r.amazon.journal.count(f"send {PING}")


def test_an_operation_that_is_refused_while_others_work_lacks_its_role() -> None:
    r = refusing(lambda: error(500, "InternalFailure"), at_first=1)
    asyncio.run(call(r))

    with pytest.raises(NotPermitted, match=r"other operations work: the role Finance and Accounting") as refused:
        asyncio.run(call(r))
    assert refused.value.code == "role_missing"
    assert pings(r) == 0


def test_where_nothing_worked_yet_the_ping_tells_a_missing_role_from_an_account_that_is_not_reached() -> None:
    works, shut = refusing(lambda: answer({"payload": []})), refusing(lambda: error(403, "Unauthorized"))

    with pytest.raises(NotPermitted, match="other operations work") as role:
        asyncio.run(call(works))
    with pytest.raises(NotPermitted, match="wrong region") as region:
        asyncio.run(call(shut))
    assert (role.value.code, region.value.code) == ("role_missing", "account_not_reached")


def test_what_worked_long_ago_proves_nothing() -> None:
    r = refusing(lambda: error(403, "Unauthorized"), at_first=1)
    asyncio.run(call(r))
    r.clock.advance(601)

    with pytest.raises(NotPermitted, match="wrong region"):
        asyncio.run(call(r))


def test_an_account_that_is_not_reached_is_pinged_once_an_hour() -> None:
    r = refusing(lambda: error(403, "Unauthorized"))

    for passing_s in (0, 3599, 1):
        r.clock.advance(passing_s)
        with pytest.raises(NotPermitted):
            asyncio.run(call(r))
    assert pings(r) == 2


def test_a_ping_that_says_nothing_leaves_all_three_reasons() -> None:
    r = refusing(lambda: httpx2.Response(500))

    with pytest.raises(NotPermitted, match=r"role Finance and Accounting .*authorised.*wrong region") as refused:
        asyncio.run(call(r))
    assert refused.value.code == "not_permitted"


def test_a_refused_ping_is_not_explained_by_another() -> None:
    r = refusing(lambda: error(403, "Unauthorized"))

    with pytest.raises(NotPermitted, match="Selling Partner Insights"):
        asyncio.run(r.client.read(limits.PING, ReportPage))
    assert pings(r) == 1


@pytest.mark.parametrize("code", ["MissingAuthenticationToken", "Forbidden"])
def test_a_403_of_the_gateway_hints_at_the_path(code: str) -> None:
    r = rig(lambda _request: error(403, code))

    with pytest.raises(NotPermitted, match="path that it does not know"):
        asyncio.run(call(r))


def test_an_html_403_is_no_permission_either() -> None:
    r = rig(lambda _request: httpx2.Response(403, content=b"<html></html>"))

    with pytest.raises(NotPermitted, match="path that it does not know"):
        asyncio.run(call(r))


@pytest.mark.parametrize(
    ("status", "kind"), [(404, RefusedByServer), (409, RefusedByServer), (413, RefusedByServer), (301, BadAnswer)]
)
def test_every_other_status_has_its_error(status: int, kind: type[MlConnectorError]) -> None:
    r = rig(lambda _request: error(status, "Whatever"))

    with pytest.raises(kind):
        asyncio.run(call(r))


def test_secrets_in_amazons_words_are_masked() -> None:
    r = rig(lambda _request: error(400, "InvalidInput", message="token Atza|abcdef0123456789 is odd"))

    with pytest.raises(RefusedByServer) as caught:
        asyncio.run(call(r))
    assert "abcdef" not in str(caught.value) + caught.value.words


def test_an_answer_of_another_shape_is_a_bad_answer_that_says_where() -> None:
    r = rig(lambda _request: answer({"reports": [{"reportId": 7}]}))

    with pytest.raises(BadAnswer, match=r"\$\.reports\[0\]"):
        asyncio.run(call(r))


def test_unknown_fields_are_ignored_and_unknown_words_kept() -> None:
    body = {
        "reportId": "1",
        "reportType": "GET_SOMETHING_NEW",
        "processingStatus": "PONDERING",
        "createdTime": "2026-10-27T02:11:31+00:00",
        "surprise": {"a": 1},
    }
    r = rig(lambda _request: answer(body))

    report = asyncio.run(r.client.read(limits.GET_REPORT, ReportInfo, path={"reportId": "1"}))
    assert report.processing_status == "PONDERING"


@pytest.mark.parametrize("text", ["2026-10-13T04:20:45.512Z", "2026-10-13T04:20:45+00:00", "2026-10-13T04:20:45Z"])
def test_all_three_spellings_of_a_time_are_read(text: str) -> None:
    body = {"reportId": "1", "reportType": "T", "processingStatus": "DONE", "createdTime": text}
    r = rig(lambda _request: answer(body))

    report = asyncio.run(r.client.read(limits.GET_REPORT, ReportInfo, path={"reportId": "1"}))
    assert report.created_time.replace(microsecond=0) == datetime(2026, 10, 13, 4, 20, 45, tzinfo=UTC)


def test_the_user_agent_has_amazons_form() -> None:
    r = rig(empty)

    asyncio.run(call(r))

    agent = r.amazon.requests[0].headers["user-agent"]
    assert agent.startswith("ml-connector/1.2.3 (Language=Python/3.")
    assert agent.endswith(")") and len(agent) <= 500
    assert user_agent("1;(x)").startswith("ml-connector/1--x- (")


def test_a_get_has_no_body_and_no_content_length() -> None:
    r = rig(empty)

    asyncio.run(call(r))

    assert r.amazon.requests[0].content == b""
    assert "content-length" not in r.amazon.requests[0].headers
    assert "content-type" not in r.amazon.requests[0].headers


def test_lists_are_separated_by_commas_and_values_percent_encoded() -> None:
    text = target(
        SLOW, {}, {"reportTypes": ("A", "B,C"), "createdSince": "2026-11-01T00:00:00Z", "nextToken": "a b+c/="}
    )

    assert text == (
        "/reports/2021-06-30/reports?reportTypes=A,B%2CC&createdSince=2026-11-01T00%3A00%3A00Z&nextToken=a%20b%2Bc%2F%3D"
    )


def test_the_query_reaches_the_wire_as_it_was_encoded() -> None:
    r = rig(empty)

    asyncio.run(r.client.read(SLOW, ReportPage, query={"reportTypes": ("A", "B"), "nextToken": "a b+c/é"}))

    assert (
        r.amazon.requests[0].url.raw_path == b"/reports/2021-06-30/reports?reportTypes=A,B&nextToken=a%20b%2Bc%2F%C3%A9"
    )


def test_a_path_value_cannot_leave_its_place() -> None:
    assert target(limits.GET_REPORT, {"reportId": "../a b?c"}, {}) == "/reports/2021-06-30/reports/..%2Fa%20b%3Fc"


def test_times_are_sent_in_utc_with_z() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert utc_text(datetime(2026, 11, 1, 9, 0, tzinfo=tokyo)) == "2026-11-01T00:00:00Z"
    with pytest.raises(WrongUse):
        utc_text(datetime(2026, 11, 1, 9, 0))  # noqa: DTZ001 - the missing zone is the point
