"""Amazon's own request and response pairs (``x-amzn-api-sandbox`` in its models) for every operation this program calls: each answer
comes in through the function that would get it, each refusal becomes an error with Amazon's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.amazon import limits
from ml_connector.amazon.catalog import Catalog
from ml_connector.amazon.event_groups import EventGroups
from ml_connector.amazon.finances import Finances, PostedWindow
from ml_connector.amazon.limits import OPERATIONS, Operation
from ml_connector.amazon.orders import Orders, OrderWindow
from ml_connector.amazon.payouts import Payouts
from ml_connector.amazon.report_schedules import ReportSchedules
from ml_connector.amazon.sellers import Sellers
from ml_connector.domain.errors import RefusedByServer
from tests.support.amazon import Rig, answer, rig
from tests.support.amazon_swagger import amazon_contracts
from tests.support.clock import NOON

pytestmark = pytest.mark.contract

SINCE = NOON - timedelta(days=30)
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
US = "ATVPDKIKX0DER"


async def first(pages: Any) -> Any:
    """The first page: what follows it, the examples do not say."""
    return await anext(pages)


#: What calls an operation. ``example`` is the answer it will get, for the ids that have to fit.
CALLS: dict[str, Callable[[Rig, Any], Awaitable[Any]]] = {
    "getReports": lambda r, _: r.reports.get_reports({"reportTypes": (LISTINGS,)}),
    "createReport": lambda r, _: r.reports.create_report(LISTINGS, [US]),
    "getReport": lambda r, _: r.reports.get_report("ID323"),
    "getReportDocument": lambda r, _: r.documents.address("0356cf79-b8b0-4226-b4b9-0ee058ea5760"),
    "createReportSchedule": lambda r, _: ReportSchedules(r.client).create(LISTINGS, [US], "PT5M"),
    "getReportSchedules": lambda r, _: ReportSchedules(r.client).of_types([LISTINGS]),
    "cancelReportSchedule": lambda r, _: ReportSchedules(r.client).cancel("ID"),
    "searchOrders": lambda r, _: first(Orders(r.client).search(OrderWindow(SINCE, NOON), [US])),
    "getOrder": lambda r, example: Orders(r.client).get(example.get("order", {}).get("orderId", "1")),
    "listTransactions": lambda r, _: first(Finances(r.client, r.clock).transactions(PostedWindow(SINCE))),
    "listBalances": lambda r, _: Finances(r.client, r.clock).balances(),
    "listSummary": lambda r, _: Finances(r.client, r.clock).summary("1"),
    "listFinancialEventGroups": lambda r, _: EventGroups(r.client, r.clock).started(SINCE),
    "listPayouts": lambda r, _: Payouts(r.client).created(SINCE),
    "searchCatalogItems": lambda r, _: Catalog(r.client).by_barcode(US, "EAN", ["1"]),
    "getCatalogItem": lambda r, _: Catalog(r.client).by_asin(US, "B07N4M94X4"),
    "getMarketplaceParticipations": lambda r, _: Sellers(r.client, r.clock).participations(),
}


@pytest.fixture
def contracts() -> Path:
    return amazon_contracts()


def examples(contracts: Path, operation: Operation) -> Iterator[tuple[int, Any]]:
    """(status, body) of every static example."""
    for file in sorted((contracts / "swagger").iterdir()):
        found = json.loads(file.read_text("utf-8"))["paths"].get(operation.path, {}).get(operation.method.lower())
        for status, response in (found or {}).get("responses", {}).items():
            for each in response.get("x-amzn-api-sandbox", {}).get("static", []):
                yield int(status), each.get("response", {})


def answering(status: int, body: Any) -> Rig:
    """An Amazon that gives this answer, and an empty last page to whoever follows its token."""

    def api(request: httpx2.Request) -> httpx2.Response:
        if b"oken=" in request.url.query:
            return answer({"payload": {}, "items": []})
        return httpx2.Response(status, content=json.dumps(body).encode())

    return rig(api)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_amazon_shows_as_its_answer_comes_in(contracts: Path, operation: Operation) -> None:
    shown = [(status, body) for status, body in examples(contracts, operation) if status < 300]

    assert shown
    for status, body in shown:
        outcome = asyncio.run(_awaited(CALLS[operation.name](answering(status, body), body)))
        assert operation in (limits.CANCEL_REPORT_SCHEDULE,) or outcome
        assert not getattr(outcome, "unreadable", ())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_what_amazon_shows_as_its_refusal_is_an_error_with_its_words(contracts: Path, operation: Operation) -> None:
    shown = [(status, body) for status, body in examples(contracts, operation) if status >= 400]

    assert shown or operation is limits.PING  # which has no parameters to get wrong
    for status, body in shown:
        words = body["errors"][0]["message"].rstrip(".")
        call = CALLS[operation.name](answering(status, body), body)
        if operation is limits.LIST_PAYOUTS:  # where it is not offered, that is an answer
            assert words in asyncio.run(_awaited(call)).why
            continue
        with pytest.raises(RefusedByServer) as refused:
            asyncio.run(_awaited(call))
        assert words in refused.value.words


async def _awaited(call: Awaitable[Any]) -> Any:
    return await call
