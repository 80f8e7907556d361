"""What a client may send for an entity: known properties, the right types, no more characters than fit."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.sap_business_one.errors import invalid_property, malformed, rejected
from ml_connector.sandbox.sap_business_one.filters import exact, iso_date
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, DATE, INTEGER, STRING, Field, Row, Schema, Type

MEMBERS_MAX = 10_000


def accepted(body: object, entity: Type, schema: Schema, where: str = "") -> Row:
    """A body as a row: only what was sent and may be written; dates as ISO text, amounts exact, enums by name.

    An unknown property is refused, annotations and read-only properties are ignored (dossier, sections 4.2 and 6).
    Raises :class:`ServiceLayerError`.
    """
    if not isinstance(body, Mapping):
        raise malformed("The request body is not an object.")
    row: Row = {}
    for name, value in body.items():
        if "@" in name or name.startswith("odata."):
            continue
        declared = entity.get(name)
        if declared is None:
            raise invalid_property(name, entity.name)
        if declared.member_type:
            row[name] = _members(declared, value, schema)
        elif declared.writable:
            row[name] = _value(declared, value, schema, f"{where}{name}")
    return row


def with_defaults(row: Row, entity: Type) -> Row:
    """The row with every column: what was not sent takes its default, null where it has none."""
    return {each.name: row.get(each.name, each.default) for each in entity.scalars}


def _members(declared: Field, value: object, schema: Schema) -> list[Row]:
    if not isinstance(value, list) or len(value) > MEMBERS_MAX:
        raise malformed(f"'{declared.name}' is not a collection of at most {MEMBERS_MAX} members.")
    child = schema.types[declared.member_type]
    return [accepted(each, child, schema, f"{declared.name}[{number}].") for number, each in enumerate(value)]


def _value(declared: Field, value: object, schema: Schema, where: str) -> object:
    """One scalar. Numbers may come as numeric text, enums as name or database code (dossier, section 4.2)."""
    if value is None:
        return declared.default
    wrong = rejected(f"Invalid value in property '{where}'.")
    if declared.type == STRING:
        if not isinstance(value, str) or any("\ud800" <= character <= "\udfff" for character in value):
            raise wrong
        if declared.length is not None and len(value) > declared.length:
            raise rejected(f"Value too long in property '{where}'.")
        return value
    if declared.type == DATE:
        day = iso_date(value) if isinstance(value, str) else None
        if day is None:
            raise wrong
        return day
    if declared.type in (INTEGER, AMOUNT):
        number = exact(value)
        if number is None or (declared.type == INTEGER and (number != int(number) or abs(number) >= 2**31)):
            raise wrong
        return int(number) if declared.type == INTEGER else number
    member = schema.enums[declared.type].member(value) if isinstance(value, str) else None
    if member is None:
        raise wrong
    return member
