"""The company's database: one table per resource, a row per record, its properties as one JSON document.

Only what differs from a model's defaults is written. Decimals are integers of millionths below this file (no number of
the company has more than six decimals), so that comparisons are exact; above it they are ``Decimal``.
"""
# ruff: noqa: S608 - names in statements come from the schema's tables; values are always bound

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from ml_connector.sandbox.ledger import Book, Value
from ml_connector.sandbox.sage_300.schema import Field, Model, Row, Schema, blank

_MILLION = Decimal(1_000_000)
_NUMBER_DIGITS = 19
_SEPARATOR = "\x1f"


class Records:
    """Records by resource name and key. Every write is called inside a transaction of the book."""

    def __init__(self, book: Book, schema: Schema) -> None:
        self.book = book
        self._schema = schema
        for resource in schema.resources.values():
            if resource.model and resource.key:
                book.create(resource.name, "seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, doc TEXT NOT NULL")
        book.create("numbers", "name TEXT PRIMARY KEY, last INTEGER NOT NULL")

    def index(self, resource: str, name: str) -> None:
        """An index on a property, so that the simulator's speed does not depend on its history."""
        expression = column(self._schema.model_of(resource).by_name[name])
        self.book.execute(f"CREATE INDEX IF NOT EXISTS {{ix_{resource}_{name}}} ON {{{resource}}} ({expression})")

    def next_number(self, name: str, first: int = 1) -> int:
        """The next number of a series."""
        self.book.execute("INSERT OR IGNORE INTO {numbers} VALUES (?, ?)", (name, first - 1))
        self.book.execute("UPDATE {numbers} SET last = last + 1 WHERE name = ?", (name,))
        found = self.book.row("SELECT last FROM {numbers} WHERE name = ?", (name,))
        if found is None:
            raise AssertionError(f"the series {name} is gone")
        return int(found["last"])

    def insert(self, resource: str, row: Row) -> None:
        """Write a new record. The caller has seen that its key is free."""
        document = _stored(row, self._schema.model_of(resource), self._schema)
        self.book.execute(
            f"INSERT INTO {{{resource}}} (key, doc) VALUES (?, ?)", (self._key(resource, row), _text(document))
        )

    def save(self, resource: str, row: Row) -> None:
        """Write an existing record again, as a whole."""
        document = _stored(row, self._schema.model_of(resource), self._schema)
        self.book.execute(
            f"UPDATE {{{resource}}} SET doc = ? WHERE key = ?", (_text(document), self._key(resource, row))
        )

    def get(self, resource: str, *key: object) -> Row | None:
        """The record with that key, None where there is none."""
        names = self._schema.resources[resource].key
        text = self._key(resource, dict(zip(names, key, strict=True)))
        found = self.book.row(f"SELECT doc FROM {{{resource}}} WHERE key = ?", (text,))
        return None if found is None else self._row(resource, found["doc"])

    def delete(self, resource: str, *key: object) -> bool:
        """Remove the record with that key; False where there is none."""
        names = self._schema.resources[resource].key
        text = self._key(resource, dict(zip(names, key, strict=True)))
        return self.book.execute(f"DELETE FROM {{{resource}}} WHERE key = ?", (text,)).rowcount == 1

    def select(
        self,
        resource: str,
        where: str = "1",
        values: Sequence[Value] = (),
        order: str = "",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Row]:
        """Records in the given order, by key when none is given."""
        by = f"{order}, key" if order else "key"
        found = self.book.rows(
            f"SELECT doc FROM {{{resource}}} WHERE {where} ORDER BY {by} LIMIT ? OFFSET ?", [*values, limit, offset]
        )
        return [self._row(resource, each["doc"]) for each in found]

    def find(self, resource: str, **equal: str) -> list[Row]:
        """Records whose text properties have those values."""
        model = self._schema.model_of(resource)
        where = " AND ".join(f"{column(model.by_name[name])} = ?" for name in equal)
        return self.select(resource, where, list(equal.values()))

    def count(self, resource: str, where: str = "1", values: Sequence[Value] = ()) -> int:
        found = self.book.row(f"SELECT count(*) FROM {{{resource}}} WHERE {where}", values)
        return 0 if found is None else int(found[0])

    def key_of(self, *key: object) -> str:
        """A key as the ledger sorts it."""
        return _SEPARATOR.join(_key_part(part) for part in key)

    def _key(self, resource: str, row: Mapping[str, object]) -> str:
        return self.key_of(*(row[name] for name in self._schema.resources[resource].key))

    def _row(self, resource: str, document: str) -> Row:
        return _loaded(json.loads(document), self._schema.model_of(resource), self._schema)


def column(field: Field) -> str:
    """The SQL expression of a property, the same in conditions and indexes."""
    path = f"json_extract(doc, '$.{field.name}')"
    default = _plain(field.default)
    if default is None:
        return path
    return f"ifnull({path}, {default})" if isinstance(default, int) else f"ifnull({path}, '{default}')"


def millionths(number: Decimal) -> int:
    """A decimal as the database keeps it."""
    return int((number * _MILLION).to_integral_value(rounding="ROUND_HALF_UP"))


def _key_part(value: object) -> str:
    """Numbers sort as numbers."""
    if isinstance(value, (int, Decimal)):
        return f"{int(value):0{_NUMBER_DIGITS}d}"
    return str(value)


def _plain(value: object) -> object:
    return millionths(value) if isinstance(value, Decimal) else int(value) if isinstance(value, bool) else value


def _text(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _stored(row: Row, model: Model, schema: Schema) -> dict[str, object]:
    """A row without what is as by default."""
    document: dict[str, object] = {}
    for name, value in row.items():
        declared = model.by_name[name]
        if declared.kind == "list":
            if value:
                member = schema.models[declared.of]
                document[name] = [_stored(each, member, schema) for each in _rows(value)]
        elif declared.kind == "decimal" and isinstance(value, (Decimal, int)):
            if value != declared.default:
                document[name] = millionths(Decimal(value))
        elif declared.kind != "opaque" and value != declared.default:
            document[name] = _plain(value)
    return document


def _loaded(document: Mapping[str, object], model: Model, schema: Schema) -> Row:
    row = blank(model)
    for name, value in document.items():
        row[name] = _value(model.by_name[name], value, schema)
    return row


def _value(declared: Field, value: object, schema: Schema) -> object:
    if declared.kind == "list":
        member = schema.models[declared.of]
        return [_loaded(each, member, schema) for each in _rows(value)]
    if declared.kind == "decimal" and isinstance(value, int):
        return Decimal(value) / _MILLION
    return bool(value) if declared.kind == "bool" else value


def _rows(value: object) -> Iterable[Row]:
    if not isinstance(value, list):
        raise TypeError(f"not a collection: {value!r}")
    return value


def each_row(row: Row, name: str) -> list[Row]:
    """The rows of a collection."""
    value = row[name]
    if not isinstance(value, list):
        raise TypeError(f"{name} is not a collection")
    return value


def amount(row: Mapping[str, object], name: str) -> Decimal:
    """A decimal property."""
    value = row[name]
    if not isinstance(value, (Decimal, int)):
        raise TypeError(f"{name} is not a number: {value!r}")
    return Decimal(value)


def text(row: Mapping[str, object], name: str) -> str:
    """A text, word, enumeration or date property; "" for null."""
    value = row[name]
    return "" if value is None else str(value)
