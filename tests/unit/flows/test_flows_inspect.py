"""``settlement inspect``: the JSON object of DESIGN 6."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ml_connector.flows.inspect import inspect_file
from tests.support.settlement_files import account_row, row, settlement

MEMBERS = {
    "settlement_id", "currency", "total", "rows", "encoding", "sha256", "start", "end", "deposit", "foots", "zone", "groups",
    "findings",
}  # fmt: skip


def test_the_object_of_a_good_file(tmp_path: Path) -> None:
    content = settlement(
        [
            row("10.00", posted_date_time="2026-10-01 03:00:00 UTC"),
            row("2.50", fulfillment_id="MFN", posted_date_time="2026-10-01 03:00:00 UTC"),
            row("1.00"),
            account_row("-39.99"),
        ]
    )
    path = tmp_path / "file.txt"
    path.write_bytes(content)

    found = inspect_file(path)

    assert found.keys() == MEMBERS
    assert json.loads(json.dumps(found)) == found
    assert found["total"] == "-26.49"
    assert found["start"] == "2026-10-12T17:45:00Z"
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert found["zone"] == "America/Los_Angeles"
    assert found["groups"] == [
        {
            "transaction_type": "Order",
            "amount_type": "ItemPrice",
            "amount_description": "Principal",
            "marketplace": "Amazon.com",
            "month": month,
            "category": "product_sales",
            "amount": amount,
            "rows": rows,
        }
        for month, amount, rows in (("2026-09", "12.50", 2), ("2026-10", "1.00", 1))
    ] + [
        {
            "transaction_type": "other-transaction",
            "amount_type": "other-transaction",
            "amount_description": "Subscription Fee",
            "marketplace": "",
            "month": "2026-10",
            "category": "subscription",
            "amount": "-39.99",
            "rows": 1,
        }
    ]
    assert found["findings"] == []


def test_one_triple_is_split_by_category(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    tax = row("2.40", description="Tax")
    held = row("-2.40", what="ItemWithheldTax", description="MarketplaceFacilitatorTax-Principal")
    path.write_bytes(settlement([tax, held, row("1.00", description="Tax", order_id="113-1000002-0000002")]))

    groups = inspect_file(path)["groups"]

    assert {(group["amount_description"], group["category"], group["amount"]) for group in groups} == {
        ("Tax", "facilitator_tax_wash", "2.40"),
        ("MarketplaceFacilitatorTax-Principal", "facilitator_tax_wash", "-2.40"),
        ("Tax", "sales_tax_payable", "1.00"),
    }


def test_an_unknown_triple_has_no_category(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(settlement([row("-1.00", what="ItemFees", description="SomeFutureFee")]))

    found = inspect_file(path)

    assert found["groups"][0]["category"] is None
    assert [(finding["code"], finding["line"]) for finding in found["findings"]] == [("unknown_triple", 3)]


@pytest.mark.parametrize(
    ("content", "known", "code"),
    [
        (
            settlement([row("1.00"), row("x")], "1.00"),
            {"settlement_id", "currency", "total", "rows", "encoding"},
            "bad_amount",
        ),
        (settlement([row("1.00")], ""), {"encoding"}, "no_summary"),
        (b"<xml/>", {"encoding"}, "xml_layout"),
        (b"\x1f\x8b broken", set(), "bad_gzip"),
        (b"", {"encoding"}, "empty_file"),
    ],
)
def test_a_refused_file_still_gives_the_object(tmp_path: Path, content: bytes, known: set[str], code: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)

    found = inspect_file(path)

    assert found.keys() == MEMBERS
    assert found["foots"] is False
    assert found["groups"] is None
    assert found["sha256"] == hashlib.sha256(content).hexdigest()
    assert {
        name for name in ("settlement_id", "currency", "total", "rows", "encoding") if found[name] is not None
    } == known
    assert [finding["code"] for finding in found["findings"]] == [code]


def test_a_sum_that_is_not_the_total_shows_the_groups_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(settlement([row("1.00")], "1.01"))

    found = inspect_file(path)

    assert found["foots"] is False
    assert found["groups"][0]["amount"] == "1.00"
    assert [(finding["code"], finding["line"]) for finding in found["findings"]] == [("sum_not_total", 2)]


def test_yen_are_written_without_decimals(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(settlement([row("5980", marketplace_name="Amazon.co.jp")], currency="JPY"))

    found = inspect_file(path)

    assert (found["total"], found["groups"][0]["amount"], found["zone"]) == ("5980", "5980", "Asia/Tokyo")
