"""Each kind of document and the room that knows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.domain.documents import Document, InventoryIssue, JournalEntry, Kind, Payment, SalesDocument
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Ids, Shown
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents import (
    common,
    inventory_issues,
    journal_entries,
    payments,
    sales_documents,
)
from ml_connector.erp.sap_business_one.documents.common import KEY_FIELD
from ml_connector.erp.sap_business_one.documents.places import JOURNALS, PLACES


def kind_unsupported(kind: Kind, company: Company) -> str | None:
    """Why documents of ``kind`` cannot be posted to this company at all, as a sentence; None where they can."""
    place, trade = PLACES[kind], company.trade
    if place.set == JOURNALS:
        return None
    unreadable = [name for name in (place.set, place.drafts) if name not in trade.readable]
    if unreadable:
        return (
            f"The SAP user cannot read {unreadable[0]}, without which nobody can tell whether something was posted. "
            f"Ask the SAP administrator for the right to read {place.what} and their drafts."
        )
    if kind is Kind.REFUND_PAYMENT and not trade.credit_note_sign:
        return (
            "Outgoing payments of credit memos are off until the sign of a credit note in them is proven for this company "
            "(setting credit_note_sign). Until then set refunds = journal on the link."
        )
    if kind is Kind.INVENTORY_ISSUE and not {place.set, place.drafts} <= trade.key_fields:
        return f"Goods issues need the field {KEY_FIELD}, for nothing else identifies them: run connection prepare."
    return None


def unsupported(document: Document, company: Company) -> str | None:
    """Why this company cannot hold ``document``, as a sentence; None where it can."""
    why = kind_unsupported(document.kind, company) or common.unsupported(document, company)
    if why is not None:
        return why
    match document:
        case JournalEntry():
            return journal_entries.unsupported(document)
        case SalesDocument():
            return sales_documents.unsupported(document)
        case Payment():
            return payments.unsupported(document, company)
        case InventoryIssue():
            return inventory_issues.unsupported(document)


def payload(document: Document, company: Company, linked: Mapping[DocumentKey, Ids]) -> dict[str, Any]:
    """The body that creates ``document``. Raises :class:`BadAnswer` where what it names has no number yet."""
    match document:
        case JournalEntry():
            return journal_entries.payload(document, company)
        case SalesDocument():
            return sales_documents.payload(document, company, linked)
        case Payment():
            return payments.payload(document, company, linked)
        case InventoryIssue():
            return inventory_issues.payload(document)


def project(document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
    """What Business One will show for ``document``."""
    match document:
        case JournalEntry():
            return journal_entries.project(document)
        case SalesDocument():
            return sales_documents.project(document)
        case Payment():
            return payments.project(document, linked)
        case InventoryIssue():
            return inventory_issues.project(document)


def references(document: Document, company: Company) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds ``document`` in Business One."""
    match document:
        case JournalEntry():
            return journal_entries.references(document, company)
        case SalesDocument():
            return sales_documents.references(document, company)
        case Payment():
            return payments.references(document, company)
        case InventoryIssue():
            return inventory_issues.references(document)


def line_number(document: Document, sent: int | None) -> int | None:
    """The 1-based line of ``document`` that was the 1-based ``sent`` line of its body."""
    return journal_entries.line_number(document, sent) if isinstance(document, JournalEntry) else sent
