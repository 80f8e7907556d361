"""The order report is read line by line: exactly, within limits, and without what tells of a person."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ml_connector.amazon.order_report import REFUSALS_MAX, OrderReport, ReportedLine
from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.domain.errors import Inconsistent
from ml_connector.sandbox.amazon.ordinary_reports import ORDER_COLUMNS as COLUMNS

MUG = {
    "amazon-order-id": "111-1000003-0000003",
    "merchant-order-id": "SO-1",
    "purchase-date": "2026-10-14T20:11:02+00:00",
    "last-updated-date": "2026-10-14T20:41:30+00:00",
    "order-status": "Shipped",
    "fulfillment-channel": "Amazon",
    "sales-channel": "Amazon.com",
    "ship-service-level": "SecondDay",
    "product-name": "Test mug set",
    "sku": "MUG-SET-4",
    "asin": "B0TEST0003",
    "item-status": "Shipped",
    "quantity": "3",
    "currency": "USD",
    "item-price": "59.97",
    "item-tax": "4.80",
    "item-promotion-discount": "6.00",
    "ship-city": "Canary Town",
    "ship-state": "CN",
    "ship-postal-code": "99999-canary",
    "ship-country": "Canaria",
    "promotion-ids": "Save 10%,Free",
    "cpf": "canary-cpf",
    "is-business-order": "true",
    "purchase-order-number": "PO-canary",
}


def row(**changes: str) -> str:
    cells = {**MUG, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return "\t".join(cells.get(column, "") for column in COLUMNS)


def file(*rows: str, columns: Sequence[str] = COLUMNS) -> bytes:
    return "".join(f"{line}\n" for line in ("\t".join(columns), *rows)).encode()


def read(content: bytes, limits: Limits | None = None) -> tuple[list[ReportedLine], list[tuple[str, int | None]]]:
    """Every line that can be read, and (code, line) of every finding."""
    report = OrderReport.of(content, limits)
    if report.findings:
        return [], [(finding.code, finding.line) for finding in report.findings]
    reading = report.read()
    lines = list(reading)
    assert all(finding.holds for finding in reading.findings)
    return lines, [(finding.code, finding.line) for finding in reading.findings]


def test_a_line_is_what_stands_there() -> None:
    [line], findings = read(file(row()))

    assert findings == []
    assert (line.line, line.order_id, line.status, line.fulfilled_by) == (2, "111-1000003-0000003", "Shipped", "Amazon")
    assert line.purchased == datetime(2026, 10, 14, 20, 11, 2, tzinfo=UTC)
    assert line.updated == datetime(2026, 10, 14, 20, 41, 30, tzinfo=UTC)
    assert (line.quantity, line.currency, line.item_price, line.item_discount) == (
        3,
        "USD",
        Decimal("59.97"),
        Decimal("6.00"),
    )
    assert (line.shipping_price, line.promotions, line.business) == (None, ("Save 10%", "Free"), True)


def test_what_tells_of_a_person_is_dropped() -> None:
    [line], _ = read(file(row()))

    assert "anar" not in repr(line)


def test_a_pending_line_has_no_money() -> None:
    pending = row(order_status="Pending", currency="", item_price="", item_tax="", item_promotion_discount="")

    [line], findings = read(file(pending))

    assert (line.currency, line.item_price, findings) == ("", None, [])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Schüssel", "utf-8"), ("Schüssel", "cp1252"), ("ランタン", "cp932"), ("ランタン", "utf-8-sig")],
)
def test_the_encodings_of_the_regions_are_read(text: str, encoding: str) -> None:
    store = "Amazon.co.jp" if text[0] == "ラ" else "Amazon.de"
    content = file(row(product_name=text, sales_channel=store)).decode().encode(encoding)

    [line], findings = read(content)

    assert (line.title, findings) == (text, [])


def test_packed_and_plain_are_the_same_lines() -> None:
    content = file(row(), row(sku="OTHER"))

    assert read(gzip.compress(content)) == read(content)


def test_columns_may_stand_in_any_order_and_more_may_be_there_and_optional_ones_missing() -> None:
    columns = ["new-column", *reversed(COLUMNS[:-9]), "item-price"]
    columns = list(dict.fromkeys(columns))
    cells = "\t".join({**MUG, "new-column": "x"}.get(column, "") for column in columns)

    [line], findings = read(file(cells, columns=columns))

    assert (line.order_id, line.item_price, line.promotions, findings) == (
        "111-1000003-0000003",
        Decimal("59.97"),
        (),
        [],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"amazon_order_id": ""},
        {"amazon_order_id": "../1"},
        {"amazon_order_id": "1" * 101},
        {"purchase_date": "2026-10-14"},
        {"last_updated_date": "yesterday"},
        {"quantity": "-1"},
        {"quantity": "1.5"},
        {"quantity": "١"},
        {"quantity": "9" * 10},
        {"currency": "usd"},
        {"item_price": "NaN"},
        {"item_price": "1e3"},
        {"item_price": "1.23456"},
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_go_on(changes: dict[str, str]) -> None:
    lines, findings = read(file(row(sku="A"), row(**changes), row(sku="C")))

    assert [line.sku for line in lines] == ["A", "C"]
    assert findings == [("unreadable_order_line", 3)]


def test_the_first_amount_with_decimals_says_how_the_file_writes_them() -> None:
    lines, findings = read(
        file(*(row(item_price=price, item_tax="", item_promotion_discount="") for price in ("1.234,56", "7", "12.34")))
    )

    assert [line.item_price for line in lines] == [Decimal("1234.56"), Decimal(7)]
    assert findings == [("unreadable_order_line", 4)]


def test_a_file_in_which_nothing_can_be_read_is_not_read_to_its_end() -> None:
    _, findings = read(file(*[row(quantity="x")] * 100))

    assert findings[-1] == ("too_many_refusals", REFUSALS_MAX + 1)
    assert len(findings) == REFUSALS_MAX + 1


def test_a_file_without_the_columns_is_no_order_report() -> None:
    report = OrderReport.of(file(columns=("settlement-id", "amount")))

    assert [finding.code for finding in report.findings] == ["no_order_report"]
    assert "amazon-order-id" in report.findings[0].message
    with pytest.raises(Inconsistent):
        report.read()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (gzip.compress(file(row()))[:-12], "truncated_gzip"),
        (b"\x1f\x8bnonsense", "bad_gzip"),
        (file(row()) + b"\0", "nul_byte"),
    ],
)
def test_bytes_that_are_no_text_are_told_before_any_line(content: bytes, code: str) -> None:
    assert read(content)[1][0][0] == code


def test_limits_hold() -> None:
    content = file(row(), row(), row())

    assert read(content, Limits(rows_max=3))[1] == []
    assert read(content, Limits(rows_max=2)) == (read(file(row(), row()))[0], [("too_many_rows", 4)])
    assert read(content, Limits(bytes_max=100, chunk_bytes=50))[1][0][0] == "file_too_large"
    assert [code for code, _ in read(file(row(product_name="x" * 9000)), Limits(line_bytes_max=4096))[1]] == [
        "line_too_long"
    ]


def test_empty_lines_and_a_header_alone_are_no_data() -> None:
    assert read(file()) == ([], [])
    assert read(file(row()) + b"\n\n")[1] == []


def test_a_report_can_be_read_twice() -> None:
    report = OrderReport.of(file(row()))

    assert list(report.read()) == list(report.read())
