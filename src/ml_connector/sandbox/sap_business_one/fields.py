"""Short words for properties, so that a table of them reads like one."""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one.schema import AMOUNT, DATE, INTEGER, STRING, TIME, Field


def text(name: str, length: int | None = None, default: str | None = None, *, fixed: bool = False) -> Field:
    """Text of at most ``length`` characters. ``fixed``: read-only, here and in the words below."""
    return Field(name, STRING, length, writable=not fixed, default=default)


def whole(name: str, default: int | None = None, *, fixed: bool = False) -> Field:
    return Field(name, INTEGER, writable=not fixed, default=default)


def amount(name: str, *, fixed: bool = False) -> Field:
    """A number with decimals, zero when nothing is sent."""
    return Field(name, AMOUNT, writable=not fixed, default=0)


def amounts(*names: str) -> tuple[Field, ...]:
    """Read-only amounts."""
    return tuple(amount(name, fixed=True) for name in names)


def day(name: str, *, fixed: bool = False) -> Field:
    return Field(name, DATE, writable=not fixed)


def moment(name: str, *, fixed: bool = False) -> Field:
    return Field(name, TIME, writable=not fixed)


def yes_no(name: str, default: str = "tNO", *, fixed: bool = False) -> Field:
    return Field(name, "BoYesNoEnum", writable=not fixed, default=default)


def one_of(name: str, enum: str, default: str | None = None, *, fixed: bool = False) -> Field:
    return Field(name, enum, writable=not fixed, default=default)


def many(name: str, member: str, *, embedded: bool = False) -> Field:
    """A collection, in a table of its own unless it is embedded."""
    return Field(name, f"Collection({member})", embedded=embedded)


def inner(name: str, kind: str) -> Field:
    """A complex property."""
    return Field(name, kind, embedded=True)
