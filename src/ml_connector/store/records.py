"""Records: one row for each thing read from a source, by natural key and content hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, insert, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import many, one, portions
from ml_connector.store.tables import records


class Sighting(StrEnum):
    """What a look at the source brought."""

    NEW = "new"
    SAME = "same"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing as it was just read. ``sha256`` is over its content, ``raw_sha256`` names the archived bytes it came from."""

    natural_id: str
    sha256: str
    raw_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """``state`` and ``reason`` are its flow's words; a record starts ``new``. ``changed_at`` is the source's own instant, where
    it changes the thing in place (:mod:`ml_connector.store.versions`)."""

    connection: str
    kind: str
    natural_id: str
    sha256: str
    raw_sha256: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    state: str
    reason: str
    changed_at: datetime | None = None


def see(
    conn: Connection, connection: str, kind: str, readings: Sequence[Reading], state: str = "new"
) -> dict[str, Sighting]:
    """Keep what was read; by natural id, whether it was new. A new or changed record gets ``state``."""
    now = dialect.now(conn)
    latest = {reading.natural_id: reading for reading in readings}
    before: dict[str, str] = {}
    for ids in portions(list(latest)):
        query = select(records.c.natural_id, records.c.sha256).where(
            records.c.connection == connection, records.c.kind == kind, records.c.natural_id.in_(ids)
        )
        before.update((row.natural_id, row.sha256) for row in conn.execute(query))
    out = {
        natural_id: Sighting.NEW
        if natural_id not in before
        else (Sighting.SAME if before[natural_id] == reading.sha256 else Sighting.CHANGED)
        for natural_id, reading in latest.items()
    }
    _insert(conn, connection, kind, [latest[key] for key, what in out.items() if what is Sighting.NEW], state, now)
    _update(conn, connection, kind, [latest[key] for key, what in out.items() if what is Sighting.CHANGED], state, now)
    touch(conn, connection, kind, [key for key, what in out.items() if what is Sighting.SAME], now)
    return out


def get(conn: Connection, connection: str, kind: str, natural_id: str) -> Record | None:
    query = select(records).where(
        records.c.connection == connection, records.c.kind == kind, records.c.natural_id == natural_id
    )
    return one(conn, query, Record)


def named(conn: Connection, kind: str, natural_id: str) -> list[Record]:
    """Of whichever connection."""
    query = select(records).where(records.c.kind == kind, records.c.natural_id == natural_id)
    return many(conn, query.order_by(records.c.connection), Record)


def find(
    conn: Connection,
    *,
    connection: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    limit: int = 1000,
) -> list[Record]:
    """Oldest first."""
    query = select(records).order_by(records.c.first_seen_at, records.c.natural_id).limit(limit)
    for column, value in ((records.c.connection, connection), (records.c.kind, kind), (records.c.state, state)):
        if value is not None:
            query = query.where(column == value)
    return many(conn, query, Record)


def states(conn: Connection, connection: str, kind: str) -> dict[str, int]:
    """How many records are in each state."""
    query = (
        select(records.c.state, func.count())
        .where(records.c.connection == connection, records.c.kind == kind)
        .group_by(records.c.state)
        .order_by(records.c.state)
    )
    return {state: int(count) for state, count in conn.execute(query)}


def set_state(conn: Connection, connection: str, kind: str, natural_id: str, state: str, reason: str = "") -> None:
    conn.execute(
        update(records)
        .where(records.c.connection == connection, records.c.kind == kind, records.c.natural_id == natural_id)
        .values(state=state, reason=reason)
    )


def _insert(conn: Connection, connection: str, kind: str, new: Sequence[Reading], state: str, now: datetime) -> None:
    if new:
        conn.execute(
            insert(records),
            [
                {
                    "connection": connection,
                    "kind": kind,
                    "natural_id": reading.natural_id,
                    "sha256": reading.sha256,
                    "raw_sha256": reading.raw_sha256,
                    "first_seen_at": now,
                    "last_seen_at": now,
                    "state": state,
                    "reason": "",
                }
                for reading in new
            ],
        )


def _update(
    conn: Connection, connection: str, kind: str, changed: Sequence[Reading], state: str, now: datetime
) -> None:
    if changed:
        conn.execute(
            update(records)
            .where(
                records.c.connection == connection, records.c.kind == kind, records.c.natural_id == bindparam("which")
            )
            .values(last_seen_at=now, state=state, reason=""),
            [
                {"which": reading.natural_id, "sha256": reading.sha256, "raw_sha256": reading.raw_sha256}
                for reading in changed
            ],
        )


def touch(conn: Connection, connection: str, kind: str, same: Sequence[str], now: datetime) -> None:
    """They were seen again, as they were."""
    for ids in portions(same):
        conn.execute(
            update(records)
            .where(records.c.connection == connection, records.c.kind == kind, records.c.natural_id.in_(ids))
            .values(last_seen_at=now)
        )
