"""Rows as frozen dataclasses whose fields are named as the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select

T = TypeVar("T")

#: How many values one IN list may hold: both databases have a limit, and their plans get worse with length.
IN_LIST_MAX: Final = 500


def one(
    conn: Connection, query: Select[Any], make: Callable[..., T], values: Mapping[str, Any] | None = None
) -> T | None:
    """The only row, None where there is none. ``values`` are those of a query that was made beforehand."""
    row = conn.execute(query, values).mappings().one_or_none()
    return None if row is None else make(**row)


def many(
    conn: Connection, query: Select[Any], make: Callable[..., T], values: Mapping[str, Any] | None = None
) -> list[T]:
    return [make(**row) for row in conn.execute(query, values).mappings()]


def portions(values: Sequence[T], size: int = IN_LIST_MAX) -> Iterator[Sequence[T]]:
    """``values`` in pieces that an IN list can hold."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
