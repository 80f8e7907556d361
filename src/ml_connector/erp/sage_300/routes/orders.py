"""Orders through ``OE/OEOrders``: such as ship and invoice themselves, and such as wait for people (Sage dossier, section 13)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ml_connector.domain.documents import Kind, SalesDocument
from ml_connector.domain.target import Case, Ids, Present, Step, Working
from ml_connector.erp.sage_300.client import WebApi
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import orders
from ml_connector.erp.sage_300.odata import any_of, equal, fitting
from ml_connector.erp.sage_300.routes.batch_way import address
from ml_connector.erp.sage_300.routes.order_entry import OrderEntryWay
from ml_connector.erp.sage_300.routes.posted import numbered, posted_documents
from ml_connector.erp.sage_300.routes.receivables import sales_of
from ml_connector.erp.sage_300.values import text

_INVOICES: Final = "OE/OEInvoices"

_Row = Mapping[str, Any]


class SalesOrders(OrderEntryWay):
    """Orders that are neither shipped nor invoiced by us. Sage's own invoice of one is only compared."""

    kind = Kind.SALES_ORDER
    resource = "OE/OEOrders"
    fields = orders.ORDER_FIELDS
    key_field = "OrderComment"
    row_key = "OrderUniquifier"
    dated_by = "OrderDate"
    relieves_stock = False

    def __init__(self, company: Company, settle_s: float) -> None:
        super().__init__(company)
        # The index of order numbers refuses a second one (dossier, section 21).
        self.step = Step("order", counts=True, refuses_twice=True, settle_s=settle_s)

    def terms(self, document: SalesDocument) -> Sequence[str]:
        return [equal("OrderNumber", document.reference)]

    def body(self, case: Case) -> Mapping[str, Any]:
        return orders.order(sales_of(case.document), self._company)

    def ids(self, row: _Row) -> Ids:
        names = ("OrderUniquifier", "OrderNumber")
        return tuple((name, found) for name in names if (found := text(row.get(name))))

    def is_it(self, document: SalesDocument, row: _Row) -> bool:
        return text(row.get("OrderNumber")) == document.reference

    async def states(self, api: WebApi, rows: Sequence[_Row]) -> Callable[[_Row, bool], Working | Present]:
        return lambda row, ours: Present(self.ids(row), orders.shown_order(row), ours=ours)


class InvoicingOrders(SalesOrders):
    """Orders that ship and invoice themselves. The invoice reaches receivables at the company's own day end."""

    kind = Kind.INVOICE
    relieves_stock = True
    requests = "5"

    async def states(self, api: WebApi, rows: Sequence[_Row]) -> Callable[[_Row, bool], Working | Present]:
        invoices = await self._invoices(api, [text(row.get("OrderNumber")) for row in rows])
        keys = [
            numbered(text(row.get("CustomerNumber")), text(row.get("InvoiceNumber")))
            for found in invoices.values()
            for row in found
        ]
        posted = await posted_documents(api, keys)

        def state(row: _Row, ours: bool) -> Working | Present:  # noqa: FBT001 - as it is handed on
            order = text(row.get("OrderNumber"))
            made = invoices.get(order, [])
            if len(made) != 1:
                how = "made no invoice" if not made else f"made {len(made)} invoices"
                return Working(self.ids(row), f"Order {order} is there and {how}: see to it in Sage.", by_person=True)
            number = text(made[0].get("InvoiceNumber"))
            ids = (*self.ids(row), ("InvoiceNumber", number), ("DocumentNumber", number))
            booked = posted.get((text(made[0].get("CustomerNumber")), number))
            if booked is None:
                why = f"Order {order} is invoiced as {number}; receivables have it after the company's day end and its posting."
                return Working(ids, why, by_person=True)
            return Present(ids, orders.shown_invoice(made[0], booked), ours=ours)

        return state

    async def _invoices(self, api: WebApi, numbers: Sequence[str]) -> Mapping[str, list[dict[str, Any]]]:
        """Invoices by the order that made them."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)

        def of(some: Sequence[str]) -> str:
            return any_of([equal("OrderNumber", number) for number in some])

        for some in fitting(numbers, lambda some: address(_INVOICES, orders.INVOICE_FIELDS, of(some))):
            rows = await api.rows(
                "read invoices", _INVOICES, key=("InvoiceUniquifier",), select=orders.INVOICE_FIELDS, condition=of(some)
            )
            for row in rows:
                found[text(row.get("OrderNumber"))].append(row)
        return found
