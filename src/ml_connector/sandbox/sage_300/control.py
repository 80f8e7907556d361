"""What people and accidents do to the company, for tests: as methods, and over loopback as ``POST /_control/<act>``.

The control path stands beside the simulated API, under the system's own prefix, and answers only to this machine. Its body
is a JSON object with the act's arguments, its answer ``{"result": ...}``; ``GET /_control`` lists the acts.

Batches are named by kind and number: ``GL`` journal batches, ``AR`` invoice batches, ``CA`` receipts, ``AD`` adjustments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import DELETED, OPEN, POSTED, READY, BatchRoom
from ml_connector.sandbox.sage_300.company_rooms import Company
from ml_connector.sandbox.sage_300.context import HOME_CURRENCY
from ml_connector.sandbox.sage_300.errors import no_record, rejected
from ml_connector.sandbox.sage_300.general_ledger import padded_batch
from ml_connector.sandbox.sage_300.money import RATE_TYPE
from ml_connector.sandbox.sage_300.people import edit_first_line, nudge_entry, nudge_sale
from ml_connector.sandbox.sage_300.records import each_row
from ml_connector.sandbox.sage_300.schema import Row
from ml_connector.sandbox.sage_300.security import USERNAME
from ml_connector.sandbox.sage_300.values import Reader
from ml_connector.sandbox.sage_300.wire import Renderer

LOOPBACK = frozenset({"127.0.0.1", "::1"})


class Control:
    """One company in the hands of a test. Codes and numbers are the company's own; amounts are decimal text or Decimal."""

    def __init__(self, company: Company, now: Callable[[], datetime]) -> None:
        self._company = company
        self._context = company.context
        self._records = company.context.records
        self._now = now
        self._renderer = Renderer(company.context.schema, company.context.switches)
        self._reader = Reader(company.context.schema, 0)

    def acts(self) -> dict[str, Callable[..., object]]:
        """Everything that can be asked for over the control path."""
        acts = (
            self.post_batch, self.delete_batch, self.edit_batch, self.describe_batch, self.mark_batch, self.lock_batch,
            self.print_batch, self.plant_batch, self.reverse_batch, self.nudge_line, self.nudge_entry, self.plant_order,
            self.plant_note, self.nudge_sale, self.lose_batch, self.purge_batch, self.notes,
            self.batches, self.documents, self.transactions, self.orders, self.invoices, self.trial_balance,
            self.set_period, self.inactivate_account, self.set_customer, self.set_stock, self.set_rate, self.day_end,
            self.set_day_end_running, self.set_rights, self.lock_user, self.change_password,
            self.records, self.enter, self.edit,
        )  # fmt: skip
        return {act.__name__: act for act in acts}

    # --- batches -------------------------------------------------------------------------------------------------------

    def post_batch(self, kind: str, number: int | str) -> None:
        """A person marks a batch ready and posts it."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            if batch[room.status] not in (OPEN, READY):
                raise rejected(f"The batch is {batch[room.status]}.")
            room.post(batch)

    def delete_batch(self, kind: str, number: int | str) -> None:
        """A person deletes a batch that is not posted; it stays, with the status Deleted."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            if batch[room.status] == POSTED:
                raise rejected("A posted batch is not deleted.")
            room.set_status(batch, DELETED)

    def edit_batch(self, kind: str, number: int | str, by: Decimal | str = "0.01") -> None:
        """A person changes the first amount of an open GL or AR batch."""
        with self._records.book.transaction():
            edit_first_line(self._company, *self._batch(kind, number), Decimal(by))

    def describe_batch(self, kind: str, number: int | str, description: str) -> None:
        """A person changes a batch's description."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            batch["Description"] = description
            self._records.save(room.resource, batch)

    def mark_batch(self, kind: str, number: int | str, status: str = READY) -> None:
        """A person marks a batch ReadyToPost, or Open again."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            room.set_status(batch, status)

    def lock_batch(self, kind: str, number: int | str, *, locked: bool = True) -> None:
        """Somebody has the batch open on a screen, or has closed it."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            room.lock(batch, locked=locked)

    def print_batch(self, kind: str, number: int | str) -> None:
        """A person prints the batch listing."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            batch[room.printed] = "Yes"
            self._records.save(room.resource, batch)

    def plant_batch(self, kind: str, batch: Mapping[str, object]) -> object:
        """A person types a batch, in the form of a POST body; its number."""
        with self._records.book.transaction():
            room = self._room(kind)
            sent = self._reader.read(batch, self._context.schema.model_of(room.resource))
            return room.create(sent)["BatchNumber"]

    def reverse_batch(self, number: int | str) -> str:
        """A person posts the opposite of a posted GL batch; its number."""
        with self._records.book.transaction():
            return self._company.ledger.reverse(padded_batch(number))

    def nudge_line(self, number: int | str, line: int = 0, by: Decimal | str = "0.01") -> None:
        """Change an amount of a GL batch's first entry in the ledger itself; the entry no longer balances."""
        with self._records.book.transaction():
            self._company.ledger.nudge(padded_batch(number), line, Decimal(by))

    def nudge_entry(self, kind: str, number: int | str, by: Decimal | str = "0.01") -> None:
        """Change the amount of the first entry of a posted AR or CA batch, in the batch and in what it posted."""
        with self._records.book.transaction():
            nudge_entry(self._context, *self._batch(kind, number), Decimal(by))

    def plant_order(self, order: Mapping[str, object]) -> str:
        """A person enters an order, in the form of a POST body; its number."""
        with self._records.book.transaction():
            model = self._context.schema.model_of("OEOrders")
            return str(self._company.orders.create(self._reader.read(order, model))["OrderNumber"])

    def plant_note(self, note: Mapping[str, object]) -> str:
        """A person enters a credit note, in the form of a POST body; its number."""
        with self._records.book.transaction():
            model = self._context.schema.model_of("OECreditDebitNotes")
            return str(self._company.notes.create(self._reader.read(note, model))["CreditDebitNoteNumber"])

    def nudge_sale(self, resource: str, order: str, by: Decimal | str = "0.01") -> None:
        """Change the first amount of every OEOrders, OEInvoices or OECreditDebitNotes record of an order number."""
        with self._records.book.transaction():
            nudge_sale(self._context, resource, order, Decimal(by))

    def lose_batch(self, kind: str, number: int | str) -> None:
        """The company's database was restored from an older copy, without this GL or AR batch."""
        with self._records.book.transaction():
            if kind == "GL":
                self._company.ledger.vanish(padded_batch(number))
            elif kind == "AR":
                self._company.invoices.vanish(int(number))
            else:
                raise rejected("Only GL and AR batches are lost here.")

    def purge_batch(self, number: int | str, kind: str = "GL") -> None:
        """A person clears the history of a posted batch; what it posted stays."""
        with self._records.book.transaction():
            room, batch = self._batch(kind, number)
            if batch[room.status] != POSTED:
                raise rejected("Only posted batches are cleared.")
            key = self._context.schema.resources[room.resource].key
            self._records.delete(room.resource, *(batch[name] for name in key))

    # --- what the company holds ----------------------------------------------------------------------------------------

    def batches(self, kind: str) -> list[dict[str, object]]:
        """Every batch of a kind with its entries, as the company holds it."""
        rows = self._all(self._room(kind).resource)
        return [row for row in rows if row.get("BatchRecordType", kind) == kind]

    def documents(self) -> list[dict[str, object]]:
        """Every posted document of accounts receivable."""
        return self._all("ARPostedDocuments")

    def transactions(self) -> list[dict[str, object]]:
        """Every posted line of the general ledger."""
        return self._all("GLPostedTransactions")

    def orders(self) -> list[dict[str, object]]:
        """Every order."""
        return self._all("OEOrders")

    def invoices(self) -> list[dict[str, object]]:
        """Every invoice of order entry."""
        return self._all("OEInvoices")

    def notes(self) -> list[dict[str, object]]:
        """Every credit and debit note of order entry."""
        return self._all("OECreditDebitNotes")

    def trial_balance(self) -> list[dict[str, object]]:
        """Debit, credit and balance of every account posted to, home currency."""
        return [
            {"account": each.account, "debit": each.debit, "credit": each.credit, "balance": each.balance}
            for each in self._company.ledger.trial_balance()
        ]

    def records(self, resource: str) -> list[dict[str, object]]:
        """Everything the company holds of a resource."""
        return self._all(resource)

    # --- master data ---------------------------------------------------------------------------------------------------

    def enter(self, resource: str, body: Mapping[str, object]) -> None:
        """A person enters a record of master data, in the form of a POST body."""
        with self._records.book.transaction():
            found = self._context.schema.resources[resource]
            self._company.masters.create(found, self._reader.read(body, self._context.model_of(found)))

    def edit(self, resource: str, key: Sequence[str], changes: Mapping[str, object]) -> None:
        """A person changes a record of master data, in the form of a PATCH body."""
        with self._records.book.transaction():
            found = self._context.schema.resources[resource]
            row = self._records.get(resource, *key)
            if row is None:
                raise no_record()
            self._company.masters.change(found, row, self._reader.read(changes, self._context.model_of(found)))

    # --- settings ------------------------------------------------------------------------------------------------------

    def set_period(self, day: str, *, locked: bool = True) -> None:
        """Lock the fiscal period that holds a day, or open it."""
        with self._records.book.transaction():
            self._company.calendar.lock(day, locked=locked)

    def inactivate_account(self, code: str, *, active: bool = False) -> None:
        """Make an account inactive, or active again."""
        self._change("GLAccounts", {"Status": "Active" if active else "Inactive"}, code)

    def set_customer(self, number: str, changes: Mapping[str, object]) -> None:
        """Change properties of a customer: Status, OnHold, CheckForDuplicatePOs ..."""
        self._change("ARCustomers", dict(changes), number)

    def set_stock(self, item: str, location: str, quantity: Decimal | str) -> None:
        """Somebody counted an item (unformatted number) at a location."""
        with self._records.book.transaction():
            self._company.inventory.set_on_hand(item, location, Decimal(quantity))

    def set_rate(self, currency: str, day: str, rate: Decimal | str | None) -> None:
        """The exchange rate from a day on; None takes away every rate of the currency up to that day."""
        with self._records.book.transaction():
            table = self._context.demand("CSCurrencyRates", HOME_CURRENCY, RATE_TYPE)
            rows = each_row(table, "CurrencyRateDetail")
            mine = [row for row in rows if row["FromCurrency"] == currency and str(row["RateDate"]) <= day]
            if rate is None:
                rows[:] = [row for row in rows if row not in mine]
            else:
                rows.append({**mine[0], "RateDate": day, "Rate": Decimal(rate)})
            self._records.save("CSCurrencyRates", table)

    def day_end(self, *, post: bool = False) -> int | None:
        """The nightly run: O/E documents become an AR batch (its number), which a person posts when asked to."""
        with self._records.book.transaction():
            number = self._company.day_end.run()
            if post and number is not None:
                room, batch = self._batch("AR", number)
                room.post(batch)
            return number

    def set_day_end_running(self, *, running: bool = True) -> None:
        """Day end is running (order entry and inventory refuse everybody), or has ended."""
        self._company.day_end.running = running

    def set_rights(self, modules: Sequence[str]) -> None:
        """The connector's user has the Web API right in exactly these modules."""
        self._company.security.grant(USERNAME, modules)

    def lock_user(self, *, locked: bool = True) -> None:
        """Lock the connector's user out, or let it in again."""
        self._company.security.lock(USERNAME, locked=locked)

    def change_password(self, password: str) -> None:
        """The connector's user gets another password."""
        self._company.security.change_password(USERNAME, password)

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _room(self, kind: str) -> BatchRoom:
        rooms: dict[str, BatchRoom] = {
            "GL": self._company.ledger,
            "AR": self._company.invoices,
            "CA": self._company.receipts,
            "AD": self._company.receipts,
        }
        if kind not in rooms:
            raise rejected(f"There are no batches of kind {kind!r}; there are: {', '.join(rooms)}.")
        return rooms[kind]

    def _batch(self, kind: str, number: int | str) -> tuple[BatchRoom, Row]:
        room = self._room(kind)
        key = padded_batch(number) if kind == "GL" else str(number) if kind == "AR" else f"{kind} {number}"
        return room, room.by_key_text(key)

    def _all(self, resource: str) -> list[dict[str, object]]:
        model = self._context.schema.model_of(resource)
        return [self._renderer.row(row, model) for row in self._records.select(resource)]

    def _change(self, resource: str, changes: Mapping[str, object], key: str) -> None:
        with self._records.book.transaction():
            row = self._records.get(resource, key)
            if row is None:
                raise no_record()
            row.update(self._reader.read(changes, self._context.schema.model_of(resource)))
            self._records.save(resource, row)


def describe(acts: Mapping[str, Callable[..., object]]) -> dict[str, str]:
    """Each act with its arguments and its sentence."""
    return {
        name: f"{inspect.signature(act)}: {(inspect.getdoc(act) or '').splitlines()[0]}" for name, act in acts.items()
    }
