"""The form in which a version of an order is kept: canonical bytes and their hash.

Two readings of the same version have the same bytes. What an order does not have is left out, so that an old version keeps
its hash when this program learns to keep more of an order.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType
from typing import Any, Final

import msgspec

from ml_connector.domain import money
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.orders import Order
from ml_connector.domain.stored_documents import Stored

SCHEMA: Final = 1

#: What is empty and of these types is left out. Numbers are not among them: zero is not absent.
_ABSENT: Final = frozenset({NoneType, bool, str, list, tuple})


def store_form(order: Order) -> Stored:
    """The canonical form: JSON, members sorted, amounts as text with the currency's decimals, instants in UTC.

    ``sha256`` is the content hash that tells one version from another.
    """
    plain = msgspec.to_builtins(order, builtin_types=(Decimal, datetime))
    canonical = msgspec.json.encode(_canonical(plain, order.currency), order="sorted")
    return Stored(SCHEMA, canonical, hashlib.sha256(canonical).hexdigest())


def from_stored(schema: int, canonical: bytes) -> Order:
    """Read a kept order. Raises :class:`Inconsistent` for a schema or for bytes that this version did not write."""
    if schema != SCHEMA:
        raise Inconsistent(f"An order of schema {schema} was found; this version reads up to {SCHEMA}.")
    try:
        return msgspec.json.decode(canonical, type=Order)
    except (ValueError, RecursionError) as error:
        raise Inconsistent(f"A kept order cannot be read: {error}.") from error


def _canonical(value: Any, currency: str) -> Any:
    """``value`` as JSON. By exact types, and what is absent passed over first: this is done for every order that is read."""
    kind = type(value)
    if kind is Decimal:
        return money.text(value, currency)
    if kind is dict:
        return {
            name: _canonical(member, currency)
            for name, member in value.items()
            if member or type(member) not in _ABSENT
        }
    if kind in (list, tuple):
        return [_canonical(member, currency) for member in value]
    if kind is datetime:
        return value.astimezone(UTC).isoformat()
    return value
