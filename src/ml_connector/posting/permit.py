"""Leave for one write: the lease still holds, and an intent is on record before the first byte (DESIGN 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Accepted, Ids, Move, Outcome, Partial, PassRefused
from ml_connector.posting.trail import LOOK_AGE_MAX_S, PASS_LIFE_S
from ml_connector.store import attempts, documents, leases
from ml_connector.store.door import Store
from ml_connector.store.leases import Lease

#: Before this much of the lease is left, it is renewed with the permit, so that a long round does not lose it.
_RENEW_BELOW_S = 120.0


@dataclass(slots=True)
class OncePass:
    """Good for one send until ``deadline`` (of the injected monotonic clock)."""

    clock: Clock
    deadline: float
    cancelled: Callable[[], bool]
    _used: bool = False

    def last_look(self) -> None:
        if self._used:
            raise PassRefused("this write was sent already")
        if self.cancelled():
            raise PassRefused("the work was cancelled")
        if self.clock.monotonic() >= self.deadline:
            raise PassRefused("too late: the permit has run out")
        self._used = True


@dataclass(slots=True)
class LeasePermit:
    """Permits of one round, under one lease, for what was looked at from ``looked_at`` on. ``intents`` are the attempts it
    opened, by document."""

    store: Store
    clock: Clock
    lease: Lease
    ttl_s: float
    looked_at: datetime
    cancelled: Callable[[], bool]
    intents: dict[DocumentKey, int] = field(default_factory=dict)

    async def grant(self, moves: Sequence[Move]) -> OncePass:
        """In one transaction: the lease is ours, the look is young enough, nobody else touched these documents since, and the
        intents are on record. Raises :class:`PassRefused`."""
        if self.cancelled():
            raise PassRefused("the work was cancelled")
        asked_at = self.clock.monotonic()
        opened, self.lease, left_s = await self.store.call(lambda conn: self._record(conn, moves))
        self.intents.update(zip((move.key for move in moves), opened, strict=True))
        return OncePass(self.clock, asked_at + min(PASS_LIFE_S, left_s), self.cancelled)

    async def follow(self, move: Move, accepted: Accepted) -> OncePass:
        """See :meth:`Permit.follow`. ``intents`` names the newest attempt of the document from here on."""
        if self.cancelled():
            raise PassRefused("the work was cancelled")
        if move.step.counts:
            raise PassRefused("a write that counts needs a look before it")
        asked_at = self.clock.monotonic()
        opened, self.lease, left_s = await self.store.call(lambda conn: self._record_next(conn, move, accepted))
        self.intents[move.key] = opened
        return OncePass(self.clock, asked_at + min(PASS_LIFE_S, left_s), self.cancelled)

    def _record_next(self, conn: Connection, move: Move, accepted: Accepted) -> tuple[int, Lease, float]:
        now = self.store.now(conn)
        lease, left_s = self._held(conn, now)
        if move.key not in self.intents:
            raise PassRefused("no write went before it")
        attempts.close(conn, self.intents[move.key], Outcome.ACCEPTED, accepted.ids, "", now)
        named = [(move.key, move.step.name, accepted.ids)]
        (opened,) = attempts.open_intents(conn, named, lease.holder, lease.epoch, now)
        return opened, lease, left_s

    def _record(self, conn: Connection, moves: Sequence[Move]) -> tuple[list[int], Lease, float]:
        now = self.store.now(conn)
        lease, left_s = self._held(conn, now)
        if (now - self.looked_at).total_seconds() > LOOK_AGE_MAX_S:
            raise PassRefused("the look is too old")
        keys = [move.key for move in moves]
        trails = attempts.trails(conn, keys)
        for move in moves:
            if len(trails.get(move.key, ())) != len(move.case.trail):
                raise PassRefused("somebody else tried it since it was looked at")
        for key in keys:
            documents.set_state(conn, key, State.POSTING, frozen_at=now)
        opened = attempts.open_intents(
            conn,
            [(move.key, move.step.name, _named(move)) for move in moves],
            self.lease.holder,
            self.lease.epoch,
            now,
        )
        return opened, lease, left_s

    def _held(self, conn: Connection, now: datetime) -> tuple[Lease, float]:
        """The lease, renewed where it runs low, and how many seconds of it are left."""
        if not leases.valid(conn, self.lease.connection, self.lease.epoch):
            raise PassRefused("the lease is lost")
        lease = self.lease
        if (lease.until - now).total_seconds() < min(_RENEW_BELOW_S, self.ttl_s / 2):
            renewed = leases.renew(conn, lease, self.ttl_s)
            if renewed is None:
                raise PassRefused("the lease is lost")
            lease = renewed
        return lease, (lease.until - now).total_seconds()


def _named(move: Move) -> Ids:
    """What the write names in the target: a later look stays with it."""
    return move.seen.ids if isinstance(move.seen, Partial) else ()
