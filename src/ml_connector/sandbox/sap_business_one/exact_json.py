"""JSON with exact numbers: amounts are ``Decimal`` on this side and plain numbers on the other, never floats."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any


def to_json(value: object) -> str:
    """JSON text of mappings, lists, texts, numbers, None; amounts with at least one decimal (``310.5``, ``0.0``), exactly."""
    return _WRITERS.get(type(value), json.dumps)(value)


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


def _object(value: Mapping[str, object]) -> str:
    return "{" + ", ".join([f"{_name(name)}: {_WRITERS[type(each)](each)}" for name, each in value.items()]) + "}"


def _array(value: list[object]) -> str:
    return "[" + ", ".join([_WRITERS[type(each)](each) for each in value]) + "]"


@lru_cache(maxsize=4096)
def _name(name: str) -> str:
    """Names of properties come again and again."""
    return encode_basestring(name)


# By type, because most of an answer's time is spent here.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: encode_basestring,
    type(None): lambda _: "null",
    Decimal: _number,
    int: repr,
    bool: json.dumps,
    dict: _object,
    list: _array,
    tuple: _array,
}
