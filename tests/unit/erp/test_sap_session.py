"""Promises about the session of a connection (SAP dossier, sections 3.2 to 3.4)."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from ml_connector.domain.errors import RefusedByServer, SignInFailed, Unavailable
from ml_connector.domain.target import Accepted, Case, Move, NotSent, Receipt, Refused, Step
from ml_connector.erp.sap_business_one.connector import SapBusinessOne
from tests.support.clock import FakeClock
from tests.support.entries import entry
from tests.support.sap import OpenPermit, ScriptedServiceLayer, answer, connected, error, rows

PLAIN = Step("plain", counts=True, refuses_twice=False, settle_s=600)
INVALID = "Invalid session or session already timeout."


def cookies(server: ScriptedServiceLayer, resource: str) -> list[str]:
    """The Cookie header of every request for ``resource``."""
    return [cookie for cookie, name in zip(server.cookies, server.names(), strict=True) if name.endswith(resource)]


async def post(target: SapBusinessOne, settlement: str = "90000000011") -> Receipt:
    document = entry(settlement)
    case = Case(document, target.wire_key(document))
    seen = (await target.observe([case]))[document.key]
    return (await target.advance([Move(case, seen, PLAIN)], OpenPermit()))[document.key]


def test_the_cookie_is_built_from_the_text_before_the_first_semicolon() -> None:
    # given: SAP's own Set-Cookie has no Path and ends in a semicolon
    server = ScriptedServiceLayer()

    # when
    asyncio.run(connected(server))

    # then
    assert set(cookies(server, "/Currencies")) == {"B1SESSION=s1; ROUTEID=.node1"}
    assert cookies(server, "/Login") == [""]


def test_everything_in_flight_shares_one_sign_in() -> None:
    async def scenario() -> int:
        server = ScriptedServiceLayer(claims=False)
        target = await connected(server)
        target._layer.session.forget()
        server.logins = 0
        cases = [Case(entry(f"900000{n:05}"), f"ABCD-JE-900000{n:05}-2026P10") for n in range(60)]
        await target.observe(cases)
        return server.logins

    assert asyncio.run(scenario()) == 1


def test_an_idle_session_is_renewed_a_minute_before_its_end() -> None:
    async def scenario(idle_s: float) -> int:
        server, clock = ScriptedServiceLayer(timeout_min=30), FakeClock()
        target = await connected(server, clock)
        clock.advance(idle_s)
        await target.observe([Case(entry(), "K")])
        return server.logins

    assert asyncio.run(scenario(1740)) == 1
    assert asyncio.run(scenario(1741)) == 2


def test_using_a_session_keeps_it_alive() -> None:
    async def scenario() -> int:
        server, clock = ScriptedServiceLayer(), FakeClock()
        target = await connected(server, clock)
        for _ in range(5):
            clock.advance(1000)
            await target.observe([Case(entry(), "K")])
        return server.logins

    assert asyncio.run(scenario()) == 1


@pytest.mark.parametrize(("status", "code"), [(401, "301"), (400, "301"), (400, "-5002")])
def test_a_read_survives_a_lost_session_with_one_sign_in_and_one_replay(status: int, code: str) -> None:
    async def scenario() -> tuple[int, list[str]]:
        server = ScriptedServiceLayer()
        target = await connected(server)

        def once(request: httpx2.Request) -> httpx2.Response:
            return rows() if "s2" in request.headers["Cookie"] else error(status, code, INVALID)

        server.script["GET /JournalEntries"] = once
        await target.observe([Case(entry(), "K")])
        return server.logins, cookies(server, "/JournalEntries")[-2:]

    assert asyncio.run(scenario()) == (2, ["B1SESSION=s1; ROUTEID=.node1", "B1SESSION=s2; ROUTEID=.node1"])


def test_a_lost_session_is_seen_in_an_answer_of_unknown_length_too() -> None:
    async def scenario() -> tuple[int, list[str]]:
        server = ScriptedServiceLayer()
        target = await connected(server)

        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"error":{"code":"-5002","message":"Session already time'
            yield b'out"}}'

        def once(request: httpx2.Request) -> httpx2.Response:
            return rows() if "s2" in request.headers["Cookie"] else httpx2.Response(400, content=pieces())

        server.script["GET /JournalEntries"] = once
        await target.observe([Case(entry(), "K")])
        return server.logins, cookies(server, "/JournalEntries")[-2:]

    assert asyncio.run(scenario()) == (2, ["B1SESSION=s1; ROUTEID=.node1", "B1SESSION=s2; ROUTEID=.node1"])


def test_a_business_rejection_with_the_old_code_is_no_lost_session() -> None:
    async def scenario() -> int:
        server = ScriptedServiceLayer()
        target = await connected(server)
        server.script["GET /ChartOfAccounts"] = lambda _: error(400, "-5002", "Internal error (-5002) occurred")
        server.script["POST /CompanyService_GetPeriods"] = lambda _: rows()
        with pytest.raises(RefusedByServer, match="Internal error"):
            await target.references()
        return server.logins

    assert asyncio.run(scenario()) == 1


def test_a_session_that_is_lost_twice_is_a_failed_sign_in_and_no_loop() -> None:
    async def scenario() -> int:
        server = ScriptedServiceLayer()
        target = await connected(server)
        server.script["GET /JournalEntries"] = lambda _: error(401, "301", INVALID)
        with pytest.raises(SignInFailed, match="load balancer"):
            await target.observe([Case(entry(), "K")])
        return server.names().count("GET /JournalEntries")

    assert asyncio.run(scenario()) == 2 + 2, "two by the probe at the beginning, two by the look"


def test_a_write_is_never_replayed_on_a_lost_session() -> None:
    async def scenario() -> tuple[Receipt, Receipt, int, list[str]]:
        server = ScriptedServiceLayer(claims=False)
        target = await connected(server)
        server.script["POST /JournalEntries"] = lambda _: error(401, "301", INVALID)
        first = await post(target)
        server.script["POST /JournalEntries"] = lambda _: answer(201, {"JdtNum": 98790, "Number": 4021})
        return first, await post(target), server.logins, cookies(server, "POST /JournalEntries")

    first, second, logins, used = asyncio.run(scenario())

    assert isinstance(first, NotSent)
    assert second == Accepted((("JdtNum", "98790"), ("Number", "4021")))
    assert logins == 2
    assert used == ["B1SESSION=s1; ROUTEID=.node1", "B1SESSION=s2; ROUTEID=.node1"]


def test_a_bare_5002_on_a_write_is_a_refusal() -> None:
    async def scenario() -> Receipt:
        server = ScriptedServiceLayer(claims=False, timeout_min=1)
        target = await connected(server)
        server.script["POST /JournalEntries"] = lambda _: error(400, "-5002", "Internal error (-5002) occurred")
        return await post(target)

    assert asyncio.run(scenario()) == Refused("-5002", "Internal error (-5002) occurred")


@pytest.mark.parametrize(
    ("code", "words"), [("100000027", "password"), ("-304", "password"), ("100000055", "locked the user")]
)
def test_a_refused_sign_in_is_said_once_and_not_tried_again(code: str, words: str) -> None:
    async def scenario() -> tuple[int, int]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        tries: list[str] = []

        def refuse(_request: httpx2.Request) -> httpx2.Response:
            tries.append("login")
            return error(401, code, "Fail")

        server.script["POST /Login"] = refuse
        target._layer.session.lost("B1SESSION=s1; ROUTEID=.node1")
        for _ in range(3):
            with pytest.raises(SignInFailed, match=words):
                await target.observe([Case(entry(), "K")])
        automatically = len(tries)
        with pytest.raises(SignInFailed):
            await target.ping()
        return automatically, len(tries)

    assert asyncio.run(scenario()) == (1, 2), "a person who asks may try again"


def test_an_address_where_no_service_layer_answers_is_said_so() -> None:
    server = ScriptedServiceLayer()
    server.script["POST /Login"] = lambda _: httpx2.Response(404, text="<html>not found</html>")

    with pytest.raises(SignInFailed, match="Check the address"):
        asyncio.run(connected(server))


def test_a_server_that_is_down_is_no_failed_sign_in() -> None:
    server = ScriptedServiceLayer()
    server.script["POST /Login"] = lambda _: httpx2.Response(503)

    with pytest.raises(Unavailable):
        asyncio.run(connected(server))


def test_a_page_before_the_sign_in_is_trouble_on_the_way_and_says_nothing_of_a_document() -> None:
    async def scenario() -> None:
        server = ScriptedServiceLayer()
        target = await connected(server)
        target._layer.session.forget()
        server.script["POST /Login"] = lambda _: httpx2.Response(200, text="<html>Back soon</html>")
        document = entry()
        await target.observe([Case(document, target.wire_key(document))])

    with pytest.raises(Unavailable, match="Something before SAP's Service Layer answered"):
        asyncio.run(scenario())


def test_the_password_is_sent_to_login_and_nowhere_else() -> None:
    server = ScriptedServiceLayer()

    asyncio.run(connected(server))

    for request, name in zip(server.requests, server.names(), strict=True):
        assert (b"correct horse battery" in request.content) is (name == "POST /Login")


def test_closing_gives_the_session_back_even_when_the_server_is_gone() -> None:
    async def scenario(status: int) -> list[str]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        server.script["POST /Logout"] = lambda _: httpx2.Response(status)
        await target.close()
        return cookies(server, "/Logout")

    assert asyncio.run(scenario(204)) == ["B1SESSION=s1; ROUTEID=.node1"]
    assert asyncio.run(scenario(503)) == ["B1SESSION=s1; ROUTEID=.node1"]


def test_a_session_that_the_balancer_moves_follows_to_its_new_node() -> None:
    async def scenario() -> list[str]:
        server = ScriptedServiceLayer(claims=False)
        target = await connected(server)
        moved = [("Set-Cookie", "ROUTEID=.node2; path=/b1s")]
        server.script["GET /JournalEntries"] = lambda _: answer(200, {"value": []}, headers=moved)
        document = entry()
        for _ in range(2):
            await target.observe([Case(document, target.wire_key(document))])
        server.script["POST /JournalEntries"] = lambda _: answer(201, {"JdtNum": 1})
        await post(target)
        await target.close()
        return server.cookies[-5:]

    first, *later = asyncio.run(scenario())

    assert first == "B1SESSION=s1; ROUTEID=.node1"
    assert set(later) == {"B1SESSION=s1; ROUTEID=.node2"}
    assert len(later) == 4, "a look, a look, a write, and the sign-out"


def test_a_ping_signs_in_anew_and_gives_the_session_before_it_back() -> None:
    async def scenario() -> tuple[list[str], int]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        await target.ping()
        await target.close()
        return cookies(server, "/Logout"), server.logins

    given_back, logins = asyncio.run(scenario())

    assert logins == 2
    assert given_back == ["B1SESSION=s1; ROUTEID=.node1", "B1SESSION=s2; ROUTEID=.node1"]


def test_a_server_that_could_not_look_at_the_credentials_is_asked_again() -> None:
    async def scenario() -> int:
        server = ScriptedServiceLayer()
        target = await connected(server)
        tries: list[str] = []

        def refuse(_request: httpx2.Request) -> httpx2.Response:
            tries.append("login")
            return error(400, -1, "Fail to Get the Bound Database Instance from SLD")

        server.script["POST /Login"] = refuse
        target._layer.session.lost("B1SESSION=s1; ROUTEID=.node1")
        for _ in range(2):
            with pytest.raises(Unavailable, match="System Landscape Directory"):
                await target.observe([Case(entry(), "K")])
        return len(tries)

    assert asyncio.run(scenario()) == 2
