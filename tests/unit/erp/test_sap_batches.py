"""Promises about several documents in one request: which travel together, and what the answer says of each."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest

from ml_connector.domain.documents import JournalEntry, JournalLine
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Attempt,
    Case,
    Move,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Unknown,
    Unsupported,
)
from ml_connector.erp.sap_business_one.routes import writes
from tests.support.entries import entry
from tests.support.sap import Handler, OpenPermit, ScriptedServiceLayer, connected

AT = datetime(2026, 11, 21, 11, tzinfo=UTC)
DONE = (201, {"Code": "x"}), (201, {"JdtNum": 98790, "Number": 4021})
REFUSED = (400, {"error": {"code": "-10", "message": "Unbalanced"}})
TAKEN = (400, {"error": {"code": "-2035", "message": "exists"}})
LOST = (401, {"error": {"code": "301", "message": "Invalid session"}})
WENT_THROUGH = Accepted((("JdtNum", "98790"), ("Number", "4021")))

Part = tuple[int, object]


def answered(*items: tuple[Part, ...] | Part, ends: bool = True) -> Handler:
    """A batch answer: a change set that went through is a tuple of parts, one that failed is a part alone."""
    text = ""
    for item in items:
        text += "--b\r\n"
        if isinstance(item[0], int):
            text += _part(item)
        else:
            inner = "".join(f"--c\r\n{_part(each)}" for each in item)
            text += f"Content-Type: multipart/mixed;boundary=c\r\n\r\n{inner}--c--\r\n"
    headers = {"Content-Type": "multipart/mixed;boundary=b"}
    return lambda _request: httpx2.Response(200, headers=headers, text=text + ("--b--\r\n" if ends else ""))


def _part(part: Part) -> str:
    return f"Content-Type: application/http\r\n\r\nHTTP/1.1 {part[0]} X\r\n\r\n{json.dumps(part[1])}\n\r\n"


def entries(count: int) -> list[JournalEntry]:
    return [entry(f"9000000{number:04}") for number in range(count)]


def sent(
    documents: Sequence[JournalEntry], handler: Handler, *, trails: Sequence[tuple[Attempt, ...]] = (), size: str = "20"
) -> tuple[list[Receipt], OpenPermit, list[str]]:
    """The receipts of one ``advance``, what was granted, and the bodies of the batches."""

    async def scenario() -> tuple[list[Receipt], OpenPermit, list[str]]:
        server, permit = ScriptedServiceLayer(), OpenPermit()
        target = await connected(server, settings={"batch_size": size})
        server.script["POST /$batch"] = handler
        moves = []
        for number, document in enumerate(documents):
            steps = target.steps(document)
            assert not isinstance(steps, Unsupported)
            trail = trails[number] if trails else ()
            moves.append(Move(Case(document, target.wire_key(document), trail), Absent("nowhere"), steps[0]))
        receipts = await target.advance(moves, permit)
        bodies = [request.content.decode() for request in server.requests if request.url.path.endswith("$batch")]
        return [receipts[move.key] for move in moves], permit, bodies

    return asyncio.run(scenario())


def test_documents_travel_together_each_in_a_change_set_of_its_own_under_one_permit() -> None:
    receipts, permit, bodies = sent(entries(3), answered(DONE, DONE, DONE))

    assert receipts == [WENT_THROUGH] * 3
    assert [[move.key for move in moves] for moves in permit.granted] == [[each.key for each in entries(3)]]
    (body,) = bodies
    assert body.count("Content-Type: multipart/mixed;boundary=changeset_") == 3
    assert body.count("POST /b1s/v2/U_ML_LINK HTTP/1.1") == body.count("POST /b1s/v2/JournalEntries HTTP/1.1") == 3


def test_what_a_stopped_batch_did_not_come_to_was_not_sent() -> None:
    receipts, _, _ = sent(entries(4), answered(DONE, REFUSED))

    assert receipts == [WENT_THROUGH, Refused("-10", "Unbalanced"), *[NotSent(writes.STOPPED)] * 2]


@pytest.mark.parametrize(
    ("part", "receipt"),
    [(TAKEN, Refused("duplicate", "exists")), (LOST, NotSent("SAP had ended the session."))],
)
def test_the_part_that_stopped_it_is_judged_as_any_answer(part: Part, receipt: Receipt) -> None:
    receipts, _, _ = sent(entries(3), answered(DONE, part))

    assert receipts == [WENT_THROUGH, receipt, NotSent(writes.STOPPED)]


def test_what_an_answer_that_ends_early_does_not_say_is_unknown() -> None:
    receipts, _, _ = sent(entries(3), answered(DONE))

    assert receipts[0] == WENT_THROUGH
    assert all(isinstance(receipt, Unknown) for receipt in receipts[1:])


@pytest.mark.parametrize(
    "handler",
    [
        answered(DONE, DONE, ends=False),
        answered(DONE, DONE, DONE, DONE),
        lambda _: httpx2.Response(502, text="<html>Proxy Error</html>"),
        lambda _: httpx2.Response(200, text="{}"),
    ],
    ids=["cut off", "more answers than documents", "a proxy's page", "no batch"],
)
def test_an_answer_that_is_none_leaves_every_document_unknown(handler: Handler) -> None:
    receipts, _, bodies = sent(entries(3), handler)

    assert all(isinstance(receipt, Unknown) for receipt in receipts)
    assert len(bodies) == 1


def test_a_change_set_that_is_answered_in_part_is_unknown_and_the_others_are_not() -> None:
    receipts, _, _ = sent(entries(2), answered((DONE[0],), DONE))

    assert isinstance(receipts[0], Unknown)
    assert receipts[1] == WENT_THROUGH


def test_batches_are_no_larger_than_the_setting_says() -> None:
    _, permit, bodies = sent(entries(5), answered(DONE, DONE), size="2")

    assert [len(moves) for moves in permit.granted] == [2, 2, 1]
    assert len(bodies) == 3


def test_batches_are_bounded_in_bytes_and_a_larger_document_goes_alone() -> None:
    # given: some 700,000 bytes each
    long = replace(entry(), lines=entry().lines + (_line(),) * 7_000)
    documents = [replace(long, key=each.key) for each in entries(2)] + entries(3)[2:]

    _, permit, bodies = sent(documents, answered(DONE, DONE))

    assert [len(moves) for moves in permit.granted] == [1, 2]
    assert all(len(body) < 2 * writes.BATCH_BYTES_MAX for body in bodies)


def _line() -> JournalLine:
    first = entry().lines[0]
    return replace(first, text=f"{first.category} {first.store} | {'x' * 30}")


def test_a_document_that_a_stopped_batch_did_not_come_to_goes_alone() -> None:
    stopped = (Attempt("claim", AT, Outcome.NOT_SENT, (), writes.STOPPED),)

    _, permit, _ = sent(entries(3), answered(DONE), trails=[(), stopped, ()])

    assert sorted([move.key for move in moves] for moves in permit.granted) == sorted(
        [[entries(3)[1].key], [entries(3)[0].key, entries(3)[2].key]]
    )


def test_nothing_of_a_batch_is_sent_without_its_permit() -> None:
    async def scenario() -> tuple[list[Receipt], list[str]]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        steps = target.steps(entry())
        assert not isinstance(steps, Unsupported)
        moves = [Move(Case(each, target.wire_key(each)), Absent("nowhere"), steps[0]) for each in entries(2)]
        receipts = await target.advance(moves, OpenPermit(refuses="the lease ran out"))
        return list(receipts.values()), server.names()

    receipts, asked = asyncio.run(scenario())

    assert receipts == [NotSent("the lease ran out")] * 2
    assert "POST /$batch" not in asked
