"""The most specific rule wins, and of equals the one that began last."""

from __future__ import annotations

from datetime import date

import pytest

from ml_connector.domain.mapping import AccountRule, Mapping, Placement
from ml_connector.domain.settlements import Triple

TRIPLE = Triple("Order", "ItemFees", "Commission")
DAY = date(2026, 10, 13)


def rule(account: str, **narrowing: object) -> AccountRule:
    return AccountRule(Placement(account), category="referral_fees", **narrowing)  # type: ignore[arg-type]


#: ACCOUNTING 3, from the most specific to the least.
IN_ORDER = [
    AccountRule(Placement("triple+store"), triple=TRIPLE, store="Amazon.com"),
    AccountRule(Placement("triple"), triple=TRIPLE),
    rule("store+channel+group", store="Amazon.com", channel="AFN", item_group="lamps"),
    rule("store", store="Amazon.com"),
    rule("category"),
]


def account(rules: list[AccountRule], *, store: str = "amazon.COM", on: date = DAY) -> str | None:
    found = Mapping(1, tuple(rules)).find(
        category="referral_fees", triple=TRIPLE, store=store, channel="AFN", item_group="lamps", on=on
    )
    return found.placement.account if found else None


@pytest.mark.parametrize("missing", range(len(IN_ORDER)))
def test_each_rule_wins_where_the_more_specific_ones_are_missing(missing: int) -> None:
    rules = IN_ORDER[missing:]
    assert account(list(reversed(rules))) == rules[0].placement.account


def test_a_rule_for_another_store_does_not_apply() -> None:
    assert account([rule("de", store="Amazon.de"), rule("all")]) == "all"


def test_a_label_is_matched_whatever_its_case_and_hyphens() -> None:
    spelled = AccountRule(Placement("x"), triple=Triple("order", "item-fees", "COMMISSION"))
    assert account([spelled]) == "x"


def test_a_rule_begins_on_its_day() -> None:
    rules = [rule("old"), rule("new", since=date(2026, 10, 14))]
    assert account(rules, on=date(2026, 10, 13)) == "old"
    assert account(rules, on=date(2026, 10, 14)) == "new"


def test_what_no_rule_knows_is_unmapped() -> None:
    assert account([]) is None


def test_the_hash_of_a_mapping_is_over_its_rules() -> None:
    assert Mapping(1, tuple(IN_ORDER)).sha256 == Mapping(2, tuple(IN_ORDER)).sha256
    assert Mapping(1, tuple(IN_ORDER)).sha256 != Mapping(1, tuple(IN_ORDER[1:])).sha256
