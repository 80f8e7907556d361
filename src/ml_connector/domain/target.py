"""The port through which documents reach a target (DESIGN 3.2). Posting is convergence, in two acts.

No target gives an idempotency key, many documents need several calls, any reply can be lost, and a lost request may land
minutes later. So a target has no ``post``. It can say which writes a document needs (``steps``), what it will show for it
(``project``), what it shows now (``observe``), and it can do one write (``advance``). What to do next is decided in
``posting``, from what was seen and what was tried; a connector never judges equality and never repeats a write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.documents import Document
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.source import Source

#: The target's own names and values: ``(("JdtNum", "4711"), ("Number", "20001234"))``. Shown to people, stored, passed back.
Ids = tuple[tuple[str, str], ...]


# --- what a document needs ---------------------------------------------------------------------------------------------


class ReliabilityClass(StrEnum):
    """What keeps a document from counting twice (DESIGN 8).

    ``refused``: the server rejects a second one. ``two_acts``: entered harmlessly, then committed by an id that the server
    accepts once. ``window``: we look, and wait out the time in which a lost request may still land.
    """

    REFUSED = "refused"
    TWO_ACTS = "two_acts"
    WINDOW = "window"


@dataclass(frozen=True, slots=True)
class Step:
    """One write. ``counts``: after it books, stock, warehouse or storefront act; every write before it leaves something
    harmless. ``refuses_twice``: the server itself rejects a second one. ``settle_s``: the longest the *server* may still
    finish a request whose reply was lost."""

    name: str
    counts: bool
    refuses_twice: bool
    settle_s: float


@dataclass(frozen=True, slots=True)
class Unsupported:
    """This target cannot hold such a document; ``why`` is a sentence for a person."""

    why: str


def reliability_class(steps: Sequence[Step]) -> ReliabilityClass:
    """The class of a document that needs ``steps`` (exactly one of which counts)."""
    counting = next(step for step in steps if step.counts)
    if not counting.refuses_twice:
        return ReliabilityClass.WINDOW
    return ReliabilityClass.REFUSED if counting is steps[0] else ReliabilityClass.TWO_ACTS


# --- what was tried ----------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What is known of one attempt. INTENT: it was about to be sent, and nobody wrote down how it ended.

    REPLAYED is no attempt but a mark: a person asked to try again. What was accepted or refused before no longer holds the
    document up; a write that may still land goes on being waited for.
    """

    INTENT = "intent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write that was about to start. ``sent_at`` is when the permit was written, UTC."""

    step: str
    sent_at: datetime
    outcome: Outcome
    ids: Ids = ()
    words: str = ""


Trail = tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container in the target that holds several documents (a batch, a group), frozen with its members."""

    key: DocumentKey
    members: tuple[DocumentKey, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A document on its way. ``wire_key`` is the key as the target can hold it. ``ids`` are the newest the target gave.

    ``linked`` are the ids of the documents it depends on.
    """

    document: Document
    wire_key: str
    trail: Trail = ()
    ids: Ids = ()
    carrier: Carrier | None = None
    linked: Mapping[DocumentKey, Ids] | None = None

    @property
    def key(self) -> DocumentKey:
        return self.document.key


# --- what the target shows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line as the target shows it. ``label`` is what our text begins with (category and store), "" where the line is
    not recognisably ours. Labels and texts never decide equality; the proof compares labels too."""

    account: str
    debit: Decimal
    credit: Decimal
    label: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the target shows it, in the words all targets share. ``total`` is the sum of debits.

    ``added`` are lines the target added by a named rule of the connector (rounding, exchange difference): listed, never
    compared.
    """

    posting_date: date
    document_date: date
    currency: str
    total: Decimal
    lines: tuple[ShownLine, ...]
    added: tuple[ShownLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing of this document was found, in none of the places in ``looked``."""

    looked: str


@dataclass(frozen=True, slots=True)
class Partial:
    """Begun: ``next`` is the step that follows."""

    ids: Ids
    next: str
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """The target is busy with it, or a person there has to act (an approval, an unposted batch)."""

    ids: Ids
    why: str


@dataclass(frozen=True, slots=True)
class Present:
    """It counts. ``ours`` is False when it was found only by a human reference, without our key."""

    ids: Ids
    shown: Shown
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """It was there and was ended by somebody: cancelled, reversed, deleted."""

    ids: Ids
    how: str


@dataclass(frozen=True, slots=True)
class Many:
    """More than one answers to the key."""

    ids: tuple[Ids, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """The target cannot say (no right, purged, a field is gone): never an Absent."""

    why: str


Seen = Absent | Partial | Working | Present | Ended | Many | Unclear


@dataclass(frozen=True, slots=True)
class Found:
    """A document in the target that carries a key of ours, found without asking for that key."""

    key: DocumentKey
    ids: Ids


# --- doing one write ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """The next write of a case, decided from what was seen."""

    case: Case
    seen: Seen
    step: Step

    @property
    def key(self) -> DocumentKey:
        return self.case.key


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server said yes. A hint, never a proof: only ``observe`` proves."""

    ids: Ids


@dataclass(frozen=True, slots=True)
class Refused:
    """The server understood and said no; nothing was written. ``line`` is 1-based within the document, None for the whole."""

    code: str
    words: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing reached the server's business logic (no connection, 429, session lost, permit refused)."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may or may not have been written, now or minutes later."""

    why: str


Receipt = Accepted | Refused | NotSent | Unknown


class Pass(Protocol):
    """Leave to send one write, once."""

    def last_look(self) -> None:
        """Called by the transport after connecting, before the first byte.

        Raises :class:`PassRefused` when the lease ran out, the work was cancelled, or the pass was used already.
        """
        ...


class PassRefused(Exception):
    """No byte may be sent. The receipt is :class:`NotSent`."""


class Permit(Protocol):
    """Leave to write to one connection while its lease holds."""

    async def grant(self, moves: Sequence[Move]) -> Pass:
        """In one transaction: the lease epoch is valid, and an intent is on record for exactly these moves, which are about
        to start as one write. Raises :class:`PassRefused`."""
        ...


class Target(Source, Protocol):
    """One connected company of an ERP, or Amazon. The same object is its :class:`Source`."""

    def steps(self, document: Document) -> tuple[Step, ...] | Unsupported:
        """Pure: which writes this document needs here, in order."""
        ...

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        """Pure: what this target will show for it."""
        ...

    def wire_key(self, document: Document) -> str:
        """Pure: the document's key as this target can hold it."""
        ...

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        """Pure: the fields by which a person finds the document in the target, as they are written there."""
        ...

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found]:
        """Every document dated ``first`` to ``last`` that carries a key beginning with ``prefix``. Reads only."""
        ...

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        """Reads only. A case that is missing in the answer was not seen: the same as Unclear."""
        ...

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """At most one write for each move, each under a pass of its own write. A missing receipt is Unknown."""
        ...
