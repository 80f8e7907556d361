"""What the company's people had posted before the world began, through the same rooms as everybody.

An invoice that Sage's own adjustment sample applies to, and receipts of every kind, from which a client can read the words
of receipt transaction types (dossier, section 12).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ml_connector.sandbox.sage_300.company_rooms import Company
from ml_connector.sandbox.sage_300.schema import Row

INVOICE = "TR-INV-003"


def post_history(company: Company, today: date) -> None:
    """Post it on the first of the month before last."""
    first = date(today.year - (today.month <= 2), (today.month - 3) % 12 + 1, 1)
    day = first.isoformat()
    invoice: Row = {
        "CustomerNumber": "1200",
        "DocumentNumber": INVOICE,
        "DocumentDate": day,
        "InvoiceDetails": [{"DistributionCode": "DESK", "ExtendedAmountWithTIP": Decimal(400)}],
    }
    invoices = company.invoices.create({"BatchDate": day, "Description": "DESKS", "Invoices": [invoice]})
    company.invoices.post(invoices)
    receipt, unapplied = company.context.switches.text("receipt_words").split()
    applied: Row = {"DocumentNumber": INVOICE, "CustomerReceiptAmount": Decimal(100)}
    receipts: list[Row] = [
        _received(receipt, "1200", Decimal(100), [applied]),
        _received(unapplied, "1500", Decimal(20), []),
    ]
    batch = company.receipts.create(
        {
            "BatchRecordType": "CA",
            "BatchDate": day,
            "Description": "RECEIPTS",
            "BankCode": "SEATAC",
            "ReceiptsAdjustments": receipts,
        }
    )
    company.receipts.post(batch)


def _received(word: str, customer: str, value: Decimal, applied: list[Row]) -> Row:
    return {
        "CustomerNumber": customer,
        "BankReceiptAmount": value,
        "ReceiptTransactionType": word,
        "EntryDescription": "Cheque",
        "AppliedReceiptsAdjustments": applied,
    }
