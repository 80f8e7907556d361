"""What the attempts on record say. Pure.

An attempt whose end nobody wrote down may have reached the server, and the server may act on it until its settle window has
passed: counted from the stored attempt, so it runs on through our crashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from ml_connector.domain.target import Attempt, Ids, Outcome, Step, Trail

#: A pass must be used within this time after the permit was written; with it, a stored attempt bounds the send.
PASS_LIFE_S: Final = 30.0

#: A look that began longer ago permits nothing: meanwhile a person may have done the same by hand.
LOOK_AGE_MAX_S: Final = 300.0

#: Between two looks at a document that the server is busy with.
BUSY_LOOK_MIN_S: Final = 2.0
BUSY_LOOK_MAX_S: Final = 300.0

#: The code by which a connector reports that the server refuses a *second* one: the next look must find the first.
DUPLICATE: Final = "duplicate"

#: Outcomes after which the write may be in the target, now or later.
_MAY_HAVE_LANDED: Final = frozenset({Outcome.INTENT, Outcome.UNKNOWN, Outcome.ACCEPTED})


def may_have_landed(trail: Trail, step: Step, steps: Sequence[Step]) -> tuple[Attempt, ...]:
    """Attempts at ``step`` that the target may have acted on, or may still act on.

    An attempt at a step that the target no longer names (it posted plainly, now it claims) counts as one at this step.
    """
    others = {other.name for other in steps} - {step.name}
    return tuple(attempt for attempt in trail if attempt.outcome in _MAY_HAVE_LANDED and attempt.step not in others)


def may_have_counted(trail: Trail, steps: Sequence[Step]) -> bool:
    """Whether a write that counts may be in the target, now or later."""
    return any(may_have_landed(trail, step, steps) for step in steps if step.counts)


def since_abandoned(trail: Trail) -> Trail:
    """The attempts after the last container that was given up: what was tried before speaks of that one alone."""
    return _after(trail, frozenset({Outcome.ABANDONED}))


def since_replay(trail: Trail) -> Trail:
    """The attempts after the last time a person asked to try again, or a container was given up."""
    return _after(trail, frozenset({Outcome.REPLAYED, Outcome.ABANDONED}))


def abandoned(trail: Trail) -> tuple[Ids, ...]:
    """The containers that were given up, oldest first."""
    return tuple(attempt.ids for attempt in trail if attempt.outcome is Outcome.ABANDONED)


def named_last(trail: Trail) -> Ids:
    """What the newest write that may have landed named in the target, () where it named nothing yet."""
    return next((attempt.ids for attempt in reversed(trail) if attempt.outcome in _MAY_HAVE_LANDED and attempt.ids), ())


def _after(trail: Trail, marks: frozenset[Outcome]) -> Trail:
    last = max((place for place, attempt in enumerate(trail) if attempt.outcome in marks), default=-1)
    return trail[last + 1 :]


def accepted(trail: Trail) -> Attempt | None:
    """The newest attempt that the server said yes to."""
    return next((attempt for attempt in reversed(trail) if attempt.outcome is Outcome.ACCEPTED), None)


def settled_at(landing: Trail, step: Step) -> datetime | None:
    """The instant after which none of the attempts in ``landing`` can land any more; None when there is none."""
    ends = [attempt.sent_at + timedelta(seconds=PASS_LIFE_S + step.settle_s) for attempt in landing]
    return max(ends, default=None)


def look_again_s(trail: Trail, now: datetime) -> float:
    """How long to leave a busy server alone, in seconds: as long again as it has had since the last attempt."""
    since_s = (now - trail[-1].sent_at).total_seconds() if trail else 0.0
    return min(BUSY_LOOK_MAX_S, max(BUSY_LOOK_MIN_S, since_s))


def without_answer(trail: Trail) -> int:
    """How many of the newest attempts in a row got no answer: how long to leave the server alone grows with it."""
    count = 0
    for attempt in reversed(trail):
        if attempt.outcome not in {Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.INTENT}:
            break
        count += 1
    return count


def refused_last(trail: Trail) -> Attempt | None:
    """The newest attempt, if the server refused it."""
    return trail[-1] if trail and trail[-1].outcome is Outcome.REFUSED else None
