"""Dates of a settlement file (settlement dossier, section 2). All times are UTC; a day without a time is a local date."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Final, Generic, TypeVar

from ml_connector.domain.settlement_rows import Moment

T = TypeVar("T")

_CLOCK = r"(?: (?P<h>[0-9]{2}):(?P<mi>[0-9]{2}):(?P<s>[0-9]{2}) UTC)?"
_FORMS: Final = tuple(
    re.compile(form, re.ASCII)
    for form in (
        r"(?P<y>[0-9]{4})-(?P<mo>[0-9]{2})-(?P<d>[0-9]{2})" + _CLOCK,
        r"(?P<d>[0-9]{2})\.(?P<mo>[0-9]{2})\.(?P<y>[0-9]{4})" + _CLOCK,
        r"(?P<y>[0-9]{4})/(?P<mo>[0-9]{2})/(?P<d>[0-9]{2})" + _CLOCK,
        r"(?P<y>[0-9]{4})-(?P<mo>[0-9]{2})-(?P<d>[0-9]{2})T(?P<h>[0-9]{2}):(?P<mi>[0-9]{2}):(?P<s>[0-9]{2})\+00:00",
    )
)
#: A zone carries the first and the last day there is out of the calendar, and ISO 8601 writes four digits.
_YEARS: Final = range(1000, 9999)
_SLASHED: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})", re.ASCII)

#: A posted-date lies on the day of its posted-date-time, or beside it where the store's own day is meant.
_NEAR: Final = timedelta(days=1)
#: No zone is further ahead of UTC: a local date up to here may still lie before an instant.
_AHEAD_MAX: Final = timedelta(hours=14)
_HOURS_MAX: Final = 4_096
_HOUR_CHARS: Final = len("2026-10-13 04")
_CLOCKS: Final = frozenset(f":{second // 60:02d}:{second % 60:02d} UTC".encode() for second in range(3600))


class BadDate(Exception):
    """A date that cannot be read; the row is found by whoever knows the rows."""


def moment(text: str) -> Moment | None:
    """An instant in UTC or a bare date, by one of the forms that cannot be misread; None for anything else."""
    for form in _FORMS:
        if not (match := form.fullmatch(text)):
            continue
        parts = {name: int(value) for name, value in match.groupdict().items() if value is not None}
        if parts["y"] not in _YEARS:
            return None
        try:
            day = date(parts["y"], parts["mo"], parts["d"])
            if "h" not in parts:
                return day
            return datetime(day.year, day.month, day.day, parts["h"], parts["mi"], parts["s"], tzinfo=UTC)
        except ValueError:
            return None
    return None


def instant(text: str) -> datetime | None:
    """As :func:`moment`; a bare date is its first instant in UTC."""
    found = moment(text)
    if found is None or isinstance(found, datetime):
        return found
    return datetime(found.year, found.month, found.day, tzinfo=UTC)


def slashed_near(text: str, posted: datetime) -> bool:
    """Whether a slashed date (``09/06/25``: month and day cannot be told apart) can be read as the day of ``posted``."""
    match = _SLASHED.fullmatch(text)
    if not match:
        return False
    one, two, year = int(match[1]), int(match[2]), int(match[3])
    year += 2000 if len(match[3]) == 2 else 0
    for month, day in ((one, two), (two, one)):
        try:
            read = date(year, month, day)
        except ValueError:
            continue
        if abs(read - posted.date()) <= _NEAR:
            return True
    return False


def is_after(when: Moment, end: datetime) -> bool:
    """Whether a row was posted after the settlement's ``end``; a local date only counts when it is so in every zone."""
    if isinstance(when, datetime):
        return when > end
    return when > (end + _AHEAD_MAX).date()


class _Edge(Enum):
    """An hour in which the accounting date may change, or the settlement ends, or that is no hour at all."""

    EDGE = "edge"


class _Hours(dict[bytes, "T | _Edge"], Generic[T]):
    """What ``when`` makes of a whole hour, by its text; EDGE where it must be asked row by row."""

    def __init__(self, when: Callable[[Moment], T], end: datetime) -> None:
        super().__init__()
        self._when = when
        self._end = end

    def __missing__(self, hour: bytes) -> T | _Edge:
        if len(self) >= _HOURS_MAX:
            self.clear()
        value = self[hour] = self._of(hour.decode(errors="replace"))
        return value

    def _of(self, hour: str) -> T | _Edge:
        first, last = moment(hour + ":00:00 UTC"), moment(hour + ":59:59 UTC")
        if not isinstance(first, datetime) or not isinstance(last, datetime) or last > self._end:
            return _Edge.EDGE
        value = self._when(first)
        return value if value == self._when(last) else _Edge.EDGE


class PostedTimes(Generic[T]):
    """Posted times seen through the caller's function ``when``, with a bounded memory.

    ``when`` tells days apart, not moments of a day: what it says of the first and the last second of an hour holds for the
    whole hour, so that it (and its time zone) is asked once for many rows. ``late`` counts the rows posted after ``end``.
    """

    def __init__(self, when: Callable[[Moment], T], end: datetime) -> None:
        self._when = when
        self._end = end
        self._hours = _Hours(when, end)
        self.late = 0

    def read(self, texts: Sequence[bytes]) -> list[T]:
        """What ``when`` makes of each text. Raises :class:`BadDate` when one cannot be read."""
        known = dict.fromkeys(texts)  # rows of one order share their text
        hours = self._hours
        values = [hours[text[:_HOUR_CHARS]] for text in known]
        if _Edge.EDGE in values or not {text[_HOUR_CHARS:] for text in known} <= _CLOCKS:
            return [self._read(text) for text in texts]
        if values.count(values[0]) == len(values):
            return [values[0]] * len(texts)  # type: ignore[list-item]
        return list(map(dict(zip(known, values, strict=True)).__getitem__, texts))  # type: ignore[arg-type]

    def is_late(self, text: bytes) -> bool:
        """Whether a row with this (readable) text was posted after the end."""
        found = moment(text.decode())
        return found is not None and is_after(found, self._end)

    def _read(self, text: bytes) -> T:
        value = self._hours[text[:_HOUR_CHARS]]
        if not isinstance(value, _Edge) and text[_HOUR_CHARS:] in _CLOCKS:
            return value
        found = moment(text.decode())
        if found is None:
            raise BadDate
        self.late += is_after(found, self._end)
        return self._when(found)
