"""Two posters on one connection: the lease decides, and who slept changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.errors import Unavailable
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Accepted,
    Case,
    Ended,
    Move,
    NotSent,
    Outcome,
    Permit,
    Receipt,
    Refused,
    Seen,
    Unknown,
)
from ml_connector.posting import approvals
from ml_connector.posting.loop import LEASE_TTL_S, Tally
from ml_connector.posting.trail import LOOK_AGE_MAX_S
from ml_connector.store import attempts, leases
from tests.support.entries import entry
from tests.support.posting import CONNECTION, Office
from tests.support.target import FakeTarget, ids

A = entry("90000000011")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


class Sleepy(FakeTarget):
    """Another target, and a place at which its poster falls asleep once. ``fails``: the look fails after that."""

    def __init__(self, inner: FakeTarget, at: str, *, fails: bool = False) -> None:
        super().__init__()
        self.asleep, self.awake = asyncio.Event(), asyncio.Event()
        self._inner, self._at, self._fails = inner, at, fails

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        seen = await self._inner.observe(cases)
        await self._sleep("after the look")
        if self._fails:
            raise Unavailable("SAP did not answer.")
        return seen

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        receipts = await self._inner.advance(moves, permit)
        await self._sleep("after the write")
        return receipts

    async def _sleep(self, at: str) -> None:
        if self._at == at:
            self._at = ""
            self.asleep.set()
            await self.awake.wait()


async def _asleep(office: Office, sleepy: Sleepy, meanwhile: Callable[[], Awaitable[object]]) -> Tally:
    """A poster sleeps for longer than its lease, and ``meanwhile`` happens. What it says of itself."""
    sleeper = asyncio.create_task(office.poster(sleepy, "one").drain())
    await sleepy.asleep.wait()
    office.clock.advance(LEASE_TTL_S + 1)
    await meanwhile()
    sleepy.awake.set()
    return await sleeper


def test_while_one_holds_the_lease_the_other_does_nothing(office: Office) -> None:
    office.plan(A)
    office.call(lambda conn: leases.acquire(conn, CONNECTION, "somebody", LEASE_TTL_S))

    tally = asyncio.run(office.poster(FakeTarget()).drain())

    assert tally.busy
    assert office.row(A.key).state is State.APPROVED


@pytest.mark.parametrize("at", ["after the look", "after the write"])
def test_who_wakes_after_its_lease_was_taken_changes_nothing(office: Office, at: str) -> None:
    office.plan(A)
    books = FakeTarget()

    tally = asyncio.run(_asleep(office, Sleepy(books, at), lambda: office.poster(books, "two").drain()))

    assert tally.busy
    assert books.sent == [A.key]
    assert office.row(A.key).state is State.POSTED
    assert office.told("posted") == [A.key]
    assert [attempt.outcome for attempt in office.trail(A.key)] == [Outcome.ACCEPTED]


@pytest.mark.parametrize("late", [Accepted(ids(A.key)), NotSent("reset"), Unknown("time-out"), Refused("-10", "no")])
def test_a_late_receipt_does_not_revive_what_a_person_dropped(office: Office, late: Receipt) -> None:
    office.plan(A)
    books = FakeTarget(answers={A.key: [late]})
    cancelled = FakeTarget(seen={A.key: Ended(ids(A.key), "reversed")})

    async def meanwhile() -> None:
        await office.poster(cancelled, "two").drain()
        await office.store.call(lambda conn: approvals.drop(conn, A.key, "accountant", office.note))

    asyncio.run(_asleep(office, Sleepy(books, at="after the write"), meanwhile))

    assert office.row(A.key).state is State.DROPPED


def test_a_look_that_failed_late_postpones_nothing_that_another_has_posted(office: Office) -> None:
    office.plan(A)
    books = FakeTarget()
    failing = Sleepy(books, "after the look", fails=True)

    asyncio.run(_asleep(office, failing, lambda: office.poster(books, "two").drain()))

    assert office.row(A.key).state is State.POSTED


def test_an_old_look_permits_nothing_although_nobody_took_the_lease(office: Office) -> None:
    office.plan(A)
    target = FakeTarget()
    naps = [LOOK_AGE_MAX_S + 1.0]
    target.after_look = lambda: office.clock.advance(naps.pop() if naps else 0.0)

    asyncio.run(office.poster(target).drain())

    assert target.looks == [(A.key,), (A.key,), (A.key,)]
    assert target.sent == [A.key]


def test_what_happened_to_a_document_since_its_look_asks_for_a_new_one(office: Office) -> None:
    office.plan(A)
    target = FakeTarget()

    def a_person_asks_again() -> None:
        target.after_look = lambda: None
        with office.store.engine.connect() as conn, conn.begin():
            attempts.mark(conn, A.key, Outcome.REPLAYED, "asked", office.clock.now())

    target.after_look = a_person_asks_again

    asyncio.run(office.poster(target).drain())

    assert len(target.looks) == 3
    assert target.sent == [A.key]
