"""The desks of the simulated Sage company: what people do to documents of each kind, and what its own books hold of them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Protocol

from ml_connector.conformance.world import Held, NotHere
from ml_connector.domain.documents import Document, JournalEntry, Kind, Payment, SalesDocument
from ml_connector.sandbox.sage_300 import Control

_WAITING = ("Open", "ReadyToPost", "PostInProgress")


class Desk(Protocol):
    def held(self, document: Document) -> Held: ...

    def cancel(self, document: Document) -> None: ...

    def change(self, document: Document) -> None: ...

    def type_in(self, document: Document) -> None: ...

    def copy(self, document: Document) -> None: ...

    def finish(self, document: Document) -> None: ...

    def remove(self, document: Document) -> None: ...


class Ledger:
    """Journal entries, found by their lines' content, whatever their key fields say."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def held(self, document: Document) -> Held:
        found = self._batches(document)
        posted = [batch for batch in found if batch["Status"] == "Posted" and not batch["NumberOfErrors"]]
        waiting = [batch for batch in found if batch["Status"] in _WAITING]
        return Held(len([batch for batch in posted if not _is_reversal(batch)]), len(waiting))

    def cancel(self, document: Document) -> None:
        self._control.reverse_batch(self._batches(document)[0]["BatchNumber"])

    def change(self, document: Document) -> None:
        batch = self._batches(document)[0]
        if batch["Status"] == "Posted":
            self._control.nudge_line(batch["BatchNumber"])
        else:
            _edit(self._control, "GL", batch["BatchNumber"], str(batch["Status"]))

    def type_in(self, document: Document) -> None:
        self._plant(document, document.reference)

    def copy(self, document: Document) -> None:
        self._plant(document, str(self._batches(document)[0]["Description"]))

    def finish(self, document: Document) -> None:
        self._control.post_batch("GL", self._batches(document)[0]["BatchNumber"])

    def remove(self, document: Document) -> None:
        self._control.lose_batch("GL", self._batches(document)[0]["BatchNumber"])

    def _plant(self, document: Document, description: str) -> None:
        """A person types the entry and posts it."""
        assert isinstance(document, JournalEntry)
        lines = [
            {"AccountNumber": line.account, "Amount": value, "SourceCurrencyAmount": value}
            for line in document.lines
            if (value := line.debit - line.credit)
        ]
        day = document.posting_date.isoformat()
        header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": day, "JournalDetails": lines}
        number = self._control.plant_batch("GL", {"Description": description, "JournalHeaders": [header]})
        self._control.post_batch("GL", str(number))

    def _batches(self, document: Document) -> list[dict[str, Any]]:
        assert isinstance(document, JournalEntry)
        wanted = sorted((line.account, line.debit - line.credit) for line in document.lines if line.posts)
        return [
            batch
            for batch in self._control.batches("GL")
            if str(batch["Description"]).strip() in (document.reference, document.key) or _content(batch) == wanted
        ]


class Invoicing:
    """Invoices and credit memos of receivables, found by the order they are for."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def held(self, document: Document) -> Held:
        posted = [row for row in self._control.documents() if self._is(document, row)]
        waiting = [batch for batch in self._batches(document) if batch["BatchStatus"] in _WAITING]
        return Held(len(posted), len(waiting))

    def cancel(self, document: Document) -> None:
        raise NotHere("Nobody cancels a posted document of receivables in Sage 300: a further document takes it back.")

    def change(self, document: Document) -> None:
        (batch,) = self._batches(document)
        if batch["BatchStatus"] == "Posted":
            self._control.nudge_entry("AR", str(batch["BatchNumber"]))
        else:
            _edit(self._control, "AR", str(batch["BatchNumber"]), str(batch["BatchStatus"]))

    def copy(self, document: Document) -> None:
        raise NotHere("A second document of receivables with the same number is refused by Sage 300 itself.")

    def finish(self, document: Document) -> None:
        self._control.post_batch("AR", str(self._batches(document)[0]["BatchNumber"]))

    def remove(self, document: Document) -> None:
        self._control.lose_batch("AR", str(self._batches(document)[0]["BatchNumber"]))

    def type_in(self, document: Document) -> None:
        assert isinstance(document, SalesDocument)
        day = document.posting_date.isoformat()
        entry = {
            "CustomerNumber": document.customer,
            "DocumentType": "Invoice" if document.kind is Kind.INVOICE else "CreditNote",
            "DocumentNumber": document.reference if document.kind is Kind.INVOICE else "",
            "OrderNumber": document.reference,
            "DocumentDate": day,
            "PostingDate": day,
            "InvoiceDetails": [
                {"DistributionCode": line.item, "ExtendedAmountWithTIP": line.amount} for line in document.lines
            ],
        }
        number = self._control.plant_batch("AR", {"Description": "typed", "Invoices": [entry]})
        self._control.post_batch("AR", str(number))

    def _batches(self, document: Document) -> list[dict[str, Any]]:
        return [
            batch
            for batch in self._control.batches("AR")
            for entry in _rows(batch, "Invoices")
            if self._is(document, entry)
        ]

    def _is(self, document: Document, row: Mapping[str, Any]) -> bool:
        kind = "Invoice" if document.kind is Kind.INVOICE else "CreditNote"
        return row["DocumentType"] == kind and _is_of(document, row["OrderNumber"])


class OrderEntry:
    """Invoices, orders and credit notes of order entry, found by the order they are for. ``dated``: orders take the date of
    their invoice."""

    def __init__(self, control: Control, *, dated: bool) -> None:
        self._control = control
        self._dated = dated

    def held(self, document: Document) -> Held:
        return Held(len(self._rows(document)))

    def cancel(self, document: Document) -> None:
        raise NotHere(
            "The Web API shows no cancelling of an order or of what it made: a further document takes it back."
        )

    def change(self, document: Document) -> None:
        resource = {Kind.INVOICE: "OEInvoices", Kind.SALES_ORDER: "OEOrders"}.get(document.kind, "OECreditDebitNotes")
        self._control.nudge_sale(resource, document.reference)

    def copy(self, document: Document) -> None:
        raise NotHere("A second document of order entry with the same number is refused by Sage 300 itself.")

    def finish(self, document: Document) -> None:
        raise NotHere("What is entered in order entry counts at once.")

    def remove(self, document: Document) -> None:
        raise NotHere("What is entered in order entry counts at once.")

    def type_in(self, document: Document) -> None:
        assert isinstance(document, SalesDocument)
        day = document.posting_date.isoformat()
        if document.kind is Kind.CREDIT_MEMO:
            goods, charge = document.lines
            self._control.plant_note(
                {
                    "CreditDebitNoteType": "CreditNote",
                    "CustomerNumber": document.customer,
                    "OrderNumber": document.reference,
                    "CreditDebitNoteDate": day,
                    "CreditDebitDetails": [
                        {
                            "LineType": "Item",
                            "Item": goods.item,
                            "Location": goods.warehouse,
                            "ReturnType": "ItemsReturnedToInventory",
                            "QuantityReturned": goods.quantity,
                            "PriceOverride": True,
                            "UnitPrice": goods.amount / goods.quantity,
                        },
                        {
                            "LineType": "Miscellaneous",
                            "MiscellaneousChargesCode": charge.item,
                            "ExtendedAmountMiscellaneousCharge": charge.amount,
                        },
                    ],
                }
            )
            return
        goods, charge = document.lines
        invoiced = document.kind is Kind.INVOICE
        ships = {"QuantityShipped": goods.quantity} if invoiced else {}
        item = {
            "LineType": "Item",
            "Item": goods.item,
            "Location": goods.warehouse,
            "QuantityOrdered": goods.quantity,
            **ships,
            "PriceOverride": True,
            "PricingUnitPrice": goods.amount / goods.quantity,
        }
        fee = {"LineType": "Miscellaneous", "MiscellaneousChargesCode": charge.item, "ExtendedAmount": charge.amount}
        self._control.plant_order(
            {
                "CustomerNumber": document.customer,
                "OrderNumber": document.reference,
                "OrderDate": day,
                **({"InvoiceDate": day} if invoiced and self._dated else {}),
                "InvoiceWillBeProduced": invoiced,
                "PostInvoice": invoiced,
                "OrderDetails": [item, fee],
            }
        )
        self._control.day_end(post=True)

    def _rows(self, document: Document) -> list[dict[str, Any]]:
        read = {Kind.INVOICE: self._control.invoices, Kind.SALES_ORDER: self._control.orders}
        rows = read.get(document.kind, self._control.notes)()
        return [row for row in rows if _is_of(document, row["OrderNumber"])]


class Banking:
    """Receipts, found by the settlement they are of. ``ordinary`` and ``on_account`` are the company's words for them."""

    def __init__(self, control: Control, ordinary: str, on_account: str) -> None:
        self._control = control
        self._ordinary = ordinary
        self._on_account = on_account

    def held(self, document: Document) -> Held:
        found = self._batches(document)
        posted = [batch for batch in found if batch["BatchStatus"] == "Posted" and not batch["NumberOfErrors"]]
        return Held(len(posted), len([batch for batch in found if batch["BatchStatus"] in _WAITING]))

    def cancel(self, document: Document) -> None:
        raise NotHere("A posted receipt of Sage 300 is reversed in Bank Services, and the Web API does not show that.")

    def change(self, document: Document) -> None:
        (batch,) = self._batches(document)
        if batch["BatchStatus"] != "Posted":
            raise NotHere("The simulated company has no desk at which an open receipt is changed.")
        self._control.nudge_entry("CA", str(batch["BatchNumber"]))

    def type_in(self, document: Document) -> None:
        assert isinstance(document, Payment)
        numbers = {
            str(row["OrderNumber"]).strip(): str(row["DocumentNumber"]).strip() for row in self._control.documents()
        }
        applied = [
            {
                "CustomerNumber": document.customer,
                "DocumentNumber": numbers[each.document.split("-", 2)[2]],
                "CustomerReceiptAmount": each.amount,
            }
            for each in document.applications
        ]
        entry = {
            "CustomerNumber": document.customer,
            "EntryReference": document.reference,
            "BankReceiptAmount": document.total,
            "ReceiptTransactionType": self._ordinary,
            "AppliedReceiptsAdjustments": applied,
        }
        self._post(document, document.reference, entry)

    def copy(self, document: Document) -> None:
        """What is paid takes no further payment, so the copy stays on account."""
        batch = self._batches(document)[0]
        (entry,) = _rows(batch, "ReceiptsAdjustments")
        names = ("CustomerNumber", "EntryDescription", "EntryReference", "CheckReceiptNumber", "BankReceiptAmount")
        self._post(
            document,
            str(batch["Description"]),
            {name: entry[name] for name in names} | {"ReceiptTransactionType": self._on_account},
        )

    def finish(self, document: Document) -> None:
        self._control.post_batch("CA", str(self._batches(document)[0]["BatchNumber"]))

    def remove(self, document: Document) -> None:
        self._control.delete_batch("CA", str(self._batches(document)[0]["BatchNumber"]))

    def _post(self, document: Document, description: str, entry: Mapping[str, object]) -> None:
        """A person types a batch with this entry on the document's day, and posts it."""
        assert isinstance(document, Payment)
        batch = {
            "BatchRecordType": "CA",
            "Description": description,
            "BankCode": document.account,
            "ReceiptsAdjustments": [{**entry, "ReceiptDateAdjustmentDate": document.posting_date.isoformat()}],
        }
        self._control.post_batch("CA", str(self._control.plant_batch("CA", batch)))

    def _batches(self, document: Document) -> list[dict[str, Any]]:
        return [
            batch
            for batch in self._control.batches("CA")
            for entry in _rows(batch, "ReceiptsAdjustments")
            if _is_of(document, entry["EntryReference"])
        ]


def _edit(control: Control, kind: str, number: Any, status: str) -> None:
    """A person changes what is not posted; what is ready is opened for that, and marked ready again."""
    control.mark_batch(kind, number, "Open")
    control.edit_batch(kind, number)
    control.mark_batch(kind, number, status)


def _is_of(document: Document, field: object) -> bool:
    """Whether a reference is the document's, however much of it was kept."""
    kept = str(field).strip()
    return bool(kept) and document.reference.startswith(kept)


def _rows(batch: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = batch[name]
    assert isinstance(rows, list)
    return rows


def _content(batch: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    return sorted(
        (str(line["AccountNumber"]).strip(), line["SourceCurrencyAmount"])
        for entry in _rows(batch, "JournalHeaders")
        for line in _rows(entry, "JournalDetails")
    )


def _is_reversal(batch: Mapping[str, Any]) -> bool:
    return any(str(entry["Description"]).startswith("REV ") for entry in _rows(batch, "JournalHeaders"))
