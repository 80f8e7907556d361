"""Day end: what order entry posted since the last one becomes a batch of accounts receivable (dossier, section 13.3)."""

from __future__ import annotations

from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import READY
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import duplicate
from ml_connector.sandbox.sage_300.inventory import Inventory
from ml_connector.sandbox.sage_300.notes import Notes
from ml_connector.sandbox.sage_300.orders import INVOICES
from ml_connector.sandbox.sage_300.receivables import BATCHES, DOCUMENTS, InvoiceBatches
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.sales_lines import charge
from ml_connector.sandbox.sage_300.schema import Row

#: The revenue account by category of item; a category nobody named sells as merchandise.
SALES_ACCOUNTS = {"AMZ": "4010"}
MERCHANDISE_ACCOUNT = "4100"


class DayEnd:
    """Runs for everybody's transactions. While it runs, order entry and inventory answer nobody."""

    def __init__(self, context: Context, inventory: Inventory, notes: Notes, receivables: InvoiceBatches) -> None:
        self._context = context
        self._book = context.records.book
        self._inventory = inventory
        self._notes = notes
        self._receivables = receivables
        self.running = False

    def demand_finished(self) -> None:
        """Raises 409 while it runs: a duplicate, by its code (dossier, section 8)."""
        if self.running:
            raise duplicate("Day End Processing is running; try again later.")

    def run(self) -> int | None:
        """Cost the shipments, and hand the documents over; the number of the batch, None where there was nothing."""
        self._inventory.day_end()
        found = self._book.rows("SELECT seq, resource, key FROM {day_end} ORDER BY seq")
        entries = [self._entry(row["resource"], row["key"]) for row in found]
        if not entries:
            return None
        day = self._context.today()
        batch = self._receivables.create({"BatchDate": day, "Description": f"O/E day end {day}", "Invoices": entries})
        batch.update(BatchType="External", SourceApplication="OE")
        self._context.records.save(BATCHES, batch)
        self._receivables.set_status(batch, READY)
        self._book.execute("DELETE FROM {day_end}")
        return int(amount(batch, "BatchNumber"))

    def _entry(self, resource: str, key: int) -> Row:
        row = self._context.records.get(resource, key)
        if row is None:
            raise AssertionError(f"{resource}({key}) is gone")
        return self._of_invoice(row) if resource == INVOICES else self._of_note(row)

    def _of_invoice(self, invoice: Row) -> Row:
        currency = text(invoice, "InvoiceSourceCurrency")
        lines = [
            self._line(line, amount(line, "ExtendedAmount"), currency) for line in each_row(invoice, "InvoiceDetails")
        ]
        return {
            "CustomerNumber": invoice["CustomerNumber"],
            "DocumentType": "Invoice",
            "DocumentNumber": invoice["InvoiceNumber"],
            "OrderNumber": invoice["OrderNumber"],
            "PONumber": invoice["PurchaseOrderNumber"],
            "InvoiceDescription": invoice["Description"],
            "TaxGroup": invoice["TaxGroup"],
            "DoNotCalculationTax": "Yes",
            "DocumentDate": invoice["InvoiceDate"],
            "PostingDate": invoice["InvoiceDate"],
            "InvoiceDetails": _with_taxes(lines, invoice, amount(invoice, "InvoiceSubtotalAmount")),
        }

    def _of_note(self, note: Row) -> Row:
        currency = text(note, "CreditDebitNoteSourceCurr")
        lines = [
            self._line(line, self._notes.extended(line, currency), currency)
            for line in each_row(note, "CreditDebitDetails")
        ]
        customer, invoice = text(note, "CustomerNumber"), text(note, "InvoiceNumber")
        posted = bool(invoice) and self._context.records.get(DOCUMENTS, customer, invoice) is not None
        return {
            "CustomerNumber": customer,
            "DocumentType": "CreditNote" if note["CreditDebitNoteType"] == "CreditNote" else "DebitNote",
            "DocumentNumber": note["CreditDebitNoteNumber"],
            "OrderNumber": note["OrderNumber"],
            "InvoiceDescription": note["Description"],
            "ApplytoDocument": invoice if posted else "",
            "TaxGroup": note["TaxGroup"],
            "DoNotCalculationTax": "Yes",
            "DocumentDate": note["CreditDebitNoteDate"],
            "PostingDate": note["CreditDebitNoteDate"],
            "InvoiceDetails": _with_taxes(lines, note, amount(note, "CreditDebitNoteTotBeforeTax")),
        }

    def _line(self, line: Row, value: Decimal, currency: str) -> Row:
        if line["LineType"] == "Item":
            category = text(self._inventory.item(text(line, "Item")), "Category")
            account = SALES_ACCOUNTS.get(category, MERCHANDISE_ACCOUNT)
        else:
            account = text(charge(self._context, line, currency), "MiscellaneousChargeRevenueAccount")
        return {"RevenueAccount": account, "Description": line["Description"], "ExtendedAmountWithTIP": value}


def _with_taxes(lines: list[Row], document: Row, net: Decimal) -> list[Row]:
    """The taxes of the document stand on its first line, which also gives up what is included in prices."""
    first = lines[0]
    inside = sum((amount(line, "ExtendedAmountWithTIP") for line in lines), Decimal(0)) - net
    first["ExtendedAmountWithTIP"] = amount(first, "ExtendedAmountWithTIP") - inside
    first.update({f"TaxAmount{n}": document[f"TotalTaxAmount{n}"] for n in range(1, 6)})
    return lines
