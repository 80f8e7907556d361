"""How values are kept, alike in both databases.

Money is text: a numeric column of SQLite is a binary float (engine dossier, section 2: 99999999999999.9999 came back as
100000000000000.0000). JSON is canonical text: what was hashed is what comes back, byte for byte.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from ml_connector.domain import money
from ml_connector.domain.target import Ids


def canonical_json(value: Any) -> str:
    """The one JSON text of ``value``: sorted keys, no spaces, no float that JSON cannot say."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Money(TypeDecorator[Decimal]):
    """An exact amount, up to 15 digits before and 4 after the point. One text per value: ``-12.3``, never ``-12.30``.

    Raises :class:`ml_connector.domain.errors.BadAnswer` for anything else, on the way in and on the way out.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Decimal):
            raise TypeError(f"{type(value).__name__} is not exact money")
        text = f"{value:f}"
        money.amount(text)
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text in {"-0", ""} else text

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else money.amount(value)


class Instant(TypeDecorator[datetime]):
    """An instant, timezone-aware, UTC, to the microsecond. Text of one length in SQLite, so that it sorts as it should."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("an instant needs its time zone")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Plain data as canonical JSON text. Amounts in it are strings."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class IdsText(TypeDecorator[Ids]):
    """A target's names and values, in their order."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Ids | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Ids:
        return () if value is None else tuple((name, text) for name, text in json.loads(value))
