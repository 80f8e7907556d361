"""What a Service Layer must not answer to those who follow it: it is said with its place, and nothing goes on for ever."""

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.catalog import Stock
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.source import Page
from ml_connector.erp.sap_business_one.reads.queries import STOCK
from tests.support.sap import ScriptedServiceLayer, answer, connected


async def read(pages: AsyncIterator[Page[Any]]) -> None:
    async for _ in pages:
        pass


@pytest.mark.parametrize(
    ("entity_set", "row", "said"),
    [
        ("Items", {"ItemName": "No code"}, "item None: SAP Business One shows a row without ItemCode"),
        (
            "Items",
            {"ItemCode": "A", "SalesItem": "Y", "Valid": "Y", "ValidTo": "soon"},
            "item A: SAP Business One gave 'soon' as a date",
        ),
        ("Items", "A", "something else than a list of rows"),
        ("BusinessPartners", {"CardCode": "C", "CreditLimit": "lots"}, "business partner C: .* 'lots' as CreditLimit"),
        ("DeliveryNotes", {"DocEntry": 7, "DocDate": None, "DocumentLines": [{}]}, "delivery 7: .* as a date"),
        ("DeliveryNotes", {"DocumentLines": [{}]}, "a document without DocEntry"),
        ("PriceLists", {"PriceListNo": None, "Active": "tYES"}, "a row without PriceListNo"),
        (
            "SpecialPrices",
            {"ItemCode": "A", "CardCode": "C", "Valid": "Y", "Price": []},
            "special price of A C: .* Price",
        ),
    ],
)
def test_what_makes_no_sense_is_named_with_its_place(entity_set: str, row: Any, said: str) -> None:
    async def act() -> None:
        server = ScriptedServiceLayer()
        target = await connected(server)
        server.script[f"GET /{entity_set}"] = lambda _: answer(200, {"value": [row]})
        feeds: dict[str, Callable[[], AsyncIterator[Page[Any]]]] = {
            "Items": target.items,
            "BusinessPartners": target.customers,
            "DeliveryNotes": target.shipments,
        }
        await read(feeds.get(entity_set, target.prices)())

    with pytest.raises(BadAnswer, match=said):
        asyncio.run(act())


def test_pages_that_do_not_move_on_end_in_an_error_and_not_in_a_loop() -> None:
    async def act() -> None:
        server = ScriptedServiceLayer()
        target = await connected(server)
        same = {"value": [{"ItemCode": "A"}], "@odata.nextLink": "Items?$skip=1"}
        server.script["GET /Items"] = lambda _: answer(200, same)
        await read(target.items())

    with pytest.raises(BadAnswer, match="pages do not go on: ItemCode"):
        asyncio.run(act())


def test_a_stamp_before_all_companies_is_none() -> None:
    async def act() -> None:
        server = ScriptedServiceLayer()
        target = await connected(server)
        row = {"ItemCode": "A", "UpdateDate": "0001-01-01", "CreateDate": "0001-01-01"}
        server.script["GET /Items"] = lambda _: answer(200, {"value": [row]})
        pages = [page async for page in target.items()]
        assert [(page.rows[0].code, page.mark) for page in pages] == [("A", "")], "everything again, the next time"

    asyncio.run(act())


@pytest.mark.parametrize("row", [{"itemcode": "A"}, {"ItemCode": "A", "WhsCode": "01", "OnHand": "five"}])
def test_a_stored_query_that_answers_strangely_is_not_trusted_and_the_items_are_read(row: dict[str, str]) -> None:
    async def act() -> list[Stock]:
        server = ScriptedServiceLayer()
        target = await connected(server)
        item = {"ItemCode": "A", "ItemWarehouseInfoCollection": [{"WarehouseCode": "01", "InStock": 5, "Committed": 2}]}
        server.script |= {
            "GET /SQLQueries('ML_STOCK')": lambda _: answer(200, {"SqlCode": STOCK.code, "SqlText": STOCK.text}),
            "GET /SQLQueries('ML_STOCK')/List": lambda _: answer(200, {"value": [row]}),
            "GET /Items": lambda _: answer(200, {"value": [item]}),
        }
        return [stock async for page in target.stock() for stock in page.rows]

    five, two, zero = Decimal(5), Decimal(2), Decimal(0)
    assert asyncio.run(act()) == [Stock("A", "01", five, two, zero, available=Decimal(3))]
