"""Where a person decides: yes, again, never."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Ended, Outcome, Refused, Unknown
from ml_connector.posting import approvals
from ml_connector.posting.sets import STOPPED
from tests.support.entries import entry
from tests.support.posting import Office
from tests.support.target import FakeTarget, ids

A = entry("90000000011")
FIRST = entry("90000000013", "2026P10")
SECOND = entry("90000000013", "2026P11", depends_on=(FIRST.key,))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def approve(office: Office, *keys: DocumentKey) -> int:
    count = office.call(lambda conn: approvals.approve(conn, list(keys), "accountant", office.note))
    assert isinstance(count, int)
    return count


def replay(office: Office, key: DocumentKey) -> list[DocumentKey]:
    released = office.call(lambda conn: approvals.replay(conn, office.store, key, "accountant", office.note))
    return [row.key for row in released]


def drop(office: Office, key: DocumentKey) -> None:
    office.call(lambda conn: approvals.drop(conn, key, "accountant", office.note))


def refused(office: Office, *documents: object, words: str = "The account is frozen.") -> FakeTarget:
    """The first document of the only set is refused by the target."""
    office.plan(*documents)  # type: ignore[arg-type]
    target = FakeTarget(answers={documents[0].key: [Refused("-10", words)]})  # type: ignore[attr-defined]
    asyncio.run(office.poster(target).drain())
    return target


def test_what_is_approved_is_noted_with_who_did_it(office: Office) -> None:
    office.plan(A, state=State.PLANNED)

    assert approve(office, A.key) == 1
    assert office.row(A.key).state is State.APPROVED
    assert office.told("approved") == [A.key]


def test_approving_twice_or_what_is_not_known_changes_nothing(office: Office) -> None:
    office.plan(A)

    assert approve(office, A.key, DocumentKey("ABCD-JE-1-2026P10")) == 0
    assert office.told("approved") == []


def test_after_the_cause_is_mended_a_replay_posts_the_document(office: Office) -> None:
    target = refused(office, A)

    assert replay(office, A.key) == [A.key]
    asyncio.run(office.poster(target).drain())

    assert office.row(A.key).state is State.POSTED
    assert [attempt.outcome for attempt in office.trail(A.key)] == [
        Outcome.REFUSED,
        Outcome.REPLAYED,
        Outcome.ACCEPTED,
    ]


def test_a_replay_releases_what_was_only_stopped_with_it(office: Office) -> None:
    target = refused(office, FIRST, SECOND)
    assert office.state(SECOND.key) == (State.HELD, STOPPED)

    assert replay(office, FIRST.key) == [FIRST.key, SECOND.key]
    asyncio.run(office.poster(target).drain())

    assert office.row(FIRST.key).state is State.POSTED
    assert office.row(SECOND.key).state is State.POSTED


def test_a_replay_does_not_shorten_the_wait_for_what_may_still_land(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(answers={A.key: [Unknown("time-out")]}, seen={})
    asyncio.run(office.poster(target).drain())
    target.seen[A.key] = Ended(ids(A.key), "reversed")
    office.clock.advance(700)
    asyncio.run(office.poster(target).drain())
    assert office.state(A.key) == (State.HELD, "ended_in_target")

    replay(office, A.key)
    del target.seen[A.key]
    asyncio.run(office.poster(target).drain())
    office.clock.advance(700)
    tally = asyncio.run(office.poster(target).drain())

    assert target.sent == [A.key, A.key]
    assert tally.posted == 1


def test_a_document_that_was_never_sent_goes_back_to_approved(office: Office) -> None:
    office.plan(A)
    asyncio.run(office.poster(FakeTarget(cannot={A.key: "There is no such currency."})).drain())

    replay(office, A.key)

    assert office.row(A.key).state is State.APPROVED


def test_a_dropped_document_may_be_taken_up_again(office: Office) -> None:
    target = refused(office, A)
    drop(office, A.key)

    replay(office, A.key)
    asyncio.run(office.poster(target).drain())

    assert office.row(A.key).state is State.POSTED


@pytest.mark.parametrize("state", [State.PLANNED, State.APPROVED, State.POSTED])
def test_what_is_not_held_cannot_be_replayed(office: Office, state: State) -> None:
    office.plan(A, state=state)

    with pytest.raises(WrongUse, match="nothing to replay"):
        replay(office, A.key)


def test_a_held_document_can_be_dropped_and_is_never_posted(office: Office) -> None:
    target = refused(office, A)

    drop(office, A.key)
    asyncio.run(office.poster(target).drain())

    assert office.state(A.key) == (State.DROPPED, "dropped")
    assert target.sent == [A.key]
    assert office.told("dropped") == [A.key]


def test_a_planned_document_can_be_dropped(office: Office) -> None:
    office.plan(A, state=State.PLANNED)

    drop(office, A.key)

    assert office.row(A.key).state is State.DROPPED


@pytest.mark.parametrize("state", [State.APPROVED, State.POSTING, State.ENTERED, State.POSTED])
def test_what_may_be_on_its_way_cannot_be_dropped(office: Office, state: State) -> None:
    office.plan(A, state=state)

    with pytest.raises(WrongUse, match="only a held or planned document"):
        drop(office, A.key)


@pytest.mark.parametrize("act", [replay, drop])
def test_an_unknown_document_is_said_so(office: Office, act: object) -> None:
    with pytest.raises(WrongUse, match="No document"):
        act(office, DocumentKey("ABCD-JE-1-2026P10"))  # type: ignore[operator]


def test_a_posted_document_that_is_gone_is_held_for_a_person(office: Office) -> None:
    office.plan(A, state=State.POSTED)

    office.call(lambda conn: approvals.missing(conn, A.key, "It is gone.", office.note, found="nothing"))

    assert office.state(A.key) == (State.HELD, "missing")
    assert office.told("missing") == [A.key]
