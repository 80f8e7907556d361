"""What a client may send for an entity: known properties, the right types, no more characters than fit."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.sap_business_one.errors import invalid_property, malformed, rejected
from ml_connector.sandbox.sap_business_one.filters import clock_time, exact, iso_date
from ml_connector.sandbox.sap_business_one.schema import AMOUNT, DATE, INTEGER, STRING, TIME, Field, Row, Schema, Type
from ml_connector.sandbox.sap_business_one.wire import V2, Wire

MEMBERS_MAX = 10_000


def accepted(body: object, entity: Type, schema: Schema, where: str = "", wire: Wire = V2) -> Row:
    """A body as a row: only what was sent and may be written; dates as ISO text, amounts exact, enums by name.

    Names are read as ``wire`` calls them and given as v2 does. An unknown property is refused, annotations and read-only properties are ignored (dossier, sections 4.2 and 6).
    Raises :class:`ServiceLayerError`.
    """
    if not isinstance(body, Mapping):
        raise malformed("The request body is not an object.")
    row: Row = {}
    for name, value in body.items():
        if "@" in name or name.startswith("odata."):
            continue
        declared = entity.get(wire.own_name(entity, name))
        if declared is None or wire.property_name(entity, declared.name) != name:
            raise invalid_property(name, entity.name)
        if declared.is_collection:
            row[declared.name] = _members(declared, value, schema, wire)
        elif declared.member_type:
            inner = schema.types[declared.member_type]
            row[declared.name] = None if value is None else accepted(value, inner, schema, f"{where}{name}.", wire)
        elif declared.writable:
            row[declared.name] = _value(declared, value, schema, f"{where}{name}")
    return row


def with_defaults(row: Row, entity: Type) -> Row:
    """The row with every column: what was not sent takes its default, null where it has none."""
    return {each.name: row.get(each.name, each.default) for each in entity.scalars}


def filled(row: Row, entity: Type, schema: Schema) -> Row:
    """The same with every member of its collections and complex properties filled in too."""
    full = with_defaults(row, entity)
    for each in entity.fields:
        value = row.get(each.name)
        if each.is_collection:
            child = schema.types[each.member_type]
            full[each.name] = [filled(member, child, schema) for member in value] if isinstance(value, list) else []
        elif each.member_type and isinstance(value, dict):
            full[each.name] = filled(value, schema.types[each.member_type], schema)
    return full


def _members(declared: Field, value: object, schema: Schema, wire: Wire) -> list[Row]:
    if not isinstance(value, list) or len(value) > MEMBERS_MAX:
        raise malformed(f"'{declared.name}' is not a collection of at most {MEMBERS_MAX} members.")
    child = schema.types[declared.member_type]
    return [accepted(each, child, schema, f"{declared.name}[{number}].", wire) for number, each in enumerate(value)]


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
    if declared.type == TIME:
        moment = clock_time(value) if isinstance(value, str) else None
        if moment is None:
            raise wrong
        return moment
    if declared.type in (INTEGER, AMOUNT):
        number = exact(value)
        if number is None or (declared.type == INTEGER and (number != int(number) or abs(number) >= 2**31)):
            raise wrong
        return int(number) if declared.type == INTEGER else number
    member = schema.enums[declared.type].member(value) if isinstance(value, str) else None
    if member is None:
        raise wrong
    return member
