"""Settlement files that nobody writes by accident: still one answer, in bounded memory, and never an exception."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Final

import pytest

from ml_connector.flows.inspect import inspect_file
from tests.support.settlement_files import COLUMNS, Cells, account_row, row, settlement

MIB: Final = 2**20


def inspected(path: Path, content: bytes) -> dict[str, object]:
    file = path / "settlement.txt"
    file.write_bytes(content)
    return inspect_file(file)


def codes(found: dict[str, object]) -> list[tuple[str, int | None]]:
    findings = found["findings"]
    assert isinstance(findings, list)
    return [(finding["code"], finding["line"]) for finding in findings]


class TestDatesAtTheEdgeOfTheCalendar:
    """A zone would carry them out of the calendar, so they are no dates."""

    @pytest.mark.parametrize("posted", ["0001-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC", "0999-12-31"])
    @pytest.mark.parametrize("column", ["posted_date_time", "posted_date"])
    def test_a_posted_date_is_refused_with_its_line(self, tmp_path: Path, posted: str, column: str) -> None:
        cells = row("10.00", **({"posted_date_time": "", "posted_date": ""} | {column: posted}))

        found = inspected(tmp_path, settlement([account_row("0.00"), cells]))

        assert codes(found) == [("bad_date", 4)]
        assert found["foots"] is False

    @pytest.mark.parametrize("column", ["settlement_start_date", "settlement_end_date", "deposit_date"])
    @pytest.mark.parametrize("text", ["0001-01-01 00:00:00 UTC", "9999-12-31 23:59:59 UTC"])
    def test_so_is_one_of_the_summary(self, tmp_path: Path, column: str, text: str) -> None:
        found = inspected(tmp_path, settlement([row("10.00")], **{column: text}))

        assert codes(found) == [("bad_date", 2)]


class TestMemory:
    """It is bounded by what is held at a time, not by the file."""

    @staticmethod
    def peak(path: Path, content: bytes) -> tuple[int, dict[str, object]]:
        """The most bytes that were held at once, and what was found."""
        tracemalloc.start()
        try:
            found = inspected(path, content)
            return tracemalloc.get_traced_memory()[1], found
        finally:
            tracemalloc.stop()

    def test_short_rows_under_a_wide_header(self, tmp_path: Path) -> None:
        whole = settlement([row("1.00")], columns=(*COLUMNS, *("x" for _ in range(5_000))))
        head, _, detail = whole.rstrip(b"\n").rpartition(b"\n")
        short = detail.rstrip(b"\t")

        peak, found = self.peak(tmp_path, head.replace(b"\t1.00\t", b"\t1500.00\t", 1) + (b"\n" + short) * 1_500)

        assert (found["foots"], found["rows"]) == (True, 1_500)
        assert peak < 24 * MIB

    def test_rows_as_long_as_a_line_may_be(self, tmp_path: Path) -> None:
        long = [row("1.00", promotion_id="x" * 60_000)] * 600

        peak, found = self.peak(tmp_path, settlement(long))

        assert (found["foots"], found["rows"]) == (True, 600)
        assert peak < 24 * MIB

    def test_a_posted_date_that_is_another_on_every_row(self, tmp_path: Path) -> None:
        times = [f"2026-10-13 {n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d} UTC" for n in range(30_000)]
        content = settlement([row("1.00", posted_date=time, posted_date_time=time) for time in times])

        fewer, _ = self.peak(
            tmp_path, b"\n".join(content.replace(b"\t30000.00\t", b"\t12000.00\t").split(b"\n")[:12_002])
        )
        many, found = self.peak(tmp_path, content)

        assert found["foots"]
        assert many < fewer + MIB

    def test_tax_that_washes_out_nowhere(self, tmp_path: Path) -> None:
        def event(number: int) -> list[Cells]:
            order = f"113-{number:07d}-0000001"
            tax = row("1.00", description="Tax", order_id=order, order_item_code=str(number))
            withheld = {"amount-type": "ItemWithheldTax", "amount-description": "MarketplaceFacilitatorTax-Principal"}
            return [tax, {**tax, **withheld, "amount": "-0.50"}]

        few, _ = self.peak(tmp_path, settlement([cells for number in range(6_000) for cells in event(number)]))
        many, found = self.peak(tmp_path, settlement([cells for number in range(16_000) for cells in event(number)]))

        assert codes(found)[:2] == [("tax_wash_broken", 3), ("tax_wash_broken", 5)]
        assert len(codes(found)) == 21
        assert (many - few) / 10_000 < 400
