"""What every OData service reads alike: exact JSON bodies and string literals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def encode(data: Mapping[str, Any]) -> bytes:
    """JSON in the order given, with every Decimal as the number it is written as: never through float."""
    return _ENCODER.encode(data)


def text(value: str) -> str:
    """A string literal in a key or a filter: single quotes around it, doubled inside."""
    return "'" + value.replace("'", "''") + "'"
