"""The rules of ``posting.decide``: one promise a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.domain.documents import State
from ml_connector.domain.target import (
    Absent,
    Attempt,
    Case,
    Ended,
    Many,
    Outcome,
    Partial,
    Present,
    ReliabilityClass,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Working,
    reliability_class,
)
from ml_connector.posting.decide import Decision, Done, Go, Hold, Rules, Wait, decide
from ml_connector.posting.trail import DUPLICATE, PASS_LIFE_S
from tests.support.entries import NOON, entry, shown

WINDOW = (Step("plain", counts=True, refuses_twice=False, settle_s=600),)
CLAIM = (Step("claim", counts=True, refuses_twice=True, settle_s=600),)
TWO_ACTS = (
    Step("enter", counts=False, refuses_twice=False, settle_s=600),
    Step("commit", counts=True, refuses_twice=True, settle_s=600),
)
IDS = (("JdtNum", "7"),)
DOCUMENT = entry()
SHOWN = shown(DOCUMENT)


def attempt(outcome: Outcome, *, step: str = "plain", seconds_ago: float = 0, words: str = "") -> Attempt:
    return Attempt(step, NOON - timedelta(seconds=seconds_ago), outcome, words=words)


def ask(
    seen: Seen,
    *,
    trail: Trail = (),
    steps: tuple[Step, ...] = WINDOW,
    rules: Rules | None = None,
    expected: Shown = SHOWN,
) -> Decision:
    case = Case(DOCUMENT, DOCUMENT.key, trail)
    return decide(case, steps, seen, expected, NOON, rules or Rules())


def test_the_class_of_a_document_follows_from_its_steps() -> None:
    assert reliability_class(WINDOW) is ReliabilityClass.WINDOW
    assert reliability_class(CLAIM) is ReliabilityClass.REFUSED
    assert reliability_class(TWO_ACTS) is ReliabilityClass.TWO_ACTS


def test_absent_and_never_tried_is_sent() -> None:
    assert ask(Absent("everywhere")) == Go(WINDOW[0])


def test_present_and_equal_is_posted_whatever_the_receipt_said() -> None:
    assert ask(Present(IDS, SHOWN), trail=(attempt(Outcome.UNKNOWN),)) == Done(State.POSTED, IDS)


@pytest.mark.parametrize("outcome", [Outcome.INTENT, Outcome.UNKNOWN])
def test_absent_after_a_lost_reply_waits_out_the_settle_window(outcome: Outcome) -> None:
    sent = attempt(outcome, seconds_ago=10)
    decision = ask(Absent(""), trail=(sent,))
    assert isinstance(decision, Wait)
    assert decision.until == sent.sent_at + timedelta(seconds=PASS_LIFE_S + 600)


def test_absent_after_the_settle_window_is_sent_again() -> None:
    assert ask(Absent(""), trail=(attempt(Outcome.UNKNOWN, seconds_ago=631),)) == Go(WINDOW[0])


def test_the_youngest_lost_write_decides_how_long_to_wait() -> None:
    old, young = attempt(Outcome.UNKNOWN, seconds_ago=5000), attempt(Outcome.UNKNOWN, seconds_ago=20)
    decision = ask(Absent(""), trail=(old, young))
    assert isinstance(decision, Wait)
    assert decision.until > young.sent_at


def test_a_server_that_refuses_the_second_one_needs_no_waiting() -> None:
    lost = attempt(Outcome.UNKNOWN, step="claim", seconds_ago=1)
    assert ask(Absent(""), trail=(lost,), steps=CLAIM) == Go(CLAIM[0])


@pytest.mark.parametrize("outcome", [Outcome.NOT_SENT, Outcome.REFUSED])
def test_what_never_reached_the_books_is_sent_again_at_once(outcome: Outcome) -> None:
    assert ask(Absent(""), trail=(attempt(outcome, words="closed"),)) == Go(WINDOW[0])


def test_accepted_but_absent_is_never_repeated_without_a_person() -> None:
    gone = attempt(Outcome.ACCEPTED, seconds_ago=9999)
    decision = ask(Absent(""), trail=(gone,))
    assert isinstance(decision, Hold)
    assert decision.code == "accepted_but_absent"


def test_a_person_may_let_the_accepted_and_absent_be_sent_again() -> None:
    trail = (attempt(Outcome.ACCEPTED, seconds_ago=9999), attempt(Outcome.REPLAYED, step=""))
    assert ask(Absent(""), trail=trail) == Go(WINDOW[0])


def test_a_replay_does_not_shorten_a_settle_window() -> None:
    trail = (attempt(Outcome.UNKNOWN, seconds_ago=5), attempt(Outcome.REPLAYED, step=""))
    assert isinstance(ask(Absent(""), trail=trail), Wait)


def test_refused_as_duplicate_and_yet_absent_is_held() -> None:
    refused = attempt(Outcome.REFUSED, step="claim", words=f"{DUPLICATE}: exists")
    decision = ask(Absent(""), trail=(refused,), steps=CLAIM)
    assert isinstance(decision, Hold)
    assert decision.code == "duplicate_without_document"


def test_the_number_of_attempts_is_bounded() -> None:
    trail = tuple(attempt(Outcome.NOT_SENT) for _ in range(8))
    decision = ask(Absent(""), trail=trail)
    assert isinstance(decision, Hold)
    assert decision.code == "too_many_attempts"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (replace(SHOWN, total=Decimal("85.80")), "totals 85.80"),
        (replace(SHOWN, currency="EUR"), "in EUR"),
        (replace(SHOWN, posting_date=SHOWN.posting_date + timedelta(days=1)), "dated 2026-10-27"),
        (replace(SHOWN, lines=SHOWN.lines[:1]), "lacks credit 85.79"),
        (replace(SHOWN, lines=(*SHOWN.lines, SHOWN.lines[0])), "not planned"),
    ],
)
def test_another_content_under_our_key_is_a_conflict(changed: Shown, says: str) -> None:
    decision = ask(Present(IDS, changed))
    assert isinstance(decision, Hold)
    assert decision.code == "conflict"
    assert says in decision.words


def test_a_renamed_line_text_is_no_difference() -> None:
    renamed = replace(SHOWN, lines=tuple(replace(each, label="renamed") for each in SHOWN.lines))
    assert ask(Present(IDS, renamed)) == Done(State.POSTED, IDS)


def test_a_document_without_our_key_holds_even_when_equal() -> None:
    decision = ask(Present(IDS, SHOWN, ours=False))
    assert isinstance(decision, Hold)
    assert decision.code == "foreign"


def test_a_link_may_adopt_an_equal_document_without_our_key() -> None:
    assert ask(Present(IDS, SHOWN, ours=False), rules=Rules(adopt_foreign=True)) == Done(
        State.POSTED, IDS, adopted=True
    )


def test_an_unequal_document_without_our_key_is_never_adopted() -> None:
    other = replace(SHOWN, total=Decimal(1))
    assert isinstance(ask(Present(IDS, other, ours=False), rules=Rules(adopt_foreign=True)), Hold)


@pytest.mark.parametrize(
    ("seen", "code"),
    [(Ended(IDS, "cancelled"), "ended_in_target"), (Many((IDS, IDS)), "many"), (Unclear("no right"), "unclear")],
)
def test_what_only_a_person_can_judge_is_held(seen: Seen, code: str) -> None:
    decision = ask(seen)
    assert isinstance(decision, Hold)
    assert decision.code == code


def test_what_the_target_works_on_is_entered_and_looked_at_again() -> None:
    decision = ask(Working(IDS, "waits for approval"))
    assert isinstance(decision, Wait)
    assert decision.entered


def test_an_entered_document_is_committed_next() -> None:
    assert ask(Partial(IDS, "commit"), steps=TWO_ACTS) == Go(TWO_ACTS[1])


def test_with_goal_entered_nothing_is_committed() -> None:
    assert ask(Partial(IDS, "commit"), steps=TWO_ACTS, rules=Rules(goal=State.ENTERED)) == Done(State.ENTERED, IDS)


def test_a_plain_write_that_may_still_land_is_waited_for_although_the_target_can_claim_now() -> None:
    lost = attempt(Outcome.UNKNOWN, step="plain", seconds_ago=10)
    assert isinstance(ask(Absent(""), trail=(lost,), steps=CLAIM), Wait)
