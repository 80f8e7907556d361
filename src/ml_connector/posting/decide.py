"""What to do next with one document: a pure function of what was planned, what was tried and what is seen.

It is asked again after every look and answers from scratch, so a crash between any two calls loses nothing but time.
The rules, and why:

* Only a look proves. A reply is a hint, so nothing becomes ``posted`` on a receipt.
* Absent while a write may still land means *wait*, not *again*: unless the server itself refuses a second one.
* What was accepted and is nevertheless absent is never repeated without a person: somebody may have removed it.
* What a person ended in the target stays ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ml_connector.domain.documents import State
from ml_connector.domain.target import (
    Absent,
    Case,
    Ended,
    Ids,
    Many,
    Partial,
    Present,
    Seen,
    Shown,
    Step,
    Unclear,
    Working,
)
from ml_connector.posting import equality, trail


@dataclass(frozen=True, slots=True)
class Rules:
    """What a link or connection sets. ``adopt_foreign``: a document found only by a human reference, without our key, is
    taken when it is equal; otherwise it holds. ``attempts_max`` bounds how often one document is sent."""

    adopt_foreign: bool = False
    attempts_max: int = 8
    look_again_s: float = 3600.0
    goal: State = State.POSTED


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do: ``state`` is POSTED, or ENTERED where that is the goal."""

    state: State
    ids: Ids
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """A person has to look. ``code`` is stable, ``words`` a sentence that says what to do."""

    code: str
    words: str
    ids: Ids = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at ``until``. ``entered``: it is in the target and does not count yet."""

    until: datetime
    words: str
    ids: Ids = ()
    entered: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """Do ``step`` now."""

    step: Step


Decision = Done | Hold | Wait | Go


def decide(
    case: Case, steps: Sequence[Step], seen: Seen, expected: Shown, looked_at: datetime, rules: Rules
) -> Decision:
    """The next thing to do with ``case``. ``looked_at`` is when the look *began*, by the clock that stamps attempts."""
    match seen:
        case Present():
            return _present(seen, expected, rules)
        case Many(ids):
            return Hold(
                "many",
                f"{len(ids)} documents in the target answer to {case.key}: {_all(ids)}. Remove or reverse all but one there, "
                f"then replay it.",
                ids[0],
            )
        case Ended(ids, how):
            return Hold(
                "ended_in_target",
                f"{case.key} was there and was {how} ({_text(ids)}). It is not posted again by itself: drop or replay it.",
                ids,
            )
        case Unclear(why):
            return Hold("unclear", f"The target cannot say whether it holds {case.key}: {why}", case.ids)
        case Working(ids, why):
            until = looked_at + timedelta(seconds=rules.look_again_s)
            return Wait(until, f"In the target, not yet in its ledger: {why}", ids, entered=True)
        case Absent(looked):
            return _advance(case, steps, steps[0], looked_at, rules, looked)
        case Partial(ids, following, _):
            step = next(step for step in steps if step.name == following)
            if step.counts and rules.goal is State.ENTERED:
                return Done(State.ENTERED, ids)
            return _advance(case, steps, step, looked_at, rules, "entered, not yet committed")


def _present(seen: Present, expected: Shown, rules: Rules) -> Decision:
    different = equality.differences(expected, seen.shown)
    if not seen.ours:
        if different or not rules.adopt_foreign:
            how = f"It differs: {'; '.join(different)}. " if different else "It is equal to the planned one. "
            return Hold(
                "foreign",
                f"A document without our key stands for the same thing ({_text(seen.ids)}). {how}"
                f"Remove it there, or let the link adopt equal ones, then replay.",
                seen.ids,
            )
        return Done(State.POSTED, seen.ids, adopted=True)
    if different:
        return Hold(
            "conflict",
            f"The target holds another content under our key ({_text(seen.ids)}): it {'; it '.join(different)}. "
            f"Correct or reverse it there, then replay.",
            seen.ids,
        )
    return Done(State.POSTED, seen.ids)


def _advance(case: Case, steps: Sequence[Step], step: Step, looked_at: datetime, rules: Rules, looked: str) -> Decision:
    """``step`` is next as far as the target shows. May it be done now?"""
    recent = trail.since_replay(case.trail)
    refused = trail.refused_last(recent)
    if refused is not None and refused.words.startswith(trail.DUPLICATE):
        return Hold(
            "duplicate_without_document",
            f"The target refuses {case.key} as already there, but shows no such document ({looked}). "
            f"Look for it by its reference, then replay.",
        )
    landing = trail.may_have_landed(case.trail, step, steps)
    # A server that rejects a second one makes waiting needless: whichever arrives first is the only one. That holds only
    # for attempts at this very step.
    unguarded = tuple(attempt for attempt in landing if not step.refuses_twice or attempt.step != step.name)
    settled = trail.settled_at(unguarded, step)
    if settled is not None and looked_at < settled:
        return Wait(settled, "A reply was lost; the target may still finish. Looking again when it no longer can.")
    said_yes = trail.accepted(trail.may_have_landed(recent, step, steps))
    if said_yes is not None:
        visible = trail.settled_at((said_yes,), step)
        if visible is not None and looked_at < visible:
            return Wait(visible, "Accepted, not visible yet.")
        return Hold(
            "accepted_but_absent",
            f"The target accepted {case.key} ({_text(said_yes.ids)}) and does not show it ({looked}). "
            f"If somebody removed it there, drop it; if it is really missing, replay it.",
            said_yes.ids,
        )
    if len(recent) >= rules.attempts_max:
        return Hold(
            "too_many_attempts",
            f"{case.key} was sent {len(recent)} times without an end. See that the target is well, then replay it.",
        )
    return Go(step)


def _text(ids: Ids) -> str:
    return ", ".join(f"{name} {value}" for name, value in ids) or "no id"


def _all(ids: Sequence[Ids]) -> str:
    return "; ".join(_text(one) for one in ids)
