"""The composed settlement files, from bytes to journal, chains and certificate (ACCOUNTING 4, 7, 8)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from ml_connector.accounting import vocabulary
from ml_connector.accounting.chains import check_chains, with_main_stores
from ml_connector.accounting.period_split import calendar_of
from ml_connector.accounting.proof import prove
from ml_connector.accounting.settlement_facts import settlement_facts
from ml_connector.accounting.settlement_groups import Grouping, group_settlement
from ml_connector.accounting.settlement_journal import SettlementPlan, plan_settlement
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.mapping import AccountingPolicy, StoreSettings
from ml_connector.domain.settlements import Granularity, SettlementGroups
from tests.support.groups import YEAR_2026, chart, policy, references
from tests.support.proofs import evidence

CONTRACTS = os.environ.get("ML_CONNECTOR_CONTRACTS")
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not CONTRACTS, reason="ML_CONNECTOR_CONTRACTS names no contracts folder"),
]

ZONES = {
    "Amazon.com": "America/Los_Angeles",
    "Amazon.ca": "America/Toronto",
    "Amazon.co.uk": "Europe/London",
    "Amazon.de": "Europe/Berlin",
    "Amazon.fr": "Europe/Paris",
    "Amazon.co.jp": "Asia/Tokyo",
}
STORES = {store: StoreSettings(zone=zone) for store, zone in ZONES.items()}
FILES = (
    "v2_us_usd",
    "v2_ca_cad",
    "v2_uk_gbp_negative",
    "v2_uk_gbp_after_negative",
    "v2_de_eur_comma",
    "v2_de_eur_comma_cp1252",
    "v2_fr_eur_comma",
    "v2_jp_jpy_cp932",
    "v2_us_zero_one_row",
    "v2_us_unknown_vocabulary",
)


def books(granularity: Granularity = Granularity.SETTLEMENT) -> AccountingPolicy:
    return policy(stores=STORES, granularity=granularity)


def composed(name: str) -> SettlementFile:
    return SettlementFile.at(Path(CONTRACTS or "") / "amazon" / "settlement" / "composed" / f"{name}.txt")


def read(name: str, granularity: Granularity = Granularity.SETTLEMENT) -> SettlementGroups:
    """The groups of a composed file as a link for all stores would make them."""
    folded = {store.casefold(): zone for store, zone in ZONES.items()}
    grouping = Grouping(
        vocabulary=vocabulary.shipped(),
        zone_of=lambda store: folded.get((store or "").casefold(), "UTC"),
        bucket_of=calendar_of(YEAR_2026, books(), chart()).bucket,
        granularity=granularity,
    )
    groups = group_settlement(composed(name), grouping)
    assert isinstance(groups, SettlementGroups), groups
    return groups


def plan_of(groups: SettlementGroups, granularity: Granularity = Granularity.SETTLEMENT) -> SettlementPlan:
    return plan_settlement(
        groups,
        policy=books(granularity),
        mapping=chart(),
        references=references(),
        prefix="AAAA",
        main_store=groups.main_store or "Amazon.com",
    )


def by_category(plan: SettlementPlan) -> Mapping[str, tuple[Decimal, Decimal]]:
    """Debit and credit sums by category."""
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for entry in plan.entries:
        for line in entry.lines:
            debit, credit = sums.get(line.category, (Decimal(0), Decimal(0)))
            sums[line.category] = (debit + line.debit, credit + line.credit)
    return sums


#: ACCOUNTING 4, the worked example.
US_JOURNAL = """
product_sales 0 309.92
product_refunds 79.98 0
goodwill 2.50 0
shipping_income 0 18.49
gift_wrap_income 0 3.99
promotions 18.50 0
promotion_refunds 0 2.00
facilitator_tax_wash 0 0
referral_fees 48.38 0
referral_fee_refunds 0 12.00
refund_administration_fees 2.40 0
fba_fulfilment_fees 28.74 0
shipping_chargebacks 9.98 0
reimbursements 0 14.02
liquidation_sales 0 4.40
liquidation_fees 0.66 0
advertising 48.15 0
coupons 6.75 0
subscription 39.99 0
shipping_labels 7.35 0
inbound_freight 12.80 0
storage_fees 15.22 0
removal_fees 1.04 0
reserve 20.00 63.41
payout 85.79 0
"""


def test_the_worked_example_comes_out_of_the_file_to_the_cent() -> None:
    plan = plan_of(read("v2_us_usd"))

    assert plan.findings == ()
    assert by_category(plan) == {
        category: (Decimal(debit), Decimal(credit))
        for category, debit, credit in (line.split() for line in US_JOURNAL.split("\n") if line)
    }
    assert [entry.total for entry in plan.entries] == [Decimal("428.23")]


def test_german_tax_collected_by_the_seller_is_owed_and_no_finding() -> None:
    plan = plan_of(read("v2_de_eur_comma"))

    assert plan.findings == ()
    debit, credit = by_category(plan)["sales_tax_payable"]
    assert credit - debit == Decimal("204.37")


def test_canadian_tax_is_owed_for_the_order_without_a_facilitator_only() -> None:
    plan = plan_of(read("v2_ca_cad"))

    assert plan.findings == ()
    assert by_category(plan)["sales_tax_payable"] == (Decimal(0), Decimal("2.25"))
    assert by_category(plan)["facilitator_tax_wash"] == (Decimal(0), Decimal(0))


def test_the_negative_settlement_and_the_charge_after_it() -> None:
    negative, after = plan_of(read("v2_uk_gbp_negative")), plan_of(read("v2_uk_gbp_after_negative"))

    assert by_category(negative)["payable_to_amazon"] == (Decimal(0), Decimal("34.49"))
    assert "payout" not in by_category(negative)
    assert by_category(after)["payable_to_amazon"] == (Decimal("34.49"), Decimal(0))
    assert by_category(after)["successful_charge"] == (Decimal(0), Decimal("34.49"))
    assert by_category(after)["payout"] == (Decimal("16.48"), Decimal(0))


def test_a_total_of_zero_makes_no_deposit() -> None:
    assert by_category(plan_of(read("v2_us_zero_one_row"))) == {"reserve": (Decimal("20.00"), Decimal("20.00"))}


def test_unknown_triples_hold_and_nothing_else_does() -> None:
    plan = plan_of(read("v2_us_unknown_vocabulary"))

    assert plan.entries == ()
    assert {finding.code for finding in plan.findings if finding.holds} == {"unknown_triple"}


def test_the_chains_hold_and_break_as_they_should() -> None:
    facts, undecided = with_main_stores([settlement_facts(read(name), composed(name)) for name in FILES], {})
    found = check_chains(facts)

    assert undecided == ()
    assert {settlement_id: [f.code for f in findings] for settlement_id, findings in found.items() if findings} == {
        "90000000015": ["reserve_chain_break"],
        "90000000019": ["reserve_chain_break"],
    }


@pytest.mark.parametrize("granularity", list(Granularity))
@pytest.mark.parametrize("name", [name for name in FILES if name != "v2_us_unknown_vocabulary"])
def test_every_good_file_is_planned_and_proved_at_every_granularity(name: str, granularity: Granularity) -> None:
    groups = read(name, granularity)
    plan = plan_of(groups, granularity)
    documents = [evidence(entry, plan.lineage, groups.sha256) for entry in plan.entries]

    assert [finding for finding in plan.findings if finding.holds] == []
    proof = prove(groups, recorded_sha256=groups.sha256, evidence=documents)
    assert [check.words for check in proof.checks if check.ok is False] == []

    cent = replace(groups, head=replace(groups.head, total=groups.head.total + Decimal("0.01")))
    assert not prove(cent, recorded_sha256=groups.sha256, evidence=documents).proved
