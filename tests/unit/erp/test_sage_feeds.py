"""What is followed in a Sage 300 company: dates overlap, sweeps are whole, and stock says what it is."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import httpx2
import pytest

from ml_connector.domain.catalog import Item, Price, Stock
from ml_connector.domain.errors import BadAnswer, Unavailable
from ml_connector.domain.source import Page
from tests.support.sage_company import Scene, play

Row = TypeVar("Row")


async def pages(feed: AsyncIterator[Page[Row]]) -> list[Page[Row]]:
    return [page async for page in feed]


async def rows(feed: AsyncIterator[Page[Row]]) -> list[Row]:
    return [row for page in await pages(feed) for row in page.rows]


def test_items_are_read_once_and_then_from_a_day_before_the_newest_stamp() -> None:
    async def act(scene: Scene) -> tuple[list[Page[Item]], list[str]]:
        first = await pages(scene.target.items())
        again = await rows(scene.target.items(first[-1].mark))
        return first, [item.code for item in again]

    first, again = play(act, switches={"page_size": 2})

    codes = [item.code for page in first for item in page.rows]
    assert "STOOL45" in codes
    assert first[-1].mark == "2026-11-21"
    assert first[0].mark == '["", "2026-11-21", "A11050"]'
    # All of them were maintained on the day of the mark: a date says no more.
    assert sorted(again) == sorted(codes)


def test_nothing_is_read_again_that_was_maintained_before_the_overlap() -> None:
    async def act(scene: Scene) -> list[Page[Item]]:
        return await pages(scene.target.items("2026-11-23"))

    assert play(act) == [Page((), "2026-11-23")]


@pytest.mark.parametrize("feed", ["items", "prices", "stock", "customers"])
def test_a_sweep_that_is_cut_off_after_each_page_is_gone_on_with(feed: str) -> None:
    async def act(scene: Scene) -> tuple[list[object], list[object]]:
        whole = await rows(getattr(scene.target, feed)())
        found: list[object] = []
        mark = ""
        for _ in range(100):
            page = await anext(getattr(scene.target, feed)(mark))
            found += page.rows
            mark = page.mark
            if not mark.startswith("["):
                break
        return whole, found

    whole, found = play(act, switches={"page_size": 2})

    assert found == whole


@dataclass
class Backwards(httpx2.AsyncBaseTransport):
    """Pages whose rows are not in the order of their key."""

    inner: httpx2.AsyncBaseTransport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self.inner.handle_async_request(request)
        if "/ICItems" not in request.url.path or request.method != "GET":
            return answer
        data = json.loads(await answer.aread())
        return httpx2.Response(answer.status_code, json={**data, "value": data["value"][::-1]})


def test_rows_in_no_order_are_read_by_counted_pages_and_the_mark_waits_for_the_last() -> None:
    pages_read = play(lambda scene: pages(scene.target.items()), switches={"page_size": 2}, between=Backwards)

    codes = [item.code for page in pages_read for item in page.rows]
    assert sorted(codes) == sorted(item.code for item in play(lambda scene: rows(scene.target.items())))
    assert [page.mark for page in pages_read] == [*([""] * (len(pages_read) - 1)), "2026-11-21"]


@dataclass
class Deaf(httpx2.AsyncBaseTransport):
    """A server, or something before it, that heeds neither filters nor pages, and counts a million rows."""

    inner: httpx2.AsyncBaseTransport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if "/ICItems" not in request.url.path and "/GLAccounts" not in request.url.path:
            return await self.inner.handle_async_request(request)
        request.url = request.url.copy_with(query=b"$count=true")
        answer = await self.inner.handle_async_request(request)
        data = json.loads(await answer.aread())
        return httpx2.Response(answer.status_code, json={**data, "@odata.count": 1_000_000})


def test_pages_that_do_not_go_on_are_noticed_at_once() -> None:
    heard: list[httpx2.Request] = []

    async def act(scene: Scene) -> None:
        heard.clear()
        with pytest.raises(BadAnswer, match="do not go on"):
            await rows(scene.target.items())
        with pytest.raises(Unavailable, match="changed again and again"):
            await scene.target.references()

    play(act, heard=heard, between=Deaf)

    assert len(heard) < 30


def test_a_stamp_in_the_future_hides_nothing() -> None:
    async def act(scene: Scene) -> str:
        scene.clock.advance(-86_400 * 2)
        return (await pages(scene.target.items()))[-1].mark

    assert play(act) == "2026-11-19"


def test_a_mark_of_something_else_begins_at_the_beginning() -> None:
    everything = play(lambda scene: rows(scene.target.items("")))
    strange = play(lambda scene: rows(scene.target.items("no mark")))

    assert everything == strange


@pytest.mark.parametrize(
    "switches", [{}, {"has_ge_le": False}, {"old_annotations": True}, {"formatted_location_items": True}]
)
def test_stock_is_what_is_available_to_ship_at_each_location(switches: dict[str, object]) -> None:
    async def act(scene: Scene) -> tuple[list[Stock], str]:
        scene.control.set_stock("STOOL45", "FBA", "40")
        return await rows(scene.target.stock()), scene.target.capabilities().stock_is

    found, means = play(act, switches=switches)

    (fba,) = [each for each in found if (each.item, each.warehouse) == ("STOOL45", "FBA")]
    assert (fba.on_hand, fba.available) == (Decimal(40), Decimal(40))
    assert "available to ship" in means


@pytest.mark.parametrize("has", ["QuantityCommitted", "QuantityAvailableToShip", "-"])
def test_a_version_that_shows_less_of_stock_is_read_as_far_as_it_goes(has: str) -> None:
    async def act(scene: Scene) -> list[Stock]:
        scene.control.set_stock("STOOL45", "FBA", "40")
        return await rows(scene.target.stock())

    (fba,) = [
        each
        for each in play(act, switches={"location_detail_has": has})
        if each.warehouse == "FBA" and each.item == "STOOL45"
    ]
    assert fba.available == Decimal(40)


def test_without_locations_the_total_is_given_and_called_so() -> None:
    async def act(scene: Scene) -> tuple[list[Stock], str]:
        scene.control.set_stock("STOOL45", "FBA", "40")
        scene.control.set_stock("STOOL45", "MAIN", "2")
        return await rows(scene.target.stock()), scene.target.capabilities().stock_is

    found, means = play(act, switches={"location_details": False})

    (total,) = [each for each in found if each.item == "STOOL45"]
    assert (total.warehouse, total.available) == ("", Decimal(42))
    assert "All locations together" in means


def test_prices_are_the_base_prices_of_every_list() -> None:
    found = play(lambda scene: rows(scene.target.prices()))

    stool = [price for price in found if (price.item, price.price_list) == ("STOOL45", "AMZ")]
    assert stool == [Price("STOOL45", "AMZ", "USD", stool[0].amount, "Ea.", Decimal(1), includes_tax=None)]
    assert stool[0].amount > 0


def test_a_customer_says_what_would_get_in_the_way() -> None:
    async def act(scene: Scene) -> dict[str, tuple[str, ...]]:
        scene.control.set_customer(
            "AMZUS",
            {
                "OnHold": "Yes",
                "CheckCreditLimit": "Yes",
                "CreditLimitCustomerCurrency": 5000,
                "AccountType": "BalanceForward",
            },
        )
        return {customer.code: customer.hindrances for customer in await rows(scene.target.customers())}

    found = play(act)

    assert [words.split(":")[0] for words in found["AMZUS"]] == [
        "It is on hold",
        "It has a credit limit of 5000",
        "It is a balance forward account",
    ]
    assert found["AMZDE"] == ()


def test_shipments_are_not_shown_by_sage() -> None:
    assert play(lambda scene: pages(scene.target.shipments())) == [Page((), "")]
