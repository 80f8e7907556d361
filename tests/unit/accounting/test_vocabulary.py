"""The triple -> category table: how a rule is chosen, and what an unknown triple is told (ACCOUNTING 2)."""

from __future__ import annotations

import pytest

from ml_connector.accounting.vocabulary import TAX, WITHHELD, Rule, Vocabulary, of_version, shipped
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.settlements import Triple


def rules(*rows: tuple[str, str, str, str]) -> Vocabulary:
    return Vocabulary(1, [Rule(Triple(*row[:3]), row[3]) for row in rows])


def category(vocabulary: Vocabulary, *triple: str) -> str | None:
    rule = vocabulary.find(Triple(*triple))
    return rule.category if rule else None


def test_labels_match_folded() -> None:
    vocabulary = shipped()

    assert category(vocabulary, "Other-Transaction", "other_transaction", "subscription fee") == "subscription"
    assert category(vocabulary, "FBAFees", "FBA Long-Term Storage Fee", "base FEE") == "long_term_storage_fees"
    assert category(vocabulary, "Order", "ShipmentFees", "FBATransportationFee") == "fba_fulfilment_fees"


def test_exact_wins_over_a_wildcard_and_the_most_specific_wildcard_over_others() -> None:
    vocabulary = rules(
        ("A", "B", "*", "coupons"),
        ("A", "B", "CDE*", "deals"),
        ("A", "B", "CDEF", "vine"),
        ("*", "B", "*", "advertising"),
    )

    assert category(vocabulary, "a", "b", "cdef") == "vine"
    assert category(vocabulary, "a", "b", "cdeX") == "deals"
    assert category(vocabulary, "a", "b", "c") == "coupons"
    assert category(vocabulary, "z", "b", "c") == "advertising"
    assert category(vocabulary, "a", "z", "c") is None


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        ("Transfer of funds unsuccessful: *", "Transfer of funds unsuccessful: Please update", True),
        ("Transfer of funds unsuccessful: *", "Transfer of funds unsuccessful", False),
        ("A-to-z*Refund", "A-to-z Guarantee Refund", True),
        ("A-to-z*Refund", "A-to-z Refund", True),
        ("A-to-z*Refund", "A-to-z Guarantee", False),
        ("a*b*c", "a1b2c", True),
        ("a*b*b", "ab", False),
    ],
)
def test_a_star_stands_for_any_text(glob: str, text: str, *, matches: bool) -> None:
    assert (category(rules(("X", "Y", glob, "coupons")), "X", "Y", text) is not None) is matches


def test_two_equally_specific_wildcards_that_could_meet_fail_at_load() -> None:
    with pytest.raises(Inconsistent, match="cannot choose"):
        rules(("A", "B", "x*", "coupons"), ("A", "B", "*y", "deals"))


def test_equally_specific_wildcards_that_never_meet_are_fine() -> None:
    both = rules(("A", "B", "x*", "coupons"), ("A", "B", "y*", "deals"))

    assert (category(both, "A", "B", "x1"), category(both, "A", "B", "y1")) == ("coupons", "deals")


def test_two_rules_for_one_folded_triple_fail_at_load() -> None:
    with pytest.raises(Inconsistent, match="two rules"):
        rules(("A", "B", "Some Fee", "coupons"), ("a", "b", "some-fee", "deals"))


def test_a_rule_to_something_that_is_no_category_fails_at_load() -> None:
    with pytest.raises(Inconsistent, match="no category"):
        rules(("A", "B", "C", "miscellaneous"))


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        (("Order", "ItemPrice", "Principal"), "product_sales"),
        (("Refund", "ItemPrice", "Principal"), "product_refunds"),
        (("A-to-z Guarantee Refund", "ItemPrice", "Principal"), "product_refunds"),
        (("Chargeback Refund", "ItemFees", "Commission"), "referral_fee_refunds"),
        (("Refund", "ItemFees", "FBAPerUnitFulfillmentFee"), "fba_fulfilment_fees"),
        (("Refund", "ItemFees", "RefundCommission"), "refund_administration_fees"),
        (("Refund", "ItemPrice", "RestockingFee"), "other_income"),
        (("Refund", "ItemPrice", "ReturnShipping"), "shipping_refunds"),
        (("Order", "ItemPrice", "COD"), "cod_income"),
        (("Order", "Promotion", "Shipping"), "promotions"),
        (("Refund", "Promotion", "Principal"), "promotion_refunds"),
        (("Order", "Promotion", "TaxDiscount"), TAX),
        (("Order_Retrocharge", "ItemPrice", "Tax"), TAX),
        (("Refund_Retrocharge", "ItemWithheldTax", "MarketplaceFacilitatorTax-Shipping"), WITHHELD),
        (("Order", "ItemWithheldTax", "TCS-IGST"), "gst_tcs"),
        (("Order", "ItemWithheldTax", "TDS (Section 194-O)"), "income_tax_withheld"),
        (("Liquidations Adjustments", "ItemPrice", "Principal"), "liquidation_sales"),
        (("FBAFees", "AWD Storage Fee", "Base fee"), "storage_fees"),
        (("FBAFees", "AWD Processing Fee", "Base fee"), "other_selling_fees"),
        (("other-transaction", "other-transaction", "StorageRenewalBilling"), "long_term_storage_fees"),
        (("other-transaction", "other-transaction", "Income Tax Charged"), "income_tax_withheld"),
        (("Transfers", "Micro Deposit", "Micro Deposit"), "payout"),
        (("CouponRedemptionFee", "CouponRedemptionFee", "Spring sale: 10 % off"), "coupons"),
        (("Debt Adjustment", "Debt Adjustment", "Cross-Account Debt Adjustment (for) DE"), "inter_store_transfer"),
        (("Order", "ItemFees", "SomeFutureFee"), None),
    ],
)
def test_the_shipped_table(triple: tuple[str, str, str], expected: str | None) -> None:
    assert category(shipped(), *triple) == expected


def test_vat_on_a_fee_knows_the_fee_it_belongs_to() -> None:
    on_storage = shipped().find(Triple("FBAFees", "FBA Inventory Storage Fee", "Tax on fee"))
    on_capacity = shipped().find(Triple("AmazonFees", "Capacity Reservation Fee", "Tax"))

    assert on_storage is not None
    assert (on_storage.category, on_storage.if_not_deductible) == ("vat_on_fees", "storage_fees")
    assert on_capacity is not None
    assert (on_capacity.category, on_capacity.if_not_deductible) == ("vat_on_fees", "capacity_fees")


def test_an_unknown_triple_is_told_the_nearest_rules_and_why() -> None:
    [first, *_] = shipped().suggest(Triple("FBAFees", "FBA Inventory Storage Surcharge", "Base fee"))

    assert first.rule.triple == Triple("FBAFees", "FBA Inventory Storage Fee", "Base fee")
    assert "same transaction-type and amount-description" in first.reason
    assert shipped().suggest(Triple("?", "?", "?")) == ()


def test_what_was_planned_by_a_version_is_read_by_that_version() -> None:
    assert of_version(shipped().version) is shipped()
    with pytest.raises(Inconsistent, match=r"planned by version 99 of the vocabulary.*newer one"):
        of_version(99)
