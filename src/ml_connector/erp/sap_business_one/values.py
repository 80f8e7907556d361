"""Values as the Service Layer shows them, read one way everywhere (SAP dossier, section 11). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain.errors import BadAnswer

#: Enum members by name and by database code (contracts, ``enum-names-to-db-codes.json``): servers answer with names.
_YES: Final = frozenset({"tYES", "Y"})


def yes(value: Any) -> bool:
    """Whether a yes-or-no field says yes."""
    return value in _YES


def words(value: Any) -> str:
    """Text without the blanks around it, "" for null; numbers as they are written."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def code(row: Mapping[str, Any], name: str) -> str:
    """The key of a row as it is kept, blanks and all. Raises :class:`BadAnswer` where there is none."""
    value = row.get(name)
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        raise BadAnswer(f"SAP Business One shows a row without {name}.", code="missing_field")
    return str(value)


@contextmanager
def within(name: str, row: Mapping[str, Any], *keys: str) -> Iterator[None]:
    """What is wrong inside is said with its place: ``item STOOL-OAK-45: ...``."""
    try:
        yield
    except BadAnswer as error:
        place = " ".join([name, *(str(row.get(key))[:60] for key in keys)])
        raise BadAnswer(f"{place}: {error}", code=error.code) from error


def number(row: Mapping[str, Any], name: str) -> Decimal:
    """A quantity, price or percentage, exactly as written; null is zero. Raises :class:`BadAnswer` for anything else."""
    value = row.get(name)
    if value is None:
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise BadAnswer(f"SAP Business One gave {str(value)[:40]!r} as {name}.")
    return Decimal(value)


def rows_in(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A collection inside a row; null and nothing are empty."""
    rows = row.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise BadAnswer(f"SAP Business One gave something else than rows as {name}.")
    return rows


def day_of(value: Any) -> date:
    """A date from ``2026-11-20`` or ``2026-11-20T00:00:00Z``; the zone is cosmetic (dossier 5.3)."""
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError) as error:
        raise BadAnswer(f"SAP Business One gave {str(value)[:40]!r} as a date.") from error


def day_in(value: Any) -> date | None:
    """The same, None where there is none."""
    return day_of(value) if value else None


def inside(first: Any, last: Any, day: date) -> bool:
    """Whether ``day`` lies within two dates, each of which may be open."""
    return (not first or day_of(first) <= day) and (not last or day <= day_of(last))


def usable(row: Mapping[str, Any], today: date) -> bool:
    """Whether an item or a partner can be used on documents today: valid, inside its valid days and outside its frozen ones
    (dossier 6.2)."""
    if yes(row.get("Frozen")) and inside(row.get("FrozenFrom"), row.get("FrozenTo"), today):
        return False
    return yes(row.get("Valid")) and inside(row.get("ValidFrom"), row.get("ValidTo"), today)


#: The fields that :func:`usable` reads.
USABLE_FIELDS: Final = ("Valid", "ValidFrom", "ValidTo", "Frozen", "FrozenFrom", "FrozenTo")
