"""Sage 300 as the suite's world: the simulated Web API, in both modes of invoicing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from ml_connector.conformance.world import (
    Codes,
    Held,
    NotHere,
    Position,
    Surroundings,
    Switch,
    Touches,
    Traffic,
)
from ml_connector.domain.documents import Document, JournalEntry, Kind, SalesDocument
from ml_connector.domain.target import Company
from ml_connector.erp.sage_300.connector import connect
from ml_connector.sandbox.sage_300 import NAME, SWITCHES, Control
from tests.conformance.on_sandbox import Founded, SandboxSite
from tests.conformance.sage_desks import Banking, Desk, Invoicing, Ledger, OrderEntry
from tests.conformance.sage_stockroom import Stockroom

CODES: Final = Codes(
    day=date(2026, 10, 26),
    closing_day=date(2026, 9, 15),
    accounts=("1150", "4010"),
    currencies={2: "USD", 0: "JPY"},
    no_account="9998",
    no_currency="XTS",
    customer="AMZUS",
    goods="AMZSAL",
    service="AMZSHP",
    tax_code="AMZNTX",
    bank="SEATAC",
    no_item="NONE",
)

#: What documents name in mode OE: items and charges instead of distribution codes.
OE_CODES: Final = replace(CODES, goods="STOOL45", service="AMZSHP", warehouse="FBA", no_item="NOITEM")

_DAY_END_S: Final = 3600.0

_MODULES: Final = ("AR", "BK", "CS", "GL", "IC", "OE", "TX")
_DECLARED: Final = frozenset(switch.name for switch in SWITCHES)
_JOURNALS: Final = frozenset({Kind.JOURNAL_ENTRY, Kind.BANK_TRANSFER})
_SALES: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER, Kind.RECEIPT})
_INVOICING: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO})
_PEOPLE: Final = frozenset({Touches.PEOPLE})
_IN_BATCHES: Final = _JOURNALS | _INVOICING | {Kind.RECEIPT}
_PERIODS: Final = frozenset({Touches.PERIODS})
_FEEDS: Final = frozenset({Touches.FEEDS})
_SIGN_IN: Final = frozenset({Touches.SIGN_IN})
_CONTENT: Final = frozenset({Touches.CONTENT})
_WRITES: Final = frozenset({Touches.WRITES})


_RECEIPT_WORDS: Final = "Receipt UnappliedCash"
_SWITCHES: Final[Sequence[Switch]] = (
    Switch("missing_right", "403", ("401",), _SIGN_IN, _JOURNALS),
    Switch("wrong_company", "404", ("401",), _SIGN_IN, _JOURNALS),
    Switch("create_status", 201, (200,), _WRITES, _IN_BATCHES),
    Switch("change_status", 204, (200,), _WRITES, _IN_BATCHES),
    Switch("old_annotations", False, (True,), _CONTENT | _FEEDS, _IN_BATCHES),
    Switch("next_link", "bare", ("keeps",), _FEEDS, _IN_BATCHES),
    Switch("page_size", 100, (10,), _CONTENT | _FEEDS, _IN_BATCHES),
    Switch("has_ge_le", True, (False,), _CONTENT | _FEEDS, _IN_BATCHES),
    Switch("padded_text", False, (True,), _CONTENT | _FEEDS, _IN_BATCHES),
    Switch("dates_with_z", True, (False,), _CONTENT, _IN_BATCHES),
    Switch("ready_in_post", True, (False,), _WRITES, _JOURNALS),
    Switch("failed_batch", "rolled_back", ("part_filled",), _PERIODS, _IN_BATCHES),
    Switch("gl_ready_by", "ReadyToPost", ("Status", "both"), _WRITES, _JOURNALS),
    Switch("gl_post_names", "FromBatchNumber ToBatchNumber", ("PostBatchFrom PostBatchTo",), _WRITES, _JOURNALS),
    Switch("posting_s", 0, (30,), _WRITES, _IN_BATCHES),
    Switch("inactive_account", "entry", ("posting",), _PERIODS, _IN_BATCHES),
    Switch("calendar_shows_locks", False, (True,), _PERIODS, _IN_BATCHES),
    Switch("ledger_from_receivables", "posted", ("open", "request"), _WRITES, _INVOICING),
    Switch("cold_start_s", 0, (40,), _SIGN_IN, _JOURNALS),
    Switch("folds_user_id", False, (True,), _SIGN_IN, _JOURNALS),
    Switch("rich_queries", False, (True,), _CONTENT | _FEEDS, _IN_BATCHES),
    Switch("over_long_text", "refuse", ("cut",), _CONTENT, _IN_BATCHES),
    Switch(
        "receipt_words", _RECEIPT_WORDS, ("CustomerReceipt OnAccount",), _WRITES | _PEOPLE, frozenset({Kind.RECEIPT})
    ),
    Switch("entered_batches", "open", ("ready",), frozenset({Touches.ROUTES}), _IN_BATCHES),
)
_FEED_SWITCHES: Final[Sequence[Switch]] = (
    Switch("location_details", True, (False,), _FEEDS),
    Switch("location_detail_has", "QuantityCommitted QuantityAvailableToShip", ("-",), _FEEDS),
    Switch("formatted_location_items", False, (True,), _FEEDS),
)
_AR_SWITCHES: Final[Sequence[Switch]] = (
    Switch("ar_duplicate", "entry", ("posted", "posting"), _WRITES | _PEOPLE, _INVOICING),
    Switch("ar_duplicate_code", "FieldInvalid", ("RecordDuplicate",), _WRITES | _PEOPLE, _INVOICING),
    Switch("applies_to_posted_only", True, (False,), _WRITES, frozenset({Kind.CREDIT_MEMO})),
)
#: By what the invoice of an order is dated, in the simulator's own two switches. The fourth is no company that can be posted to:
#: where an order cannot say the date and does not give its own, each invoice has today's, and is held as a conflict.
_DATED_BY: Final[Mapping[str, Mapping[str, Position]]] = {
    "InvoiceDate": {"order_has_invoice_date": True, "invoice_date": "order"},
    "InvoiceDate or today": {"order_has_invoice_date": True, "invoice_date": "session"},
    "OrderDate": {"order_has_invoice_date": False, "invoice_date": "order"},
}
_OE_SWITCHES: Final[Sequence[Switch]] = (
    Switch("oe_duplicate_code", "RecordDuplicate", ("FieldInvalid", "General"), _WRITES | _PEOPLE, _SALES),
    Switch("note_number_is_unique", True, (False,), _WRITES, frozenset({Kind.CREDIT_MEMO})),
    Switch("invoiced_by", "both", ("InvoiceWillBeProduced", "PostInvoice"), _WRITES, frozenset({Kind.INVOICE})),
    Switch("invoice_dated_by", "InvoiceDate", tuple(_DATED_BY)[1:], _WRITES, _SALES),
    Switch("negative_charges", True, (False,), _WRITES, _SALES),
    Switch("negative_inventory", False, (True,), _WRITES, _SALES),
    Switch("on_hand_waits_for_day_end", False, (True,), _WRITES, _SALES),
)


class SageWorld:
    """One company each time, in one of the two modes of invoicing; it is founded once in a process and copied."""

    name = NAME

    def __init__(self, mode: str) -> None:
        self.label = f"Sage 300, invoices by {mode}"
        self.switches = (*_SWITCHES, *_FEED_SWITCHES, *_AR_SWITCHES) if mode == "AR" else _OE_SWITCHES
        self._mode = mode
        self._founded = Founded()

    def open(self, surroundings: Surroundings, positions: Mapping[str, Position]) -> SageSite:
        return SageSite(surroundings, positions, self._founded, self._mode)


class SageSite(SandboxSite):
    def __init__(
        self, surroundings: Surroundings, positions: Mapping[str, Position], founded: Founded, mode: str
    ) -> None:
        dated = _DATED_BY[str(positions.get("invoice_dated_by", "InvoiceDate"))]
        super().__init__(NAME, surroundings, {**positions, **dated}, founded, traffic_of=_traffic, declared=_DECLARED)
        self._mode = mode
        self._settings = {"invoice_mode": mode}
        self._settings["entered_batches"] = str(positions.get("entered_batches", "open"))
        if positions.get("invoiced_by") == "PostInvoice":
            self._settings["order_invoices_by"] = "PostInvoice"
        self.codes = OE_CODES if self._mode == "OE" else CODES
        self._dated = bool(dated["order_has_invoice_date"])
        self._receipt_words = str(positions.get("receipt_words", _RECEIPT_WORDS)).split()
        self._nights = False

    @property
    def control(self) -> Control:
        assert isinstance(self.door, Control)
        return self.door

    async def connect(self, wrong: str = "") -> Company:
        target = await self.sign_in(connect, **self.credentials(wrong), **self._settings)
        if not self.ready:
            self.keep()
        if self._mode == "OE" and not self._nights:
            self._nights = True
            self.surroundings.start(self._day_ends())
        return target

    async def _day_ends(self) -> None:
        """The company's own day end, after which somebody posts the receivables."""
        while True:
            await self.surroundings.clock.sleep(_DAY_END_S)
            self.control.day_end(post=True)

    def can_be_wrong(self) -> Sequence[str]:
        return ("username", "password")

    def held(self, document: Document) -> Held:
        return self._desk(document).held(document)

    def desk(self) -> Stockroom:
        return Stockroom(self.control)

    # --- what people do -----------------------------------------------------------------------------------------------

    def cancel(self, document: Document) -> None:
        self._desk(document).cancel(document)

    def change(self, document: Document) -> None:
        self._desk(document).change(document)

    def type_in(self, document: Document) -> None:
        self._desk(document).type_in(document)

    def copy(self, document: Document) -> None:
        self._desk(document).copy(document)

    def finish(self, document: Document) -> None:
        self._desk(document).finish(document)

    def remove(self, document: Document) -> None:
        self._desk(document).remove(document)

    def close_period(self, day: date) -> None:
        self.control.set_period(day.isoformat())

    def freeze_account(self, account: str) -> None:
        self.control.inactivate_account(account)

    def blind(self, document: Document) -> None:
        """The right in the module that shows it is taken away."""
        if self._positions.get("missing_right") == "401":
            raise NotHere(
                "A right that is taken away is answered like a wrong password here: the connector takes it for one and "
                "stops altogether, before anything is sent, until a person asks again."
            )
        module = "GL" if isinstance(document, JournalEntry) else "AR" if self._mode == "AR" else "OE"
        module = "AR" if document.kind is Kind.RECEIPT else module
        self.control.set_rights([each for each in _MODULES if each != module])

    def _desk(self, document: Document) -> Desk:
        if isinstance(document, JournalEntry):
            return Ledger(self.control)
        if isinstance(document, SalesDocument):
            return Invoicing(self.control) if self._mode == "AR" else OrderEntry(self.control, dated=self._dated)
        return Banking(self.control, *self._receipt_words)


def _traffic(method: str, path: str) -> Traffic | None:
    return Traffic.READS if method == "GET" or "$template" in path else Traffic.WRITES
