"""Stored queries: what they may read, running them, and the pages they answer in (dossier, section 5.6).

In the real database enums are codes, times are numbers, and columns have names of their own; queries see them so.
"""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.ledger import Value
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.errors import (
    NOT_PERMITTED,
    ServiceLayerError,
    duplicate,
    rejected,
)
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, TIME, Field, Row, Schema, Type
from ml_connector.sandbox.sap_business_one.sql_columns import COLUMNS
from ml_connector.sandbox.sap_business_one.sql_text import Source, compile_query, syntax
from ml_connector.sandbox.sap_business_one.tables import Tables, parent_column
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

#: Tables that queries may read; journal, accounts, tax groups and warehouses are not among them.
ALLOWED = frozenset(
    [
        "OITM",
        "ITM1",
        "OITW",
        "OPLN",
        "OSPP",
        "SPP1",
        "OCRD",
        "CRD1",
        "OINV",
        "INV1",
        "INV3",
        "ORIN",
        "RIN1",
        "RIN3",
        "ORDR",
        "RDR1",
        "RDR3",
        "ODLN",
        "DLN1",
        "DLN3",
        "ORCT",
        "RCT2",
        "RCT4",
        "OCRN",
        "OBPL",
    ]
)
_PARAMETER = re.compile(r"\s*(?P<name>\w+)\s*=\s*(?:'(?P<text>(?:[^']|'')*)'|(?P<number>-?\d+(?:\.\d+)?))\s*")


@dataclass(frozen=True, slots=True)
class Result:
    """One page of a query's rows. ``next_skip`` is None on the last page."""

    rows: list[Row]
    next_skip: int | None


class SqlQueries:
    """The stored queries of one company."""

    def __init__(self, tables: Tables, catalog: Catalog, switches: Switches, wall: Wall, seed: int) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._wall = wall
        self._seed = seed

    def check_permitted(self) -> None:
        """A user may lack the authorization for queries (switch)."""
        if self._switches.text("sql_queries") == "forbidden":
            raise ServiceLayerError(403, NOT_PERMITTED, "You are not permitted to perform this action")

    def create(self, sent: Row) -> Row:
        """Store a query and return its key. Raises :class:`ServiceLayerError` where its text is not allowed."""
        key: Row = {"SqlCode": sent.get("SqlCode")}
        if not sent.get("SqlCode") or not sent.get("SqlText"):
            raise rejected("Specify SqlCode and SqlText of 'SQLQuery'.")
        if self._tables.one(self._type, key) is not None:
            raise duplicate()
        day = self._wall.day()
        row = {**sent, "CreateDate": day, "UpdateDate": day, "ParamList": self._parameters(str(sent["SqlText"]))}
        self._tables.insert(self._type, with_defaults(row, self._type))
        return key

    def change(self, row: Row, changes: Row) -> None:
        kept = {name: value for name, value in changes.items() if name != "SqlCode"}
        if "SqlText" in kept:
            kept["ParamList"] = self._parameters(str(kept["SqlText"]))
        kept["UpdateDate"] = self._wall.day()
        self._tables.update(self._type, {"SqlCode": row["SqlCode"]}, kept)

    def run(self, row: Row, parameters: str, skip: int, size: int) -> Result:
        """One page of a query. ``parameters`` as ``name='text'&other=5``.

        Without ORDER BY every page has an order of its own: the server promises none.
        """
        statement = compile_query(str(row["SqlText"]), self._sources())
        given = _given(parameters)
        if set(given) != set(statement.parameters):
            raise ServiceLayerError(400, "704", "Parameter error.")
        values = [given[name] for name in statement.parameters]
        try:
            cursor = self._tables.book.execute(statement.sql, values)
            names = [str(each[0]) for each in cursor.description]
            found = [dict(zip(names, map(_shown, each), strict=True)) for each in cursor.fetchall()]
        except sqlite3.OperationalError as error:
            raise syntax(f"{error}.") from error
        if not statement.ordered and len(found) > size:
            random.Random(f"{self._seed}:{skip}").shuffle(found)  # noqa: S311 - a game, not a secret
        end = skip + size
        return Result(found[skip:end], end if end < len(found) else None)

    def _parameters(self, text: str) -> str | None:
        """Names of a query's parameters, each once; the text is checked on the way."""
        names = dict.fromkeys(compile_query(text, self._sources()).parameters)
        return ",".join(names) or None

    def _sources(self) -> dict[str, Source]:
        schema = self._catalog.schema
        found: dict[str, Source] = {}
        for entity in schema.stored():
            user_table = entity.table.startswith("U_")
            if entity.table in ALLOWED or user_table:
                name = f"@{entity.table[2:]}" if user_table else entity.table
                found[name.upper()] = _source(name, entity, schema, ())
            for collection in entity.collections:
                child = schema.child(entity, collection)
                if child.table in ALLOWED:
                    found[child.table] = _source(child.table, child, schema, entity.key)
        return found

    @property
    def _type(self) -> Type:
        return self._catalog.schema.types["SQLQuery"]


def _source(name: str, entity: Type, schema: Schema, parent_key: Sequence[str]) -> Source:
    """A table under its real column names. A child has its parent's key too, unless it is a property of its own."""
    columns: dict[str, str] = {}
    for each in parent_key:
        if entity.get(each) is None:
            columns[each] = f'"{parent_column(entity, each)}"'
    real = COLUMNS.get(entity.name, {})
    for declared in entity.scalars:
        if not declared.embedded:
            columns.setdefault(real.get(declared.name, declared.name), _expression(declared, schema))
    selected = ", ".join(f'{expression} AS "{column}"' for column, expression in columns.items())
    select = f"SELECT {selected} FROM {{{entity.table}}}"  # noqa: S608 - names from the schema
    return Source(name, select, tuple(columns))


def _expression(declared: Field, schema: Schema) -> str:
    """A property as the real database holds it."""
    column = f'"{declared.name}"'
    if declared.type == AMOUNT:
        return f"{column} / 1000000.0"
    if declared.type == TIME:
        return f"CAST(replace({column}, ':', '') AS INTEGER)"
    enum = schema.enums.get(declared.type)
    if enum is None:
        return column
    cases = " ".join(f"WHEN '{member}' THEN '{code}'" for member, _, code in enum.members)
    return f"CASE {column} {cases} END"


def _shown(value: object) -> object:
    """A result as it is answered. Sums are the database's; six decimals are what its columns hold."""
    return Decimal(f"{value:.6f}").normalize() + 0 if isinstance(value, float) else value


def _given(parameters: str) -> Mapping[str, Value]:
    """Parameters as they stand in ParamList or in the query string, quoted where they are text."""
    given: dict[str, Value] = {}
    for part in parameters.split("&") if parameters.strip() else []:
        match = _PARAMETER.fullmatch(part)
        if match is None:
            raise ServiceLayerError(400, "704", "Parameter error.")
        text, number = match["text"], match["number"]
        if text is not None:
            given[match["name"]] = text.replace("''", "'")
        else:
            given[match["name"]] = float(number) if "." in number else int(number)
    return given
