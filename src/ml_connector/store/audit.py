"""The audit chain. Append-only: triggers refuse every change, and each event carries an HMAC over itself and the one before.

So whoever can write the database but has not the audit key cannot change, add, remove or reorder an event unseen. Events cut
off the *end* leave a chain that verifies: that is found by the head, which is kept beside the database (``audit_head``) and
printed in every proof.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import audit
from ml_connector.store.types import canonical_json

#: What stands before the first event.
GENESIS: Final = "0" * 64
_PAGE: Final = 2000

# Made once: building a statement takes longer than running it.
_INSERT: Final = insert(audit)
_HEAD: Final = select(audit.c.seq, audit.c.mac).order_by(audit.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """``data`` is canonical JSON text, never a secret or a body. ``mac`` is hexadecimal HMAC-SHA256."""

    seq: int
    at: datetime
    actor: str
    event: str
    subject: str
    data: str
    previous_mac: str
    mac: str

    @property
    def content(self) -> Any:
        return json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a chain; seq 0 where there is none."""

    seq: int
    mac: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.mac}"


@dataclass(frozen=True, slots=True)
class Verified:
    """Every event up to ``head`` is as it was written."""

    head: Head


@dataclass(frozen=True, slots=True)
class Broken:
    """``seq`` is the first event that does not follow from the ones before."""

    seq: int
    why: str


def append(
    conn: Connection, key: bytes, *, actor: str, event: str, subject: str, data: Mapping[str, Any] | None = None
) -> Head:
    """Put an event on record, in the caller's transaction; the new head."""
    dialect.lock(conn, "audit")
    before = head(conn)
    seq, at, text = before.seq + 1, dialect.now(conn), canonical_json(dict(data or {}))
    mac = _mac(key, seq, at, actor, event, subject, text, before.mac)
    values = {"seq": seq, "at": at, "actor": actor, "event": event, "subject": subject, "data": text}
    conn.execute(_INSERT, {**values, "previous_mac": before.mac, "mac": mac})
    return Head(seq, mac)


def head(conn: Connection) -> Head:
    return one(conn, _HEAD, Head) or Head(0, GENESIS)


def head_at(conn: Connection, seq: int) -> Head | None:
    """The head as it was after event ``seq``; None when the chain does not reach there."""
    if seq == 0:
        return Head(0, GENESIS)
    return one(conn, select(audit.c.seq, audit.c.mac).where(audit.c.seq == seq), Head)


def verify(conn: Connection, key: bytes) -> Verified | Broken:
    """Recompute the whole chain."""
    at: Verified | Broken = Verified(Head(0, GENESIS))
    while isinstance(at, Verified):
        before = at.head
        at = verify_page(conn, key, before)
        if isinstance(at, Verified) and at.head == before:
            return at
    return at


def verify_page(conn: Connection, key: bytes, after: Head) -> Verified | Broken:
    """Recompute the next 2,000 events after a verified head: one short transaction for each page of a long chain.

    At the end of the chain the head stays what it was.
    """
    query = select(audit).where(audit.c.seq > after.seq).order_by(audit.c.seq).limit(_PAGE)
    for row in many(conn, query, AuditEvent):
        if row.seq != after.seq + 1:
            return Broken(after.seq + 1, "it is missing")
        if row.previous_mac != after.mac:
            return Broken(row.seq, "it does not name the event before it")
        mac = _mac(key, row.seq, row.at, row.actor, row.event, row.subject, row.data, row.previous_mac)
        if not hmac.compare_digest(mac, row.mac):
            return Broken(row.seq, "it was changed, or written with another key")
        after = Head(row.seq, row.mac)
    return Verified(after)


def events(
    conn: Connection, *, subject: str | None = None, event: str | None = None, limit: int = 100
) -> list[AuditEvent]:
    """Newest first."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit.c.subject == subject)
    if event is not None:
        query = query.where(audit.c.event == event)
    return many(conn, query, AuditEvent)


def _mac(key: bytes, seq: int, at: datetime, actor: str, event: str, subject: str, data: str, previous_mac: str) -> str:
    # A JSON list, so that no two different events have the same bytes.
    content = canonical_json([seq, at.isoformat(timespec="microseconds"), actor, event, subject, data, previous_mac])
    return hmac.new(key, content.encode(), hashlib.sha256).hexdigest()
