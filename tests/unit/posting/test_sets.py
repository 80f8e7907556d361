"""Nothing of a settlement counts before all of it may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Step
from ml_connector.posting import sets
from ml_connector.posting.decide import Decision, Done, Go, Hold, Wait
from ml_connector.posting.sets import STOPPED, Member
from tests.support.entries import NOON

ENTER = Go(Step("enter", counts=False, refuses_twice=False, settle_s=600))
COMMIT = Go(Step("commit", counts=True, refuses_twice=True, settle_s=600))
POSTED = Done(State.POSTED, ())
REFUSED = Hold("refused", "the account is frozen")
WAITING = Wait(NOON + timedelta(hours=1), "a reply was lost")
LATER = NOON + timedelta(minutes=5)
A, B = DocumentKey("A"), DocumentKey("B")


def gate(members: list[Member]) -> Mapping[DocumentKey, Decision]:
    return sets.gate(members, LATER)


def member(
    key: DocumentKey,
    decision: Decision | None,
    *,
    state: State = State.APPROVED,
    begun: bool = False,
    after: tuple[DocumentKey, ...] = (),
    names: tuple[DocumentKey, ...] = (),
) -> Member:
    return Member(key, state, decision, begun, (*after, *names), named=names)


def test_all_are_entered_before_one_is_committed() -> None:
    assert gate([member(A, COMMIT), member(B, ENTER)]) == {B: ENTER}


def test_when_all_are_entered_all_are_committed() -> None:
    assert gate([member(A, COMMIT), member(B, COMMIT)]) == {A: COMMIT, B: COMMIT}


def test_one_refusal_stops_the_whole_set_before_anything_counts() -> None:
    decisions = gate([member(A, REFUSED), member(B, COMMIT)])
    held = decisions[B]
    assert isinstance(held, Hold)
    assert held.code == STOPPED


def test_a_document_held_earlier_stops_the_set_too() -> None:
    decisions = gate([member(A, None, state=State.HELD), member(B, ENTER)])
    assert isinstance(decisions[B], Hold)


def test_what_began_to_count_is_finished_although_another_is_refused() -> None:
    assert gate([member(A, POSTED), member(B, COMMIT), member(DocumentKey("C"), REFUSED)])[B] == COMMIT


def test_a_document_waits_for_what_it_depends_on() -> None:
    assert B not in gate([member(A, COMMIT), member(B, COMMIT, after=(A,))])


def test_a_document_goes_when_what_it_depends_on_is_seen() -> None:
    assert gate([member(A, POSTED), member(B, COMMIT, after=(A,))])[B] == COMMIT


def test_a_document_waits_as_long_as_what_it_depends_on() -> None:
    assert gate([member(A, WAITING, begun=True), member(B, COMMIT, after=(A,))])[B] == WAITING


def test_a_dependent_of_a_held_document_is_held_with_it() -> None:
    decisions = gate([member(DocumentKey("C"), POSTED), member(A, REFUSED), member(B, COMMIT, after=(A,))])
    assert isinstance(decisions[B], Hold)


def test_a_document_that_waits_with_another_is_not_shown_with_that_ones_numbers() -> None:
    working = Wait(NOON + timedelta(hours=1), "waits for approval", (("JdtNum", "7"),), entered=True)
    decision = gate([member(A, working, begun=True), member(B, COMMIT, after=(A,))])[B]
    assert decision == Wait(NOON + timedelta(hours=1), "waits for approval")


def test_a_document_that_waits_for_one_that_nobody_sends_is_looked_at_later() -> None:
    decision = gate([member(A, None, state=State.PLANNED), member(B, COMMIT, after=(A,))])[B]
    assert isinstance(decision, Wait)
    assert decision.until == LATER


def test_a_chain_goes_on_as_soon_as_its_first_document_is_seen() -> None:
    c = DocumentKey("C")
    assert gate([member(A, COMMIT), member(B, COMMIT, after=(A,)), member(c, COMMIT, after=(B,))]) == {A: COMMIT}


def test_documents_that_wait_for_each_other_are_looked_at_later_and_never_sent() -> None:
    decisions = gate([member(A, COMMIT, after=(B,)), member(B, COMMIT, after=(A,))])
    assert all(isinstance(decision, Wait) for decision in decisions.values())


def test_a_payment_does_nothing_before_what_it_pays_is_posted_and_nobody_waits_for_it() -> None:
    """A refund payment needs the numbers of posted credit memos: entering everything first would never end."""
    assert gate([member(A, COMMIT), member(B, ENTER, names=(A,))]) == {A: COMMIT}
    assert gate([member(A, None, state=State.POSTED, begun=True), member(B, ENTER, names=(A,))]) == {B: ENTER}


def test_a_payment_of_a_document_of_another_set_waits_for_that_one() -> None:
    decisions = gate([member(B, ENTER, names=(A,))])
    waits = decisions[B]
    assert isinstance(waits, Wait)
    assert waits.until == LATER
    assert sets.gate([member(B, ENTER, names=(A,))], LATER, done=[A]) == {B: ENTER}
