"""Rows found again in the file: sums and hashes recomputed from its bytes, for proofs (ACCOUNTING 8). One pass for many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, pairwise

from ml_connector.accounting.row_sums import RowSums
from ml_connector.domain import money
from ml_connector.domain.settlement_rows import RefusedSettlement, RowReading, SettlementRows
from ml_connector.domain.settlements import RowRanges


@dataclass(frozen=True, slots=True)
class FoundRows:
    """What the file holds at some rows: as :class:`~ml_connector.domain.settlements.Group` counts them."""

    count: int
    positive: Decimal
    negative: Decimal
    rows_sha256: str

    @property
    def amount(self) -> Decimal:
        return self.positive + self.negative


@dataclass(frozen=True, slots=True)
class RowProof:
    """``found`` is in the order asked for. ``left_out`` is the first detail row that was not asked for, ``twice`` the first
    that was asked for more than once; None where there is none."""

    found: tuple[FoundRows, ...]
    rows: int
    left_out: int | None
    twice: int | None


def recompute_rows(rows: SettlementRows, wanted: Sequence[RowRanges]) -> RowProof | RefusedSettlement:
    """Sums, count and hash of each of ``wanted``, and whether together they are every row exactly once."""
    sums = [RowSums() for _ in wanted]
    cursors = [_Cursor(ranges) for ranges in wanted]
    left_out: int | None = None
    twice: int | None = None
    reading = rows.read(lambda _: None) if rows.head is not None else None
    if reading is None:
        return _refused(rows, None)
    for block in reading.blocks():
        places = [cursor.take(block.first, len(block.lines)) for cursor in cursors]
        for one, taken in zip(sums, places, strict=True):
            if taken:
                one.add(block.first, taken, block.lines, block.ticks)
        together = sorted(chain.from_iterable(places))
        if together != list(range(len(block.lines))):
            seen = set(together)
            missing = next((place for place in range(len(block.lines)) if place not in seen), None)
            double = next((one for one, other in pairwise(together) if one == other), None)
            left_out = left_out if missing is None or left_out is not None else block.first + missing
            twice = twice if double is None or twice is not None else block.first + double
    if reading.refused or not reading.complete:
        return _refused(rows, reading)
    return RowProof(tuple(_found(one) for one in sums), reading.rows, left_out, twice)


def row_ticks(rows: SettlementRows, wanted: Sequence[RowRanges]) -> list[int] | RefusedSettlement:
    """The single amounts, in 1/10,000 of the unit and in file order, of all rows that are in one of ``wanted``."""
    if rows.head is None:
        return _refused(rows, None)
    cursors = [_Cursor(ranges) for ranges in wanted]
    amounts: list[int] = []
    reading = rows.read(lambda _: None)
    for block in reading.blocks():
        places = sorted({place for cursor in cursors for place in cursor.take(block.first, len(block.lines))})
        amounts += [block.ticks[place] for place in places]
    return _refused(rows, reading) if reading.refused or not reading.complete else amounts


class _Cursor:
    """Goes once through ranges, block by block."""

    def __init__(self, ranges: RowRanges) -> None:
        self._ranges: Iterator[tuple[int, int]] = iter(ranges)
        self._current = next(self._ranges, None)

    def take(self, first: int, count: int) -> list[int]:
        """The wanted places of a block of ``count`` rows from line ``first``."""
        places: list[int] = []
        while self._current is not None and self._current[0] < first + count:
            begins, ends = self._current
            places += range(max(begins - first, 0), min(ends - first, count - 1) + 1)
            if ends >= first + count:
                break
            self._current = next(self._ranges, None)
        return places


def _found(sums: RowSums) -> FoundRows:
    return FoundRows(
        sums.count,
        money.amount_from_ticks(sums.positive),
        money.amount_from_ticks(sums.negative),
        sums.sha256(),
    )


def _refused(rows: SettlementRows, reading: RowReading[None] | None) -> RefusedSettlement:
    more = reading.findings if reading is not None else ()
    return RefusedSettlement(rows.sha256, rows.encoding, rows.head, None, (*rows.findings, *more))
