"""The port through which documents reach a target (DESIGN 3.2). Posting is convergence, in two acts.

No target gives an idempotency key, many documents need several calls, any reply can be lost, and a lost request may land
minutes later. So a target has no ``post``. It can say which writes a document needs (``steps``), what it will show for it
(``project``), what it shows now (``observe``), and it can do one write (``advance``). What to do next is decided in
``posting``, from what was seen and what was tried; a connector never judges equality and never repeats a write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from ml_connector.domain.documents import Document, JournalEntry, Kind, Payment, SalesDocument, State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.source import Feeds, Source

#: The target's own names and values: ``(("JdtNum", "4711"), ("Number", "20001234"))``. Shown to people, stored, passed back.
Ids = tuple[tuple[str, str], ...]


# --- what a document needs ---------------------------------------------------------------------------------------------


class ReliabilityClass(StrEnum):
    """What keeps a document from counting twice (DESIGN 8).

    ``refused``: the server rejects a second one. ``two_acts``: entered harmlessly, then committed by an id that the server
    accepts once. ``window``: we look, and wait out the time in which a lost request may still land. ``observed``: the target
    makes the document itself, and we compare.
    """

    REFUSED = "refused"
    TWO_ACTS = "two_acts"
    WINDOW = "window"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Step:
    """One write. ``counts``: after it books, stock, warehouse or storefront act; every write before it leaves something
    harmless, and one that comes after it finishes what counts already. ``refuses_twice``: the server itself rejects a second
    one, or a second one changes nothing. ``settle_s``: the longest the *server* may still finish a request whose reply was
    lost. ``hands_over``: it counts because people may finish the document from then on. Where the goal is ``entered`` it is still
    ours to do, and what comes after it is theirs."""

    name: str
    counts: bool
    refuses_twice: bool
    settle_s: float
    hands_over: bool = False


@dataclass(frozen=True, slots=True)
class Unsupported:
    """This target cannot hold such a document; ``why`` is a sentence for a person."""

    why: str


def reliability_class(steps: Sequence[Step], goal: State = State.POSTED) -> ReliabilityClass:
    """The class of a document that needs ``steps``. Where the ``goal`` is ``entered`` a person does the act that counts, and
    two drafts of one document may both be posted by hand: such a document is ``window`` whatever the target offers."""
    if not steps:
        return ReliabilityClass.OBSERVED
    counting = next(step for step in steps if step.counts)
    if goal is State.ENTERED or not counting.refuses_twice:
        return ReliabilityClass.WINDOW
    return ReliabilityClass.REFUSED if counting is steps[0] else ReliabilityClass.TWO_ACTS


@dataclass(frozen=True, slots=True)
class Route:
    """A way in which a company takes documents of one kind. ``name`` is that of its first step where several routes are open to
    documents planned now (goods came back or not); ``class_`` is that with the goal ``posted``; ``relieves_stock``:
    the goods leave stock with it (ACCOUNTING 10); ``requests`` are needed for one document, shared looks counted in parts."""

    name: str
    class_: ReliabilityClass
    relieves_stock: bool
    requests: Decimal


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one connected company can do: probed when it was signed in to, never assumed.

    ``routes`` has every kind; the first route is the one that a document planned now takes. ``parallel`` requests at a time;
    ``lines_max`` lines of one document; ``applications_max`` documents paid by one payment; ``batch_max`` documents in one
    request. ``stock_is`` says in words what the available quantity means here. ``features`` are shown to people.
    """

    routes: Mapping[Kind, tuple[Route, ...] | Unsupported]
    parallel: int
    lines_max: int
    applications_max: int
    batch_max: int
    stock_is: str
    features: tuple[tuple[str, str], ...] = ()

    def unsupported(self, kind: Kind) -> str:
        """Why documents of ``kind`` cannot be posted here, as a sentence; "" where they can."""
        routes = self.routes.get(kind, Unsupported(f"Documents of kind {kind.value} are not known to this connector."))
        return routes.why if isinstance(routes, Unsupported) else ""


# --- what was tried ----------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What is known of one attempt. INTENT: it was about to be sent, and nobody wrote down how it ended.

    Two are no attempts but marks. REPLAYED: a person asked to try again; what was accepted or refused before no longer holds
    the document up, and a write that may still land goes on being waited for. ABANDONED: the container named by the mark's ids
    is spoilt and is never committed; nothing that was tried before the mark speaks of the document any more.
    """

    INTENT = "intent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    REPLAYED = "replayed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write that was about to start. ``sent_at`` is when the permit was written, UTC; ``ids`` what it named until it was
    answered, then what the target gave."""

    step: str
    sent_at: datetime
    outcome: Outcome
    ids: Ids = ()
    words: str = ""


Trail = tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Carrier:
    """A container in the target that holds several documents (a batch, a group), frozen with its ordered members and the
    sha256 over their canonical hashes."""

    key: DocumentKey
    members: tuple[DocumentKey, ...]
    sha256: str


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
    """One line as the target shows it. ``what`` is an account, an item, or the target's own number of the document that a
    payment applies to; ``tax`` the tax code where we sent one. The amount stands on the side that the kind has it on: journals
    on either, sales documents and payments as ``credit``, whatever sign the target itself uses.

    ``label`` is what our text begins with (category and store), "" where the line is not recognisably ours. Labels and texts
    never decide equality; the proof compares labels too."""

    what: str
    debit: Decimal
    credit: Decimal
    label: str = ""
    quantity: Decimal | None = None
    tax: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the target shows it, in the words all targets share. ``total`` is the sum of debits of a journal, else the
    document's own total, tax included, positive on every kind. ``party`` is the customer, where the kind has one.

    ``added`` are lines the target added by a named rule of the connector (rounding, exchange difference): listed, never
    compared.
    """

    posting_date: date
    document_date: date
    currency: str
    total: Decimal
    lines: tuple[ShownLine, ...]
    added: tuple[ShownLine, ...] = ()
    party: str = ""

    @classmethod
    def planned(cls, document: JournalEntry | SalesDocument | Payment, lines: Iterable[ShownLine]) -> Shown:
        """What is to be shown for ``document``: its own dates, currency, total and customer, and ``lines`` in the target's words."""
        party = "" if isinstance(document, JournalEntry) else document.customer
        heading = (document.posting_date, document.document_date, document.currency, document.total)
        return cls(*heading, tuple(lines), party=party)


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing of this document was found, in none of the places in ``looked``."""

    looked: str


@dataclass(frozen=True, slots=True)
class Partial:
    """Begun: ``next`` is the step that follows. ``shown`` is what is there by now; without it nothing that counts is done."""

    ids: Ids
    next: str
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class Working:
    """In the target, and not ours to move on. ``by_person``: a person there has to act (an approval, an unposted batch), which
    may take for ever; otherwise the server is busy with it and is expected to be done within the settle window."""

    ids: Ids
    why: str
    by_person: bool


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
    """More than one answers to the key, in the order of the target's own numbers. At most one that counts is no accident."""

    found: tuple[Partial | Working | Present, ...]


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A container of ours that must not be committed: a write into it may still land there. Begin again in another."""

    ids: Ids
    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The target cannot say (no right, purged, a field is gone): never an Absent."""

    why: str


Seen = Absent | Partial | Working | Present | Ended | Many | Spoiled | Unclear


@dataclass(frozen=True, slots=True)
class Found:
    """Something in the target that carries a key of ours, found without asking for that key. ``wire_key`` is as read: a hashed
    one cannot be turned back into a document's key. ``counts`` is False for a draft or an open batch."""

    kind: Kind
    wire_key: str
    ids: Ids
    counts: bool


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

    async def follow(self, move: Move, accepted: Accepted) -> Pass:
        """The next write of a document whose write before was ``accepted``, without a look in between: in one transaction that
        one is closed and an intent for ``move.step`` is on record. Only for a step that does not count.
        Raises :class:`PassRefused`."""
        ...


class Target(Protocol):
    """Where documents come to exist: one company of an ERP, or Amazon."""

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        """Pure: which writes this document needs here, in order, by the route that its first write took. Empty where the
        target makes the document itself."""
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

    def capabilities(self) -> Capabilities:
        """Pure: what was found out when the company was signed in to."""
        ...

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        """Everything dated ``first`` to ``last`` that carries a key beginning with ``prefix``. Reads only."""
        ...

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        """Reads only. A case that is missing in the answer was not seen: the same as Unclear."""
        ...

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """For each move its write, under a pass of its own; where that one is accepted, the harmless writes that follow it may
        come with it. A missing receipt is Unknown."""
        ...

    async def close(self) -> None:
        """Sign out and let go of every connection."""
        ...


class Company(Source, Feeds, Target, Protocol):
    """One connected company of an ERP: what plans are checked against, what is followed and what is posted go through one
    sign-in."""
