"""Exact money. Amounts are :class:`~decimal.Decimal`, built here and nowhere else, never float.

Inside a settlement an amount is signed from the seller's side: positive is to the seller. In a journal line debit and
credit are two non-negative amounts. Amazon's files carry at most four decimals, so exact integer work is done in
*ticks* of 1/10,000 of the currency unit.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Final

from ml_connector.domain.errors import BadAnswer

TICKS_PER_UNIT: Final = 10_000
ZERO: Final = Decimal(0)

# Decimal() alone would accept NaN, exponents, underscores and non-ASCII digits.
_CANONICAL = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,4})?", re.ASCII)
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])

_DIGITS_BEFORE_POINT_MAX: Final = 15
_FINEST: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount and its currency (ISO 4217), where the two travel together. What its sign means, its owner says."""

    amount: Decimal
    currency: str


#: Minor units by ISO 4217; every currency that is not listed has two.
_MINOR_UNITS: Final = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "JOD": 3,
    "TND": 3,
}


def amount(text: str) -> Decimal:
    """The exact amount written in canonical form (``-12.34``: ASCII digits, a point, at most four decimals).

    Raises :class:`BadAnswer` for anything else.
    """
    if not _CANONICAL.fullmatch(text):
        raise BadAnswer(f"{text[:40]!r} is not an amount.", code="bad_amount")
    return Decimal(text)


def amount_from_number(number: Decimal) -> Decimal:
    """The exact amount that an outside system wrote as a number (``12.30``, ``1e2``): at most four decimals, zeros at the end
    aside. Never from a float.

    Raises :class:`BadAnswer` for what is no finite number, too large or too fine.
    """
    with suppress(Inexact, InvalidOperation):
        plain = _EXACT.normalize(number)
        if plain.is_finite() and plain.adjusted() < _DIGITS_BEFORE_POINT_MAX:
            return _EXACT.add(_EXACT.quantize(plain, _FINEST), ZERO)
    raise BadAnswer(f"{str(number)[:40]} is not an amount.", code="bad_amount")


def amount_from_ticks(ticks: int) -> Decimal:
    """The amount of ``ticks`` / 10,000, without trailing zeros beyond two decimals' worth of precision loss: exact."""
    return _EXACT.divide(Decimal(ticks), Decimal(TICKS_PER_UNIT))


def ticks(value: Decimal) -> int:
    """``value`` in 1/10,000 of the unit. Raises :class:`BadAnswer` when it has more than four decimals."""
    scaled = value * TICKS_PER_UNIT
    whole = int(scaled)
    if whole != scaled:
        raise BadAnswer(f"{value} has more than four decimals.", code="bad_amount")
    return whole


def minor_units(currency: str) -> int:
    """How many decimals ``currency`` (ISO 4217) is written with."""
    return _MINOR_UNITS.get(currency, 2)


@lru_cache(maxsize=16_384)  # the same prices come again and again, and equal amounts have one text
def text(value: Decimal, currency: str) -> str:
    """``value`` as text with at least the currency's own decimals, and more only where the value has them.

    No grouping, a point, ``-0`` never appears. This is the one form in JSON, in documents and on the screen.
    """
    exponent = value.normalize().as_tuple().exponent
    places = max(minor_units(currency), -exponent if isinstance(exponent, int) else 0)
    return f"{value + ZERO:.{places}f}" if value else f"{ZERO:.{places}f}"
