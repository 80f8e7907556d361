"""The poster of one target connection: look, decide, do one write each, look again, until nothing is due.

Everything it knows is in the store, so it may be killed at any await: the next one starts from the documents and the
attempts on record. Two of them on one connection are kept apart by the lease; should one wake from a long sleep, its permits
are refused and its passes have run out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import State, named
from ml_connector.domain.errors import Unavailable
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Accepted,
    Case,
    Ids,
    Move,
    NotSent,
    Outcome,
    Receipt,
    Refused,
    Seen,
    Shown,
    Step,
    Target,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.posting import sets, trail
from ml_connector.posting.decide import Abandon, Decision, Done, Go, Hold, Rules, Wait, decide
from ml_connector.posting.permit import LeasePermit
from ml_connector.store import attempts, documents, leases
from ml_connector.store.documents import ON_ITS_WAY, DocumentRow
from ml_connector.store.door import Store
from ml_connector.store.leases import Lease

LEASE_TTL_S: Final = 300.0
#: A look asks for twenty documents at a time: many sets in a round make full requests of them.
_SETS_PER_ROUND: Final = 100
_BACKOFF_FIRST_S: Final = 2.0
_BACKOFF_MAX_S: Final = 900.0
_LOOK_AGAIN_AFTER_TROUBLE_S: Final = 30.0
_LOOK_AGAIN_AT_BLOCKED_S: Final = 300.0
#: An entered document is looked at daily, until a person posts or removes it.
_LOOK_AGAIN_AT_ENTERED_S: Final = 86_400.0


class Note(Protocol):
    """Writes an audit event inside the caller's transaction."""

    def __call__(self, conn: Connection, event: str, subject: str, data: Mapping[str, Any]) -> None: ...


@dataclass(slots=True)
class Tally:
    """What one drain did. ``next_look_at`` is when something is due again; ``trouble`` why it stopped early, if it did."""

    posted: int = 0
    entered: int = 0
    adopted: int = 0
    held: int = 0
    busy: bool = False
    next_look_at: datetime | None = None
    trouble: Unavailable | None = None


@dataclass(slots=True)
class Poster:
    """Drains the documents of ``connection``. ``holder`` says who it is in leases and attempts.

    ``rules_of`` are those of single links; ``rules`` hold for every other one.
    """

    store: Store
    target: Target
    connection: str
    holder: str
    clock: Clock
    random: Random
    note: Note
    rules: Rules = field(default_factory=Rules)
    rules_of: Mapping[str, Rules] = field(default_factory=dict)
    cancelled: Callable[[], bool] = lambda: False
    lease_ttl_s: float = LEASE_TTL_S
    on_progress: Callable[[DocumentRow, Decision], None] = lambda _row, _decision: None

    async def drain(self) -> Tally:
        """Everything that is due now. Returns when nothing is, or when the target does not answer."""
        tally = Tally()
        lease = await self.store.call(
            lambda conn: leases.acquire(conn, self.connection, self.holder, self.lease_ttl_s, self.store.now(conn))
        )
        if lease is None:
            tally.busy = True
            return tally
        while not self.cancelled():
            batch = await self.store.call(self._load)
            if not batch.due:
                break
            held_lease = await self._round(batch, lease, tally)
            if held_lease is None:
                tally.busy = True
                return tally
            lease = held_lease
            if tally.trouble is not None:
                break
        tally.next_look_at = await self.store.call(lambda conn: self._leave(conn, lease))
        return tally

    # --- one round -----------------------------------------------------------------------------------------------------

    async def _round(self, batch: _Batch, lease: Lease, tally: Tally) -> Lease | None:
        """Look at a batch, decide, advance, write down. None when the lease was lost."""
        cases = {row.key: _case(row, batch) for row in batch.due}
        steps = {key: self.target.steps(case.document, case.trail) for key, case in cases.items()}
        looking = [case for key, case in cases.items() if not isinstance(steps[key], Unsupported)]
        try:
            seen = await self.target.observe(looking)
        except Unavailable as trouble:
            tally.trouble = trouble
            later = batch.looked_at + timedelta(seconds=_LOOK_AGAIN_AFTER_TROUBLE_S)
            return await self.store.call(lambda conn: self._postpone(conn, batch.due, later, lease))
        decided = self._decide(batch, cases, steps, seen)
        renewed, decisions = await self.store.call(lambda conn: self._record_decisions(conn, batch, decided, lease))
        if renewed is None:
            return None
        for row in batch.due:
            if row.key in decisions:
                self._count(row, decisions[row.key], tally)
        moves = [
            Move(cases[key], decision.on or seen[key], decision.step)
            for key, decision in decisions.items()
            if isinstance(decision, Go)
        ]
        if moves:
            permit = LeasePermit(self.store, self.clock, renewed, self.lease_ttl_s, batch.looked_at, self.cancelled)
            receipts: Mapping[DocumentKey, Receipt]
            try:
                receipts = await self.target.advance(moves, permit)
            except Unavailable as trouble:
                tally.trouble = trouble
                # What was granted may have been sent; what was not was not.
                receipts = {move.key: NotSent(str(trouble)) for move in moves if move.key not in permit.intents}
            return await self.store.call(lambda conn: self._record_receipts(conn, moves, permit, receipts))
        return renewed

    def _load(self, conn: Connection) -> _Batch:
        now = self.store.now(conn)
        due = documents.due(conn, self.connection, now, _SETS_PER_ROUND)
        # In the order of the due documents, never of a set: one seed is one history.
        found = documents.of_sets(conn, list(dict.fromkeys(row.set_id for row in due)))
        # A document is read from its bytes once in a round.
        same = {row.key: row for row in due}
        members = {set_id: [same.get(row.key, row) for row in rows] for set_id, rows in found.items()}
        linked = {row.key: row.ids for rows in members.values() for row in rows}
        # A correction comes after what it corrects, which has a set of its own.
        outside = dict.fromkeys(key for row in due for key in row.document.depends_on if key not in linked)
        before = [row for key in outside if (row := documents.get(conn, key)) is not None]
        linked |= {row.key: row.ids for row in before}
        moving = [row.key for rows in members.values() for row in rows if row.state in ON_ITS_WAY]
        done = frozenset(row.key for row in before if row.state is State.POSTED)
        return _Batch(now, tuple(due), members, attempts.trails(conn, moving), linked, done)

    def _decide(
        self,
        batch: _Batch,
        cases: Mapping[DocumentKey, Case],
        steps: Mapping[DocumentKey, tuple[Step, ...] | Unsupported],
        seen: Mapping[DocumentKey, Seen],
    ) -> dict[DocumentKey, Decision]:
        alone: dict[DocumentKey, Decision] = {}
        rules = {row.key: self._rules(row) for row in batch.due}
        for key, case in cases.items():
            needed = steps[key]
            if isinstance(needed, Unsupported):
                alone[key] = Hold("unsupported", needed.why)
                continue
            expected: Shown = self.target.project(case.document, case.linked or {})
            alone[key] = decide(
                case, needed, seen.get(key, Unclear("no answer to the look")), expected, batch.looked_at, rules[key]
            )
        out: dict[DocumentKey, Decision] = {}
        later = batch.looked_at + timedelta(seconds=_LOOK_AGAIN_AT_BLOCKED_S)
        for rows in batch.members.values():
            out.update(sets.gate([self._member(row, alone.get(row.key), batch) for row in rows], later, batch.done))
        return out

    def _member(self, row: DocumentRow, decision: Decision | None, batch: _Batch) -> sets.Member:
        """``row`` as one of its set. One that is on its way and not due waits until it is."""
        due = decision is not None
        begun = False
        if row.state in ON_ITS_WAY:
            tried = batch.trails[row.key]
            needed = self.target.steps(row.document, tried)
            begun = not isinstance(needed, Unsupported) and trail.may_have_counted(tried, needed)
            if decision is None:
                decision = Wait(row.next_look_at or batch.looked_at, row.reason or f"Waits for {row.key}.")
        return sets.Member(row.key, row.state, decision, begun, row.document.depends_on, due, named(row.document))

    def _rules(self, row: DocumentRow) -> Rules:
        """Those of its link, with its own goal."""
        return replace(self.rules_of.get(row.link, self.rules), goal=State(row.goal))

    def _record_decisions(
        self, conn: Connection, batch: _Batch, decided: Mapping[DocumentKey, Decision], lease: Lease
    ) -> tuple[Lease | None, Mapping[DocumentKey, Decision]]:
        """Ends and waits, in one transaction that proves the lease is still ours: a worker that slept writes nothing.

        With the decisions that stand: what was to be stopped by a document that a person has released since is looked at anew.
        """
        renewed = leases.renew(conn, lease, self.lease_ttl_s, self.store.now(conn))
        if renewed is None:
            return None, {}
        decisions = {
            row.key: decided[row.key] for row in batch.due if row.key in decided and not _released(conn, row, decided)
        }
        for row in batch.due:
            match decisions.get(row.key):
                case Done(State.ENTERED, ids):
                    until = batch.looked_at + timedelta(seconds=_LOOK_AGAIN_AT_ENTERED_S)
                    words = "Entered, as the link wants it. Post it in the target, or remove it there."
                    documents.set_state(
                        conn, row.key, State.ENTERED, reason_code="entered", reason=words, ids=ids, next_look_at=until
                    )
                    if row.state is not State.ENTERED:
                        self.note(conn, "entered", row.key, {"ids": dict(ids)})
                case Done(state, ids, adopted):
                    documents.set_state(conn, row.key, state, ids=ids, posted_at=batch.looked_at)
                    self.note(conn, "adopted" if adopted or not row.tried else state.value, row.key, {"ids": dict(ids)})
                case Abandon(ids, words):
                    attempts.mark(conn, row.key, Outcome.ABANDONED, words, batch.looked_at, ids)
                    documents.set_state(conn, row.key, State.POSTING, reason_code="abandoned", reason=words)
                    self.note(conn, "abandoned", row.key, {"ids": dict(ids), "words": words})
                case Hold(code, words, ids):
                    documents.set_state(conn, row.key, State.HELD, reason_code=code, reason=words, ids=ids or None)
                    self.note(conn, "held", row.key, {"code": code, "reason": words})
                case Wait(until, words, ids, entered):
                    documents.set_state(
                        conn,
                        row.key,
                        State.ENTERED if entered else row.state,
                        reason_code="waiting",
                        reason=words,
                        ids=ids or None,
                        next_look_at=until,
                    )
                case _:
                    pass
        return renewed, decisions

    def _record_receipts(
        self,
        conn: Connection,
        moves: Sequence[Move],
        permit: LeasePermit,
        receipts: Mapping[DocumentKey, Receipt],
    ) -> Lease | None:
        """What became of the attempts, which are ours whatever happened; and where the documents stand now, unless the lease
        was lost: then another one has looked since, and knows better."""
        now = self.store.now(conn)
        renewed = leases.renew(conn, permit.lease, self.lease_ttl_s, now)
        for move in moves:
            receipt = receipts.get(move.key, Unknown("no receipt"))
            outcome, ids, words = _outcome(receipt)
            if move.key in permit.intents:
                attempts.close(conn, permit.intents[move.key], outcome, ids, words, now)
                self.note(conn, "attempt", move.key, {"step": move.step.name, "outcome": outcome.value, "words": words})
            if renewed is not None:
                self._after(conn, move, receipt, now, granted=move.key in permit.intents)
        return renewed

    def _after(self, conn: Connection, move: Move, receipt: Receipt, now: datetime, *, granted: bool) -> None:
        """When to look again. A refusal holds at once, unless it says that the document is there already. What was
        ``granted`` stands as its permit left it: posting, to be looked at when we can."""
        match receipt:
            case Refused(code, words, line) if code != trail.DUPLICATE:
                where = f" (line {line})" if line is not None else ""
                reason = f"The target refused it{where}: {words} Mend the cause, then replay it."
                documents.set_state(conn, move.key, State.HELD, reason_code="refused", reason=reason)
                self.note(conn, "held", move.key, {"code": "refused", "reason": reason, "server_code": code})
            case NotSent() | Unknown():
                tries = trail.without_answer(move.case.trail)
                delay_s = 0.0 if tries == 0 else min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2**tries)
                until = now + timedelta(seconds=self.random.uniform(delay_s / 2, delay_s))
                documents.set_state(conn, move.key, State.POSTING, next_look_at=until)
            case _ if not granted:
                documents.set_state(conn, move.key, State.POSTING)
            case _:
                pass

    def _postpone(self, conn: Connection, rows: Sequence[DocumentRow], until: datetime, lease: Lease) -> Lease | None:
        renewed = leases.renew(conn, lease, self.lease_ttl_s, self.store.now(conn))
        for row in rows if renewed is not None else ():
            documents.set_state(conn, row.key, row.state, next_look_at=until)
        return renewed

    def _count(self, row: DocumentRow, decision: Decision, tally: Tally) -> None:
        if isinstance(decision, Done) and decision.state is State.POSTED:
            tally.posted += row.tried
            tally.adopted += not row.tried
        elif isinstance(decision, Done):
            tally.entered += row.state is not State.ENTERED
        elif isinstance(decision, Hold):
            tally.held += 1
        self.on_progress(row, decision)

    def _leave(self, conn: Connection, lease: Lease) -> datetime | None:
        leases.release(conn, lease)
        return documents.next_look_at(conn, self.connection)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What one round works on: the due documents, their whole sets, what was tried. ``done`` are documents of other sets that
    one of these comes after, and that are posted."""

    looked_at: datetime
    due: tuple[DocumentRow, ...]
    members: Mapping[str, Sequence[DocumentRow]]
    trails: Mapping[DocumentKey, tuple[Any, ...]]
    linked: Mapping[DocumentKey, Ids]
    done: frozenset[DocumentKey]


def _case(row: DocumentRow, batch: _Batch) -> Case:
    document = row.document
    return Case(
        document=document,
        wire_key=row.wire_key,
        trail=batch.trails.get(row.key, ()),
        ids=row.ids,
        linked={key: batch.linked.get(key, ()) for key in document.depends_on},
    )


def _released(conn: Connection, row: DocumentRow, decided: Mapping[DocumentKey, Decision]) -> bool:
    """``row`` was to be held because of another document of its set, and none of them is held any more."""
    if not _stopped(decided[row.key]):
        return False
    others = [other for other in documents.of_set(conn, row.set_id) if other.key != row.key]
    return not any(
        other.state in {State.HELD, State.DROPPED} or _holds_by_itself(decided.get(other.key)) for other in others
    )


def _stopped(decision: Decision) -> bool:
    return isinstance(decision, Hold) and decision.code == sets.STOPPED


def _holds_by_itself(decision: Decision | None) -> bool:
    return isinstance(decision, Hold) and decision.code != sets.STOPPED


def _outcome(receipt: Receipt) -> tuple[Outcome, Ids, str]:
    match receipt:
        case Accepted(ids):
            return Outcome.ACCEPTED, ids, ""
        case Refused(code, words, _):
            return Outcome.REFUSED, (), f"{code}: {words}"
        case NotSent(why):
            return Outcome.NOT_SENT, (), why
        case Unknown(why):
            return Outcome.UNKNOWN, (), why
