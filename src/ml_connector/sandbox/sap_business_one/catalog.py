"""The schema as this company has it: the shipped table, its own user tables and user fields, the lengths of its build."""

from __future__ import annotations

import re
from dataclasses import replace

from ml_connector.sandbox.sap_business_one.entities import SHIPPED, user_table
from ml_connector.sandbox.sap_business_one.errors import duplicate, not_found, rejected
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, DATE, INTEGER, STRING, Field, Row, Schema, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.values import with_defaults
from ml_connector.sandbox.switches import Switches

_FIELD_TYPES = {"db_Alpha": STRING, "db_Memo": STRING, "db_Numeric": INTEGER, "db_Date": DATE, "db_Float": AMOUNT}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ALPHA_SIZE_MAX = 254


class Catalog:
    """``schema`` is what requests see. What users add is seen at once, or after :meth:`restart` where a switch says so."""

    def __init__(self, tables: Tables, switches: Switches) -> None:
        self._tables = tables
        self._switches = switches
        self._shipped = _with_lengths(SHIPPED, switches)
        tables.create_all(self._shipped)
        self.schema = self._read()
        self._stale = False

    def restart(self) -> None:
        """The server starts again: everything users added is seen."""
        self.schema = self._read()
        self._stale = False

    def refresh(self) -> None:
        """After a transaction, kept or rolled back: see what it did to user tables and fields, if anything."""
        if self._stale and not self._switches.on("new_fields_need_restart"):
            self.restart()

    def add_table(self, row: Row) -> Row:
        """POST UserTablesMD: the table and its entity ``U_<name>``. Only tables without an object have an entity here."""
        self._stale = True
        name = _checked(row.get("TableName"), "TableName")
        if any(
            str(known["TableName"]).upper() == name.upper() for known in self._tables.select(self._of("UserTablesMD"))
        ):
            raise duplicate()
        full = with_defaults(row, self._of("UserTablesMD"))
        self._tables.insert(self._of("UserTablesMD"), full)
        self._tables.create(user_table(name, self._code_length())[0], self._shipped)
        return full

    def remove_table(self, key: Row) -> None:
        self._stale = True
        if not self._tables.delete("OUTB", key):
            raise not_found()
        self._tables.delete("CUFD", {"TableName": f"@{key['TableName']}"})
        self._tables.book.execute(f"DROP TABLE {{U_{key['TableName']}}}")

    def add_field(self, row: Row) -> Row:
        """POST UserFieldsMD: a column ``U_<name>`` on a table of the company (dossier, section 6.7)."""
        self._stale = True
        name = _checked(row.get("Name"), "Name")
        entity = self._holder(str(row.get("TableName") or ""))
        if any(each.name.upper() == f"U_{name}".upper() for each in entity.fields):
            raise duplicate()
        full = with_defaults(row, self._of("UserFieldMD"))
        size = full["EditSize"] or full["Size"] or 10
        if not isinstance(size, int) or not 0 < size <= _ALPHA_SIZE_MAX:
            raise rejected("Invalid value in property 'Size'.")
        taken = self._tables.select(self._of("UserFieldMD"), '"TableName" = ?', [str(row["TableName"])])
        full.update(
            Size=size, EditSize=size, FieldID=max((int(str(each["FieldID"])) for each in taken), default=-1) + 1
        )
        self._tables.insert(self._of("UserFieldMD"), full)
        column = _user_field(full)
        for table in self._tables_of(entity):
            self._tables.add_column(table, column)
            if column.type == STRING:
                self._tables.index(table, (column.name,))
        return full

    def remove_field(self, key: Row) -> None:
        """DELETE UserFieldsMD: the column and what it held are gone."""
        self._stale = True
        found = self._tables.one(self._of("UserFieldMD"), key)
        if found is None:
            raise not_found()
        entity = self._holder(str(found["TableName"]))
        column = f"U_{found['Name']}"
        for table in self._tables_of(entity):
            self._tables.book.execute(f"DROP INDEX IF EXISTS {{ix_{table}_{column}}}")
            self._tables.book.execute(f'ALTER TABLE {{{table}}} DROP COLUMN "{column}"')
        self._tables.delete("CUFD", key)

    def _holder(self, table: str) -> Type:
        """The type whose table it is, with all its user fields, seen already or not; ``@ML_LINK`` is a user table."""
        schema = self._read()
        name = _types_by_table(schema).get(f"U_{table[1:]}" if table.startswith("@") else table)
        if name is None:
            raise rejected(f"Table '{table}' does not exist.")
        return schema.types[name]

    def _tables_of(self, entity: Type) -> list[str]:
        """Every table that rows of this type are in: a field of one marketing document is a field of all (section 6.7)."""
        return [table for table, name in _types_by_table(self._read()).items() if name == entity.name]

    def _of(self, name: str) -> Type:
        return self._shipped.types[name]

    def _code_length(self) -> int:
        return self._switches.number("user_table_code_length")

    def _read(self) -> Schema:
        types, sets = dict(self._shipped.types), dict(self._shipped.sets)
        if self._switches.text("sql_queries") == "missing":
            del sets["SQLQueries"]
        for table in self._tables.select(self._of("UserTablesMD")):
            entity, entity_set = user_table(str(table["TableName"]), self._code_length())
            types[entity.name], sets[entity_set.name] = entity, entity_set
        bare = Schema(self._shipped.enums, types, sets, self._shipped.operations)
        fields = self._tables.select(self._of("UserFieldMD"))
        by_table = _types_by_table(bare) if fields else {}
        added: dict[str, list[Field]] = {}
        for row in fields:
            added.setdefault(by_table[str(row["TableName"]).replace("@", "U_")], []).append(_user_field(row))
        widened = {
            name: entity.with_fields(tuple(added[name])) if name in added else entity for name, entity in types.items()
        }
        return Schema(bare.enums, widened, sets, bare.operations)


def _types_by_table(schema: Schema) -> dict[str, str]:
    """Which type the rows of a table have, those of collections too."""
    found: dict[str, str] = {}
    for entity in schema.stored():
        found[entity.table] = entity.name
        found.update({schema.child(entity, each).table: each.member_type for each in entity.collections})
    return found


def _user_field(row: Row) -> Field:
    kind = str(row["Type"])
    size = row["Size"]
    return Field(
        f"U_{row['Name']}",
        _FIELD_TYPES[kind],
        length=size if kind == "db_Alpha" and isinstance(size, int) else None,
    )


def _checked(name: object, where: str) -> str:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise rejected(f"Invalid value in property '{where}'.")
    return name


def _with_lengths(schema: Schema, switches: Switches) -> Schema:
    """The shipped schema with the lengths that are open questions."""
    entry = schema.types["JournalEntry"]
    fields = tuple(
        replace(each, length=switches.number("reference3_length")) if each.name == "Reference3" else each
        for each in entry.fields
    )
    return replace(schema, types={**schema.types, "JournalEntry": replace(entry, fields=fields)})
