"""Following changes by UpdateDate and UpdateTime, which the server keeps on its own wall clock (SAP dossier, 5.3, 5.4).

A sweep asks for the newest stamp first, the *head*, then reads in the order of the key everything stamped since the mark.
The next sweep begins a little before that head, so that what changes while a sweep runs is read by the next one whatever its
place in the order. Stamps are taken from the rows and not from our clock: nobody knows the server's zone.

How far a mark looks back: 65 minutes before the head, for a clock that is set back by an hour and for minutes that are
compared without their seconds; and once a day to the beginning of the day before the head, for rows that a long transaction
stamped early and committed late. A new row may have no UpdateDate until its first change: it is found by the day on which it
was created.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from ml_connector.erp.sap_business_one.client import ServiceLayer
from ml_connector.erp.sap_business_one.odata import listed, path
from ml_connector.erp.sap_business_one.values import day_in

LOOK_BACK: Final = timedelta(minutes=65)

#: Nothing in a company was stamped before this.
_FIRST_YEAR: Final = 1900

#: Wall clocks differ from UTC by no more than this.
_ZONE_MAX: Final = timedelta(hours=15)


@dataclass(frozen=True, slots=True)
class Mark:
    """Where to go on. ``since``: rows stamped before it were read. ``head``: the newest stamp when the sweep began. ``day``: when,
    by our clock, a sweep last looked back far. ``after``: the key of the last row handed out, () between two sweeps. All of
    them empty: the beginning."""

    since: datetime | None = None
    head: datetime | None = None
    day: date | None = None
    after: tuple[str | int, ...] = ()

    def text(self) -> str:
        """As it is kept; "" for the beginning."""
        if self.since is None and not self.after:
            return ""
        stamps = [moment.isoformat() if moment else "" for moment in (self.since, self.head, self.day)]
        return json.dumps([*stamps, *self.after], ensure_ascii=False)


def mark_from(kept: str) -> Mark:
    """A mark as it was kept. What is none of ours begins at the beginning: rows are read twice rather than never."""
    try:
        since, head, day, *after = json.loads(kept)
        mark = Mark(_stamp(since), _stamp(head), date.fromisoformat(day) if day else None, tuple(after))
    except (ValueError, TypeError):
        return Mark()
    return mark if all(isinstance(value, (str, int)) for value in after) else Mark()


def _stamp(kept: str) -> datetime | None:
    found = datetime.fromisoformat(kept).replace(tzinfo=None) if kept else None
    if found is not None and found.year < _FIRST_YEAR:
        raise ValueError(kept)
    return found


@dataclass(frozen=True, slots=True)
class Followed:
    """A set whose rows are stamped. ``created`` is its field for the day on which a row was made; ``condition`` narrows it."""

    what: str
    entity_set: str
    key: str
    created: str
    select: tuple[str, ...]
    condition: str = ""


async def changed(
    layer: ServiceLayer, followed: Followed, kept: str, now: datetime
) -> AsyncIterator[tuple[list[dict[str, Any]], str]]:
    """Pages of rows that changed since the mark ``kept``, each with the mark that covers it.

    ``now`` is our clock, UTC: it says when a new day has begun, and which stamps cannot be true.
    """
    mark = mark_from(kept)
    if not mark.after:
        mark = _begun(mark, await _head(layer, followed, now), now.date())
    done = Mark(mark.head - LOOK_BACK if mark.head else None, mark.head, mark.day)
    conditions = [followed.condition, _since(mark.since, followed.created) if mark.since else ""]
    pages = layer.pages(
        followed.what,
        followed.entity_set,
        key=(followed.key,),
        select=followed.select,
        condition=" and ".join(f"({part})" if " or " in part else part for part in conditions if part),
        after=mark.after,
    )
    async for rows, more in pages:
        covered = replace(mark, after=(rows[-1][followed.key],)) if more else done
        yield rows, covered.text()


def stamp(day: Any, at: Any) -> str:
    """A row's own stamp as people read it: ``2026-11-20 13:14:45``, "" where it has none."""
    date_ = day_in(day)
    return "" if date_ is None else f"{date_.isoformat()} {at}" if isinstance(at, str) else date_.isoformat()


def _begun(mark: Mark, head: datetime | None, today: date) -> Mark:
    """The mark of a sweep that begins now."""
    since = mark.since
    if since is not None and mark.head is not None and mark.day != today:
        since = min(since, datetime.combine(mark.head.date() - timedelta(days=1), time()))
    return Mark(since, head, today)


def _since(since: datetime, created: str) -> str:
    """The dossier's filter (5.4): date and time are never joined by *and* alone, which would lose every later morning."""
    day = since.date().isoformat()
    if since.time() == time():
        return f"UpdateDate ge '{day}' or {created} ge '{day}'"
    at = since.strftime("%H:%M:00")
    return f"UpdateDate gt '{day}' or (UpdateDate eq '{day}' and UpdateTime ge '{at}') or {created} ge '{day}'"


async def _head(layer: ServiceLayer, followed: Followed, now: datetime) -> datetime | None:
    """The newest stamp in the set, of a change or of a creation; None where no row has any.

    A stamp that lies in nobody's present (a server whose clock was wrong for a while) would hide every later change: then
    the earliest wall clock there can be is taken instead.
    """
    updates = await _newest(layer, followed, ("UpdateDate", "UpdateTime"))
    creations = await _newest(layer, followed, (followed.created,))
    stamps = [
        datetime.combine(day, _time_of(row.get("UpdateTime")))
        for row, name in ((updates, "UpdateDate"), (creations, followed.created))
        if (day := day_in(row.get(name))) is not None and day.year >= _FIRST_YEAR
    ]
    if not stamps:
        return None
    wall = now.replace(tzinfo=None)
    return max(stamps) if max(stamps) <= wall + _ZONE_MAX else wall.replace(microsecond=0) - _ZONE_MAX


async def _newest(layer: ServiceLayer, followed: Followed, fields: Sequence[str]) -> dict[str, Any]:
    order = ",".join(f"{name} desc" for name in fields)
    where = path(followed.entity_set, select=",".join(fields), orderby=order, top="1")
    rows = listed(await layer.get(followed.what, where))
    return rows[0] if rows else {}


def _time_of(value: Any) -> time:
    """A time of day as shown, midnight where there is none: a stamp too early is read twice."""
    try:
        return time.fromisoformat(value).replace(tzinfo=None)
    except (TypeError, ValueError):
        return time()
