"""Cut-off: from the accounting date of a row to the fiscal period its amount is posted into (ACCOUNTING 5).

"Month" means the ERP's own fiscal period, 4-4-5 calendars included; adjustment periods are never a target. A closed period
is dealt with here, row by row, before anything is grouped. The bucket that a date falls into also says which version of
the mapping applies, because a mapping is effective-dated by the same accounting date.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ml_connector.domain.catalog import FiscalPeriod
from ml_connector.domain.mapping import AccountingPolicy, ClosedPeriod, Mapping


class Problem(StrEnum):
    """Why a date has no period to post into. The value is the finding's code."""

    NONE = ""
    CLOSED = "closed_period"
    NO_PERIOD = "no_fiscal_period"


class Bucket(NamedTuple):
    """What the rows of one group share by their dates alone.

    ``period`` is the key of the fiscal period they are posted into: "" without period split (everything is dated with the
    settlement's end) and where ``problem`` says that there is none. ``since`` is the first day from which the mapping in
    force on the rows' own dates applies; ``where`` names the trouble for people (a period's name, or a month).
    """

    period: str
    since: date
    problem: Problem = Problem.NONE
    where: str = ""


class Posting(NamedTuple):
    """A day to post on, and the open period it lies in."""

    day: date
    period: FiscalPeriod


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods that can be a target, in order of time, and what to do with closed ones.

    ``epochs`` are the days on which some mapping rule begins to apply, ascending.
    A proof recomputes the groups with the calendar of the plan, not with today's: periods close in the meantime.
    """

    periods: tuple[FiscalPeriod, ...]
    closed_period: ClosedPeriod
    split: bool
    epochs: tuple[date, ...]

    def bucket(self, day: date) -> Bucket:
        """Where a row of the accounting date ``day`` belongs: the ``bucket_of`` function of the grouping."""
        at = bisect_right(self.epochs, day)
        since = self.epochs[at - 1] if at else date.min
        if not self.split:
            return Bucket("", since)
        placed = self.place(day)
        if isinstance(placed, Posting):
            return Bucket(placed.period.key, since)
        problem, where = placed
        return Bucket("", since, problem, where)

    def place(self, day: date) -> Posting | tuple[Problem, str]:
        """The day to post on for something dated ``day``: itself where its period is open, else as the link chose."""
        period = self.period_of(day)
        if period is None:
            return Problem.NO_PERIOD, f"{day:%Y-%m}"
        if period.open:
            return Posting(day, period)
        if self.closed_period is ClosedPeriod.NEXT_OPEN_DAY:
            return self.first_open_day(day) or (Problem.CLOSED, period.name)
        return Problem.CLOSED, period.name

    def first_open_day(self, day: date) -> Posting | None:
        """``day`` if its period is open, else the first day of the next open period; None where there is none."""
        for period in self.periods:
            if period.open and period.last_day >= day:
                return Posting(max(day, period.first_day), period)
        return None

    def period_of(self, day: date) -> FiscalPeriod | None:
        """The period that ``day`` lies in, open or not."""
        at = bisect_right(self.periods, day, key=lambda period: period.first_day)
        if at and day <= self.periods[at - 1].last_day:
            return self.periods[at - 1]
        return None

    def period(self, key: str) -> FiscalPeriod:
        """The period of a bucket. Raises KeyError for a key of another calendar."""
        for period in self.periods:
            if period.key == key:
                return period
        raise KeyError(key)


def calendar_of(periods: Iterable[FiscalPeriod], policy: AccountingPolicy, *mappings: Mapping) -> Calendar:
    """The calendar of one link: the ERP's ``periods``, the link's choices, the days on which ``mappings`` change."""
    epochs = {rule.since for mapping in mappings for rule in mapping.rules} - {date.min}
    return Calendar(
        periods=tuple(sorted((p for p in periods if not p.adjustment), key=lambda period: period.first_day)),
        closed_period=policy.closed_period,
        split=policy.period_split,
        epochs=tuple(sorted(epochs)),
    )


def accounting_date(instant: datetime, zone: str) -> date:
    """The date on which ``instant`` falls in the IANA zone ``zone``, never in the machine's."""
    return instant.astimezone(ZoneInfo(zone)).date()
