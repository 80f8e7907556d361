"""A backup is a consistent, complete copy, made while the database is in use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ml_connector.domain.errors import WrongUse
from ml_connector.store import audit, watermarks
from ml_connector.store.audit_head import Standing, compare
from ml_connector.store.backup import backup
from ml_connector.store.door import Store
from tests.support.databases import in_store, in_transaction, postgresql_database, sqlite_database

KEY = b"k" * 32


def test_the_copy_holds_what_was_committed_and_is_recognised_as_older_afterwards(tmp_path: Path) -> None:
    path, copy = sqlite_database(tmp_path), tmp_path / "backup.db"

    async def story(store: Store) -> audit.Head:
        await store.call(lambda conn: watermarks.put(conn, "amazon", "orders", "before"))
        backup(store.engine, copy)
        await store.call(lambda conn: watermarks.put(conn, "amazon", "orders", "after"))
        return await store.call(lambda conn: audit.append(conn, KEY, actor="ann", event="posted", subject="DOC"))

    head = in_store(path, story)

    assert in_transaction(copy, lambda conn: watermarks.get(conn, "amazon", "orders")) == "before"
    assert in_transaction(copy, lambda conn: compare(conn, head)) is Standing.OLDER
    with sqlite3.connect(copy) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    opened.close()
    assert copy.stat().st_mode & 0o077 == 0


def test_a_backup_never_overwrites_a_file(tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    copy.write_text("precious")

    async def story(store: Store) -> None:
        with pytest.raises(WrongUse, match="exists already"):
            backup(store.engine, copy)

    in_store(sqlite_database(tmp_path), story)

    assert copy.read_text() == "precious"


@pytest.mark.postgres
def test_postgresql_has_its_own_tools(tmp_path: Path) -> None:
    async def story(store: Store) -> None:
        with pytest.raises(WrongUse, match="pg_dump"):
            backup(store.engine, tmp_path / "backup.db")

    in_store(postgresql_database(), story)
