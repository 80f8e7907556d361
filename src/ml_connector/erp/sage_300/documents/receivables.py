"""Invoices and credit memos as a batch of receivables with one entry (Sage dossier, sections 11, 17, 19). Pure.

=====================  ================================================  =========
field                  what we write                                     characters
=====================  ================================================  =========
batch Description      document key                                      60 [I]
InvoiceDescription     document key                                      60 [I]
DocumentNumber         the number (see ``sales``)                        22
OrderNumber, PONumber  the Amazon order id, as far as it fits            22
=====================  ================================================  =========

Receivables move no stock: neither with an invoice, nor where the goods of a credit memo came back. A line names an account, or else a distribution code as its item. The tax that the seller owes is sent as an amount, and Sage is
told to compute none: its total must be Amazon's to the cent. Amounts are positive on every kind; the kind says which way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.documents import Kind, SalesDocument, SalesLine
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import sales
from ml_connector.erp.sage_300.documents.sales import number_of, tax_code, tax_group, tax_of, wire_key
from ml_connector.erp.sage_300.values import YES, amount, day, list_of, number, plain, text, words, written

_TYPES: Final = {Kind.INVOICE: "Invoice", Kind.CREDIT_MEMO: "CreditNote"}
_CODE_MAX: Final = 6

BATCH_FIELDS: Final = ("BatchNumber", "Description", "BatchStatus", "NumberOfErrors", "Invoices")
POSTED_FIELDS: Final = (
    "CustomerNumber",
    "DocumentNumber",
    "OrderNumber",
    "DocumentType",
    "DocumentDescription",
    "BatchNumber",
    "EntryNumber",
    "DocumentDate",
    "PostingDate",
    "CurrencyCode",
    "CustomerCurrencyInvoiceAmount",
)


def references(document: SalesDocument) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the document in Sage."""
    found = number_of(document)
    return (("CustomerNumber", document.customer), ("DocumentNumber", found), ("Description", wire_key(document)))


def order_number(document: SalesDocument) -> str:
    """The Amazon order id as the document's order number holds it: how a person finds it."""
    return words(document.reference, sales.NUMBER_MAX)


def unsupported(document: SalesDocument, company: Company) -> str:
    """Why this company cannot hold ``document`` as receivables, as a sentence; "" where it can."""
    if document.kind not in _TYPES:
        return (
            "A batch of receivables takes invoices and credit memos; orders go through order entry (invoice_mode OE)."
        )
    long = next((line.item for line in document.lines if not line.account and len(line.item) > _CODE_MAX), "")
    if long:
        return f"{long!r} is no distribution code of at most {_CODE_MAX} characters: map the item to one, or to an account."
    return sales.unsupported(document, company)


def payload(document: SalesDocument, company: Company, applies_to: str) -> dict[str, Any]:
    """The body of ``POST AR/ARInvoiceBatches``, in the order in which Sage puts it. ``applies_to`` is the number of the invoice
    that a credit memo takes back, "" where there is none of ours."""
    dates, key = company.config.dates, wire_key(document)
    header: dict[str, Any] = {
        "CustomerNumber": document.customer,
        "DocumentType": _TYPES[document.kind],
        "InvoiceType": "Summary",
        "DocumentNumber": number_of(document),
        "OrderNumber": order_number(document),
        "PONumber": order_number(document),
        "InvoiceDescription": key,
    }
    if applies_to:
        header["ApplytoDocument"] = applies_to
    header |= {
        "DocumentDate": written(document.document_date, dates),
        "PostingDate": written(document.posting_date, dates),
        "DueDate": written(document.document_date, dates),
    }
    if group := tax_group(document):
        header["TaxGroup"] = group
    return {
        "BatchDate": written(document.posting_date, dates),
        "Description": key,
        "BatchStatus": "Open",
        "Invoices": [
            {
                **header,
                "DoNotCalculationTax": YES,
                "InvoiceDetails": [_line(line, document.currency) for line in document.lines],
            }
        ],
    }


def project(document: SalesDocument) -> Shown:
    """What Sage will show for ``document``."""
    lines = tuple(
        ShownLine(
            plain(line.account) or line.item,
            money.ZERO,
            line.amount,
            tax=tax_code(*tax_of(line.tax_code)) if line.tax_code else "",
        )
        for line in document.lines
    )
    return Shown.planned(document, lines)


def _line(line: SalesLine, currency: str) -> dict[str, Any]:
    data: dict[str, Any] = {"RevenueAccount": line.account} if line.account else {"DistributionCode": line.item}
    if line.tax_code:
        data["TaxClass1"] = tax_of(line.tax_code)[1]
    data |= {
        "Description": words(line.text, sales.TEXT_MAX),
        "ExtendedAmountWithTIP": amount(line.amount, currency),
    }
    return data | {"TaxAmount1": amount(line.tax, currency)} if line.tax else data


# --- Sage -> ours ------------------------------------------------------------------------------------------------------


def shown_entry(entry: Mapping[str, Any], *, with_tax: bool) -> Shown:
    """An entry as a batch shows it. ``with_tax``: the document names tax codes, so they are compared."""
    group = text(entry.get("TaxGroup"))
    lines = tuple(
        ShownLine(
            text(line.get("DistributionCode")) or plain(text(line.get("RevenueAccount"))),
            money.ZERO,
            number(line.get("ExtendedAmountWithoutTIP")),
            tax=tax_code(group, int(number(line.get("TaxClass1"), "a tax class"))) if with_tax else "",
        )
        for line in list_of(entry, "InvoiceDetails")
    )
    return Shown(
        day(entry.get("PostingDate")),
        day(entry.get("DocumentDate")),
        text(entry.get("CurrencyCode")),
        number(entry.get("DocumentTotalIncludingTax")),
        lines,
        party=text(entry.get("CustomerNumber")),
    )


def shown_posted(row: Mapping[str, Any], lines: tuple[ShownLine, ...]) -> Shown:
    """A posted document, with the lines that its entry has; the posted document itself shows none. Credit notes are shown with a
    negative amount."""
    return Shown(
        day(row.get("PostingDate")),
        day(row.get("DocumentDate")),
        text(row.get("CurrencyCode")),
        abs(number(row.get("CustomerCurrencyInvoiceAmount"))),
        lines,
        party=text(row.get("CustomerNumber")),
    )


def is_kind(row: Mapping[str, Any], kind: Kind) -> bool:
    """Whether a posted document or an entry is of that kind: a customer's numbers are shared by all kinds."""
    return text(row.get("DocumentType")) == _TYPES.get(kind)


def linked_number(ids: Ids) -> str:
    """The document number of an invoice of ours, "" where it has none yet."""
    return dict(ids).get("DocumentNumber", "")
