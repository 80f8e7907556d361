"""What the company says, as the wire shows it: JSON with exact numbers, dates with a time, padded text, annotations.

Source: Sage 300 dossier, sections 4.2, 4.4 and 5.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring

from ml_connector.sandbox.sage_300.errors import SageError
from ml_connector.sandbox.sage_300.records import each_row
from ml_connector.sandbox.sage_300.schema import Field, Model, Row, Schema
from ml_connector.sandbox.switches import Switches

JSON = "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Renderer:
    """Rows as the wire shows them: every property of the model, in the model's order (dossier, section 4.5)."""

    def __init__(self, schema: Schema, switches: Switches) -> None:
        self._schema = schema
        self._padded = switches.on("padded_text")
        self._midnight = "T00:00:00Z" if switches.on("dates_with_z") else "T00:00:00"
        self.prefix = "odata." if switches.on("old_annotations") else "@odata."
        self.count_as_text = switches.on("old_annotations")

    def row(self, row: Row, model: Model, only: Sequence[str] = ()) -> dict[str, object]:
        """A row's properties with its collections; ``only`` those, where ``$select`` named some."""
        fields = [model.by_name[name] for name in only] if only else model.fields
        return {each.name: self._shown(each, row) for each in fields}

    def _shown(self, declared: Field, row: Row) -> object:
        if declared.kind == "opaque":
            return []
        if declared.kind == "list":
            model = self._schema.models[declared.of]
            return [self.row(each, model) for each in each_row(row, declared.name)]
        value = row[declared.name]
        if declared.kind == "date":
            return f"{value}{self._midnight}" if value else None
        if self._padded and declared.kind == "text" and declared.size is not None:
            return str(value).ljust(declared.size)
        return value


def refusal(error: SageError) -> Answer:
    """A refusal in Sage's own form (dossier, section 8)."""
    members = {"error": {"code": error.code, "message": {"lang": "en-US", "value": error.message}}}
    challenge = (("WWW-Authenticate", 'Basic realm="Sage 300"'),) if error.status == 401 else ()
    return Answer(error.status, (("Content-Type", JSON), *challenge), to_json(members).encode())


def to_json(value: object) -> str:
    """JSON text; decimals exactly, without trailing zeros."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, Mapping):
        return "{" + ",".join([f"{encode_basestring(name)}:{to_json(each)}" for name, each in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([to_json(each) for each in value]) + "]"
    return json.dumps(value)


def from_json(body: bytes) -> object:
    """A request body, numbers exact, properties in the order sent. Raises ValueError where it is not JSON."""
    return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
