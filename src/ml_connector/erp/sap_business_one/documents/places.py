"""Where documents of each kind stand in Business One: their entity set, and the drafts that become them (SAP dossier 6.3, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ml_connector.domain.documents import Kind

DRAFTS: Final = "Drafts"
PAYMENT_DRAFTS: Final = "PaymentDrafts"
JOURNALS: Final = "JournalEntries"


@dataclass(frozen=True, slots=True)
class Place:
    """One kind's place. ``key`` and ``number`` are its own numbers: the server's, and the one that people see.

    ``drafts``: the set of its drafts, "" where there are none; ``object`` and ``code``: what a draft says that it will be. ``table``:
    the company's table, which user fields are added to. ``what``: documents of it, in words.
    """

    set: str
    table: str
    what: str
    key: str = "DocEntry"
    number: str = "DocNum"
    drafts: str = DRAFTS
    object: str = ""
    code: str = ""

    @property
    def pays(self) -> bool:
        return self.drafts == PAYMENT_DRAFTS


_JOURNAL: Final = Place(JOURNALS, "OJDT", "journal entries", "JdtNum", "Number", drafts="")

PLACES: Final[Mapping[Kind, Place]] = {
    Kind.JOURNAL_ENTRY: _JOURNAL,
    Kind.BANK_TRANSFER: _JOURNAL,
    Kind.INVOICE: Place("Invoices", "OINV", "A/R invoices", object="oInvoices", code="13"),
    Kind.CREDIT_MEMO: Place("CreditNotes", "ORIN", "A/R credit memos", object="oCreditNotes", code="14"),
    Kind.SALES_ORDER: Place("Orders", "ORDR", "sales orders", object="oOrders", code="17"),
    Kind.RECEIPT: Place(
        "IncomingPayments",
        "ORCT",
        "incoming payments",
        drafts=PAYMENT_DRAFTS,
        object="bopot_IncomingPayments",
        code="24",
    ),
    Kind.REFUND_PAYMENT: Place(
        "VendorPayments",
        "OVPM",
        "outgoing payments",
        drafts=PAYMENT_DRAFTS,
        object="bopot_OutgoingPayments",
        code="46",
    ),
    Kind.INVENTORY_ISSUE: Place("InventoryGenExits", "OIGE", "goods issues", object="oInventoryGenExit", code="60"),
}
