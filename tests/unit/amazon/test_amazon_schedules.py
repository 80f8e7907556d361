"""One schedule for each type and set of stores: made once, found again, ended without complaint."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.report_schedules import ReportSchedules
from ml_connector.domain.errors import RefusedByServer, Unavailable, WrongUse
from tests.support.amazon import answer, error, rig

LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
US = "ATVPDKIKX0DER"


def kept(**changes: Any) -> dict[str, Any]:
    return {"reportScheduleId": "9", "reportType": LISTINGS, "period": "P1D", "marketplaceIds": [US], **changes}


def test_a_schedule_is_made() -> None:
    r = rig(lambda _request: answer({"reportScheduleId": "9"}, 201))

    assert asyncio.run(ReportSchedules(r.client).create(LISTINGS, [US], "P1D")) == "9"


@pytest.mark.parametrize(
    ("report_type", "stores", "period"),
    [
        ("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2", [US], "P1D"),
        (LISTINGS, [], "P1D"),
        (LISTINGS, [US] * 26, "P1D"),
        (LISTINGS, [US], "PT3H"),
    ],
)
def test_what_amazon_would_refuse_is_refused_before_any_call(report_type: str, stores: list[str], period: str) -> None:
    r = rig(lambda _request: answer({}))

    with pytest.raises(WrongUse):
        asyncio.run(ReportSchedules(r.client).create(report_type, stores, period))
    assert r.amazon.requests == []


def lost(*schedules: dict[str, Any]) -> ReportSchedules:
    """An Amazon that loses the answer to an order, and has these schedules afterwards."""

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            raise httpx2.ReadError("reset", request=request)
        return answer({"reportSchedules": list(schedules)})

    return ReportSchedules(rig(api).client)


def test_a_schedule_whose_answer_was_lost_is_found() -> None:
    others = (kept(reportScheduleId="7", period="P2D"), kept(reportScheduleId="8", marketplaceIds=[US, "X"]))

    assert asyncio.run(lost(*others, kept()).create(LISTINGS, [US], "P1D")) == "9"


def test_a_schedule_that_is_not_there_afterwards_was_not_made() -> None:
    with pytest.raises(Unavailable, match="Try again later"):
        asyncio.run(lost(kept(period="P2D")).create(LISTINGS, [US], "P1D"))


def test_schedules_are_listed_by_type() -> None:
    r = rig(lambda _request: answer({"reportSchedules": [kept(nextReportCreationTime="2026-11-22T00:00:00+00:00")]}))

    [schedule] = asyncio.run(ReportSchedules(r.client).of_types([LISTINGS]))

    assert (schedule.report_schedule_id, schedule.period) == ("9", "P1D")
    with pytest.raises(WrongUse, match="1 to 10"):
        asyncio.run(ReportSchedules(r.client).of_types([]))


@pytest.mark.parametrize("said", [lambda: httpx2.Response(200), lambda: error(404, "NotFound")], ids=["there", "gone"])
def test_a_schedule_is_ended_and_may_be_gone_already(said: Any) -> None:
    r = rig(lambda _request: said())

    asyncio.run(ReportSchedules(r.client).cancel("9"))

    assert [request.method for request in r.amazon.requests] == ["DELETE"]


def test_a_schedule_that_amazon_does_not_end_is_told() -> None:
    r = rig(lambda _request: error(400, "InvalidInput"))

    with pytest.raises(RefusedByServer):
        asyncio.run(ReportSchedules(r.client).cancel("9"))
