"""Settlement files that nobody writes by accident: still one answer, in bounded memory, and never an exception."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml_connector.flows.inspect import inspect_file
from tests.support.settlement_files import account_row, row, settlement


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
