"""What is checked before the first write (ACCOUNTING 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.accounting.mapping_check import check_mapping, preflight, suggest
from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.catalog import ControlAccount, References
from ml_connector.domain.documents import JournalEntry
from ml_connector.domain.mapping import AccountRule, Mapping, Placement
from ml_connector.domain.settlements import Triple
from tests.support.groups import Row, account, account_of, chart, month, policy, references, settlement

DAY = date(2026, 10, 15)
SALES = account_of("product_sales")


def entry() -> JournalEntry:
    groups = settlement([Row("product_sales", "10.00", DAY)])
    (planned,) = plan_settlement(
        groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA"
    ).entries
    return planned


def with_sales(**more: object) -> References:
    known = references()
    return replace(
        known, accounts=tuple(account(SALES, "Sales", **more) if a.code == SALES else a for a in known.accounts)
    )


BAD_ACCOUNTS: list[tuple[dict[str, object], str]] = [
    ({"frozen": True}, "account_frozen"),
    ({"postable": False}, "account_not_postable"),
    ({"manual_locked": True}, "account_locked"),
    ({"control": ControlAccount.RECEIVABLES}, "account_is_control"),
    ({"currency": "EUR"}, "account_currency"),
]


def test_a_fit_mapping_and_a_fit_entry_have_no_findings() -> None:
    assert check_mapping(chart(), references(), {"Amazon.com": "USD"}) == ()
    assert preflight([entry()], references()) == ()


@pytest.mark.parametrize(("more", "code"), BAD_ACCOUNTS)
def test_an_account_that_cannot_take_the_line_is_found_in_both_places(more: dict[str, object], code: str) -> None:
    company = with_sales(**more)

    for findings in (check_mapping(chart(), company, {"Amazon.com": "USD"}), preflight([entry()], company)):
        (finding,) = findings
        assert finding.code == code
        assert finding.holds
        assert f"Account {SALES} (Sales), mapped for product_sales" in finding.message


def test_a_missing_account_is_named() -> None:
    company = replace(references(), accounts=tuple(a for a in references().accounts if a.code != SALES))

    assert [f.code for f in check_mapping(chart(), company)] == ["account_missing"]
    assert [f.code for f in preflight([entry()], company)] == ["account_missing"]


def test_a_balance_does_not_belong_on_a_profit_and_loss_account() -> None:
    rules = (AccountRule(Placement("4000"), category="reserve"), AccountRule(Placement("4000"), category="coupons"))
    company = references(accounts=[account("4000", "Sales", profit_and_loss=True)])

    (finding,) = check_mapping(Mapping(1, rules), company)
    assert finding.code == "account_is_profit_and_loss"
    assert "reserve is a balance" in finding.message


@pytest.mark.parametrize("category", ["failed_payout", "successful_charge"])
def test_what_undoes_a_payout_stands_where_payouts_do(category: str) -> None:
    rules = (AccountRule(Placement("1"), category="payout"), AccountRule(Placement("2"), category=category))
    company = references(accounts=[account("1"), account("2")])

    assert [f.code for f in check_mapping(Mapping(1, rules), company)] == [f"{category}_account"]


def test_a_rule_for_a_category_that_does_not_exist_is_named() -> None:
    (finding,) = check_mapping(Mapping(1, (AccountRule(Placement("1"), category="sales"),)), references())

    assert finding.code == "unknown_category"


def test_an_account_of_one_currency_under_a_rule_for_all_stores_is_only_a_note_while_it_fits_some() -> None:
    (finding,) = check_mapping(chart(), with_sales(currency="USD"), {"Amazon.com": "USD", "Amazon.ca": "CAD"})

    assert (finding.code, finding.holds) == ("account_currency", False)


def test_a_closed_period_stops_the_entry() -> None:
    (finding,) = preflight([entry()], references([month(2026, 10, is_open=False)]))

    assert finding.code == "closed_period"


def test_a_currency_that_the_erp_does_not_have_stops_the_entry() -> None:
    findings = preflight([replace(entry(), currency="CAD")], references())

    assert [f.code for f in findings] == ["currency_missing"]


def test_an_entry_without_a_branch_is_stopped_where_the_erp_keeps_branches() -> None:
    findings = preflight([entry()], replace(references(), branches=("1", "2")))

    assert [f.code for f in findings] == ["branch_missing"]


def test_more_decimals_than_the_erp_keeps_are_never_rounded() -> None:
    planned = entry()
    lines = tuple(
        replace(line, debit=line.debit * Decimal("1.0005"), credit=line.credit * Decimal("1.0005"))
        for line in planned.lines
    )

    assert {f.code for f in preflight([replace(planned, lines=lines)], references())} == {"too_many_decimals"}


def test_an_entry_that_does_not_balance_is_our_defect() -> None:
    planned = entry()

    assert [f.code for f in preflight([replace(planned, lines=planned.lines[:1])], references())] == ["imbalance"]


def test_accounts_are_suggested_by_name_among_those_that_may_be_used() -> None:
    company = references(
        accounts=[
            account("4000", "Sales of Products", profit_and_loss=True),
            account("4001", "Product Sales", profit_and_loss=True, frozen=True),
            account("6100", "Advertising", profit_and_loss=True),
            account("1200", "Advertising Receivable", profit_and_loss=False),
        ]
    )

    found = [(s.category, s.account) for s in suggest(company, ["product_sales", "advertising"])]
    assert found == [("advertising", "6100"), ("product_sales", "4000")]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (AccountRule(Placement(SALES), category="product_sales", store="Amazon.con"), "the link has no such store"),
        (AccountRule(Placement(SALES), category="product_sales", item_group="toys"), "no item is in a group"),
        (
            AccountRule(Placement(SALES), category="shipping_income", triple=Triple("Order", "ItemPrice", "Principal")),
            "is product_sales",
        ),
    ],
)
def test_a_rule_that_can_never_apply_is_told(rule: AccountRule, says: str) -> None:
    mapping = Mapping(1, (*chart().rules, rule))

    (finding,) = check_mapping(mapping, references(), {"Amazon.com": "USD"})

    assert (finding.code, finding.holds) == ("rule_never_applies", False)
    assert says in finding.message


def test_a_rule_for_a_label_that_the_table_does_not_know_or_knows_alike_is_fine() -> None:
    rules = (
        AccountRule(Placement(SALES), category="product_sales", triple=Triple("Order", "ItemPrice", "Principal")),
        AccountRule(Placement(SALES), category="shipping_income", triple=Triple("Order", "ItemPrice", "Made up")),
        AccountRule(Placement(SALES), triple=Triple("Order", "ItemPrice", "Shipping"), store="AMAZON.COM"),
    )
    assert check_mapping(Mapping(1, (*chart().rules, *rules)), references(), {"Amazon.com": "USD"}) == ()
