"""One tree of migrations makes the same tables in both databases, and they are the ones the program knows."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ml_connector.domain.errors import WrongUse
from ml_connector.store import migrate
from ml_connector.store.engines import make_engine
from ml_connector.store.tables import metadata
from tests.support.clock import FakeClock
from tests.support.databases import POSTGRESQL, SQLITE, empty_postgresql_database, in_transaction


@pytest.mark.parametrize("kind", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.postgres)])
def test_an_empty_database_is_brought_up_to_date_once(kind: str, tmp_path: Path) -> None:
    engine = make_engine(empty_postgresql_database() if kind == POSTGRESQL else tmp_path / "new.db", FakeClock())

    assert migrate.migrate(engine) is True
    assert migrate.migrate(engine) is False
    engine.dispose()


def test_the_migrated_tables_are_the_tables_of_the_program(where: str | Path) -> None:
    def differences(conn: Connection) -> list[object]:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "render_as_batch": True})
        return list(compare_metadata(context, metadata))

    assert in_transaction(where, differences) == []


def test_the_known_head_is_the_newest_migration_of_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", "ml_connector.store:migrations")

    assert ScriptDirectory.from_config(config).get_heads() == [migrate.HEAD]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(where: str | Path) -> None:
    in_transaction(where, lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'")).close())

    engine = make_engine(where, FakeClock())
    with pytest.raises(WrongUse, match="newer version"):
        migrate.migrate(engine)
    with engine.connect() as conn:
        assert migrate.version_of(conn) == "9999"
    engine.dispose()


def test_a_migration_that_fails_leaves_an_empty_database_empty(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    engine = make_engine(path, FakeClock())
    with engine.connect() as conn, conn.begin():
        conn.execute(text("CREATE TABLE runs (taken INTEGER)"))  # in the way of the first migration

    with pytest.raises(Exception, match="runs"):
        migrate.migrate(engine)

    with engine.connect() as conn:
        tables = conn.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
    engine.dispose()
    assert tables == ["runs"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
