"""Drafts of payments: saved once, and sent to a person first where the company has an approval procedure (section 7)."""

from __future__ import annotations

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.drafted import Drafted
from ml_connector.sandbox.sap_business_one.errors import not_found, rejected
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.payments import FLOWS_BY_OBJECT, Flow, Payments
from ml_connector.sandbox.sap_business_one.schema import Row, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.switches import Switches

SET = "PaymentDrafts"
_FIRST = 21
_SETTLED = ("DocDate", "DueDate", "TaxDate", "VatDate", "DocCurrency", "DocRate")


class PaymentDrafts:
    """Drafts of payments of one company. Every method is called inside a transaction."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        payments: Payments,
        numbering: Numbering,
        drafted: Drafted,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._payments = payments
        self._numbering = numbering
        self._drafted = drafted

    def enter(self, sent: Row) -> int:
        """POST PaymentDrafts: ``DocObjectCode`` says what it is to become."""
        flow = FLOWS_BY_OBJECT.get(str(sent.get("DocObjectCode")))
        if flow is None:
            raise rejected("Specify a payment type that can be drafted [OPDF.ObjType]")
        return self.create(flow, sent, "pasWithout")

    def create(self, flow: Flow, sent: Row, authorization: str) -> int:
        """Write a draft of a payment and return its DocEntry."""
        payment = self._payments.complete(flow, sent)
        payment.header["AuthorizationStatus"] = authorization
        entry = self._numbering.entry(SET, _FIRST)
        self._payments.write(payment, self._type, entry, *self._numbering.expected(flow.code, sent))
        self._drafted.keep(SET, entry, {**sent, **{name: payment.header[name] for name in _SETTLED}})
        return entry

    def amend(self, row: Row, changes: Row) -> None:
        """PATCH: everything may change while the draft is not saved."""
        self._check_open(row)
        entry = int(str(row["DocEntry"]))
        body = self._drafted.merged(SET, entry, changes)
        payment = self._payments.complete(FLOWS_BY_OBJECT[str(row["DocObjectCode"])], body)
        payment.header["AuthorizationStatus"] = row["AuthorizationStatus"]
        self._clear(row)
        self._payments.write(payment, self._type, entry, int(str(row["Series"])), int(str(row["DocNum"])))
        self._drafted.keep(SET, entry, body)

    def save(self, row: Row, *, by_person: bool = False) -> int | None:
        """Make the payment of a draft, once; its DocEntry. None where it now waits for a person's approval.

        A draft that was saved is gone (switch) or generated.
        """
        self._check_open(row)
        status = row["AuthorizationStatus"]
        if status in ("pasPending", "pasRejected", "pasCancelled"):
            raise rejected("The draft is not approved [OPDF.WddStatus]")
        if self._switches.text("approval_procedure") != "off" and status == "pasWithout" and not by_person:
            self._state(row, "pasPending")
            return None
        body = self._drafted.body(SET, int(str(row["DocEntry"])))
        made = self._payments.post(FLOWS_BY_OBJECT[str(row["DocObjectCode"])], body)
        if self._switches.text("saved_draft") == "removed":
            self.remove(row)
        else:
            approved = by_person and status == "pasApproved"
            self._state(row, "pasGeneratedbyAuthorizer" if approved else "pasGenerated")
        return made

    def decide(self, entry: int, *, approved: bool) -> None:
        """A person answers a draft that waits."""
        row = self._tables.one(self._type, {"DocEntry": entry})
        if row is None or row["AuthorizationStatus"] != "pasPending":
            raise not_found()
        self._state(row, "pasApproved" if approved else "pasRejected")

    def remove(self, row: Row) -> None:
        self._clear(row)
        self._drafted.forget(SET, int(str(row["DocEntry"])))

    def _clear(self, row: Row) -> None:
        key: Row = {"DocEntry": row["DocEntry"]}
        for collection in self._type.collections:
            self._tables.delete_children(self._catalog.schema.child(self._type, collection), key)
        self._tables.delete(self._type.table, key)

    def _check_open(self, row: Row) -> None:
        if str(row["AuthorizationStatus"]).startswith("pasGenerated"):
            raise rejected("Document is already closed")

    def _state(self, row: Row, status: str) -> None:
        self._tables.update(self._type, {"DocEntry": row["DocEntry"]}, {"AuthorizationStatus": status})

    @property
    def _type(self) -> Type:
        return self._catalog.schema.of_set(SET)
