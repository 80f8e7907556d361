"""Transactions add up by their leaves and count once; a group is matched to its settlement only where nothing else fits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.finances import (
    Balance,
    Breakdown,
    EventGroup,
    Identifier,
    Leaf,
    Transaction,
    TransactionItem,
    group_of,
    once,
)
from ml_connector.domain.money import Money

SOLD = datetime(2026, 10, 5, 11, tzinfo=UTC)


def node(kind: str, amount: str, *below: Breakdown) -> Breakdown:
    return Breakdown(kind, Decimal(amount), below)


def transaction(**changes: Any) -> Transaction:
    values: dict[str, Any] = {
        "transaction_id": "T1",
        "kind": "Shipment",
        "status": "RELEASED",
        "description": "Order Payment",
        "posted": SOLD,
        "currency": "USD",
        "amount": Decimal("90.02"),
    }
    return Transaction(**{**values, **changes})


FEES = node("AmazonFees", "-29.96", node("Commission", "-18.00", node("Base", "-18.00")), node("FBA", "-11.96"))
CHAIR = TransactionItem("Chair", Decimal("90.02"), (node("ProductCharges", "0", node("Principal", "119.98")), FEES))


def test_only_leaves_add_up_whatever_their_branches_say() -> None:
    sold = transaction(items=(CHAIR,), breakdowns=(node("Sales", "119.98"), node("Expenses", "-29.96")))

    assert sold.leaves() == (
        Leaf(("ProductCharges", "Principal"), Decimal("119.98")),
        Leaf(("AmazonFees", "Commission", "Base"), Decimal("-18.00")),
        Leaf(("AmazonFees", "FBA"), Decimal("-11.96")),
    )
    assert sold.unexplained == 0


def test_a_transaction_without_items_has_its_own_tree_and_one_without_a_tree_has_its_amount() -> None:
    fee = transaction(amount=Decimal("-39.99"), breakdowns=(node("Sales", "0"), node("Expenses", "-39.99")))
    adjusted = transaction(amount=Decimal("5.00"), items=(TransactionItem("", None),))

    assert [leaf.amount for leaf in fee.leaves()] == [0, Decimal("-39.99")]
    assert adjusted.leaves() == (Leaf((), Decimal("5.00")),)


def test_what_the_leaves_do_not_explain_is_told() -> None:
    assert transaction(amount=Decimal("90.03"), items=(CHAIR,)).unexplained == Decimal("0.01")


def link(name: str, value: str) -> tuple[Identifier, ...]:
    return (Identifier("ORDER_ID", "113-1-1"), Identifier(name, value))


DEFERRED = transaction(transaction_id="D", status="DEFERRED_RELEASED", identifiers=link("RELEASE_TRANSACTION_ID", "R"))
TWIN = transaction(
    transaction_id="R",
    identifiers=link("DEFERRED_TRANSACTION_ID", "D"),
    posted=SOLD + timedelta(days=9),
)


@pytest.mark.parametrize("listed", [(DEFERRED, TWIN), (TWIN, DEFERRED)])
def test_a_deferred_sale_and_its_release_count_once_on_the_day_of_the_sale(listed: tuple[Transaction, ...]) -> None:
    assert once(listed) == (DEFERRED,)


def test_a_twin_is_known_by_either_ones_link() -> None:
    silent = transaction(transaction_id="R")
    dumb = transaction(transaction_id="D", status="DEFERRED")

    assert once((DEFERRED, silent)) == (DEFERRED,)
    assert once((dumb, TWIN)) == (dumb,)


def test_a_release_whose_sale_is_not_there_stays() -> None:
    assert once((TWIN,)) == (TWIN,)


def test_what_comes_twice_counts_once_and_what_has_no_id_counts_each_time() -> None:
    nameless = transaction(transaction_id="")

    assert once((TWIN, TWIN, nameless, nameless)) == (TWIN, nameless, nameless)


def test_an_identifier_is_found_by_its_name() -> None:
    assert (DEFERRED.related("ORDER_ID"), DEFERRED.related("REFUND_ID")) == ("113-1-1", "")


def test_a_balance_finds_the_parts_below_it() -> None:
    part = Balance("DEFERRED", Money(Decimal("45.01"), "USD"))
    total = Balance("TOTAL", Money(Decimal("120.50"), "USD"), below=(Balance("RESERVED", part.amount, below=(part,)),))

    assert total.find("DEFERRED") is part
    assert total.find("AVAILABLE") is None


# --- groups ------------------------------------------------------------------------------------------------------------

START = datetime(2026, 10, 12, 17, 45, tzinfo=UTC)
END = START + timedelta(days=14)
TOTAL = Money(Decimal("85.79"), "USD")


def group(name: str = "G", **changes: Any) -> EventGroup:
    return EventGroup(**{"id": name, "status": "Closed", "start": START, "end": END, "total": TOTAL, **changes})


@pytest.mark.parametrize("apart", [0, 60, -60])
def test_a_group_belongs_to_the_settlement_of_its_time_and_total(apart: int) -> None:
    moved = group(start=START + timedelta(seconds=apart), end=END - timedelta(seconds=apart))

    assert group_of([moved], START, END, TOTAL) is moved


@pytest.mark.parametrize(
    "other",
    [
        group(start=START + timedelta(seconds=61)),
        group(end=END - timedelta(seconds=61)),
        group(end=None),
        group(total=Money(Decimal("85.80"), "USD")),
        group(total=Money(Decimal("85.79"), "CAD")),
    ],
)
def test_a_group_of_another_time_or_total_is_another_settlements(other: EventGroup) -> None:
    assert group_of([other], START, END, TOTAL) is None


def test_a_group_without_a_total_fits_and_one_with_the_total_fits_better() -> None:
    bare = group("bare", total=None)

    assert group_of([bare], START, END, TOTAL) is bare
    assert group_of([bare, group()], START, END, TOTAL) == group()


def test_of_two_groups_that_fit_alike_none_is_guessed() -> None:
    assert group_of([group("1"), group("2")], START, END, TOTAL) is None
