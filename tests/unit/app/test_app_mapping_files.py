"""Mappings as files: what is written is read back the same."""

from __future__ import annotations

from datetime import date

import pytest

from ml_connector.app import mapping_files
from ml_connector.domain.errors import WrongUse
from ml_connector.domain.mapping import AccountRule, Placement, rules_to_data
from ml_connector.domain.settlements import Triple

RULES = (
    AccountRule(Placement("401000"), category="product_sales"),
    AccountRule(
        Placement(
            "401001",
            (("CostingCode", "AMZ"), ("ProjectCode", "A")),
        ),
        category="product_sales",
        store="Amazon.de",
    ),
    AccountRule(Placement("401002"), category="product_sales", store="Amazon.de", channel="AFN", item_group="chairs"),
    AccountRule(Placement("611000"), category="referral_fees", since=date(2026, 10, 1)),
    AccountRule(Placement("611900"), triple=Triple("Order", "ItemFees", 'A "quoted", fee')),
)


@pytest.mark.parametrize("form", ["csv", "toml"])
def test_what_is_written_is_read_back_the_same(form: str) -> None:
    assert mapping_files.read(mapping_files.write(RULES, form), form) == RULES
    assert mapping_files.from_data(rules_to_data(RULES)) == RULES


@pytest.mark.parametrize(
    ("text", "form", "says"),
    [
        ("category,account\nproduct_sales,401000,x\n", "csv", "more cells"),
        ("category,account,transaction_type\n,401000,Order\n", "csv", "names all three"),
        ("account\n401000\n", "csv", "for a category or for a triple"),
        ("category,account,channel\nproduct_sales,401000,DHL\n", "csv", "AFN, MFN or empty"),
        ("category,account,since\nproduct_sales,401000,soon\n", "csv", "YYYY-MM-DD"),
        ("category,account,dimensions\nproduct_sales,401000,AMZ\n", "csv", "name=value"),
        ("rule = 1", "toml", "[[rule]] tables only"),
        ("[[rule]]\ncolour = 'red'\n", "toml", "Rule 1 has colour"),
        ("[[rule]", "toml", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, form: str, says: str) -> None:
    with pytest.raises(WrongUse, match=r".") as refused:
        mapping_files.read(text, form)
    assert says in str(refused.value)
