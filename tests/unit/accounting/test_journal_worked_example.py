"""The worked example of ACCOUNTING 4, to the cent, and the chain of a negative settlement."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from ml_connector.accounting.settlement_journal import plan_settlement
from ml_connector.domain.documents import JournalEntry, JournalLine
from ml_connector.domain.mapping import StoreSettings
from ml_connector.domain.settlements import SettlementGroups
from tests.support.groups import Row, account_of, chart, policy, references, settlement

OCTOBER = date(2026, 10, 15)

#: v2_us_usd.txt by category, with the signs of the file.
US_ROWS = tuple(
    Row(category, amount, OCTOBER, store="" if category in {"reserve", "subscription", "advertising"} else "Amazon.com")
    for category, amounts in {
        "product_sales": "119.98 34.99 59.97 34.99 59.99",
        "product_refunds": "-59.99 -19.99",
        "goodwill": "-2.50",
        "shipping_income": "5.99 12.50",
        "gift_wrap_income": "3.99",
        "promotions": "-6.00 -12.50",
        "promotion_refunds": "2.00",
        "facilitator_tax_wash": "29.29 -6.40 -29.29 6.40",
        "referral_fees": "-18.00 -5.25 -9.00 -1.88 -5.25 -9.00",
        "referral_fee_refunds": "9.00 3.00",
        "refund_administration_fees": "-1.80 -0.60",
        "fba_fulfilment_fees": "-11.96 -5.40 -5.40 -5.98",
        "shipping_chargebacks": "-5.99 -3.99",
        "reimbursements": "21.37 14.02 -21.37",
        "liquidation_sales": "4.40",
        "liquidation_fees": "-0.66",
        "advertising": "-48.15",
        "coupons": "-5.00 -1.75",
        "subscription": "-39.99",
        "shipping_labels": "-7.35",
        "inbound_freight": "-12.80",
        "storage_fees": "-15.22",
        "removal_fees": "-1.04",
        "reserve": "63.41 -20.00",
    }.items()
    for amount in amounts.split()
)

#: ACCOUNTING 4: category, debit, credit.
US_LINES = [
    ("product_sales", "0", "309.92"),
    ("product_refunds", "79.98", "0"),
    ("goodwill", "2.50", "0"),
    ("shipping_income", "0", "18.49"),
    ("gift_wrap_income", "0", "3.99"),
    ("promotions", "18.50", "0"),
    ("promotion_refunds", "0", "2.00"),
    ("facilitator_tax_wash", "0", "0"),
    ("referral_fees", "48.38", "0"),
    ("referral_fee_refunds", "0", "12.00"),
    ("refund_administration_fees", "2.40", "0"),
    ("fba_fulfilment_fees", "28.74", "0"),
    ("shipping_chargebacks", "9.98", "0"),
    ("reimbursements", "0", "14.02"),
    ("liquidation_sales", "0", "4.40"),
    ("liquidation_fees", "0.66", "0"),
    ("advertising", "48.15", "0"),
    ("coupons", "6.75", "0"),
    ("subscription", "39.99", "0"),
    ("shipping_labels", "7.35", "0"),
    ("inbound_freight", "12.80", "0"),
    ("storage_fees", "15.22", "0"),
    ("removal_fees", "1.04", "0"),
    ("reserve", "0", "63.41"),
    ("reserve", "20.00", "0"),
    ("payout", "85.79", "0"),
]


def amounts(lines: tuple[JournalLine, ...]) -> list[tuple[str, Decimal, Decimal]]:
    return [(line.category, line.debit, line.credit) for line in lines]


def only_entry(groups: SettlementGroups, store: str = "Amazon.com") -> JournalEntry:
    books = policy(stores={store: StoreSettings(zone="UTC")})
    plan = plan_settlement(groups, policy=books, mapping=chart(), references=references(), prefix="AAAA")
    assert plan.findings == ()
    (entry,) = plan.entries
    return entry


def test_the_worked_example_is_reproduced_line_by_line() -> None:
    entry = only_entry(settlement(US_ROWS))

    assert sorted(amounts(entry.lines)) == sorted((c, Decimal(debit), Decimal(credit)) for c, debit, credit in US_LINES)
    assert entry.total == Decimal("428.23")
    assert entry.imbalance() == 0
    assert entry.key == "AAAA-JE-90000000011-2026P10"
    assert entry.reference == "90000000011"
    assert entry.posting_date == entry.document_date == date(2026, 10, 26)


def test_the_wash_stays_in_the_plan_with_its_rows_and_is_not_posted() -> None:
    (wash,) = (line for line in only_entry(settlement(US_ROWS)).lines if line.category == "facilitator_tax_wash")

    assert not wash.posts
    assert wash.rows == 4
    assert wash.rows_sha256


def test_rows_without_a_store_take_the_main_store() -> None:
    entry = only_entry(settlement(US_ROWS))

    assert {line.store for line in entry.lines} == {"Amazon.com"}
    assert entry.lines[0].text == "product_sales Amazon.com"


def test_a_negative_settlement_is_owed_to_amazon_and_the_next_one_shows_the_charge() -> None:
    week = date(2026, 10, 7)
    negative = only_entry(
        settlement(
            [Row("product_sales", "66.65", week, store="Amazon.co.uk"), Row("advertising", "-101.14", week, store="")],
            settlement_id="90000000013",
            currency="GBP",
            start=datetime(2026, 10, 5, tzinfo=UTC),
            end=datetime(2026, 10, 12, tzinfo=UTC),
            main_store="Amazon.co.uk",
        ),
        store="Amazon.co.uk",
    )
    after = only_entry(
        settlement(
            [
                Row("payable_to_amazon", "-34.49", date(2026, 10, 12), store=""),
                Row("successful_charge", "34.49", date(2026, 10, 14), store=""),
                Row("product_sales", "16.48", date(2026, 10, 15), store="Amazon.co.uk"),
            ],
            settlement_id="90000000020",
            currency="GBP",
            start=datetime(2026, 10, 12, tzinfo=UTC),
            end=datetime(2026, 10, 19, tzinfo=UTC),
            main_store="Amazon.co.uk",
        ),
        store="Amazon.co.uk",
    )

    assert amounts(negative.lines)[-1] == ("payable_to_amazon", Decimal(0), Decimal("34.49"))
    assert amounts(after.lines)[1:] == [
        ("successful_charge", Decimal(0), Decimal("34.49")),
        ("payable_to_amazon", Decimal("34.49"), Decimal(0)),
        ("payout", Decimal("16.48"), Decimal(0)),
    ]


def test_a_total_of_zero_has_no_last_line() -> None:
    entry = only_entry(
        settlement([Row("reserve", "20.00", OCTOBER, store=""), Row("reserve", "-20.00", OCTOBER, store="")])
    )

    assert amounts(entry.lines) == [
        ("reserve", Decimal(0), Decimal("20.00")),
        ("reserve", Decimal("20.00"), Decimal(0)),
    ]
    assert {line.account for line in entry.lines} == {account_of("reserve")}


def test_a_plan_of_zero_lines_posts_nothing() -> None:
    groups = settlement([Row("storage_fees", "-44.13", OCTOBER), Row("storage_fees", "44.13", OCTOBER)])
    plan = plan_settlement(groups, policy=policy(), mapping=chart(), references=references(), prefix="AAAA")

    assert plan.posting == ()
    assert [line.rows for line in plan.entries[0].lines] == [2]
