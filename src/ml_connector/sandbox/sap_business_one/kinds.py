"""What tells one kind of marketing document from another, as data (dossier, section 6.3)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document.

    ``code``: its object code, ``object``: the BoObjectTypes member, ``origin``: the TransTypesEnum of its entries, "" where
    it writes none. ``receivable``: +1 where it raises what the customer owes, -1 where it lowers it. ``stock``: -1 where
    goods leave, +1 where they come. ``commits``: it promises stock. ``trades``: it has a customer, prices and tax.
    ``bases``: object codes it may be copied from. ``title`` begins the default text of its entry.
    """

    set: str
    table: str
    code: int
    object: str
    origin: str
    title: str
    receivable: int = 0
    stock: int = 0
    commits: bool = False
    trades: bool = True
    bases: tuple[int, ...] = ()
    first_entry: int = 1

    @property
    def lines(self) -> str:
        """The table of its lines, as refusals name it."""
        return f"{self.table[1:]}1"


INVOICE = Kind(
    "Invoices", "OINV", 13, "oInvoices", "ttARInvoice", "A/R Invoices", 1, -1, bases=(15, 17), first_entry=4711
)
CREDIT_NOTE = Kind(
    "CreditNotes", "ORIN", 14, "oCreditNotes", "ttARCredItnote", "A/R Credit Memos", -1, 1, bases=(13,), first_entry=611
)
DELIVERY = Kind(
    "DeliveryNotes", "ODLN", 15, "oDeliveryNotes", "ttDelivery", "Deliveries", 0, -1, bases=(17,), first_entry=901
)
ORDER = Kind("Orders", "ORDR", 17, "oOrders", "", "Sales Orders", commits=True, first_entry=2001)
GOODS_RECEIPT = Kind(
    "InventoryGenEntries",
    "OIGN",
    59,
    "oInventoryGenEntry",
    "ttGeneralReceiptToStock",
    "Goods Receipt",
    stock=1,
    trades=False,
    first_entry=71,
)
GOODS_ISSUE = Kind(
    "InventoryGenExits",
    "OIGE",
    60,
    "oInventoryGenExit",
    "ttGeneralReleaseFromStock",
    "Goods Issue",
    stock=-1,
    trades=False,
    first_entry=91,
)

KINDS = (INVOICE, CREDIT_NOTE, DELIVERY, ORDER, GOODS_RECEIPT, GOODS_ISSUE)
BY_SET = {kind.set: kind for kind in KINDS}
BY_CODE = {kind.code: kind for kind in KINDS}
BY_OBJECT = {kind.object: kind for kind in KINDS}
