"""Journal entries and bank transfers through ``GL/GLJournalBatches`` (Sage dossier, sections 14, 21; posting stages, S4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.errors import BadAnswer, MlConnectorError, NotPermitted, RefusedByServer
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
    Route,
    Seen,
    Shown,
    Step,
    Trail,
    Unclear,
    Unknown,
    Unsupported,
    reliability_class,
)
from ml_connector.erp.sage_300 import batches
from ml_connector.erp.sage_300.batches import Batch, Content, Names
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import journal
from ml_connector.erp.sage_300.keys import key_in, kind_in
from ml_connector.erp.sage_300.odata import any_of, equal, fitting, instant, path
from ml_connector.erp.sage_300.routes.base import Request, alone_where_unreadable, ids_of, send
from ml_connector.erp.sage_300.wire import optional_day, text
from ml_connector.transport.odata import text as literal

KINDS: Final = frozenset({Kind.JOURNAL_ENTRY, Kind.BANK_TRANSFER})

_BATCHES: Final = "GL/GLJournalBatches"
_POSTED: Final = "GL/GLPostedTransactions"
_PROCESS: Final = "GL/GLPostJournal"
_NAMES: Final = Names("G/L batch", status="Status", entries="JournalHeaders", digits=6)
_READ_BATCHES: Final = "read journal batches"
_READ_POSTED: Final = "read posted transactions"
#: What marks a batch ready; which of the two a server heeds is not verified (dossier, section 14.2).
_READY_BODIES: Final = ({"ReadyToPost": "Yes"}, {"Status": batches.READY_STATUS})
_Posted = Mapping[str, list[dict[str, Any]]]


class Journals:
    """The way of journal entries and bank transfers."""

    def __init__(self, company: Company, settle_s: float) -> None:
        self._company = company
        self._settle_s = settle_s
        #: Which of ``_READY_BODIES`` is tried next: the first until it turned out to be without effect.
        self._ready_by = 0
        self._range: tuple[str, str] | None = None

    # --- pure ----------------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...] | Unsupported:
        why = self._company.lacks("GL")
        if why:
            return Unsupported(why)
        class_ = reliability_class(batches.steps(self._settle_s))
        return (Route("batch", class_, relieves_stock=False, requests=Decimal("7.5")),)

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        entry = entry_of(document)
        why = self._company.lacks("GL") or journal.unsupported(entry, self._company)
        if why:
            return Unsupported(why)
        return batches.steps(self._settle_s, balances=entry.currency != self._company.home.iso)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return journal.project(entry_of(document))

    def wire_key(self, document: Document) -> str:
        return journal.wire_key(entry_of(document))

    def references(self, document: Document) -> tuple[tuple[str, str], ...]:
        return journal.references(entry_of(document))

    # --- looking -------------------------------------------------------------------------------------------------------

    async def observe(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        seen: dict[DocumentKey, Seen] = {}
        for some in fitting(cases, lambda some: _batch_address(_condition(some))):
            seen |= await alone_where_unreadable(some, lambda these: self._look(api, these))
        return seen

    async def _look(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        rows = await _batch_rows(api, _condition(cases), journal.BATCH_FIELDS)
        found = [batches.batch_from(row, _NAMES) for row in rows]
        posted = await _posted_of(api, [batch.number for batch in found if batch.status == batches.POSTED_STATUS])
        seen = {
            case.key: batches.judge(case, found, _NAMES, lambda batch: _content(batch, posted), journal.opposite)
            for case in cases
        }
        missing = [case for case in cases if seen[case.key] is None]
        purged = await _purged(api, missing)
        return {key: each if each is not None else purged[key] for key, each in seen.items()}

    async def census(self, api: WebApi, prefix: str, first: date, last: date) -> list[Found]:
        """Batches by description; posted lines by reference, for batches whose history was cleared."""
        earliest = instant(first - timedelta(days=1))
        rows = await _batch_rows(
            api,
            f"startswith(Description,{literal(prefix)}) and DateLastEdited gt {earliest}",
            ("BatchNumber", "Description", "Status", "NumberOfErrors", "JournalHeaders"),
        )
        found: dict[str, Found] = {}
        for row in rows:
            batch = batches.batch_from(row, _NAMES)
            days = [optional_day(entry.get("PostingDate")) for entry in batch.entries]
            dated = any(each is not None and first <= each <= last for each in days)
            key = key_in(batch.description)
            if key.startswith(prefix) and dated and batch.status != batches.DELETED_STATUS:
                counts = batch.status == batches.POSTED_STATUS
                found[batch.number] = Found(kind_in(key), key, batch.ids(), counts=counts)
        after = instant(last + timedelta(days=1))
        condition = f"startswith(JournalDetailReference,{literal(prefix)}) and JournalDate gt {earliest} and JournalDate lt {after}"
        for row in await _posted_rows(api, condition):
            number, key = _NAMES.padded(row.get("BatchNumber")), key_in(row.get("JournalDetailReference"))
            if number not in found and key.startswith(prefix):
                found[number] = Found(kind_in(key), key, _posted_ids(row), counts=True)
        return list(found.values())

    # --- writing -------------------------------------------------------------------------------------------------------

    async def advance(self, api: WebApi, move: Move, permit: Permit) -> Receipt:
        step = move.step.name
        number = dict(ids_of(move.seen)).get(batches.NUMBER, "")
        if step == batches.ENTER:
            body = journal.payload(entry_of(move.case.document), self._company)
            return await send(api, move, permit, Request("POST", f"/{_BATCHES}", body, _created))
        if not number:
            return NotSent("The look named no batch.")
        where = f"/{_BATCHES}({literal(number)})"
        if step == batches.BALANCE:
            header = await self._header(api, where)
            if not journal.roundable(header):
                return NotSent("The entry does not need to be balanced any more, or cannot be.")
            return await send(api, move, permit, Request("PATCH", where, journal.balancing(header)))
        if step == batches.READY:
            return await self._mark_ready(api, move, permit, where)
        if step == batches.POST:
            first, last = await self._range_names(api)
            request = Request("POST", f"/{_PROCESS}('$process')", {first: number, last: number})
            return await send(api, move, permit, request)
        return NotSent(f"There is no step {step!r}.")

    async def _mark_ready(self, api: WebApi, move: Move, permit: Permit, where: str) -> Receipt:
        """Set, read back. A property that is taken without effect, or not taken, is not tried again on this connection."""
        body = _READY_BODIES[self._ready_by]
        received = await send(api, move, permit, Request("PATCH", where, body))
        if isinstance(received, Refused) and received.code in {"InvalidPayload", "FieldInvalid"}:
            if self._other_property():
                return NotSent(f"Sage does not take {next(iter(body))}: {received.words}")
            return received
        if not isinstance(received, Accepted):
            return received
        try:
            status = text((await api.get(_READ_BATCHES, f"{where}?$select=Status")).get("Status"))
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
        if self._ready_by + 1 == len(_READY_BODIES):
            self._ready_by = 0
            return False
        self._ready_by += 1
        return True

    async def _header(self, api: WebApi, where: str) -> Mapping[str, Any]:
        batch = batches.batch_from(await api.get(_READ_BATCHES, where), _NAMES)
        if len(batch.entries) != 1:
            raise BadAnswer(f"{_NAMES.what} {batch.number} holds {len(batch.entries)} entries.")
        return batch.entries[0]

    async def _range_names(self, api: WebApi) -> tuple[str, str]:
        """What the process calls its first and last batch: inferred names, so its template is asked once (section 14.2)."""
        if self._range is None:
            names = [name for name in await api.template("prepare posting", _PROCESS) if "Batch" in name]
            first = next((name for name in names if "From" in name), "FromBatchNumber")
            last = next((name for name in names if name.startswith("To") or name.endswith("To")), "ToBatchNumber")
            self._range = (first, last)
        return self._range


# --- parts -------------------------------------------------------------------------------------------------------------


def _condition(cases: Sequence[Case]) -> str:
    """The filter that finds every batch any of ``cases`` could be."""
    terms: dict[str, None] = {}
    for case in cases:
        for number in sorted(batches.known_numbers(case, _NAMES)):
            terms[equal("BatchNumber", number)] = None
        terms[equal("Description", case.wire_key)] = None
        if case.document.reference:
            terms[equal("Description", case.document.reference)] = None
    return any_of(list(terms))


def _batch_address(condition: str) -> str:
    return path(_BATCHES, filter=condition, select=",".join(journal.BATCH_FIELDS), count="true", skip="10000")


async def _batch_rows(api: WebApi, condition: str, select: Sequence[str]) -> list[dict[str, Any]]:
    return await api.rows(_READ_BATCHES, _BATCHES, key=("BatchNumber",), select=select, condition=condition)


async def _posted_rows(api: WebApi, condition: str) -> list[dict[str, Any]]:
    return await api.rows(
        _READ_POSTED, _POSTED, key=journal.POSTED_KEY, select=journal.POSTED_FIELDS, condition=condition
    )


async def _posted_of(api: WebApi, numbers: Sequence[str]) -> _Posted:
    """The posted lines of batches, by batch number."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for some in fitting(numbers, lambda some: _posted_address(_of_batches(some))):
        for row in await _posted_rows(api, _of_batches(some)):
            lines[_NAMES.padded(row.get("BatchNumber"))].append(row)
    return lines


def _of_batches(numbers: Sequence[str]) -> str:
    return any_of([equal("BatchNumber", number) for number in numbers])


def _posted_address(condition: str) -> str:
    return path(_POSTED, filter=condition, select=",".join(journal.POSTED_FIELDS), count="true", skip="10000")


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


async def _purged(api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
    """Documents of which no batch is left: posted lines decide, and where those cannot be read nobody knows."""
    seen: dict[DocumentKey, Seen] = {}
    for some in fitting(cases, lambda some: _posted_address(_by_reference(some))):
        try:
            hits = await _posted_rows(api, _by_reference(some))
            lines = await _posted_of(api, sorted({_NAMES.padded(row.get("BatchNumber")) for row in hits}))
        except (NotPermitted, RefusedByServer) as error:
            seen |= {
                case.key: Unclear(f"no batch carries the key, and the ledger cannot be read. {error}") for case in some
            }
            continue
        seen |= {case.key: _from_ledger(case, hits, lines) for case in some}
    return seen


def _by_reference(cases: Sequence[Case]) -> str:
    """By account and reference of one line each: the ledger is kept in the order of accounts."""
    terms: dict[str, None] = {}
    for case in cases:
        account = next(line.account for line in entry_of(case.document).lines if line.posts)
        for reference in (case.wire_key, case.document.reference):
            if reference:
                terms[f"{equal('AccountNumber', account)} and {equal('JournalDetailReference', reference)}"] = None
    return any_of(list(terms))


def _from_ledger(case: Case, hits: Sequence[Mapping[str, Any]], lines: _Posted) -> Seen:
    found: list[Present] = []
    for row in hits:
        reference = text(row.get("JournalDetailReference"))
        if reference not in (case.wire_key, case.document.reference):
            continue
        ids = _posted_ids(row)
        entry = [each for each in lines[_NAMES.padded(row.get("BatchNumber"))] if _posted_ids(each) == ids]
        if all(ids != each.ids for each in found):
            found.append(Present(ids, journal.shown_posted(entry), ours=reference == case.wire_key))
    ours = [each for each in found if each.ours]
    found = ours or found
    if not found:
        return batches.absent(case, "journal batches and posted transactions")
    return Many(tuple(found)) if len(found) > 1 else found[0]


def _posted_ids(row: Mapping[str, Any]) -> Ids:
    return (
        (batches.NUMBER, _NAMES.padded(row.get("BatchNumber"))),
        ("EntryNumber", text(row.get("JournalEntryNumber"))),
    )


def _created(data: Any) -> Ids:
    try:
        return batches.batch_from(data, _NAMES).ids()
    except (BadAnswer, AttributeError):
        return ()
