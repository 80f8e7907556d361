"""Leases: who may write to a connection, until when. The epoch tells one tenure from the next (DESIGN 5).

Everything is decided on the database's clock. ``now`` may be given by a caller that has just read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from ml_connector.store import dialect
from ml_connector.store.reading import one
from ml_connector.store.tables import leases

_OF_CONNECTION: Final = select(leases).where(leases.c.connection == bindparam("wanted")).with_for_update()


@dataclass(frozen=True, slots=True)
class Lease:
    connection: str
    holder: str
    epoch: int
    until: datetime


def acquire(conn: Connection, connection: str, holder: str, ttl_s: float, now: datetime | None = None) -> Lease | None:
    """A new tenure, with the next epoch; None while another holder's lease runs.

    A holder that asks again gets a new epoch too, and what it held before is void.
    """
    dialect.lock(conn, f"lease of {connection}")
    now = now or dialect.now(conn)
    until = now + timedelta(seconds=ttl_s)
    before = get(conn, connection)
    if before is None:
        conn.execute(insert(leases).values(connection=connection, holder=holder, epoch=1, until=until))
        return Lease(connection, holder, 1, until)
    if before.until > now and before.holder != holder:
        return None
    lease = Lease(connection, holder, before.epoch + 1, until)
    conn.execute(
        update(leases).where(leases.c.connection == connection).values(holder=holder, epoch=lease.epoch, until=until)
    )
    return lease


def renew(conn: Connection, lease: Lease, ttl_s: float, now: datetime | None = None) -> Lease | None:
    """The same tenure, longer; None when it was released or another one began.

    A lease that ran out without anybody taking it can be renewed: nobody else has acted.
    """
    until = (now or dialect.now(conn)) + timedelta(seconds=ttl_s)
    done = conn.execute(
        update(leases)
        .where(leases.c.connection == lease.connection, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
        .values(until=until)
    )
    return Lease(lease.connection, lease.holder, lease.epoch, until) if done.rowcount == 1 else None


def release(conn: Connection, lease: Lease, now: datetime | None = None) -> None:
    """Let others in. Does nothing when the lease was lost."""
    conn.execute(
        update(leases)
        .where(leases.c.connection == lease.connection, leases.c.epoch == lease.epoch, leases.c.holder == lease.holder)
        .values(holder="", until=now or dialect.now(conn))
    )


def valid(conn: Connection, connection: str, epoch: int, now: datetime | None = None) -> bool:
    """This tenure runs, and goes on running until this transaction ends: nobody can take the lease meanwhile."""
    lease = get(conn, connection)
    return lease is not None and lease.epoch == epoch and lease.until > (now or dialect.now(conn))


def get(conn: Connection, connection: str) -> Lease | None:
    """The newest tenure, over or not."""
    return one(conn, _OF_CONNECTION, Lease, {"wanted": connection})
