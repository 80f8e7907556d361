"""Invoices and credit memos through ``AR/ARInvoiceBatches`` (Sage dossier, sections 11, 21; posting stages, S4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ml_connector.domain.documents import Document, SalesDocument
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Case, Ids, Many, Present, Seen, Shown, Step, Trail, Unclear, Unsupported
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.documents import receivables, sales
from ml_connector.erp.sage_300.documents.keys import key_in
from ml_connector.erp.sage_300.odata import any_of, equal, fitting
from ml_connector.erp.sage_300.routes import batches
from ml_connector.erp.sage_300.routes.base import Request
from ml_connector.erp.sage_300.routes.batch_way import BatchWay, address
from ml_connector.erp.sage_300.routes.batches import Batch, Content, Names
from ml_connector.erp.sage_300.routes.posted import Posted, numbered, posted_documents, posted_key
from ml_connector.erp.sage_300.values import text

_PROCESS: Final = "AR/ARPostInvoices"
#: Never "Postallbatches", which posts other people's ready batches (dossier, section 11.4).
ONLY_THESE: Final = "Donotpostallbatches"


def sales_of(document: Document) -> SalesDocument:
    """The sales document that ``document`` is: what a way is given was routed by its kind."""
    if not isinstance(document, SalesDocument):
        raise TypeError(f"{document.key} is no sales document")
    return document


class Receivables(BatchWay):
    """The way of invoices and credit memos in mode AR."""

    resource = "AR/ARInvoiceBatches"
    fields = receivables.BATCH_FIELDS
    names = Names("A/R batch", status="BatchStatus", entries="Invoices", given=("EntryNumber", "DocumentNumber"))
    dated_by = "PostingDate"
    modules = ("AR",)
    requests = "9"

    # --- pure ----------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        why = self._company.lacks(*self.modules) or receivables.unsupported(sales_of(document), self._company)
        return Unsupported(why) if why else self.in_batch()

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return receivables.project(sales_of(document))

    def wire_key(self, document: Document) -> str:
        return sales.wire_key(sales_of(document))

    def references(self, document: Document) -> tuple[tuple[str, str], ...]:
        return receivables.references(sales_of(document))

    def payload(self, case: Case) -> Mapping[str, Any]:
        document = sales_of(case.document)
        linked = (case.linked or {}).get(document.corrects, ()) if document.corrects is not None else ()
        return receivables.payload(document, self._company, receivables.linked_number(linked))

    # --- looking -------------------------------------------------------------------------------------------------------

    async def contents(self, api: WebApi, found: Sequence[Batch]) -> Callable[[Case, Batch], Content]:
        entries = [each.entries[0] for each in found if each.status == batches.POSTED_STATUS and each.entries]
        posted = await posted_documents(api, [numbered(*posted_key(entry)) for entry in entries])
        return lambda case, batch: _content(case, batch, posted)

    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """Posted documents decide: by our key where they carry it, else by customer and number, or the order's number."""
        posted = await posted_documents(api, [term for case in cases for term in _terms(case)])
        numbers = sorted({text(row.get("BatchNumber")) for row in posted.values()} - {"", "0"})
        held: dict[str, Batch] = {}
        for some in fitting(numbers, lambda some: address(self.resource, self.fields, self._of_batches(some))):
            held |= {batch.number: batch for batch in await self.batches(api, self._of_batches(some))}
        return {case.key: self._from_posted(case, _candidates(case, posted), held) for case in cases}

    def _from_posted(self, case: Case, rows: Sequence[Mapping[str, Any]], held: Mapping[str, Batch]) -> Seen:
        found = [self._one_posted(case, row, held) for row in rows]
        ours = [each for each in found if isinstance(each, Unclear) or each.ours]
        found = ours or found
        if not found:
            return batches.absent(case, "batches of receivables and posted documents")
        present = [each for each in found if isinstance(each, Present)]
        return Many(tuple(present)) if len(present) > 1 else found[0]

    def _one_posted(self, case: Case, row: Mapping[str, Any], held: Mapping[str, Batch]) -> Present | Unclear:
        ours = text(row.get("DocumentDescription")) == case.wire_key
        number, batch = text(row.get("DocumentNumber")), held.get(text(row.get("BatchNumber")))
        entries = batch.entries if batch is not None else ()
        entry = next((each for each in entries if text(each.get("EntryNumber")) == text(row.get("EntryNumber"))), None)
        if entry is None and ours:
            return Unclear(f"document {number} is posted, and its batch was cleared: only its total can be read")
        same_kind = entry is not None and receivables.is_kind(row, case.document.kind)
        shown = receivables.shown_posted(row, _read(case, entry).lines if entry is not None and same_kind else ())
        ids = (("CustomerNumber", shown.party), ("DocumentNumber", number))
        return Present(batch.ids if batch is not None and ours else ids, shown, ours=ours)

    def _of_batches(self, numbers: Sequence[str]) -> str:
        return any_of([self.number_term(number) for number in numbers])

    # --- writing -------------------------------------------------------------------------------------------------------

    async def process(self, api: WebApi, number: str) -> Request:
        body = {"PostAllBatches": ONLY_THESE, "PostBatchFrom": int(number), "PostBatchTo": int(number)}
        return Request("POST", f"/{_PROCESS}('$process')", body)


# --- parts -------------------------------------------------------------------------------------------------------------


def _terms(case: Case) -> tuple[str, str]:
    """The filters that find posted documents that could be this one."""
    document = sales_of(case.document)
    by_order = (
        f"{equal('CustomerNumber', document.customer)} and {equal('OrderNumber', receivables.order_number(document))}"
    )
    return numbered(document.customer, sales.number_of(document)), by_order


def _candidates(case: Case, posted: Posted) -> list[Mapping[str, Any]]:
    """The posted documents that could be this one. Another key of ours is another document, whatever its order."""
    document = sales_of(case.document)
    number, order = sales.number_of(document), receivables.order_number(document)
    return [
        row
        for (customer, found), row in sorted(posted.items())
        if customer == document.customer
        and key_in(row.get("DocumentDescription")) in ("", case.wire_key)
        and (found == number or (text(row.get("OrderNumber")) == order and receivables.is_kind(row, document.kind)))
    ]


def _read(case: Case, entry: Mapping[str, Any]) -> Shown:
    with_tax = any(line.tax_code for line in sales_of(case.document).lines)
    return receivables.shown_entry(entry, with_tax=with_tax)


def _content(case: Case, batch: Batch, posted: Posted) -> Content:
    """What a batch of one entry holds; once it is posted, what the posted document says of it."""
    entry = batch.entries[0]
    if not receivables.is_kind(entry, case.document.kind):
        return Content(None, problem=f"A/R batch {batch.number} holds a document of another kind. Correct it in Sage.")
    shown = _read(case, entry)
    if batch.status != batches.POSTED_STATUS:
        return Content(shown)
    row = posted.get(posted_key(entry))
    if row is None:
        return Content(None, problem=f"A/R batch {batch.number} is posted, and there is no such posted document.")
    return Content(receivables.shown_posted(row, shown.lines))
