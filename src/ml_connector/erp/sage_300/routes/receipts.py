"""Receipts through ``AR/ARReceiptAndAdjustmentBatches`` (Sage dossier, section 12; posting stages, S4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from ml_connector.domain.documents import Document, Payment
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Case,
    Ids,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unsupported,
)
from ml_connector.erp.sage_300 import batches
from ml_connector.erp.sage_300.batches import Batch, Content, Names
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.documents import receipts
from ml_connector.erp.sage_300.odata import equal, instant
from ml_connector.erp.sage_300.routes.base import Request
from ml_connector.erp.sage_300.routes.batch_way import BatchWay
from ml_connector.erp.sage_300.routes.receivables import ONLY_THESE
from ml_connector.erp.sage_300.wire import text

_POSTED: Final = "AR/ARPostedReceipts"
_PROCESS: Final = "AR/ARPostReceiptsAndAdjustments"


def payment_of(document: Document) -> Payment:
    """The payment that ``document`` is: what a way is given was routed by its kind."""
    if not isinstance(document, Payment):
        raise TypeError(f"{document.key} is no payment")
    return document


class Receipts(BatchWay):
    """The way of receipts, in both modes of invoicing."""

    resource = "AR/ARReceiptAndAdjustmentBatches"
    fields = receipts.BATCH_FIELDS
    key = ("BatchRecordType", batches.NUMBER)
    names = Names(
        "batch of receipts",
        status="BatchStatus",
        entries="ReceiptsAdjustments",
        given=("EntryNumber", "DocumentNumber"),
    )
    dated_by = "PostingDate"
    modules = ("AR", "BK")
    requests = "8"

    # --- pure ----------------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...] | Unsupported:
        why = receipts.missing_word(self._company, applied=True)
        return Unsupported(why) if "AR" in self._company.modules and why else super().routes()

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        why = self._company.lacks(*self.modules) or receipts.unsupported(payment_of(document), self._company)
        return Unsupported(why) if why else batches.steps(self._settle_s)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return receipts.project(payment_of(document), linked)

    def wire_key(self, document: Document) -> str:
        return receipts.wire_key(payment_of(document))

    def references(self, document: Document) -> tuple[tuple[str, str], ...]:
        return receipts.references(payment_of(document))

    def payload(self, case: Case) -> Mapping[str, Any]:
        return receipts.payload(payment_of(case.document), self._company, case.linked or {})

    def where(self, number: str) -> str:
        return f"/{self.resource}(BatchRecordType='CA',BatchNumber={number})"

    def number_term(self, number: str) -> str:
        return f"{equal('BatchRecordType', 'CA')} and {super().number_term(number)}"

    def description_terms(self, case: Case) -> Sequence[str]:
        """Also the settlement id alone, as a person would type it."""
        found = [words for words in (case.wire_key, case.document.reference) if words]
        return [f"{equal('BatchRecordType', 'CA')} and {equal('Description', words)}" for words in found]

    # --- looking -------------------------------------------------------------------------------------------------------

    async def contents(self, api: WebApi, found: Sequence[Batch]) -> Callable[[Case, Batch], Content]:
        """Posted receipts show the sum, and their entries go on showing what was applied (the filters of ``ARPostedReceipts``
        are not verified, so nothing hangs on them where the batch is there)."""
        return lambda _case, batch: Content(receipts.shown_entry(batch.entries[0]))

    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """A receipt whose batch was cleared is known by the number of its check alone."""
        return {case.key: await self._posted(api, case) for case in cases}

    async def _posted(self, api: WebApi, case: Case) -> Seen:
        payment = payment_of(case.document)
        first, last = payment.document_date - timedelta(days=1), payment.document_date + timedelta(days=1)
        rows = await api.rows(
            "read posted receipts",
            _POSTED,
            key=receipts.POSTED_FIELDS,
            select=receipts.POSTED_FIELDS,
            condition=(
                f"{equal('CustomerNumber', payment.customer)} and ReceiptDate gt {instant(first)} "
                f"and ReceiptDate lt {instant(last)}"
            ),
        )
        if any(text(row.get("CheckReceiptNumber")) == receipts.check_number(payment) for row in rows):
            return Unclear(
                f"receipt {receipts.check_number(payment)} is posted, and its batch was cleared: what it was applied to "
                f"cannot be read"
            )
        return batches.absent(case, "batches of receipts and posted receipts")

    # --- writing -------------------------------------------------------------------------------------------------------

    async def process(self, api: WebApi, number: str) -> Request:
        body = {
            "BatchType": "CA",
            "PostAllBatches": ONLY_THESE,
            "PostBatchFrom": int(number),
            "PostBatchTo": int(number),
        }
        return Request("POST", f"/{_PROCESS}('$process')", body)
