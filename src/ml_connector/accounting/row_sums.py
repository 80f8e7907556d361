"""What is kept of the rows of one group: sums, how many, which ones, and a hash of their text. A few bytes per row."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from operator import itemgetter, sub

from ml_connector.domain.settlements import RowRanges

_STEPS_MAX = 4_096


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class _Steps(dict[int, bytes]):
    """From one single row to the next, ``step`` lines further on, in the stored form of :class:`RowRanges`."""

    def __missing__(self, step: int) -> bytes:
        encoded = _varint(step - 1) + b"\0"
        if len(self) < _STEPS_MAX:
            self[step] = encoded
        return encoded


_STEPS = _Steps()


class RowSums:
    """Sums over rows that come in file order, some at a time.

    ``positive`` and ``negative`` are in ticks, by the sign of the row.
    """

    __slots__ = ("_digest", "_end", "_first", "_last", "_ranges", "count", "first_line", "negative", "positive")

    def __init__(self) -> None:
        self.count = 0
        self.positive = 0
        self.negative = 0
        self.first_line = 0
        self._digest = hashlib.sha256()
        self._ranges = bytearray()
        self._end = 0  # one past the last line in _ranges
        self._first = self._last = -1  # the range that may still grow

    def add(self, base: int, places: list[int], lines: Sequence[bytes], ticks: Sequence[int]) -> None:
        """Take the rows at the ascending ``places`` of a block whose first line is ``base``."""
        if not self.count:
            self.first_line = base + places[0]
        if len(places) == 1:
            texts: tuple[bytes, ...] = (lines[places[0]],)
            amounts: tuple[int, ...] = (ticks[places[0]],)
        else:
            pick = itemgetter(*places)
            texts, amounts = pick(lines), pick(ticks)
        self.count += len(places)
        self._digest.update(b"\n".join(texts))
        self._digest.update(b"\n")
        total = sum(amounts)
        if min(amounts) >= 0:
            self.positive += total
        elif max(amounts) <= 0:
            self.negative += total
        else:
            positive = sum(filter((0).__lt__, amounts))
            self.positive += positive
            self.negative += total - positive
        self._add_lines(base, places)

    def rows(self) -> RowRanges:
        """Which rows these were."""
        if self._first < 0:
            return RowRanges(bytes(self._ranges), self.count)
        tail = _varint(self._first - self._end) + _varint(self._last - self._first)
        return RowRanges(bytes(self._ranges) + tail, self.count)

    def sha256(self) -> str:
        """Over the rows in file order, each as UTF-8 text without its line end, followed by LF."""
        return self._digest.hexdigest()

    def _add_lines(self, base: int, places: list[int]) -> None:
        steps = list(map(sub, places[1:], places))
        if 1 in steps or base + places[0] == self._last + 1:
            for place in places:
                self._add_line(base + place)
            return
        # Every row stands alone, which is the usual case: neighbours in a file are rows of different kinds.
        self._flush()
        if steps:
            self._ranges += _varint(base + places[0] - self._end) + b"\0"
            self._ranges += b"".join(map(_STEPS.__getitem__, steps[:-1]))
            self._end = base + places[-2] + 1
        self._first = self._last = base + places[-1]

    def _add_line(self, line: int) -> None:
        if line != self._last + 1 or self._first < 0:
            self._flush()
            self._first = line
        self._last = line

    def _flush(self) -> None:
        if self._first >= 0:
            self._ranges += _varint(self._first - self._end) + _varint(self._last - self._first)
            self._end = self._last + 1
