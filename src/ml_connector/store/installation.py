"""Which installation this database belongs to, and on which host it runs (DESIGN 5, *Restore and clone*)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from ml_connector.domain.errors import WrongUse
from ml_connector.store import dialect
from ml_connector.store.reading import one
from ml_connector.store.tables import installation


@dataclass(frozen=True, slots=True)
class Installation:
    id: str
    host: str
    created_at: datetime


def get(conn: Connection) -> Installation | None:
    return one(conn, select(installation), Installation)


def create(conn: Connection, installation_id: str, host: str) -> Installation:
    """Raises :class:`WrongUse` when this database has its installation already."""
    dialect.lock(conn, "installation")
    if get(conn) is not None:
        raise WrongUse("This data folder was initialised already.")
    made = Installation(installation_id, host, dialect.now(conn))
    conn.execute(insert(installation).values(id=made.id, host=made.host, created_at=made.created_at))
    return made


def require_host(conn: Connection, host: str) -> Installation:
    """The installation, if it lives on this host. Raises :class:`WrongUse` for a copy that was started elsewhere."""
    found = get(conn)
    if found is None:
        raise WrongUse("This data folder is not initialised: run init first.")
    if found.host != host:
        raise WrongUse(
            f"This data folder belongs to the host {found.host!r}, and this is {host!r}. Two copies would post twice. "
            "If it was moved here for good, run init --moved."
        )
    return found


def move(conn: Connection, host: str) -> None:
    """It lives on ``host`` from now."""
    conn.execute(update(installation).values(host=host))
