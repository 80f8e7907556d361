"""A posting set: everything that one settlement becomes (DESIGN 2). Enter all, commit all.

One refusal stops the set before anything counts. Once something counts, what began is finished as planned: a person mends the
cause and replays; half a settlement is never called done.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.posting.decide import Decision, Done, Go, Hold, Wait

STOPPED = "set_stopped"


@dataclass(frozen=True, slots=True)
class Member:
    """One document of the set, with what was decided for it alone.

    ``decision`` is None for a document that is not on its way (planned, posted, held or dropped). ``looked_at`` is False
    for one that is on its way and not due: its decision is the Wait of an earlier round. ``begun``: a write of it that
    counts may have landed. ``named`` are those of ``depends_on`` without whose own numbers it cannot be written at all.
    """

    key: DocumentKey
    state: State
    decision: Decision | None
    begun: bool
    depends_on: tuple[DocumentKey, ...]
    looked_at: bool = True
    named: tuple[DocumentKey, ...] = ()

    @property
    def done(self) -> bool:
        return self.state is State.POSTED or (isinstance(self.decision, Done) and self.decision.state is State.POSTED)

    @property
    def stopped(self) -> bool:
        return self.state in {State.HELD, State.DROPPED} or isinstance(self.decision, Hold)


def gate(
    members: Sequence[Member], later: datetime, done: Collection[DocumentKey] = ()
) -> Mapping[DocumentKey, Decision]:
    """What may really be done in this round, for every member that was looked at and has something to do.

    A commit goes ahead only when every other member is done, entered or begun, and all it depends on is done. Members that
    name others of the set are a wave of their own: they do nothing before those are posted, and nobody waits for them.
    ``later`` is when to look again at a document that waits for something that nobody is about to do; ``done`` are documents of
    other sets that are posted.
    """
    known = {*done, *(member.key for member in members if member.done)}
    wave = [member for member in members if all(key in known for key in member.named)]
    standing = _Standing(
        members={member.key: member for member in members},
        begun=any(member.begun or member.done for member in members),
        stopper=next((member for member in members if member.stopped), None),
        waiting=next((member.decision for member in wave if isinstance(member.decision, Wait)), None),
        entering=any(isinstance(m.decision, Go) and not m.decision.step.counts for m in wave),
        later=later,
        done=done,
    )
    out: dict[DocumentKey, Decision] = {}
    for member in members:
        if member.decision is None or not member.looked_at:
            continue
        decision = _gate_one(member, member.decision, standing) if isinstance(member.decision, Go) else member.decision
        if decision is not None:
            out[member.key] = decision
    return out


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the set stands in this round."""

    members: Mapping[DocumentKey, Member]
    begun: bool
    stopper: Member | None
    waiting: Wait | None
    entering: bool
    later: datetime
    done: Collection[DocumentKey]

    def is_done(self, key: DocumentKey) -> bool:
        return key in self.done or (key in self.members and self.members[key].done)


def _gate_one(member: Member, go: Go, standing: _Standing) -> Decision | None:
    """``go``, or what stands against it; None: not in this round, and nothing to record, for another acts in it."""
    missing = [key for key in member.depends_on if not standing.is_done(key)]
    if standing.stopper is not None and (not standing.begun or missing):
        return Hold(
            STOPPED,
            f"Waits for {standing.stopper.key} of the same settlement, which is held. Replaying that one releases it.",
        )
    unnamed = [key for key in member.named if not standing.is_done(key)]
    if unnamed:
        return _after(unnamed[0], standing)
    if not go.step.counts:
        return go
    if missing:
        return _after(missing[0], standing)
    if not standing.begun and standing.waiting is not None:
        return _with(standing.waiting)
    return None if standing.entering and not standing.begun else go


def _after(key: DocumentKey, standing: _Standing) -> Wait | None:
    """When to look again at a document that comes after ``key``: with it; None where something is done for it now."""
    for _ in standing.members:
        before = standing.members.get(key)
        if before is not None and isinstance(before.decision, Wait):
            return _with(before.decision)
        if before is None or not isinstance(before.decision, Go):
            break
        earlier = next((each for each in before.depends_on if not standing.is_done(each)), None)
        if earlier is None:
            return None
        key = earlier
    return Wait(standing.later, f"Waits for {key}, which comes before it.")


def _with(wait: Wait) -> Wait:
    """As long as another document; what the target shows of that one is not this one's."""
    return Wait(wait.until, wait.words)
