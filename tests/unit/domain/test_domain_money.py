"""Amounts are exact, or they are refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer

AMOUNTS = st.decimals(min_value=Decimal(-(10**15)) + 1, max_value=Decimal(10**15) - 1, places=4)


@pytest.mark.parametrize("text", ["0", "-0.37", "85.79", "123456789012345.1234", "-5980"])
def test_a_canonical_amount_is_taken_as_it_is_written(text: str) -> None:
    assert money.amount(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["", "-", "+1", " 1", "1 ", "1,5", "1.", ".5", "1.23456", "1E3", "NaN", "Infinity", "1_000", "(1)", "１", "--1"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadAnswer):
        money.amount(text)


@pytest.mark.parametrize(
    ("number", "exact"),
    [("12.30", "12.3"), ("1E+2", "100"), ("-0.37", "-0.37"), ("-0.0", "0"), ("1.23400000", "1.234")],
)
def test_a_number_of_an_outside_system_is_the_amount_it_says(number: str, exact: str) -> None:
    found = money.amount_from_number(Decimal(number))

    assert found == Decimal(exact)
    assert not (found == 0 and found.is_signed())


@given(AMOUNTS)
def test_every_amount_comes_back_from_its_number(value: Decimal) -> None:
    assert money.amount_from_number(value) == value


@pytest.mark.parametrize(
    "number",
    ["NaN", "sNaN", "-Infinity", "1E+15", "1E+999999999", "1E-999999999", "0.10000000000000000001", "12.34567"],
)
def test_a_number_that_is_no_amount_is_refused_and_never_rounded(number: str) -> None:
    with pytest.raises(BadAnswer):
        money.amount_from_number(Decimal(number))


@given(AMOUNTS)
def test_ticks_and_back_is_the_same_amount(value: Decimal) -> None:
    assert money.amount_from_ticks(money.ticks(value)) == value


def test_more_than_four_decimals_have_no_ticks() -> None:
    with pytest.raises(BadAnswer):
        money.ticks(Decimal("0.00001"))


@pytest.mark.parametrize(
    ("value", "currency", "text"),
    [
        ("85.79", "USD", "85.79"),
        ("1", "USD", "1.00"),
        ("-0.370", "USD", "-0.37"),
        ("0", "USD", "0.00"),
        ("-0", "EUR", "0.00"),
        ("10039", "JPY", "10039"),
        ("1.2345", "USD", "1.2345"),
        ("1.5", "KWD", "1.500"),
        ("1000000", "JPY", "1000000"),
    ],
)
def test_an_amount_is_written_with_the_currency_own_decimals_and_never_rounded(
    value: str, currency: str, text: str
) -> None:
    assert money.text(Decimal(value), currency) == text


@given(AMOUNTS, st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_written_reads_back_as_the_same_amount(value: Decimal, currency: str) -> None:
    assert money.amount(money.text(value, currency)) == value
