"""Where orders are kept: each one once, with every version of it. What the Orders API and the order report show is read here.

Instants are text of one form (``rows.stamp``), so that they sort.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ml_connector.sandbox.amazon.lives import Item, Life, Step
from ml_connector.sandbox.amazon.rows import compact, stamp
from ml_connector.sandbox.ledger import Book

FOR_EVER = "9999"
"""Later than any instant: the last version of an order is the present one for ever."""

_TABLES = {
    "orders": (
        "order_id TEXT PRIMARY KEY, store TEXT NOT NULL, marketplace_id TEXT NOT NULL, fulfilled_by TEXT NOT NULL,"
        " created TEXT NOT NULL, facts TEXT NOT NULL"
    ),
    "versions": (
        "order_id TEXT NOT NULL, updated TEXT NOT NULL, until TEXT NOT NULL, status TEXT NOT NULL, state TEXT NOT NULL,"
        " PRIMARY KEY (order_id, updated)"
    ),
}
_INDEXES = {
    "versions_updated": "{versions} (updated, order_id)",
    "orders_created": "{orders} (created, order_id)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A window of orders as of an instant. Empty sequences do not filter; ``beyond`` is the last key of the page before.

    ``family`` is ``updated`` or ``created``: which instant lies from ``after`` to ``before``, both included.
    """

    family: str
    after: str
    before: str
    as_of: str
    oldest: str
    marketplace_ids: Sequence[str] = ()
    statuses: Sequence[str] = ()
    fulfilled_by: Sequence[str] = ()
    beyond: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Version:
    """An order from ``updated`` on, as a stamp. ``state`` is what :func:`_state` makes of a step, and parcels confirmed."""

    updated: str
    status: str
    state: Mapping[str, object]


class OrderLedger:
    """The orders of every store."""

    def __init__(self, book: Book) -> None:
        self._book = book
        for table, columns in _TABLES.items():
            book.create(table, columns)
        for index, columns in _INDEXES.items():
            book.execute(f"CREATE INDEX IF NOT EXISTS {{{index}}} ON {columns}")

    def add(self, lives: Iterable[Life]) -> None:
        """Write down orders with all their versions, those to come too. An order that is there already stays as it is."""
        known = list(lives)
        self._book.insert_all(
            "INSERT OR IGNORE INTO {orders} VALUES (?, ?, ?, ?, ?, ?)", [_row(life) for life in known]
        )
        self._book.insert_all(
            "INSERT OR IGNORE INTO {versions} VALUES (?, ?, ?, ?, ?)",
            [row for life in known for row in _versions(life)],
        )

    def find(self, order_id: str, as_of: datetime) -> sqlite3.Row | None:
        """One order as it was at an instant, None where it was not there."""
        at = stamp(as_of)
        return self._book.row(
            "SELECT * FROM {orders} JOIN {versions} USING (order_id) WHERE order_id = ? AND updated <= ? AND until > ?",
            (order_id, at, at),
        )

    def search(self, wanted: Wanted, most: int) -> list[sqlite3.Row]:
        """Orders of a window, in the order of its family's instant, at most so many. Each as of ``wanted.as_of``."""
        statement = _SEARCHES[wanted.family]
        marketplaces, statuses, fulfilled_by = (
            json.dumps(list(each)) for each in (wanted.marketplace_ids, wanted.statuses, wanted.fulfilled_by)
        )
        return self._book.rows(
            statement,
            (
                wanted.as_of,
                wanted.as_of,
                max(wanted.after, wanted.beyond[0]),
                wanted.before,
                *wanted.beyond,
                wanted.oldest,
                marketplaces,
                marketplaces,
                statuses,
                statuses,
                fulfilled_by,
                fulfilled_by,
                most,
            ),
        )

    def taken(self, stores: Sequence[str], fulfilled_by: str, since: datetime, at: datetime) -> list[sqlite3.Row]:
        """Units that orders placed after ``since`` took of each SKU, as they are at ``at``: all, and those not shipped yet."""
        return self._book.rows(
            _TAKEN, (stamp(since), stamp(at), stamp(at), stamp(at), fulfilled_by, json.dumps(list(stores)))
        )

    def versions(self, order_id: str, at: datetime) -> list[sqlite3.Row]:
        """One order as it is at an instant, and as it will be; nothing where it is not there yet."""
        found = self._book.rows(
            "SELECT * FROM {orders} JOIN {versions} USING (order_id) WHERE order_id = ? AND until > ? ORDER BY updated",
            (order_id, stamp(at)),
        )
        return found if found and found[0]["updated"] <= stamp(at) else []

    def rewrite(self, order_id: str, present: str, versions: Sequence[Version]) -> None:
        """Let an order, whose version ``present`` is the one that holds now, go on with other versions than it would have."""
        ends = [*(version.updated for version in versions[1:]), FOR_EVER]
        rows = [
            (order_id, version.updated, until, version.status, compact(version.state))
            for version, until in zip(versions, ends, strict=True)
        ]
        with self._book.transaction():
            self._book.execute("DELETE FROM {versions} WHERE order_id = ? AND updated > ?", (order_id, present))
            self._book.execute(
                "UPDATE {versions} SET until = ? WHERE order_id = ? AND updated = ?",
                (versions[0].updated, order_id, present),
            )
            self._book.insert_all("INSERT OR REPLACE INTO {versions} VALUES (?, ?, ?, ?, ?)", rows)

    def touch(self, order_id: str, at: datetime) -> None:
        """Somebody changes something about an order that this API does not show: it is updated at ``at``, and looks the same.

        What was to come still comes. A door for tests. Raises LookupError where there is no such order at that instant.
        """
        before = self.find(order_id, at)
        if before is None:
            raise LookupError(f"there is no order {order_id} at {at.isoformat()}")
        with self._book.transaction():
            self._book.execute(
                "UPDATE {versions} SET until = ? WHERE order_id = ? AND updated = ?",
                (stamp(at), order_id, before["updated"]),
            )
            self._book.execute(
                "INSERT OR IGNORE INTO {versions} VALUES (?, ?, ?, ?, ?)",
                (order_id, stamp(at), before["until"], before["status"], before["state"]),
            )


_SEARCH = """
SELECT orders.*, versions.* FROM {versions} AS versions JOIN {orders} AS orders USING (order_id)
WHERE versions.updated <= ? AND versions.until > ?
  AND :instant >= ? AND :instant <= ? AND (:instant, orders.order_id) > (?, ?)
  AND (orders.created >= ? OR orders.store = 'JP')
  AND (? = '[]' OR orders.marketplace_id IN (SELECT value FROM json_each(?)))
  AND (? = '[]' OR versions.status IN (SELECT value FROM json_each(?)))
  AND (? = '[]' OR orders.fulfilled_by IN (SELECT value FROM json_each(?)))
ORDER BY :instant, orders.order_id LIMIT ?
"""
"""Lists come as JSON; an empty one lets everything through. In Japan orders are readable from 2016 on (section 10.1)."""

_TAKEN = """
SELECT json_extract(item.value, '$.sku') AS sku, max(versions.updated) AS changed,
  sum(json_extract(versions.state, '$.counts[' || item.key || '][0]')) AS ordered,
  sum(json_extract(versions.state, '$.counts[' || item.key || '][1]')) AS fulfilled
FROM {orders} AS orders JOIN {versions} AS versions USING (order_id), json_each(orders.facts, '$.items') AS item
WHERE orders.created > ? AND orders.created <= ? AND versions.updated <= ? AND versions.until > ?
  AND orders.fulfilled_by = ? AND orders.store IN (SELECT value FROM json_each(?))
GROUP BY sku
"""

_SEARCHES = {
    "updated": _SEARCH.replace(":instant", "versions.updated"),
    "created": _SEARCH.replace(":instant", "orders.created"),
}


def _row(life: Life) -> tuple[str, str, str, str, str, str]:
    store = life.store
    facts = {
        "programs": life.programs,
        "original": life.original,
        "alias": life.alias,
        "non_amazon": life.non_amazon,
        "items": [_facts(item) for item in life.items],
    }
    return (
        life.order_id,
        store.code,
        store.pseudo_id if life.non_amazon else store.marketplace_id,
        "AMAZON" if life.channel == "AFN" else "MERCHANT",
        stamp(life.created),
        compact(facts),
    )


def _facts(item: Item) -> dict[str, object]:
    return {
        "id": item.item_id,
        "sku": item.sku,
        "title": item.title,
        "unit_price": item.unit_price,
        "quantity": item.quantity,
        "parts": item.parts,
        "promotions": item.promotions,
        "points": item.points,
        "facilitated": item.facilitated,
    }


def _versions(life: Life) -> list[tuple[str, str, str, str, str]]:
    ends = [*(stamp(step.at) for step in life.steps[1:]), FOR_EVER]
    return [
        (life.order_id, stamp(step.at), until, step.status, _state(step))
        for step, until in zip(life.steps, ends, strict=True)
    ]


def _state(step: Step) -> str:
    state = {
        "counts": step.counts,
        "cancelled_by": step.cancelled_by,
        "shipped": "" if step.shipped is None else stamp(step.shipped),
        "delivered": step.delivered,
    }
    return compact(state)
