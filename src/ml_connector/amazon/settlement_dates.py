"""Dates of a settlement file (settlement dossier, section 2). All times are UTC; a day without a time is a local date."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
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
_SLASHED: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4}|[0-9]{2})", re.ASCII)

#: A posted-date lies on the day of its posted-date-time, or beside it where the store's own day is meant.
_NEAR: Final = timedelta(days=1)
#: No zone is further ahead of UTC: a local date up to here may still lie before an instant.
_AHEAD_MAX: Final = timedelta(hours=14)
_TEXTS_MAX: Final = 8_192
_MINUTES_MAX: Final = 32_768
_MINUTE_CHARS: Final = len("2026-10-13 04:11")
_SECONDS: Final = frozenset(f":{second:02d} UTC".encode() for second in range(60))


class BadDate(Exception):
    """A date that cannot be read; the row is found by whoever knows the rows."""


def moment(text: str) -> Moment | None:
    """An instant in UTC or a bare date, by one of the forms that cannot be misread; None for anything else."""
    for form in _FORMS:
        if not (match := form.fullmatch(text)):
            continue
        parts = {name: int(value) for name, value in match.groupdict().items() if value is not None}
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


class PostedTimes(dict[bytes, T], Generic[T]):
    """Posted times by their text, each seen through the caller's function ``when``: a bounded memory for a hot loop.

    Rows of one order share their text; orders of one minute share the value, so that ``when`` (which may have to ask a time
    zone) is called once a minute of the file. That is right for every zone whose offsets are whole minutes.
    ``late`` counts the rows posted after ``end``; these texts are never remembered. Raises :class:`BadDate`.
    """

    def __init__(self, when: Callable[[Moment], T], end: datetime) -> None:
        super().__init__()
        self._when = when
        self._end = end
        self._last_minute = end - timedelta(minutes=1)
        self._minutes: dict[bytes, T] = {}
        self.late = 0

    def __missing__(self, text: bytes) -> T:
        minute = text[:_MINUTE_CHARS]
        if minute in self._minutes and text[_MINUTE_CHARS:] in _SECONDS:
            value = self._minutes[minute]
        else:
            found = moment(text.decode())
            if found is None:
                raise BadDate
            value = self._when(found)
            if is_after(found, self._end):
                self.late += 1
                return value
            if isinstance(found, datetime) and found < self._last_minute and len(minute) < len(text):
                self._remember_minute(minute, text, value)
        if len(self) >= _TEXTS_MAX:
            self.clear()
        self[text] = value
        return value

    def is_late(self, text: bytes) -> bool:
        """Whether a row with this (readable) text was posted after the end."""
        found = moment(text.decode())
        return found is not None and is_after(found, self._end)

    def _remember_minute(self, minute: bytes, text: bytes, value: T) -> None:
        if text[_MINUTE_CHARS:] not in _SECONDS:
            return
        if len(self._minutes) >= _MINUTES_MAX:
            self._minutes.clear()
        self._minutes[minute] = value
