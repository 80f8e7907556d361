"""Addresses, literals and bodies of the OData dialects that the Service Layer speaks (SAP dossier, 4, 5.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from ml_connector.domain.errors import BadAnswer
from ml_connector.transport.odata import encode as encode
from ml_connector.transport.odata import text as text


@dataclass(frozen=True, slots=True)
class Wire:
    """One version of the protocol, as far as a client notices (dossier, section 4).

    ``root`` is where the Service Layer itself sees its resources, whatever stands before it in the address. ``reads``: the
    HTTP method of an operation that only reads. Error envelopes, dates, and the status of a batch are understood in either
    form whatever the version: servers were seen to mix them.
    """

    name: str
    root: str
    label: str
    reads: str


V1: Final = Wire("v1", "/b1s/v1", "OData 3", reads="POST")
V2: Final = Wire("v2", "/b1s/v2", "OData 4", reads="GET")
WIRES: Final = (V1, V2)


def wire_of(base_url: str) -> Wire | None:
    """The version that an address names at its end, None where it names none."""
    return next((wire for wire in WIRES if base_url.endswith(wire.root)), None)


#: Longest path with query that is sent (dossier 9: the server's own limit is not verified, 2 to 4 KB).
URL_MAX: Final = 2000


def by_key(entity_set: str, key: str | int) -> str:
    """``Items('A''B')`` or ``JournalEntries(4711)``, not yet percent-encoded."""
    return f"{entity_set}({key if isinstance(key, int) else text(key)})"


def path(resource: str, **options: str) -> str:
    """``/resource?$option=value``, percent-encoded. Option names come without their ``$``; empty ones are left out."""
    query = "&".join(f"${name}={quote(value, safe='(),:')}" for name, value in options.items() if value)
    return "/" + quote(resource, safe="$(),='") + (f"?{query}" if query else "")


def any_of(field: str, values: Sequence[str]) -> str:
    """``field eq 'a' or field eq 'b'``."""
    return " or ".join(f"{field} eq {text(value)}" for value in values)


def beyond(key: Sequence[str], last: Sequence[str | int]) -> str:
    """The condition for rows after the one with the key values ``last``, in the order of ``key``."""
    terms: list[str] = []
    for place, name in enumerate(key):
        same = [f"{other} eq {_literal(value)}" for other, value in zip(key[:place], last, strict=False)]
        terms.append(" and ".join([*same, f"{name} gt {_literal(last[place])}"]))
    return " or ".join(f"({term})" if " and " in term else term for term in terms)


def _literal(value: str | int) -> str:
    return str(value) if isinstance(value, int) else text(value)


def listed(data: Any) -> list[dict[str, Any]]:
    """The rows of a collection answer, of either version."""
    rows = data.get("value") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadAnswer("SAP Business One answered something else than a list of rows.")
    return rows


def goes_on(data: Any) -> bool:
    """Whether a collection answer says that there are more rows. What its link says beyond that is not heeded: some
    servers drop the other options from it (dossier 5.2)."""
    return isinstance(data, dict) and bool(data.get("@odata.nextLink") or data.get("odata.nextLink"))
