"""Receipts through ``AR/ARReceiptAndAdjustmentBatches`` (Sage dossier, section 12; posting stages, S4)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from ml_connector.domain.documents import Document, Payment
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import (
    Case,
    Ids,
    Many,
    Partial,
    Present,
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unsupported,
    Working,
)
from ml_connector.erp.sage_300 import batches
from ml_connector.erp.sage_300.batches import Batch, Content, Names
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.documents import receipts
from ml_connector.erp.sage_300.odata import any_of, equal, instant
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

    async def _look(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """Also receipts that people posted with our number of the check, in batches that a description does not find."""
        seen = await super()._look(api, cases)
        for case in cases:
            each = seen[case.key]
            if isinstance(each, Many | Partial | Present | Working):
                seen[case.key] = await self._with_copies(api, case, each)
        return seen

    async def contents(self, api: WebApi, found: Sequence[Batch]) -> Callable[[Case, Batch], Content]:
        """Posted receipts show the sum, and their entries go on showing what was applied."""
        return lambda _case, batch: Content(receipts.shown_entry(batch.entries[0]))

    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """A receipt whose batch was cleared is known by the number of its check alone."""
        return {case.key: await self._posted(api, case) for case in cases}

    async def _posted(self, api: WebApi, case: Case) -> Seen:
        numbers = await self._with_our_check(api, case)
        return _cleared(case, numbers) if numbers else batches.absent(case, "batches of receipts and posted receipts")

    async def _with_copies(self, api: WebApi, case: Case, seen: Many | Partial | Present | Working) -> Seen:
        found = seen.found if isinstance(seen, Many) else (seen,)
        known = {dict(each.ids).get(batches.NUMBER, "") for each in found}
        numbers = sorted(await self._with_our_check(api, case) - known)
        if not numbers:
            return seen
        held = {each.number: each for each in await self.batches(api, any_of([*map(self.number_term, numbers)]))}
        copies = [copy for number in numbers if number in held for copy in self._copies(case, held[number])]
        if len({dict(copy.ids)[batches.NUMBER] for copy in copies}) < len(numbers):
            return _cleared(case, numbers)
        return Many((*found, *copies))

    def _copies(self, case: Case, batch: Batch) -> list[Present]:
        """The entries of a posted batch that have our number of the check."""
        check = receipts.check_number(payment_of(case.document))
        return [
            Present(
                ((batches.NUMBER, batch.number), *batches.entry_ids(entry, self.names)), receipts.shown_entry(entry)
            )
            for entry in batch.entries
            if text(entry.get("CheckReceiptNumber")) == check
        ]

    async def _with_our_check(self, api: WebApi, case: Case) -> set[str]:
        """The batches of the receipts that are posted with our number of the check (which filters are taken is not verified,
        so only customer and date are asked for)."""
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
        check = receipts.check_number(payment)
        return {
            self.names.padded(row.get("BatchNumber")) for row in rows if text(row.get("CheckReceiptNumber")) == check
        }

    # --- writing -------------------------------------------------------------------------------------------------------

    async def process(self, api: WebApi, number: str) -> Request:
        body = {
            "BatchType": "CA",
            "PostAllBatches": ONLY_THESE,
            "PostBatchFrom": int(number),
            "PostBatchTo": int(number),
        }
        return Request("POST", f"/{_PROCESS}('$process')", body)


def _cleared(case: Case, numbers: Collection[str]) -> Unclear:
    return Unclear(
        f"receipt {receipts.check_number(payment_of(case.document))} is posted in batch {', '.join(sorted(numbers))}, which was "
        f"cleared: what it was applied to cannot be read"
    )
