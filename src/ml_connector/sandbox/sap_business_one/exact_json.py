"""JSON with exact numbers: amounts are ``Decimal`` on this side and plain numbers on the other, never floats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring


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
