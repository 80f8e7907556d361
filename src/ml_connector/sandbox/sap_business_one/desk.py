"""Where requests about documents and payments go: the right room for each set, draft or action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ml_connector.sandbox.sap_business_one.bases import Bases
from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import Checks
from ml_connector.sandbox.sap_business_one.document_acts import DocumentActs
from ml_connector.sandbox.sap_business_one.document_lines import Lines
from ml_connector.sandbox.sap_business_one.documents import Documents
from ml_connector.sandbox.sap_business_one.drafted import Drafted
from ml_connector.sandbox.sap_business_one.drafts import Drafts
from ml_connector.sandbox.sap_business_one.errors import not_found, not_supported
from ml_connector.sandbox.sap_business_one.journal import Journal
from ml_connector.sandbox.sap_business_one.kinds import BY_SET, ORDER
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.payment_drafts import PaymentDrafts
from ml_connector.sandbox.sap_business_one.payments import FLOWS, Payments
from ml_connector.sandbox.sap_business_one.postings import Postings
from ml_connector.sandbox.sap_business_one.prices import Prices
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.stock import Stock
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.taxes import Taxes
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

SETS = frozenset({*BY_SET, *FLOWS, "Drafts", "PaymentDrafts"})


@dataclass(frozen=True, slots=True)
class Made:
    """What a POST made: a document, or, where the company's approval procedure stepped in, a draft that ``waits``."""

    set: str
    entry: int
    waits: bool = False


class Desk:
    """Documents and payments of one company. Every method that writes is called inside a transaction."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        checks: Checks,
        journal: Journal,
        prices: Prices,
        stock: Stock,
        wall: Wall,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        taxes = Taxes(tables, catalog, switches)
        bases = Bases(tables, catalog, switches)
        numbering = Numbering(tables, catalog)
        self._drafted = Drafted(tables)
        lines = Lines(tables, catalog, switches, checks, prices, taxes, bases)
        postings = Postings(tables, catalog, switches, checks, stock, taxes)
        self.documents = Documents(
            tables, catalog, switches, checks, lines, bases, postings, journal, stock, numbering, wall
        )
        self.acts = DocumentActs(
            tables,
            catalog,
            switches,
            checks,
            self.documents,
            bases,
            journal,
            stock,
            numbering,
            self._drafted,
            wall,
        )
        self.drafts = Drafts(tables, catalog, switches, self.documents, numbering, self._drafted)
        self.payments = Payments(tables, catalog, switches, checks, self.documents, journal, numbering, wall)
        self.payment_drafts = PaymentDrafts(tables, catalog, switches, self.payments, numbering, self._drafted)

    def create(self, set_name: str, sent: Row, *, by_person: bool = False) -> Made:
        """POST to one of :data:`SETS`. Raises :class:`ServiceLayerError`."""
        waits = self._switches.text("approval_procedure") != "off" and not by_person
        if set_name == "Drafts":
            return Made(set_name, self.drafts.enter(sent))
        if set_name == "PaymentDrafts":
            return Made(set_name, self.payment_drafts.enter(sent))
        if set_name in FLOWS:
            flow = FLOWS[set_name]
            if waits:
                return Made("PaymentDrafts", self.payment_drafts.create(flow, sent, "pasPending"), waits=True)
            return Made(set_name, self.payments.post(flow, sent))
        kind = BY_SET[set_name]
        if waits:
            return Made("Drafts", self.drafts.create(kind, sent, "dasPending"), waits=True)
        entry = self.documents.post(kind, sent)
        if kind.commits:
            self._drafted.keep(set_name, entry, sent)
        return Made(set_name, entry)

    def change(self, set_name: str, row: Row, changes: Row) -> None:
        """PATCH."""
        if set_name == "Drafts":
            self.drafts.amend(row, changes)
        elif set_name == "PaymentDrafts":
            self.payment_drafts.amend(row, changes)
        elif set_name in FLOWS:
            self.payments.amend(FLOWS[set_name], row, changes)
        else:
            self.acts.amend(BY_SET[set_name], row, changes)

    def remove(self, set_name: str, row: Row) -> None:
        """DELETE, which only drafts allow."""
        (self.drafts.remove if set_name == "Drafts" else self.payment_drafts.remove)(row)

    def act(self, set_name: str, row: Row, action: str, *, today: bool = False) -> Row | None:
        """An action on one document. The row of a document where the action answers one."""
        if set_name == "Drafts":
            if action != "Close":
                raise not_supported()
            self.drafts.close(row)
        elif set_name == "PaymentDrafts":
            if action != "SaveDraftToDocument":
                raise not_supported()
            self.payment_drafts.save(row)
        elif set_name in FLOWS:
            if action not in ("Cancel", "CancelbyCurrentSystemDate"):
                raise not_supported()
            self.payments.cancel(FLOWS[set_name], row, today=today or action != "Cancel")
        else:
            return self._act_on_document(set_name, row, action)
        return None

    def _act_on_document(self, set_name: str, row: Row, action: str) -> Row | None:
        kind = BY_SET[set_name]
        match action:
            case "Cancel":
                self.acts.cancel(kind, row)
            case "Close":
                self.acts.close(kind, row)
            case "Reopen":
                self.acts.reopen(kind, row)
            case "CreateCancellationDocument" if kind is not ORDER:
                if not self._switches.on("create_cancellation_persists"):
                    return self.acts.prefilled(kind, row)
                entry = self.acts.cancel(kind, row)
                return self._tables.one(self._catalog.schema.of_set(set_name), {"DocEntry": entry})
            case _:
                raise not_supported()
        return None

    # --- services ------------------------------------------------------------------------------------------------------

    def save_draft(self, document: Row) -> None:
        """DraftsService_SaveDraftToDocument: ``DocEntry`` of the draft, and changes to what it becomes."""
        self.drafts.save(_entry(document), document)

    def cancel_with(self, set_name: str, document: Row) -> None:
        """InvoicesService_Cancel2 and its like: ``DocEntry`` of the document, and changes to its cancellation."""
        row = self._tables.one(self._catalog.schema.of_set(set_name), {"DocEntry": _entry(document)})
        if row is None:
            raise not_found()
        self.acts.cancel(BY_SET[set_name], row, document)

    def preview(self, document: Row) -> Row:
        """OrdersService_Preview: totals as the server would compute them; nothing is written."""
        shown = self.documents.complete(ORDER, document).shown()
        return {**shown, "DocEntry": None, "DocNum": None}

    def approve(self, set_name: str, entry: int, *, approved: bool = True, generate: bool = False) -> int | None:
        """A person decides on a draft that waits and, where ``generate``, makes its document; its DocEntry."""
        (self.payment_drafts if set_name == "PaymentDrafts" else self.drafts).decide(entry, approved=approved)
        return self.save(set_name, entry) if generate else None

    def save(self, set_name: str, entry: int) -> int | None:
        """A person makes the document of a draft; its DocEntry."""
        if set_name != "PaymentDrafts":
            return self.drafts.save(entry, {}, by_person=True)
        row = self._tables.one(self._catalog.schema.of_set(set_name), {"DocEntry": entry})
        if row is None:
            raise not_found()
        return self.payment_drafts.save(row, by_person=True)


def _entry(document: Mapping[str, object]) -> int:
    entry = document.get("DocEntry")
    if not isinstance(entry, int):
        raise not_found()
    return entry
