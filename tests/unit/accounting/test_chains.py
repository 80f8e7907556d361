"""Chains across settlements, main stores and the opening sheet (ACCOUNTING 3, 4, 7)."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ml_connector.accounting.chains import BREAKS, check_chains, decide_main_store, with_main_stores
from ml_connector.accounting.opening import (
    OpeningSheet,
    check_opening,
    opening_payables,
    sheets_from_data,
    sheets_to_data,
)
from ml_connector.domain.errors import Finding, WrongUse
from ml_connector.domain.settlements import SettlementFacts

START = datetime(2026, 10, 1, tzinfo=UTC)


def facts(
    settlement_id: str,
    *,
    start: int,
    days: int = 7,
    total: str = "10.00",
    previous: str = "0",
    current: str = "0",
    payable: str = "0",
    failed: tuple[str, ...] = (),
    store: str | None = "Amazon.com",
    currency: str = "USD",
) -> SettlementFacts:
    """A settlement that starts ``start`` days after 1 October."""
    return SettlementFacts(
        settlement_id=settlement_id,
        currency=currency,
        main_store=store,
        start=START + timedelta(days=start),
        end=START + timedelta(days=start + days),
        total=Decimal(total),
        previous_reserve=Decimal(previous),
        current_reserve=Decimal(current),
        payable=Decimal(payable),
        charged=-Decimal(payable),
        failed_payouts=tuple(Decimal(amount) for amount in failed),
    )


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


#: The composed fixtures, as their files say.
COMPOSED = (
    facts("90000000011", start=11, days=14, total="85.79", previous="63.41", current="-20.00"),
    facts("90000000018", start=25, days=1, total="0", previous="20.00", current="-20.00", store=None),
    facts("90000000019", start=26, total="7.63"),
    facts("90000000013", start=4, total="-34.49", store="Amazon.co.uk", currency="GBP"),
    facts("90000000020", start=11, total="16.48", payable="-34.49", store="Amazon.co.uk", currency="GBP"),
    facts(
        "90000000014", start=0, total="949.55", previous="289.06", current="-289.06", store="Amazon.de", currency="EUR"
    ),
    facts("90000000015", start=7, total="1079.54", store="Amazon.de", currency="EUR"),
    facts("90000000016", start=0, total="83.71", store="Amazon.fr", currency="EUR"),
)


def test_the_composed_chains_hold_and_break_where_they_should() -> None:
    decided, findings = with_main_stores(COMPOSED, {})
    found = check_chains(decided)

    assert findings == ()
    assert {settlement_id: codes(f) for settlement_id, f in found.items() if f} == {
        "90000000015": ["reserve_chain_break"],
        "90000000019": ["reserve_chain_break"],
    }


def test_a_break_names_the_missing_settlement_and_does_not_hold() -> None:
    first = facts("1", start=0, current="-20.00")
    third = facts("3", start=14, previous="35.00")

    (finding,) = check_chains([third, first])["3"]

    assert not finding.holds
    assert "takes over a reserve of 35.00 USD, but 1 before it kept 20.00 USD" in finding.message
    assert "between 2026-10-08 00:00 UTC and 2026-10-15 00:00 UTC is missing" in finding.message


def test_periods_that_do_not_touch_are_a_gap() -> None:
    found = check_chains([facts("1", start=0), facts("2", start=8)])

    assert codes(found["2"]) == ["settlement_gap"]
    assert not BREAKS & {"settlement_gap"}


def test_overlapping_settlements_follow_the_one_whose_reserve_they_take_over() -> None:
    weekly = facts("1", start=0, days=14, current="-5.00")
    manual = facts("2", start=3, days=11, current="-7.00")
    following = facts("3", start=14, previous="5.00")

    assert check_chains([weekly, manual, following])["3"] == ()


def test_a_debt_that_nobody_left_is_a_break() -> None:
    found = check_chains([facts("1", start=0, total="-34.48"), facts("2", start=7, payable="-34.49")])

    assert codes(found["2"]) == ["payable_chain_break"]
    assert "1: 34.48 USD" in found["2"][0].message


def test_a_debt_may_come_back_later_than_in_the_next_file() -> None:
    chain = [facts("1", start=0, total="-34.49"), facts("2", start=7), facts("3", start=14, payable="-34.49")]

    assert check_chains(chain)["3"] == ()


def test_a_debt_of_the_opening_sheet_is_known() -> None:
    sheet = OpeningSheet("USD", "Amazon.com", START, payable=Decimal("34.49"))
    found = check_chains([facts("1", start=0, payable="-34.49")], opening_payables([sheet]))

    assert found["1"] == ()


def test_a_failed_payout_names_the_settlement_whose_total_it_returns() -> None:
    found = check_chains([facts("1", start=0, total="85.79"), facts("2", start=7, failed=("85.79",))])

    assert codes(found["2"]) == ["failed_payout"]
    assert "of settlement 1" in found["2"][0].message


def test_a_payout_is_returned_once() -> None:
    found = check_chains([facts("1", start=0, total="85.79"), facts("2", start=7, failed=("85.79", "85.79"))])

    assert codes(found["2"]) == ["failed_payout", "failed_payout_unmatched"]


def test_the_main_store_comes_from_the_chain_before_it_comes_from_the_link() -> None:
    before = facts("1", start=0, current="-20.00", store="Amazon.de", currency="EUR")
    other = facts("2", start=0, current="-7.00", store="Amazon.fr", currency="EUR")
    blank = facts("3", start=7, previous="20.00", store=None, currency="EUR")

    assert decide_main_store(blank, [before, other], ["Amazon.fr"]) == "Amazon.de"


def test_without_a_chain_the_only_store_of_the_link_in_that_currency_is_taken() -> None:
    blank = facts("3", start=7, previous="20.00", store=None, currency="CAD")

    assert decide_main_store(blank, [], ["Amazon.ca"]) == "Amazon.ca"


@pytest.mark.parametrize("stores", [[], ["Amazon.de", "Amazon.fr"]])
def test_several_stores_or_none_hold(stores: list[str]) -> None:
    finding = decide_main_store(facts("3", start=7, store=None, currency="EUR"), [], stores)

    assert isinstance(finding, Finding)
    assert (finding.code, finding.holds) == ("main_store_unclear", True)


SHEET = OpeningSheet("USD", "Amazon.com", START, reserve=Decimal("63.41"))


def test_the_first_file_must_take_over_the_reserve_of_the_opening_sheet() -> None:
    right = [facts("1", start=0, previous="63.41", current="-20.00"), facts("2", start=7, previous="20.00")]
    wrong = [facts("1", start=0, previous="63.40"), facts("2", start=7, previous="20.00")]

    assert check_opening(right, [SHEET]) == {"1": (), "2": ()}
    found = check_opening(wrong, [SHEET])
    assert codes(found["1"]) == ["opening_reserve_differs"]
    assert found["1"][0].holds
    assert found["2"] == ()


def test_without_a_sheet_a_reserve_that_is_taken_over_holds_and_nothing_else_does() -> None:
    assert codes(check_opening([facts("1", start=0, previous="63.41")], [])["1"]) == ["opening_sheet_missing"]
    assert check_opening([facts("1", start=0)], [])["1"] == ()


def test_a_first_file_that_began_before_the_opening_is_held_although_its_reserve_fits() -> None:
    (finding,) = check_opening([facts("1", start=-3, previous="63.41")], [SHEET])["1"]

    assert (finding.code, finding.holds) == ("opening_boundary_differs", True)
    assert "2026-09-28 00:00 UTC" in finding.message and "2026-10-01 00:00 UTC" in finding.message


def test_a_first_file_that_begins_after_the_opening_says_what_is_missing_in_between() -> None:
    (finding,) = check_opening([facts("1", start=7, previous="63.41")], [SHEET])["1"]

    assert (finding.code, finding.holds) == ("settlement_gap", False)
    assert "2026-10-01 00:00 UTC to 2026-10-08 00:00 UTC" in finding.message


def test_a_file_from_before_the_opening_is_never_posted() -> None:
    found = check_opening([facts("0", start=-7), facts("1", start=0, previous="63.41")], [SHEET])

    assert codes(found["0"]) == ["before_opening"]
    assert found["1"] == ()


TOML = """
[[store]]
currency = "USD"
store = "Amazon.com"
boundary = 2026-10-12T17:45:00Z
reserve = "63.41"
payable = "0.00"
in_transit = "120.00"
[store.open_invoices]
"113-0990500-0000500" = "59.99"
"""


def test_an_opening_sheet_is_read_from_toml_and_written_back() -> None:
    sheets = sheets_from_data(tomllib.loads(TOML))

    assert sheets[0].reserve == Decimal("63.41")
    assert sheets[0].boundary == datetime(2026, 10, 12, 17, 45, tzinfo=UTC)
    assert sheets[0].open_invoices[0].amount == Decimal("59.99")
    assert sheets_from_data(sheets_to_data(sheets)) == sheets
    assert sheets_to_data(sheets) == tomllib.loads(TOML)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"63.41"', "63.41", "needs reserve as text"),
        ('"63.41"', '"63,41"', "reserve"),
        ('"63.41"', '"-63.41"', "cannot be negative"),
        ("17:45:00Z", "17:45:00", "needs boundary"),
        ("reserve", "reserves", "does not know reserves"),
        ('store = "Amazon.com"', "", "needs store"),
    ],
)
def test_a_wrong_opening_sheet_says_what_is_wrong(before: str, after: str, says: str) -> None:
    with pytest.raises(WrongUse, match=says):
        sheets_from_data(tomllib.loads(TOML.replace(before, after, 1)))
