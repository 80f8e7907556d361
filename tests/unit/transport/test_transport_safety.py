"""What a hostile or broken server can make of the HTTP client: nothing but an error of our own, and never a secret."""

import asyncio
import gzip
import socket
from collections.abc import Callable, Mapping
from random import Random

import httpx2
import pytest

from ml_connector.domain.errors import BadAnswer, Unavailable, WrongUse
from ml_connector.domain.target import Unknown
from ml_connector.transport.http import Answer, HttpClient
from ml_connector.transport.redaction import MASK, Redactor
from tests.support.clock import FakeClock

CANARY = "canary-f00d-secret"


class AnyTime:
    def last_look(self) -> None:
        """Always."""


def client(respond: Callable[[httpx2.Request], httpx2.Response], base_url: str = "https://erp.example") -> HttpClient:
    return HttpClient("The ERP", base_url, FakeClock(), Random(1), transport=httpx2.MockTransport(respond))


def packed(headers: Mapping[str, str], body: bytes) -> Callable[[httpx2.Request], httpx2.Response]:
    return lambda _: httpx2.Response(200, headers=headers, stream=httpx2.ByteStream(body))


def test_an_answer_that_was_packed_twice_is_not_unpacked() -> None:
    # given: 64 MiB in some hundred bytes
    bomb = gzip.compress(gzip.compress(bytes(64 << 20)))
    http = client(packed({"content-encoding": "gzip, gzip"}, bomb))

    # when, then
    with pytest.raises(Unavailable, match="cannot be unpacked"):
        asyncio.run(http.read("GET", "/", attempts=1))


class TellsWhatItSends(httpx2.AsyncBaseTransport):
    """Answers every request alike, and says before it does that the first byte leaves."""

    def __init__(self, headers: Mapping[str, str], body: bytes) -> None:
        self._respond = packed(headers, body)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.extensions["trace"]("http11.send_request_headers.started", {})
        return self._respond(request)


def test_an_answer_that_cannot_be_unpacked_leaves_a_write_unknown() -> None:
    sends = TellsWhatItSends({"content-encoding": "gzip"}, b"no gzip at all")
    http = HttpClient("The ERP", "https://erp.example", FakeClock(), Random(1), transport=sends)

    outcome = asyncio.run(http.write(AnyTime(), "POST", "/JournalEntries"))

    assert outcome == Unknown("its answer cannot be unpacked")


def test_characters_that_no_database_takes_do_not_come_out_of_an_answer() -> None:
    answer = Answer(200, {}, rb'{"w\u0000": ["a\u0000b", {"x": "\ud83d"}, "\ud83d\ude00", 1.50]}')

    assert answer.json() == {"w\ufffd": ["a\ufffdb", {"x": "\ufffd"}, "\U0001f600", answer.json()["w\ufffd"][3]]}


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b'"\\u0000"' + b"[" * 9, b"\xff\xfe"])
def test_json_that_is_none_is_a_bad_answer(body: bytes) -> None:
    with pytest.raises(BadAnswer):
        Answer(200, {}, body).json()


def test_an_answer_shows_neither_body_nor_headers_nor_cookies() -> None:
    answer = Answer(200, {"location": CANARY}, CANARY.encode(), (f"B1SESSION={CANARY}",))

    assert CANARY not in repr(answer)


def test_an_address_that_cannot_be_one_is_refused_without_repeating_it() -> None:
    http = client(packed({}, b""), f"https://erp.example/\x01{CANARY}")

    with pytest.raises(WrongUse) as refused:
        asyncio.run(http.read("GET", "/", attempts=1))

    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"Password": "canary-f00d-secret"}',
        '{"refresh_token" : "canary-f00d-secret"}',
        "https://bucket.example/doc?AWSAccessKeyId=A&Signature=canary-f00d-secret&Expires=1",
        "https://x.example/d?X-Amz-Algorithm=A&X-Amz-Signature=canary-f00d-secret",
    ],
)
def test_secrets_are_known_by_their_shape(text: str) -> None:
    assert CANARY not in Redactor().text(text)


@pytest.mark.parametrize(
    "written", ['p\\"\\u00e4ss w\\u00f6rd/1', "p%22%C3%A4ss+w%C3%B6rd%2F1", "p%22%C3%A4ss%20w%C3%B6rd%2F1"]
)
def test_a_learnt_secret_is_known_in_every_spelling_in_which_it_is_sent(written: str) -> None:
    redactor = Redactor()
    redactor.learn(['p"äss wörd/1'])

    assert redactor.text(f"<{written}>") == f"<{MASK}>"


def test_a_log_event_shows_no_secret_of_an_object_in_it() -> None:
    class Holder:
        def __repr__(self) -> str:
            return f"Holder({CANARY})"

    redactor = Redactor()
    redactor.learn([CANARY])

    event = redactor.event(
        None, "info", {"event": "x", "held": Holder(), "all": {CANARY}, CANARY: 1, "n": 1, "no": None}
    )

    assert CANARY not in repr(event)
    assert event["n"] == 1
    assert event["no"] is None


def test_why_there_is_no_connection_is_said() -> None:
    def unknown_name(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("") from socket.gaierror(-2, "Name or service not known")

    nobody_listens = HttpClient("The ERP", "http://127.0.0.1:1", FakeClock(), Random(1))

    with pytest.raises(Unavailable, match=r"did not answer \(connection refused\)"):
        asyncio.run(nobody_listens.read("GET", "/", attempts=1))
    with pytest.raises(Unavailable, match=r"did not answer \(its name is not known\)"):
        asyncio.run(client(unknown_name).read("GET", "/", attempts=1))


@pytest.mark.parametrize(
    ("date", "ahead_s"),
    [
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:59:00 GMT", -60.0),
        ("yesterday", None),
        ("Sat, 21 Nov 2026 12:00:30", None),
    ],
)
def test_how_far_the_servers_clock_is_from_ours_is_known_from_its_answers(date: str, ahead_s: float | None) -> None:
    http = client(lambda _: httpx2.Response(200, headers={"Date": date}))

    asyncio.run(http.read("GET", "/"))

    assert http.clock_ahead_s == ahead_s
