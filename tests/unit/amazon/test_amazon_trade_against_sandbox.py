"""Orders and money as the simulated Amazon shows them, in every reading that the dossier leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from ml_connector.amazon.finances import PostedWindow, RelatedTo
from ml_connector.amazon.orders import OrdersPage, OrderWindow
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.errors import NotPermitted
from ml_connector.domain.finances import DEFERRED, DEFERRED_RELEASED, Transaction, group_of, once
from ml_connector.domain.money import Money
from ml_connector.domain.order_amounts import amount_findings
from ml_connector.domain.order_form import SCHEMA, from_stored, store_form
from ml_connector.domain.orders import DISCOUNT, Order
from tests.support.amazon_story import Story

BUSY = {"stores": ["US", "DE", "JP"], "orders_per_day": 3, "replacement_rate": 0.2, "cancelled_rate": 0.2}


async def pages(story: Story, *, buyers: bool = False) -> list[OrdersPage]:
    window = OrderWindow(story.clock.now() - timedelta(days=30))
    search = story.account.orders.search(window, story.account.config.marketplace_ids, buyers=buyers)
    return [page async for page in search]


def orders(switches: Mapping[str, object]) -> list[Order]:
    found = asyncio.run(pages(Story({**BUSY, "switches": switches})))
    assert [page.unreadable for page in found] == [()] * len(found)
    return [order for page in found for order in page.orders]


@pytest.mark.parametrize("negative", [True, False])
@pytest.mark.parametrize("withheld", [True, False])
@pytest.mark.parametrize("gross", [True, False])
def test_every_order_adds_up_in_every_reading_that_is_open(negative: bool, withheld: bool, gross: bool) -> None:
    found = orders(
        {
            "discount_is_negative": negative,
            "grand_total_has_withheld_tax": withheld,
            "eu_item_is_gross": gross,
            "pending_shows_prices": True,
        }
    )

    assert len(found) > 200
    assert {order.currency for order in found} >= {"USD", "EUR", "JPY"}
    assert any(order.charge(DISCOUNT) for order in found)
    assert [finding for order in found for finding in amount_findings(order)] == []


def test_what_is_no_sale_is_known_as_that_and_every_version_is_kept_whole() -> None:
    found = orders({})

    assert any(order.is_replacement for order in found)
    assert any(order.is_cancelled for order in found)
    assert any(order.is_pending for order in found)
    assert all(order.is_zero_price for order in found if order.is_replacement and order.has_shipped)
    assert not any(
        order.may_be_sale for order in found if order.is_replacement or order.is_cancelled or order.is_pending
    )
    assert [from_stored(SCHEMA, store_form(order).canonical) for order in found] == found


def test_buyers_come_when_asked_for_and_an_application_without_the_role_gets_orders_without_them() -> None:
    told = asyncio.run(pages(Story(BUSY), buyers=True))
    silent = asyncio.run(pages(Story({**BUSY, "missing_roles": ["BUYER", "RECIPIENT"]}), buyers=True))

    assert len([buyer for page in told for buyer in page.buyers]) > 200
    assert [page.buyers for page in silent] == [()] * len(silent)
    assert [page.orders for page in silent] == [page.orders for page in told]


def test_an_application_whose_missing_role_is_refused_hears_which() -> None:
    refused = Story({**BUSY, "missing_roles": ["BUYER"], "switches": {"personal_data_without_role": "refused"}})

    with pytest.raises(NotPermitted, match=r"Inventory and Order Tracking .*Direct-to-Consumer Shipping"):
        asyncio.run(pages(refused, buyers=True))


def test_orders_sold_elsewhere_are_known_as_that() -> None:
    story = Story({"stores": ["US"], "orders_per_day": 3, "switches": {"other_stores_in_na": True}})
    window = OrderWindow(story.clock.now() - timedelta(days=60))

    async def tell() -> list[Order]:
        found = story.account.orders.search(window, ["A2ZV50J4W1RKNI"])
        return [order async for page in found for order in page.orders]

    found = asyncio.run(tell())
    assert found
    assert all(order.is_multi_channel and not order.may_be_sale for order in found)
    assert [finding for order in found for finding in amount_findings(order)] == []


# --- money -------------------------------------------------------------------------------------------------------------


async def transactions(story: Story, wanted: PostedWindow | RelatedTo) -> list[Transaction]:
    found: list[Transaction] = []
    async for page in story.account.finances.transactions(wanted):
        assert page.unreadable == ()
        found += page.transactions
    return found


@pytest.mark.parametrize("twins", [True, False])
def test_a_settlement_its_summary_and_its_transactions_agree_to_the_cent(twins: bool) -> None:
    story = Story({"stores": ["US"], "orders_per_day": 3, "switches": {"release_makes_a_twin": twins}})

    async def tell() -> tuple[Money, Money, Money, Decimal]:
        found = await story.account.discover_settlements(story.clock.now() - timedelta(days=90))
        head = SettlementFile.of(await story.download(str(found[-1].report_document_id))).head
        assert head is not None
        total = Money(head.total, head.currency)
        [summary] = await story.account.finances.summary(head.settlement_id)
        groups = await story.account.event_groups.started(story.clock.now() - timedelta(days=90))
        group = group_of(groups, head.start, head.end, total)
        assert group is not None
        assert group.total is not None
        belonging = await transactions(story, RelatedTo("FINANCIAL_EVENT_GROUP_ID", group.id))
        settled = [each for each in once(belonging) if each.status != DEFERRED and each.kind != "Transfer"]
        return total, summary.proceeds, group.total, sum((each.amount for each in settled), Decimal(0))

    total, proceeds, grouped, transacted = asyncio.run(tell())
    assert proceeds == grouped == total
    assert Money(transacted, "USD") == total


def test_transactions_add_up_by_their_leaves_and_deferred_ones_count_once() -> None:
    story = Story(BUSY)

    found = asyncio.run(transactions(story, PostedWindow(story.clock.now() - timedelta(days=60))))

    single = once(found)
    deferred = [each for each in single if each.status == DEFERRED_RELEASED]
    assert [each.unexplained for each in found] == [Decimal(0)] * len(found)
    assert len(deferred) > 10
    assert len(single) == len(found) - len(deferred)


def test_balances_hold_what_their_parts_add_up_to() -> None:
    story = Story({"stores": ["US", "DE"]})

    for balance in asyncio.run(story.account.finances.balances()):
        parts = [balance.find(kind) for kind in ("AVAILABLE", "DEFERRED", "ACCOUNT_LEVEL_RESERVE")]
        assert sum((part.amount.amount for part in parts if part is not None), Decimal(0)) == balance.amount.amount


def test_payouts_name_their_settlement_where_amazon_shows_them_and_elsewhere_it_says_so() -> None:
    story = Story({"stores": ["US", "DE"]})
    since = story.clock.now() - timedelta(days=90)

    async def tell() -> None:
        german = await story.account.payouts.created(since, marketplace_ids=["A1PA6795UKMFR9"])
        american = await story.account.payouts.created(since, marketplace_ids=["ATVPDKIKX0DER"])
        assert german.available and all(payout.settlement_id for payout in german.payouts)
        assert len(german.payouts) >= 3
        assert not american.available and "by its own description" in american.why

    asyncio.run(tell())
