"""The poster of one connection: what it does with documents, looks and receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.errors import Unavailable
from ml_connector.domain.target import Ended, NotSent, Outcome, Present, Refused, Step, Unknown, Working
from ml_connector.posting.decide import Rules
from ml_connector.posting.sets import STOPPED
from ml_connector.posting.trail import DUPLICATE, PASS_LIFE_S
from tests.support.entries import entry, shown
from tests.support.posting import Office
from tests.support.target import PLAIN, FakeTarget, ids

A = entry("90000000011")
B = entry("90000000012")
FIRST = entry("90000000013", "2026P10")
SECOND = entry("90000000013", "2026P11", depends_on=(FIRST.key,))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office.open(tmp_path)
    yield office
    office.close()


def test_what_is_due_is_sent_once_and_posted_when_it_is_seen(office: Office) -> None:
    office.plan(A)
    office.plan(B)
    target = FakeTarget()

    tally = asyncio.run(office.poster(target).drain())

    assert (tally.posted, tally.held, tally.next_look_at) == (2, 0, None)
    assert target.sent == [A.key, B.key]
    assert office.row(A.key).state is State.POSTED
    assert office.row(A.key).ids == ids(A.key)


def test_what_is_planned_and_not_approved_is_left_alone(office: Office) -> None:
    office.plan(A, state=State.PLANNED)
    target = FakeTarget()

    asyncio.run(office.poster(target).drain())

    assert target.looks == []


def test_a_dependent_document_is_sent_after_the_one_it_depends_on_was_seen(office: Office) -> None:
    office.plan(FIRST, SECOND)
    target = FakeTarget()

    asyncio.run(office.poster(target).drain())

    assert target.sent == [FIRST.key, SECOND.key]
    assert target.looks[1] == (FIRST.key, SECOND.key)


def test_a_lost_reply_is_looked_for_before_anything_is_sent_again(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(answers={A.key: [Unknown("time-out")]})

    tally = asyncio.run(office.poster(target).drain())

    assert target.sent == [A.key]
    assert tally.next_look_at == office.clock.now() + timedelta(seconds=PASS_LIFE_S + PLAIN.settle_s)

    office.clock.advance(PASS_LIFE_S + PLAIN.settle_s)
    asyncio.run(office.poster(target).drain())

    assert target.sent == [A.key, A.key]
    assert office.row(A.key).state is State.POSTING  # the first one may land after all

    office.clock.advance(PASS_LIFE_S + PLAIN.settle_s)
    asyncio.run(office.poster(target).drain())

    assert target.sent == [A.key, A.key]
    assert office.row(A.key).state is State.POSTED


def test_a_document_that_is_there_already_is_adopted_and_not_sent(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(holds={A.key: A})

    tally = asyncio.run(office.poster(target).drain())

    assert (tally.posted, tally.adopted, target.sent) == (0, 1, [])
    assert office.told("adopted") == [A.key]


def test_a_refusal_is_held_with_the_servers_words(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(answers={A.key: [Refused("-5002", "The period is locked.", 2)]})

    asyncio.run(office.poster(target).drain())

    row = office.row(A.key)
    assert (row.state, row.reason_code) == (State.HELD, "refused")
    assert "(line 2): The period is locked." in row.reason
    assert office.trail(A.key)[0].outcome is Outcome.REFUSED


def test_refused_as_a_duplicate_means_that_the_next_look_finds_it(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(needs=(Step("claim", counts=True, refuses_twice=True, settle_s=600),))
    target.answers[A.key] = [Refused(DUPLICATE, "exists")]
    target.after_write = lambda: target.holds.update({A.key: A})

    asyncio.run(office.poster(target).drain())

    assert office.row(A.key).state is State.POSTED
    assert target.sent == [A.key]


def test_a_refused_document_stops_the_rest_of_its_set_and_no_other_set(office: Office) -> None:
    office.plan(FIRST, SECOND)
    office.plan(A)
    target = FakeTarget(answers={FIRST.key: [Refused("-10", "The account is frozen.")]})

    asyncio.run(office.poster(target).drain())

    assert office.state(FIRST.key) == (State.HELD, "refused")
    assert office.state(SECOND.key) == (State.HELD, STOPPED)
    assert office.row(A.key).state is State.POSTED
    assert SECOND.key not in target.sent


def test_what_the_target_cannot_hold_is_held_without_a_look(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(cannot={A.key: "There is no such currency."})

    asyncio.run(office.poster(target).drain())

    assert office.state(A.key) == (State.HELD, "unsupported")
    assert target.looks == [()]


def test_what_waits_in_the_target_for_a_person_is_entered_and_looked_at_again_later(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(seen={A.key: Working(ids(A.key), "waits for approval", by_person=True)})

    tally = asyncio.run(office.poster(target, rules=Rules(look_again_s=3600)).drain())

    assert office.row(A.key).state is State.ENTERED
    assert tally.next_look_at == office.clock.now() + timedelta(hours=1)


def test_what_a_person_reversed_is_not_posted_again(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(seen={A.key: Ended(ids(A.key), "reversed")})

    asyncio.run(office.poster(target).drain())

    assert office.state(A.key) == (State.HELD, "ended_in_target")
    assert target.sent == []


def test_another_content_under_our_key_is_held_and_nothing_is_posted_beside_it(office: Office) -> None:
    office.plan(A)
    other = entry("90000000011", currency="EUR")
    target = FakeTarget(seen={A.key: Present(ids(A.key), shown(other))})

    asyncio.run(office.poster(target).drain())

    assert office.state(A.key) == (State.HELD, "conflict")
    assert target.sent == []


def test_a_target_that_does_not_answer_the_look_is_left_alone_for_a_while(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(trouble=Unavailable("SAP did not answer."))

    tally = asyncio.run(office.poster(target).drain())

    assert tally.trouble is target.trouble
    assert target.sent == []
    assert office.row(A.key).state is State.APPROVED
    assert tally.next_look_at is not None
    assert tally.next_look_at > office.clock.now()


def test_what_could_not_be_sent_is_tried_again_at_growing_distances(office: Office) -> None:
    office.plan(A)
    target = FakeTarget(answers={A.key: [NotSent("no connection")] * 3})

    tally = asyncio.run(office.poster(target).drain())
    assert len(target.sent) == 2
    waits = []
    while tally.next_look_at is not None:
        waits.append((tally.next_look_at - office.clock.now()).total_seconds())
        office.clock.advance(waits[-1])
        tally = asyncio.run(office.poster(target).drain())

    assert office.row(A.key).state is State.POSTED
    assert waits == sorted(waits)
    assert len(target.sent) == 4


def test_a_poster_that_was_told_to_stop_begins_nothing(office: Office) -> None:
    office.plan(A)
    target = FakeTarget()
    poster = office.poster(target)
    poster.cancelled = lambda: True

    asyncio.run(poster.drain())

    assert (target.looks, target.sent) == ([], [])
    assert asyncio.run(office.poster(target, "two").drain()).posted == 1


def test_told_to_stop_between_look_and_write_it_sends_nothing(office: Office) -> None:
    office.plan(A)
    target = FakeTarget()
    poster = office.poster(target)
    told: list[bool] = []
    target.after_look = lambda: told.append(True)
    poster.cancelled = lambda: bool(told)

    asyncio.run(poster.drain())

    assert target.sent == []
    assert office.trail(A.key) == ()


def test_each_document_is_shown_to_the_progress_bar_with_its_decision(office: Office) -> None:
    office.plan(A)
    poster = office.poster(FakeTarget())
    shown_as: list[str] = []
    poster.on_progress = lambda row, decision: shown_as.append(f"{row.key} {type(decision).__name__}")

    asyncio.run(poster.drain())

    assert shown_as == [f"{A.key} Go", f"{A.key} Done"]
