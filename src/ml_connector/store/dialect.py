"""The three things in which the two databases differ, besides their types: the clock, locks and upserts."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final, cast

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql, sqlite

from ml_connector.domain.clock import Clock

#: Under this name a SQLite connection carries the injected clock (set by ``engines``).
CLOCK: Final = "ml_connector.clock"


def is_postgresql(conn: Connection) -> bool:
    return conn.dialect.name == "postgresql"


def now(conn: Connection) -> datetime:
    """The database's clock, UTC: the server's on PostgreSQL, the injected one on SQLite (which has no other)."""
    if is_postgresql(conn):
        return cast(datetime, conn.execute(text("SELECT clock_timestamp()")).scalar_one()).astimezone(UTC)
    return cast(Clock, conn.info[CLOCK]).now().astimezone(UTC)


def lock(conn: Connection, name: str) -> None:
    """Whoever asks for the same name waits until this transaction ends. SQLite has one writer anyway."""
    if is_postgresql(conn):
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return postgresql.insert(table) if is_postgresql(conn) else sqlite.insert(table)
