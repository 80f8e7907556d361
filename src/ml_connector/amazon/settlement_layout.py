"""The first two lines of a settlement file: which column is where, and the summary row (settlement dossier, 3, 4 and 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ml_connector.amazon.settlement_amounts import Style, style_of, ticks_of
from ml_connector.amazon.settlement_dates import instant
from ml_connector.domain import money
from ml_connector.domain.errors import Finding
from ml_connector.domain.settlements import SettlementHead

#: The columns that something is made of. The other six of the file may be missing; more may be there, in any order.
REQUIRED_COLUMNS: Final = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "adjustment-id",
    "marketplace-name",
    "amount-type",
    "amount-description",
    "amount",
    "fulfillment-id",
    "posted-date",
    "posted-date-time",
    "order-item-code",
    "sku",
)
#: Amazon writes 24. Every row is padded to the header's width, so a width without a bound is work without a bound.
_COLUMNS_MAX: Final = 8_000
_V1_COLUMNS: Final = 36
_V1_MARK: Final = "price-type"
_BOM: Final = "\ufeff"
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
#: Some 11 digits in every file seen. More than that a document key could not carry (``domain.keys``).
_SETTLEMENT_ID: Final = re.compile(r"[0-9A-Z-]{1,40}", re.ASCII)

HEADER_LINE: Final = 1
SUMMARY_LINE: Final = 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each column of the header stands, and how wide a row is."""

    positions: dict[str, int]
    width: int


def read_layout(header: str) -> Layout | Finding:
    """The header line (without its line end) of the V2 flat file, or why it is not one."""
    names = header.removeprefix(_BOM).split("\t")
    if re.match(r"\s*<(!doctype html|html)", names[0], re.IGNORECASE):
        return Finding(
            "web_page",
            "This is a web page, not a report: what was saved is perhaps the page of a sign-in or of an error. Download the "
            "report again.",
            HEADER_LINE,
        )
    if names[0].lstrip().startswith("<"):
        return Finding(
            "xml_layout",
            "This is the XML settlement report, which Amazon retired. Download the V2 flat file instead.",
            HEADER_LINE,
        )
    if _V1_MARK in names or (len(names) == _V1_COLUMNS and "amount-type" not in names):
        return Finding(
            "v1_layout",
            "This is the settlement report in the old V1 layout (36 columns). Download the V2 flat file instead.",
            HEADER_LINE,
        )
    if len(names) > _COLUMNS_MAX:
        return Finding(
            "bad_header",
            f"The header names {len(names):,} columns, and {_COLUMNS_MAX:,} at most are read. Check that it is a settlement.",
            HEADER_LINE,
        )
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        shown = ", ".join(missing[:5]) + (" and more" if len(missing) > 5 else "")
        also = ""
        if len(names) == 1 and any(all(name in header.split(mark) for name in REQUIRED_COLUMNS) for mark in ",;"):
            also = " Its columns are not divided by tabs: it was saved by another program. Take it as Amazon gave it."
        return Finding(
            "bad_header", f"This is not a V2 settlement report: the header lacks {shown}.{also}", HEADER_LINE
        )
    twice = [name for name in REQUIRED_COLUMNS if names.count(name) > 1]
    if twice:
        return Finding(
            "bad_header", f"The header names {twice[0]} more than once. Download the file again.", HEADER_LINE
        )
    return Layout({name: position for position, name in enumerate(names)}, len(names))


def read_summary(row: str | None, layout: Layout) -> tuple[SettlementHead, Style | None] | Finding:
    """The summary row, and the decimal style its total proves; or why there is none."""
    cells = (row or "").split("\t")
    if len(cells) > layout.width:
        return _bad("too_many_cells", f"The row has {len(cells)} cells, the header {layout.width}. Download it again.")
    cells += [""] * (layout.width - len(cells))
    cell = {name: cells[position] for name, position in layout.positions.items()}
    if not cell["total-amount"] or cell["transaction-type"]:
        return _bad("no_summary", "The first row after the header must be the summary row with the total-amount.")
    if not _SETTLEMENT_ID.fullmatch(cell["settlement-id"]):
        return _bad("bad_settlement_id", "The summary row has no settlement-id that can be used. Download it again.")
    if not _CURRENCY.fullmatch(cell["currency"]):
        return _bad("bad_currency", f"The summary row's currency is {_shown(cell['currency'])}, not an ISO 4217 code.")
    written = cell["total-amount"].encode()
    style = style_of(written)
    total = ticks_of(written, style or Style.POINT)
    if total is None:
        return _bad("bad_amount", f"The total-amount {_shown(cell['total-amount'])} is not an amount.")
    dates = _dates(cell)
    if isinstance(dates, Finding):
        return dates
    start, end, deposit = dates
    head = SettlementHead(cell["settlement-id"], cell["currency"], start, end, deposit, money.amount_from_ticks(total))
    return head, style


def _dates(cell: dict[str, str]) -> tuple[datetime, datetime, datetime | None] | Finding:
    found: dict[str, datetime | None] = {}
    for name in ("settlement-start-date", "settlement-end-date", "deposit-date"):
        found[name] = instant(cell[name])
        if found[name] is None and (cell[name] or name != "deposit-date"):
            return _bad("bad_date", f"The {name} {_shown(cell[name])} cannot be read without guessing.")
    start, end = found["settlement-start-date"], found["settlement-end-date"]
    if start is None or end is None or end < start:
        return _bad("bad_date", "The settlement ends before it starts. Download the file again.")
    return start, end, found["deposit-date"]


def _bad(code: str, message: str) -> Finding:
    return Finding(code, message, SUMMARY_LINE)


def _shown(text: str) -> str:
    return repr(text[:40])
