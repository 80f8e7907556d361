"""What the suite is given by whoever calls it: a simulated ERP, and everything that can happen to it from outside.

A :class:`World` opens companies (:class:`Site`), each fresh and each for one case. A site connects the connector under test,
names the codes that documents of this company can use, lets things happen on the line and at the desks, and counts what the
system's *own ledger* holds. It never asks the connector for that: a connector must not be its own witness.

A world that cannot let something happen, because the system knows nothing of the kind, raises :class:`NotHere` with a
sentence; the case is then reported as not applicable, with that sentence.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from random import Random
from typing import Any, Protocol

from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.target import Company

Position = bool | int | str


class NotHere(Exception):
    """The simulated system has nothing of this kind. The message is a sentence for a person."""


# --- switches ----------------------------------------------------------------------------------------------------------


class Touches(StrEnum):
    """What a rule is about, and what a switch changes: a switch is flipped for the rules that it touches."""

    SIGN_IN = "sign-in"
    LOOKS = "looks"
    WRITES = "writes"
    LINE = "answers that say that something is wrong"
    ROUTES = "by which way documents are posted"
    CONTENT = "content"
    PEOPLE = "people"
    PERIODS = "periods and accounts"
    REFERENCES = "references"
    FEEDS = "feeds"


@dataclass(frozen=True, slots=True)
class Switch:
    """An open question about the system (DESIGN 3.4). ``default`` is the position in every case that does not name it,
    ``others`` are the positions that it is flipped to; ``kinds`` the documents it changes something for, empty for all."""

    name: str
    default: Position
    others: tuple[Position, ...]
    touches: frozenset[Touches]
    kinds: frozenset[Kind] = frozenset()


# --- what happens on the line ------------------------------------------------------------------------------------------


class Fault(StrEnum):
    """What becomes of one request (DESIGN 3.4)."""

    LOST_REPLY = "lost_reply"  # handled; then the connection breaks before the answer
    RESET = "reset"  # the connection breaks before anything is handled
    TIMEOUT = "timeout"  # handled at once; the answer comes after the client has given up
    LATE = "late"  # handled after `seconds`, when the client has long given up
    SERVER_ERROR = "server_error"  # a 5xx in the system's own words; not handled
    ERROR_AFTER_COMMIT = "error_after_commit"  # handled; the answer is a 5xx
    HTML = "html"  # something in front of the system answers with a page; not handled
    BUSY = "busy"  # refused for now: 429, a lock, a licence limit; not handled
    HALF_ANSWER = "half_answer"  # handled; the answer breaks off in the middle
    SESSION_ENDED = "session_ended"  # the session or token ends just before it; not handled


class Traffic(StrEnum):
    """Which requests are meant: those that change something for a document, or those that only look."""

    READS = "reads"
    WRITES = "writes"


# --- what a company holds ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Codes:
    """What documents of the suite can name in a site: the system's own words.

    ``day`` lies in a period that takes every kind; ``closing_day`` in another one, which :meth:`Site.close_period` closes.
    ``accounts`` take journal lines in every currency; ``currencies`` are ISO codes by their number of decimals. ``goods`` are
    stocked in ``warehouse``, ``service`` is not; ``tax_code`` bears no tax; ``bank`` is what payments stand on. The ``no_``
    codes have the form of good ones and are not there. ``customer`` and ``bank`` go with the currency of two decimals; ``customers``
    and ``banks`` name those of other currencies, by their decimals, where the company has any. A world that offers no documents of a kind leaves what only that kind
    needs empty.
    """

    day: date
    closing_day: date
    accounts: tuple[str, str]
    currencies: Mapping[int, str]
    no_account: str
    no_currency: str
    company: str = ""
    branch: str = ""
    customer: str = ""
    goods: str = ""
    service: str = ""
    tax_code: str = ""
    warehouse: str = ""
    bank: str = ""
    no_item: str = ""
    customers: Mapping[int, str] = field(default_factory=dict)
    banks: Mapping[int, str] = field(default_factory=dict)
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """What the ledger of the system holds of one document: how many that ``count`` (in books, stock, warehouse or store) and
    how many that wait harmlessly (drafts, open batches)."""

    count: int
    waiting: int = 0


class Feed(StrEnum):
    """What is followed (:class:`~ml_connector.domain.source.Feeds`), and by which code its rows are known here: items and
    customers by their own, prices and stock by the item's, shipments by theirs."""

    ITEMS = "items"
    PRICES = "prices"
    STOCK = "stock"
    SHIPMENTS = "shipments"
    CUSTOMERS = "customers"


class Desk(Protocol):
    """People at work on what is followed. Each may raise :class:`NotHere` for a feed that the system has nothing for."""

    def known(self, feed: Feed) -> Sequence[str]:
        """The codes that the system itself holds now, in any order."""
        ...

    def add(self, feed: Feed, number: int) -> str:
        """Something new, the ``number``-th: an item with a price and stock, a customer, a shipment. Its code. High and low
        numbers lie at the two ends of the system's own order, where the system does not give codes by itself."""
        ...

    def change(self, feed: Feed, code: str) -> None:
        """Change what is there: a name, a price, a quantity, a tracking number. Never twice to the same."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a site lives in. ``start`` runs the system's own work: it outlives a client that gives up or is killed."""

    clock: Clock
    random: Random
    start: Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class Site(Protocol):
    """One fresh simulated company, as the person who set up the link left it: prepared, nothing posted."""

    codes: Codes

    async def connect(self, wrong: str = "") -> Company:
        """Sign in as the product does. ``wrong`` names a field of the sign-in form that is filled with something wrong."""
        ...

    def can_be_wrong(self) -> Sequence[str]:
        """The fields of the sign-in form that the system checks when it is signed in to."""
        ...

    def befall(self, fault: Fault, traffic: Traffic, *, nth: int = 1, count: int = 1, seconds: float = 0.0) -> None:
        """From now on, let ``fault`` happen to the ``nth`` such request, and to ``count`` in a row. Raises :class:`NotHere` where
        the system cannot do that at all."""
        ...

    def clear(self) -> None:
        """Nothing that was let happen on the line happens any more."""
        ...

    def asked(self, traffic: Traffic) -> int:
        """How many such requests the system has had."""
        ...

    def held(self, document: Document) -> Held:
        """What the system's own ledger holds of ``document``, found without the connector."""
        ...

    def desk(self) -> Desk:
        """Who works on what is followed. Raises :class:`NotHere`."""
        ...

    # --- what people do -----------------------------------------------------------------------------------------------

    def cancel(self, document: Document) -> None:
        """A person cancels, voids or reverses what stands there of ``document``."""
        ...

    def change(self, document: Document) -> None:
        """A person, or an accident, changes an amount of what stands there of ``document``."""
        ...

    def type_in(self, document: Document) -> None:
        """A person has already typed the same document by hand: the same content and human reference, no key of ours."""
        ...

    def copy(self, document: Document) -> None:
        """A person copies what stands there of ``document``, our key and all; the copy counts."""
        ...

    def finish(self, document: Document) -> None:
        """A person posts what was entered of ``document``."""
        ...

    def remove(self, document: Document) -> None:
        """What was entered of ``document`` is deleted: it is not there any more, and leaves no trace."""
        ...

    def close_period(self, day: date) -> None:
        """The period that holds ``day`` is closed for every kind."""
        ...

    def freeze_account(self, account: str) -> None:
        """The account takes no postings any more."""
        ...

    def blind(self, document: Document) -> None:
        """The connector can no longer see whether ``document`` is there: a right is revoked, a place cannot be read, history
        was purged. Everything else goes on."""
        ...


class World(Protocol):
    """A simulated ERP. ``name`` is the connector's, ``label`` what people call the system, ``switches`` its open questions."""

    name: str
    label: str
    switches: Sequence[Switch]

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> Site:
        """A fresh company with these switches in these positions, every other one in its default."""
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """The switches of one case; ``positions`` names only those that are not in their default."""

    positions: Mapping[str, Position] = field(default_factory=dict)

    def __str__(self) -> str:
        return ",".join(f"{name}={value}" for name, value in self.positions.items())
