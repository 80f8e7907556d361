"""A target of a few lines, for tests of posting: it keeps what it was sent and does what a test tells it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn

from ml_connector.domain.catalog import Identity, References
from ml_connector.domain.documents import Document
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.source import LedgerOnly
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Capabilities,
    Case,
    Found,
    Ids,
    Move,
    NotSent,
    PassRefused,
    Permit,
    Present,
    Receipt,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unsupported,
)
from tests.support.entries import shown

PLAIN = Step("plain", counts=True, refuses_twice=False, settle_s=600)


@dataclass
class FakeTarget(LedgerOnly):
    """Its writes land at once. ``answers`` says what becomes of the next writes of a document: a receipt instead of the
    write, or something to do before it. ``seen`` replaces what a look shows. ``sent`` lists every write, in order.
    """

    needs: tuple[Step, ...] = (PLAIN,)
    holds: dict[DocumentKey, Document] = field(default_factory=dict)
    answers: dict[DocumentKey, list[Receipt]] = field(default_factory=dict)
    seen: dict[DocumentKey, Seen] = field(default_factory=dict)
    cannot: dict[DocumentKey, str] = field(default_factory=dict)
    sent: list[DocumentKey] = field(default_factory=list)
    looks: list[tuple[DocumentKey, ...]] = field(default_factory=list)
    trouble: Exception | None = None
    after_look: Callable[[], None] = lambda: None
    after_write: Callable[[], None] = lambda: None

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        why = self.cannot.get(document.key)
        return self.needs if why is None else Unsupported(why)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return shown(document)

    def wire_key(self, document: Document) -> str:
        return document.key

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        if self.trouble is not None:
            raise self.trouble
        self.looks.append(tuple(case.key for case in cases))
        found = {case.key: self._look(case) for case in cases}
        self.after_look()
        return found

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        receipts = {move.key: await self._write(move, permit) for move in moves}
        self.after_write()
        return receipts

    def _look(self, case: Case) -> Seen:
        if case.key in self.seen:
            return self.seen[case.key]
        document = self.holds.get(case.key)
        return Absent("everywhere") if document is None else Present(ids(case.key), shown(document))

    async def _write(self, move: Move, permit: Permit) -> Receipt:
        try:
            (await permit.grant((move,))).last_look()
        except PassRefused as refused:
            return NotSent(str(refused))
        self.sent.append(move.key)
        scripted = self.answers.get(move.key)
        if scripted:
            return scripted.pop(0)
        self.holds[move.key] = move.case.document
        return Accepted(ids(move.key))

    # --- what posting never asks for -----------------------------------------------------------------------------------

    def references_of(self, document: Document) -> NoReturn:
        raise NotImplementedError

    def capabilities(self) -> Capabilities:
        raise NotImplementedError

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        raise NotImplementedError

    async def ping(self) -> Identity:
        raise NotImplementedError

    async def references(self) -> References:
        raise NotImplementedError

    async def prepare(self) -> tuple[str, ...]:
        raise NotImplementedError

    async def close(self) -> None:
        """There is nothing to let go of."""


def ids(key: DocumentKey) -> Ids:
    return (("JdtNum", f"number of {key}"),)
