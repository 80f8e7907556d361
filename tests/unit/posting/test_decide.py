"""The rules of ``posting.decide``: one promise a test."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

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
    Spoiled,
    Step,
    Trail,
    Unclear,
    Working,
    reliability_class,
)
from ml_connector.posting.decide import Abandon, Decision, Done, Go, Hold, Rules, Wait, decide
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


def test_what_was_sent_twice_is_looked_for_once_more_before_it_is_posted() -> None:
    """The server had promised that the first could not land any more."""
    lost, again = attempt(Outcome.UNKNOWN, seconds_ago=700), attempt(Outcome.ACCEPTED, seconds_ago=2)
    decision = ask(Present(IDS, SHOWN), trail=(lost, again))
    assert isinstance(decision, Wait)
    assert decision.until == again.sent_at + timedelta(seconds=PASS_LIFE_S + 600)

    settled = (replace(lost, sent_at=NOON - timedelta(2)), replace(again, sent_at=NOON - timedelta(1)))
    assert ask(Present(IDS, SHOWN), trail=settled) == Done(State.POSTED, IDS)
    assert isinstance(ask(Many((Present(IDS, SHOWN), Present(IDS, SHOWN))), trail=settled), Hold)


def test_where_the_server_rejects_a_second_one_nothing_is_looked_for_again() -> None:
    twice = (attempt(Outcome.UNKNOWN, step="claim"), attempt(Outcome.UNKNOWN, step="claim"))
    assert ask(Present(IDS, SHOWN), trail=twice, steps=CLAIM) == Done(State.POSTED, IDS)


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
    [
        (Ended(IDS, "cancelled"), "ended_in_target"),
        (Many((Present(IDS, SHOWN), Present(IDS, SHOWN))), "many"),
        (Unclear("no right"), "unclear"),
    ],
)
def test_what_only_a_person_can_judge_is_held(seen: Seen, code: str) -> None:
    decision = ask(seen)
    assert isinstance(decision, Hold)
    assert decision.code == code


def test_what_the_target_works_on_is_entered_and_looked_at_again() -> None:
    decision = ask(Working(IDS, "waits for approval", by_person=True))
    assert isinstance(decision, Wait)
    assert decision.entered


def test_an_entered_document_that_shows_what_was_planned_is_committed_next() -> None:
    assert ask(Partial(IDS, "commit", SHOWN), steps=TWO_ACTS) == Go(TWO_ACTS[1])


@pytest.mark.parametrize("there", [None, replace(SHOWN, total=SHOWN.total + Decimal("0.01"))])
def test_nothing_is_committed_that_does_not_show_what_was_planned(there: Shown | None) -> None:
    decision = ask(Partial(IDS, "commit", there), steps=TWO_ACTS)
    assert isinstance(decision, Hold)
    assert decision.code == "differs"


def test_with_goal_entered_nothing_is_committed() -> None:
    decision = ask(Partial(IDS, "commit", SHOWN), steps=TWO_ACTS, rules=Rules(goal=State.ENTERED))
    assert decision == Done(State.ENTERED, IDS)


HANDED_OVER = (
    Step("enter", counts=False, refuses_twice=False, settle_s=600),
    Step("ready", counts=True, refuses_twice=True, settle_s=600, hands_over=True),
    Step("post", counts=True, refuses_twice=True, settle_s=600),
)


def test_with_goal_entered_what_hands_over_to_people_is_done_and_nothing_after_it() -> None:
    rules = Rules(goal=State.ENTERED)

    assert ask(Partial(IDS, "ready", SHOWN), steps=HANDED_OVER, rules=rules) == Go(HANDED_OVER[1])
    assert ask(Partial(IDS, "post", SHOWN), steps=HANDED_OVER, rules=rules) == Done(State.ENTERED, IDS)


def test_nothing_is_handed_over_to_people_that_does_not_show_what_was_planned() -> None:
    there = replace(SHOWN, total=SHOWN.total + Decimal("0.01"))
    decision = ask(Partial(IDS, "ready", there), steps=HANDED_OVER, rules=Rules(goal=State.ENTERED))
    assert isinstance(decision, Hold)
    assert decision.code == "differs"


def test_what_a_person_took_back_after_it_was_handed_over_is_left_so() -> None:
    taken = (attempt(Outcome.ACCEPTED, step="ready", seconds_ago=3600),)
    lost = (attempt(Outcome.UNKNOWN, step="ready", seconds_ago=3600),)
    open_ = Partial(IDS, "ready", SHOWN)

    assert ask(open_, trail=taken, steps=HANDED_OVER, rules=Rules(goal=State.ENTERED)) == Done(State.ENTERED, IDS)
    assert ask(open_, trail=lost, steps=HANDED_OVER, rules=Rules(goal=State.ENTERED)) == Go(HANDED_OVER[1])


def test_what_can_only_be_posted_is_not_posted_where_the_goal_is_entered() -> None:
    decision = ask(Absent(""), rules=Rules(goal=State.ENTERED))
    assert isinstance(decision, Hold)
    assert decision.code == "goal_not_possible"


def test_with_goal_entered_two_drafts_may_both_be_posted_by_hand() -> None:
    assert reliability_class(TWO_ACTS, State.ENTERED) is ReliabilityClass.WINDOW


def test_a_step_that_the_connection_does_not_know_any_more_is_held() -> None:
    decision = ask(Partial(IDS, "save", SHOWN), steps=CLAIM)
    assert isinstance(decision, Hold)
    assert decision.code == "unknown_step"


def test_of_many_that_do_not_count_the_first_is_gone_on_with() -> None:
    drafts = Many((Partial(IDS, "commit", SHOWN), Partial((("JdtNum", "8"),), "commit", SHOWN)))
    assert ask(drafts, steps=TWO_ACTS) == Go(TWO_ACTS[1], drafts.found[0])


def test_of_many_the_one_that_a_commit_of_ours_named_is_gone_on_with() -> None:
    other = (("JdtNum", "8"),)
    drafts = Many((Partial(IDS, "commit", replace(SHOWN, currency="EUR")), Partial(other, "commit", SHOWN)))
    named = replace(attempt(Outcome.UNKNOWN, step="commit", seconds_ago=1), ids=other)
    assert ask(drafts, steps=TWO_ACTS, trail=(named,)) == Go(TWO_ACTS[1], drafts.found[1])


def test_of_many_exactly_one_that_counts_is_the_document_and_the_others_are_surplus() -> None:
    both = Many((Partial((("JdtNum", "8"),), "commit", SHOWN), Present(IDS, SHOWN)))
    assert ask(both, steps=TWO_ACTS) == Done(State.POSTED, IDS)


def test_what_was_seen_and_is_gone_is_not_entered_again() -> None:
    """Between two reads of one look a draft may become a document: absent, and about to show."""
    entered = attempt(Outcome.UNKNOWN, step="enter", seconds_ago=2000)
    young = attempt(Outcome.UNKNOWN, step="commit", seconds_ago=1)
    old = attempt(Outcome.UNKNOWN, step="commit", seconds_ago=1000)

    assert isinstance(ask(Absent(""), trail=(entered, young), steps=TWO_ACTS), Wait)
    decision = ask(Absent(""), trail=(entered, old), steps=TWO_ACTS)
    assert isinstance(decision, Hold)
    assert decision.code == "vanished"


def test_every_step_is_counted_for_itself() -> None:
    trail = tuple(attempt(Outcome.NOT_SENT, step="enter") for _ in range(8))
    assert ask(Partial(IDS, "commit", SHOWN), trail=trail, steps=TWO_ACTS) == Go(TWO_ACTS[1])


def test_a_busy_server_is_asked_again_soon_and_then_less_often() -> None:
    busy = Working(IDS, "posting", by_person=False)
    soon = ask(busy, trail=(attempt(Outcome.UNKNOWN, seconds_ago=1),))
    later = ask(busy, trail=(attempt(Outcome.UNKNOWN, seconds_ago=60),))

    assert isinstance(soon, Wait)
    assert isinstance(later, Wait)
    assert (soon.until - NOON, later.until - NOON) == (timedelta(seconds=2), timedelta(seconds=60))
    assert not soon.entered


def test_a_server_that_is_never_done_is_held_after_its_settle_window() -> None:
    decision = ask(Working(IDS, "posting", by_person=False), trail=(attempt(Outcome.UNKNOWN, seconds_ago=631),))
    assert isinstance(decision, Hold)
    assert decision.code == "stuck"


def test_what_the_target_makes_by_itself_is_waited_for_and_not_for_ever() -> None:
    assert isinstance(ask(Absent(""), steps=()), Wait)
    case = Case(DOCUMENT, DOCUMENT.key)
    decision = decide(case, (), Absent(""), SHOWN, NOON + timedelta(days=60), Rules())
    assert isinstance(decision, Hold)
    assert decision.code == "not_made"
    assert reliability_class(()) is ReliabilityClass.OBSERVED


def test_a_spoilt_container_is_given_up_once_nothing_can_land_in_it_any_more() -> None:
    spoilt = Spoiled(IDS, "a line is in doubt")
    assert isinstance(ask(spoilt, trail=(attempt(Outcome.UNKNOWN, step="enter", seconds_ago=5),), steps=TWO_ACTS), Wait)
    settled = (attempt(Outcome.UNKNOWN, step="enter", seconds_ago=631),)
    assert ask(spoilt, trail=settled, steps=TWO_ACTS) == Abandon(IDS, "a line is in doubt")


def test_a_container_from_which_something_may_have_been_committed_is_not_given_up() -> None:
    trail = (attempt(Outcome.UNKNOWN, step="commit", seconds_ago=9999),)
    decision = ask(Spoiled(IDS, "a line is in doubt"), trail=trail, steps=TWO_ACTS)
    assert isinstance(decision, Hold)
    assert decision.code == "spoilt_after_commit"


def test_what_was_tried_in_a_container_that_was_given_up_is_not_waited_for() -> None:
    trail = (attempt(Outcome.ACCEPTED, step="enter", seconds_ago=5), attempt(Outcome.ABANDONED, step=""))
    assert ask(Absent(""), trail=trail, steps=TWO_ACTS) == Go(TWO_ACTS[0])


def test_after_three_containers_a_person_has_to_look() -> None:
    trail = tuple(attempt(Outcome.ABANDONED, step="") for _ in range(3))
    decision = ask(Spoiled(IDS, "again"), trail=trail, steps=TWO_ACTS)
    assert isinstance(decision, Hold)
    assert decision.code == "abandoned_too_often"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"party": "C2"}, "is for C2 instead of nobody"),
        ({"lines": (replace(SHOWN.lines[0], quantity=Decimal(2)), *SHOWN.lines[1:])}, "has 2 of 1120 for 85.79 USD"),
        ({"lines": (replace(SHOWN.lines[0], tax="X0"), *SHOWN.lines[1:])}, "with tax code X0 which was not planned"),
    ],
)
def test_another_customer_quantity_or_tax_code_is_another_document(change: dict[str, Any], words: str) -> None:
    decision = ask(Present(IDS, replace(SHOWN, **change)))
    assert isinstance(decision, Hold)
    assert words in decision.words


def test_a_plain_write_that_may_still_land_is_waited_for_although_the_target_can_claim_now() -> None:
    lost = attempt(Outcome.UNKNOWN, step="plain", seconds_ago=10)
    assert isinstance(ask(Absent(""), trail=(lost,), steps=CLAIM), Wait)
