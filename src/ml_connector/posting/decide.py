"""What to do next with one document: a pure function of what was planned, what was tried and what is seen.

It is asked again after every look and answers from scratch, so a crash between any two calls loses nothing but time.
The rules, and why:

* Only a look proves. A reply is a hint, so nothing becomes ``posted`` on a receipt.
* Absent while a write may still land means *wait*, not *again*: unless the server itself refuses a second one.
* What was accepted, or seen, and is nevertheless absent is never repeated without a person: somebody may have removed it.
* Nothing is committed that does not show exactly what was planned.
* What a person ended in the target stays ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

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
    Spoiled,
    Step,
    Unclear,
    Working,
)
from ml_connector.posting import equality, trail

#: So many containers of one document may be given up before a person has to look.
ABANDONED_MAX: Final = 3

#: How long after its date a document that the target makes by itself is waited for, and how often it is looked for.
_OBSERVED_DAYS: Final = 45
_OBSERVED_LOOK: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a link sets. ``adopt_foreign``: a document found only by a human reference, without our key, is taken when it is
    equal; otherwise it holds. ``attempts_max`` bounds how often one step of a document is sent. ``goal``: where a document is
    to arrive, ``entered`` or ``posted``."""

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
    """Do ``step`` now. ``on`` is what it is to be done on, where several answered to the key; else everything that was seen."""

    step: Step
    on: Seen | None = None


@dataclass(frozen=True, slots=True)
class Abandon:
    """Give up the container ``ids``: it is written into the trail, and the document begins again in another one."""

    ids: Ids
    words: str


Decision = Done | Hold | Wait | Go | Abandon


def decide(
    case: Case, steps: Sequence[Step], seen: Seen, expected: Shown, looked_at: datetime, rules: Rules
) -> Decision:
    """The next thing to do with ``case``. ``looked_at`` is when the look *began*, by the clock that stamps attempts."""
    match seen:
        case Present():
            return _present(case, steps, seen, expected, looked_at, rules)
        case Many(found):
            return _many(case, steps, found, expected, looked_at, rules)
        case Ended(ids, how):
            return Hold(
                "ended_in_target",
                f"{case.key} was there and was {how} ({_text(ids)}). It is not posted again by itself: drop or replay it.",
                ids,
            )
        case Unclear(why):
            return Hold("unclear", f"The target cannot say whether it holds {case.key}: {why}", case.ids)
        case Working():
            return _working(case, steps, seen, looked_at, rules)
        case Spoiled(ids, why):
            return _spoiled(case, steps, ids, why, looked_at)
        case Absent(looked):
            if not steps:
                return _observed(case, looked_at, looked)
            return _vanished(case, steps, looked_at, looked) or _advance(
                case, steps, steps[0], looked_at, rules, looked
            )
        case Partial():
            return _partial(case, steps, seen, expected, looked_at, rules)


def _vanished(case: Case, steps: Sequence[Step], looked_at: datetime, looked: str) -> Decision | None:
    """Absent, although a later step than the first was tried: then it had been seen. A commit may be about to show."""
    later = {step.name: step for step in steps[1:]}
    tried = [attempt for attempt in trail.since_replay(case.trail) if attempt.step in later]
    if not tried:
        return None
    for step in later.values():
        settled = trail.settled_at(trail.may_have_landed(tuple(tried), step, steps), step)
        if settled is not None and looked_at < settled:
            return Wait(settled, "A reply was lost; the target may still finish. Looking again when it no longer can.")
    return Hold(
        "vanished",
        f"{case.key} was in the target and is not any more ({looked}). If somebody removed it there, drop it; if it is to be "
        f"posted again, replay it.",
        tried[-1].ids,
    )


def _partial(
    case: Case, steps: Sequence[Step], seen: Partial, expected: Shown, looked_at: datetime, rules: Rules
) -> Decision:
    """Begun: the step that follows, if what is there by now is what was planned."""
    step = next((step for step in steps if step.name == seen.next), None)
    if step is None:
        return Hold(
            "unknown_step",
            f"{case.key} ({_text(seen.ids)}) needs the step {seen.next!r}, which this connection does not know any more. "
            f"Finish or remove it in the target, then replay it.",
            seen.ids,
        )
    if step.counts:
        different = ("does not show its content",) if seen.shown is None else equality.differences(expected, seen.shown)
        if different:
            return Hold(
                "differs",
                f"Before it counts, {case.key} ({_text(seen.ids)}) is not what was planned: it {'; it '.join(different)}. "
                f"Nothing was posted. Correct or remove it in the target, then replay it.",
                seen.ids,
            )
        if rules.goal is State.ENTERED and not _to_hand_over(case, steps, step):
            return Done(State.ENTERED, seen.ids)
    return _advance(case, steps, step, looked_at, rules, "entered, not yet committed")


def _to_hand_over(case: Case, steps: Sequence[Step], step: Step) -> bool:
    """Whether ``step`` hands over to people and the target has not taken it yet. What they took back stays so."""
    landed = trail.may_have_landed(trail.since_replay(case.trail), step, steps)
    return step.hands_over and trail.accepted(landed) is None


def _many(
    case: Case,
    steps: Sequence[Step],
    found: Sequence[Partial | Working | Present],
    expected: Shown,
    looked_at: datetime,
    rules: Rules,
) -> Decision:
    """One that counts is the document, the others are surplus. Where none counts yet, one is gone on with: that which a write
    of ours named, else the first."""
    counting = [each for each in found if isinstance(each, Present)]
    if len(counting) > 1:
        return Hold(
            "many",
            f"{len(counting)} documents in the target answer to {case.key}: {_all([each.ids for each in counting])}. "
            f"Remove or reverse all but one there, then replay it.",
            counting[0].ids,
        )
    if counting:
        return _present(case, steps, counting[0], expected, looked_at, rules)
    named = trail.named_last(trail.since_abandoned(case.trail))
    chosen = next((each for each in found if named and set(named) <= set(each.ids)), found[0])
    decision = decide(case, steps, chosen, expected, looked_at, rules)
    return Go(decision.step, chosen) if isinstance(decision, Go) else decision


def _working(case: Case, steps: Sequence[Step], seen: Working, looked_at: datetime, rules: Rules) -> Decision:
    """A person may take for ever; a server is given its settle window."""
    if seen.by_person:
        until = looked_at + timedelta(seconds=rules.look_again_s)
        return Wait(until, f"In the target, not yet in its ledger: {seen.why}", seen.ids, entered=True)
    recent = trail.since_replay(case.trail)
    ends = [settled for step in steps if (settled := trail.settled_at(recent, step)) is not None]
    if ends and looked_at >= max(ends):
        return Hold(
            "stuck",
            f"The target is still busy with {case.key} ({_text(seen.ids)}): {seen.why} See there what became of it, then "
            f"replay it.",
            seen.ids,
        )
    until = looked_at + timedelta(seconds=trail.look_again_s(recent, looked_at))
    return Wait(until, f"The target is busy with it: {seen.why}", seen.ids)


def _spoiled(case: Case, steps: Sequence[Step], ids: Ids, why: str, looked_at: datetime) -> Decision:
    """Begin again elsewhere, once what may still land has landed, and only where nothing that counts can have."""
    current = trail.since_abandoned(case.trail)
    if trail.may_have_counted(current, steps):
        return Hold(
            "spoilt_after_commit",
            f"{case.key} may have been committed from a container that must not be used again ({_text(ids)}): {why} "
            f"Look in the target whether it counts, then replay it.",
            ids,
        )
    ends = [
        settled
        for step in steps
        if (settled := trail.settled_at(trail.may_have_landed(current, step, steps), step)) is not None
    ]
    if ends and looked_at < max(ends):
        return Wait(max(ends), f"A reply was lost; what was sent may still land. {why}", ids)
    if len(trail.abandoned(case.trail)) >= ABANDONED_MAX:
        return Hold(
            "abandoned_too_often",
            f"{case.key} was begun {ABANDONED_MAX} times without an end: {why} See that the target is well, then replay it.",
            ids,
        )
    return Abandon(ids, why)


def _observed(case: Case, looked_at: datetime, looked: str) -> Decision:
    """The target makes it by itself."""
    if (looked_at.date() - case.document.posting_date).days > _OBSERVED_DAYS:
        return Hold(
            "not_made",
            f"The target should have made {case.key} by itself and shows nothing ({looked}). Make it there, then replay it.",
        )
    return Wait(looked_at + _OBSERVED_LOOK, "The target makes it by itself; it is not there yet.")


def _present(
    case: Case, steps: Sequence[Step], seen: Present, expected: Shown, looked_at: datetime, rules: Rules
) -> Decision:
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
    return _second_look(case, steps, seen, looked_at) or Done(State.POSTED, seen.ids)


def _second_look(case: Case, steps: Sequence[Step], seen: Present, looked_at: datetime) -> Wait | None:
    """It counts, and more than one write that counts may have been acted on by a server that rejects no second one: one was
    repeated because it should not have been able to land any more. Should it land all the same, the look after one more settle
    window finds it."""
    for step in steps:
        if not step.counts or step.refuses_twice:
            continue
        landing = trail.may_have_landed(trail.since_abandoned(case.trail), step, steps)
        settled = trail.settled_at(landing, step)
        if len(landing) > 1 and settled is not None and looked_at < settled:
            return Wait(settled, "It is in the target. It was sent twice, so it is looked for once more.", seen.ids)
    return None


def _advance(case: Case, steps: Sequence[Step], step: Step, looked_at: datetime, rules: Rules, looked: str) -> Decision:
    """``step`` is next as far as the target shows. May it be done now?"""
    if step.counts and not step.hands_over and rules.goal is State.ENTERED:
        return Hold(
            "goal_not_possible",
            f"{case.key} is to be entered and not posted, and the target has no such state for it. Let the link post it "
            f"(--goal), or drop it.",
        )
    current = trail.since_abandoned(case.trail)
    recent = trail.since_replay(case.trail)
    refused = trail.refused_last(recent)
    if refused is not None and refused.words.startswith(trail.DUPLICATE):
        return Hold(
            "duplicate_without_document",
            f"The target refuses {case.key} as already there, but shows no such document ({looked}). "
            f"Look for it by its reference, then replay.",
        )
    landing = trail.may_have_landed(current, step, steps)
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
    tries = sum(attempt.step == step.name for attempt in recent)
    if tries >= rules.attempts_max:
        return Hold(
            "too_many_attempts",
            f"{case.key} was sent {tries} times without an end. See that the target is well, then replay it.",
        )
    return Go(step)


def _text(ids: Ids) -> str:
    return ", ".join(f"{name} {value}" for name, value in ids) or "no id"


def _all(ids: Sequence[Ids]) -> str:
    return "; ".join(_text(one) for one in ids)
