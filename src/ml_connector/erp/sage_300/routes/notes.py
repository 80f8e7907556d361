"""Credit notes with goods that came back, through ``OE/OECreditDebitNotes`` (Sage dossier, section 13.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ml_connector.domain.documents import Document, Kind, SalesDocument
from ml_connector.domain.target import Case, Ids, Present, Step, Working
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import orders
from ml_connector.erp.sage_300.documents.sales import number_of
from ml_connector.erp.sage_300.odata import equal
from ml_connector.erp.sage_300.routes.order_entry import OrderEntryWay
from ml_connector.erp.sage_300.routes.posted import numbered, posted_documents
from ml_connector.erp.sage_300.routes.receivables import sales_of
from ml_connector.erp.sage_300.values import text

_Row = Mapping[str, Any]


def returns_goods(document: Document) -> bool:
    """Whether a credit memo goes this way. One without goods goes through receivables: the word for it is not verified."""
    return isinstance(document, SalesDocument) and document.returns_stock


class Notes(OrderEntryWay):
    """Credit notes of order entry."""

    kind = Kind.CREDIT_MEMO
    resource = "OE/OECreditDebitNotes"
    fields = orders.NOTE_FIELDS
    key_field = "Description"
    row_key = "CNUniquifier"
    dated_by = "CreditDebitNoteDate"
    relieves_stock = True
    requests = "5"

    def __init__(self, company: Company, settle_s: float) -> None:
        super().__init__(company)
        # That a second number is refused is inferred; what counts is not made to hang on it.
        self.step = Step("note", counts=True, refuses_twice=False, settle_s=settle_s)

    def terms(self, document: SalesDocument) -> Sequence[str]:
        return [
            equal("CreditDebitNoteNumber", number_of(document)),
            f"{equal('CustomerNumber', document.customer)} and {equal('OrderNumber', document.reference)}",
        ]

    def body(self, case: Case) -> Mapping[str, Any]:
        document = sales_of(case.document)
        linked = (case.linked or {}).get(document.corrects, ()) if document.corrects is not None else ()
        ids = dict(linked)
        return orders.note(document, self._company, ids.get("OrderNumber", ""), ids.get("InvoiceNumber", ""))

    def ids(self, row: _Row) -> Ids:
        names = (("CNUniquifier", "CNUniquifier"), ("DocumentNumber", "CreditDebitNoteNumber"))
        return tuple((name, found) for name, field in names if (found := text(row.get(field))))

    def is_it(self, document: SalesDocument, row: _Row) -> bool:
        if text(row.get("CreditDebitNoteType")) != "CreditNote":
            return False
        by_order = text(row.get("OrderNumber")) == document.reference
        return by_order or text(row.get("CreditDebitNoteNumber")) == number_of(document)

    async def states(self, api: WebApi, rows: Sequence[_Row]) -> Callable[[_Row, bool], Working | Present]:
        keys = [(text(row.get("CustomerNumber")), text(row.get("CreditDebitNoteNumber"))) for row in rows]
        posted = await posted_documents(api, [numbered(*key) for key in keys])

        def state(row: _Row, ours: bool) -> Working | Present:  # noqa: FBT001 - as it is handed on
            number = text(row.get("CreditDebitNoteNumber"))
            booked = posted.get((text(row.get("CustomerNumber")), number))
            if booked is None:
                why = f"Credit note {number} is there; receivables have it after the company's day end and its posting."
                return Working(self.ids(row), why, by_person=True)
            return Present(self.ids(row), orders.shown_note(row, booked), ours=ours)

        return state
