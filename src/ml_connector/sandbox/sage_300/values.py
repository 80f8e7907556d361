"""From a JSON body to values the company can work with: known properties, the right types, dates as the server sees them.

What does not fit the model is refused as a whole before anything is put (400 ``InvalidPayload``). The order of properties
is kept: it is the order in which they are put (dossier, section 4.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ml_connector.sandbox.sage_300.errors import bad_payload
from ml_connector.sandbox.sage_300.schema import ENUMS, NUMBERED, Field, Model, Row, Schema

ROWS_MAX = 10_000
_NUMBER_MAX = Decimal(10) ** 12
_DATE = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.\d{1,7})?(Z|[+-]\d{2}:\d{2})?)?",
)


class Reader:
    """Bodies for one company. ``day_shift_hours``: how far west of UTC the server keeps its days (dossier, section 4.4)."""

    def __init__(self, schema: Schema, day_shift_hours: int) -> None:
        self._schema = schema
        self._shift = timedelta(hours=day_shift_hours)

    def read(self, body: object, model: Model, where: str = "") -> Row:
        """A body as a row that holds only what was sent, in the order sent. Raises 400 ``InvalidPayload``."""
        if not isinstance(body, Mapping):
            raise bad_payload(f"{where or 'The body'} is not an object.")
        row: Row = {}
        for name, value in body.items():
            if "@" in name:
                continue
            declared = model.by_name.get(name)
            if declared is None:
                raise bad_payload(f"The property '{where}{name}' does not exist on type '{model.name}'.")
            if declared.kind in ("list", "opaque"):
                row[name] = self._rows(declared, value, f"{where}{name}")
            elif value is not None:
                row[name] = self._scalar(declared, value, f"{where}{name}")
        return row

    def _rows(self, declared: Field, value: object, where: str) -> list[Row]:
        if not isinstance(value, list) or len(value) > ROWS_MAX:
            raise bad_payload(f"'{where}' is not a collection of at most {ROWS_MAX} rows.")
        if declared.kind == "opaque":
            if value:
                raise bad_payload(f"'{where}' is not in use in this company.")
            return []
        member = self._schema.models[declared.of]
        return [self.read(each, member, f"{where}[{number}].") for number, each in enumerate(value)]

    def _scalar(self, declared: Field, value: object, where: str) -> object:
        read = _READERS[declared.kind](declared, value)
        if declared.kind == "date" and isinstance(value, str):
            read = self.day(value)
        if read is None:
            raise bad_payload(f"The value of '{where}' cannot be converted to its type.")
        return read

    def day(self, value: str) -> str | None:
        """The calendar day that the server keeps for a date as sent; None where it is none (dossier, section 4.4)."""
        match = _DATE.fullmatch(value)
        if match is None:
            return None
        zone = (match[3] or "Z").replace("Z", "+00:00")
        try:
            instant = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}{zone}")
            return (instant.astimezone(UTC) - self._shift).date().isoformat()
        except (ValueError, OverflowError):
            return None


def number(value: object) -> Decimal | None:
    """A JSON number, or text that is one (Sage's own samples send both), below 10^12; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,13}(\.\d{1,10})?", value) is None:
        return None
    read = Decimal(value)
    return read if abs(read) < _NUMBER_MAX else None


def member(enum: str, value: object) -> str | None:
    """The member of an enumeration for its name, or its number as text; None where there is no such member."""
    if not isinstance(value, str):
        return None
    named = NUMBERED.get(enum, {}).get(value, value)
    return named if named in ENUMS[enum] else None


def _text(_declared: Field, value: object) -> str | None:
    if not isinstance(value, str) or any(each == "\0" or "\ud800" <= each <= "\udfff" for each in value):
        return None
    return value


def _whole(_declared: Field, value: object) -> int | None:
    read = number(value)
    return int(read) if read is not None and read == int(read) and abs(read) < 2**31 else None


def _flag(_declared: Field, value: object) -> bool | None:
    return value if isinstance(value, bool) else None


_READERS = {
    "text": _text,
    "word": _text,
    "enum": lambda declared, value: member(declared.of, value),
    "date": _text,
    "decimal": lambda _declared, value: number(value),
    "int": _whole,
    "bool": _flag,
}
