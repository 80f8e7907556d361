"""The one ledger of what happened: settlements list its events, Finances shows them as transactions, balances add them up.

An event is written down once, with the settlement it will be in. A sale whose money is deferred has two transactions, which
name each other. Source: SP-API dossier, section 15; settlement dossier, sections 10 and 13.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from ml_connector.sandbox.amazon.rows import Event, packed, stamp, unpacked
from ml_connector.sandbox.ledger import Book
from ml_connector.sandbox.switches import Switches


class Section(IntEnum):
    """Where an event stands in its settlement: what was carried in, the trade, marks, what ruins it, what is held back.

    A payout is the settlement's total itself: it is in no file, only in Finances.
    """

    CARRIED = 0
    TRADE = 1
    MARKS = 2
    RUIN = 3
    RESERVE = 4
    PAYOUT = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """An event on its way into the ledger. ``number`` is its settlement's, 0 for the time before the first one; ``closes``
    is when that one closes.

    ``place`` orders what counts at the same instant and names the event within store and section.
    """

    store: str
    number: int
    closes: datetime | None
    section: Section
    place: str
    event: Event


@dataclass(frozen=True, slots=True)
class Wanted:
    """Transactions posted from ``after`` to before ``before``. "" does not filter, nor does a ``number`` of -1.

    ``channel`` is one that is left out. ``beyond`` is the last key of the page before.
    """

    as_of: str
    after: str = ""
    before: str = "9999"
    order_id: str = ""
    store: str = ""
    number: int = -1
    channel: str = ""
    status: str = ""
    beyond: tuple[str, str] = ("", "")


_TRANSACTIONS = """
SELECT transactions.*, events.kind, events.posted AS happened, events.counted, events.content
FROM {transactions} AS transactions JOIN {events} AS events USING (event_id)
WHERE transactions.shown <= ? AND transactions.posted >= ? AND transactions.posted < ?
  AND (transactions.posted, transactions.transaction_id) > (?, ?)
  AND (? = '' OR transactions.order_id = ?)
  AND (? = '' OR transactions.store = ?)
  AND (? = -1 OR transactions.number = ?)
  AND (? = '' OR transactions.channel <> ?)
  AND CASE WHEN transactions.role <> 'deferred' THEN ? IN ('', 'RELEASED')
           WHEN transactions.flips > ? THEN ? IN ('', 'DEFERRED')
           ELSE ? IN ('', 'DEFERRED_RELEASED')
      END
ORDER BY transactions.posted, transactions.transaction_id LIMIT ?
"""

LISTED_AFTER = timedelta(hours=6)
"""A settlement's report is listed so long after its end at the earliest."""

_TABLES = {
    "events": (
        "event_id TEXT PRIMARY KEY, store TEXT NOT NULL, number INTEGER NOT NULL, section INTEGER NOT NULL,"
        " place TEXT NOT NULL, kind TEXT NOT NULL, posted TEXT NOT NULL, counted TEXT NOT NULL,"
        " amount INTEGER NOT NULL, content TEXT NOT NULL"
    ),
    "transactions": (
        "transaction_id TEXT PRIMARY KEY, event_id TEXT NOT NULL, role TEXT NOT NULL, partner TEXT NOT NULL,"
        " posted TEXT NOT NULL, shown TEXT NOT NULL, flips TEXT NOT NULL, store TEXT NOT NULL, channel TEXT NOT NULL,"
        " order_id TEXT NOT NULL, number INTEGER NOT NULL"
    ),
}
"""``transactions.role`` is ``plain``, ``deferred`` or ``released``. ``shown`` is when Finances begins to show it, ``flips`` when
it shows a deferred one as released. ``number`` is 0 where it is in no settlement: a deferred twin leaves that to the other."""

_INDEXES = {
    "events_settled": "{events} (store, number, section)",
    "events_counted": "{events} (store, counted)",
    "events_posted": "{events} (kind, posted)",
    "transactions_posted": "{transactions} (posted, transaction_id)",
    "transactions_order": "{transactions} (order_id)",
    "transactions_settled": "{transactions} (store, number)",
}


class EventLedger:
    """What happened in every store, and what will, as far as it has been drawn."""

    def __init__(self, book: Book, switches: Switches) -> None:
        self._book = book
        self._twins = switches.on("release_makes_a_twin")
        self._twin_is_dated_by_release = not switches.on("released_twin_keeps_its_date")
        self._lag_s = switches.number("transaction_lag_hours") * 3600
        for table, columns in _TABLES.items():
            book.create(table, columns)
        for index, columns in _INDEXES.items():
            book.execute(f"CREATE INDEX IF NOT EXISTS {{{index}}} ON {columns}")

    def add(self, entries: Iterable[Entry]) -> None:
        """Write events down."""
        rows, transactions = [], []
        for entry in entries:
            event_id = f"{entry.store}:{entry.section}:{entry.place}"
            rows.append(_row(event_id, entry))
            transactions.extend(self._transactions(event_id, entry))
        self._book.insert_all("INSERT INTO {events} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        self._book.insert_all("INSERT INTO {transactions} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", transactions)

    def settled(self, store: str, number: int) -> list[tuple[Section, Event]]:
        """The events of one settlement, in the order of its file."""
        found = self._book.rows(
            "SELECT * FROM {events} WHERE store = ? AND number = ? AND section < ?", (store, number, Section.PAYOUT)
        )
        found.sort(key=_in_file)
        return [
            (Section(row["section"]), unpacked(row["kind"], row["posted"], row["counted"], row["content"]))
            for row in found
        ]

    def available(self, store: str, number: int, until: datetime) -> int:
        """What the events of one settlement that counted by an instant come to, reserves aside, in minor units."""
        return self._sum(
            "SELECT sum(amount) AS total FROM {events} WHERE store = ? AND number = ? AND section < ? AND counted <= ?"
            " AND kind <> 'reserve'",
            (store, number, Section.PAYOUT, stamp(until)),
        )

    def deferred(self, store: str, at: datetime) -> int:
        """What had happened by an instant and was not released yet, in minor units."""
        return self._sum(
            "SELECT sum(amount) AS total FROM {events} WHERE store = ? AND counted > ? AND posted <= ?",
            (store, stamp(at), stamp(at)),
        )

    def returned(self, stores: Sequence[str], since: datetime, until: datetime) -> dict[str, list[str]]:
        """The adjustment items of what came back to Amazon in some time, by SKU."""
        found: dict[str, list[str]] = {}
        for row in self._book.rows(
            "SELECT kind, posted, counted, content FROM {events} WHERE kind IN ('refund', 'claim')"
            " AND posted > ? AND posted <= ? AND store IN (SELECT value FROM json_each(?))",
            (stamp(since), stamp(until), json.dumps(list(stores))),
        ):
            first = unpacked(row["kind"], row["posted"], row["counted"], row["content"]).rows[0]
            if first.fulfillment_id == "AFN":
                found.setdefault(first.sku, []).append(first.merchant_adjustment_item_id)
        return found

    def transactions(self, wanted: Wanted, most: int) -> list[sqlite3.Row]:
        """Transactions that Finances shows at ``wanted.as_of``, with their events, by posted date; at most so many."""
        return self._book.rows(
            _TRANSACTIONS,
            (
                wanted.as_of,
                wanted.after,
                wanted.before,
                *wanted.beyond,
                *(wanted.order_id, wanted.order_id, wanted.store, wanted.store),
                *(wanted.number, wanted.number, wanted.channel, wanted.channel),
                wanted.status,
                wanted.as_of,
                wanted.status,
                wanted.status,
                most,
            ),
        )

    def _sum(self, statement: str, values: Sequence[str | int]) -> int:
        found = self._book.row(statement, values)
        return 0 if found is None or found["total"] is None else int(found["total"])

    def _transactions(self, event_id: str, entry: Entry) -> list[tuple[str | int, ...]]:
        event = entry.event
        posted, released = event.posted, event.counted
        if entry.section is not Section.TRADE or released <= posted:
            return [self._transaction(event_id, entry, "plain", posted, number=entry.number)]
        if not self._twins:
            flips = self._shown(event_id, "released", released, entry.closes)
            return [self._transaction(event_id, entry, "deferred", posted, flips=flips, number=entry.number)]
        twin_posted = released if self._twin_is_dated_by_release else posted
        twin = self._transaction(event_id, entry, "released", twin_posted, number=entry.number)
        return [self._transaction(event_id, entry, "deferred", posted, flips=str(twin[5])), twin]

    def _transaction(
        self, event_id: str, entry: Entry, role: str, posted: datetime, *, flips: str = "", number: int = 0
    ) -> tuple[str | int, ...]:
        first = entry.event.rows[0]
        known = entry.event.counted if role == "released" else entry.event.posted
        partner = {"deferred": "released", "released": "deferred"}.get(role) if self._twins else None
        return (
            transaction_id(event_id, role),
            event_id,
            role,
            transaction_id(event_id, partner) if partner else "",
            stamp(posted),
            self._shown(event_id, role, known, entry.closes if number else None),
            flips,
            entry.store,
            first.fulfillment_id,
            first.order_id,
            number,
        )

    def _shown(self, event_id: str, role: str, known: datetime, closes: datetime | None) -> str:
        """Finances shows a thing some time after it is known, up to 48 hours (section 15.1).

        What has been settled shows at the latest when the settlement's report may be listed.
        """
        digest = hashlib.sha256(f"{event_id}:{role}:lag".encode()).digest()
        shown = known + timedelta(seconds=int.from_bytes(digest[:4]) % (self._lag_s + 1))
        return stamp(shown if closes is None else min(shown, max(known, closes + LISTED_AFTER)))


def transaction_id(event_id: str, role: str) -> str:
    """An opaque id that is the same for ever."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{event_id}:{role}".encode()).digest()).decode()[:43]


def _row(event_id: str, entry: Entry) -> tuple[str | int, ...]:
    event = entry.event
    return (
        event_id,
        entry.store,
        entry.number,
        int(entry.section),
        entry.place,
        event.kind,
        stamp(event.posted),
        stamp(event.counted),
        event.amount,
        packed(event),
    )


def _in_file(row: sqlite3.Row) -> tuple[int, str, str]:
    """Trade stands in the order in which its money counted, the rest as it was put down."""
    return row["section"], row["counted"] if row["section"] == Section.TRADE else "", row["place"]
