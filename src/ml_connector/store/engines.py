"""The SQLAlchemy engine of a database, with what each needs to be durable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from ml_connector.domain.clock import Clock
from ml_connector.domain.errors import WrongUse
from ml_connector.store.dialect import CLOCK

POOL_SIZE: Final = 4
_BUSY_TIMEOUT_MS: Final = 15_000
_PG_OPTIONS: Final = "-c timezone=UTC -c idle_in_transaction_session_timeout=15000 -c lock_timeout=15000"


def url_of(where: str | Path) -> URL:
    """The address of the database: a path is SQLite, ``postgresql://...`` is PostgreSQL. Raises :class:`WrongUse`."""
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except ArgumentError:
        # Without its cause, which repeats the address with its password.
        raise WrongUse("The database address cannot be read: give a path or postgresql://user@host/name.") from None
    backend = url.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise WrongUse("The database must be a SQLite file or PostgreSQL.")


def make_engine(where: str | Path, clock: Clock, *, fsync: bool = True) -> Engine:
    """An engine for ``where``. ``fsync=False`` gives up durability, for files that a test throws away."""
    url = url_of(where)
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            # An error of the database repeats its parameters otherwise: envelopes, settings, words.
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"options": _PG_OPTIONS, "connect_timeout": 10},
        )
    return _sqlite(Path(str(url.database)), clock, fsync=fsync)


def _sqlite(path: Path, clock: Clock, *, fsync: bool) -> Engine:
    if not path.parent.is_dir():
        raise WrongUse(f"The folder {path.parent} does not exist: run init first.")
    # Nobody else may read the books: made here, because SQLite would make it readable to all.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 256},
    )

    @event.listens_for(engine, "connect")
    def _set_up(dbapi_connection: Any, record: Any) -> None:
        record.info[CLOCK] = clock
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            f"synchronous={'FULL' if fsync else 'OFF'}",
            "foreign_keys=ON",
        ):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        # At once with the write lock: a reader that wants to write later could only fail.
        conn.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
