"""Signing in to Sage 300: credentials, rights, a server that starts, an address that is none."""

import asyncio
import base64
from random import Random

import httpx2
import pytest

from ml_connector.domain.errors import NotPermitted, SignInFailed, Unavailable, WrongUse
from ml_connector.domain.target import Absent
from ml_connector.erp.registry import Tools
from ml_connector.erp.sage_300.config import FORM, read_config
from ml_connector.erp.sage_300.connector import connect
from ml_connector.erp.sage_300.errors import parse_error
from tests.support.clock import FakeClock
from tests.support.sage_company import Scene, journal, play

SIGN_IN = {"base_url": "https://erp.example/Sage300WebApi", "company": "samltd", "username": "webapi"}


# --- the form ----------------------------------------------------------------------------------------------------------


def test_user_and_company_are_upper_case_and_the_password_stays_as_it_is() -> None:
    config = read_config(SIGN_IN, {"password": "Webuser_1"})

    assert (config.username, config.company, config.password) == ("WEBAPI", "SAMLTD", "Webuser_1")
    assert config.company_url == "https://erp.example/Sage300WebApi/v1.0/-/SAMLTD"
    assert "Webuser_1" not in repr(config)


@pytest.mark.parametrize(
    "address",
    [
        "https://:canary-pw@erp.example/Sage300WebApi",
        "http://erp.example/Sage300WebApi?p=canary-pw",
        "https://[canary-pw/Sage300WebApi",
        "https://erp.example/Sage300WebApi/v1.0/-/SAMLTD",
        "http://erp.example/Sage300WebApi",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_unrepeated(address: str) -> None:
    with pytest.raises(WrongUse) as refused:
        FORM.clean({**SIGN_IN, "base_url": address}, {"password": "p"})

    assert "canary-pw" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", [{"company": "TOO-LONG"}, {"username": "a:b"}, {"settle_s": "10"}, {"invoice_mode": "GL"}, {"ca_pem": "x"}]
)
def test_what_does_not_fit_the_form_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(WrongUse):
        FORM.clean({**SIGN_IN, **wrong}, {"password": "p"})


# --- credentials -------------------------------------------------------------------------------------------------------


async def nothing(scene: Scene) -> None:
    """Signing in was all."""


def test_a_wrong_password_is_tried_once_and_again_only_when_a_person_asks() -> None:
    async def act(scene: Scene) -> tuple[int, str]:
        asked: list[str] = []
        scene.control.change_password("Another-1")
        for _ in range(3):
            with pytest.raises(SignInFailed, match="password") as refused:
                await scene.seen(journal())
            asked.append(str(refused.value))
        scene.control.change_password(scene.target._config.password)
        with pytest.raises(SignInFailed):
            await scene.seen(journal())
        await scene.target.ping()
        return len(set(asked)), type(await scene.seen(journal())).__name__

    # A second wrong try would lock the user out.
    assert play(act, switches={"lock_after": 2}) == (1, "Absent")


def test_a_refused_sign_in_stops_writes_before_anything_is_sent() -> None:
    async def act(scene: Scene) -> int:
        scene.control.change_password("Another-1")
        for _ in range(2):
            with pytest.raises(SignInFailed):
                await scene.seen(journal())
        with pytest.raises(SignInFailed):
            await scene.do(journal(), Absent(""), "enter")
        return len(scene.control.batches("GL"))

    assert play(act) == 2


def test_admin_is_refused_with_a_hint() -> None:
    with pytest.raises(SignInFailed, match="bars ADMIN") as refused:
        play(nothing, settings={"username": "admin"})

    assert "Web.config" in str(refused.value)


def test_a_user_id_is_sent_in_upper_case() -> None:
    heard: list[httpx2.Request] = []
    play(nothing, settings={"username": "webapi"}, heard=heard)

    sent = {base64.b64decode(each.headers["Authorization"].removeprefix("Basic ")).split(b":")[0] for each in heard}
    assert sent == {b"WEBAPI"}


@pytest.mark.parametrize("switches", [{"wrong_company": "404"}, {"wrong_company": "401"}])
def test_a_company_that_is_not_there_ends_the_sign_in(switches: dict[str, object]) -> None:
    with pytest.raises(SignInFailed):
        play(nothing, settings={"company": "NONE"}, switches=switches)


@pytest.mark.parametrize("missing", ["403", "401"])
def test_a_module_without_the_right_is_recognised_whatever_the_server_answers(missing: str) -> None:
    async def act(scene: Scene) -> tuple[frozenset[str], str]:
        scene.control.set_rights(["CS", "GL"])
        await scene.target.ping()
        return scene.target._company.modules, scene.target._company.lacks("GL", "AR")

    modules, words = play(act, switches={"missing_right": missing})

    assert modules == {"CS", "GL"}
    assert "AR (Accounts Receivable)" in words


def test_a_right_that_is_taken_away_and_answered_like_a_wrong_password_stops_everything_until_a_person_asks() -> None:
    async def act(scene: Scene) -> tuple[int, str]:
        scene.control.set_rights(["CS", "AR"])
        with pytest.raises(SignInFailed, match="right Sage 300 Web API is missing in GL"):
            await scene.seen(journal())
        with pytest.raises(SignInFailed):
            await scene.do(journal(), Absent(""), "enter")
        sent = len(scene.control.batches("GL"))
        scene.control.set_rights(["CS", "AR", "GL"])
        await scene.target.ping()
        return sent, type(await scene.seen(journal())).__name__

    # The two batches that the people made.
    assert play(act, switches={"missing_right": "401"}) == (2, "Absent")


def test_without_the_right_in_general_ledger_the_test_of_a_connection_says_so() -> None:
    async def act(scene: Scene) -> None:
        scene.control.set_rights(["CS", "AR"])
        await scene.target.ping()

    with pytest.raises(NotPermitted, match="GL"):
        play(act)


# --- the server --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cold_start", ["waits", "503"])
def test_a_server_that_starts_is_waited_for(cold_start: str) -> None:
    async def act(scene: Scene) -> str:
        scene.clock.advance(3600)
        return type(await scene.seen(journal())).__name__

    assert play(act, switches={"cold_start_s": 50, "cold_start": cold_start}) == "Absent"


def test_a_server_that_says_for_a_minute_that_it_starts_is_waited_for_whatever_the_pauses() -> None:
    async def act(scene: Scene) -> str:
        scene.clock.advance(3600)
        return type(await scene.seen(journal())).__name__

    for seed in range(20):
        assert play(act, switches={"cold_start_s": 60, "cold_start": "503"}, seed=seed) == "Absent"


def test_a_server_that_never_starts_is_told_within_two_minutes() -> None:
    async def act(scene: Scene) -> float:
        scene.clock.advance(3600)
        begun = scene.clock.monotonic()
        faults.down = True
        with pytest.raises(Unavailable):
            await scene.seen(journal())
        return scene.clock.monotonic() - begun

    faults = Down()
    for seed in range(20):
        faults.down = False
        assert 60 <= play(act, between=faults.before, seed=seed) < 120


class Down(httpx2.AsyncBaseTransport):
    """A line that breaks every request while it is ``down``."""

    def __init__(self) -> None:
        self.down = False
        self._inner: httpx2.AsyncBaseTransport = self

    def before(self, inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
        self._inner = inner
        return self

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.down:
            raise httpx2.ConnectError("refused", request=request)
        return await self._inner.handle_async_request(request)


def test_day_end_makes_a_read_wait_and_not_fail() -> None:
    async def act(scene: Scene) -> None:
        scene.control.set_day_end_running()
        with pytest.raises(Unavailable, match="Day End"):
            await scene.target._api.get("read items", "/IC/ICItems")

    play(act)


def test_every_request_names_its_content_type() -> None:
    heard: list[httpx2.Request] = []

    play(lambda scene: scene.post(journal()), heard=heard)

    assert {request.method for request in heard} == {"GET", "POST", "PATCH"}
    assert all(request.headers["content-type"] == "application/json" for request in heard)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b'{"error":{"code":"General","message":{"lang":"en-US","value":"no  good"}}}', "General", "no good"),
        (b'{"error":{"code":"General","message":"plain"}}', "General", "plain"),
        (b'{"error":"text alone"}', "", "text alone"),
    ],
)
def test_refusals_are_read_in_every_form_that_was_seen(body: bytes, code: str, words: str) -> None:
    found = parse_error(409, body)

    assert found is not None
    assert (found.code, found.words) == (code, words)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b'{"error":{"code":1}}', b'{"error":{}}'])
def test_a_page_of_something_else_is_no_refusal_of_sage(body: bytes) -> None:
    assert parse_error(409, body) is None


def test_a_document_is_not_duplicate_because_day_end_runs_under_the_same_code() -> None:
    day_end = parse_error(
        409, b'{"error":{"code":"RecordDuplicate","message":{"value":"Day End Processing is running"}}}'
    )
    twice = parse_error(409, b'{"error":{"code":"RecordDuplicate","message":{"value":"Record exists"}}}')

    assert day_end is not None
    assert twice is not None
    assert (day_end.passing, day_end.duplicate) == (True, False)
    assert (twice.passing, twice.duplicate) == (False, True)


def test_closing_twice_harms_nothing() -> None:
    heard: list[httpx2.Request] = []

    async def act(scene: Scene) -> int:
        await scene.target.close()
        await scene.target.close()
        return len(heard)

    assert play(act, heard=heard) == len(heard) > 0


def test_nothing_is_asked_of_a_server_that_refused_the_sign_in() -> None:
    async def run() -> int:
        asked = 0

        class Refusing(httpx2.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                nonlocal asked
                asked += 1
                return httpx2.Response(401, content=b"")

        with pytest.raises(SignInFailed):
            await connect(SIGN_IN, {"password": "p"}, Tools(FakeClock(), Random(1), Refusing()))
        return asked

    assert asyncio.run(run()) == 1
