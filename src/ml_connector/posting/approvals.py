"""Where a person says yes, again, or never. Each is one transaction, with its audit event."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ml_connector.domain.documents import State
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Outcome
from ml_connector.posting.loop import Note
from ml_connector.posting.sets import STOPPED
from ml_connector.store import attempts, documents
from ml_connector.store.documents import DocumentRow
from ml_connector.store.door import Store


def approve(conn: Connection, keys: list[DocumentKey], by: str, note: Note) -> int:
    """Let planned documents be posted; how many were still planned."""
    count = 0
    for key in keys:
        row = documents.get(conn, key)
        if row is not None and row.state is State.PLANNED:
            documents.set_state(conn, key, State.APPROVED)
            note(conn, "approved", key, {"by": by, "sha256": row.sha256})
            count += 1
    return count


def replay(conn: Connection, store: Store, key: DocumentKey, by: str, note: Note) -> list[DocumentRow]:
    """Try a held or missing document again, and what was only stopped with it. Returns the documents released.

    The next look decides afresh; a write that may still land goes on being waited for.
    Raises :class:`WrongUse` for a document that is not held.
    """
    row = _known(conn, key)
    if row.state not in {State.HELD, State.DROPPED}:
        raise WrongUse(f"{key} is {row.state.value}, not held: there is nothing to replay.")
    released = [row] + [
        other
        for other in documents.of_set(conn, row.set_id)
        if other.key != key and other.state is State.HELD and other.reason_code == STOPPED
    ]
    now = store.now(conn)
    for each in released:
        attempts.mark(conn, each.key, Outcome.REPLAYED, f"asked by {by}", now)
        documents.set_state(conn, each.key, State.POSTING if each.tried else State.APPROVED)
        note(conn, "replayed", each.key, {"by": by})
    return released


def drop(conn: Connection, key: DocumentKey, by: str, note: Note) -> None:
    """Never post it: a person took care of it otherwise. Raises :class:`WrongUse` for what is posted or on its way."""
    row = _known(conn, key)
    if row.state not in {State.HELD, State.PLANNED}:
        raise WrongUse(f"{key} is {row.state.value}: only a held or planned document can be dropped.")
    documents.set_state(conn, key, State.DROPPED, reason_code="dropped", reason=f"Dropped by {by}.")
    note(conn, "dropped", key, {"by": by})


def missing(conn: Connection, key: DocumentKey, words: str, note: Note, **data: Any) -> None:
    """A look found that a posted document is gone or changed: it is held, and a person decides (DESIGN 5)."""
    documents.set_state(conn, key, State.HELD, reason_code="missing", reason=words)
    note(conn, "missing", key, data)


def _known(conn: Connection, key: DocumentKey) -> DocumentRow:
    row = documents.get(conn, key)
    if row is None:
        raise WrongUse(f"No document {key} is known here.")
    return row
