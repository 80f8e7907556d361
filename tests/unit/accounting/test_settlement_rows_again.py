"""Rows found again for proofs, orders claimed, facts for the chains (ACCOUNTING 1, 4, 7, 8)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from ml_connector.accounting.order_claims import claimed_elsewhere, order_ids
from ml_connector.accounting.row_proof import RowProof, recompute_rows
from ml_connector.accounting.settlement_facts import settlement_facts
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.settlement_rows import RefusedSettlement
from ml_connector.domain.settlements import RowRanges
from tests.support.groupings import grouped
from tests.support.settlement_files import account_row, row, settlement

FAILED = "Transfer of funds unsuccessful: please update your bank information"
ROWS = [
    row("10.00", order_id="113-1000002-0000002"),
    row("-1.00", what="ItemFees", description="Commission", order_id="113-1000002-0000002"),
    row("2.00", order_id="111-1000001-0000001"),
    row("-2.00", "Refund", order_id="113-1000002-0000002"),
    row("-0.50", what="ItemFees", description="Commission", order_id="115-1000003-0000003"),
    account_row("-3.00", order_id="FBA19TEST0001"),
]


@pytest.mark.parametrize("chunk_bytes", [100, 300, 100_000])
def test_every_group_is_found_again_as_it_was(chunk_bytes: int) -> None:
    content = settlement(ROWS)
    groups = grouped(content).groups

    proof = recompute_rows(
        SettlementFile.of(content, Limits(chunk_bytes=chunk_bytes)), [group.rows for group in groups]
    )

    assert isinstance(proof, RowProof)
    assert [(f.count, f.positive, f.negative, f.rows_sha256) for f in proof.found] == [
        (g.rows.count, g.positive, g.negative, g.rows_sha256) for g in groups
    ]
    assert (proof.rows, proof.left_out, proof.twice) == (6, None, None)


def test_one_cent_elsewhere_changes_exactly_its_group() -> None:
    content = settlement(ROWS)
    groups = grouped(content).groups

    proof = recompute_rows(
        SettlementFile.of(content.replace(b"\t2.00\t", b"\t2.01\t")), [group.rows for group in groups]
    )

    assert isinstance(proof, RowProof)
    changed = [g.category for g, f in zip(groups, proof.found, strict=True) if g.rows_sha256 != f.rows_sha256]
    assert changed == ["product_sales"]


def test_rows_left_out_and_rows_taken_twice_are_named() -> None:
    file = SettlementFile.of(settlement(ROWS))

    proof = recompute_rows(file, [RowRanges.of([3, 4, 6]), RowRanges.of([6, 7, 8])])

    assert isinstance(proof, RowProof)
    assert (proof.left_out, proof.twice) == (5, 6)
    assert [found.amount for found in proof.found] == [Decimal(7), Decimal("-5.5")]


def test_a_file_that_cannot_be_read_gives_no_proof() -> None:
    assert isinstance(recompute_rows(SettlementFile.of(b""), []), RefusedSettlement)
    assert isinstance(recompute_rows(SettlementFile.of(settlement([row("x")], "0")), []), RefusedSettlement)


@pytest.mark.parametrize("chunk_bytes", [100, 100_000])
def test_orders_are_those_whose_prices_are_in_the_file_each_once(chunk_bytes: int) -> None:
    file = SettlementFile.of(settlement(ROWS), Limits(chunk_bytes=chunk_bytes))

    assert list(order_ids(file)) == ["111-1000001-0000001", "113-1000002-0000002"]


def test_an_order_of_another_policy_is_found_with_its_line() -> None:
    file = SettlementFile.of(settlement(ROWS))

    finding = claimed_elsewhere(file, {"111-1000001-0000001", "115-1000003-0000003"})

    assert finding is not None
    assert (finding.code, finding.line, finding.holds) == ("order_claimed_elsewhere", 5, True)
    assert "111-1000001-0000001" in finding.message
    assert claimed_elsewhere(file, {"999-1000001-0000001"}) is None


def test_facts_are_the_sums_that_chains_are_made_of() -> None:
    content = settlement(
        [
            account_row("63.41", "Previous Reserve Amount Balance"),
            account_row("-20.00", "Current Reserve Amount"),
            account_row("-34.49", "Payable to Amazon"),
            account_row("34.49", "Successful charge"),
            account_row("7.00", FAILED),
            row("1.00"),
        ]
    )

    facts = settlement_facts(grouped(content), SettlementFile.of(content))

    assert facts.previous_reserve == Decimal("63.41")
    assert facts.current_reserve == Decimal("-20.00")
    assert facts.payable == Decimal("-34.49")
    assert facts.charged == Decimal("34.49")
    assert facts.failed_payouts == (Decimal(7),)
    assert facts.main_store == "Amazon.com"
    assert facts.total == Decimal("51.41")


def test_failed_payouts_are_told_one_by_one() -> None:
    content = settlement([account_row("7.00", FAILED), row("1.00"), account_row("3.00", FAILED)])

    assert settlement_facts(grouped(content), SettlementFile.of(content)).failed_payouts == (Decimal(7), Decimal(3))
