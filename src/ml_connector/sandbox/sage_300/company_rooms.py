"""The rooms of one company, joined: what a request or a person's act may need."""

from __future__ import annotations

from dataclasses import dataclass

from ml_connector.sandbox.sage_300.batches import BatchRoom
from ml_connector.sandbox.sage_300.calendar import Calendar
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.day_end import DayEnd
from ml_connector.sandbox.sage_300.general_ledger import JournalBatches
from ml_connector.sandbox.sage_300.inventory import Inventory
from ml_connector.sandbox.sage_300.ledger_entries import Subledger
from ml_connector.sandbox.sage_300.masters import Masters
from ml_connector.sandbox.sage_300.money import Money, Taxes
from ml_connector.sandbox.sage_300.notes import Notes
from ml_connector.sandbox.sage_300.orders import Orders
from ml_connector.sandbox.sage_300.receipts import ReceiptBatches
from ml_connector.sandbox.sage_300.receivables import InvoiceBatches, Rooms
from ml_connector.sandbox.sage_300.sales_lines import Sales
from ml_connector.sandbox.sage_300.security import Security


@dataclass(frozen=True, slots=True)
class Company:
    """Everything behind one company's address."""

    context: Context
    calendar: Calendar
    ledger: JournalBatches
    subledger: Subledger
    invoices: InvoiceBatches
    receipts: ReceiptBatches
    inventory: Inventory
    orders: Orders
    notes: Notes
    day_end: DayEnd
    masters: Masters
    security: Security

    @property
    def batch_rooms(self) -> dict[str, BatchRoom]:
        """The rooms that keep batches, by resource."""
        return {room.resource: room for room in (self.ledger, self.invoices, self.receipts)}


def assemble(context: Context) -> Company:
    """The rooms over one context; their tables are made where they are not there yet."""
    calendar = Calendar(context)
    calendar.create_tables()
    money = Money(context)
    taxes = Taxes(context, money)
    ledger = JournalBatches(context, calendar, money)
    subledger = Subledger(context.records.book, ledger, context.switches.text("ledger_from_receivables"))
    rooms = Rooms(calendar, money, taxes, ledger, subledger)
    invoices = InvoiceBatches(context, rooms)
    inventory = Inventory(context)
    sales = Sales(calendar, money, taxes, inventory)
    notes = Notes(context, sales)
    return Company(
        context,
        calendar,
        ledger,
        subledger,
        invoices,
        ReceiptBatches(context, rooms),
        inventory,
        Orders(context, sales),
        notes,
        DayEnd(context, inventory, notes, invoices),
        Masters(context),
        Security(context.records.book, context.switches),
    )
