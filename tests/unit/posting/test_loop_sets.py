"""Documents of one set that are not due together: none waits in a circle, and what began is known to have begun."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import NotSent, Refused, Unknown
from ml_connector.posting import approvals
from ml_connector.store import documents
from tests.support.entries import entry
from tests.support.posting import Office
from tests.support.target import FakeTarget

FIRST = entry("90000000013", "2026P10")
SECOND = entry("90000000013", "2026P11", depends_on=(FIRST.key,))
THIRD = entry("90000000013", "2026P12")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def _looks_at(target: FakeTarget, key: DocumentKey) -> int:
    return sum(key in look for look in target.looks)


def test_a_dependent_document_is_not_looked_at_over_and_over_while_the_other_backs_off(office: Office) -> None:
    office.plan(FIRST, SECOND)
    target = FakeTarget(answers={FIRST.key: [NotSent("no connection")] * 2})

    tally = asyncio.run(office.poster(target).drain())

    assert tally.next_look_at is not None
    assert tally.next_look_at > office.clock.now()
    assert office.row(SECOND.key).next_look_at == office.row(FIRST.key).next_look_at
    assert _looks_at(target, SECOND.key) == 3


def test_a_document_whose_predecessor_is_not_approved_waits_for_a_while(office: Office) -> None:
    office.plan(FIRST, SECOND, state=State.PLANNED)
    office.call(lambda conn: documents.set_state(conn, SECOND.key, State.APPROVED))
    target = FakeTarget()

    tally = asyncio.run(office.poster(target).drain())

    assert target.sent == []
    assert _looks_at(target, SECOND.key) == 1
    assert tally.next_look_at is not None
    assert tally.next_look_at > office.clock.now()


def test_a_set_has_begun_although_the_document_that_began_it_is_not_due(office: Office) -> None:
    middle = entry("90000000013", "2026P11")
    office.plan(FIRST, middle, THIRD)
    target = FakeTarget(
        answers={
            FIRST.key: [Unknown("time-out")],
            middle.key: [Refused("-10", "The account is frozen.")],
            THIRD.key: [NotSent("busy"), NotSent("busy")],
        }
    )
    asyncio.run(office.poster(target).drain())
    third_at = office.row(THIRD.key).next_look_at
    assert third_at is not None
    office.clock.advance((third_at - office.clock.now()).total_seconds())

    asyncio.run(office.poster(target).drain())

    assert office.row(FIRST.key).state is State.POSTING
    assert office.state(middle.key) == (State.HELD, "refused")
    assert office.row(THIRD.key).state is State.POSTED


def test_a_document_is_not_stopped_by_one_that_a_person_has_released_meanwhile(office: Office) -> None:
    office.plan(FIRST, SECOND)
    target = FakeTarget(answers={FIRST.key: [Refused("-10", "The account is frozen.")]})
    office.call(lambda conn: documents.set_state(conn, SECOND.key, State.PLANNED))
    asyncio.run(office.poster(target).drain())
    office.call(lambda conn: documents.set_state(conn, SECOND.key, State.APPROVED))

    def a_person_replays_the_first() -> None:
        target.after_look = lambda: None
        with office.store.engine.connect() as conn, conn.begin():
            approvals.replay(conn, office.store, FIRST.key, "accountant", office.note)

    target.after_look = a_person_replays_the_first
    asyncio.run(office.poster(target).drain())

    assert office.row(FIRST.key).state is State.POSTED
    assert office.row(SECOND.key).state is State.POSTED
