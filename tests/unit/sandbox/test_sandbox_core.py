"""The world's own machinery: time, ledger, faults, and the node transport that tests mount it with."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.faults import (
    ASGIApp,
    FaultPlan,
    Receive,
    Refusal,
    Scope,
    Send,
    faulty,
    list_faults,
)
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.switches import Switch, Switches
from tests.support.nodes import NodeTransport, clock_within

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Counter:
    """The smallest system: a POST counts, every answer says how many were counted."""

    def __init__(self) -> None:
        self.counted = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        if scope["method"] == "POST":
            self.counted += int(body)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": f"counted {self.counted}".encode()})


def worded(status: int) -> Refusal:
    return Refusal(status, b'{"refused":true}')


def on_a_line(app: ASGIApp, clock: ManualClock, **fault: object) -> ASGIApp:
    plan = FaultPlan.of({"faults": [{"system": "counter", "operation": "POST *", **fault}]})
    return faulty(app, plan.of_system("counter"), clock, lambda method, path: f"{method} {path}", worded)


def send_one(app: ASGIApp, clock: ManualClock, during: Callable[[], Awaitable[None]] | None = None) -> httpx2.Response:
    """One POST of 1 with 30 s of patience on the manual clock, and ``during`` beside it."""

    async def talk() -> httpx2.Response:
        node = NodeTransport(app, within=clock_within(clock))
        async with httpx2.AsyncClient(transport=node, timeout=30.0) as client:
            answer = asyncio.ensure_future(client.post("http://counter.test/n", content=b"1"))
            if during is not None:
                await during()
            try:
                return await answer
            finally:
                while node.work:
                    clock.advance(1_000)
                    await breathe()

    return asyncio.run(talk())


async def breathe() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_lost_reply_breaks_the_line_after_the_work_is_done() -> None:
    counter, clock = Counter(), ManualClock(START)
    with pytest.raises(httpx2.RemoteProtocolError):
        send_one(on_a_line(counter, clock, fault="lost_reply", nth=1), clock)
    assert counter.counted == 1


def test_a_reset_breaks_the_line_before_the_work() -> None:
    counter, clock = Counter(), ManualClock(START)
    with pytest.raises(httpx2.RemoteProtocolError):
        send_one(on_a_line(counter, clock, fault="reset", nth=1), clock)
    assert counter.counted == 0


def test_a_late_request_is_carried_out_after_the_client_has_given_up() -> None:
    counter, clock = Counter(), ManualClock(START)
    seen_by_then: list[int] = []

    async def time_passes() -> None:
        await breathe()
        clock.advance(31)
        await breathe()
        seen_by_then.append(counter.counted)

    with pytest.raises(httpx2.ReadTimeout):
        send_one(on_a_line(counter, clock, fault="late", seconds=300, nth=1), clock, time_passes)
    assert seen_by_then == [0]
    assert counter.counted == 1


@pytest.mark.parametrize(
    ("fault", "status", "body", "counted"),
    [
        ("http_429", 429, '{"refused":true}', 0),
        ("http_503", 503, '{"refused":true}', 0),
        ("error_after_commit", 500, '{"refused":true}', 1),
    ],
)
def test_refusals_are_worded_by_the_system(fault: str, status: int, body: str, counted: int) -> None:
    counter, clock = Counter(), ManualClock(START)
    answer = send_one(on_a_line(counter, clock, fault=fault, nth=1), clock)
    assert (answer.status_code, answer.text, counter.counted) == (status, body, counted)


def test_an_html_error_is_a_page_and_not_json() -> None:
    counter, clock = Counter(), ManualClock(START)
    answer = send_one(on_a_line(counter, clock, fault="html_error", nth=1), clock)
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "text/html"
    assert counter.counted == 0


def test_a_truncated_body_is_noticed_by_the_client() -> None:
    counter, clock = Counter(), ManualClock(START)
    with pytest.raises(httpx2.RemoteProtocolError):
        send_one(on_a_line(counter, clock, fault="truncated_body", nth=1), clock)
    assert counter.counted == 1


def test_a_slow_body_outlasts_patience_between_two_pieces() -> None:
    counter, clock = Counter(), ManualClock(START)

    async def time_passes() -> None:
        await breathe()
        clock.advance(31)
        await breathe()

    with pytest.raises(httpx2.ReadTimeout):
        send_one(on_a_line(counter, clock, fault="slow_body", seconds=600, nth=1), clock, time_passes)


def test_nth_and_count_make_a_burst_and_others_are_left_alone() -> None:
    plan = FaultPlan.of(
        {"faults": [{"system": "counter", "operation": "POST *", "fault": "reset", "nth": 2, "count": 2}]}
    )
    asked = plan.of_system("counter")
    happened = [asked.ask("POST /n", "reset") is not None for _ in range(5)]
    assert happened == [False, True, True, False, False]
    assert asked.ask("GET /n", "reset") is None
    assert plan.of_system("another").ask("POST /n", "reset") is None


def test_chance_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        entry = {"system": "*", "operation": "*", "fault": "reset", "probability": 0.5, "seed": seed}
        asked = FaultPlan.of({"faults": [entry]}).of_system("any")
        return [asked.ask("x", "reset") is not None for _ in range(64)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


@pytest.mark.parametrize(
    "entry",
    [
        {"fault": "earthquake"},
        {"fault": "reset", "nth": "two"},
        {"fault": "reset", "colour": 1},
        {"fault": "reset", "nth": 1, "probability": 0.5},
    ],
)
def test_a_plan_that_is_not_understood_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="fault 1"):
        FaultPlan.of({"faults": [entry]})


def test_every_fault_has_one_sentence() -> None:
    listed = list_faults()
    assert {"lost_reply", "late", "reset", "clock_skew", "person_cancels"} <= {name for name, _ in listed}
    assert all(sentence.endswith(".") for _, sentence in listed)


def test_systems_share_a_file_but_not_their_tables(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "state")
    for system in ("amazon", "erp"):
        book = ledger.book(system)
        book.create("things", "name TEXT")
        book.execute("INSERT INTO {things} VALUES (?)", (f"of {system}",))
    ledger.close()

    again = Ledger(tmp_path / "state")
    assert [row["name"] for row in again.book("erp").rows("SELECT name FROM {things}")] == ["of erp"]
    again.close()


def test_what_fails_in_a_transaction_did_not_happen() -> None:
    book = Ledger().book("erp")
    book.create("things", "name TEXT NOT NULL")
    with pytest.raises(sqlite3.IntegrityError), book.transaction():
        book.insert_all("INSERT INTO {things} VALUES (?)", [("half",), (None,)])
    assert book.rows("SELECT name FROM {things}") == []


def test_switches_take_known_names_of_the_right_type_only() -> None:
    declared = [Switch("repeats_itself", "dossier, section 1", default=False, meaning="It says everything twice.")]
    assert not Switches(declared).on("repeats_itself")
    assert Switches(declared, {"repeats_itself": True}).on("repeats_itself")
    with pytest.raises(ValueError, match="no switch named"):
        Switches(declared, {"repeats": True})
    with pytest.raises(ValueError, match="takes a bool"):
        Switches(declared, {"repeats_itself": 1})


def test_the_node_announces_a_request_before_it_sends_it() -> None:
    counter = Counter()
    order: list[str] = []

    async def trace(event: str, info: dict[str, object]) -> None:
        order.append(event)
        assert counter.counted == 0

    async def talk() -> None:
        async with httpx2.AsyncClient(transport=NodeTransport(counter)) as client:
            await client.post("http://counter.test/n", content=b"1", extensions={"trace": trace})

    asyncio.run(talk())
    assert order == ["http11.send_request_headers.started"]
    assert counter.counted == 1


def test_a_client_that_dies_does_not_stop_the_node() -> None:
    clock = ManualClock(START)
    counter = Counter()
    app = on_a_line(counter, clock, fault="late", seconds=60, nth=1)

    async def talk() -> None:
        node = NodeTransport(app)
        async with httpx2.AsyncClient(transport=node) as client:
            call = asyncio.ensure_future(client.post("http://counter.test/n", content=b"1"))
            await breathe()
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert counter.counted == 0
            clock.advance(61)
            await node.settle()

    asyncio.run(talk())
    assert counter.counted == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("fault = [", "is no TOML"),
        ("[[fault]]\nfault = 'lost_reply'", "this one has fault"),
        ("faults = 1", "a list of"),
    ],
)
def test_a_fault_plan_that_would_do_nothing_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=says):
        FaultPlan.load(file)
