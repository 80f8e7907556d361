"""What the two wire versions do differently, in one place (dossier, section 4), and JSON with exact numbers.

Only v2 (OData v4) is served now; another version is another :class:`Wire` and its own ``$metadata``.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from json.encoder import encode_basestring

from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError
from ml_connector.sandbox.sap_business_one.schema import DATE, Row, Schema, Type

#: The build whose texts and property order are answered: major 10, minor 00, build 280 (dossier, section 3.2).
BUILD = "1000280"


@dataclass(frozen=True, slots=True)
class Wire:
    """One version of the protocol. ``root`` is its path, ``error`` words a refusal as a JSON object."""

    root: str
    content_type: str
    version_header: tuple[str, str]
    annotation: str
    date_suffix: str
    error: Callable[[ServiceLayerError], Mapping[str, object]]
    batch_status: int
    content_id_in_part: bool


def error_of_v1(refusal: ServiceLayerError) -> Mapping[str, object]:
    """The envelope of OData v3: a number and an object. v2 servers were seen to answer it as well (section 3.4)."""
    return {"error": {"code": int(refusal.code), "message": {"lang": "en-us", "value": refusal.message}}}


def _error_of_v2(refusal: ServiceLayerError) -> Mapping[str, object]:
    if refusal.status == 401:
        return {"error": {"code": refusal.code, "message": refusal.message}}
    return {
        "error": {"code": refusal.code, "details": [{"code": "", "message": ""}], "message": refusal.message},
    }


V2 = Wire(
    root="/b1s/v2",
    content_type="application/json;odata.metadata=minimal;charset=utf-8",
    version_header=("OData-Version", "4.0"),
    annotation="@odata.",
    date_suffix="T00:00:00Z",
    error=_error_of_v2,
    batch_status=200,
    content_id_in_part=True,
)


@dataclass(slots=True)
class Renderer:
    """Rows as the wire shows them.

    The order of properties is drawn from build and seed: it is not stable between real versions either (dossier, section
    13, point 19), so nobody may read by position.
    """

    wire: Wire
    seed: int
    _orders: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def row(self, entity: Type, row: Row, schema: Schema, only: Sequence[str] = ()) -> dict[str, object]:
        """A row's properties with its collections; ``only`` those, where ``$select`` named some."""
        shown: dict[str, object] = {}
        for name in self._order(entity):
            if only and name not in only:
                continue
            declared = entity.get(name)
            if declared is None:
                raise AssertionError(f"{entity.name} lost {name}")
            if declared.member_type:
                members = row[name]
                if not isinstance(members, list):
                    raise AssertionError(f"{entity.name}.{name} was not read")
                child = schema.types[declared.member_type]
                shown[name] = [self.row(child, member, schema) for member in members]
            else:
                shown[name] = self._value(declared.type, row[name])
        return shown

    def _value(self, edm_type: str, value: object) -> object:
        if edm_type == DATE and value is not None:
            return f"{value}{self.wire.date_suffix}"
        return value

    def _order(self, entity: Type) -> list[str]:
        names = [each.name for each in entity.fields]
        known = (entity.name, len(names))
        if known not in self._orders:
            own = [name for name in names if not name.startswith("U_")]
            random.Random(f"{BUILD}:{self.seed}:{entity.name}").shuffle(own)  # noqa: S311 - a game, not a secret
            self._orders[known] = own + [name for name in names if name.startswith("U_")]
        return self._orders[known]


def etag(data_version: int) -> str:
    """The weak ETag of a data version: it is not unique per entity (dossier, section 4.3)."""
    digest = hashlib.sha1(str(data_version).encode(), usedforsecurity=False).hexdigest().upper()
    return f'W/"{digest}"'


def to_json(value: object) -> str:
    """JSON text; amounts as numbers with at least one decimal (``310.5``, ``0.0``), exactly."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join([f"{encode_basestring(name)}: {to_json(each)}" for name, each in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([to_json(each) for each in value]) + "]"
    return json.dumps(value)


def from_json(body: bytes) -> object:
    """A request body, numbers exact. Raises ValueError where it is not JSON in UTF-8, or holds NaN or Infinity."""
    return json.loads(body.decode("utf-8"), parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _number(value: Decimal) -> str:
    text = f"{value:f}"
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text
