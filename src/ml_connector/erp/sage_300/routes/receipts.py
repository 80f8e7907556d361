"""Receipts through ``AR/ARReceiptAndAdjustmentBatches`` (Sage dossier, section 12; posting stages, S4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from ml_connector.domain.documents import Document, Payment
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Case,
    Ids,
    Many,
    Present,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unsupported,
)
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.documents import receipts
from ml_connector.erp.sage_300.odata import any_of, equal, instant
from ml_connector.erp.sage_300.routes import batches
from ml_connector.erp.sage_300.routes.base import Request
from ml_connector.erp.sage_300.routes.batch_way import BatchWay
from ml_connector.erp.sage_300.routes.batches import Batch, Content, Names
from ml_connector.erp.sage_300.routes.receivables import ONLY_THESE
from ml_connector.erp.sage_300.values import text

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
    requests = "11"

    # --- pure ----------------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...] | Unsupported:
        why = receipts.missing_word(self._company, applied=True)
        return Unsupported(why) if "AR" in self._company.modules and why else super().routes()

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        why = self._company.lacks(*self.modules) or receipts.unsupported(payment_of(document), self._company)
        return Unsupported(why) if why else self.in_batch()

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
        """Posted receipts show the sum, and their entries go on showing what was applied."""
        return lambda _case, batch: Content(receipts.shown_entry(batch.entries[0]))

    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """A receipt in a batch with another description is known by the number of its check alone."""
        return {case.key: await self._posted(api, case) for case in cases}

    async def beside(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """A copy by hand keeps the number of the check."""
        return await self.elsewhere(api, cases)

    async def _posted(self, api: WebApi, case: Case) -> Seen:
        payment = payment_of(case.document)
        check, first, last = receipts.check_number(payment), *_days_around(payment.document_date)
        # Which filters are taken is not verified (dossier, section 12), so only customer and date are asked for.
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
        numbers = {
            self.names.padded(row.get("BatchNumber")) for row in rows if text(row.get("CheckReceiptNumber")) == check
        }
        if not numbers:
            return batches.absent(case, "batches of receipts and posted receipts")
        held = await self.batches(api, any_of([self.number_term(number) for number in sorted(numbers)]))
        found = tuple(self._present(batch, entry) for batch in held for entry in batch.entries if _has(entry, check))
        cleared = sorted(numbers - {dict(each.ids)[batches.NUMBER] for each in found})
        if cleared:
            return Unclear(
                f"receipt {check} is posted in batch {', '.join(cleared)}, which was cleared: what it was applied to cannot "
                f"be read"
            )
        return Many(found) if len(found) > 1 else found[0]

    def _present(self, batch: Batch, entry: Mapping[str, Any]) -> Present:
        ids = ((batches.NUMBER, batch.number), *batches.entry_ids(entry, self.names))
        return Present(ids, receipts.shown_entry(entry))

    # --- writing -------------------------------------------------------------------------------------------------------

    async def process(self, api: WebApi, number: str) -> Request:
        body = {
            "BatchType": "CA",
            "PostAllBatches": ONLY_THESE,
            "PostBatchFrom": int(number),
            "PostBatchTo": int(number),
        }
        return Request("POST", f"/{_PROCESS}('$process')", body)


def _has(entry: Mapping[str, Any], check: str) -> bool:
    return text(entry.get("CheckReceiptNumber")) == check


def _days_around(day: date) -> tuple[date, date]:
    return day - timedelta(days=1), day + timedelta(days=1)
