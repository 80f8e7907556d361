"""Values and addresses of the Web API."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.errors import BadAnswer
from ml_connector.erp.sage_300.config import Dates
from ml_connector.erp.sage_300.documents.keys import key_in
from ml_connector.erp.sage_300.odata import annotation, fitting, path
from ml_connector.erp.sage_300.reads.marks import Mark, mark_from
from ml_connector.erp.sage_300.values import amount, day, flag, number, plain, text, words, written
from ml_connector.transport.odata import encode


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("  1200  ", "1200"),
        (None, ""),
        (75, "75"),
        (Decimal("75.0"), "75"),
        (Decimal("7.5"), "7.5"),
        (True, ""),
        ([], ""),
    ],
)
def test_text_comes_without_padding_and_whole_numbers_without_fractions(value: Any, found: str) -> None:
    assert text(value) == found


@pytest.mark.parametrize(
    "value", ["2026-04-03", "2026-04-03T00:00:00Z", "2026-04-03T00:00:00", "2026-04-03T12:00:00.000Z"]
)
def test_a_date_is_a_calendar_day_in_every_form(value: str) -> None:
    assert day(value) == date(2026, 4, 3)


@pytest.mark.parametrize("value", [None, "", "03.04.2026", 20260403, "2026-13-01"])
def test_what_is_no_date_is_said(value: Any) -> None:
    with pytest.raises(BadAnswer):
        day(value)


@pytest.mark.parametrize(
    ("value", "exact"),
    [(100, "100"), (Decimal("22.600"), "22.6"), (" 7.25 ", "7.25"), (None, "0"), (Decimal("-0.00"), "0")],
)
def test_amounts_are_exact(value: Any, exact: str) -> None:
    assert str(number(value)) == exact


@pytest.mark.parametrize("value", [True, "1e5", "NaN", [], Decimal("1E+30")])
def test_what_is_no_amount_is_said(value: Any) -> None:
    with pytest.raises(BadAnswer):
        number(value)


def test_yes_has_two_forms_and_no_has_more() -> None:
    assert [flag(value) for value in (True, "Yes", False, "No", None, 1)] == [True, True, False, False, False, False]


def test_dates_are_written_as_days_or_anchored_at_midday() -> None:
    assert written(date(2026, 4, 3), Dates.DAY) == "2026-04-03"
    assert written(date(2026, 4, 3), Dates.MIDDAY) == "2026-04-03T12:00:00.000Z"


def test_a_body_keeps_its_order_and_its_decimals() -> None:
    body = {"Zeta": Decimal("1.10"), "Alpha": amount(Decimal(5), "USD"), "Beta": amount(Decimal(5), "JPY")}

    assert encode(body) == b'{"Zeta":1.10,"Alpha":5.00,"Beta":5}'


def test_numbers_are_compared_without_separators_and_texts_are_cut_on_one_line() -> None:
    assert plain("a1-103/0") == "A11030"
    assert words("  two \n lines  here", 9) == "two lines"


def test_addresses_are_encoded_and_literals_keep_their_quotes() -> None:
    assert path("AR/ARCustomers", filter="CustomerName eq 'O''Neil & Co'", select="CustomerNumber", skip="") == (
        "/AR/ARCustomers?$filter=CustomerName%20eq%20%27O%27%27Neil%20%26%20Co%27&$select=CustomerNumber"
    )


def test_filters_are_packed_as_an_address_allows_and_a_long_one_goes_alone() -> None:
    packed = list(fitting(["a" * 900, "b" * 900, "c" * 3000, "d"], lambda some: "".join(some)))

    assert [[each[0] for each in some] for some in packed] == [["a", "b"], ["c"], ["d"]]


def test_annotations_are_read_in_both_spellings() -> None:
    assert annotation({"@odata.count": 3}, "count") == annotation({"odata.count": 3}, "count") == 3


@pytest.mark.parametrize("value", ["AMZ STL 1", "ABCD-XX-1", "abcd-JE-1", "", None, "ABCD-JE-"])
def test_only_a_key_of_ours_is_one(value: Any) -> None:
    assert key_in(value) == ""
    assert key_in(value, " ABCD-JE-90000000011-2026P10 ") == "ABCD-JE-90000000011-2026P10"


@pytest.mark.parametrize(
    "mark",
    [
        Mark(),
        Mark(date(2026, 11, 21), date(2026, 11, 21)),
        Mark(None, date(2026, 11, 21), ("A",)),
        Mark(None, None, ("a", "'")),
    ],
)
def test_a_mark_is_kept_as_text_and_comes_back(mark: Mark) -> None:
    assert mark_from(mark.text()) == mark


@pytest.mark.parametrize("kept", ["yesterday", "[1,2,3]", "[", '["","2026-99-99","A"]', '["", ""', '{"a":1}', "[[[["])
def test_a_mark_that_is_none_of_ours_is_the_beginning(kept: str) -> None:
    assert mark_from(kept) == Mark()
