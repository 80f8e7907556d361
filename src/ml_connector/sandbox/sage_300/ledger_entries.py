"""What the sub-ledgers hand to the general ledger, at once or when somebody asks (dossier, section 11.5)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Protocol

from ml_connector.sandbox.ledger import Book


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line: positive is debit. ``home`` in home currency, ``source`` in the entry's currency."""

    account: str
    home: Decimal
    source: Decimal


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One entry from a sub-ledger. ``source_type`` is the second half of a source code: ``IN`` of ``AR-IN``."""

    ledger: str
    source_type: str
    day: str
    description: str
    reference: str
    currency: str
    rate: Decimal
    lines: tuple[LedgerLine, ...]


class Taker(Protocol):
    """The general ledger, as sub-ledgers see it."""

    def take(self, entries: Sequence[LedgerEntry], description: str, *, post: bool) -> str: ...

    def vanish(self, number: str) -> None: ...


class Subledger:
    """Hands entries over. ``when``: posted, open (a batch that somebody posts), or request."""

    def __init__(self, book: Book, ledger: Taker, when: str) -> None:
        self._book = book
        self._ledger = ledger
        self._when = when
        book.create("pending_ledger", "seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, posting INTEGER, entry TEXT")
        book.create("ledger_batches", "kind TEXT, posting INTEGER, batch TEXT")

    def hand_over(self, kind: str, posting: int, entries: Sequence[LedgerEntry]) -> None:
        """What one posting means to the ledger. ``kind``: invoice, receipt or adjustment."""
        if not entries:
            return
        if self._when == "request":
            rows = [(kind, posting, _written(entry)) for entry in entries]
            self._book.insert_all("INSERT INTO {pending_ledger} (kind, posting, entry) VALUES (?, ?, ?)", rows)
            return
        self._take(kind, posting, entries, post=self._when == "posted")

    def on_request(self, kind: str, through: int) -> None:
        """What waits from postings up to ``through`` becomes open batches (``ARCreateGLBatch``)."""
        found = self._book.rows(
            "SELECT posting, entry FROM {pending_ledger} WHERE kind = ? AND posting <= ? ORDER BY seq", (kind, through)
        )
        self._book.execute("DELETE FROM {pending_ledger} WHERE kind = ? AND posting <= ?", (kind, through))
        for posting in dict.fromkeys(row["posting"] for row in found):
            entries = [_read(row["entry"]) for row in found if row["posting"] == posting]
            self._take(kind, posting, entries, post=False)

    def vanish(self, kind: str, posting: int) -> None:
        """What a posting meant to the ledger was never there."""
        values = (kind, posting)
        for row in self._book.rows("SELECT batch FROM {ledger_batches} WHERE kind = ? AND posting = ?", values):
            self._ledger.vanish(row["batch"])
        for table in ("ledger_batches", "pending_ledger"):
            self._book.execute(f"DELETE FROM {{{table}}} WHERE kind = ? AND posting = ?", values)  # noqa: S608

    def _take(self, kind: str, posting: int, entries: Sequence[LedgerEntry], *, post: bool) -> None:
        number = self._ledger.take(entries, f"A/R {kind} posting {posting}", post=post)
        self._book.execute("INSERT INTO {ledger_batches} VALUES (?, ?, ?)", (kind, posting, number))


def _written(entry: LedgerEntry) -> str:
    return json.dumps(asdict(entry), default=str)


def _read(text: str) -> LedgerEntry:
    members = json.loads(text)
    lines = [
        LedgerLine(each["account"], Decimal(each["home"]), Decimal(each["source"])) for each in members.pop("lines")
    ]
    return LedgerEntry(**{**members, "rate": Decimal(members["rate"])}, lines=tuple(lines))
