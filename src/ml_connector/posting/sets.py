"""A posting set: everything that one settlement becomes (DESIGN 2). Enter all, commit all.

One refusal stops the set before anything counts. Once something counts, what began is finished as planned: a person mends the
cause and replays; half a settlement is never called done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.posting.decide import Decision, Done, Go, Hold, Wait

STOPPED = "set_stopped"


@dataclass(frozen=True, slots=True)
class Member:
    """One document of the set, with what was decided for it alone.

    ``decision`` is None for a document that is not looked at in this round (posted, held or dropped already). ``begun``: a
    write of it that counts may have landed.
    """

    key: DocumentKey
    state: State
    decision: Decision | None
    begun: bool
    depends_on: tuple[DocumentKey, ...]

    @property
    def done(self) -> bool:
        return self.state is State.POSTED or (isinstance(self.decision, Done) and self.decision.state is State.POSTED)

    @property
    def stopped(self) -> bool:
        return self.state in {State.HELD, State.DROPPED} or isinstance(self.decision, Hold)


def gate(members: Sequence[Member]) -> Mapping[DocumentKey, Decision]:
    """What may really be done in this round, for every member with a decision.

    A commit goes ahead only when every other member is done, entered or begun, and all it depends on is done.
    """
    begun = any(member.begun or member.done for member in members)
    stopper = next((member for member in members if member.stopped), None)
    done = {member.key for member in members if member.done}
    waiting = next((member.decision for member in members if isinstance(member.decision, Wait)), None)
    entering = any(isinstance(m.decision, Go) and not m.decision.step.counts for m in members)
    out: dict[DocumentKey, Decision] = {}
    for member in members:
        decision = member.decision
        if decision is None:
            continue
        if isinstance(decision, Go):
            decision = _gate_one(
                member, decision, begun=begun, stopper=stopper, done=done, waiting=waiting, entering=entering
            )
        if decision is not None:
            out[member.key] = decision
    return out


def _gate_one(
    member: Member,
    go: Go,
    *,
    begun: bool,
    stopper: Member | None,
    done: set[DocumentKey],
    waiting: Wait | None,
    entering: bool,
) -> Decision | None:
    """``go``, or what stands against it; None: not in this round, and nothing to record."""
    missing = [key for key in member.depends_on if key not in done]
    if stopper is not None and (not begun or missing):
        return Hold(
            STOPPED, f"Waits for {stopper.key} of the same settlement, which is held. Replaying that one releases it."
        )
    if not go.step.counts:
        return go
    if missing or (entering and not begun):
        return waiting
    if waiting is not None and not begun:
        return waiting
    return go
