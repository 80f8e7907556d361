"""Where simulated systems keep what they hold: sqlite tables, in memory or in one file that survives a restart.

Every system has a :class:`Book` of its own, whose tables carry the system's name as prefix. A system answers from its
tables, never from what a client sent: an echo would prove nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Value = str | int | float | bytes | None


class Ledger:
    """One sqlite database for one world.

    May be made in one thread and used in another, but by one at a time: all systems of a world run on one event loop.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._connection = sqlite3.connect(
            ":memory:" if path is None else path,
            isolation_level=None,
            check_same_thread=False,
            factory=_SelfClosing,
        )
        self._connection.row_factory = sqlite3.Row
        if path is not None:
            self._connection.execute("PRAGMA journal_mode=WAL")
            # The world outlives the process, not the power: a killed sandbox loses nothing that it answered for.
            self._connection.execute("PRAGMA synchronous=NORMAL")

    def book(self, system: str) -> Book:
        """The tables of one system."""
        return Book(self._connection, system)

    def close(self) -> None:
        self._connection.close()


class _SelfClosing(sqlite3.Connection):
    """Closes when its last user is gone: most worlds of tests are dropped, not closed."""

    def __del__(self) -> None:
        self.close()


class Book:
    """The tables of one system. Write ``{name}`` in a statement where the table ``name`` of this system is meant."""

    def __init__(self, connection: sqlite3.Connection, system: str) -> None:
        self._connection = connection
        self._names = _Prefixed(system)

    def create(self, table: str, columns: str) -> None:
        """Make a table unless the file has it already. ``columns`` is the inside of the parentheses."""
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {self._names[table]} ({columns})")

    def execute(self, statement: str, values: Sequence[Value] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement.format_map(self._names), values)

    def insert_all(self, statement: str, rows: Sequence[Sequence[Value]]) -> None:
        self._connection.executemany(statement.format_map(self._names), rows)

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[sqlite3.Row]:
        return self.execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[Value] = ()) -> sqlite3.Row | None:
        """The first row, or None where there is none."""
        found: sqlite3.Row | None = self.execute(statement, values).fetchone()
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, on disk when it ends. Nothing may be awaited inside."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


class _Prefixed(dict[str, str]):
    """Table names of one system: ``reports`` becomes ``"amazon_reports"``."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self._system = system

    def __missing__(self, table: str) -> str:
        if not f"{self._system}{table}".replace("_", "a").isalnum():
            raise ValueError(f"not a table name: {table!r}")
        return f'"{self._system}_{table}"'
