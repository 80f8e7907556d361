"""What every route offers to the connector, and how one write is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from ml_connector.domain.documents import Document
from ml_connector.domain.errors import BadAnswer, MlConnectorError, NotPermitted, RefusedByServer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Accepted,
    Case,
    Found,
    Ids,
    Move,
    NotSent,
    PassRefused,
    Permit,
    Receipt,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.errors import receipt
from ml_connector.transport.http import Answer


@dataclass(frozen=True, slots=True)
class Request:
    """One write. ``ids`` reads what Sage gave from the answer of a creation; without it the ids of what was seen stay."""

    method: str
    resource: str
    body: Mapping[str, Any] = field(repr=False)
    ids: Callable[[Any], Ids] | None = None


class Way(Protocol):
    """A way in which documents of some kinds come to be. Everything but ``observe``, ``advance`` and ``census`` is pure."""

    def routes(self) -> tuple[Route, ...] | Unsupported: ...

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported: ...

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown: ...

    def wire_key(self, document: Document) -> str: ...

    def references(self, document: Document) -> tuple[tuple[str, str], ...]: ...

    async def observe(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]: ...

    async def advance(self, api: WebApi, move: Move, permit: Permit) -> Receipt: ...

    async def census(self, api: WebApi, prefix: str, first: date, last: date) -> list[Found]: ...


async def send(api: WebApi, move: Move, permit: Permit, request: Request) -> Receipt:
    """One write under a pass of its own. The pass is asked for last: the settle window runs from it."""
    async with api.writing:
        try:
            pass_ = await permit.grant((move,))
        except (MlConnectorError, PassRefused) as error:
            return NotSent(str(error))
        outcome = await api.write(pass_, request.method, request.resource, request.body)
    if not isinstance(outcome, Answer):
        return outcome
    if not outcome.ok:
        return receipt(outcome.status, outcome.body)
    if request.ids is None:
        return Accepted(ids_of(move.seen))
    try:
        ids = request.ids(outcome.json())
    except BadAnswer:
        ids = ()
    return Accepted(ids) if ids else Unknown(f"HTTP {outcome.status}, but no number in the answer.")


def ids_of(seen: Seen) -> Ids:
    """The ids of what was seen, () where nothing was."""
    return getattr(seen, "ids", ())


async def alone_where_unreadable(
    cases: Sequence[Case], look: Callable[[Sequence[Case]], Awaitable[dict[DocumentKey, Seen]]]
) -> dict[DocumentKey, Seen]:
    """What ``look`` sees. What cannot be read stops the document it belongs to and no other."""
    try:
        return await look(cases)
    except (BadAnswer, RefusedByServer, NotPermitted) as error:
        if len(cases) == 1:
            return {cases[0].key: Unclear(str(error))}
    seen: dict[DocumentKey, Seen] = {}
    for case in cases:
        seen |= await alone_where_unreadable([case], look)
    return seen
