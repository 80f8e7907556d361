"""What a person can do to a batch at a screen, or an accident, and no client over the Web API."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import OPEN, POSTED, BatchRoom
from ml_connector.sandbox.sage_300.company_rooms import Company
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import rejected
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.schema import Row

#: The amount that a person would change on the first line of the first entry, by resource.
_AMOUNTS = {
    "ARInvoiceBatches": ("InvoiceDetails", "ExtendedAmountWithTIP"),
    "GLJournalBatches": ("JournalDetails", "Amount"),
}


def can_edit(room: BatchRoom, batch: Row) -> bool:
    """Is there an open batch with an amount that is edited here?"""
    return room.resource in _AMOUNTS and batch[room.status] == OPEN and bool(each_row(batch, room.entries))


def edit_first_line(company: Company, room: BatchRoom, batch: Row, by: Decimal) -> None:
    """The first amount of a batch that is not posted changes; totals follow."""
    if not can_edit(room, batch):
        raise rejected("There is no amount to edit.")
    lines, name = _AMOUNTS[room.resource]
    entry = each_row(batch, room.entries)[0]
    line = each_row(entry, lines)[0]
    number = "TransactionNumber" if room is company.ledger else "LineNumber"
    value = amount(line, name) + by
    change: Row = {number: line[number], "UpdateOperation": "Update", name: value}
    if room is company.ledger:
        change["SourceCurrencyAmount"] = value
    entries: list[Row] = [{"EntryNumber": entry["EntryNumber"], "UpdateOperation": "Update", lines: [change]}]
    room.change(batch, {room.entries: entries})


#: The amounts of an entry, and of what posting it leaves behind, by resource.
_TOTALS = {
    "ARInvoiceBatches": ("ARPostedDocuments", ("DocumentTotalIncludingTax",), ("CustomerCurrencyInvoiceAmount",)),
    "ARReceiptAndAdjustmentBatches": (
        "ARPostedReceipts",
        ("CustomerReceiptAmount", "BankReceiptAmount"),
        ("CustomerReceiptAmount", "BankReceiptAmount"),
    ),
}


def nudge_entry(context: Context, room: BatchRoom, batch: Row, by: Decimal) -> None:
    """The amount of a posted entry changes in the company's own tables; its lines do not."""
    if room.resource not in _TOTALS or batch[room.status] != POSTED:
        raise rejected("There is no posted amount to change.")
    posted_in, totals, amounts = _TOTALS[room.resource]
    entry = each_row(batch, room.entries)[0]
    entry.update({name: amount(entry, name) + by for name in totals})
    context.records.save(room.resource, batch)
    found = context.records.find(posted_in, CustomerNumber=text(entry, "CustomerNumber"))
    for row in [
        row for row in found if (row["BatchNumber"], row["EntryNumber"]) == (batch["BatchNumber"], entry["EntryNumber"])
    ]:
        sign = -1 if amount(row, amounts[0]) < 0 else 1
        row.update({name: amount(row, name) + sign * by for name in amounts})
        context.records.save(posted_in, row)


#: The lines of a document of order entry, and the amount that changes, by resource.
_SALES = {
    "OEOrders": ("OrderDetails", "ExtendedAmount"),
    "OEInvoices": ("InvoiceDetails", "ExtendedAmount"),
    "OECreditDebitNotes": ("CreditDebitDetails", "UnitPrice"),
}


def nudge_sale(context: Context, resource: str, order: str, by: Decimal) -> None:
    """The first amount of an order's documents changes in the company's own tables; nothing else follows."""
    found = context.records.find(resource, OrderNumber=order) if resource in _SALES else []
    if not found:
        raise rejected(f"There is no {resource} of the order {order}.")
    lines, name = _SALES[resource]
    for row in found:
        line = each_row(row, lines)[0]
        line[name] = amount(line, name) + by
        context.records.save(resource, row)
