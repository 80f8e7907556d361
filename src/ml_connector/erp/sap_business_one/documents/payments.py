"""Receipts and refund payments: ours into Business One's words, and back (SAP dossier, sections 6.4, 8). Pure.

==================  ==============================================================  =========
field               what we write                                                   characters
==================  ==============================================================  =========
TransferReference   document key, shortened with a hash where it is longer          27
Remarks             document key, then a sentence                                   254
U_ML_KEY            document key, where the field is there                          100
JournalRemarks      a sentence                                                      50
==================  ==============================================================  =========

CounterReference holds 8 characters and is left to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.documents import Application, Kind, Payment
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import (
    KEY_FIELD,
    MEMO_MAX,
    amount_of,
    remarks,
    stored,
    whole_number,
    wire_key,
)
from ml_connector.erp.sap_business_one.documents.places import PLACES
from ml_connector.erp.sap_business_one.values import day_of, rows_in, words

TRANSFER_REFERENCE_MAX: Final = 27

_APPLIES: Final = {Kind.RECEIPT: "it_Invoice", Kind.REFUND_PAYMENT: "it_CredItnote"}


def unsupported(payment: Payment, company: Company) -> str | None:
    """Why this company cannot hold ``payment``, beyond what is true of every kind; None where it can."""
    if not payment.customer or not payment.account:
        return "Business One takes no payment without a customer and the account of its bank side."
    if company.foreign(payment.currency) and not company.trade.foreign_payments:
        return (
            f"Payments in {payment.currency} are off until somebody has proven that the sum of a payment is in its own currency: "
            "read in the company's, it would be booked wrong. Prove it in a test company, then set foreign_payments."
        )
    if len(payment.applications) > company.trade.applications_max:
        return (
            f"The payment applies to {len(payment.applications)} documents, and this company takes "
            f"{company.trade.applications_max} in one (General Settings, maximum number of documents in a payment)."
        )
    return None


def short_key(payment: Payment) -> str:
    """The document key as TransferReference holds it."""
    return keys.wire_key(payment.key, TRANSFER_REFERENCE_MAX)


def payload(payment: Payment, company: Company, linked: Mapping[DocumentKey, Ids]) -> dict[str, Any]:
    """The body of a POST to the kind's set, or of its draft.

    Raises :class:`BadAnswer` where a document that is paid has no number yet.
    """
    day = payment.posting_date.isoformat()
    body: dict[str, Any] = {
        "DocType": "rCustomer",
        "CardCode": payment.customer,
        "DocDate": day,
        "DueDate": day,
        "TaxDate": payment.document_date.isoformat(),
        "DocCurrency": company.code(payment.currency),
        "TransferAccount": payment.account,
        "TransferSum": amount_of(payment.total, payment.currency),
        "TransferDate": day,
        "TransferReference": short_key(payment),
        "Remarks": remarks(payment, payment.memo),
        "JournalRemarks": payment.memo[:MEMO_MAX].rstrip(),
        "PaymentInvoices": [_application(each, payment, company, linked) for each in payment.applications],
    }
    if PLACES[payment.kind].set in company.trade.key_fields:
        body[KEY_FIELD] = wire_key(payment)
    if payment.branch:
        body["BPLID"] = int(payment.branch)
    return body


def references(payment: Payment, company: Company) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the payment in Business One."""
    fields = (("TransferReference", short_key(payment)), ("Remarks", wire_key(payment)))
    return (*fields, (KEY_FIELD, wire_key(payment))) if PLACES[payment.kind].set in company.trade.key_fields else fields


def project(payment: Payment, linked: Mapping[DocumentKey, Ids]) -> Shown:
    """What Business One will show: the bank side as a debit, each document that is paid as a credit under SAP's own number."""
    paid = tuple(
        ShownLine(_entry(each.document, linked) or each.document, money.ZERO, each.amount)
        for each in payment.applications
    )
    bank = ShownLine(payment.account, payment.total, money.ZERO)
    return Shown.planned(payment, (bank, *paid))


def shown(row: Mapping[str, Any], payment: Payment, company: Company) -> Shown:
    """``row`` in the words all targets share, in the payment's own currency. Credit notes may show negative amounts."""
    foreign = words(row["DocCurrency"]) != company.local.code
    means = [
        ShownLine(words(row[account]), stored(row[amount]), money.ZERO)
        for account, amount in (("TransferAccount", "TransferSum"), ("CashAccount", "CashSum"))
        if stored(row[amount])
    ]
    paid = []
    for each in rows_in(row, "PaymentInvoices"):
        if whole_number(each.get("DocEntry")) is None:
            raise BadAnswer("SAP Business One shows a payment of a document without a number.")
        amount = abs(stored(each.get("AppliedFC" if foreign else "SumApplied")))
        kind = words(each.get("InvoiceType"))
        what = str(each["DocEntry"]) if kind == _APPLIES[payment.kind] else f"{each['DocEntry']} ({kind})"
        paid.append(ShownLine(what, money.ZERO, amount))
    return Shown(
        day_of(row["DocDate"]),
        day_of(row["TaxDate"]),
        company.iso(words(row["DocCurrency"])),
        sum((line.debit for line in means), money.ZERO),
        (*means, *paid),
        party=words(row["CardCode"]),
    )


def _application(
    each: Application, payment: Payment, company: Company, linked: Mapping[DocumentKey, Ids]
) -> dict[str, Any]:
    entry = _entry(each.document, linked)
    if not entry:
        raise BadAnswer(f"{each.document} has no number in SAP yet, so it cannot be paid.")
    sign = company.trade.credit_note_sign if payment.kind is Kind.REFUND_PAYMENT else 1
    name = "AppliedFC" if company.foreign(payment.currency) else "SumApplied"
    return {
        "DocEntry": int(entry),
        "InvoiceType": _APPLIES[payment.kind],
        name: sign * amount_of(each.amount, payment.currency),
    }


def _entry(document: DocumentKey, linked: Mapping[DocumentKey, Ids]) -> str:
    return dict(linked.get(document, ())).get("DocEntry", "")
