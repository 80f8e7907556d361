"""Which rows of the file stand behind which line of which entry.

A line carries whole groups. Its lineage keeps them apart, so that a proof can recompute the line from them, and merges
their row ranges only when somebody asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.settlements import RowRanges


class Sign(StrEnum):
    """Which rows of a group a line carries. In gross presentation the credits and the debits of one group go to two lines:
    a row is in the one that its own sign says, rows of zero are with the credits."""

    ALL = ""
    CREDITS = "+"
    DEBITS = "-"


class Part(NamedTuple):
    """A group of rows (by the hash of its rows) or the rows of one sign of it."""

    rows_sha256: str
    rows: RowRanges
    sign: Sign = Sign.ALL


@dataclass(frozen=True, slots=True)
class Lineage:
    """The parts of one line; none for a computed line (payout, carry-forward)."""

    parts: tuple[Part, ...] = ()

    @property
    def count(self) -> int:
        """Rows of the groups that the line takes from."""
        return sum(part.rows.count for part in self.parts)

    @property
    def sha256(self) -> str:
        """sha256 over the parts' hashes, each followed by its sign and LF, in ascending order; "" for a computed line.

        The same rule for one part and for many, so that the hash does not depend on the order of the groups.
        """
        if not self.parts:
            return ""
        lines = sorted(f"{part.rows_sha256}{part.sign}\n" for part in self.parts)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def ranges(self) -> RowRanges:
        """The rows of all parts, merged."""
        if len(self.parts) == 1:
            return self.parts[0].rows
        return RowRanges.of(_lines(merge_ranges(part.rows for part in self.parts)))


#: Lineage by document key and 1-based line number.
LineageOf = Mapping[tuple[DocumentKey, int], Lineage]


def merge_ranges(several: Iterable[RowRanges]) -> list[tuple[int, int]]:
    """The union as sorted, disjoint, inclusive ranges."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pair for ranges in several for pair in ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _lines(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    for first, last in ranges:
        yield from range(first, last + 1)
