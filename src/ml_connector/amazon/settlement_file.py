"""The V2 settlement flat file as a stream of checked column blocks (settlement dossier; DESIGN 6).

Everything that is wrong is a :class:`Finding` with its line; nothing is raised for bad data. There is no object per row:
a block of lines is cut into cells by one ``split``, and checks run over whole columns. Only a block in which a column
looks unusual is gone through row by row.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final, Generic, TypeVar

from ml_connector.amazon.flat_lines import FlatLines
from ml_connector.amazon.settlement_amounts import Amounts, BadAmount, Style, style_of, ticks_of
from ml_connector.amazon.settlement_bytes import Limits, Opener, Survey, survey
from ml_connector.amazon.settlement_dates import BadDate, PostedTimes, instant, moment, slashed_near
from ml_connector.amazon.settlement_layout import HEADER_LINE, SUMMARY_LINE, Layout, read_layout, read_summary
from ml_connector.domain import money
from ml_connector.domain.errors import Finding, Inconsistent
from ml_connector.domain.settlement_rows import Moment, RowBlock
from ml_connector.domain.settlements import SettlementHead

T = TypeVar("T")

#: After so many refused rows the rest is not looked at: the file as a whole is wrong.
REFUSALS_MAX: Final = 20
#: Rows of one order are kept in one block, up to so many, and so many bytes of them.
_ORDER_ROWS_MAX: Final = 500
_ORDER_BYTES_MAX: Final = 256 * 2**10
#: A block has at most so many cells: short rows under a wide header are padded to its width.
_BLOCK_CELLS_MAX: Final = 2**18
#: Of posted-date texts that were found good, so many are remembered.
_DAYS_MAX: Final = 4_096
_MARK: Final = b"\n"  # begins the first cell of every row in the flat list of cells


class SettlementFile:
    """A settlement file that can be read any number of times. ``opener`` gives the same bytes each time.

    Opening looks the bytes over and reads header and summary; OSError of ``opener`` is the caller's. ``head`` is None when
    the rows cannot be read; ``findings`` say why.
    """

    def __init__(self, opener: Opener, limits: Limits | None = None) -> None:
        self._opener = opener
        self._limits = limits or Limits()
        self._survey: Survey = survey(opener, self._limits)
        self._layout: Layout | None = None
        self._style: Style | None = None
        self.head: SettlementHead | None = None
        self.findings = self._survey.findings
        if not self.findings:
            self._read_head()

    @classmethod
    def at(cls, path: Path, limits: Limits | None = None) -> SettlementFile:
        """The file at ``path``."""
        return cls(lambda: path.open("rb"), limits)

    @classmethod
    def of(cls, content: bytes, limits: Limits | None = None) -> SettlementFile:
        """A file held in memory."""
        return cls(lambda: io.BytesIO(content), limits)

    @property
    def sha256(self) -> str:
        """Of the bytes as they are kept, compressed or not."""
        return self._survey.sha256

    @property
    def encoding(self) -> str | None:
        return self._survey.encoding

    def read(self, when: Callable[[Moment], T]) -> SettlementReading[T]:
        """A new pass over the detail rows. ``when`` is pure and tells days apart, in whatever zone,
        not moments of a day.

        Raises :class:`Inconsistent` for a file that has no ``head``.
        """
        if self.head is None or self._layout is None or self.encoding is None:
            raise Inconsistent("The rows of a settlement file without a summary cannot be read.")
        lines = FlatLines(self._opener, self._limits, self.encoding)
        return SettlementReading(lines, self._layout, self.head, self._style, self._limits, when)

    def _read_head(self) -> None:
        lines = FlatLines(self._opener, self._limits, self.encoding or "utf-8")
        beginning = lines.beginning()
        if lines.finding is not None:
            self.findings = (lines.finding,)
            return
        layout = read_layout(beginning[0])
        if isinstance(layout, Finding):
            self.findings = (layout,)
            return
        summary = read_summary(beginning[1], layout)
        if isinstance(summary, Finding):
            self.findings = (summary,)
            return
        self._layout = layout
        self.head, self._style = summary


class SettlementReading(Generic[T]):
    """One pass over the detail rows: a ``domain.settlement_rows.RowReading``."""

    def __init__(
        self,
        lines: FlatLines,
        layout: Layout,
        head: SettlementHead,
        style: Style | None,
        limits: Limits,
        when: Callable[[Moment], T],
    ) -> None:
        self._lines = lines
        self._layout = layout
        self._head = head
        self._limits = limits
        self._settlement_id = head.settlement_id.encode()
        self._currency = head.currency.encode()
        self._amounts = Amounts(style)
        self._times = PostedTimes(when, head.end)
        self._day_seen: set[bytes] = set()
        self._refusals: list[Finding] = []
        self._first_late: int | None = None
        self._blank_from: int | None = None
        self._marked_id = _MARK + self._settlement_id if layout.positions["settlement-id"] == 0 else b""
        self._stopped = False
        self.rows = 0
        self.ticks = 0
        self.complete = False

    @property
    def refused(self) -> bool:
        return bool(self._refusals)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the rows; the sum is judged when all rows were read."""
        found = list(self._refusals)
        if self._first_late is not None:
            found.append(
                Finding(
                    "row_after_end",
                    f"{self._times.late} row(s) are dated after the settlement's end ({self._head.end:%Y-%m-%d %H:%M:%S} "
                    "UTC). Download the file again; if it stays so, ask Amazon.",
                    self._first_late,
                )
            )
        if self.complete and not self.refused and self.ticks != money.ticks(self._head.total):
            currency = self._head.currency
            summed = money.text(money.amount_from_ticks(self.ticks), currency)
            found.append(
                Finding(
                    "sum_not_total",
                    f"The rows sum to {summed} {currency}, the summary says {money.text(self._head.total, currency)}. "
                    "Download the file again; nothing can be posted from it.",
                    SUMMARY_LINE,
                )
            )
        return tuple(found)

    def blocks(self) -> Iterator[RowBlock[T]]:
        """The rows, until the end or until too many were refused. To be used once."""
        first = HEADER_LINE
        for lines in self._whole_orders():
            if first == HEADER_LINE:
                lines = lines[2:]
                first = SUMMARY_LINE + 1
            step = max(1, _BLOCK_CELLS_MAX // self._layout.width)
            for start in range(0, len(lines), step):
                part = lines[start : start + step] if len(lines) > step else lines
                if (block := self._check(first, part)) is not None:
                    yield block
                first += len(part)
                if self._stopped:
                    return
        if self._lines.finding is not None:
            self._refusals.append(self._lines.finding)
        else:
            self.complete = True

    def _whole_orders(self) -> Iterator[list[bytes]]:
        """The lines so that the rows of one order, where they stand together, come together."""
        at = self._layout.positions["order-id"]
        held: list[bytes] = []
        begun = False
        for fresh in self._lines.batches():
            lines = held + fresh
            keep = len(lines) - 1
            last = _cell(lines[keep], at)
            floor = max(0 if begun else 2, len(lines) - _ORDER_ROWS_MAX)
            room = _ORDER_BYTES_MAX - len(lines[keep])
            while keep > floor and room > 0 and _cell(lines[keep - 1], at) == last:
                keep -= 1
                room -= len(lines[keep])
            if keep < 2 and not begun:
                held = lines
                continue
            held = lines[keep:]
            if keep:
                begun = True
                yield lines[:keep]
        if held:
            yield held

    def _check(self, first: int, lines: list[bytes]) -> RowBlock[T] | None:
        """The block, or None when a row of the file was refused or there is no row in it."""
        width = self._layout.width
        if self._blank_from is not None and any(lines):
            self._refuse_blank_line()
        cells = b"\t\n".join((_MARK + lines[0], *islice(lines, 1, None))).split(b"\t")
        # The only line feeds are the marks. So the cells are aligned when every row's first cell begins with one.
        firsts = cells[::width]
        same_id = firsts.count(self._marked_id) == len(lines) == len(cells) // width
        if len(cells) != width * len(lines) or not (same_id or b"".join(firsts).count(_MARK) == len(lines)):
            same_id = False
            lines, cells = self._pad(first, lines)
            if not lines:
                return None
        self.rows += len(lines)
        if self.rows > self._limits.rows_max:
            self._stop_at_row_limit(first, len(lines))
            return None

        def column(name: str) -> Sequence[bytes]:
            position = self._layout.positions[name]
            return cells[position::width] if position else [cell[1:] for cell in cells[::width]]

        refusals = len(self._refusals)
        if not same_id:
            self._check_same(first, column("settlement-id"), self._settlement_id, "two_settlements")
        self._check_same(first, column("currency"), self._currency, "two_currencies")
        self._check_totals(first, column("total-amount"))
        if len(self._refusals) > refusals:
            return None  # such a row is not this settlement's: its other cells need no word
        ticks = self._read_amounts(first, column("amount"))
        when = self._read_times(first, column)
        self.ticks += sum(ticks)
        if self.refused:
            return None
        return RowBlock(first, lines, ticks, when, column)

    def _pad(self, first: int, lines: list[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Rows whose trailing empty cells were trimmed get them back. Empty lines may only end the file."""
        width = self._layout.width
        kept: list[bytes] = []
        flat: list[bytes] = []
        for number, line in enumerate(lines, first):
            if not line:
                self._blank_from = self._blank_from or number
                continue
            self._refuse_blank_line()
            cells = line.split(b"\t")
            if len(cells) > width:
                self._refuse(
                    "too_many_cells", f"The row has {len(cells)} cells, the header {width}. Download it again.", number
                )
                cells = cells[:width]
            cells[0] = _MARK + cells[0]
            kept.append(line)
            flat += cells
            flat += [b""] * (width - len(cells))
        return kept, flat

    def _refuse_blank_line(self) -> None:
        if self._blank_from is not None:
            self._refuse(
                "blank_line", "The line is empty, and rows follow it. Download the file again.", self._blank_from
            )
            self._blank_from = None

    def _check_same(self, first: int, texts: Sequence[bytes], expected: bytes, code: str) -> None:
        """A detail row may leave the cell empty; filled, it must say what the summary says."""
        blank = texts.count(b"")
        if blank == len(texts) or blank + texts.count(expected) == len(texts):
            return
        for number, text in enumerate(texts, first):
            if text not in (b"", expected):
                self._refuse(
                    code,
                    f"The row says {_shown(text)} where the summary says {_shown(expected)}: these are two settlements in "
                    "one file. Download it again.",
                    number,
                )

    def _check_totals(self, first: int, totals: Sequence[bytes]) -> None:
        if totals.count(b"") == len(totals):
            return
        for number, text in enumerate(totals, first):
            if text:
                self._refuse(
                    "two_summaries",
                    f"A second row carries a total-amount ({_shown(text)}). One file is one settlement; download it again.",
                    number,
                )

    def _read_amounts(self, first: int, texts: Sequence[bytes]) -> list[int]:
        try:
            return list(map(self._amounts.__getitem__, texts))
        except BadAmount:
            pass  # a block with a wrong one is gone through again, one by one
        for number, text in enumerate(texts, first):
            if ticks_of(text, self._amounts.style or Style.POINT) is not None:
                continue
            if style_of(text) is None:
                wrong = (
                    f"{_shown(text)} is not an amount: digits, one decimal sign and at most four decimals are."
                    if text
                    else "The row has no amount: it is not whole, or the file was cut off."
                )
                self._refuse("bad_amount", f"{wrong} Download the file again.", number)
            else:
                self._refuse_mixed_decimals()
                break
        return []

    def _refuse_mixed_decimals(self) -> None:
        """Both decimal signs are in use: name the rarer one's first line, then look no further."""
        seen: dict[Style, tuple[int, ...]] = dict.fromkeys(Style, ())
        positions = self._layout.positions
        everything = chain.from_iterable(self._lines.again().batches())
        for number, line in enumerate(everything, HEADER_LINE):
            cell = _cell(line, positions["total-amount" if number == SUMMARY_LINE else "amount"])
            if number > HEADER_LINE and (style := style_of(cell)) is not None:
                first, count = seen[style] or (number, 0)
                seen[style] = (first, count + 1)
        rarer = min(Style, key=lambda style: (seen[style][1], -seen[style][0]))
        usual = Style.COMMA if rarer is Style.POINT else Style.POINT
        self._refuse(
            "mixed_decimals",
            f"The amount has a decimal {rarer}; {seen[usual][1]} other amount(s) have a decimal {usual}. "
            "Download the file again.",
            seen[rarer][0],
        )
        self._stopped = True

    def _read_times(self, first: int, column: Callable[[str], Sequence[bytes]]) -> list[T]:
        times = column("posted-date-time")
        days = column("posted-date")
        texts = times
        if not all(times):
            texts = [time or day for time, day in zip(times, days, strict=True)]
        self._check_days(first, days, times)
        late = self._times.late
        try:
            when = self._times.read(texts)
        except BadDate:
            for number, text in enumerate(texts, first):
                if moment(text.decode()) is None:
                    self._refuse("bad_date", f"The posted date {_shown(text)} cannot be read without guessing.", number)
            return []
        if self._times.late > late and self._first_late is None:
            self._first_late = next(number for number, text in enumerate(texts, first) if self._times.is_late(text))
        return when

    def _check_days(self, first: int, days: Sequence[bytes], times: Sequence[bytes]) -> None:
        """posted-date is only read beside a posted-date-time to see that both mean the same day."""
        fresh = set(days) - self._day_seen
        if not fresh:
            return
        odd = {day for day in fresh if day and moment(day.decode()) is None}
        if len(self._day_seen) + len(fresh) > _DAYS_MAX:
            self._day_seen.clear()
        self._day_seen |= fresh - odd
        for number, (day, time) in enumerate(zip(days, times, strict=True), first):
            if day in odd and time:
                posted = instant(time.decode())
                if posted is None or not slashed_near(day.decode(), posted):
                    self._refuse(
                        "bad_date", f"The posted-date {_shown(day)} does not fit the posted-date-time.", number
                    )

    def _stop_at_row_limit(self, first: int, count: int) -> None:
        limit = self._limits.rows_max
        line = first + count - (self.rows - limit)
        self._refusals = [
            *self._refusals[: REFUSALS_MAX - 1],
            Finding("too_many_rows", f"The file has more than {limit:,} rows. Check that it is one settlement.", line),
        ]
        self._stopped = True

    def _refuse(self, code: str, message: str, line: int) -> None:
        if len(self._refusals) < REFUSALS_MAX:
            self._refusals.append(Finding(code, message, line))
        self._stopped = self._stopped or len(self._refusals) >= REFUSALS_MAX


def _cell(line: bytes, position: int) -> bytes:
    cells = line.split(b"\t", position + 1)
    return cells[position] if len(cells) > position else b""


def _shown(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))
