"""Cut-off: period split, carry-forward, closed periods, effective-dated accounts (ACCOUNTING 3, 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.accounting.period_split import Bucket, Posting, Problem, accounting_date, calendar_of
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.domain.catalog import FiscalPeriod
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.mapping import AccountRule, ClosedPeriod, Mapping, Placement
from tests.support.groups import Row, account_of, chart, month, policy, references, settlement

SEPTEMBER, OCTOBER, NOVEMBER = date(2026, 9, 28), date(2026, 10, 31), date(2026, 11, 2)
END_IN_NOVEMBER = datetime(2026, 11, 3, 17, 45, tzinfo=UTC)

ACROSS = (
    Row("product_sales", "10.00", SEPTEMBER),
    Row("product_sales", "100.00", OCTOBER),
    Row("referral_fees", "-15.00", OCTOBER),
    Row("product_sales", "50.00", NOVEMBER),
    Row("reserve", "-20.00", NOVEMBER, store=""),
)


def months(*closed: int) -> tuple[FiscalPeriod, ...]:
    return tuple(month(2026, number, is_open=number not in closed) for number in range(1, 13))


def plan_across(*closed: int, choice: ClosedPeriod = ClosedPeriod.HOLD, split: bool = True) -> SettlementPlan:
    periods = months(*closed)
    books = policy(closed_period=choice, period_split=split)
    groups = settlement(ACROSS, end=END_IN_NOVEMBER, books=books, periods=periods)
    return plan_settlement(groups, policy=books, mapping=chart(), references=references(periods), prefix="AAAA")


def shape(plan: SettlementPlan) -> list[tuple[str, str, list[tuple[str, Decimal]]]]:
    """Per entry: key's period, posting date, lines as (category, credit - debit)."""
    return [
        (
            entry.period,
            entry.posting_date.isoformat(),
            [(line.category, line.credit - line.debit) for line in entry.lines],
        )
        for entry in plan.entries
    ]


def test_each_earlier_period_has_its_own_entry_on_its_last_day_and_the_closing_entry_releases_it() -> None:
    assert shape(plan_across()) == [
        ("2026P09", "2026-09-30", [("product_sales", Decimal("10.00")), ("carry_forward", Decimal("-10.00"))]),
        (
            "2026P10",
            "2026-10-31",
            [
                ("product_sales", Decimal("100.00")),
                ("referral_fees", Decimal("-15.00")),
                ("carry_forward", Decimal("-85.00")),
            ],
        ),
        (
            "2026P11",
            "2026-11-03",
            [
                ("product_sales", Decimal("50.00")),
                ("reserve", Decimal("-20.00")),
                ("carry_forward", Decimal("10.00")),
                ("carry_forward", Decimal("85.00")),
                ("payout", Decimal("-125.00")),
            ],
        ),
    ]


def test_the_closing_entry_waits_for_the_earlier_ones() -> None:
    september, october, closing = plan_across().entries

    assert closing.depends_on == (september.key, october.key)
    assert september.depends_on == october.depends_on == ()
    assert closing.key == "AAAA-JE-90000000011-2026P11"


def test_without_split_everything_is_dated_with_the_end_of_the_settlement() -> None:
    (entry,) = plan_across(9, 10, split=False).entries

    assert entry.posting_date == entry.document_date == date(2026, 11, 3)
    assert entry.period == "2026P11"
    assert [line.category for line in entry.lines] == ["product_sales", "referral_fees", "reserve", "payout"]


def test_a_closed_period_holds_and_names_the_period_and_what_to_do() -> None:
    plan = plan_across(9)

    assert plan.entries == ()
    (finding,) = plan.findings
    assert finding.code == "closed_period"
    assert finding.holds
    assert "Fiscal period 2026-09 is closed" in finding.message
    assert "1 rows (10.00 USD)" in finding.message
    assert "next_open_day" in finding.message


def test_next_open_day_moves_the_rows_of_a_closed_period_into_the_next_open_one() -> None:
    plan = plan_across(9, choice=ClosedPeriod.NEXT_OPEN_DAY)

    assert [(period, day) for period, day, _ in shape(plan)] == [("2026P10", "2026-10-31"), ("2026P11", "2026-11-03")]
    assert shape(plan)[0][2][0] == ("product_sales", Decimal("110.00"))


def test_next_open_day_moves_the_closing_entry_too() -> None:
    plan = plan_across(9, 10, 11, choice=ClosedPeriod.NEXT_OPEN_DAY)

    assert [(period, day) for period, day, _ in shape(plan)] == [("2026P12", "2026-12-01")]


def test_next_open_day_without_any_open_period_holds() -> None:
    plan = plan_across(*range(1, 13), choice=ClosedPeriod.NEXT_OPEN_DAY)

    assert {finding.code for finding in plan.findings} == {"closed_period"}
    assert "no later period is open" in plan.findings[0].message


def test_a_date_in_no_period_holds() -> None:
    periods = months()[9:]
    groups = settlement(ACROSS, end=END_IN_NOVEMBER, periods=periods)
    plan = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(periods), prefix="AAAA")

    (finding,) = plan.findings
    assert finding.code == "no_fiscal_period"
    assert "2026-09" in finding.message


def test_a_row_of_a_later_period_than_the_end_holds() -> None:
    groups = settlement([Row("product_sales", "1.00", date(2026, 11, 1))])
    plan = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")

    assert [finding.code for finding in plan.findings] == ["row_in_later_period"]


def test_a_4_4_5_calendar_decides_and_adjustment_periods_are_never_a_target() -> None:
    p9 = FiscalPeriod("FY26-09", 2026, 9, date(2026, 8, 31), date(2026, 10, 4), open=True)
    p10 = FiscalPeriod("FY26-10", 2026, 10, date(2026, 10, 5), date(2026, 11, 1), open=True)
    adjustment = FiscalPeriod("FY26-13", 2026, 13, date(2026, 10, 4), date(2026, 10, 4), open=True, adjustment=True)
    calendar = calendar_of((p10, adjustment, p9), policy())

    assert calendar.bucket(date(2026, 10, 4)) == Bucket("2026P09", date.min)
    assert calendar.bucket(date(2026, 10, 5)) == Bucket("2026P10", date.min)
    assert calendar.bucket(date(2026, 11, 2)) == Bucket("", date.min, Problem.NO_PERIOD, "2026-11")
    assert calendar.place(date(2026, 10, 4)) == Posting(date(2026, 10, 4), p9)


def test_the_accounting_date_is_taken_in_the_zone_of_the_link() -> None:
    evening = datetime(2026, 11, 1, 3, 30, tzinfo=UTC)

    assert accounting_date(evening, "America/Los_Angeles") == date(2026, 10, 31)
    assert accounting_date(evening, "Europe/Berlin") == date(2026, 11, 1)


def test_the_account_in_force_on_the_accounting_date_of_the_row_is_used() -> None:
    rules = (*chart().rules, AccountRule(Placement("9999"), category="product_sales", since=date(2026, 10, 20)))
    mapping = Mapping(version=2, rules=rules)
    rows = [Row("product_sales", "7.00", date(2026, 10, 19)), Row("product_sales", "5.00", date(2026, 10, 20))]
    groups = settlement(rows, mapping=mapping)

    plan = plan_settlement(groups, policy=policy(), mapping=mapping, references=references(), prefix="AAAA")

    sales = [(line.account, line.credit) for line in plan.entries[0].lines if line.category == "product_sales"]
    assert sales == [(account_of("product_sales"), Decimal("7.00")), ("9999", Decimal("5.00"))]


def test_groups_made_with_other_buckets_are_refused() -> None:
    groups = settlement([Row("product_sales", "7.00", OCTOBER)], end=END_IN_NOVEMBER)
    (group,) = groups.groups
    by_month = replace(groups, groups=(replace(group, key=replace(group.key, bucket="2026-10")),))

    with pytest.raises(Inconsistent, match="not by the link's calendar"):
        plan_settlement(by_month, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")
