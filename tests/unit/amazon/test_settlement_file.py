"""The settlement file: what is read, in which forms, and what is refused with which line (DESIGN 6)."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from ml_connector.amazon.settlement_bytes import Limits
from ml_connector.amazon.settlement_file import SettlementFile
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlement_rows import Moment
from tests.support.settlement_files import COLUMNS, SUMMARY, account_row, line, row, settlement

TWO = [row("10.00"), row("-1.50", what="ItemFees", description="Commission")]


def read(content: bytes, limits: Limits | None = None) -> tuple[SettlementFile, list[int], list[Moment], list[Finding]]:
    file = SettlementFile.of(content, limits)
    if file.head is None:
        return file, [], [], list(file.findings)
    reading = file.read(lambda moment: moment)
    ticks: list[int] = []
    when: list[Moment] = []
    for block in reading.blocks():
        ticks += block.ticks
        when += block.when
    return file, ticks, when, [*file.findings, *reading.findings]


def codes(findings: Iterable[Finding]) -> list[tuple[str, int | None]]:
    return [(finding.code, finding.line) for finding in findings]


def test_a_file_is_read_with_its_summary_and_amounts_in_ticks() -> None:
    content = settlement(TWO)

    file, ticks, _, findings = read(content)

    assert not findings
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.encoding == "utf-8"
    assert file.head is not None
    assert file.head.settlement_id == "90000000777"
    assert file.head.currency == "USD"
    assert file.head.total == Decimal("8.50")
    assert file.head.start == datetime(2026, 10, 12, 17, 45, tzinfo=UTC)
    assert ticks == [100_000, -15_000]


GOOD = {
    "CRLF": settlement(TWO, newline="\r\n"),
    "no line end at the end": settlement(TWO).rstrip(b"\n"),
    "no line end at the end, CRLF": settlement(TWO, newline="\r\n").removesuffix(b"\n"),
    "BOM": b"\xef\xbb\xbf" + settlement(TWO),
    "trimmed trailing cells": settlement([line(cells).rstrip("\t") for cells in TWO], "8.50"),
    "a summary with trimmed cells": b"\n".join(text.rstrip(b"\t") for text in settlement(TWO).split(b"\n")),
    "literal quotes": settlement([row("10.00", promotion_id='12" shelf, "new"'), TWO[1]]),
    "rows without settlement-id": settlement([{**cells, "settlement-id": ""} for cells in TWO]),
    "rows with currency": settlement([{**cells, "currency": "USD"} for cells in TWO]),
    "one row with the id, one without": settlement([TWO[0], {**TWO[1], "settlement-id": ""}]),
    "gzip": gzip.compress(settlement(TWO)),
    "gzip in two members": gzip.compress(settlement(TWO)[:700]) + gzip.compress(settlement(TWO)[700:]),
    "gzip with zero padding": gzip.compress(settlement(TWO)) + b"\0" * 100,
    "extra columns": settlement(TWO, columns=(*COLUMNS, "new-column")),
    "columns in another order": settlement(TWO, columns=tuple(reversed(COLUMNS))),
    "without the columns nothing is made of": settlement(TWO, columns=[c for c in COLUMNS if c != "promotion-id"]),
    "empty lines at the end": settlement(TWO) + b"\n\n",
    "UTF-8 in a SKU": settlement([{**cells, "sku": "STUHL-Ü1"} for cells in TWO]),
    "no deposit date": settlement(TWO, deposit_date=""),
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD.keys())
@pytest.mark.parametrize("chunk_bytes", [1, 7, 100_000])
def test_good_forms_read_the_same(content: bytes, chunk_bytes: int) -> None:
    _, ticks, _, findings = read(content, Limits(chunk_bytes=chunk_bytes))

    assert not findings
    assert ticks == [100_000, -15_000]


def test_zero_rows_with_total_zero_foot() -> None:
    _, ticks, _, findings = read(settlement([], "0.00"))

    assert ticks == []
    assert not findings


COMMA = {"1.234,56": 12_345_600, "-0,80": -8_000, "1050,42": 10_504_200, "12": 120_000, "-1.234.567,8": -12_345_678_000}


def test_a_comma_file_may_group_by_three() -> None:
    rows = [row(text) for text in COMMA]

    _, ticks, _, findings = read(settlement(rows, "-1232271,62", currency="EUR"))

    assert ticks == list(COMMA.values())
    assert not findings


BAD_AMOUNTS = [
    "", " 1.00", "1.00 ", "+1.00", "(1.00)", "1_000.00", "1e3", "NaN", "Infinity", "١٢.00", "1.00001", "--1", "-", ".50",
    "5.", "1,234.56", "0x10", "1.00\u00a0", "−1.00", "1234567890123456.00", "1.2.3",
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_AMOUNTS)
def test_an_amount_in_any_other_form_is_refused_with_its_line(text: str) -> None:
    _, _, _, findings = read(settlement([TWO[0], row(text)], "10.00"))

    assert codes(findings) == [("bad_amount", 4)]


def test_a_file_that_ends_in_the_middle_of_a_row_is_called_cut_off() -> None:
    content = settlement([TWO[0], row("1.00")], "10.00")
    _, _, _, findings = read(content[: content.rindex(b"1.00")])

    assert "the file was cut off" in next(each.message for each in findings if each.code == "bad_amount")


@pytest.mark.parametrize("text", ["1.2345,00", "12.34,56", "1.234", "1,23456", "1234.567,00"])
def test_grouping_in_a_comma_file_is_by_three_and_beside_a_comma(text: str) -> None:
    _, _, _, findings = read(settlement([row("10,00"), row("10,00"), row(text)], "20,00"))

    assert findings[0].code in {"bad_amount", "mixed_decimals"}
    assert findings[0].line == 5


def test_the_rarer_decimal_sign_is_named() -> None:
    in_comma = [row("10,00"), row("10,00"), row("10.00"), row("10,00")]
    in_point = [row("10.00"), row("10.00"), row("10,00"), row("10.00")]

    assert codes(read(settlement(in_comma, "40,00"))[3]) == [("mixed_decimals", 5)]
    assert codes(read(settlement(in_point, "40.00"))[3]) == [("mixed_decimals", 5)]
    assert codes(read(settlement(in_comma[:2], "20.00"))[3]) == [("mixed_decimals", 2)]


def with_line(number: int, text: str) -> bytes:
    lines = settlement(TWO).decode().split("\n")
    lines[number - 1] = text
    return "\n".join(lines).encode()


SECOND_SUMMARY = line({**SUMMARY, "total-amount": "1.00"})
V1_HEADER = "\t".join([*COLUMNS[:12], "price-type", "price-amount", *(f"c{n}" for n in range(22))])
REFUSED = {
    "sum_not_total": (settlement(TWO, "8.51"), 2),
    "two_currencies": (settlement([TWO[0], {**TWO[1], "currency": "CAD"}]), 4),
    "two_settlements": (settlement([TWO[0], {**TWO[1], "settlement-id": "90000000778"}]), 4),
    "two_summaries": (settlement([*TWO, SECOND_SUMMARY], "8.50"), 5),
    "too_many_cells": (settlement([TWO[0], line(TWO[1]) + "\tmore"], "8.50"), 4),
    "nul_byte": (settlement([TWO[0], row("-1.50", sku="A\0B")]), 4),
    "truncated_gzip": (gzip.compress(settlement(TWO * 200))[:-20], None),
    "v1_layout": (with_line(1, V1_HEADER), 1),
    "web_page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", 1),
    "xml_layout": (b"<?xml version='1.0'?><AmazonEnvelope/>", 1),
    "bad_header": (with_line(1, "\t".join(COLUMNS).replace("amount-description", "what")), 1),
    "no_summary": (settlement(TWO, ""), 2),
    "bad_currency": (settlement(TWO, currency="usd"), 2),
    "bad_settlement_id": (settlement([{**cells, "settlement-id": ""} for cells in TWO], settlement_id=""), 2),
    "bad_date": (settlement([TWO[0], row("-1.50", posted_date_time="13 Oct 2026", posted_date="")]), 4),
    "blank_line": (settlement([TWO[0], "", TWO[1]], "8.50"), 4),
    "empty_file": (b"", 1),
    "bad_gzip": (gzip.compress(settlement(TWO)) + b"more", None),
    "row_after_end": (settlement([TWO[0], row("-1.50", posted_date_time="2026-10-26 17:45:01 UTC")]), 4),
}


@pytest.mark.parametrize(("code", "content", "number"), [(code, *rest) for code, rest in REFUSED.items()])
@pytest.mark.parametrize("chunk_bytes", [1, 64, 100_000])
def test_a_broken_file_is_refused_with_the_line(
    code: str, content: bytes, number: int | None, chunk_bytes: int
) -> None:
    file, _, _, findings = read(content, Limits(chunk_bytes=chunk_bytes))

    assert [finding.code for finding in findings] == [code]
    assert number is None or findings[0].line == number
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("text", "good"), [("90000000011", True), ("A-7", True), ("a7", False), ("9/1", False)])
def test_a_settlement_id_is_one_that_a_document_key_can_carry(text: str, good: bool) -> None:
    findings = read(settlement([], "0", settlement_id=text))[3]

    assert codes(findings) == ([] if good else [("bad_settlement_id", 2)])


def test_gzip_that_ends_early_names_the_line_where_it_ends() -> None:
    whole = settlement([row("1.00", sku=hashlib.sha256(str(n).encode()).hexdigest()) for n in range(500)])

    findings = read(gzip.compress(whole)[:-3000])[3]

    assert findings[0].code == "truncated_gzip"
    assert findings[0].line is not None
    assert 300 < findings[0].line < 502


def test_every_bad_row_is_named_up_to_twenty() -> None:
    file = settlement([row("x") for _ in range(30)], "0.00")

    findings = read(file)[3]

    assert codes(findings) == [("bad_amount", number) for number in range(3, 23)]


def test_a_header_of_thirty_six_columns_that_is_not_v1_is_read() -> None:
    content = settlement(TWO, columns=(*COLUMNS, *(f"new-{n}" for n in range(12))))

    assert read(content)[3] == []


def test_a_header_has_at_most_eight_thousand_columns() -> None:
    """Short rows are padded to its width: without a bound two million of them under a wide header take minutes."""
    most = settlement(TWO, columns=(*COLUMNS, *(f"n{n}" for n in range(8_000 - len(COLUMNS)))))
    wider = settlement(TWO, columns=(*COLUMNS, *(f"n{n}" for n in range(8_001 - len(COLUMNS)))))

    assert read(most)[3] == []
    assert [(finding.code, finding.line) for finding in SettlementFile.of(wider).findings] == [("bad_header", 1)]


def test_the_default_limits_are_those_of_the_design() -> None:
    limits = Limits()

    assert limits.rows_max == 2_000_000
    assert limits.bytes_max == 512 * 1024 * 1024
    assert limits.line_bytes_max == 64 * 1024
    assert limits.ratio_max == 200
    assert limits.ratio_free_bytes == 8 * 1024 * 1024


def test_a_row_too_many_is_refused_and_the_last_allowed_is_not() -> None:
    rows = [row("1.00", order_id=f"113-100000{n}-0000001") for n in range(5)]

    assert read(settlement(rows), Limits(rows_max=5))[3] == []
    assert codes(read(settlement(rows), Limits(rows_max=4, chunk_bytes=50))[3]) == [("too_many_rows", 7)]
    assert codes(read(settlement(rows), Limits(rows_max=4))[3]) == [("too_many_rows", 7)]


def test_a_file_too_large_is_refused_compressed_or_not() -> None:
    content = settlement(TWO)
    limits = Limits(bytes_max=len(content) - 1, chunk_bytes=64)

    for form in (content, gzip.compress(content)):
        file, _, _, findings = read(form, limits)
        assert [finding.code for finding in findings] == ["file_too_large"]
        assert file.sha256 == hashlib.sha256(form).hexdigest()
        assert file.encoding is None
    assert read(content, Limits(bytes_max=len(content)))[3] == []


@pytest.mark.parametrize("chunk_bytes", [10, 1000, 200_000])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_too_long_is_refused_at_its_line(chunk_bytes: int, newline: str) -> None:
    def of(length: int) -> bytes:
        long = line(row("-1.50", promotion_id="x"))
        return settlement([TWO[0], long + "x" * (length - len(long)), TWO[0]], "18.50", newline=newline)

    limits = Limits(line_bytes_max=1000, chunk_bytes=chunk_bytes)

    assert read(of(1000), limits)[3] == []
    assert codes(read(of(1001), limits)[3]) == [("line_too_long", 4)]


def test_the_default_line_limit_is_exact() -> None:
    long = line(row("1.00", promotion_id="x"))

    assert read(settlement([long + "x" * (65_536 - len(long))], "1.00"))[3] == []
    assert codes(read(settlement([long + "x" * (65_537 - len(long))], "1.00"))[3]) == [("line_too_long", 3)]


def test_a_compression_bomb_is_refused_after_the_free_bytes() -> None:
    bomb = gzip.compress(settlement(TWO) + b"\n" * 3_000_000)

    limits = Limits(ratio_free_bytes=100_000, chunk_bytes=10_000)

    assert [finding.code for finding in read(bomb, limits)[3]] == ["compression_ratio"]
    assert read(gzip.compress(settlement(TWO) + b"\n" * 50_000), limits)[3] == []


def test_a_bomb_beyond_eight_mebibytes_is_refused_by_the_default_limits() -> None:
    bomb = gzip.compress(settlement(TWO) + b"\n" * 20_000_000)

    assert [finding.code for finding in read(bomb)[3]] == ["compression_ratio"]


class TestEncoding:
    def test_cp932_when_utf8_fails_and_the_store_is_japanese(self) -> None:
        rows = [row("5980", marketplace_name="Amazon.co.jp", sku="ランプ-7")]

        file, ticks, _, findings = read(settlement(rows, currency="JPY", encoding="cp932"), Limits(chunk_bytes=5))

        assert (file.encoding, ticks, findings) == ("cp932", [59_800_000], [])

    def test_cp1252_when_utf8_fails_elsewhere(self) -> None:
        file, _, _, findings = read(settlement([row("1.00", sku="STUHL-Ü1")], encoding="cp1252"))

        assert (file.encoding, findings) == ("cp1252", [])

    def test_utf8_for_a_japanese_file_in_utf8(self) -> None:
        rows = [row("5980", marketplace_name="Amazon.co.jp", sku="ランプ-7")]

        assert read(settlement(rows, currency="JPY"), Limits(chunk_bytes=3))[0].encoding == "utf-8"

    def test_the_rows_are_given_as_utf8_whatever_the_file_is_in(self) -> None:
        content = settlement([row("1.00", sku="STUHL-Ü1")])
        plain = next(iter(SettlementFile.of(content).read(bool).blocks()))
        other = next(iter(SettlementFile.of(content.decode().encode("cp1252")).read(bool).blocks()))

        assert plain.lines == other.lines

    def test_bytes_that_no_encoding_knows_are_refused_at_their_line(self) -> None:
        content = settlement([TWO[0], row("1.00", sku="XX")]).replace(b"XX", b"\x81\x8d")

        assert codes(read(content)[3]) == [("bad_encoding", 4)]

    def test_a_character_cut_off_at_the_end_is_not_utf8(self) -> None:
        content = settlement([line(row("1.00", promotion_id="Ü"))[:-1]], "1.00").rstrip(b"\n") + b"\xc3"

        assert read(content)[0].encoding == "cp1252"


def posted(time: str, day: str = "") -> list[Moment]:
    _, _, when, findings = read(settlement([row("1.00", posted_date_time=time, posted_date=day)]))
    assert findings == []
    return when


INSTANT = datetime(2026, 10, 13, 4, 11, 9, tzinfo=UTC)


class TestDates:
    @pytest.mark.parametrize(
        "text",
        ["2026-10-13 04:11:09 UTC", "13.10.2026 04:11:09 UTC", "2026/10/13 04:11:09 UTC", "2026-10-13T04:11:09+00:00"],
    )
    def test_the_forms_of_every_store(self, text: str) -> None:
        assert SettlementFile.of(settlement([], "0", settlement_start_date=text)).head is not None
        [when] = posted(text)
        assert isinstance(when, datetime)
        assert when.date() == INSTANT.date()

    def test_without_a_time_the_day_is_a_local_date(self) -> None:
        assert posted("", "13.10.2026") == [date(2026, 10, 13)]

    def test_a_time_in_posted_date_counts_when_there_is_no_other(self) -> None:
        [when] = posted("", "2026-10-13 04:11:09 UTC")

        assert when == INSTANT or isinstance(when, datetime)

    @pytest.mark.parametrize("day", ["10/13/26", "13/10/26", "10/13/2026", "10/14/26", "12/10/2026"])
    def test_slashes_are_read_beside_a_posted_date_time(self, day: str) -> None:
        assert posted("2026-10-13 04:11:09 UTC", day)

    @pytest.mark.parametrize(
        ("time", "day"),
        [
            ("", "10/13/2026"),
            ("10/13/2026 04:11:09 UTC", "2026-10-13"),
            ("2026-10-13 04:11:09 UTC", "09/06/25"),
            ("2026-10-13 04:11:09 UTC", "yesterday"),
            ("2026-10-13 04:11:09", ""),
            ("2026-10-13 04:11:09 PST", ""),
            ("2026-10-13 24:00:00 UTC", ""),
            ("2026-10-13 04:60:00 UTC", ""),
            ("2026-13-10 04:11:09 UTC", ""),
            ("2026-02-30", ""),
            ("٢٠٢٦-10-13", ""),
            ("", ""),
        ],
    )
    def test_nothing_is_guessed(self, time: str, day: str) -> None:
        findings = read(settlement([row("1.00", posted_date_time=time, posted_date=day)]))[3]

        assert codes(findings) == [("bad_date", 3)]

    def test_a_slashed_date_in_the_summary_is_refused(self) -> None:
        assert codes(read(settlement(TWO, settlement_end_date="10/26/2026"))[3]) == [("bad_date", 2)]

    def test_an_end_before_the_start_is_refused(self) -> None:
        assert codes(read(settlement(TWO, settlement_end_date="2026-10-01 00:00:00 UTC"))[3]) == [("bad_date", 2)]

    def test_the_end_itself_is_not_after_the_end(self) -> None:
        assert read(settlement([row("1.00", posted_date_time="2026-10-26 17:45:00 UTC")]))[3] == []

    def test_late_rows_are_counted_and_the_first_is_named(self) -> None:
        late = account_row("1.00", posted_date_time="2026-11-02 00:00:00 UTC")

        findings = read(settlement([*TWO, late, *TWO, late]), Limits(chunk_bytes=300))[3]

        assert codes(findings) == [("row_after_end", 5)]
        assert "2 row(s)" in findings[0].message


@pytest.mark.parametrize("mark", [b",", b";"])
def test_a_file_that_a_spreadsheet_divided_by_other_marks_is_told_as_that(mark: bytes) -> None:
    (finding,) = SettlementFile.of(with_line(1, "\t".join(COLUMNS)).replace(b"\t", mark)).findings
    assert (finding.code, finding.line) == ("bad_header", 1)
    assert "not divided by tabs" in finding.message
