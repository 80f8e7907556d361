"""Connections: sign-in and settings of one outside account. Their secrets are in ``secrets``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ml_connector.domain.errors import WrongUse
from ml_connector.store import buyers, dialect, windows
from ml_connector.store.reading import many, one
from ml_connector.store.tables import connections, links, secrets, tokens


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """``kind`` is ``amazon`` or the name of an ERP; ``settings`` hold no secret."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    created_at: datetime


def add(conn: Connection, name: str, kind: str, settings: Mapping[str, Any]) -> ConnectionRow:
    """Raises :class:`WrongUse` when the name is taken."""
    if get(conn, name) is not None:
        raise WrongUse(f"A connection {name!r} exists already.")
    row = ConnectionRow(name, kind, dict(settings), dialect.now(conn))
    conn.execute(insert(connections).values(name=name, kind=kind, settings=dict(settings), created_at=row.created_at))
    return row


def get(conn: Connection, name: str) -> ConnectionRow | None:
    return one(conn, select(connections).where(connections.c.name == name), ConnectionRow)


def all_of(conn: Connection, kind: str | None = None) -> list[ConnectionRow]:
    """By name."""
    query = select(connections).order_by(connections.c.name)
    if kind is not None:
        query = query.where(connections.c.kind == kind)
    return many(conn, query, ConnectionRow)


def change(conn: Connection, name: str, settings: Mapping[str, Any]) -> None:
    """Replace the settings. Raises :class:`WrongUse` for an unknown name."""
    done = conn.execute(update(connections).where(connections.c.name == name).values(settings=dict(settings)))
    if done.rowcount == 0:
        raise WrongUse(f"No connection {name!r} is known here.")


def remove(conn: Connection, name: str) -> None:
    """With its secrets, tokens and buyers. Raises :class:`WrongUse` while a link uses it."""
    uses = ((links.c.amazon == name) | (links.c.erp == name)) & links.c.removed_at.is_(None)
    used_by = conn.execute(select(links.c.name).where(uses)).scalars().first()
    if used_by is not None:
        raise WrongUse(f"The connection {name!r} is used by the link {used_by!r}: remove that first.")
    conn.execute(delete(secrets).where(secrets.c.connection == name))
    buyers.forget(conn, name)
    windows.forget(conn, name)
    # A token is named after whoever signed in, not after the connection. They are a cache: the others are bought anew.
    conn.execute(delete(tokens))
    conn.execute(delete(connections).where(connections.c.name == name))
