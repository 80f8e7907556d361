"""Values as the Web API writes them: padded text, midnights, exact numbers, two kinds of yes (Sage dossier, 4.2, 4.4). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer
from ml_connector.erp.sage_300.config import Dates

#: A&R and G/L say it in words, O/E and I/C in JSON's own; same-named fields differ by module (dossier, section 25).
YES: Final = "Yes"

_SEPARATORS: Final = re.compile(r"[^A-Z0-9]+", re.ASCII)


def text(value: Any) -> str:
    """Text without the padding of its column; "" for null. Numbers, which keys may be, whole: ``75`` also where 75.0 came."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return str(value).strip() if isinstance(value, (str, int, Decimal)) else ""


def words(value: str, longest: int) -> str:
    """``value`` on one line, cut to a field's length: what Sage does with longer text is not verified (section 17)."""
    return " ".join(value.split())[:longest].rstrip()


def number(value: Any, what: str = "an amount") -> Decimal:
    """An exact number; null is zero. Raises :class:`BadAnswer`."""
    if value is None:
        return money.ZERO
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,15}(?:\.\d{1,10})?\s*", value, re.ASCII):
        value = Decimal(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise BadAnswer(f"Sage 300 gave {str(value)[:40]!r} as {what}.")
    try:
        return Decimal(value).quantize(Decimal("0.000001")).normalize() + money.ZERO
    except InvalidOperation as error:
        raise BadAnswer(f"Sage 300 gave {str(value)[:40]!r} as {what}.") from error


def flag(value: Any) -> bool:
    """Yes, in either form."""
    return value is True or value == YES


def day(value: Any) -> date:
    """A date from ``2026-04-03T00:00:00Z``, with or without zone or time. Sage stores a calendar day; the rest is cosmetic."""
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError) as error:
        raise BadAnswer(f"Sage 300 gave {str(value)[:40]!r} as a date.") from error


def optional_day(value: Any) -> date | None:
    """A date, None for null."""
    return None if value in (None, "") else day(value)


def written(value: date, dates: Dates) -> str:
    """A date in a body."""
    return f"{value.isoformat()}T12:00:00.000Z" if dates is Dates.MIDDAY else value.isoformat()


def plain(code: str) -> str:
    """An account or item number without its separators: resources differ in which form they show (sections 14.1, 15.2)."""
    return _SEPARATORS.sub("", code.upper())


def list_of(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A collection inside a row. Raises :class:`BadAnswer` where it is none."""
    rows = row.get(name)
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise BadAnswer(f"Sage 300 shows no {name} where they should be.")
    return rows


def amount(value: Decimal, currency: str) -> Decimal:
    """An amount for a body, with at least its currency's decimals."""
    return Decimal(money.text(value, currency))
