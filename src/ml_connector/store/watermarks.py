"""Watermarks: how far a flow has read a source. Written in the same transaction as the data it covers."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from ml_connector.store import dialect
from ml_connector.store.tables import watermarks


def get(conn: Connection, connection: str, flow: str) -> str | None:
    """In the source's own words (an instant, a token); None before the first."""
    return conn.execute(
        select(watermarks.c.value).where(watermarks.c.connection == connection, watermarks.c.flow == flow)
    ).scalar()


def put(conn: Connection, connection: str, flow: str, value: str) -> None:
    values = {"value": value, "updated_at": dialect.now(conn)}
    conn.execute(
        dialect.insert(conn, watermarks)
        .values(connection=connection, flow=flow, **values)
        .on_conflict_do_update(index_elements=["connection", "flow"], set_=values)
    )


def remove(conn: Connection, connection: str, flow: str) -> None:
    """As if nothing had been read yet."""
    conn.execute(delete(watermarks).where(watermarks.c.connection == connection, watermarks.c.flow == flow))
