"""Watermarks: how far a flow has read a source. Written in the same transaction as the data it covers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ml_connector.store import dialect
from ml_connector.store.reading import one
from ml_connector.store.tables import watermarks


@dataclass(frozen=True, slots=True)
class Watermark:
    """``value`` is in the source's own words (an instant, a token)."""

    connection: str
    flow: str
    value: str
    updated_at: datetime


def get(conn: Connection, connection: str, flow: str) -> Watermark | None:
    query = select(watermarks).where(watermarks.c.connection == connection, watermarks.c.flow == flow)
    return one(conn, query, Watermark)


def put(conn: Connection, connection: str, flow: str, value: str) -> None:
    values = {"value": value, "updated_at": dialect.now(conn)}
    conn.execute(
        dialect.insert(conn, watermarks)
        .values(connection=connection, flow=flow, **values)
        .on_conflict_do_update(index_elements=["connection", "flow"], set_=values)
    )
