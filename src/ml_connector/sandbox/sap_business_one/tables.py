"""The company's database: one table per entity set, columns derived from the schema, amounts in millionths.

Amounts are ``Decimal`` above this file and integers below it (the real column is a fixed-point number with six decimals),
so sums and comparisons are exact. The real table names are kept (OJDT, JDT1, OACT ...). Complex properties, and collections
inside members of a collection, are JSON text in their parent's row.
"""
# ruff: noqa: S608 - names in statements come from the schema, where they were checked; values are always bound

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from sqlite3 import Row as StoredRow

from ml_connector.sandbox.ledger import Book, Value
from ml_connector.sandbox.sap_business_one.exact_json import from_json, to_json
from ml_connector.sandbox.sap_business_one.filters import millionths
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, INTEGER, Field, Row, Schema, Type

_MILLION = Decimal(1_000_000)
_ZERO = Decimal(0)
_KINDS = {INTEGER: "INTEGER", AMOUNT: "INTEGER"}


class Tables:
    """Rows of entity types in the system's book. Collections of an entity are rows of a child table with its key."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._inserts: dict[tuple[object, ...], str] = {}

    def create_all(self, schema: Schema) -> None:
        """Make every table of the schema that is not there yet."""
        # The book puts the system's name before a table's; no shipped table has a line in its own.
        rows = self.book.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        there = {str(row[0]).rpartition("_")[2] for row in rows}
        for entity in schema.stored():
            if entity.table not in there:
                self.create(entity, schema)

    def create(self, entity: Type, schema: Schema) -> None:
        """Make the entity's table, and the child tables of its collections, unless they are there."""
        columns = ", ".join(_column(each) for each in entity.scalars)
        key = f", PRIMARY KEY ({_names(entity.key)})" if entity.key else ""
        self.book.create(entity.table, columns + key)
        for each in entity.collections:
            child = schema.child(entity, each)
            parents = [replace(column, name=parent_column(child, column.name)) for column in _key_fields(entity)]
            self.book.create(child.table, ", ".join(_column(column) for column in (*parents, *child.scalars)))
            self.index(child.table, [column.name for column in parents])

    def index(self, table: str, columns: Sequence[str]) -> None:
        """An index, so that the simulator's speed does not depend on its history."""
        name = "_".join((table, *columns))
        self.book.execute(f"CREATE INDEX IF NOT EXISTS {{ix_{name}}} ON {{{table}}} ({_names(columns)})")

    def add_column(self, table: str, column: Field) -> None:
        """Widen a table by a user-defined field."""
        self.book.execute(f"ALTER TABLE {{{table}}} ADD COLUMN {_column(column)}")

    def insert(self, entity: Type, row: Row, parent: Row | None = None) -> None:
        """Write one row; what it does not name is null."""
        self.insert_all(entity, [row], parent)

    def insert_all(self, entity: Type, rows: Sequence[Row], parent: Row | None = None) -> None:
        """Write rows of one type. ``parent``: the key of the entity they belong to."""
        outer = {} if parent is None else {parent_column(entity, name): value for name, value in parent.items()}
        known = (entity.table, entity.columns, tuple(outer))
        statement = self._inserts.get(known)
        if statement is None:
            columns = (*outer, *entity.columns)
            marks = ", ".join("?" for _ in columns)
            statement = f"INSERT INTO {{{entity.table}}} ({_names(columns)}) VALUES ({marks})"
            self._inserts[known] = statement
        self.book.insert_all(
            statement,
            [[_stored(value) for value in (*outer.values(), *map(row.get, entity.columns))] for row in rows],
        )

    def update(self, entity: Type, key: Row, changes: Row, parent: Row | None = None) -> int:
        """Change columns of the rows with that key; how many there were. ``parent``: as in :meth:`insert_all`."""
        outer = {} if parent is None else {parent_column(entity, name): value for name, value in parent.items()}
        where, values = _equal({**outer, **key})
        sets = ", ".join(f'"{name}" = ?' for name in changes)
        cursor = self.book.execute(
            f"UPDATE {{{entity.table}}} SET {sets} WHERE {where}",
            [*(_stored(each) for each in changes.values()), *values],
        )
        return cursor.rowcount

    def delete(self, table: str, key: Row) -> int:
        where, values = _equal(key)
        return self.book.execute(f"DELETE FROM {{{table}}} WHERE {where}", values).rowcount

    def delete_children(self, child: Type, parent: Row) -> int:
        """Remove the members of a collection that belong to this parent; how many there were."""
        return self.delete(child.table, {parent_column(child, name): value for name, value in parent.items()})

    def allot(self, counter: str, first: int) -> int:
        """The next number of a counter; a number that was given is never given again, whatever is deleted."""
        row = self.book.row('SELECT "Last" FROM {counters} WHERE "Name" = ?', (counter,))
        number = first if row is None else int(row[0]) + 1
        self.book.execute("INSERT OR REPLACE INTO {counters} VALUES (?, ?)", (counter, number))
        return number

    def one(self, entity: Type, key: Row) -> Row | None:
        """The row with that key, without its collections."""
        where, values = _equal(key)
        found = self.select(entity, where, values, limit=1)
        return found[0] if found else None

    def select(
        self,
        entity: Type,
        where: str = "1",
        values: Sequence[Value] = (),
        order: str = "",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Row]:
        """Rows in the given order (by key when none is given), without their collections."""
        by = order or _names(entity.key) or "rowid"
        found = self.book.rows(
            f"SELECT * FROM {{{entity.table}}} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?", [*values, limit, offset]
        )
        return [_loaded(entity, row) for row in found]

    def children(
        self, entity: Type, parent_key: Sequence[str], rows: Sequence[Row]
    ) -> dict[tuple[object, ...], list[Row]]:
        """The members of a collection for several parents, by the parent's key, in the order they were written."""
        found: dict[tuple[object, ...], list[Row]] = {tuple(row[name] for name in parent_key): [] for row in rows}
        columns = [parent_column(entity, name) for name in parent_key]
        for chunk in _chunks(list(found), 200):
            where = " OR ".join("(" + " AND ".join(f'"{name}" = ?' for name in columns) + ")" for _ in chunk)
            values = [_stored(part) for key in chunk for part in key]
            for row in self.book.rows(f"SELECT * FROM {{{entity.table}}} WHERE {where} ORDER BY rowid", values):
                found[tuple(row[name] for name in columns)].append(_loaded(entity, row))
        return found

    def count(self, entity: Type, where: str = "1", values: Sequence[Value] = ()) -> int:
        found = self.book.row(f"SELECT count(*) FROM {{{entity.table}}} WHERE {where}", values)
        return int(found[0]) if found is not None else 0

    def next_number(self, table: str, column: str, first: int) -> int:
        """One more than the highest there is."""
        found = self.book.row(f'SELECT max("{column}") FROM {{{table}}}')
        return first if found is None or found[0] is None else int(found[0]) + 1


def amount(value: int | None) -> Decimal:
    """Millionths from the database as an amount."""
    return Decimal(0 if value is None else value) / _MILLION


def parent_column(child: Type, name: str) -> str:
    """The column of a child table that holds a key of its parent; a child may have a property of that name itself."""
    return f"Parent{name}" if child.get(name) is not None else name


def _key_fields(entity: Type) -> Iterable[Field]:
    return (each for each in entity.fields if each.name in entity.key)


def _column(each: Field) -> str:
    return f'"{each.name}" {_KINDS.get(each.type, "TEXT")}'


def _names(columns: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _equal(key: Mapping[str, object]) -> tuple[str, list[Value]]:
    return " AND ".join(f'"{name}" = ?' for name in key), [_stored(value) for value in key.values()]


def _stored(value: object) -> Value:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return millionths(value)
    if isinstance(value, (dict, list)):
        return to_json(value)
    raise TypeError(f"not a value of the database: {value!r}")


def _loaded(entity: Type, row: StoredRow) -> Row:
    # A stored row looks each name up by going through all of them.
    found = dict(zip(row.keys(), row, strict=True))
    loaded: Row = {name: found[name] for name in entity.columns}
    for name in entity.amounts:
        if (stored := found[name]) is not None:
            loaded[name] = Decimal(stored) / _MILLION if stored else _ZERO
    for each in entity.embedded:
        text = loaded[each.name]
        loaded[each.name] = from_json(str(text).encode()) if text is not None else [] if each.is_collection else None
    return loaded


def _chunks(keys: list[tuple[object, ...]], size: int) -> Iterable[list[tuple[object, ...]]]:
    return (keys[start : start + size] for start in range(0, len(keys), size))
