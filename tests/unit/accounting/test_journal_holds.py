"""What stops a settlement before anything is written, and the settings that shape its lines (ACCOUNTING 1-4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.accounting.journal_lines import CATEGORY_ORDER
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.domain.documents import LABEL_LENGTH_MAX, label, label_of
from ml_connector.domain.errors import Finding
from ml_connector.domain.mapping import CATEGORIES, AccountRule, Mapping, Placement, Presentation, StoreSettings
from ml_connector.domain.settlements import Granularity, TaxTreatment, Triple
from tests.support.groups import US, Row, account_of, chart, policy, references, settlement

DAY = date(2026, 10, 15)
SALE = Row("product_sales", "10.00", DAY)
UNKNOWN = Finding("unknown_triple", "Line 4: Order | ItemFees | SomeFutureFee is not known.", line=4)


def test_an_unmapped_category_holds_and_says_how_to_map_it() -> None:
    groups = settlement([SALE, Row("coupons", "-1.75", DAY), Row("coupons", "-5.00", DAY, store="")])
    plan = plan_settlement(
        groups, policy=policy(), mapping=chart(without={"coupons"}), references=references(), prefix="AAAA"
    )

    assert plan.entries == ()
    (finding,) = plan.findings
    assert finding.code == "unmapped_category"
    assert "coupons of Amazon.com (-6.75 USD" in finding.message
    assert "mapping import" in finding.message


@pytest.mark.parametrize(("category", "rows"), [("payout", [SALE]), ("payable_to_amazon", [Row("coupons", "-1", DAY)])])
def test_the_last_line_needs_an_account_too(category: str, rows: list[Row]) -> None:
    plan = plan_settlement(
        settlement(rows), policy=policy(), mapping=chart(without={category}), references=references(), prefix="AAAA"
    )

    assert plan.entries == ()
    assert category in plan.findings[0].message


def test_an_unknown_triple_holds_the_settlement() -> None:
    groups = settlement([SALE, Row(None, "-0.37", DAY)], findings=(UNKNOWN,))
    plan = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")

    assert plan.entries == ()
    assert plan.findings == (UNKNOWN,)


def test_a_link_with_a_suspense_account_posts_it_and_keeps_the_finding_open() -> None:
    groups = settlement([SALE, Row(None, "-0.37", DAY)], findings=(UNKNOWN,))
    books = policy(suspense=True)
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(), prefix="AAAA")

    (suspense,) = (line for line in plan.entries[0].lines if line.category == "suspense")
    assert suspense.debit == Decimal("0.37")
    assert [(finding.code, finding.holds) for finding in plan.findings] == [("unknown_triple", False)]


FUTURE = Triple("Order", "ItemFees", "SomeFutureFee")
LABELLED = AccountRule(
    Placement("6990"), category="other_selling_fees", triple=Triple("order", "Item-Fees", "Some Future Fee")
)


def unknown_plan(*rules: AccountRule, suspense: bool = False) -> SettlementPlan:
    """Of a sale on line 3 and an unknown label on line 4, with the rules added to the chart."""
    mapping = Mapping(2, (*chart().rules, *rules))
    books = policy(suspense=suspense)
    rows = [SALE, Row(None, "-0.37", DAY, triple=FUTURE)]
    groups = settlement(rows, findings=(UNKNOWN,), mapping=mapping, books=books)
    return plan_settlement(groups, policy=books, mapping=mapping, references=references(), prefix="AAAA")


@pytest.mark.parametrize("suspense", [False, True])
def test_a_rule_that_gives_an_unknown_triple_its_category_and_account_answers_it(*, suspense: bool) -> None:
    plan = unknown_plan(LABELLED, suspense=suspense)

    assert plan.findings == ()
    (fee,) = (line for line in plan.entries[0].lines if line.category == "other_selling_fees")
    assert (fee.account, fee.debit, fee.rows) == ("6990", Decimal("0.37"), 1)


@pytest.mark.parametrize(
    "rule",
    [
        replace(LABELLED, category=""),
        replace(LABELLED, category="carry_forward"),
        replace(LABELLED, store="Amazon.ca"),
        replace(LABELLED, channel="MFN"),
        replace(LABELLED, since=date(2026, 10, 16)),
        replace(LABELLED, triple=Triple("Refund", "ItemFees", "SomeFutureFee")),
    ],
    ids=["no category", "a category that no row has", "another store", "another channel", "later", "another triple"],
)
def test_a_rule_that_does_not_fit_leaves_it_unknown(rule: AccountRule) -> None:
    assert unknown_plan(rule).findings == (UNKNOWN,)


def test_an_unknown_triple_is_answered_only_when_all_of_its_rows_are() -> None:
    mapping = Mapping(2, (*chart().rules, replace(LABELLED, channel="MFN")))
    rows = [SALE, *(Row(None, "-0.37", DAY, triple=FUTURE, channel=channel) for channel in ("AFN", "MFN"))]
    more = Finding("unknown_triple", "7 more kinds of rows are not known.")
    groups = settlement(rows, findings=(UNKNOWN, more), mapping=mapping)
    partly = plan_settlement(groups, policy=policy(), mapping=mapping, references=references(), prefix="AAAA")
    wholly = plan_settlement(
        groups, policy=policy(), mapping=Mapping(3, (*mapping.rules, LABELLED)), references=references(), prefix="AAAA"
    )

    assert partly.findings == (UNKNOWN, more)
    assert wholly.findings == ()


def test_a_settlement_without_a_main_store_waits_for_the_decision() -> None:
    groups = settlement([Row("subscription", "-39.99", DAY, store="")], main_store=None)
    undecided = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")
    decided = plan_settlement(
        groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA", main_store="amazon.com"
    )

    assert [finding.code for finding in undecided.findings] == ["main_store_unclear"]
    assert [line.store for line in decided.entries[0].lines] == [US, US]


def test_a_store_outside_the_link_holds() -> None:
    groups = settlement([SALE])
    books = policy(stores={"Amazon.ca": StoreSettings(zone="UTC")})
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(), prefix="AAAA")

    assert [finding.code for finding in plan.findings] == ["store_not_in_link"]


@pytest.mark.parametrize(
    ("mexico", "code"),
    [
        (StoreSettings(zone="UTC", company="SBODEMOMX"), "other_company"),
        (StoreSettings(zone="UTC", branch="2"), "other_branch"),
    ],
)
def test_rows_that_belong_to_another_company_or_branch_hold(mexico: StoreSettings, code: str) -> None:
    groups = settlement([SALE, Row("product_sales", "3.00", DAY, store="Amazon.com.mx")])
    books = policy(stores={US: StoreSettings(zone="UTC"), "Amazon.com.mx": mexico})
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(), prefix="AAAA")

    assert [finding.code for finding in plan.findings] == [code]
    assert "Amazon.com.mx (3.00 USD)" in plan.findings[0].message


def test_the_entry_is_in_the_branch_of_its_main_store() -> None:
    books = policy(stores={US: StoreSettings(zone="UTC", branch="2")})
    plan = plan_settlement(settlement([SALE]), policy=books, mapping=chart(), references=references(), prefix="AAAA")

    assert plan.entries[0].branch == "2"
    assert plan.entries[0].company == "SBODEMOUS"
    assert plan.entries[0].key == "AAAA-JE-90000000011-2026P10"


def test_above_the_line_limit_the_coarser_granularity_is_proposed() -> None:
    rows = [Row("product_sales", "1.00", DAY, order=f"113-{n:07d}-0000000") for n in range(5)]
    books = policy(granularity=Granularity.ORDER)
    plan = plan_settlement(
        settlement(rows, books=books),
        policy=books,
        mapping=chart(),
        references=references(),
        prefix="AAAA",
        max_lines=5,
    )

    (finding,) = plan.findings
    assert finding.code == "too_many_lines"
    assert "granularity to day instead of order" in finding.message


def test_categories_stay_apart_on_one_account_and_lines_say_which_they_are() -> None:
    rules = tuple(AccountRule(Placement("4000"), category=category) for category in CATEGORY_ORDER)
    rows = [SALE, Row("shipping_income", "2.00", DAY), Row("product_sales", "4.00", DAY, store="Non-Amazon US")]
    plan = plan_settlement(
        settlement(rows), policy=policy(), mapping=Mapping(1, rules), references=references(), prefix="AAAA"
    )

    assert [line.text for line in plan.entries[0].lines] == [
        "product_sales Amazon.com",
        "product_sales Non-Amazon US",
        "shipping_income Amazon.com",
        "payout Amazon.com | in transit",
    ]


def test_the_most_specific_rule_places_a_row() -> None:
    triple = Triple("Order", "ItemPrice", "Principal")
    rules = (
        *chart().rules,
        AccountRule(Placement("4001"), category="product_sales", store="amazon.com"),
        AccountRule(Placement("4002"), category="product_sales", store=US, channel="MFN"),
        AccountRule(Placement("4003", (("CostingCode", "AMZ"),)), triple=triple),
    )
    rows = [
        SALE,
        Row("product_sales", "2.00", DAY, channel="MFN"),
        Row("product_sales", "3.00", DAY, triple=triple),
        Row("product_sales", "4.00", DAY, store="Amazon.ca"),
    ]
    plan = plan_settlement(
        settlement(rows), policy=policy(), mapping=Mapping(2, rules), references=references(), prefix="AAAA"
    )

    assert {(line.account, line.credit, line.dimensions) for line in plan.entries[0].lines[:-1]} == {
        ("4001", Decimal("10.00"), ()),
        ("4002", Decimal("2.00"), ()),
        ("4003", Decimal("3.00"), (("CostingCode", "AMZ"),)),
        (account_of("product_sales"), Decimal("4.00"), ()),
    }


def test_tax_treatments_are_lines_of_their_own() -> None:
    rows = [
        Row("sales_tax_payable", "2.25", DAY, tax=TaxTreatment.COLLECTED),
        Row("facilitator_tax_wash", "9.60", DAY, tax=TaxTreatment.FACILITATED),
        Row("facilitator_tax_wash", "-9.60", DAY, tax=TaxTreatment.FACILITATED),
    ]
    plan = plan_settlement(settlement(rows), policy=policy(), mapping=chart(), references=references(), prefix="AAAA")

    assert [(line.text, line.credit) for line in plan.entries[0].lines][:2] == [
        ("facilitator_tax_wash Amazon.com | facilitated", Decimal(0)),
        ("sales_tax_payable Amazon.com | collected", Decimal("2.25")),
    ]


def test_gross_presentation_keeps_debits_and_credits_apart() -> None:
    rows = [SALE, Row("product_sales", "-4.00", DAY), Row("coupons", "-1.00", DAY)]
    books = policy(presentation=Presentation.GROSS)
    plan = plan_settlement(settlement(rows), policy=books, mapping=chart(), references=references(), prefix="AAAA")

    lines = [(line.text, line.debit, line.credit) for line in plan.entries[0].lines[:3]]
    assert lines == [
        ("product_sales Amazon.com | credits", Decimal(0), Decimal("10.00")),
        ("product_sales Amazon.com | debits", Decimal("4.00"), Decimal(0)),
        ("coupons Amazon.com | debits", Decimal("1.00"), Decimal(0)),
    ]


def test_a_file_that_does_not_foot_is_never_planned() -> None:
    plan = plan_settlement(
        settlement([SALE], total="10.01"), policy=policy(), mapping=chart(), references=references(), prefix="AAAA"
    )

    assert [finding.code for finding in plan.findings] == ["sum_not_total"]
    assert plan.entries == ()


def test_every_category_has_its_place_in_the_order_of_lines() -> None:
    assert set(CATEGORY_ORDER) == CATEGORIES
    assert len(CATEGORY_ORDER) == len(CATEGORIES)


def test_a_label_survives_a_line_text_cut_at_its_length() -> None:
    text = label("refund_administration_fees", "Non-Amazon Remote Fulfilment Store")

    assert len(text) == LABEL_LENGTH_MAX
    assert label_of(text + " | 113-1000001-0000001") == text
    assert label_of((text + " | 113-1000001-0000001")[:LABEL_LENGTH_MAX]) == text
    assert label_of("product_sales Amazon.com | 2026-10-1") == "product_sales Amazon.com"
    assert label_of("product_sales  Amazon.com |") == "product_sales Amazon.com"
    assert label_of("Rounding difference") == ""
    assert label_of("") == ""


DE = "Amazon.de"
GROSS = StoreSettings("Europe/Berlin", prices_include_tax=True)
GERMAN_SALE = Row("product_sales", "119.00", DAY, store=DE)


def test_income_of_a_store_whose_prices_include_tax_is_told_where_no_row_shows_the_tax() -> None:
    """It is posted with the tax in it: that must not be found out by the tax office."""
    groups = settlement([GERMAN_SALE, Row("shipping_income", "4.99", DAY, store=DE)], main_store=DE)
    plan = plan_settlement(
        groups, policy=policy(stores={DE: GROSS}), mapping=chart(), references=references(), prefix="AAAA"
    )

    (finding,) = plan.findings
    assert (finding.code, finding.holds) == ("tax_in_prices", False)
    assert "123.99 USD of Amazon.de" in finding.message
    assert len(plan.entries) == 1


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        ([GERMAN_SALE, Row("sales_tax_payable", "19.00", DAY, store=DE, tax=TaxTreatment.COLLECTED)], GROSS),
        ([GERMAN_SALE], StoreSettings("Europe/Berlin")),
        ([Row("coupons", "-1.75", DAY, store=DE)], GROSS),
    ],
    ids=["tax is shown", "prices without tax", "nothing sold"],
)
def test_where_tax_is_shown_or_in_no_price_nothing_is_told(rows: list[Row], settings: StoreSettings) -> None:
    plan = plan_settlement(
        settlement(rows, main_store=DE),
        policy=policy(stores={DE: settings}),
        mapping=chart(),
        references=references(),
        prefix="AAAA",
    )
    assert plan.findings == ()
