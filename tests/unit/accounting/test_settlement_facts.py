"""What the chains need of one file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from ml_connector.accounting.settlement_facts import settlement_facts
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.settlements import Triple
from tests.support.groups import Row, settlement

DAY = date(2026, 10, 15)
OTHER = "other-transaction"
# Rows are read again only where several failed payouts fall into one group.
NEVER_READ = SettlementFile.of(b"")


def row(category: str, amount: str, description: str) -> Row:
    return Row(category, amount, DAY, store="", triple=Triple(OTHER, OTHER, description))


def test_facts_are_the_sums_of_the_rows_that_point_to_other_settlements() -> None:
    groups = settlement(
        [
            row("reserve", "63.41", "previous reserve amount balance"),
            row("reserve", "-20.00", "Current Reserve Amount"),
            row("payable_to_amazon", "-34.49", "Payable to Amazon"),
            row("successful_charge", "34.49", "Successful charge"),
            row("failed_payout", "85.79", "Failed Disbursement"),
            Row("product_sales", "10.00", DAY),
            Row(None, "-0.37", DAY),
        ]
    )
    facts = settlement_facts(groups, NEVER_READ)

    assert (facts.settlement_id, facts.currency, facts.main_store) == ("90000000011", "USD", "Amazon.com")
    assert (facts.previous_reserve, facts.current_reserve) == (Decimal("63.41"), Decimal("-20.00"))
    assert (facts.payable, facts.charged) == (Decimal("-34.49"), Decimal("34.49"))
    assert facts.failed_payouts == (Decimal("85.79"),)
    assert facts.total == groups.head.total


def test_a_file_without_such_rows_has_zeros() -> None:
    facts = settlement_facts(replace(settlement([Row("product_sales", "10.00", DAY)]), main_store=None), NEVER_READ)

    assert facts.main_store is None
    assert {facts.previous_reserve, facts.current_reserve, facts.payable, facts.charged} == {Decimal(0)}
    assert facts.failed_payouts == ()
