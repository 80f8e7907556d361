"""Reading query parameters as Amazon reads them: comma separated lists, whole numbers, instants. Unknown names are ignored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from ml_connector.sandbox.amazon.messages import Refused, read_time

TWO_MINUTES = timedelta(minutes=2)
"""What is younger is not there yet: a limit may not be later than so long ago (SP-API dossier, sections 10.1 and 15.1)."""


def listed(query: Mapping[str, str], name: str, *, most: int, allowed: Collection[str] | None = None) -> list[str]:
    """A comma separated list, empty where the parameter is absent. Raises Refused where it is too long or not understood."""
    if name not in query:
        return []
    values = query[name].split(",")
    if not all(values) or len(values) > most or (allowed is not None and not set(values) <= set(allowed)):
        raise Refused.input(f"Invalid {name}")
    return values


def choice(query: Mapping[str, str], name: str, allowed: Collection[str]) -> str:
    """One of several words, "" where the parameter is absent."""
    value = query.get(name, "")
    if name in query and value not in allowed:
        raise Refused.input(f"Invalid {name}")
    return value


def truth(query: Mapping[str, str], name: str) -> bool:
    """``true`` or ``false`` in any case (Amazon's own client for Python writes ``True``); false where it is absent."""
    return choice({each: value.lower() for each, value in query.items()}, name, ("true", "false")) == "true"


def whole(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """A number from 1 to ``most``."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Refused.input(f"Invalid {name}")
    return int(text)


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    """An instant, None where the parameter is absent."""
    return read_time(query[name]) if name in query else None


def settled_instant(query: Mapping[str, str], name: str, now: datetime) -> datetime | None:
    """An instant at least two minutes ago, None where the parameter is absent."""
    found = instant(query, name)
    if found is not None and found > now - TWO_MINUTES:
        raise Refused.input(f"{name} must be at least two minutes before the time of the request")
    return found
