"""What the ways of order entry share: one write that counts at once, and receivables that show it after day end only
(Sage dossier, section 13; posting stages, S4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from ml_connector.domain.documents import Document, Kind, SalesDocument
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.money import amount
from ml_connector.domain.target import (
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
    Unsupported,
    Working,
    reliability_class,
)
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import orders
from ml_connector.erp.sage_300.documents.keys import key_in, kind_in
from ml_connector.erp.sage_300.odata import any_of, fitting, instant, path
from ml_connector.erp.sage_300.routes import batches
from ml_connector.erp.sage_300.routes.base import Request, alone_where_unreadable, send
from ml_connector.erp.sage_300.routes.batch_way import address
from ml_connector.erp.sage_300.routes.receivables import sales_of
from ml_connector.erp.sage_300.values import text
from ml_connector.transport.odata import text as literal

_Row = Mapping[str, Any]


class OrderEntryWay(ABC):
    """Documents that come to be by one POST to order entry."""

    kind: Kind
    step: Step
    resource: str
    fields: tuple[str, ...]
    #: The property in which the document's key stands, and the keys of the resource's own rows.
    key_field: str
    row_key: str
    modules: tuple[str, ...] = ("OE", "IC", "TX", "AR")
    #: The date by which everything is counted.
    dated_by: str
    relieves_stock: bool
    requests: str = "3"

    def __init__(self, company: Company) -> None:
        self._company = company

    # --- what differs --------------------------------------------------------------------------------------------------

    @abstractmethod
    def terms(self, document: SalesDocument) -> Sequence[str]:
        """The filters that find everything that could be the document."""

    @abstractmethod
    def body(self, case: Case) -> Mapping[str, Any]:
        """What is sent."""

    @abstractmethod
    def ids(self, row: _Row) -> Ids:
        """What Sage gave."""

    @abstractmethod
    def is_it(self, document: SalesDocument, row: _Row) -> bool:
        """Whether a row answers to the document's number or its order."""

    @abstractmethod
    async def states(self, api: WebApi, rows: Sequence[_Row]) -> Callable[[_Row, bool], Working | Present]:
        """How far each row has come; the flag says whether it carries our key."""

    # --- pure ----------------------------------------------------------------------------------------------------------

    def routes(self) -> tuple[Route, ...] | Unsupported:
        why = self._company.lacks(*self.modules)
        if why:
            return Unsupported(why)
        class_ = reliability_class((self.step,))
        return (Route(self.step.name, class_, relieves_stock=self.relieves_stock, requests=amount(self.requests)),)

    def steps(self, document: Document, trail: Trail) -> tuple[Step, ...] | Unsupported:
        why = self._company.lacks(*self.modules) or orders.unsupported(sales_of(document), self._company)
        return Unsupported(why) if why else (self.step,)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        return orders.project(sales_of(document), self._company)

    def wire_key(self, document: Document) -> str:
        return orders.wire_key(sales_of(document))

    def references(self, document: Document) -> tuple[tuple[str, str], ...]:
        return orders.references(sales_of(document))

    # --- looking -------------------------------------------------------------------------------------------------------

    async def observe(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        seen: dict[DocumentKey, Seen] = {}
        for some in fitting(cases, lambda some: address(self.resource, self.fields, self._condition(some))):
            seen |= await alone_where_unreadable(some, lambda these: self._look(api, these))
        return seen

    def _condition(self, cases: Sequence[Case]) -> str:
        return any_of(list(dict.fromkeys(term for case in cases for term in self.terms(sales_of(case.document)))))

    async def _look(self, api: WebApi, cases: Sequence[Case]) -> dict[DocumentKey, Seen]:
        rows = await self._rows(api, self._condition(cases))
        state = await self.states(api, rows)
        return {case.key: self._judge(case, rows, state) for case in cases}

    def _judge(self, case: Case, rows: Sequence[_Row], state: Callable[[_Row, bool], Working | Present]) -> Seen:
        ours = [row for row in rows if text(row.get(self.key_field)) == case.wire_key]
        # What carries another key of ours is another document, whatever its order.
        persons = [
            row
            for row in rows
            if not key_in(row.get(self.key_field)) and self.is_it(sales_of(case.document), row) and row not in ours
        ]
        found = [state(row, True) for row in ours] or [state(row, False) for row in persons]  # noqa: FBT003
        if not found:
            return batches.absent(case, self.resource)
        return Many(tuple(found)) if len(found) > 1 else found[0]

    async def _rows(self, api: WebApi, condition: str) -> list[dict[str, Any]]:
        what = f"read {self.resource}"
        return await api.rows(what, self.resource, key=(self.row_key,), select=self.fields, condition=condition)

    async def census(self, api: WebApi, prefix: str, first: date, last: date) -> list[Found]:
        """Everything whose key field begins with a key of ours, by its own date."""
        condition = (
            f"startswith({self.key_field},{literal(prefix)}) and {self.dated_by} gt {instant(first - timedelta(days=1))} "
            f"and {self.dated_by} lt {instant(last + timedelta(days=1))}"
        )
        found = []
        for row in await self._rows(api, condition):
            key = key_in(row.get(self.key_field))
            if key.startswith(prefix) and kind_in(key) is self.kind:
                found.append(Found(kind_in(key), key, self.ids(row), counts=True))
        return found

    # --- writing -------------------------------------------------------------------------------------------------------

    async def advance(self, api: WebApi, move: Move, permit: Permit) -> Receipt:
        if move.step.name != self.step.name:
            return NotSent(f"There is no step {move.step.name!r}.")
        document = sales_of(move.case.document)
        takes = await self._currency_of(api, document.customer)
        if takes not in ("", document.currency):
            # Order entry would take the customer's currency for the document's, and what it makes counts at once.
            return Refused("currency", f"Customer {document.customer} takes {takes} only, not {document.currency}.")
        request = Request("POST", f"/{self.resource}", self.body(move.case), self._created)
        return await send(api, move, permit, request)

    async def _currency_of(self, api: WebApi, customer: str) -> str:
        """The one currency of a customer (dossier, section 13); "" where there is no such customer: Sage says so itself."""
        row = await api.found("read the customer", path(f"AR/ARCustomers({literal(customer)})", select="CurrencyCode"))
        return "" if row is None else text(row.get("CurrencyCode"))

    def _created(self, data: Any) -> Ids:
        return self.ids(data) if isinstance(data, dict) else ()
