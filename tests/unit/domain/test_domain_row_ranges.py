"""Which rows a line stands for is kept in a few bytes, and loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml_connector.domain.settlements import RowRanges

LINES = st.sets(st.integers(min_value=1, max_value=5_000_000), max_size=300).map(sorted)


@given(LINES)
def test_the_ranges_name_exactly_the_lines_they_were_made_from(lines: list[int]) -> None:
    ranges = RowRanges.of(lines)
    assert [line for first, last in ranges for line in range(first, last + 1)] == lines
    assert ranges.count == len(lines)


@given(LINES)
def test_the_stored_form_reads_back_as_the_same_ranges(lines: list[int]) -> None:
    ranges = RowRanges.of(lines)
    assert RowRanges(ranges.encoded, ranges.count) == ranges


def test_neighbours_are_one_range() -> None:
    assert list(RowRanges.of([3, 4, 5, 9])) == [(3, 5), (9, 9)]


def test_no_line_is_no_range() -> None:
    assert list(RowRanges.of([])) == []
