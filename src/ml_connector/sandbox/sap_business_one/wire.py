"""What the two wire versions do differently, in one place (dossier, section 4): OData v3 at v1, OData v4 at v2.

Everything behind this file speaks the names of v2. A property whose name equals its type's name (``BatchNumber``) is called
``BatchNumberProperty`` there, and only there.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ml_connector.sandbox.sap_business_one.errors import ServiceLayerError
from ml_connector.sandbox.sap_business_one.schema import DATE, TIME, Row, Schema, Type

#: The build whose texts and property order are answered: major 10, minor 00, build 280 (dossier, section 3.2).
BUILD = "1000280"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wire:
    """One version of the protocol. ``root`` is its path, ``error`` words a refusal as a JSON object.

    ``annotation`` begins the names of annotations, ``context`` is the name of the first one, ``single`` ends its value for
    one entity. ``count_option``: (name, value) that asks for the number of all rows. ``edm``: Edm types that are called
    otherwise here. ``operations_by_get``: functions answer GET too. ``content_id_in_part``: a batch echoes Content-ID in the
    MIME part, otherwise among the inner headers. ``content_id_needed``: every part of a change set must carry one.
    """

    version: str
    root: str
    content_type: str
    version_header: tuple[str, str]
    annotation: str
    context: str
    single: str
    count_option: tuple[str, str]
    error: Callable[[ServiceLayerError], Mapping[str, object]]
    edm: Mapping[str, str]
    renames: bool
    operations_by_get: bool
    content_id_in_part: bool
    content_id_needed: bool

    def property_name(self, entity: Type, name: str) -> str:
        """A property as this version calls it."""
        return entity.name if not self.renames and name == f"{entity.name}Property" else name

    def own_name(self, entity: Type, name: str) -> str:
        """The name behind this file of a property that a client named."""
        return f"{name}Property" if not self.renames and name == entity.name else name

    def edm_type(self, type_name: str) -> str:
        return self.edm.get(type_name, type_name)

    def headers(self, *others: tuple[str, str]) -> Headers:
        """A JSON answer's headers in recorded order: v1 puts its version before the others, v2 after them."""
        first = ("Content-Type", self.content_type)
        return (first, *others, self.version_header) if self.renames else (first, self.version_header, *others)


def error_of_v1(refusal: ServiceLayerError) -> Mapping[str, object]:
    """The envelope of OData v3: a number and an object. v2 servers were seen to answer it as well (section 3.4)."""
    return {"error": {"code": int(refusal.code), "message": {"lang": "en-us", "value": refusal.message}}}


def error_of_v2(refusal: ServiceLayerError) -> Mapping[str, object]:
    """The envelope of OData v4: texts. v1 servers were seen to answer a 401 so (section 3.4)."""
    if refusal.status == 401:
        return {"error": {"code": refusal.code, "message": refusal.message}}
    return {
        "error": {"code": refusal.code, "details": [{"code": "", "message": ""}], "message": refusal.message},
    }


V1 = Wire(
    version="v1",
    root="/b1s/v1",
    content_type="application/json;odata=minimalmetadata;charset=utf-8",
    version_header=("DataServiceVersion", "3.0"),
    annotation="odata.",
    context="metadata",
    single="/@Element",
    count_option=("$inlinecount", "allpages"),
    error=error_of_v1,
    edm={DATE: "Edm.DateTime", TIME: "Edm.Time"},
    renames=False,
    operations_by_get=False,
    content_id_in_part=False,
    content_id_needed=False,
)
V2 = Wire(
    version="v2",
    root="/b1s/v2",
    content_type="application/json;odata.metadata=minimal;charset=utf-8",
    version_header=("OData-Version", "4.0"),
    annotation="@odata.",
    context="context",
    single="/$entity",
    count_option=("$count", "true"),
    error=error_of_v2,
    edm={},
    renames=True,
    operations_by_get=True,
    content_id_in_part=True,
    content_id_needed=True,
)
WIRES = (V1, V2)


@dataclass(slots=True)
class Renderer:
    """Rows as the wire shows them. ``date_suffix`` follows every ISO date.

    The order of properties is drawn from build and seed: it is not stable between real versions either (dossier, section
    13, point 19), so nobody may read by position.
    """

    wire: Wire
    seed: int
    date_suffix: str
    _orders: dict[tuple[str, int], list[tuple[str, str, str]]] = field(default_factory=dict)

    def row(self, entity: Type, row: Row, schema: Schema, only: Sequence[str] = ()) -> dict[str, object]:
        """A row's properties with its collections; ``only`` those, where ``$select`` named some."""
        shown: dict[str, object] = {}
        for name, called, kind in self._order(entity):
            if only and called not in only:
                continue
            value = row[name]
            if not kind or value is None:
                shown[called] = value
            elif kind == DATE:
                shown[called] = f"{value}{self.date_suffix}"
            else:
                shown[called] = self._complex(schema.types[kind], value, schema)
        return shown

    def _complex(self, member: Type, value: object, schema: Schema) -> object:
        if isinstance(value, list):
            return [self.row(member, each, schema) for each in value]
        if isinstance(value, dict):
            return self.row(member, value, schema)
        raise AssertionError(f"{member.name} was not read")

    def _order(self, entity: Type) -> list[tuple[str, str, str]]:
        """Properties by our name and this version's, and what is special about them: dates, and types of complex ones."""
        known = (entity.name, len(entity.fields))
        if known not in self._orders:
            names = [each.name for each in entity.fields]
            own = [name for name in names if not name.startswith("U_")]
            random.Random(f"{BUILD}:{self.seed}:{entity.name}").shuffle(own)  # noqa: S311 - a game, not a secret
            ordered = own + [name for name in names if name.startswith("U_")]
            special = {each.name: each.member_type or (DATE if each.type == DATE else "") for each in entity.fields}
            self._orders[known] = [(name, self.wire.property_name(entity, name), special[name]) for name in ordered]
        return self._orders[known]


def etag(data_version: int) -> str:
    """The weak ETag of a data version: it is not unique per entity (dossier, section 4.3)."""
    digest = hashlib.sha1(str(data_version).encode(), usedforsecurity=False).hexdigest().upper()
    return f'W/"{digest}"'
