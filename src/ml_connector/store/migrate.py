"""Bring a database up to date. One tree of migrations for both databases, inside the package."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from ml_connector.domain.errors import WrongUse
from ml_connector.store.dialect import lock

#: The newest migration. Compared with the tree by a test, so that an up-to-date database need not load Alembic.
HEAD: Final = "0003"


def version_of(conn: Connection) -> str | None:
    """The migration a database is at; None for an empty one."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> bool:
    """Bring the database up to date, in one transaction; True when there was something to do.

    Raises :class:`WrongUse` for a database that a newer version made.
    """
    with engine.connect() as conn, conn.begin():
        lock(conn, "migrate")
        version = version_of(conn)
        if version == HEAD:
            return False
        _upgrade(conn, version)
        return True


def _upgrade(conn: Connection, version: str | None) -> None:
    # Here and not above: loading Alembic takes longer than most commands.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "ml_connector.store:migrations")
    config.attributes["connection"] = conn
    if version is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(version)
        except CommandError as error:
            raise WrongUse("This database was made by a newer version of ml-connector: update the program.") from error
    command.upgrade(config, "head")
