"""Documents: what should exist in a target, where each stands, and which file rows stand behind its lines."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Integer, Select, bindparam, delete, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from ml_connector.domain.documents import Document, JournalEntry, State
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.settlements import RowRanges
from ml_connector.domain.stored_documents import Stored, entry_of, from_stored, store_form
from ml_connector.domain.target import Ids
from ml_connector.store import dialect
from ml_connector.store.reading import many, one, portions
from ml_connector.store.tables import attempts, document_lines, documents, posting_sets
from ml_connector.store.types import Instant

#: The states in which a poster has something to do.
ON_ITS_WAY: Final = (State.APPROVED, State.POSTING, State.ENTERED)

#: The states of a document that nobody has begun or ended.
_UNDECIDED: Final = (State.PLANNED, State.APPROVED, State.HELD)

# Made once: building a statement takes longer than running it.
_CHANGE: Final = update(documents).where(documents.c.key == bindparam("wanted"))
_FREEZE: Final = _CHANGE.values(
    first_intent_at=func.coalesce(documents.c.first_intent_at, bindparam("frozen_at", type_=Instant))
)
# One state at a time, in the order of its index: what waits behind is not looked at, however much it is.
_WAITING: Final = (
    select(documents.c.created_at, documents.c.set_id)
    .where(
        documents.c.connection == bindparam("of_connection"),
        documents.c.state == bindparam("of_state"),
        or_(documents.c.next_look_at.is_(None), documents.c.next_look_at <= bindparam("by", type_=Instant)),
    )
    .order_by(documents.c.created_at, documents.c.set_id)
    .limit(bindparam("most", type_=Integer))
)
#: How many documents of one set are reckoned with when sets are looked for; one with more is found all the same.
_MEMBERS: Final = 8
_OF_SETS: Final = (
    select(documents)
    .where(documents.c.set_id.in_(bindparam("sets", expanding=True)))
    .order_by(documents.c.position, documents.c.key)
)


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be kept. ``position`` is its place in its posting set; ``goal`` is ``entered`` or ``posted``.

    ``ranges`` are the file rows of each line, in the order of the lines; empty where no line has any.
    """

    document: Document
    connection: str
    link: str
    wire_key: str
    set_id: str
    position: int = 0
    goal: str = "posted"
    state: State = State.PLANNED
    ranges: Sequence[RowRanges] = ()


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document on record. ``ids`` are the newest that the target gave; ``next_look_at`` None: look when you can.

    ``first_intent_at`` is when its content was frozen: from then on it may be in the target.
    """

    key: DocumentKey
    connection: str
    link: str
    kind: str
    wire_key: str
    set_id: str
    position: int
    schema: int
    canonical: bytes
    sha256: str
    goal: str
    state: State
    reason_code: str
    reason: str
    ids: Ids
    next_look_at: datetime | None
    first_intent_at: datetime | None
    created_at: datetime
    updated_at: datetime
    posted_at: datetime | None
    _document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def document(self) -> Document:
        """Read from the kept bytes. Raises :class:`Inconsistent` when they are not what was hashed."""
        document = self._document
        if document is None:
            if hashlib.sha256(self.canonical).hexdigest() != self.sha256:
                raise Inconsistent(f"The kept form of {self.key} is damaged: restore the database from a backup.")
            document = from_stored(self.schema, self.canonical)
            object.__setattr__(self, "_document", document)
        return document

    @property
    def entry(self) -> JournalEntry:
        """The document where it is a journal entry. Raises :class:`Inconsistent` where it is another kind."""
        return entry_of(self.document)

    def is_due(self, now: datetime) -> bool:
        """A poster has something to do with it by ``now``."""
        return self.state in ON_ITS_WAY and (self.next_look_at is None or self.next_look_at <= now)

    @property
    def tried(self) -> bool:
        """A write of it was about to start at least once."""
        return self.first_intent_at is not None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """Which file rows stand behind line ``line`` (1-based) of a document."""

    key: DocumentKey
    line: int
    category: str
    store: str
    rows: int
    row_ranges: RowRanges
    rows_sha256: str


def add(conn: Connection, rows: Sequence[NewDocument]) -> None:
    """Keep documents. One that is there with the same content stays as it is; one whose content changed is replaced, and
    its approval with it, as long as nothing of it was sent. What a person dropped stays dropped: it was taken care of.

    Raises :class:`Inconsistent` for another content of a frozen document, or a wire key that is taken.
    """
    known = {row.key: row for row in _by_keys(conn, [new.document.key for new in rows])}
    now = dialect.now(conn)
    for new in rows:
        stored = store_form(new.document)
        before = known.get(new.document.key)
        if before is not None and before.sha256 == stored.sha256:
            continue
        if before is not None:
            _require_untouched(before)
        try:
            _write(conn, new, stored, now, before)
        except IntegrityError as error:
            raise Inconsistent(
                f"{new.document.key}: another document on {new.connection} has the wire key {new.wire_key}."
            ) from error
        _add_lines(conn, new)


def withdraw(conn: Connection, set_id: str, keep: Collection[DocumentKey]) -> list[DocumentKey]:
    """Take back what an earlier plan of this set wanted and the new one does not: their keys.

    Only documents of which nothing was ever sent; what is posted, adopted, or dropped by a person stays.
    """
    wanted = set(keep)
    gone = [
        row.key for row in of_set(conn, set_id) if row.key not in wanted and not row.tried and row.state in _UNDECIDED
    ]
    for some in portions(gone):
        # All that the trail of an untried document can hold is a person's mark.
        conn.execute(delete(attempts).where(attempts.c.key.in_(some)))
        conn.execute(delete(documents).where(documents.c.key.in_(some)))
    return gone


def get(conn: Connection, key: DocumentKey) -> DocumentRow | None:
    return one(conn, select(documents).where(documents.c.key == key), _row)


def of_keys(conn: Connection, keys: Sequence[DocumentKey]) -> list[DocumentRow]:
    """Those of ``keys`` that are on record."""
    return [
        row for some in portions(keys) for row in many(conn, select(documents).where(documents.c.key.in_(some)), _row)
    ]


def of_set(conn: Connection, set_id: str) -> list[DocumentRow]:
    """In their order in the set."""
    return of_sets(conn, [set_id])[set_id]


def of_sets(conn: Connection, set_ids: Sequence[str]) -> dict[str, list[DocumentRow]]:
    """The documents of each set, in their order in it."""
    found: dict[str, list[DocumentRow]] = {set_id: [] for set_id in set_ids}
    for some in portions(set_ids):
        for row in many(conn, _OF_SETS, _row, {"sets": list(some)}):
            found[row.set_id].append(row)
    return found


def of_settlement(conn: Connection, link: str, settlement_id: str) -> list[DocumentRow]:
    """The documents of all its posting sets, oldest first."""
    query = (
        select(documents)
        .join(posting_sets, posting_sets.c.id == documents.c.set_id)
        .where(posting_sets.c.link == link, posting_sets.c.settlement_id == settlement_id)
        .order_by(documents.c.created_at, documents.c.set_id, documents.c.position, documents.c.key)
    )
    return many(conn, query, _row)


def due(conn: Connection, connection: str, now: datetime, limit: int) -> list[DocumentRow]:
    """What is to be looked at now, oldest first: every due document of at most ``limit`` posting sets.

    Sets are never cut: a commit waits for the other documents of its set, so they are looked at together.
    """
    waiting: list[tuple[datetime, str]] = []
    for state in ON_ITS_WAY:
        values = {"of_connection": connection, "of_state": state.value, "by": now, "most": limit * _MEMBERS}
        waiting += [(row.created_at, row.set_id) for row in conn.execute(_WAITING, values)]
    sets = list(dict.fromkeys(set_id for _, set_id in sorted(waiting)))[:limit]
    rows = [row for members in of_sets(conn, sets).values() for row in members if row.is_due(now)]
    return sorted(rows, key=lambda row: (row.created_at, row.set_id, row.position, row.key))


def next_look_at(conn: Connection, connection: str) -> datetime | None:
    """When the next document of the connection is due; now for one that waits already, None when none is on its way."""
    when = func.coalesce(documents.c.next_look_at, literal(dialect.now(conn), Instant), type_=Instant)
    return conn.execute(
        select(func.min(when, type_=Instant)).where(
            documents.c.connection == connection, documents.c.state.in_(ON_ITS_WAY)
        )
    ).scalar()


def find(
    conn: Connection,
    *,
    link: str | None = None,
    connection: str | None = None,
    state: State | Collection[State] | None = None,
    set_id: str | None = None,
    posted_since: datetime | None = None,
    limit: int = 1000,
) -> list[DocumentRow]:
    """Oldest first."""
    query: Select[Any] = select(documents).order_by(
        documents.c.created_at, documents.c.set_id, documents.c.position, documents.c.key
    )
    for column, value in (
        (documents.c.link, link),
        (documents.c.connection, connection),
        (documents.c.set_id, set_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if state is not None:
        query = query.where(documents.c.state.in_([state] if isinstance(state, State) else list(state)))
    if posted_since is not None:
        query = query.where(documents.c.posted_at >= posted_since)
    return many(conn, query.limit(limit), _row)


def by_wire_keys(conn: Connection, connection: str, wire_keys: Sequence[str]) -> list[DocumentRow]:
    """The documents of a connection that are called so in its target."""
    query = select(documents).where(documents.c.connection == connection)
    return [
        row for some in portions(wire_keys) for row in many(conn, query.where(documents.c.wire_key.in_(some)), _row)
    ]


def count(conn: Connection, link: str | None = None) -> dict[State, int]:
    """How many documents are in each state."""
    query = select(documents.c.state, func.count()).group_by(documents.c.state)
    if link is not None:
        query = query.where(documents.c.link == link)
    return {State(state): number for state, number in conn.execute(query)}


def set_state(
    conn: Connection,
    key: DocumentKey,
    state: State,
    *,
    reason_code: str = "",
    reason: str = "",
    ids: Ids | None = None,
    next_look_at: datetime | None = None,
    posted_at: datetime | None = None,
    frozen_at: datetime | None = None,
) -> None:
    """Where it stands now. The reason and the next look are replaced; ``ids`` and ``posted_at`` stay where None.

    With ``frozen_at`` its content never changes from that instant on; the first one stands.
    Raises :class:`Inconsistent` for an unknown document.
    """
    values: dict[str, Any] = {
        "wanted": key,
        "state": state.value,
        "reason_code": reason_code,
        "reason": reason,
        "next_look_at": next_look_at,
        "updated_at": dialect.now(conn),
    }
    if ids is not None:
        values["ids"] = ids
    if posted_at is not None:
        values["posted_at"] = posted_at
    if frozen_at is not None:
        values["frozen_at"] = frozen_at
    if conn.execute(_CHANGE if frozen_at is None else _FREEZE, values).rowcount != 1:
        raise Inconsistent(f"There is no document {key}.")


def lines(conn: Connection, key: DocumentKey) -> list[DocumentLine]:
    """The lineage of its lines, in their order."""
    query = select(document_lines).where(document_lines.c.key == key).order_by(document_lines.c.line)
    return [
        DocumentLine(
            DocumentKey(row.key),
            row.line,
            row.category,
            row.store,
            row.rows,
            RowRanges(row.row_ranges, row.rows),
            row.rows_sha256,
        )
        for row in conn.execute(query)
    ]


def _by_keys(conn: Connection, keys: Sequence[DocumentKey]) -> list[DocumentRow]:
    return [
        row
        for some in portions(keys)
        for row in many(conn, select(documents).where(documents.c.key.in_(some)).with_for_update(), _row)
    ]


def _require_untouched(row: DocumentRow) -> None:
    if row.tried or row.state in {State.POSTING, State.ENTERED, State.POSTED}:
        raise Inconsistent(
            f"{row.key} was begun with another content. What began is finished as planned, then corrected by another document."
        )


def _write(conn: Connection, new: NewDocument, stored: Stored, now: datetime, before: DocumentRow | None) -> None:
    values = _values(new, stored, now)
    if before is not None:
        if before.state is State.DROPPED:
            values |= {"state": before.state.value, "reason_code": before.reason_code, "reason": before.reason}
        conn.execute(update(documents).where(documents.c.key == new.document.key).values(values))
        conn.execute(delete(document_lines).where(document_lines.c.key == new.document.key))
    else:
        conn.execute(insert(documents).values(values))


def _values(new: NewDocument, stored: Stored, now: datetime) -> dict[str, Any]:
    return {
        "key": new.document.key,
        "connection": new.connection,
        "link": new.link,
        "kind": new.document.kind.value,
        "wire_key": new.wire_key,
        "set_id": new.set_id,
        "position": new.position,
        "schema": stored.schema,
        "canonical": stored.canonical,
        "sha256": stored.sha256,
        "goal": new.goal,
        "state": new.state.value,
        "reason_code": "",
        "reason": "",
        "ids": (),
        "next_look_at": None,
        "posted_at": None,
        "created_at": now,
        "updated_at": now,
    }


def _add_lines(conn: Connection, new: NewDocument) -> None:
    if not isinstance(new.document, JournalEntry):
        return
    planned = new.document.lines
    ranges = new.ranges or [RowRanges(b"", 0)] * len(planned)
    values = [
        {
            "key": new.document.key,
            "line": number,
            "category": line.category,
            "store": line.store,
            "rows": rows.count,
            "row_ranges": rows.encoded,
            "rows_sha256": line.rows_sha256,
        }
        for number, (line, rows) in enumerate(zip(planned, ranges, strict=True), start=1)
    ]
    if values:
        conn.execute(insert(document_lines), values)


def _row(**row: Any) -> DocumentRow:
    return DocumentRow(**{**row, "key": DocumentKey(row["key"]), "state": State(row["state"])})
