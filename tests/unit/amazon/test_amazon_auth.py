"""Login with Amazon: few exchanges, no secret in any sentence, and each refusal says what to replace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from ml_connector.amazon import limits
from ml_connector.amazon.auth import Credentials
from ml_connector.amazon.reports import ReportPage
from ml_connector.domain.errors import BadAnswer, NotPermitted, SignInFailed, Unavailable
from tests.support.amazon import CREDENTIALS, Rig, answer, rig


def no_reports(_request: httpx2.Request) -> httpx2.Response:
    return answer({"reports": []})


async def list_reports(rig: Rig) -> ReportPage:
    return await rig.client.read(limits.GET_REPORT, ReportPage, path={"reportId": "1"})


def login_error(status: int, error: str) -> Callable[[int], httpx2.Response]:
    return lambda _number: answer({"error": error, "error_description": "words"}, status)


def test_the_access_token_travels_in_amazons_own_header() -> None:
    r = rig(no_reports)

    asyncio.run(list_reports(r))

    sent = r.amazon.requests[0]
    assert sent.headers["x-amz-access-token"] == "Atza|1"
    assert "authorization" not in sent.headers


def test_the_exchange_is_a_form_with_the_four_members_of_the_grant() -> None:
    r = rig(no_reports)

    asyncio.run(r.login.access_token())

    assert r.amazon.exchanges == [
        {
            "grant_type": "refresh_token",
            "refresh_token": CREDENTIALS.refresh_token,
            "client_id": CREDENTIALS.client_id,
            "client_secret": CREDENTIALS.client_secret,
        }
    ]


def test_twenty_calls_with_an_expired_token_make_one_exchange() -> None:
    r = rig(no_reports)

    async def story() -> None:
        await r.login.access_token()
        r.clock.advance(3600)
        await asyncio.gather(*(r.login.access_token() for _ in range(20)))

    asyncio.run(story())
    assert len(r.amazon.exchanges) == 2


def test_twenty_calls_whose_token_amazon_refuses_make_one_exchange() -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if request.headers["x-amz-access-token"] == "Atza|1":
            return forbidden("The access token you provided is revoked, malformed or invalid.")
        return answer({"reports": []})

    r = rig(api)

    async def story() -> None:
        await asyncio.gather(*(list_reports(r) for _ in range(7)))

    asyncio.run(story())
    assert len(r.amazon.exchanges) == 2


def test_twenty_waiters_share_one_refusal() -> None:
    r = rig(no_reports, login_answer=login_error(400, "invalid_grant"))

    async def story() -> list[BaseException | object]:
        return list(await asyncio.gather(*(r.login.access_token() for _ in range(20)), return_exceptions=True))

    outcomes = asyncio.run(story())
    assert all(isinstance(outcome, SignInFailed) for outcome in outcomes)
    assert len(r.amazon.exchanges) == 1


def test_after_a_refusal_the_next_call_tries_again() -> None:
    def login(number: int) -> httpx2.Response:
        if number == 1:
            return answer({"error": "invalid_grant"}, 400)
        return answer({"access_token": "Atza|later", "expires_in": 3600})

    r = rig(no_reports, login_answer=login)

    async def story() -> str:
        with pytest.raises(SignInFailed):
            await r.login.access_token()
        return (await r.login.access_token()).value

    assert asyncio.run(story()) == "Atza|later"


def test_a_token_is_used_until_five_minutes_before_its_end() -> None:
    r = rig(no_reports)

    async def story() -> None:
        await r.login.access_token()
        r.clock.advance(55 * 60 - 1)
        assert (await r.login.access_token()).value == "Atza|1"
        r.clock.advance(1)
        assert (await r.login.access_token()).value == "Atza|2"

    asyncio.run(story())


def test_a_token_that_lives_seconds_is_still_used() -> None:
    r = rig(no_reports, token_life_s=10)

    async def story() -> None:
        await r.login.access_token()
        r.clock.advance(8)
        await r.login.access_token()

    asyncio.run(story())
    assert len(r.amazon.exchanges) == 1


def test_a_token_that_another_process_stored_is_taken() -> None:
    first, second = rig(no_reports), rig(no_reports)

    async def story() -> None:
        await first.login.access_token()
        second.tokens.kept = first.tokens.kept
        await second.login.access_token()

    asyncio.run(story())
    assert second.amazon.exchanges == []


def test_another_refresh_token_never_meets_the_old_access_token() -> None:
    renewed = Credentials(CREDENTIALS.client_id, CREDENTIALS.client_secret, "Atzr|another")

    assert renewed.token_name != CREDENTIALS.token_name
    assert "Atzr" not in CREDENTIALS.token_name


def test_a_replaced_refresh_token_is_handed_over_and_used() -> None:
    r = rig(
        no_reports,
        login_answer=lambda n: answer({"access_token": f"Atza|{n}", "refresh_token": "Atzr|new", "expires_in": 3600}),
    )

    async def story() -> None:
        await r.login.access_token()
        r.clock.advance(3600)
        await r.login.access_token()

    asyncio.run(story())
    assert r.new_refresh_tokens == ["Atzr|new"]
    assert [exchange["refresh_token"] for exchange in r.amazon.exchanges] == [CREDENTIALS.refresh_token, "Atzr|new"]


def forbidden(details: str) -> httpx2.Response:
    return answer(
        {
            "errors": [
                {"code": "Unauthorized", "message": "Access to requested resource is denied.", "details": details}
            ]
        },
        403,
    )


def test_a_403_that_blames_the_token_is_repeated_once_with_a_new_one_and_paid_for_twice() -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if request.headers["x-amz-access-token"] == "Atza|1":
            return forbidden("The access token you provided has expired.")
        return answer({"reports": []})

    r = rig(api)

    asyncio.run(list_reports(r))

    assert [request.headers["x-amz-access-token"] for request in r.amazon.requests] == ["Atza|1", "Atza|2"]
    path = "send /reports/2021-06-30/reports/1"
    assert r.amazon.journal == ["debit getReport", path, "debit getReport", path]


def test_a_403_for_every_token_ends_after_two_sends_and_asks_for_a_new_authorisation() -> None:
    r = rig(lambda _request: forbidden("The access token you provided is revoked, malformed or invalid."))

    with pytest.raises(SignInFailed, match=r"Re-authorise.*getReport, request req-1"):
        asyncio.run(list_reports(r))
    assert len(r.amazon.requests) == 2


def test_a_bare_403_for_a_young_token_is_not_repeated() -> None:
    r = rig(lambda _request: forbidden(""))

    with pytest.raises(NotPermitted):
        asyncio.run(list_reports(r))
    assert r.amazon.journal.count("send /reports/2021-06-30/reports/1") == 1


def test_a_bare_403_for_a_token_that_grew_old_on_the_way_is_repeated_once() -> None:
    def api(request: httpx2.Request) -> httpx2.Response:
        if request.headers["x-amz-access-token"] == "Atza|1":
            r.clock.advance(56 * 60)
            return forbidden("")
        return answer({"reports": []})

    r = rig(api)

    asyncio.run(list_reports(r))
    assert len(r.amazon.requests) == 2


@pytest.mark.parametrize(
    ("status", "error", "code", "says"),
    [
        (400, "invalid_grant", "refresh_token_refused", "Re-authorise"),
        (401, "invalid_client", "client_secret_refused", "rotated or has expired"),
        (400, "unauthorized_client", "client_not_authorised", "different applications or regions"),
        (401, "unauthorized_client", "client_not_authorised", "different applications or regions"),
        (400, "invalid_request", "sign_in_failed", "copied whole"),
        (400, "invalid_scope", "sign_in_failed", "copied whole"),
    ],
)
def test_each_permanent_refusal_says_what_to_do_and_is_asked_once(
    status: int, error: str, code: str, says: str
) -> None:
    r = rig(no_reports, login_answer=login_error(status, error))

    with pytest.raises(SignInFailed, match=says) as caught:
        asyncio.run(list_reports(r))
    assert caught.value.code == code
    assert len(r.amazon.exchanges) == 1
    assert r.amazon.requests == []
    assert r.amazon.journal == []  # a sign-in that fails spends no quota
    for secret in (CREDENTIALS.client_secret, CREDENTIALS.refresh_token):
        assert secret not in str(caught.value)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_trouble_of_the_sign_in_passes_after_a_few_tries(status: int) -> None:
    r = rig(no_reports, login_answer=login_error(status, "server_error"))

    with pytest.raises(Unavailable):
        asyncio.run(list_reports(r))
    assert len(r.amazon.exchanges) == 4


def test_an_html_page_in_place_of_a_token_is_trouble_that_passes() -> None:
    r = rig(no_reports, login_answer=lambda _n: httpx2.Response(400, content=b"<html>busy</html>"))

    with pytest.raises(Unavailable):
        asyncio.run(list_reports(r))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"access_token": "", "expires_in": 3600},
        {"access_token": "Atza|x", "expires_in": 0},
        {"access_token": "a\nb"},
    ],
)
def test_an_answer_that_is_no_token_is_refused_without_showing_it(body: dict[str, object]) -> None:
    r = rig(no_reports, login_answer=lambda _n: answer(body))

    with pytest.raises(BadAnswer) as caught:
        asyncio.run(list_reports(r))
    assert "Atza" not in str(caught.value)


def test_credentials_do_not_print_their_secrets() -> None:
    assert "canary" not in repr(CREDENTIALS)
