"""The parser and the vocabulary against the contracts: composed settlement files and the table of triples."""

from __future__ import annotations

import csv
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ml_connector.accounting.vocabulary import TAX, WITHHELD, shipped
from ml_connector.amazon.marketplaces import PSEUDO_MARKETPLACES, STORES
from ml_connector.domain.mapping import CATEGORIES
from ml_connector.domain.settlements import Triple
from ml_connector.flows.inspect import inspect_file

pytestmark = pytest.mark.contract

_FOLDER = os.environ.get("ML_CONNECTOR_CONTRACTS")
if not _FOLDER:
    pytest.skip("ML_CONNECTOR_CONTRACTS is not set", allow_module_level=True)
AMAZON = Path(_FOLDER) / "amazon"
COMPOSED = AMAZON / "settlement" / "composed"
FILES: list[dict[str, Any]] = json.loads((COMPOSED / "manifest.json").read_text("utf-8"))["files"]

#: Families of the table that are one category whatever the transaction type.
FAMILIES = {
    "withheld_tax": {WITHHELD},
    "withheld_tax_in": {"gst_tcs", "income_tax_withheld"},
    "tax": {TAX},
    "fee_tax": {"vat_on_fees"},
    "sales": {"product_sales", "product_refunds"},
    "advertising": {"advertising"},
    "reserve": {"reserve"},
    "payable_to_amazon": {"payable_to_amazon", "successful_charge"},
    "failed_payout": {"failed_payout"},
    "reimbursement": {"reimbursements"},
    "cross_account": {"inter_store_transfer"},
}


@pytest.mark.parametrize("expected", FILES, ids=[file["file"] for file in FILES])
def test_inspect_says_what_the_manifest_says(expected: dict[str, Any]) -> None:
    found = inspect_file(COMPOSED / expected["file"])

    assert found["settlement_id"] == expected["settlement_id"]
    assert found["currency"] == expected["currency"]
    assert found["total"] == expected["total_amount"]
    assert found["rows"] == expected["detail_rows"]
    assert found["encoding"] == expected["encoding"]
    assert (found["start"], found["end"], found["deposit"]) == (
        expected["start_utc"],
        expected["end_utc"],
        expected["deposit_utc"],
    )
    assert found["foots"] is True
    assert sum(group["rows"] for group in found["groups"]) == expected["detail_rows"]
    assert sum((Decimal(group["amount"]) for group in found["groups"]), Decimal(0)) == Decimal(expected["total_amount"])
    unknown = [finding for finding in found["findings"] if finding["code"] == "unknown_triple"]
    assert len(unknown) == (2 if "unknown" in expected["file"] else 0)
    assert found["findings"] == unknown


def sums(file: str) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for group in inspect_file(COMPOSED / file)["groups"]:
        found[group["category"]] = found.get(group["category"], Decimal(0)) + Decimal(group["amount"])
    return found


def test_the_categories_of_the_worked_example() -> None:
    expected = {
        "product_sales": "309.92",
        "product_refunds": "-79.98",
        "goodwill": "-2.50",
        "shipping_income": "18.49",
        "gift_wrap_income": "3.99",
        "promotions": "-18.50",
        "promotion_refunds": "2.00",
        "facilitator_tax_wash": "0.00",
        "referral_fees": "-48.38",
        "referral_fee_refunds": "12.00",
        "refund_administration_fees": "-2.40",
        "fba_fulfilment_fees": "-28.74",
        "shipping_chargebacks": "-9.98",
        "reimbursements": "14.02",
        "liquidation_sales": "4.40",
        "liquidation_fees": "-0.66",
        "advertising": "-48.15",
        "coupons": "-6.75",
        "subscription": "-39.99",
        "shipping_labels": "-7.35",
        "inbound_freight": "-12.80",
        "storage_fees": "-15.22",
        "removal_fees": "-1.04",
        "reserve": "43.41",
    }

    assert sums("v2_us_usd.txt") == {category: Decimal(amount) for category, amount in expected.items()}


def test_german_tax_is_the_sellers_tax_discount_included() -> None:
    found = sums("v2_de_eur_comma.txt")

    assert found["sales_tax_payable"] == Decimal("204.37")
    assert "facilitator_tax_wash" not in found


def test_canadian_tax_is_decided_order_by_order() -> None:
    found = sums("v2_ca_cad.txt")

    assert found["sales_tax_payable"] == Decimal("2.25")
    assert found["facilitator_tax_wash"] == Decimal("0.00")


def _table(name: str) -> list[dict[str, str]]:
    with (AMAZON / "tables" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_triple_of_the_table_has_one_category() -> None:
    rows = _table("settlement_vocabulary.csv")

    assert len(rows) == 220
    for cells in rows:
        triple = Triple(*(cells[name].replace("*", "DE") for name in Triple._fields))
        rule = shipped().find(triple)
        assert rule is not None, triple
        assert rule.category in CATEGORIES | {TAX, WITHHELD}, triple
        if cells["amount_description"] != "TaxDiscount":
            assert rule.category in FAMILIES.get(cells["family"], {rule.category}), triple


def test_the_store_table_is_the_contracts() -> None:
    rows = _table("marketplaces.csv")
    code = {"GB": "UK"}

    assert {(s.code, s.marketplace_id, s.region.lower(), s.currency, s.domain) for s in STORES} == {
        (code.get(r["country"], r["country"]), r["marketplace_id"], r["region"], r["currency"], r["domain"])
        for r in rows
        if r["kind"] == "store"
    }
    assert {pseudo.marketplace_id for pseudo in PSEUDO_MARKETPLACES} == {
        r["marketplace_id"] for r in rows if r["kind"] != "store"
    }
