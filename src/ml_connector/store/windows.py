"""Windows: stretches of a source's time, each read as a whole. What is done is not read again; what was interrupted is.

Kept so that a reading of many hours goes on after a crash where it was, and for the record of how many orders there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import many, one
from ml_connector.store.tables import windows

OPEN: Final = "open"
DONE: Final = "done"

#: Done windows that are kept of one flow, for its history: what is covered stands in the watermarks.
_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class Window:
    """``starts_at`` and ``ends_at`` are what is asked for (None: as far as the source shows), ``reads_to`` how far it reached.

    ``pages`` and ``found`` (things) count this reading of it; ``again`` how often it was begun anew.
    """

    id: int
    connection: str
    flow: str
    way: str
    starts_at: datetime
    ends_at: datetime | None
    state: str
    reads_to: datetime | None
    report_id: str
    pages: int
    found: int
    again: int
    begun_at: datetime
    done_at: datetime | None


def open_one(conn: Connection, connection: str, flow: str) -> Window | None:
    """The window that was begun and not finished; there is at most one."""
    query = select(windows).where(windows.c.connection == connection, windows.c.flow == flow, windows.c.state == OPEN)
    return one(conn, query, Window)


def begin(
    conn: Connection, connection: str, flow: str, way: str, starts_at: datetime, ends_at: datetime | None
) -> Window:
    """Put a new window on record, before anything of it is asked for."""
    made = conn.execute(
        insert(windows)
        .values(
            connection=connection,
            flow=flow,
            way=way,
            starts_at=starts_at,
            ends_at=ends_at,
            state=OPEN,
            report_id="",
            pages=0,
            found=0,
            again=0,
            begun_at=dialect.now(conn),
        )
        .returning(windows)
    )
    return Window(**made.mappings().one())


def begin_again(conn: Connection, window: Window) -> Window:
    """What was read of it is on record, but not all of it: it is read from its start."""
    done = conn.execute(
        update(windows)
        .where(windows.c.id == window.id)
        .values(pages=0, found=0, again=window.again + 1)
        .returning(windows)
    )
    return Window(**done.mappings().one())


def ordered(conn: Connection, window_id: int, report_id: str) -> None:
    """A report was ordered for it: after a crash that one is waited for, and no second one is ordered."""
    conn.execute(update(windows).where(windows.c.id == window_id).values(report_id=report_id))


def page(conn: Connection, window_id: int, found: int) -> None:
    """One more page of it is on record, in this very transaction."""
    conn.execute(
        update(windows)
        .where(windows.c.id == window_id)
        .values(pages=windows.c.pages + 1, found=windows.c.found + found)
    )


def finish(conn: Connection, window: Window, reads_to: datetime) -> None:
    """All of it is on record."""
    conn.execute(
        update(windows)
        .where(windows.c.id == window.id)
        .values(state=DONE, reads_to=reads_to, done_at=dialect.now(conn))
    )
    old = [each.id for each in newest(conn, window.connection, window.flow, limit=2 * _KEPT)[_KEPT:]]
    if old:
        conn.execute(delete(windows).where(windows.c.id.in_(old)))


def give_up(conn: Connection, connection: str, flow: str) -> None:
    """Forget the window that was begun: it no longer asks for what is wanted."""
    conn.execute(
        delete(windows).where(windows.c.connection == connection, windows.c.flow == flow, windows.c.state == OPEN)
    )


def newest(conn: Connection, connection: str, flow: str, limit: int = _KEPT) -> list[Window]:
    """Done ones, the last first."""
    query = (
        select(windows)
        .where(windows.c.connection == connection, windows.c.flow == flow, windows.c.state == DONE)
        .order_by(windows.c.id.desc())
        .limit(limit)
    )
    return many(conn, query, Window)


def forget(conn: Connection, connection: str) -> None:
    """The connection is gone."""
    conn.execute(delete(windows).where(windows.c.connection == connection))
