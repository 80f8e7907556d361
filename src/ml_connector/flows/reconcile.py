"""Look again: what was posted is there, unchanged, and nothing beside it (DESIGN 5, "Restore and clone").

Nothing is repaired here. What is gone or changed is held, and a person decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
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
    """Something that is not as it was left. ``what``: missing, changed, surplus, or not_counted where the ERP cannot say."""

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
        cases = await _cases(books, some)
        seen = await books.target.observe(cases)
        spots += [spot for row, case in zip(some, cases, strict=True) if (spot := _judge(books, row, case, seen))]
    spots += await _surplus(books, first, last)
    await books.store.call(lambda conn: _keep(books, conn, spots))
    return len(rows), spots


async def _cases(books: Books, rows: Sequence[DocumentRow]) -> list[Case]:
    """What was tried of each, and the ids of what it depends on, in whatever set that stands."""
    trails = await books.store.call(lambda conn: attempts.trails(conn, [row.key for row in rows]))
    before = list(dict.fromkeys(key for row in rows for key in row.document.depends_on))
    ids = {row.key: row.ids for row in await books.store.call(lambda conn: documents.of_keys(conn, before))}
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


def _judge(books: Books, row: DocumentRow, case: Case, seen: Mapping[DocumentKey, Seen]) -> Spot | None:
    """What is wrong with a document; None when it is as it was left."""
    posted = row.state is State.POSTED
    match seen.get(row.key):
        case Present(ids, shown, _):
            expected = books.target.project(row.document, case.linked or {})
            if _content(shown) == _content(expected):
                return None
            return Spot("changed", row.key, "The ERP shows another content than was posted.", ids)
        case Absent(looked) if posted:
            return Spot("missing", row.key, f"It was posted and is not there any more ({looked}).", row.ids)
        case Ended(ids, how) if posted:
            return Spot("missing", row.key, f"It was posted and is {how} now.", ids)
        case Unclear(why) if posted:
            return Spot("missing", row.key, f"It was posted and cannot be found as ours any more: {why}", row.ids)
        case Many(found):
            return Spot("surplus", row.key, f"{len(found)} documents answer to one key.", found[-1].ids)
        case Partial() | Working() if posted:
            return Spot("changed", row.key, "It was posted and does not count any more.", row.ids)
        case _:
            return None


async def _surplus(books: Books, first: date, last: date) -> list[Spot]:
    """Documents in the ERP that carry a key of this selling account and that nobody here knows."""
    counted = await books.target.census(books.link.prefix, first, last)
    if isinstance(counted, Unclear):
        return [Spot("not_counted", books.link.erp, f"What carries our keys could not be counted: {counted.why}", ())]

    def unknown(conn: Connection) -> list[Found]:
        rows = documents.by_wire_keys(conn, books.link.erp, [each.wire_key for each in counted])
        known = {(row.kind, row.wire_key) for row in rows}
        return [each for each in counted if (each.kind.value, each.wire_key) not in known]

    return [Spot("surplus", each.wire_key, _surplus_words(each), each.ids) for each in await books.store.call(unknown)]


def _surplus_words(found: Found) -> str:
    what = "It" if found.counts else "It does not count yet, but it"
    return f"{what} carries our key and is not on record here."


def _keep(books: Books, conn: Connection, spots: Sequence[Spot]) -> None:
    for spot in spots:
        row = documents.get(conn, DocumentKey(spot.key))
        if spot.what in {"missing", "changed"} and row is not None and row.state is State.POSTED:
            documents.set_state(conn, row.key, State.HELD, reason_code=spot.what, reason=spot.words)
        books.note(conn, spot.what, spot.key, {"words": spot.words, "ids": dict(spot.ids)})


def _content(shown: Shown) -> object:
    lines = Counter((line.what, line.debit, line.credit, line.quantity, line.tax) for line in shown.lines)
    return shown.posting_date, shown.currency, shown.party, shown.total, lines
