"""Look again: what was posted is there, unchanged, and nothing beside it (DESIGN 5, "Restore and clone").

Nothing is repaired here. What is gone or changed is held, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from ml_connector.domain.documents import State
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Absent,
    Case,
    Ended,
    Found,
    Ids,
    Many,
    Partial,
    Present,
    Seen,
    Shown,
    Unclear,
    Working,
)
from ml_connector.flows.books import Books
from ml_connector.store import attempts, documents
from ml_connector.store.documents import DocumentRow

_LOOKED_AT: Final = (State.POSTED, State.ENTERED, State.POSTING, State.HELD)
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that is not as it was left. ``what``: missing, changed or surplus."""

    what: str
    key: str
    words: str
    ids: Ids


async def reconcile(books: Books, first: date, last: date) -> tuple[int, list[Spot]]:
    """Observe every document dated ``first`` to ``last`` again; (how many were looked at, what was found)."""
    rows = await books.store.call(
        lambda conn: documents.find(conn, link=books.link.name, state=_LOOKED_AT, limit=100_000)
    )
    rows = [row for row in rows if row.tried or row.state is State.POSTED]
    rows = [row for row in rows if first <= row.document.posting_date <= last]
    spots: list[Spot] = []
    for start in range(0, len(rows), _AT_ONCE):
        books.progress(start, len(rows), "looking again")
        some = rows[start : start + _AT_ONCE]
        seen = await books.target.observe(await _cases(books, some))
        spots += [spot for row in some if (spot := _judge(books, row, seen.get(row.key))) is not None]
    spots += await _surplus(books, first, last)
    await books.store.call(lambda conn: _keep(books, conn, spots))
    return len(rows), spots


async def _cases(books: Books, rows: Sequence[DocumentRow]) -> list[Case]:
    trails = await books.store.call(lambda conn: attempts.trails(conn, [row.key for row in rows]))
    ids = {row.key: row.ids for row in rows}
    return [
        Case(
            row.document,
            row.wire_key,
            trails.get(row.key, ()),
            row.ids,
            linked={key: ids.get(key, ()) for key in row.document.depends_on},
        )
        for row in rows
    ]


def _judge(books: Books, row: DocumentRow, seen: Seen | None) -> Spot | None:
    """What is wrong with a document; None when it is as it was left."""
    posted = row.state is State.POSTED
    match seen:
        case Present(ids, shown, _):
            expected = books.target.project(row.document, {})
            if _content(shown) == _content(expected):
                return None
            return Spot("changed", row.key, "The ERP shows another content than was posted.", ids)
        case Absent(looked) if posted:
            return Spot("missing", row.key, f"It was posted and is not there any more ({looked}).", row.ids)
        case Ended(ids, how) if posted:
            return Spot("missing", row.key, f"It was posted and is {how} now.", ids)
        case Unclear(why) if posted:
            return Spot("missing", row.key, f"It was posted and cannot be found as ours any more: {why}", row.ids)
        case Many(ids):
            return Spot("surplus", row.key, f"{len(ids)} documents answer to one key.", ids[-1])
        case Partial() | Working() if posted:
            return Spot("changed", row.key, "It was posted and does not count any more.", row.ids)
        case _:
            return None


async def _surplus(books: Books, first: date, last: date) -> list[Spot]:
    """Documents in the ERP that carry a key of this selling account and that nobody here knows."""
    counted = await books.target.census(books.link.prefix, first, last)

    def unknown(conn: Connection) -> list[Found]:
        return [each for each in counted if documents.get(conn, each.key) is None]

    return [
        Spot("surplus", each.key, "It carries our key and is not on record here.", each.ids)
        for each in await books.store.call(unknown)
    ]


def _keep(books: Books, conn: Connection, spots: Sequence[Spot]) -> None:
    for spot in spots:
        row = documents.get(conn, DocumentKey(spot.key))
        if spot.what in {"missing", "changed"} and row is not None and row.state is State.POSTED:
            documents.set_state(conn, row.key, State.HELD, reason_code=spot.what, reason=spot.words)
        books.note(conn, spot.what, spot.key, {"words": spot.words, "ids": dict(spot.ids)})


def _content(shown: Shown) -> object:
    lines = sorted((line.account, line.debit, line.credit) for line in shown.lines)
    return shown.posting_date, shown.currency, shown.total, lines
