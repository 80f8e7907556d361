"""Receipts as a batch of type CA with one entry (Sage dossier, section 12). Pure.

==================  =================================================  =========
field               what we write                                      characters
==================  =================================================  =========
batch Description   document key                                       60 [I]
EntryDescription    document key                                       60 [I]
EntryReference      settlement id                                      60 [I]
CheckReceiptNumber  document key, cut and hashed                       22 [U]
==================  =================================================  =========

Clearing is a bank in Sage. Each applied row names the number of one posted document; what is applied to none stays on account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.documents import Payment
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents.receivables import linked_number
from ml_connector.erp.sage_300.values import amount, day, list_of, number, text, words, written

KEY_MAX: Final = 60
CHECK_MAX: Final = 22
_BANK_MAX: Final = 8

BATCH_FIELDS: Final = (
    "BatchRecordType",
    "BatchNumber",
    "Description",
    "BatchStatus",
    "NumberOfErrors",
    "BankCode",
    "ReceiptsAdjustments",
)
POSTED_FIELDS: Final = ("CustomerNumber", "CheckReceiptNumber", "BatchNumber", "EntryNumber", "ReceiptDate")


def wire_key(payment: Payment) -> str:
    """The document's key as descriptions hold it."""
    return keys.wire_key(payment.key, KEY_MAX)


def check_number(payment: Payment) -> str:
    """The document's key as a number of a check holds it."""
    return keys.wire_key(payment.key, CHECK_MAX)


def references(payment: Payment) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the receipt in Sage."""
    return (("Description", wire_key(payment)), ("CheckReceiptNumber", check_number(payment)))


def unsupported(payment: Payment, company: Company) -> str:
    """Why this company cannot hold ``payment``, as a sentence; "" where it can."""
    if payment.company not in ("", company.config.company):
        return f"The receipt is for the company {payment.company}; this connection is signed in to {company.config.company}."
    if payment.branch:
        return "A Sage 300 company has no branches: leave the branch of this store empty."
    if missing := missing_word(company, applied=bool(payment.applications)):
        return missing
    currency = company.banks.get(payment.account)
    if not payment.account or len(payment.account) > _BANK_MAX or (company.banks and currency is None):
        return f"Clearing is a bank in Sage 300, and there is no bank {payment.account!r}: map it to a bank code."
    if currency not in (None, "", payment.currency):
        return f"The bank {payment.account} is kept in {currency}, and the receipt is in {payment.currency}."
    return ""


def missing_word(company: Company, *, applied: bool) -> str:
    """Why receipts cannot be entered for want of the company's own word, as a sentence; "" where they can."""
    if company.receipt_word if applied else company.unapplied_word:
        return ""
    what = (
        "an ordinary receipt that is applied to an invoice" if applied else "cash on account that is applied to nothing"
    )
    return (
        f"Which word Sage 300 has for {what} is not documented, and no batch of receipts shows it. Enter one such receipt in "
        f"Sage by hand and test the connection again."
    )


def payload(payment: Payment, company: Company, linked: Mapping[DocumentKey, Ids]) -> dict[str, Any]:
    """The body of ``POST AR/ARReceiptAndAdjustmentBatches``, in the order in which Sage puts it."""
    dates, key = company.config.dates, wire_key(payment)
    total = amount(payment.total, payment.currency)
    return {
        "BatchRecordType": "CA",
        "BatchDate": written(payment.posting_date, dates),
        "Description": key,
        "BankCode": payment.account,
        "BatchStatus": "Open",
        "ReceiptsAdjustments": [
            {
                "BatchType": "CA",
                "CustomerNumber": payment.customer,
                "ReceiptDateAdjustmentDate": written(payment.document_date, dates),
                "PostingDate": written(payment.posting_date, dates),
                "EntryDescription": key,
                "EntryReference": words(payment.reference, KEY_MAX),
                "ReceiptTransactionType": company.receipt_word if payment.applications else company.unapplied_word,
                "CheckReceiptNumber": check_number(payment),
                "BankReceiptAmount": total,
                "CustomerReceiptAmount": total,
                "AppliedReceiptsAdjustments": [
                    {
                        "BatchType": "CA",
                        "CustomerNumber": payment.customer,
                        "DocumentNumber": linked_number(linked.get(each.document, ())),
                        "CustomerReceiptAmount": amount(each.amount, payment.currency),
                    }
                    for each in payment.applications
                ],
            }
        ],
    }


def project(payment: Payment, linked: Mapping[DocumentKey, Ids]) -> Shown:
    """What Sage will show for ``payment``: a line for each document that it pays."""
    lines = tuple(
        ShownLine(linked_number(linked.get(each.document, ())), money.ZERO, each.amount)
        for each in payment.applications
    )
    return Shown.planned(payment, lines)


def shown_entry(entry: Mapping[str, Any]) -> Shown:
    """An entry as a batch shows it. Rows that are applied to nothing are cash on account."""
    lines = tuple(
        ShownLine(text(row.get("DocumentNumber")), money.ZERO, number(row.get("CustomerReceiptAmount")))
        for row in list_of(entry, "AppliedReceiptsAdjustments")
        if text(row.get("DocumentNumber"))
    )
    return Shown(
        day(entry.get("PostingDate")),
        day(entry.get("ReceiptDateAdjustmentDate")),
        text(entry.get("CustomerCurrencyCode")),
        number(entry.get("CustomerReceiptAmount")),
        lines,
        party=text(entry.get("CustomerNumber")),
    )
