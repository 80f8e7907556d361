"""The same settlement with other bytes; documents taken back and posted again (ACCOUNTING 7, 11)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.accounting.period_split import calendar_of
from ml_connector.accounting.proof import Evidence, prove
from ml_connector.accounting.restatement import (
    Restatement,
    Verdict,
    planned_period,
    posted_again,
    restate,
    reversal,
)
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import AccountRule, Mapping, Placement
from ml_connector.domain.settlements import SettlementGroups
from tests.support.groups import YEAR_2026, Row, account_of, chart, month, policy, references, settlement
from tests.support.proofs import evidence

OCTOBER, NOVEMBER = date(2026, 10, 30), date(2026, 11, 2)
END = datetime(2026, 11, 3, tzinfo=UTC)
SALE = Row("product_sales", "100.00", OCTOBER)
FEE = Row("referral_fees", "-15.00", OCTOBER)
LATER = Row("product_sales", "50.00", NOVEMBER)
RESERVE = (Row("reserve", "5.00", NOVEMBER, store=""), Row("reserve", "-20.00", NOVEMBER, store=""))
ORIGINAL = (SALE, FEE, LATER, *RESERVE)
TODAY = calendar_of(YEAR_2026, policy())


def file(*rows: Row, end: datetime = END) -> SettlementGroups:
    return settlement(rows, end=end)


def plan_of(groups: SettlementGroups, mapping: Mapping | None = None, newer: Mapping | None = None) -> SettlementPlan:
    return plan_settlement(
        groups,
        policy=policy(),
        mapping=mapping or chart(),
        references=references(),
        prefix="AAAA",
        newer_mapping=newer,
    )


def restated(new: SettlementGroups, *, posted: bool = True, plan: SettlementPlan | None = None) -> Restatement:
    old = file(*ORIGINAL)
    return restate(old, new, posted=plan_of(old).entries if posted else (), plan=plan or plan_of(new), calendar=TODAY)


def shape(entries: tuple[JournalEntry, ...]) -> list[tuple[str, list[tuple[str, Decimal]]]]:
    """Per entry its planned period and the lines that post, credits positive."""
    return [
        (planned_period(entry), [(line.category, line.credit - line.debit) for line in entry.lines if line.posts])
        for entry in entries
    ]


def test_equal_rows_in_another_order_change_nothing() -> None:
    assert restated(file(*reversed(ORIGINAL))) == Restatement(Verdict.UNCHANGED)


def test_an_original_that_was_not_posted_is_replaced() -> None:
    assert restated(file(*ORIGINAL, SALE), posted=False).verdict is Verdict.REPLACE


def test_a_changed_amount_becomes_a_delta_per_period() -> None:
    new = file(SALE, replace(FEE, amount="-14.00"), replace(LATER, amount="49.00"), *RESERVE)
    result = restated(new)

    assert result.verdict is Verdict.DELTA
    assert not result.needs_approval
    assert shape(result.entries) == [
        ("2026P10", [("referral_fees", Decimal("1.00")), ("carry_forward", Decimal("-1.00"))]),
        ("2026P11", [("product_sales", Decimal("-1.00")), ("carry_forward", Decimal("1.00"))]),
    ]


def test_a_delta_has_a_key_of_its_own_and_names_what_it_corrects() -> None:
    new = file(SALE, replace(FEE, amount="-14.00"), replace(LATER, amount="49.00"), *RESERVE)
    first, _ = restated(new).entries

    assert re.fullmatch(r"AAAA-JE-90000000011-2026P10-[0-9A-F]{8}", first.key)
    assert first.key.endswith(new.sha256[:8].upper())
    assert first.depends_on == ("AAAA-JE-90000000011-2026P10",)
    assert first.posting_date == date(2026, 10, 31)


def test_a_settlement_id_with_a_hyphen_changes_nothing_of_that() -> None:
    old, new = (settlement(rows, end=END, settlement_id="9-11") for rows in (ORIGINAL, (*ORIGINAL, LATER)))
    posted = plan_of(old).entries
    delta = restate(old, new, posted=posted, plan=plan_of(new), calendar=TODAY).entries

    assert [planned_period(entry) for entry in (*posted, *delta)] == ["2026P10", "2026P11"] * 2
    assert planned_period(posted_again(posted[0], delta[0].key)) == "2026P10"
    assert [entry.key for entry in delta] == [f"{entry.key}-{new.sha256[:8].upper()}" for entry in posted]


def test_a_changed_total_is_a_task_for_a_person() -> None:
    result = restated(file(*ORIGINAL, LATER))

    assert result.needs_approval
    assert [finding.code for finding in result.findings] == ["restated_total"]
    assert shape(result.posting) == [("2026P11", [("product_sales", Decimal("50.00")), ("payout", Decimal("-50.00"))])]


def test_a_delta_of_a_period_that_closed_since_goes_to_the_next_open_day() -> None:
    new = file(SALE, replace(FEE, amount="-14.00"), replace(LATER, amount="49.00"), *RESERVE)
    old = file(*ORIGINAL)
    today = calendar_of([month(2026, n, is_open=n >= 11) for n in range(9, 13)], policy())

    first, second = restate(old, new, posted=plan_of(old).entries, plan=plan_of(new), calendar=today).entries

    assert (first.posting_date, first.period, planned_period(first)) == (date(2026, 11, 1), "2026P11", "2026P10")
    assert (second.posting_date, second.period) == (date(2026, 11, 3), "2026P11")


def test_without_an_open_day_the_delta_is_held() -> None:
    old, new = file(*ORIGINAL), file(*ORIGINAL, LATER)
    today = calendar_of([month(2026, 10, is_open=False)], policy())
    result = restate(old, new, posted=plan_of(old).entries, plan=plan_of(new), calendar=today)

    assert result.verdict is Verdict.HELD
    assert {finding.code for finding in result.findings} == {"closed_period"}


def test_a_category_that_disappeared_is_taken_back() -> None:
    result = restated(file(SALE, LATER, *RESERVE))

    assert shape(result.entries)[0] == (
        "2026P10",
        [("carry_forward", Decimal("-15.00")), ("referral_fees", Decimal("15.00"))],
    )


def test_new_triples_are_placed_by_the_current_mapping_and_old_ones_by_the_original() -> None:
    new = file(*ORIGINAL, Row("coupons", "-2.00", NOVEMBER))
    current = Mapping(
        2,
        (
            AccountRule(Placement("7777"), category="product_sales"),
            AccountRule(Placement("8888"), category="coupons"),
        ),
    )
    result = restated(new, plan=plan_of(new, mapping=chart(without={"coupons"}), newer=current))

    accounts = {line.category: line.account for entry in result.entries for line in entry.lines if line.posts}
    assert accounts == {"coupons": "8888", "payout": account_of("payout")}


@pytest.mark.parametrize("what", ["currency", "period"])
def test_a_changed_currency_or_period_is_held(what: str) -> None:
    new = file(*ORIGINAL, SALE, end=END if what == "currency" else datetime(2026, 11, 4, tzinfo=UTC))
    if what == "currency":
        new = replace(new, head=replace(new.head, currency="CAD"))
    result = restated(new)

    assert result.verdict is Verdict.HELD
    assert [finding.code for finding in result.findings] == [f"restated_{what}"]


def test_two_settlements_are_no_restatement() -> None:
    old = file(*ORIGINAL)
    other = replace(old, head=replace(old.head, settlement_id="90000000012"))

    with pytest.raises(ValueError, match="two settlements"):
        restate(old, other, posted=(), plan=plan_of(old), calendar=TODAY)


def all_evidence(*generations: tuple[tuple[JournalEntry, ...], SettlementPlan | Restatement, str]) -> list[Evidence]:
    return [evidence(entry, by.lineage or {}, sha256) for entries, by, sha256 in generations for entry in entries]


def test_original_and_deltas_together_are_proved_against_the_newest_file() -> None:
    first = file(*ORIGINAL)
    second = file(SALE, LATER, LATER, *RESERVE)
    third = file(SALE, FEE, replace(RESERVE[0], amount="6.00"), RESERVE[1])
    plan = plan_of(first)
    delta = restate(first, second, posted=plan.entries, plan=plan_of(second), calendar=TODAY)
    again = restate(second, third, posted=(*plan.entries, *delta.posting), plan=plan_of(third), calendar=TODAY)

    documents = all_evidence(
        (plan.entries, plan, first.sha256), (delta.entries, delta, second.sha256), (again.entries, again, third.sha256)
    )
    proof = prove(third, recorded_sha256=third.sha256, evidence=documents)
    assert [check.words for check in proof.checks if check.ok is False] == []

    cent = replace(third, head=replace(third.head, total=third.head.total + Decimal("0.01")))
    assert not prove(cent, recorded_sha256=third.sha256, evidence=documents).proved


def test_a_reversal_is_the_opposite_in_an_open_period() -> None:
    entry = plan_of(file(*ORIGINAL)).entries[0]
    back = reversal(entry, date(2026, 11, 20), TODAY)

    assert isinstance(back, JournalEntry)
    assert back.key == "AAAA-JE-90000000011-2026P10-REV"
    assert back.depends_on == (entry.key,)
    assert (back.posting_date, back.period) == (date(2026, 11, 20), "2026P11")
    assert [(a.account, a.debit, a.credit) for a in back.lines] == [(b.account, b.credit, b.debit) for b in entry.lines]


def test_a_reversal_without_an_open_period_is_a_finding() -> None:
    entry = plan_of(file(*ORIGINAL)).entries[0]

    assert isinstance(reversal(entry, date(2027, 1, 1), TODAY), Finding)


def test_what_is_posted_again_has_its_own_key_and_the_three_together_are_proved() -> None:
    groups = file(*ORIGINAL)
    plan = plan_of(groups)
    october, closing = plan.entries
    back = reversal(october, date(2026, 11, 20), TODAY)
    assert isinstance(back, JournalEntry)
    again = posted_again(october, back.key)
    lineage = {
        **plan.lineage,
        **{(again.key, n): part for (key, n), part in plan.lineage.items() if key == october.key},
    }

    assert re.fullmatch(r"AAAA-JE-90000000011-2026P10-[0-9A-F]{8}", again.key)
    assert posted_again(october, back.key) == again
    documents = [evidence(each, lineage, groups.sha256) for each in (october, back, again, closing)]
    assert prove(groups, recorded_sha256=groups.sha256, evidence=documents).proved
    assert not prove(groups, recorded_sha256=groups.sha256, evidence=[documents[0], documents[1], documents[3]]).proved
