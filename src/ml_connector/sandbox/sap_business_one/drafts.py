"""Drafts: documents that count for nothing yet, saved once; and the approval procedure, which makes some of what is posted
a draft that waits for a person (dossier, section 7)."""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.document_lines import Line
from ml_connector.sandbox.sap_business_one.documents import Documents
from ml_connector.sandbox.sap_business_one.drafted import Drafted
from ml_connector.sandbox.sap_business_one.errors import not_found, rejected
from ml_connector.sandbox.sap_business_one.kinds import BY_OBJECT, Kind
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

SET = "Drafts"
_FIRST = 301
#: Properties that a draft settles when it is entered, so that saving it later gives the same document.
_SETTLED = ("DocDate", "DocDueDate", "TaxDate", "VatDate", "DocCurrency", "DocRate", "DiscountPercent")
_PRICES = ("UnitPrice", "Price", "PriceAfterVAT", "GrossPrice", "GrossTotal", "LineTotal", "RowTotalFC")


class Drafts:
    """Drafts of marketing documents of one company. Every method is called inside a transaction."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        documents: Documents,
        numbering: Numbering,
        drafted: Drafted,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._documents = documents
        self._numbering = numbering
        self._drafted = drafted

    @property
    def procedure(self) -> str:
        """The approval procedure: "off", or how a document that needs approval is answered."""
        return self._switches.text("approval_procedure")

    def enter(self, sent: Row) -> int:
        """POST Drafts: ``DocObjectCode`` says what it is to become."""
        kind = BY_OBJECT.get(str(sent.get("DocObjectCode")))
        if kind is None:
            raise rejected("Specify a document type that can be drafted [ODRF.ObjType]")
        return self.create(kind, sent, "dasWithout")

    def create(self, kind: Kind, sent: Row, authorization: str) -> int:
        """Write a draft of that kind and return its DocEntry."""
        document = self._documents.complete(kind, sent)
        document.header["AuthorizationStatus"] = authorization
        entry = self._numbering.entry(SET, _FIRST)
        self._documents.write(document, self._type, entry, *self._numbering.expected(kind.code, sent))
        self._tables.update(self._type, {"DocEntry": entry}, {"DocumentStatus": "bost_Open"})
        settled: Row = {name: document.header[name] for name in _SETTLED}
        lines = [
            _priced(was, priced.line) for was, priced in zip(_rows(sent, "DocumentLines"), document.lines, strict=True)
        ]
        self._drafted.keep(SET, entry, {**sent, **settled, "DocumentLines": lines})
        return entry

    def amend(self, row: Row, changes: Row) -> None:
        """PATCH: everything may change while the draft is open."""
        self._check_open(row)
        entry = int(str(row["DocEntry"]))
        body = self._drafted.merged(SET, entry, changes)
        document = self._documents.complete(BY_OBJECT[str(row["DocObjectCode"])], body)
        kept = ("DocEntry", "DocNum", "Series", "DocObjectCode", "CreationDate", "DocTime", "JournalMemo")
        document.header.update({name: row[name] for name in kept}, **self._documents.stamp(row))
        document.header["AuthorizationStatus"] = row["AuthorizationStatus"]
        document.header["Confirmed"] = document.header["Confirmed"] or "tYES"
        self._tables.update(
            self._type, {"DocEntry": entry}, {each.name: document.header[each.name] for each in self._type.scalars}
        )
        for collection in self._type.collections:
            self._tables.delete_children(self._catalog.schema.child(self._type, collection), {"DocEntry": entry})
        self._documents.write_rows(self._type, document.shown())
        self._drafted.keep(SET, entry, body)

    def save(self, entry: int, changes: Mapping[str, object], *, by_person: bool = False) -> int | None:
        """Make the document of a draft, once; its DocEntry. None where it now waits for a person's approval.

        Raises :class:`ServiceLayerError` where the draft is gone, closed, waiting or rejected, or the document is refused.
        """
        row = self._tables.one(self._type, {"DocEntry": entry})
        if row is None:
            raise not_found()
        self._check_open(row)
        status = row["AuthorizationStatus"]
        if status in ("dasPending", "dasRejected", "dasCancelled"):
            raise rejected("The draft is not approved [ODRF.WddStatus]")
        if self.procedure != "off" and status == "dasWithout" and not by_person:
            self._state(row, AuthorizationStatus="dasPending")
            return None
        kind = BY_OBJECT[str(row["DocObjectCode"])]
        body = self._drafted.merged(SET, entry, {name: value for name, value in changes.items() if name != "DocEntry"})
        made = self._documents.post(kind, body)
        if kind.commits:
            self._drafted.keep(kind.set, made, body)
        if self._switches.text("saved_draft") == "removed":
            self.remove(row)
        else:
            generated = "dasGeneratedbyAuthorizer" if by_person else "dasGenerated"
            self._state(
                row, DocumentStatus="bost_Close", AuthorizationStatus=generated if status == "dasApproved" else status
            )
        return made

    def decide(self, entry: int, *, approved: bool) -> None:
        """A person answers a draft that waits."""
        row = self._tables.one(self._type, {"DocEntry": entry})
        if row is None or row["AuthorizationStatus"] != "dasPending":
            raise not_found()
        self._state(row, AuthorizationStatus="dasApproved" if approved else "dasRejected")

    def close(self, row: Row) -> None:
        self._check_open(row)
        self._state(row, DocumentStatus="bost_Close")

    def remove(self, row: Row) -> None:
        """DELETE Drafts: it never counted."""
        key: Row = {"DocEntry": row["DocEntry"]}
        for collection in self._type.collections:
            self._tables.delete_children(self._catalog.schema.child(self._type, collection), key)
        self._tables.delete(self._type.table, key)
        self._drafted.forget(SET, int(str(row["DocEntry"])))

    def _check_open(self, row: Row) -> None:
        if row["DocumentStatus"] == "bost_Close":
            raise rejected("Document is already closed")

    def _state(self, row: Row, **changes: object) -> None:
        self._tables.update(self._type, {"DocEntry": row["DocEntry"]}, {**changes, **self._documents.stamp(row)})

    @property
    def _type(self) -> Type:
        return self._catalog.schema.of_set(SET)


def _priced(sent: Row, line: Line) -> Row:
    """A line as sent; where the company's prices decided, with what they said."""
    if any(sent.get(name) is not None for name in _PRICES) or line.item is None or line.base is not None:
        return sent
    price = "GrossPrice" if line.asked.gross else "UnitPrice"
    return {**sent, price: line.asked.price, "DiscountPercent": line.asked.discount}


def _rows(row: Row, name: str) -> list[Row]:
    rows = row.get(name)
    return rows if isinstance(rows, list) else []
