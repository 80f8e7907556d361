"""Report schedules: Amazon makes a report again and again by itself (SP-API dossier, section 14.3).

There is one schedule for each (type, marketplaces); creating it again replaces it, so a lost answer is no danger. Settlement
reports take no schedule: Amazon makes them itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from types import NoneType
from typing import Final

import msgspec

from ml_connector.amazon import limits
from ml_connector.amazon.client import AmazonClient, utc_text
from ml_connector.amazon.errors import NOT_FOUND
from ml_connector.amazon.reports import refuse_unorderable
from ml_connector.amazon.wire import Id, Instant, Wire
from ml_connector.domain.errors import RefusedByServer, Unavailable, WrongUse
from ml_connector.domain.target import Unknown

#: The periods that Amazon knows.
PERIODS: Final = (
    "PT5M",
    "PT15M",
    "PT30M",
    "PT1H",
    "PT2H",
    "PT4H",
    "PT8H",
    "PT12H",
    "P1D",
    "P2D",
    "P3D",
    "PT84H",
    "P7D",
    "P14D",
    "P15D",
    "P18D",
    "P30D",
    "P1M",
)
_TYPES_MAX: Final = 10


class Schedule(Wire, frozen=True):
    """A schedule. ``period`` is one of :data:`PERIODS`, or a word not known here."""

    report_schedule_id: Id
    report_type: str
    period: str
    marketplace_ids: tuple[str, ...] = ()
    next_report_creation_time: Instant | None = None


class _Created(Wire, frozen=True):
    report_schedule_id: Id


class _Schedules(Wire, frozen=True):
    report_schedules: tuple[Schedule, ...]


class ReportSchedules:
    """The report schedules of one selling account."""

    def __init__(self, client: AmazonClient) -> None:
        self._client = client

    async def create(
        self, report_type: str, marketplace_ids: Sequence[str], period: str, *, first: datetime | None = None
    ) -> str:
        """Have a report made every ``period``, the first time at ``first``; the schedule's id. Replaces one of the same type and
        marketplaces. Raises :class:`WrongUse` before any call for what Amazon would refuse, :class:`Unavailable` when it is not
        certain that there is one now."""
        refuse_unorderable(report_type, marketplace_ids)
        if period not in PERIODS:
            raise WrongUse(f"Amazon makes no report every {period}: it knows {', '.join(PERIODS)}.")
        order: dict[str, object] = {
            "reportType": report_type,
            "marketplaceIds": list(marketplace_ids),
            "period": period,
        }
        if first is not None:
            order["nextReportCreationTime"] = utc_text(first)
        outcome = await self._client.write(limits.CREATE_REPORT_SCHEDULE, _Created, body=msgspec.json.encode(order))
        if isinstance(outcome, _Created):
            return outcome.report_schedule_id
        if isinstance(outcome, Unknown):
            for schedule in await self.of_types([report_type]):
                if schedule.period == period and set(schedule.marketplace_ids) == set(marketplace_ids):
                    return schedule.report_schedule_id
        raise Unavailable(f"Amazon did not take the schedule of {report_type} ({outcome.why}). Try again later.")

    async def of_types(self, report_types: Sequence[str]) -> tuple[Schedule, ...]:
        """Every schedule of these types, 1 to 10."""
        if not 1 <= len(report_types) <= _TYPES_MAX:
            raise WrongUse(f"Schedules are asked for by 1 to {_TYPES_MAX} report types.")
        query = {"reportTypes": tuple(report_types)}
        return (await self._client.read(limits.GET_REPORT_SCHEDULES, _Schedules, query=query)).report_schedules

    async def cancel(self, schedule_id: str) -> None:
        """End a schedule. That it is gone already is as good; its reports stay."""
        try:
            await self._client.read(limits.CANCEL_REPORT_SCHEDULE, NoneType, path={"reportScheduleId": schedule_id})
        except RefusedByServer as refused:
            if refused.code != NOT_FOUND:
                raise
