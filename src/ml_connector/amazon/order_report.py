"""The order report: every line of every order placed in a window of at most 30 days, in one file.

It has no order-item id and does not say who collects the tax, so it is enough to find orders and not to invoice them. Columns
and that: the issue text of this report (SP-API dossier, sections 7 and 14.2, for its use and its reach). What tells of a person
is dropped as the line is read: the town and country it goes to, the tax number, the company's purchase order number.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from ml_connector.amazon.flat_lines import FlatLines
from ml_connector.amazon.settlement_amounts import Amounts, BadAmount
from ml_connector.amazon.settlement_bytes import Limits, Opener, survey
from ml_connector.amazon.wire import instant, plain_text
from ml_connector.domain import money
from ml_connector.domain.errors import BadAnswer, Finding, Inconsistent

ORDER_REPORT: Final = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"

#: Without one of these the file is no order report. The others may be missing; more may be there, in any order.
REQUIRED_COLUMNS: Final = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "sku",
    "quantity",
    "currency",
    "item-price",
)
#: After so many lines that cannot be read the rest is not looked at: the file as a whole is wrong.
REFUSALS_MAX: Final = 20

_HEADER_LINE: Final = 1
_ID_MAX: Final = 100
_QUANTITY_DIGITS_MAX: Final = 9


@dataclass(frozen=True, slots=True)
class ReportedLine:
    """A line of the file; ``line`` is its number (the header is line 1). Words are as the report spells them.

    Amounts are in ``currency``, as they stand in the file, None where the cell is empty; ``currency`` is "" where no money is
    shown, as for a pending order. Whether discounts are written with a sign is not known: take their magnitude.
    """

    line: int
    order_id: str
    purchased: datetime
    updated: datetime
    status: str
    fulfilled_by: str
    sales_channel: str
    sku: str
    asin: str
    title: str
    item_status: str
    quantity: int
    currency: str
    item_price: Decimal | None
    item_tax: Decimal | None
    shipping_price: Decimal | None
    shipping_tax: Decimal | None
    gift_wrap_price: Decimal | None
    gift_wrap_tax: Decimal | None
    item_discount: Decimal | None
    shipping_discount: Decimal | None
    merchant_order_id: str
    service: str
    promotions: tuple[str, ...]
    business: bool


class OrderReport:
    """An order report that can be read any number of times; ``opener`` gives the same bytes each time.

    Opening looks the bytes over and reads the header. With ``findings`` there is nothing to read.
    """

    def __init__(self, opener: Opener, limits: Limits | None = None) -> None:
        self._opener = opener
        self._limits = limits or Limits()
        looked = survey(opener, self._limits)
        self.sha256 = looked.sha256
        self.encoding = looked.encoding
        self.findings = looked.findings
        self._columns: Mapping[str, int] = {}
        if not self.findings:
            self._read_header()

    @classmethod
    def at(cls, path: Path, limits: Limits | None = None) -> OrderReport:
        """The file at ``path``."""
        return cls(lambda: path.open("rb"), limits)

    @classmethod
    def of(cls, content: bytes, limits: Limits | None = None) -> OrderReport:
        """A file held in memory."""
        return cls(lambda: io.BytesIO(content), limits)

    def read(self) -> OrderReportReading:
        """A new pass over the lines. Raises :class:`Inconsistent` for a file with findings."""
        if self.findings:
            raise Inconsistent("The lines of a file that is no order report cannot be read.")
        return OrderReportReading(self._lines(), self._columns, self._limits)

    def _read_header(self) -> None:
        lines = self._lines()
        header, _ = lines.beginning()
        if lines.finding is not None:
            self.findings = (lines.finding,)
            return
        self._columns = {name: at for at, name in enumerate(header.removeprefix("\ufeff").split("\t"))}
        missing = [name for name in REQUIRED_COLUMNS if name not in self._columns]
        if missing:
            self.findings = (_no_order_report(missing),)

    def _lines(self) -> FlatLines:
        return FlatLines(self._opener, self._limits, self.encoding or "utf-8")


class OrderReportReading:
    """One pass. ``findings`` is complete when the lines are exhausted: a line that cannot be read is one, with its number, and is
    left out; every finding holds, for an order may be missing."""

    def __init__(self, lines: FlatLines, columns: Mapping[str, int], limits: Limits) -> None:
        self._lines = lines
        self._columns = columns
        self._rows_max = limits.rows_max
        self._amounts = Amounts()
        self.findings: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[ReportedLine]:
        number = 0
        for batch in self._lines.batches():
            for text in batch:
                number += 1
                if number == _HEADER_LINE or not text:
                    continue
                if number > self._rows_max + _HEADER_LINE:
                    self._find("too_many_rows", f"The file has more than {self._rows_max:,} rows.", number)
                    return
                try:
                    yield self._read(number, text.decode().split("\t"))
                except _BadCell as bad:
                    self._find(
                        "unreadable_order_line", f"{bad}. The order of this line has to be read by its id.", number
                    )
                    if len(self.findings) >= REFUSALS_MAX:
                        self._find("too_many_refusals", "The rest of the file was not read: too much is wrong.", number)
                        return
        if self._lines.finding is not None:
            self.findings = (*self.findings, self._lines.finding)

    def _find(self, code: str, message: str, line: int) -> None:
        self.findings = (*self.findings, Finding(code, message, line))

    def _read(self, number: int, cells: Sequence[str]) -> ReportedLine:
        row = _Row(self._columns, cells, self._amounts)
        return ReportedLine(
            line=number,
            order_id=row.id("amazon-order-id"),
            purchased=row.instant("purchase-date"),
            updated=row.instant("last-updated-date"),
            status=row.text("order-status"),
            fulfilled_by=row.text("fulfillment-channel"),
            sales_channel=row.text("sales-channel"),
            sku=row.text("sku"),
            asin=row.text("asin"),
            title=row.text("product-name"),
            item_status=row.text("item-status"),
            quantity=row.quantity("quantity"),
            currency=row.currency("currency"),
            item_price=row.amount("item-price"),
            item_tax=row.amount("item-tax"),
            shipping_price=row.amount("shipping-price"),
            shipping_tax=row.amount("shipping-tax"),
            gift_wrap_price=row.amount("gift-wrap-price"),
            gift_wrap_tax=row.amount("gift-wrap-tax"),
            item_discount=row.amount("item-promotion-discount"),
            shipping_discount=row.amount("ship-promotion-discount"),
            merchant_order_id=row.text("merchant-order-id"),
            service=row.text("ship-service-level"),
            promotions=tuple(each for each in row.text("promotion-ids").split(",") if each),
            business=row.text("is-business-order").casefold() == "true",
        )


class _BadCell(Exception):
    """A cell that cannot be read; the message names its column."""


class _Row:
    """The cells of one line by their columns. A column that the file does not have, or a line that ends early, is empty."""

    def __init__(self, columns: Mapping[str, int], cells: Sequence[str], amounts: Amounts) -> None:
        self._columns = columns
        self._cells = cells
        self._amounts = amounts

    def _cell(self, column: str) -> str:
        at = self._columns.get(column)
        return self._cells[at].strip() if at is not None and at < len(self._cells) else ""

    def text(self, column: str) -> str:
        return plain_text(self._cell(column))

    def id(self, column: str) -> str:
        cell = self._cell(column)
        if not cell or len(cell) > _ID_MAX or not cell.isascii() or not cell.replace("-", "").isalnum():
            raise _BadCell(f"{column} is no id: {cell[:40]!r}")
        return cell

    def instant(self, column: str) -> datetime:
        try:
            return instant(self._cell(column))
        except BadAnswer as error:
            raise _BadCell(f"{column}: {error}") from None

    def quantity(self, column: str) -> int:
        cell = self._cell(column)
        if not cell.isascii() or not cell.isdecimal() or len(cell) > _QUANTITY_DIGITS_MAX:
            raise _BadCell(f"{column} is no number of units: {cell[:40]!r}")
        return int(cell)

    def currency(self, column: str) -> str:
        cell = self._cell(column)
        if cell and not (len(cell) == 3 and cell.isascii() and cell.isupper()):
            raise _BadCell(f"{column} is no currency: {cell[:40]!r}")
        return cell

    def amount(self, column: str) -> Decimal | None:
        cell = self._cell(column)
        if not cell:
            return None
        try:
            return money.amount_from_ticks(self._amounts[cell.encode()])
        except BadAmount:
            raise _BadCell(f"{column} is no amount: {cell[:40]!r}") from None


def _no_order_report(missing: Sequence[str]) -> Finding:
    return Finding(
        "no_order_report",
        f"The file is no order report: it has no column {', '.join(missing)}. Download {ORDER_REPORT} again.",
        _HEADER_LINE,
    )
