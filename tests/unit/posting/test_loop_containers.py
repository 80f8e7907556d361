"""Documents that are entered before they count: containers given up, goals, and writes that follow each other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Accepted,
    Move,
    NotSent,
    Outcome,
    Partial,
    PassRefused,
    Permit,
    Present,
    Receipt,
    Spoiled,
    Step,
)
from ml_connector.posting.loop import LEASE_TTL_S
from ml_connector.store import leases
from tests.support.entries import entry, shown
from tests.support.posting import CONNECTION, Office
from tests.support.target import FakeTarget, ids

A = entry("90000000011")
ENTER = Step("enter", counts=False, refuses_twice=False, settle_s=600)
LINES = Step("lines", counts=False, refuses_twice=False, settle_s=600)
COMMIT = Step("commit", counts=True, refuses_twice=True, settle_s=600)
GROUP = (("GroupID", "G1"),)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def test_a_spoilt_container_is_put_on_record_and_the_document_begins_again(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(needs=(ENTER, COMMIT), seen={A.key: Spoiled(GROUP, "a line is in doubt")})
    target.after_look = target.seen.clear

    tally = asyncio.run(office.poster(target).drain())

    assert tally.posted == 1
    first, second = office.trail(A.key)
    assert (first.outcome, first.ids, first.words) == (Outcome.ABANDONED, GROUP, "a line is in doubt")
    assert (second.step, second.outcome) == ("enter", Outcome.ACCEPTED)
    assert office.told("abandoned") == [A.key]


def test_with_the_goal_entered_the_drain_ends_and_looks_again_tomorrow(office: Office) -> None:
    office.plan(A, goal=State.ENTERED)
    target = FakeTarget(needs=(ENTER, COMMIT), seen={A.key: Partial(ids(A.key), "commit", shown(A))})

    tally = asyncio.run(office.poster(target).drain())

    assert (tally.posted, tally.entered) == (0, 1)
    assert target.sent == []
    row = office.row(A.key)
    assert (row.state, row.ids) == (State.ENTERED, ids(A.key))
    assert row.next_look_at == office.clock.now() + timedelta(days=1)


def test_what_a_person_posts_later_is_posted(office: Office) -> None:
    office.plan(A, goal=State.ENTERED)
    target = FakeTarget(needs=(ENTER, COMMIT), seen={A.key: Partial(ids(A.key), "commit", shown(A))})
    asyncio.run(office.poster(target).drain())

    target.seen[A.key] = Present(ids(A.key), shown(A))
    office.clock.advance(86_400)
    asyncio.run(office.poster(target).drain())

    assert office.state(A.key) == (State.POSTED, "")


@dataclass
class Train(FakeTarget):
    """Enters head and lines in one go."""

    followed: list[str] = field(default_factory=list)

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        (move,) = moves
        (await permit.grant(moves)).last_look()
        (await permit.follow(replace(move, step=LINES), Accepted(GROUP))).last_look()
        self.followed.append("lines")
        self.seen[move.key] = Present(ids(move.key), shown(move.case.document))
        return {move.key: Accepted(GROUP)}


def test_harmless_writes_follow_each_other_and_each_has_an_intent_of_its_own(office: Office) -> None:
    office.plan(A)
    target = Train(needs=(ENTER, LINES, COMMIT))

    asyncio.run(office.poster(target).drain())

    assert target.followed == ["lines"]
    assert [(each.step, each.outcome, each.ids) for each in office.trail(A.key)] == [
        ("enter", Outcome.ACCEPTED, GROUP),
        ("lines", Outcome.ACCEPTED, GROUP),
    ]


def test_a_write_that_counts_never_follows_without_a_look(office: Office) -> None:
    class Hasty(Train):
        async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
            (move,) = moves
            (await permit.grant(moves)).last_look()
            with pytest.raises(PassRefused, match="needs a look"):
                await permit.follow(replace(move, step=COMMIT), Accepted(GROUP))
            self.seen[move.key] = Present(ids(move.key), shown(move.case.document))
            return {move.key: Accepted(GROUP)}

    office.plan(A)
    asyncio.run(office.poster(Hasty(needs=(ENTER, COMMIT))).drain())

    assert office.row(A.key).state is State.POSTED


def test_a_train_stops_where_another_worker_has_taken_over(office: Office) -> None:
    class Overtaken(Train):
        async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
            (move,) = moves
            (await permit.grant(moves)).last_look()
            office.clock.advance(LEASE_TTL_S + 1)
            await office.store.call(lambda conn: leases.acquire(conn, CONNECTION, "two", 60, office.store.now(conn)))
            with pytest.raises(PassRefused, match="lease"):
                await permit.follow(replace(move, step=LINES), Accepted(GROUP))
            return {move.key: NotSent("the lease is lost")}

    office.plan(A)

    tally = asyncio.run(office.poster(Overtaken(needs=(ENTER, LINES, COMMIT))).drain())

    assert tally.busy
    assert [each.step for each in office.trail(A.key)] == ["enter"]
