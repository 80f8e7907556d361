"""A consistent copy of the database while it is in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from ml_connector.domain.errors import Unavailable, WrongUse


def backup(engine: Engine, target: Path) -> None:
    """Write a compacted copy of the SQLite database to ``target``, which must not exist; it is complete when it appears.

    Writers are not held up. Raises :class:`WrongUse` on PostgreSQL, which has its own tools, or for a target that exists.
    """
    if engine.dialect.name != "sqlite":
        raise WrongUse("This database is PostgreSQL: back it up with pg_dump.")
    if target.exists():
        raise WrongUse(f"{target} exists already: name a new file.")
    partial = target.with_name(f"{target.name}.partial")
    str(partial).encode()  # SQLite takes no other names: said before anything is made
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(str(engine.url.database), isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(partial),))
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise Unavailable(f"The copy could not be written ({error}): check the space on the disk.") from error
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(partial, target)
