"""Three ways to post wrongly, each as a target put between the poster and the real one. The simulation must find each.

Nothing is patched: a target is handed in, so a wrong one can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Capabilities,
    Case,
    Found,
    Ids,
    Move,
    Pass,
    PassRefused,
    Permit,
    Receipt,
    Seen,
    Shown,
    Step,
    Target,
    Trail,
    Unclear,
    Unsupported,
)
from ml_connector.posting.permit import OncePass
from ml_connector.posting.trail import PASS_LIFE_S


@dataclass
class Passing:
    """A target that passes everything on."""

    inner: Target

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        return self.inner.steps(document, trail)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return self.inner.project(document, linked)

    def wire_key(self, document: Document) -> str:
        return self.inner.wire_key(document)

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        return self.inner.references_of(document)

    def capabilities(self) -> Capabilities:
        return self.inner.capabilities()

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        return await self.inner.census(prefix, first, last)

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        return await self.inner.observe(cases)

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        return await self.inner.advance(moves, permit)

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class NoLookBeforeAdvance(Passing):
    """The look is made, and kept for the next round: what is decided now goes by the look before."""

    before: dict[DocumentKey, Seen] = field(default_factory=dict)

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        told = {case.key: self.before.get(case.key, Absent("nowhere yet")) for case in cases}
        self.before.update(await self.inner.observe(cases))
        return told


@dataclass
class NoSettleWait(Passing):
    """A lost request is taken for dead at once."""

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        steps = self.inner.steps(document, trail)
        if isinstance(steps, Unsupported):
            return steps
        return tuple(replace(step, settle_s=-PASS_LIFE_S) for step in steps)


@dataclass
class NoIntentBeforeWrite(Passing):
    """The write is sent first and put on record afterwards."""

    clock: Clock

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        later = _RecordsLater(permit, self.clock)
        receipts = await self.inner.advance(moves, later)
        await later.record()
        return receipts


@dataclass
class _RecordsLater:
    permit: Permit
    clock: Clock
    granted: list[Move] = field(default_factory=list)

    async def grant(self, moves: Sequence[Move]) -> Pass:
        self.granted += moves
        return OncePass(self.clock, self.clock.monotonic() + PASS_LIFE_S, lambda: False)

    async def follow(self, move: Move, accepted: Accepted) -> Pass:
        return await self.permit.follow(move, accepted)

    async def record(self) -> None:
        for move in self.granted:
            try:
                await self.permit.grant((move,))
            except PassRefused:
                return
