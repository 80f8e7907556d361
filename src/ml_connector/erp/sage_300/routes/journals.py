"""Journal entries and bank transfers through ``GL/GLJournalBatches`` (Sage dossier, sections 14, 21; posting stages, S4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from ml_connector.domain.documents import Document
from ml_connector.domain.errors import MlConnectorError, NotPermitted, RefusedByServer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.stored_documents import entry_of
from ml_connector.domain.target import (
    Accepted,
    Case,
    Found,
    Ids,
    Many,
    Move,
    NotSent,
    Permit,
    Present,
    Receipt,
    Refused,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
)
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import journal
from ml_connector.erp.sage_300.documents.keys import key_in, kind_in
from ml_connector.erp.sage_300.odata import any_of, equal, fitting, instant
from ml_connector.erp.sage_300.routes import batches
from ml_connector.erp.sage_300.routes.base import Request, ids_of, send
from ml_connector.erp.sage_300.routes.batch_way import BatchWay, address
from ml_connector.erp.sage_300.routes.batches import Batch, Content, Names
from ml_connector.erp.sage_300.values import text
from ml_connector.transport.odata import text as literal

_POSTED: Final = "GL/GLPostedTransactions"
_PROCESS: Final = "GL/GLPostJournal"
_READ: Final = "read a journal batch"
#: What marks a batch ready; which of the two a server heeds is not verified (dossier, section 14.2).
_READY_BODIES: Final = ({"ReadyToPost": "Yes"}, {"Status": batches.READY_STATUS})
_Posted = Mapping[str, list[dict[str, Any]]]


class Journals(BatchWay):
    """The way of journal entries and bank transfers."""

    resource = "GL/GLJournalBatches"
    fields = journal.BATCH_FIELDS
    names = Names("G/L batch", status="Status", entries="JournalHeaders", digits=6)
    dated_by = "PostingDate"
    modules = ("GL",)
    requests = "14"

    def __init__(self, company: Company, settle_s: float) -> None:
        super().__init__(company, settle_s)
        #: Which of ``_READY_BODIES`` is tried next: the first until it turned out to be without effect.
        self._ready_by = 0
        self._range: tuple[str, str] | None = None

    # --- pure ----------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        entry = entry_of(document)
        why = self._company.lacks(*self.modules) or journal.unsupported(entry, self._company)
        if why:
            return Unsupported(why)
        return self.in_batch(balances=entry.currency != self._company.home.iso)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return journal.project(entry_of(document))

    def wire_key(self, document: Document) -> str:
        return journal.wire_key(entry_of(document))

    def references(self, document: Document) -> tuple[tuple[str, str], ...]:
        return journal.references(entry_of(document))

    def payload(self, case: Case) -> Mapping[str, Any]:
        return journal.payload(entry_of(case.document), self._company)

    def where(self, number: str) -> str:
        return f"/{self.resource}({literal(number)})"

    def number_term(self, number: str) -> str:
        return equal(batches.NUMBER, number)

    def description_terms(self, case: Case) -> Sequence[str]:
        """Also the settlement id alone, as a person would type it."""
        return [equal("Description", words) for words in (case.wire_key, case.document.reference) if words]

    def undone(self, one: Shown, other: Shown) -> bool:
        return journal.opposite(one, other)

    # --- looking -------------------------------------------------------------------------------------------------------

    async def contents(self, api: WebApi, found: Sequence[Batch]) -> Callable[[Case, Batch], Content]:
        posted = await self._posted(api, [each.number for each in found if each.status == batches.POSTED_STATUS])
        return lambda _case, batch: _content(batch, posted)

    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """Posted lines decide, and where those cannot be read nobody knows."""
        seen: dict[DocumentKey, Seen] = {}
        for some in fitting(cases, lambda some: address(_POSTED, journal.POSTED_FIELDS, _by_reference(some))):
            try:
                hits = await _posted_rows(api, _by_reference(some))
                lines = await self._posted(api, sorted({self.names.padded(row.get("BatchNumber")) for row in hits}))
            except (NotPermitted, RefusedByServer) as error:
                why = f"what is posted under the key cannot be read. {error}"
                seen |= {case.key: Unclear(why) for case in some}
                continue
            seen |= {case.key: self._from_ledger(case, hits, lines) for case in some}
        return seen

    async def beside(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """A copy by hand keeps our key in its lines."""
        return await self.elsewhere(api, cases)

    def _from_ledger(self, case: Case, hits: Sequence[Mapping[str, Any]], lines: _Posted) -> Seen:
        found: list[Present] = []
        for row in hits:
            reference = text(row.get("JournalDetailReference"))
            if reference not in (case.wire_key, case.document.reference):
                continue
            ids = self._posted_ids(row)
            entry = [each for each in lines[dict(ids)[batches.NUMBER]] if self._posted_ids(each) == ids]
            if all(ids != each.ids for each in found):
                found.append(Present(ids, journal.shown_posted(entry), ours=reference == case.wire_key))
        ours = [each for each in found if each.ours]
        found = ours or found
        if not found:
            return batches.absent(case, "journal batches and posted transactions")
        return Many(tuple(found)) if len(found) > 1 else found[0]

    async def _posted(self, api: WebApi, numbers: Sequence[str]) -> _Posted:
        """The posted lines of batches, by batch number."""
        lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for some in fitting(numbers, lambda some: address(_POSTED, journal.POSTED_FIELDS, _of_batches(some))):
            for row in await _posted_rows(api, _of_batches(some)):
                lines[self.names.padded(row.get("BatchNumber"))].append(row)
        return lines

    def _posted_ids(self, row: Mapping[str, Any]) -> Ids:
        number, entry = self.names.padded(row.get("BatchNumber")), text(row.get("JournalEntryNumber"))
        return ((batches.NUMBER, number), ("EntryNumber", entry))

    async def census(self, api: WebApi, prefix: str, first: date, last: date) -> list[Found]:
        """Batches by description; posted lines by reference, for batches whose history was cleared."""
        found = {dict(each.ids)[batches.NUMBER]: each for each in await super().census(api, prefix, first, last)}
        earliest, after = instant(first - timedelta(days=1)), instant(last + timedelta(days=1))
        begins = f"startswith(JournalDetailReference,{literal(prefix)})"
        rows = await _posted_rows(api, f"{begins} and JournalDate gt {earliest} and JournalDate lt {after}")
        for row in rows:
            ids, key = self._posted_ids(row), key_in(row.get("JournalDetailReference"))
            if dict(ids)[batches.NUMBER] not in found and key.startswith(prefix):
                found[dict(ids)[batches.NUMBER]] = Found(kind_in(key), key, ids, counts=True)
        return list(found.values())

    # --- writing -------------------------------------------------------------------------------------------------------

    async def advance(self, api: WebApi, move: Move, permit: Permit) -> Receipt:
        if move.step.name != batches.BALANCE:
            return await super().advance(api, move, permit)
        where = self.where(dict(ids_of(move.seen)).get(batches.NUMBER, ""))
        batch = batches.batch_from(await api.get(_READ, where), self.names)
        if len(batch.entries) != 1 or not journal.roundable(batch.entries[0]):
            return NotSent("The entry does not need to be balanced any more, or cannot be.")
        return await send(api, move, permit, Request("PATCH", where, journal.balancing(batch.entries[0])))

    async def mark_ready(self, api: WebApi, move: Move, permit: Permit, number: str) -> Receipt:
        """Set, read back. A property that is taken without effect, or not taken, is not tried again on this connection."""
        body, where = _READY_BODIES[self._ready_by], self.where(number)
        received = await send(api, move, permit, Request("PATCH", where, body))
        if isinstance(received, Refused) and received.code in {"InvalidPayload", "FieldInvalid"}:
            if self._other_property():
                return NotSent(f"Sage does not take {next(iter(body))}: {received.words}")
            return received
        if not isinstance(received, Accepted):
            return received
        try:
            status = text((await api.get(_READ, f"{where}?$select=Status")).get("Status"))
        except (MlConnectorError, AttributeError) as error:
            return Unknown(f"Marked ready; reading it back failed: {error}")
        if status != batches.OPEN_STATUS:
            return received
        if self._other_property():
            return NotSent(f"Sage took {next(iter(body))} without effect; the other property is tried next.")
        return Refused(
            "not_ready", "Sage takes both Status and ReadyToPost without effect. Mark the batch ready in Sage."
        )

    def _other_property(self) -> bool:
        """Turn to the other property; False where there is none left."""
        self._ready_by = (self._ready_by + 1) % len(_READY_BODIES)
        return self._ready_by > 0

    async def process(self, api: WebApi, number: str) -> Request:
        """Its parameters have inferred names, so the template is asked once (section 14.2)."""
        if self._range is None:
            names = [name for name in await api.template("prepare posting", _PROCESS) if "Batch" in name]
            first = next((name for name in names if "From" in name), "FromBatchNumber")
            last = next((name for name in names if name.startswith("To") or name.endswith("To")), "ToBatchNumber")
            self._range = (first, last)
        return Request("POST", f"/{_PROCESS}('$process')", dict.fromkeys(self._range, number))


# --- parts -------------------------------------------------------------------------------------------------------------


async def _posted_rows(api: WebApi, condition: str) -> list[dict[str, Any]]:
    what = "read posted transactions"
    return await api.rows(what, _POSTED, key=journal.POSTED_KEY, select=journal.POSTED_FIELDS, condition=condition)


def _of_batches(numbers: Sequence[str]) -> str:
    return any_of([equal(batches.NUMBER, number) for number in numbers])


def _content(batch: Batch, posted: _Posted) -> Content:
    """What a batch of one entry holds: from the ledger where it is posted."""
    header = batch.entries[0]
    if batch.status == batches.POSTED_STATUS:
        entry = text(header.get("EntryNumber"))
        lines = [row for row in posted.get(batch.number, ()) if _same_entry(row, entry)]
        if not lines:
            return Content(None, problem=f"G/L batch {batch.number} is posted, and the ledger shows no line of it.")
        return Content(journal.shown_posted(lines))
    shown = journal.shown_entry(header)
    left = journal.residue(header)
    if not left:
        return Content(shown)
    if journal.roundable(header):
        return Content(shown, next=batches.BALANCE)
    return Content(
        shown, problem=f"G/L batch {batch.number} is out of balance by {left}. Correct or delete it in Sage."
    )


def _same_entry(row: Mapping[str, Any], entry: str) -> bool:
    return text(row.get("JournalEntryNumber")).lstrip("0") == entry.lstrip("0")


def _by_reference(cases: Sequence[Case]) -> str:
    """By account and reference of one line each: the ledger is kept in the order of accounts."""
    terms: dict[str, None] = {}
    for case in cases:
        account = next(line.account for line in entry_of(case.document).lines if line.posts)
        for reference in (case.wire_key, case.document.reference):
            if reference:
                terms[f"{equal('AccountNumber', account)} and {equal('JournalDetailReference', reference)}"] = None
    return any_of(list(terms))
