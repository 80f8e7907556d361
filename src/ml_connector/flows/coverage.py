"""Which stretch of Amazon's time a connection has read of its orders, and how far back it is to be read.

Everything from ``since`` to ``to`` is on record; both move in the transaction of the data they cover. ``to`` is the watermark:
Amazon's own word, never later than what was read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from ml_connector.amazon import planner
from ml_connector.store import watermarks, windows

#: The two readings of a connection: forward from the watermark, and back into the past.
FORWARD: Final = "orders"
BACK: Final = "orders back"

_SINCE: Final = "orders since"
_WANTED: Final = "orders wanted"
_SCOPE: Final = "orders scope"

#: The first windows are for counting: what was seen in a time says little about many times that time.
_FIRST_SPAN: Final = timedelta(days=1)
_GROWTH: Final = 8
#: Amazon forgets what is older at the very moment somebody asks for it.
_EDGE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Coverage:
    """``since`` and ``to`` are None before anything was read, ``wanted`` before anybody has said how far back."""

    since: datetime | None
    to: datetime | None
    wanted: datetime | None

    def left(self, now: datetime) -> timedelta:
        """How much time is not read yet: the past that is wanted, and what came since."""
        first = self.wanted or now
        if self.to is None or self.since is None:
            return max(timedelta(0), now - first)
        return self.past + max(timedelta(0), now - self.to)

    def wanting(self, since: datetime | None, now: datetime, first_back: timedelta) -> Coverage:
        """As it would be if somebody wanted the orders ``since`` then as well."""
        wished = [max(since, now - planner.HISTORY + _EDGE)] if since is not None else []
        wished += [self.wanted] if self.wanted is not None else []
        return replace(self, wanted=min(wished, default=now - first_back))

    @property
    def past(self) -> timedelta:
        """How much of the past is wanted and not read."""
        if self.since is None or self.wanted is None:
            return timedelta(0)
        return max(timedelta(0), self.since - self.wanted)


def get(conn: Connection, connection: str) -> Coverage:
    return Coverage(*(_instant(conn, connection, flow) for flow in (_SINCE, FORWARD, _WANTED)))


def settled(conn: Connection, connection: str, scope: str, now: datetime, first_back: timedelta) -> Coverage:
    """The coverage as it counts for ``scope`` (whose orders, of which stores), which may have changed.

    Another selling account begins anew. Stores that came on have no past on record: it is read again for all of them.
    """
    before = watermarks.get(conn, connection, _SCOPE)
    if before != scope:
        windows.give_up(conn, connection, FORWARD)
        windows.give_up(conn, connection, BACK)
        if before is not None:
            _change_scope(conn, connection, before.split(), scope.split())
        watermarks.put(conn, connection, _SCOPE, scope)
    covered = get(conn, connection)
    if covered.wanted is None:
        watermarks.put(conn, connection, _WANTED, (now - first_back).isoformat())
        covered = get(conn, connection)
    return covered


def want(conn: Connection, connection: str, since: datetime, now: datetime) -> None:
    """Somebody wants the orders since then. What is on record, or wanted already, stays so; Amazon shows two years."""
    before = get(conn, connection)
    wanted = before.wanting(since, now, now - since).wanted
    if wanted is not None and wanted != before.wanted:
        watermarks.put(conn, connection, _WANTED, wanted.isoformat())


def advance(conn: Connection, connection: str, starts_at: datetime, reads_to: datetime) -> None:
    """Everything from ``starts_at`` to ``reads_to`` is on record. The watermark never goes back."""
    covered = get(conn, connection)
    if covered.to is None or reads_to > covered.to:
        watermarks.put(conn, connection, FORWARD, reads_to.isoformat())
    if covered.since is None:
        watermarks.put(conn, connection, _SINCE, starts_at.isoformat())


def reach_back(conn: Connection, connection: str, starts_at: datetime) -> None:
    """Everything from ``starts_at`` on is on record."""
    covered = get(conn, connection)
    if covered.since is None or starts_at < covered.since:
        watermarks.put(conn, connection, _SINCE, starts_at.isoformat())


def density(conn: Connection, connection: str) -> float | None:
    """Orders a second of Amazon's time, as far as windows remember; None before the first."""
    found, seconds = _counted(conn, connection)
    return found / seconds if seconds else None


def next_span(conn: Connection, connection: str) -> timedelta:
    """How long the next window should be."""
    found, seconds = _counted(conn, connection)
    if not seconds:
        return _FIRST_SPAN
    return min(planner.window_span(found, seconds), timedelta(seconds=_GROWTH * seconds))


def _change_scope(conn: Connection, connection: str, before: list[str], after: list[str]) -> None:
    """The first word is the account, the others are stores."""
    if before[0] != after[0]:
        for flow in (FORWARD, _SINCE):
            watermarks.remove(conn, connection, flow)
    elif set(after) - set(before):
        covered = get(conn, connection)
        if covered.to is not None and covered.since is not None:
            want(conn, connection, covered.since, covered.to)
            watermarks.put(conn, connection, _SINCE, covered.to.isoformat())


def _counted(conn: Connection, connection: str) -> tuple[int, float]:
    """(orders, seconds) of the windows that are remembered."""
    done = [each for flow in (FORWARD, BACK) for each in windows.newest(conn, connection, flow)]
    spans = [(each.found, (each.reads_to - each.starts_at).total_seconds()) for each in done if each.reads_to]
    return sum(found for found, _ in spans), sum(max(0.0, seconds) for _, seconds in spans)


def _instant(conn: Connection, connection: str, flow: str) -> datetime | None:
    value = watermarks.get(conn, connection, flow)
    return None if value is None else datetime.fromisoformat(value)
