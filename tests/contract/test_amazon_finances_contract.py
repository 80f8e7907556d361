"""Amazon's own examples of money, and those composed for this project, come in as ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from ml_connector.amazon.event_groups import EventGroups
from ml_connector.amazon.finances import Finances, PostedWindow, TransactionsPage
from ml_connector.amazon.payouts import Payouts
from ml_connector.domain.finances import DEFERRED, once
from ml_connector.domain.money import Money
from tests.support.amazon import Rig, rig
from tests.support.amazon_swagger import amazon_contracts
from tests.support.clock import NOON

pytestmark = pytest.mark.contract

T = TypeVar("T")
SINCE = NOON - timedelta(days=60)


@pytest.fixture
def contracts() -> Path:
    return amazon_contracts()


def static_examples(contracts: Path, model: str, path: str) -> list[Any]:
    said = json.loads((contracts / "swagger" / model).read_text("utf-8"))
    examples = said["paths"][path]["get"]["responses"]["200"]["x-amzn-api-sandbox"]["static"]
    return [each["response"] for each in examples]


def composed(contracts: Path, name: str) -> bytes:
    return (contracts / "composed-examples" / f"{name}.json").read_bytes()


def answering(body: bytes) -> Rig:
    """An Amazon whose first page is ``body``; where it has a token, the next page is empty."""
    empty: dict[str, Any] = {"payload": {}}

    def api(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=json.dumps(empty).encode() if b"extToken" in request.url.query else body)

    return rig(api)


def run(told: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(told)


async def all_pages(r: Rig) -> list[TransactionsPage]:
    return [page async for page in Finances(r.client, r.clock).transactions(PostedWindow(SINCE))]


def test_amazons_own_transactions_come_in_as_ours(contracts: Path) -> None:
    for body in static_examples(contracts, "finances_2024-06-19.json", "/finances/2024-06-19/transactions"):
        first = run(all_pages(answering(json.dumps(body).encode())))[0]

        assert first.unreadable == ()
        [found] = first.transactions
        assert (found.kind, found.amount, found.status) == ("Shipment", Decimal(10), "")


def test_the_composed_transactions_come_in_exactly_and_add_up(contracts: Path) -> None:
    pages = run(all_pages(answering(composed(contracts, "finances_list_transactions"))))

    found = pages[0].transactions
    assert pages[0].unreadable == ()
    assert (found[0].amount, found[0].items[0].sku) == (Decimal("90.02"), "CHAIR-BLK-01")
    assert [each.unexplained for each in found] == [Decimal(0)] * len(found)
    assert [each.deferral is not None for each in found if each.status == DEFERRED] == [True]
    assert {each.status for each in found} <= {"RELEASED", "DEFERRED", "DEFERRED_RELEASED"}
    assert len(once(found)) == len(found)


def test_amazons_own_balances_come_in_as_ours(contracts: Path) -> None:
    now, then = static_examples(contracts, "finances_2024-06-19.json", "/finances/2024-06-19/balances")

    for body, as_of in ((now, datetime(2025, 1, 12, 1, 30, tzinfo=UTC)), (then, date(2025, 1, 12))):
        r = answering(json.dumps(body).encode())
        [found] = run(Finances(r.client, r.clock).balances())
        reserve = found.find("ACCOUNT_LEVEL_RESERVE")
        assert reserve is not None
        assert (found.as_of, reserve.amount) == (as_of, Money(Decimal(-2000), "USD"))


def test_the_composed_balances_come_in_exactly(contracts: Path) -> None:
    r = answering(composed(contracts, "finances_list_balances"))

    [found] = run(Finances(r.client, r.clock).balances())

    assert found.amount == Money(Decimal("120.5"), "USD")


def test_summaries_come_in_as_ours(contracts: Path) -> None:
    [amazons] = static_examples(contracts, "finances_2024-06-19.json", "/finances/2024-06-19/summary")
    r, ours = answering(json.dumps(amazons).encode()), answering(composed(contracts, "finances_list_summary"))

    [found] = run(Finances(r.client, r.clock).summary("1"))
    [settled] = run(Finances(ours.client, ours.clock).summary("90000000011"))

    assert (found.proceeds, found.start) == (Money(Decimal(8000), "USD"), date(2025, 1, 12))
    assert (settled.proceeds, settled.settlement_id) == (Money(Decimal("85.79"), "USD"), "90000000011")


def test_event_groups_come_in_as_ours(contracts: Path) -> None:
    [amazons] = static_examples(contracts, "financesV0.json", "/finances/v0/financialEventGroups")
    r, ours = answering(json.dumps(amazons).encode()), answering(composed(contracts, "financesV0_event_groups"))

    [found] = run(EventGroups(r.client, r.clock).started(SINCE))
    [closed] = run(EventGroups(ours.client, ours.clock).started(SINCE))

    assert (found.total, found.converted) == (Money(Decimal("10.34"), "USD"), Money(Decimal("39.43"), "USD"))
    assert (closed.status, closed.total) == ("Closed", Money(Decimal("85.79"), "USD"))


def test_payouts_come_in_as_ours(contracts: Path) -> None:
    [amazons] = static_examples(contracts, "transfers_2024-06-01.json", "/finances/transfers/2024-06-01/payouts")

    [found] = run(Payouts(answering(json.dumps(amazons).encode()).client).created(SINCE)).payouts
    [paid] = run(Payouts(answering(composed(contracts, "transfers_list_payouts")).client).created(SINCE)).payouts

    assert (found.settlement_id, found.amount) == ("11888387941", Money(Decimal("1250.75"), "USD"))
    assert (paid.status, paid.settlement_id) == ("PAID", "90000000014")
