"""Documents and drafts as Business One lists them, and what each is to one of ours (SAP dossier, sections 6.3, 6.4, 7, 8). Pure.

A row is *ours* when U_ML_KEY holds the document's key or, where that is empty, its longest text begins with it, or a payment's
TransferReference holds it. It is *a person's* when it carries the human reference and no key of ours for its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

from ml_connector.domain.documents import Document, InventoryIssue, Payment, SalesDocument
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import Case, Ids, Shown
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents import inventory_issues, payments, sales_documents
from ml_connector.erp.sap_business_one.documents.common import (
    DRAFT,
    KEY_FIELD,
    draft_ids,
    key_in,
    kind_in,
    whole_number,
)
from ml_connector.erp.sap_business_one.documents.places import Place
from ml_connector.erp.sap_business_one.odata import text
from ml_connector.erp.sap_business_one.values import words, yes

#: Days around the posting date in which documents are looked for: a look never scans a whole table (posting stages, S1).
WINDOW_DAYS: Final = 60

_DOCUMENT: Final = (
    "DocEntry",
    "DocNum",
    "DocDate",
    "TaxDate",
    "CardCode",
    "NumAtCard",
    "Comments",
    "DocCurrency",
    "DocTotal",
    "DocTotalFc",
    "DocumentStatus",
    "CancelStatus",
    "Confirmed",
    "DataVersion",
    "DocumentLines",
)
_PAYMENT: Final = (
    "DocEntry",
    "DocNum",
    "DocDate",
    "TaxDate",
    "CardCode",
    "DocCurrency",
    "TransferAccount",
    "TransferSum",
    "TransferReference",
    "CashAccount",
    "CashSum",
    "Remarks",
    "Cancelled",
    "PaymentInvoices",
)
_OF_DRAFTS: Final = ("DocObjectCode", "AuthorizationStatus")


class Stands(StrEnum):
    """How a row stands. A draft is open, waits for a person, was refused by one, or is spent: closed, or saved already."""

    LIVE = "live"
    CANCELLED = "cancelled"
    CANCELLING = "cancelling"
    UNCONFIRMED = "unconfirmed"
    DRAFT = "draft"
    WAITS = "waits"
    REJECTED = "rejected"
    SAVED = "saved"
    CLOSED = "closed"


#: Authorization statuses without their prefix (das, pas).
_AUTHORIZATION: Final[Mapping[str, Stands]] = {
    "Without": Stands.DRAFT,
    "Pending": Stands.WAITS,
    "Approved": Stands.WAITS,
    "Rejected": Stands.REJECTED,
    "Cancelled": Stands.REJECTED,
    "Generated": Stands.SAVED,
    "GeneratedbyAuthorizer": Stands.SAVED,
}


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a document's set, or of its drafts. ``key`` is the key of ours that it carries, "" where it carries none;
    ``reference`` what people search by; ``version`` counts its changes."""

    draft: bool
    entry: int
    number: str
    key: str
    short: str
    party: str
    reference: str
    stands: Stands
    version: int | None
    row: Mapping[str, Any] = field(repr=False)

    @property
    def ids(self) -> Ids:
        if self.draft:
            return draft_ids(self.entry)
        ids = (("DocEntry", str(self.entry)), *((("DocNum", self.number),) if self.number else ()))
        # The confirmation names the version that was looked at.
        unconfirmed = self.stands is Stands.UNCONFIRMED and self.version is not None
        return (*ids, ("DataVersion", str(self.version))) if unconfirmed else ids


def fields(place: Place, *, draft: bool, key_field: bool) -> tuple[str, ...]:
    """What rows are read by. U_ML_KEY is asked for only where it is there."""
    names = (*(_PAYMENT if place.pays else _DOCUMENT), *(_OF_DRAFTS if draft else ()))
    return (*names, KEY_FIELD) if key_field else names


def collection(place: Place) -> str:
    """The rows' own rows, which some servers leave out of lists (dossier 5.1)."""
    return "PaymentInvoices" if place.pays else "DocumentLines"


def longest_text(place: Place) -> str:
    """The field that begins with our key, whatever else there is."""
    return "Remarks" if place.pays else "Comments"


def window(cases: Sequence[Case]) -> tuple[date, date]:
    """First and last posting date to look at."""
    days = [case.document.posting_date for case in cases]
    return min(days) - timedelta(days=WINDOW_DAYS), max(days) + timedelta(days=WINDOW_DAYS)


def condition(place: Place, cases: Sequence[Case], *, draft: bool, key_field: bool) -> str:
    """The filter that finds every row that any of ``cases`` could be."""
    first, last = window(cases)
    terms: dict[str, None] = {}
    for case in cases:
        number = dict(case.ids).get(DRAFT if draft else "DocEntry", "")
        if number.isascii() and number.isdigit():
            terms[f"DocEntry eq {number}"] = None
        # Without a field of ours: people change the reference, which is theirs, and copy documents under another one.
        key = text(case.wire_key)
        terms[f"{KEY_FIELD} eq {key}" if key_field else f"startswith({longest_text(place)},{key})"] = None
        for name, value in _searched(case.document):
            terms[f"{name} eq {text(value)}"] = None
    return f"DocDate ge '{first.isoformat()}' and DocDate le '{last.isoformat()}' and ({' or '.join(terms)})"


def _searched(document: Document) -> list[tuple[str, str]]:
    """The reference fields that say which document it is, or that people fill."""
    match document:
        case SalesDocument():
            # A credit memo's own number and, for what a person typed, the order's.
            values = dict.fromkeys((sales_documents.number_at_card(document), document.reference))
            return [("NumAtCard", value) for value in values if value]
        case Payment():
            values = dict.fromkeys((payments.short_key(document), document.reference))
            return [("TransferReference", value) for value in values if value]
        case _:
            return []


def record_from(place: Place, row: Mapping[str, Any], *, draft: bool, key_field: bool) -> Record:
    """Read a row. Raises :class:`BadAnswer` naming a field that is missing or is not what it should be."""
    missing = sorted(set(fields(place, draft=draft, key_field=key_field)) - row.keys())
    if missing:
        raise BadAnswer(f"SAP Business One shows {place.what} without {missing[0]}.", code="missing_field")
    entry, number = whole_number(row["DocEntry"]), whole_number(row["DocNum"])
    if entry is None or not isinstance(row[collection(place)], list):
        raise BadAnswer(f"SAP Business One shows {place.what} without a number or without lines.")
    remarks = words(row[longest_text(place)])
    return Record(
        draft=draft,
        entry=entry,
        number="" if number is None else str(number),
        key=key_in(row.get(KEY_FIELD), remarks.partition(" ")[0]),
        short=words(row["TransferReference"]) if place.pays else "",
        party=words(row["CardCode"]),
        reference=words(row["TransferReference" if place.pays else "NumAtCard"]),
        stands=_draft_stands(place, row) if draft else _stands(place, row),
        version=None if place.pays else whole_number(row["DataVersion"]),
        row=row,
    )


def becomes(place: Place, row: Mapping[str, Any]) -> bool:
    """Whether the draft is of a document of ``place``: its set holds those of all kinds."""
    return words(row.get("DocObjectCode")) in (place.object, place.code)


def _stands(place: Place, row: Mapping[str, Any]) -> Stands:
    if place.pays:
        return Stands.CANCELLED if yes(row["Cancelled"]) else Stands.LIVE
    match row["CancelStatus"]:
        case "csCancellation":
            return Stands.CANCELLING
        case "csYes":
            return Stands.CANCELLED
    if place.set == "Orders" and not yes(row["Confirmed"]):
        return Stands.UNCONFIRMED
    return Stands.LIVE


def _draft_stands(place: Place, row: Mapping[str, Any]) -> Stands:
    status = words(row["AuthorizationStatus"])
    stands = _AUTHORIZATION.get(status[3:])
    if stands is None:
        raise BadAnswer(f"SAP Business One shows a draft with the authorization status {status[:40]!r}.")
    if not place.pays and stands is Stands.DRAFT and row["DocumentStatus"] == "bost_Close":
        return Stands.CLOSED
    return stands


def is_ours(case: Case, record: Record) -> bool:
    """Whether the row carries the document's key. A row with another key of ours is another document."""
    if record.key:
        return record.key == case.wire_key
    return isinstance(case.document, Payment) and record.short == payments.short_key(case.document)


def is_persons(case: Case, record: Record) -> bool:
    """Whether the row carries the human reference of the document and no key of ours for its kind."""
    document = case.document
    if is_ours(case, record) or not isinstance(document, (SalesDocument, Payment)):
        return False
    # What a person copied to another kind in SAP took our field with it.
    if record.key and kind_in(record.key) is document.kind:
        return False
    return bool(document.reference) and record.reference == document.reference and record.party == document.customer


def shown(record: Record, document: Document, company: Company) -> Shown:
    """The row in the words all targets share."""
    match document:
        case SalesDocument():
            return sales_documents.shown(record.row, document, company)
        case Payment():
            return payments.shown(record.row, document, company)
        case InventoryIssue():
            return inventory_issues.shown(record.row, document)
        case _:
            raise BadAnswer(f"{document.key} is not read as a document with drafts.")
