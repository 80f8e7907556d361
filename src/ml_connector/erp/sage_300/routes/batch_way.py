"""The way of every document that lives in a batch: G/L journals, A/R invoices and receipts (Sage dossier, sections 1, 11, 14)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.money import amount
from ml_connector.domain.target import (
    Case,
    Found,
    Ids,
    Move,
    NotSent,
    Permit,
    Receipt,
    Route,
    Seen,
    Shown,
    Step,
    Unsupported,
    reliability_class,
)
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.config import EnteredBatches
from ml_connector.erp.sage_300.documents.keys import key_in, kind_in
from ml_connector.erp.sage_300.odata import any_of, equal, fitting, instant, path
from ml_connector.erp.sage_300.routes import batches
from ml_connector.erp.sage_300.routes.base import Request, alone_where_unreadable, ids_of, send
from ml_connector.erp.sage_300.routes.batches import Batch, Content, Names
from ml_connector.erp.sage_300.values import optional_day
from ml_connector.transport.odata import text as literal

#: The longest ``$skip`` that an address may have to hold.
_SKIP: Final = "10000"


def address(resource: str, fields: Sequence[str], condition: str) -> str:
    """A feed's address at its longest, to pack filters by."""
    return path(resource, filter=condition, select=",".join(fields), count="true", skip=_SKIP)


class BatchWay(ABC):
    """Documents of one kind of batch, one in each."""

    #: ``AR/ARInvoiceBatches``, what a look reads of it, and how its properties are called.
    resource: str
    fields: tuple[str, ...]
    key: tuple[str, ...] = (batches.NUMBER,)
    names: Names
    #: The property of an entry by which it is dated.
    dated_by: str
    #: Which modules the user needs.
    modules: tuple[str, ...]
    #: Requests for one document alone; documents that are looked for together share their looks.
    requests: str

    def __init__(self, company: Company, settle_s: float) -> None:
        self._company = company
        self._settle_s = settle_s

    # --- what differs --------------------------------------------------------------------------------------------------

    @abstractmethod
    def payload(self, case: Case) -> Mapping[str, Any]:
        """The body that opens the batch with the document in it."""

    @abstractmethod
    async def contents(self, api: WebApi, found: Sequence[Batch]) -> Callable[[Case, Batch], Content]:
        """How to read what these batches hold: from where posting put it, once they are posted."""

    @abstractmethod
    async def elsewhere(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """What is seen of documents that no batch holds."""

    async def beside(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        """What is posted under the keys of documents that batches hold, whatever its batches are called; nothing where Sage
        itself refuses a second one."""
        return {}

    @abstractmethod
    async def process(self, api: WebApi, number: str) -> Request:
        """The process that posts this batch and no other."""

    def where(self, number: str) -> str:
        """The address of a batch."""
        return f"/{self.resource}({number})"

    def number_term(self, number: str) -> str:
        """The filter that finds a batch by its number."""
        return equal(batches.NUMBER, int(number))

    def description_terms(self, case: Case) -> Sequence[str]:
        """The filters that find a batch by what stands in its description."""
        return [equal("Description", case.wire_key)]

    def undone(self, one: Shown, other: Shown) -> bool:
        """Whether a later document takes an earlier one back."""
        return False

    # --- pure ----------------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...] | Unsupported:
        why = self._company.lacks(*self.modules)
        if why:
            return Unsupported(why)
        class_ = reliability_class(self.in_batch())
        return (Route("batch", class_, relieves_stock=False, requests=amount(self.requests)),)

    def in_batch(self, *, balances: bool = False) -> tuple[Step, ...]:
        """The writes of a document of this kind."""
        leaves_ready = self._company.config.entered_batches is EnteredBatches.READY
        return batches.steps(self._settle_s, balances=balances, leaves_ready=leaves_ready)

    # --- looking -------------------------------------------------------------------------------------------------------

    async def observe(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        seen: dict[DocumentKey, Seen] = {}
        for some in fitting(cases, lambda some: address(self.resource, self.fields, self._condition(some))):
            seen |= await alone_where_unreadable(some, lambda these: self._look(api, these))
        return seen

    async def _look(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        found = await self.batches(api, self._condition(cases))
        content = await self.contents(api, found)
        seen = {
            case.key: batches.judge(case, found, self.names, lambda batch, case=case: content(case, batch), self.undone)  # type: ignore[misc]
            for case in cases
        }
        missing = [case for case in cases if seen[case.key] is None]
        other = await self.elsewhere(api, missing) if missing else {}
        whole = {key: each if each is not None else other[key] for key, each in seen.items()}
        held = [case for case in cases if seen[case.key] is not None and batches.may_stand_twice(whole[case.key])]
        posted = await self.beside(api, held) if held else {}
        return whole | {key: batches.with_others(whole[key], each, self.undone) for key, each in posted.items()}

    def _condition(self, cases: Sequence[Case]) -> str:
        """The filter that finds every batch any of ``cases`` could be."""
        terms: dict[str, None] = {}
        for case in cases:
            numbers = sorted(number for number in batches.known_numbers(case, self.names) if number.isdigit())
            terms |= dict.fromkeys([*map(self.number_term, numbers), *self.description_terms(case)])
        return any_of(list(terms))

    async def batches(self, api: WebApi, condition: str) -> list[Batch]:
        """The batches that fit ``condition``, with their entries."""
        what = f"read batches ({self.names.what})"
        rows = await api.rows(what, self.resource, key=self.key, select=self.fields, condition=condition)
        return [batches.batch_from(row, self.names) for row in rows]

    async def census(self, api: WebApi, prefix: str, first: date, last: date) -> list[Found]:
        """Batches whose description is a key of ours. They were edited on the day of their documents, or later."""
        earliest = instant(first - timedelta(days=1))
        condition = f"startswith(Description,{literal(prefix)}) and DateLastEdited gt {earliest}"
        found = []
        for batch in await self.batches(api, condition):
            days = [optional_day(entry.get(self.dated_by)) for entry in batch.entries]
            dated = any(each is not None and first <= each <= last for each in days)
            key = key_in(batch.description)
            if key.startswith(prefix) and dated and batch.status != batches.DELETED_STATUS:
                counts = batch.status == batches.POSTED_STATUS
                found.append(Found(kind_in(key), key, batch.ids, counts=counts))
        return found

    # --- writing -------------------------------------------------------------------------------------------------------

    async def advance(self, api: WebApi, move: Move, permit: Permit) -> Receipt:
        if move.step.name == batches.ENTER:
            request = Request("POST", f"/{self.resource}", self.payload(move.case), self._created)
            return await send(api, move, permit, request)
        number = dict(ids_of(move.seen)).get(batches.NUMBER, "")
        if not number:
            return NotSent("The look named no batch.")
        if move.step.name == batches.READY:
            return await self.mark_ready(api, move, permit, number)
        if move.step.name == batches.POST:
            return await send(api, move, permit, await self.process(api, number))
        return NotSent(f"There is no step {move.step.name!r}.")

    async def mark_ready(self, api: WebApi, move: Move, permit: Permit, number: str) -> Receipt:
        """From here on it counts: anybody's "post all" takes the batch."""
        body = {self.names.status: batches.READY_STATUS}
        return await send(api, move, permit, Request("PATCH", self.where(number), body))

    def _created(self, data: Any) -> Ids:
        try:
            return batches.batch_from(data, self.names).ids
        except (BadAnswer, AttributeError):
            return ()
