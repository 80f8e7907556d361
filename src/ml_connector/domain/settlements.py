"""An Amazon settlement: one closed period of one selling account in one currency.

Source of every fact: the settlement dossier (flat file V2, sections 2-4, 8-11). Amounts are signed from the seller's side.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from ml_connector.domain.errors import Finding


class Triple(NamedTuple):
    """Amazon's classification of one row, in the file's own spelling."""

    transaction_type: str
    amount_type: str
    amount_description: str

    def __str__(self) -> str:
        return " | ".join(self)


class Granularity(StrEnum):
    """What one journal line sums. Changes the lines of an entry, never the number of entries nor an account's net."""

    SETTLEMENT = "settlement"
    DAY = "day"
    ORDER = "order"


class TaxTreatment(StrEnum):
    """How the tax rows of one event are read (ACCOUNTING 2: tax is decided per event)."""

    FACILITATED = "facilitated"
    COLLECTED = "collected"


@dataclass(frozen=True, slots=True)
class SettlementHead:
    """The summary row. ``start`` is inclusive; ``end`` is the next settlement's start; both UTC.

    ``deposit`` is Amazon's planned transfer, never proof of payment. ``total`` is what is to be paid (negative: owed).
    """

    settlement_id: str
    currency: str
    start: datetime
    end: datetime
    deposit: datetime | None
    total: Decimal


class RowRanges:
    """Which rows of the file, as sorted inclusive ranges of 1-based line numbers, kept in a few bytes per range.

    A million-row settlement has hundreds of thousands of ranges, so they are held as variable-length integers
    (gap, length, gap, length, ...), which is also their stored form.
    """

    __slots__ = ("count", "encoded")

    def __init__(self, encoded: bytes, count: int) -> None:
        self.encoded = encoded
        self.count = count

    @classmethod
    def of(cls, lines: Iterable[int]) -> RowRanges:
        """From ascending line numbers."""
        out = bytearray()
        count = 0
        end = 0  # one past the last line written
        first = previous = -1
        for line in lines:
            count += 1
            if line == previous + 1 and first >= 0:
                previous = line
                continue
            if first >= 0:
                _varint(out, first - end)
                _varint(out, previous - first)
                end = previous + 1
            first = previous = line
        if first >= 0:
            _varint(out, first - end)
            _varint(out, previous - first)
        return cls(bytes(out), count)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        end = 0
        numbers = _varints(self.encoded)
        for gap in numbers:
            first = end + gap
            last = first + next(numbers)
            end = last + 1
            yield first, last

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowRanges) and self.encoded == other.encoded

    def __hash__(self) -> int:
        return hash(self.encoded)

    def __repr__(self) -> str:
        return f"RowRanges({', '.join(f'{a}-{b}' if a != b else str(a) for a, b in self)})"


def _varint(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _varints(encoded: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in encoded:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
        else:
            yield number
            number = shift = 0


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What the rows of one group have in common.

    ``store`` is marketplace-name as the file spells it ("" when blank), ``channel`` AFN, MFN or "". ``bucket`` is whatever
    the caller's calendar made of the row's accounting date (a month, a fiscal period with a mapping version).
    ``detail`` is "" at granularity ``settlement``, the ISO day or the order id otherwise.
    """

    triple: Triple
    store: str
    channel: str
    item_group: str
    bucket: Hashable
    tax: TaxTreatment | None
    detail: str


@dataclass(frozen=True, slots=True)
class Group:
    """The sum of some rows, and which rows they are.

    ``category`` is None where no rule knows the triple. ``positive`` >= 0 and ``negative`` <= 0 are the sums by the sign of
    the row. ``rows_sha256`` is over the rows in file order, each as UTF-8 text without its line end, followed by LF.
    """

    key: GroupKey
    category: str | None
    positive: Decimal
    negative: Decimal
    rows: RowRanges
    rows_sha256: str

    @property
    def amount(self) -> Decimal:
        return self.positive + self.negative


@dataclass(frozen=True, slots=True)
class SettlementGroups:
    """A settlement file, read once: checked, footed, classified, grouped, with lineage.

    ``zone`` is the IANA zone in which accounting dates were taken; ``main_store`` is None while undecided (a tie or no
    store named: ACCOUNTING 3). ``foots`` is exact equality of the detail rows with ``head.total``.
    A file with a finding that holds must not be posted.
    """

    head: SettlementHead
    sha256: str
    encoding: str
    rows: int
    zone: str
    main_store: str | None
    stores: Mapping[str, int]
    groups: tuple[Group, ...]
    foots: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class SettlementFacts:
    """What the chain checks of other settlements need to know of this one (ACCOUNTING 4, 7). Sums as in the file.

    ``payable`` is the sum of *Payable to Amazon* rows (negative), ``charged`` of *Successful charge*, ``failed_payouts``
    the single amounts of failed-payout rows.
    """

    settlement_id: str
    currency: str
    main_store: str | None
    start: datetime
    end: datetime
    total: Decimal
    previous_reserve: Decimal
    current_reserve: Decimal
    payable: Decimal
    charged: Decimal
    failed_payouts: tuple[Decimal, ...]


def store_key(name: str) -> str:
    """A marketplace-name folded for comparison (its case varies from file to file)."""
    return name.strip().casefold()
