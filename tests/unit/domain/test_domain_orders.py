"""What kind of order it is, which decides whether the books may know it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ml_connector.domain.orders import DISCOUNT, ITEM, SHIPPING, TAX, Associated, Order
from tests.support.orders import mugs, order, part

FREE = mugs(total=Decimal("0.00"), parts=())


@pytest.mark.parametrize("status", ["UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"])
def test_an_order_that_is_paid_for_may_be_a_sale(status: str) -> None:
    assert order(status=status).may_be_sale


@pytest.mark.parametrize(
    "changed",
    [
        order(status="PENDING"),
        order(status="PENDING_AVAILABILITY"),
        order(status="CANCELLED"),
        order(status="UNFULFILLABLE"),
        order(status="INVOICE_UNCONFIRMED"),
        order(status=""),
        order(channel="NON_AMAZON", order_id="S01-1234567-1234567", items=(mugs(total=None, parts=()),), total=None),
        order(associated=(Associated("111-1000002-0000002", "REPLACEMENT_ORIGINAL_ID"),)),
        order(items=(FREE,), total=Decimal("0.00"), parts=()),
    ],
    ids=["pending", "pre-order", "cancelled", "unfulfillable", "unknown", "unsaid", "MCF", "replacement", "free"],
)
def test_what_is_no_sale_never_may_be_one(changed: Order) -> None:
    assert not changed.may_be_sale


def test_an_exchange_is_no_replacement() -> None:
    exchanged = order(associated=(Associated("111-1000002-0000002", "EXCHANGE_ORIGINAL_ID"),))

    assert exchanged.may_be_sale and not exchanged.is_replacement


def test_an_order_without_prices_is_not_one_that_costs_nothing() -> None:
    assert not order(items=(mugs(total=None, parts=()),), total=None, parts=()).is_zero_price
    assert order(items=(FREE,), total=None, parts=()).is_zero_price


def test_a_discount_takes_its_magnitude_off_whichever_sign_it_has() -> None:
    assert mugs().charge(ITEM, SHIPPING, DISCOUNT) == Decimal("53.97")
    assert mugs(parts=(part(ITEM, "59.97"), part(DISCOUNT, "18.50"))).charge(ITEM, DISCOUNT) == Decimal("41.47")


def test_a_charge_that_is_not_there_is_zero() -> None:
    assert mugs(parts=()).charge(TAX) == 0
