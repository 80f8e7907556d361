"""Posting sets: everything that one settlement becomes (DESIGN 2). Their documents are in ``documents``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from ml_connector.domain.errors import Inconsistent
from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import posting_sets


@dataclass(frozen=True, slots=True)
class PostingSet:
    """``basis`` is what its documents were planned from, as plain data; None where nobody said."""

    id: str
    link: str
    connection: str
    settlement_id: str
    plan_id: str | None
    state: str
    basis: Any
    created_at: datetime


def add(
    conn: Connection,
    set_id: str,
    *,
    link: str,
    connection: str,
    settlement_id: str,
    plan_id: str | None = None,
    state: str = "open",
) -> PostingSet:
    """Idempotent: a set that is there stays as it is."""
    row = PostingSet(set_id, link, connection, settlement_id, plan_id, state, None, dialect.now(conn))
    conn.execute(
        dialect.insert(conn, posting_sets)
        .values({name: getattr(row, name) for name in row.__slots__})
        .on_conflict_do_nothing(index_elements=["id"])
    )
    return get(conn, set_id) or row


def get(conn: Connection, set_id: str) -> PostingSet | None:
    return one(conn, select(posting_sets).where(posting_sets.c.id == set_id), PostingSet)


def of_settlement(conn: Connection, link: str, settlement_id: str) -> list[PostingSet]:
    """Oldest first."""
    query = (
        select(posting_sets)
        .where(posting_sets.c.link == link, posting_sets.c.settlement_id == settlement_id)
        .order_by(posting_sets.c.created_at, posting_sets.c.id)
    )
    return many(conn, query, PostingSet)


def remove(conn: Connection, set_id: str) -> None:
    """Forget a set of which no document is left. One that has documents is refused by the database."""
    conn.execute(delete(posting_sets).where(posting_sets.c.id == set_id))


def set_state(conn: Connection, set_id: str, state: str) -> None:
    conn.execute(update(posting_sets).where(posting_sets.c.id == set_id).values(state=state))


def set_basis(conn: Connection, set_id: str, basis: Any) -> None:
    """What its documents were planned from. Raises :class:`Inconsistent` for an unknown set."""
    if conn.execute(update(posting_sets).where(posting_sets.c.id == set_id).values(basis=basis)).rowcount != 1:
        raise Inconsistent(f"There is no posting set {set_id}.")


def basis(conn: Connection, set_id: str) -> Any:
    """What its documents were planned from; None where nobody said."""
    return conn.execute(select(posting_sets.c.basis).where(posting_sets.c.id == set_id)).scalar()
