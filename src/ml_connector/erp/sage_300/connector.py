"""Sage 300 as a :class:`~ml_connector.domain.target.Company`: who is asked for which kind of document (posting stages, S4).

What a company can do is found out at sign-in: which modules its user may use, which words its receipts have, which properties
this version knows. The ways themselves are in ``routes``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from typing import Final

from ml_connector.domain.catalog import Customer, Identity, Item, Price, References, Shipment, Stock
from ml_connector.domain.clock import Clock
from ml_connector.domain.documents import Document, Kind
from ml_connector.domain.errors import MlConnectorError, NotPermitted, RefusedByServer, WrongUse
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.source import Page
from ml_connector.domain.target import (
    Capabilities,
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
    Trail,
    Unclear,
    Unsupported,
)
from ml_connector.erp.registry import Connector, Tools, closed_on_error
from ml_connector.erp.sage_300.client import READERS_MAX, WebApi
from ml_connector.erp.sage_300.company import MODULES, Company
from ml_connector.erp.sage_300.config import FORM, Config, InvoiceMode, read_config
from ml_connector.erp.sage_300.reads import feeds, reference
from ml_connector.erp.sage_300.routes.base import Way
from ml_connector.erp.sage_300.routes.journals import Journals
from ml_connector.erp.sage_300.routes.notes import Notes, returns_goods
from ml_connector.erp.sage_300.routes.orders import InvoicingOrders, SalesOrders
from ml_connector.erp.sage_300.routes.receipts import Receipts
from ml_connector.erp.sage_300.routes.receivables import Receivables
from ml_connector.transport.http import HttpClient

#: Why documents of a kind have no way (docs/connectors/sage-300.md).
_NO_WAY: Final = {
    Kind.REFUND_PAYMENT: (
        "What Sage 300 wants of a refund to a customer is not verified: set refunds = journal, and refunds are lines of the "
        "settlement's journal."
    ),
    Kind.INVENTORY_ISSUE: (
        "Sage 300's Web API has no second act for taking goods out of stock, and nothing refuses a second one: what is left is "
        "the units report of the settlement."
    ),
    Kind.SALES_ORDER: "Sales orders need order entry: set invoice_mode to OE.",
}


class Sage300:
    """One Sage 300 company. Made by :func:`connect`, which signs in and reads what the company can do."""

    def __init__(
        self, config: Config, api: WebApi, company: Company, clock: Clock, *, settle_s: float | None = None
    ) -> None:
        """``settle_s`` replaces the configured settle window, and may be shorter: for tests only."""
        self._config = config
        self._api = api
        self._clock = clock
        self._settle_s = config.settle_s if settle_s is None else settle_s
        self._know(company)

    def _know(self, company: Company) -> None:
        self._company = company
        journals = Journals(company, self._settle_s)
        receivables = Receivables(company, self._settle_s)
        self._notes = Notes(company, self._settle_s)
        self._ways: dict[Kind, Way] = {
            Kind.JOURNAL_ENTRY: journals,
            Kind.BANK_TRANSFER: journals,
            Kind.INVOICE: receivables,
            Kind.CREDIT_MEMO: receivables,
            Kind.RECEIPT: Receipts(company, self._settle_s),
        }
        if self._config.invoice_mode is InvoiceMode.OE:
            self._ways[Kind.INVOICE] = InvoicingOrders(company, self._settle_s)
            self._ways[Kind.SALES_ORDER] = SalesOrders(company, self._settle_s)

    def _way(self, document: Document) -> Way | None:
        """The way of a document: its kind's, but for credit memos with goods in mode OE."""
        if (
            document.kind is Kind.CREDIT_MEMO
            and self._config.invoice_mode is InvoiceMode.OE
            and returns_goods(document)
        ):
            return self._notes
        return self._ways.get(document.kind)

    def _must(self, document: Document) -> Way:
        way = self._way(document)
        if way is None:
            raise WrongUse(_NO_WAY[document.kind])
        return way

    def _every_way(self) -> list[Way]:
        """Each way once."""
        notes = [self._notes] if self._config.invoice_mode is InvoiceMode.OE else []
        return list(dict.fromkeys([*self._ways.values(), *notes]))

    # --- reading -------------------------------------------------------------------------------------------------------

    async def ping(self) -> Identity:
        """Sign in anew, read the company's name, and check which modules may be used."""
        self._api.sign_in.forget()
        self._know(await reference.company(self._api, self._config))
        missing = self._company.lacks("GL")
        if missing:
            raise NotPermitted(missing)
        known = self._company
        return Identity(
            name=known.name,
            version="Web API v1.0",
            details=(
                ("company", self._config.company),
                ("functional currency", known.home.iso),
                ("modules", ", ".join(module for module in MODULES if module in known.modules)),
                ("invoices by", self._config.invoice_mode.value),
                ("words of receipts", f"{known.receipt_word or '?'}, {known.unapplied_word or '?'}"),
                ("stock", self.capabilities().stock_is),
            ),
            clock_ahead_s=self._api.clock_ahead_s,
        )

    async def references(self) -> References:
        """Accounts, fiscal periods, currencies, tax groups and locations, read now; and what the company can do, anew."""
        self._know(await reference.company(self._api, self._config))
        return await reference.references(self._api, self._company)

    async def prepare(self) -> tuple[str, ...]:
        """Nothing has to be created in Sage: keys stand in fields that every version has."""
        return ("Nothing has to be prepared in Sage 300: documents carry their key in fields that are there.",)

    async def close(self) -> None:
        """Let go of every connection; Basic sign-in leaves no session."""
        await self._api.close()

    # --- following -----------------------------------------------------------------------------------------------------

    def items(self, mark: str = "") -> AsyncIterator[Page[Item]]:
        """Items that changed since ``mark``, a date."""
        return feeds.items(self._api, mark, self._clock.now().date())

    def prices(self, mark: str = "") -> AsyncIterator[Page[Price]]:
        """The base prices of every price list, each time."""
        return feeds.prices(self._api, mark, self._clock.now().date())

    def stock(self, mark: str = "") -> AsyncIterator[Page[Stock]]:
        """Every quantity, each time: Sage keeps no stamp for it."""
        return feeds.stock(self._api, self._company, mark, self._clock.now().date())

    def shipments(self, mark: str = "") -> AsyncIterator[Page[Shipment]]:
        """Nothing: the Web API does not show shipments."""
        return feeds.shipments()

    def customers(self, mark: str = "") -> AsyncIterator[Page[Customer]]:
        """Customers that changed since ``mark``, a date."""
        return feeds.customers(self._api, mark, self._clock.now().date())

    # --- pure ----------------------------------------------------------------------------------------------------------

    def steps(self, document: Document, trail: Trail = ()) -> tuple[Step, ...] | Unsupported:
        """By the way of the document's kind."""
        way = self._way(document)
        return Unsupported(_NO_WAY[document.kind]) if way is None else way.steps(document, trail)

    def project(self, document: Document, linked: Mapping[DocumentKey, Ids]) -> Shown:
        """What Sage will show for ``document``."""
        return self._must(document).project(document, linked)

    def wire_key(self, document: Document) -> str:
        """The key as Sage's fields of this kind hold it."""
        return self._must(document).wire_key(document)

    def references_of(self, document: Document) -> tuple[tuple[str, str], ...]:
        """The fields by which a person finds the document in Sage."""
        return self._must(document).references(document)

    def capabilities(self) -> Capabilities:
        """What was found out at sign-in."""
        known = self._company
        return Capabilities(
            routes={kind: self._routes(kind) for kind in Kind},
            parallel=READERS_MAX,
            lines_max=10_000,
            applications_max=1_000,
            batch_max=1,
            stock_is=_stock_is(known),
            features=(
                ("modules", ", ".join(sorted(known.modules))),
                ("invoice mode", self._config.invoice_mode.value),
            ),
        )

    def _routes(self, kind: Kind) -> tuple[Route, ...] | Unsupported:
        """Of credit memos in mode OE two, by whether goods came back; the first is that of a plain refund."""
        if kind not in self._ways:
            return Unsupported(_NO_WAY[kind])
        routes = self._ways[kind].routes()
        if kind is not Kind.CREDIT_MEMO or self._config.invoice_mode is not InvoiceMode.OE:
            return routes
        notes = self._notes.routes()
        return routes if isinstance(routes, Unsupported) or isinstance(notes, Unsupported) else (*routes, *notes)

    # --- posting -------------------------------------------------------------------------------------------------------

    async def observe(self, cases: Sequence[Case]) -> Mapping[DocumentKey, Seen]:
        """Raises :class:`Unavailable` and :class:`SignInFailed`; what else goes wrong is Unclear for its document."""
        seen: dict[DocumentKey, Seen] = {}
        for way in self._every_way():
            mine = [case for case in cases if self._way(case.document) is way]
            if mine:
                seen |= await way.observe(self._api, mine)
        return seen

    async def census(self, prefix: str, first: date, last: date) -> Sequence[Found] | Unclear:
        """Raises where Sage cannot be reached: an empty answer means that there is nothing."""
        found: list[Found] = []
        for way in self._every_way():
            if isinstance(way.routes(), Unsupported):
                continue
            try:
                found += await way.census(self._api, prefix, first, last)
            except (RefusedByServer, NotPermitted) as error:
                return Unclear(str(error))
        return found

    async def advance(self, moves: Sequence[Move], permit: Permit) -> Mapping[DocumentKey, Receipt]:
        """One write after the other: Sage takes one writer per company (dossier, section 22). Raises, before anything is sent,
        when the sign-in was refused before."""
        self._api.sign_in.check()
        receipts: dict[DocumentKey, Receipt] = {}
        for move in moves:
            try:
                receipts[move.key] = await self._must(move.case.document).advance(self._api, move, permit)
            except MlConnectorError as error:
                # Raised by a question that came before the write.
                receipts[move.key] = NotSent(str(error))
        return receipts


def _stock_is(known: Company) -> str:
    if "IC" not in known.modules:
        return ""
    if known.location_details:
        return (
            "Per location: what Sage calls available to ship, else on hand less committed. On hand may be as of the last "
            "day end."
        )
    return "All locations together: Sage's QuantityAvailable. This version does not show stock by location."


async def connect(settings: Mapping[str, str], secrets: Mapping[str, str], tools: Tools) -> Sage300:
    """See :class:`~ml_connector.erp.registry.Connect`."""
    config = read_config(settings, secrets)
    context = config.ssl_context()

    def client(read_s: float) -> HttpClient:
        return tools.client("Sage 300", config.company_url, context, config.connect_timeout_s, read_s)

    api = WebApi(client(config.read_timeout_s), client(config.slow_timeout_s), config, tools.clock)
    async with closed_on_error(api):
        company = await reference.company(api, config)
    return Sage300(config, api, company, tools.clock, settle_s=tools.settle_s)


CONNECTOR: Final = Connector("sage_300", "Sage 300", FORM, connect)
