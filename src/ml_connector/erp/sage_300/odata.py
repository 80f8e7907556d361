"""Addresses and filters of the OData v4 dialect that the Web API speaks (Sage dossier, sections 5, 6). Pure.

Only what every version understands is used: comparisons joined by ``and`` and ``or`` without parentheses, ``eq gt lt`` and
``startswith`` on properties of the header. Rows are sorted here, pages are counted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar
from urllib.parse import quote

from ml_connector.domain.errors import BadAnswer
from ml_connector.transport.odata import text

#: Longest path with query that is sent: IIS refuses queries of more than 2048 characters unless it was told otherwise.
URL_MAX: Final = 1900

_T = TypeVar("_T")


def path(resource: str, **options: str) -> str:
    """``/AR/ARCustomers?$option=value``, percent-encoded. Options come without their ``$``; empty ones are left out."""
    query = "&".join(f"${name}={quote(value, safe='(),:')}" for name, value in options.items() if value)
    return "/" + quote(resource, safe="$(),='/") + (f"?{query}" if query else "")


def equal(name: str, value: str | int) -> str:
    """``Name eq 'value'``, or ``Name eq 75`` for a number."""
    return f"{name} eq {value if isinstance(value, int) else text(value)}"


def any_of(terms: Sequence[str]) -> str:
    """Terms joined by ``or``; ``and`` inside a term binds closer, so that no parentheses are needed."""
    return " or ".join(terms)


def instant(day: date) -> str:
    """A day as filters take it: midnight with Z, unquoted."""
    return f"{day.isoformat()}T00:00:00Z"


def rows_of(data: Any) -> list[dict[str, Any]]:
    """The rows of a feed."""
    rows = data.get("value") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadAnswer("Sage 300 answered something else than a list of rows.")
    return rows


def annotation(data: Mapping[str, Any], name: str) -> Any:
    """An annotation in either spelling: ``@odata.count`` today, ``odata.count`` in the manual (dossier, section 5)."""
    return data.get(f"@odata.{name}", data.get(f"odata.{name}"))


def fitting(items: Sequence[_T], address: Callable[[Sequence[_T]], str]) -> Iterator[list[_T]]:
    """``items`` in order, in groups as large as :data:`URL_MAX` allows, of at least one."""
    group: list[_T] = []
    for item in items:
        if group and len(address([*group, item])) > URL_MAX:
            yield group
            group = []
        group.append(item)
    if group:
        yield group
