"""One ledger behind it all: what a settlement lists happened, once, to an order that there is."""

import pytest

from ml_connector.sandbox.amazon.event_ledger import EventLedger
from ml_connector.sandbox.amazon.marketplaces import STORES
from ml_connector.sandbox.amazon.order_ledger import OrderLedger
from ml_connector.sandbox.amazon.rows import Event, Row, packed, stamp, unpacked
from ml_connector.sandbox.amazon.switches import SWITCHES
from ml_connector.sandbox.ledger import Ledger
from ml_connector.sandbox.switches import Switches
from tests.support.sandbox_amazon import START, Seller

ABOUT_AN_ORDER = ("Order", "Refund", "A-to-z Guarantee Refund", "Order_Retrocharge")
BUSY = {
    "stores": list(STORES),
    "orders_per_day": 4,
    "refund_rate": 0.3,
    "a_to_z": ["US:2", "DE:1"],
    "unknown_triple": ["FR:2"],
    "failed_payout": ["CA:1"],
    "switches": {"other_stores_in_na": True},
}


def test_every_row_about_an_order_names_one_that_there_is() -> None:
    seller = Seller(BUSY)
    seller.listed()
    book = seller.world.book("amazon")
    orders = OrderLedger(book)
    named = {
        row["order_id"]
        for row in book.rows("SELECT order_id, transaction_type FROM {rows}")
        if row["transaction_type"] in ABOUT_AN_ORDER
    }
    assert len(named) > 500
    assert [order_id for order_id in named if orders.find(order_id, START) is None] == []


def test_every_settlement_is_the_sum_of_its_events_and_has_no_row_that_none_of_them_tells() -> None:
    seller = Seller(BUSY)
    seller.listed()
    book = seller.world.book("amazon")
    events = EventLedger(book, Switches(SWITCHES))
    closings = book.rows("SELECT * FROM {closings}")
    assert len(closings) == 18
    for closing in closings:
        told = [event for _, event in events.settled(closing["store"], closing["number"])]
        assert sum(event.amount for event in told) == closing["total"]
        file_id = f"{closing['store']}-{closing['number']}"
        listed = book.rows("SELECT * FROM {rows} WHERE file_id = ? ORDER BY position", (file_id,))
        money = STORES[closing["store"]].money
        assert [(row["amount_description"], row["amount"]) for row in listed] == [
            (row.amount_description, money(row.amount)) for event in told for row in event.rows
        ]


def test_an_event_is_written_down_and_read_back_as_it_was() -> None:
    first = Row("Order", "ItemPrice", "Principal", 5999, START, "111-1", sku='THROW "SOFT" 130', quantity="1")
    sale = Event("sale", START, (first, first._replace(amount_description="Tax", amount=-1, promotion_id="Ten off")))
    assert unpacked("sale", stamp(START), stamp(START), packed(sale)) == sale


def test_a_world_read_again_goes_on_where_it_was_and_draws_nothing_twice() -> None:
    ledger = Ledger()
    first = Seller({"stores": ["US"]}, state=ledger)
    first.listed()
    counted = [
        first.world.book("amazon").rows(f"SELECT count(*) AS n FROM {{{table}}}")[0]["n"]
        for table in ("events", "transactions", "orders", "versions", "closings")
    ]
    again = Seller({"stores": ["US"]}, state=ledger)
    again.listed()
    assert counted == [
        again.world.book("amazon").rows(f"SELECT count(*) AS n FROM {{{table}}}")[0]["n"]
        for table in ("events", "transactions", "orders", "versions", "closings")
    ]


@pytest.mark.parametrize("store", list(STORES))
def test_nothing_of_an_order_is_written_down_after_it_shows(store: str) -> None:
    """What is drawn ahead reaches further than the time between an order and its shipment."""
    seller = Seller({"stores": [store], "orders_per_day": 6})
    seller.listed()
    book = seller.world.book("amazon")
    known = {row["order_id"] for row in book.rows("SELECT order_id FROM {orders}")}
    seller.clock.advance(6 * 3600)
    now = stamp(seller.clock.now())
    seller.sign_in()
    seller.listed()
    shown = book.rows("SELECT DISTINCT order_id FROM {versions} WHERE updated <= ?", (now,))
    assert {row["order_id"] for row in shown} <= known
