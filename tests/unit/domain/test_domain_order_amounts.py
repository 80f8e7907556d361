"""An order that does not add up is held; what the dossier leaves open is allowed for in both readings."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ml_connector.domain.order_amounts import amount_findings
from ml_connector.domain.orders import (
    DELIVERY_TIP,
    DISCOUNT,
    GIFT_WRAP,
    ITEM,
    SHIPPING,
    TAX,
    Associated,
    Order,
    OrderItem,
    Part,
)
from tests.support.orders import mugs, order, part

LINE = (part(ITEM, "59.97"), part(SHIPPING, "12.50"), part(TAX, "5.80"))


def codes(checked: Order) -> list[str]:
    findings = amount_findings(checked)
    assert all(finding.holds for finding in findings)
    return [finding.code for finding in findings]


def one(item: OrderItem, **changes: object) -> Order:
    """An order of one line that shows nothing but the line's total."""
    return order(**{"items": (item,), "total": item.total, "parts": (), **changes})


def test_an_order_that_adds_up_has_no_finding() -> None:
    assert codes(order()) == []


@pytest.mark.parametrize("sign", [1, -1])
def test_a_discount_may_be_written_with_either_sign(sign: int) -> None:
    parts = (*LINE, Part(DISCOUNT, sign * Decimal("18.50")))

    assert codes(order(items=(mugs(parts=parts),), parts=parts)) == []


def test_a_total_may_hold_the_tax_that_amazon_withholds_or_not() -> None:
    without = mugs(total=Decimal("53.97"))

    assert codes(order(items=(without,), total=Decimal("53.97"))) == []


def test_a_total_holds_the_tax_that_the_seller_owes() -> None:
    without = mugs(total=Decimal("53.97"), facilitated=False)

    assert codes(order(items=(without,), total=Decimal("53.97"))) == ["order_amounts_differ"]


def test_prices_may_hold_the_tax() -> None:
    gross = mugs(total=Decimal("59.97"), parts=(part(ITEM, "59.97"),), facilitated=False)

    assert codes(order(items=(gross,), total=Decimal("59.97"), parts=(part(ITEM, "59.97"),))) == []


def test_a_line_that_does_not_add_up_by_a_cent_is_named_with_both_sums() -> None:
    [finding] = amount_findings(one(mugs(total=Decimal("59.78"))))

    assert finding.code == "order_amounts_differ"
    assert "line 90000000000003 come to 59.77, its total is 59.78 USD" in finding.message
    assert "111-1000003-0000003" in finding.message


def test_lines_that_do_not_come_to_the_orders_total_are_a_finding() -> None:
    assert codes(order(items=(mugs(), mugs(item_id="2")))) == ["order_amounts_differ"]
    assert codes(order(total=Decimal("60.00"))) == ["order_amounts_differ"]


def test_a_kind_that_differs_between_order_and_lines_is_a_finding_though_the_sums_agree() -> None:
    shifted = (part(ITEM, "60.97"), part(SHIPPING, "11.50"), part(TAX, "5.80"), part(DISCOUNT, "-18.50"))

    [finding] = amount_findings(order(parts=shifted))

    assert "ITEM of the lines come to 59.97, that of the order is 60.97 USD" in finding.message


def test_a_charge_of_the_order_that_no_line_has_is_a_finding() -> None:
    more = (part(ITEM, "59.97"), part(SHIPPING, "12.50"), part(TAX, "5.80"), part(DISCOUNT, "-18.50"))

    assert codes(order(parts=(*more, part(GIFT_WRAP, "3.99")), total=Decimal("63.76"))) == ["order_amounts_differ"]


@pytest.mark.parametrize("total", ["62.77", "59.77"])
def test_a_tip_belongs_to_the_order_and_may_be_in_its_total_or_not(total: str) -> None:
    parts = (*order().parts, Part(DELIVERY_TIP, Decimal("3.00"), "PENDING"))

    assert codes(order(parts=parts, total=Decimal(total))) == []


def test_pieces_that_do_not_make_their_part_are_a_finding() -> None:
    parts = (part(ITEM, "59.97"), part(TAX, "5.80", (ITEM, "4.80"), (SHIPPING, "1.01")))

    assert codes(one(mugs(parts=parts, total=Decimal("65.77")))) == ["order_amounts_differ"]


@pytest.mark.parametrize("piece", ["0.50", "-0.50"])
def test_a_discount_on_tax_takes_its_magnitude_off(piece: str) -> None:
    parts = (part(ITEM, "59.97"), part(TAX, "5.30", (ITEM, "5.80"), (DISCOUNT, piece)))

    assert codes(one(mugs(parts=parts, total=Decimal("65.27")))) == []


@pytest.mark.parametrize(
    "priceless",
    [
        order(status="PENDING"),
        order(status="CANCELLED"),
        order(status="UNFULFILLABLE"),
        order(channel="NON_AMAZON"),
        order(associated=(Associated("111-1000002-0000002", "REPLACEMENT_ORIGINAL_ID"),)),
    ],
    ids=["pending", "cancelled", "unfulfillable", "MCF", "replacement"],
)
def test_prices_may_be_missing_where_nothing_is_sold_or_not_yet(priceless: Order) -> None:
    bare = order(
        status=priceless.status,
        channel=priceless.channel,
        associated=priceless.associated,
        items=(mugs(total=None, parts=()),),
        total=None,
        parts=(),
    )

    assert codes(bare) == []


def test_a_paid_line_without_amounts_is_a_finding_and_a_cancelled_one_is_not() -> None:
    assert codes(one(mugs(total=None, parts=()))) == ["order_amounts_missing"]
    assert codes(one(mugs(total=None, parts=(), ordered=0))) == []


def test_a_total_of_nothing_known_is_a_finding_and_a_total_of_zero_is_not() -> None:
    assert codes(one(mugs(parts=()))) == ["order_amounts_missing"]
    assert codes(one(mugs(parts=(), total=Decimal("0.00")))) == []


def test_a_paid_order_without_lines_is_a_finding_and_a_pending_one_is_not() -> None:
    assert codes(order(items=(), parts=())) == ["order_amounts_missing"]
    assert codes(order(items=(), parts=(), total=None, status="PENDING")) == []
