"""Runs: one execution of a flow, with its progress, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import runs


@dataclass(frozen=True, slots=True)
class Run:
    """``done`` of ``total`` pieces (None: not known yet); ``code`` and ``words`` say how it ended."""

    id: int
    link: str
    flow: str
    started_at: datetime
    ended_at: datetime | None
    state: str
    done: int
    total: int | None
    code: str
    words: str


def start(conn: Connection, link: str, flow: str) -> int:
    """The id of the new run."""
    made = conn.execute(
        insert(runs)
        .values(link=link, flow=flow, started_at=dialect.now(conn), state="running", done=0, code="", words="")
        .returning(runs.c.id)
    )
    return int(made.scalar_one())


def progress(conn: Connection, run_id: int, done: int, total: int | None) -> None:
    conn.execute(update(runs).where(runs.c.id == run_id).values(done=done, total=total))


def end(conn: Connection, run_id: int, state: str, code: str = "", words: str = "") -> None:
    conn.execute(
        update(runs).where(runs.c.id == run_id).values(state=state, code=code, words=words, ended_at=dialect.now(conn))
    )


def get(conn: Connection, run_id: int) -> Run | None:
    return one(conn, select(runs).where(runs.c.id == run_id), Run)


def newest(conn: Connection, link: str | None = None, limit: int = 50) -> list[Run]:
    """Newest first."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if link is not None:
        query = query.where(runs.c.link == link)
    return many(conn, query, Run)
