"""Amazon's own examples of orders, and those composed for this project, come in as ours."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.amazon.orders import By, Orders, OrdersPage, OrderWindow
from ml_connector.domain.order_amounts import amount_findings
from ml_connector.domain.order_form import store_form
from ml_connector.domain.orders import Order
from tests.support.amazon import answer, rig
from tests.support.amazon_swagger import amazon_contracts
from tests.support.orders import PLACED

pytestmark = pytest.mark.contract


@pytest.fixture
def contracts() -> Path:
    return amazon_contracts()


def static_examples(contracts: Path, path: str, status: str) -> list[Any]:
    model = json.loads((contracts / "swagger" / "orders_2026-01-01.json").read_text("utf-8"))
    said = model["paths"][path]["get"]["responses"][status]["x-amzn-api-sandbox"]["static"]
    return [each["response"] for each in said]


def searched(page: dict[str, Any]) -> OrdersPage:
    """The one page, read with buyers."""
    page = {name: value for name, value in page.items() if name != "pagination"}
    by = By.CREATED if "createdBefore" in page else By.UPDATED
    r = rig(lambda _request: answer(page))

    async def first() -> OrdersPage:
        [found] = [
            found async for found in Orders(r.client).search(OrderWindow(PLACED, by=by), ["ATVPDKIKX0DER"], buyers=True)
        ]
        return found

    return asyncio.run(first())


def gotten(order: dict[str, Any]) -> Order:
    r = rig(lambda _request: httpx2.Response(200, content=json.dumps(order).encode()))
    return asyncio.run(Orders(r.client).get(order["order"]["orderId"], buyers=True)).order


def composed(contracts: Path, name: str) -> Any:
    return json.loads((contracts / "composed-examples" / f"{name}.json").read_text("utf-8"))


def test_amazons_own_pages_come_in_as_ours(contracts: Path) -> None:
    pages = [searched(page) for page in static_examples(contracts, "/orders/2026-01-01/orders", "200")]

    assert [page.unreadable for page in pages] == [()] * len(pages)
    orders = [order for page in pages for order in page.orders]
    assert {order.currency for order in orders} >= {"JPY", "GBP"}
    assert [amount_findings(order) for order in orders] == [()] * len(orders)


def test_amazons_own_orders_come_in_as_ours(contracts: Path) -> None:
    orders = [gotten(order) for order in static_examples(contracts, "/orders/2026-01-01/orders/{orderId}", "200")]

    assert [amount_findings(order) for order in orders] == [()] * len(orders)
    assert [item.scheme for order in orders for item in order.items].count("IOSS") == 1


def test_the_composed_page_comes_in_and_adds_up(contracts: Path) -> None:
    page = searched(composed(contracts, "orders2026_search_page1"))

    chair, mugs, pending, cancelled = page.orders
    assert [amount_findings(order) for order in page.orders] == [(), (), (), ()]
    assert (chair.total, chair.may_be_sale, chair.items[0].facilitated) == (Decimal("129.58"), True, True)
    assert (mugs.aliases, mugs.is_business, mugs.items[0].promotions[0]) == (
        ("SO-2026-77123",),
        True,
        "Save 10% 2026-10 A1B2C3D4E5",
    )
    assert (pending.is_pending, pending.total, pending.currency) == (True, None, "")
    assert (cancelled.is_cancelled, cancelled.items[0].ordered, cancelled.items[0].cancelled_by) == (
        True,
        0,
        "MERCHANT",
    )
    assert [buyer.order_id for buyer in page.buyers] == [mugs.order_id]


def test_an_empty_page_says_how_far_it_reaches(contracts: Path) -> None:
    page = searched(composed(contracts, "orders2026_search_empty"))

    assert (page.orders, page.last) == ((), True)


def test_a_merchants_order_has_its_package(contracts: Path) -> None:
    order = gotten(composed(contracts, "orders2026_get_order_mfn"))

    assert order.fulfilled_by == "MERCHANT"
    assert amount_findings(order) == ()


#: Members that tell of a person (dossier, section 23).
PERSONAL = ("buyer", "recipient", "tax", "giftMessage", "serialNumbers", "customization")


def personal_words(value: Any, *, inside: bool = False) -> set[str]:
    """Every text below a personal member of an order. An item's ``tax`` tells of nobody, nor does the type of anything."""
    if isinstance(value, dict):
        return {
            word
            for name, member in value.items()
            if not (name == "tax" and "orderItemId" in value) and not name.endswith("Type")
            for word in personal_words(member, inside=inside or name in PERSONAL)
        }
    if isinstance(value, list):
        return {word for member in value for word in personal_words(member, inside=inside)}
    return {value} if inside and isinstance(value, str) and len(value) > 3 else set()


def test_nothing_that_tells_of_a_person_is_in_an_order_or_in_what_is_kept_of_it(contracts: Path) -> None:
    sources = [
        order for page in static_examples(contracts, "/orders/2026-01-01/orders", "200") for order in page["orders"]
    ]
    sources += [each["order"] for each in static_examples(contracts, "/orders/2026-01-01/orders/{orderId}", "200")]
    words = {word for source in sources for word in personal_words(source)}
    assert {
        "John Smith",
        "Feliz Natal! Espero que goste do seu novo alto-falante inteligente!",
        "TR1234567890",
    } <= words

    for source in sources:
        order = gotten({"order": source})
        kept = store_form(order).canonical.decode()
        # Quoted: one tracking number holds the digits of a tax number.
        assert [word for word in personal_words(source) if json.dumps(word, ensure_ascii=False) in kept] == []
