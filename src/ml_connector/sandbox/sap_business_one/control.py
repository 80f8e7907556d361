"""What people and accidents do to the company, for tests: as methods, and over loopback as ``POST /_control/<act>``.

The control path stands beside the simulated API, under the system's own prefix, and answers only to this machine. Its body
is a JSON object with the act's arguments, its answer ``{"result": ...}``; ``GET /_control`` lists the acts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.company import USERNAME, set_rate
from ml_connector.sandbox.sap_business_one.context import Context
from ml_connector.sandbox.sap_business_one.desk import SETS as DESK_SETS
from ml_connector.sandbox.sap_business_one.errors import not_found
from ml_connector.sandbox.sap_business_one.query import with_collections
from ml_connector.sandbox.sap_business_one.schema import Row
from ml_connector.sandbox.sap_business_one.sessions import Sessions
from ml_connector.sandbox.sap_business_one.values import accepted

LOOPBACK = frozenset({"127.0.0.1", "::1"})


class Control:
    """One company in the hands of a test. Codes and numbers are the company's own; amounts are decimal text or Decimal."""

    def __init__(self, context: Context, sessions: Sessions) -> None:
        self._context = context
        self._sessions = sessions

    def acts(self) -> dict[str, Callable[..., object]]:
        """Everything that can be asked for over the control path."""
        acts = (
            self.nudge_line,
            self.cancel_entry,
            self.plant_entry,
            self.lose_entry,
            self.entries,
            self.trial_balance,
            self.set_period,
            self.freeze_account,
            self.set_rate,
            self.move_stock,
            self.set_price,
            self.edit,
            self.enter,
            self.plant_document,
            self.cancel_document,
            self.nudge_document,
            self.lose_document,
            self.approve,
            self.save_draft,
            self.remove_draft,
            self.documents,
            self.refuse_by_procedure,
            self.forbid,
            self.lock_user,
            self.change_password,
            self.end_sessions,
            self.fail_over,
            self.restart,
            self.drop_user_field,
        )
        return {act.__name__: act for act in acts}

    def nudge_line(self, jdt_num: int, line_id: int, by: Decimal | str = "0.01") -> None:
        """Change the amount of one line in the ledger itself; the entry no longer balances."""
        with self._context.tables.book.transaction():
            self._context.journal.nudge(jdt_num, line_id, Decimal(by))

    def cancel_entry(self, jdt_num: int) -> int:
        """A person reverses an entry; the JdtNum of the reversing one."""
        with self._context.tables.book.transaction():
            return self._context.journal.cancel(jdt_num)

    def plant_entry(self, entry: Mapping[str, object]) -> int:
        """A person types an entry by hand, in the form of a POST body; its JdtNum."""
        schema = self._context.schema
        with self._context.tables.book.transaction():
            return self._context.journal.post(accepted(entry, schema.types["JournalEntry"], schema))

    def lose_entry(self, jdt_num: int, *, rows_too: bool = True) -> None:
        """The company's database was restored from an older copy, without this entry and the rows of user tables named for it.

        With ``rows_too`` false those rows stay, as after a repair by hand.
        """
        context = self._context
        with context.tables.book.transaction():
            entry = context.tables.one(context.schema.types["JournalEntry"], {"JdtNum": jdt_num}) or {}
            context.journal.vanish(jdt_num)
            if rows_too:
                self._lose_rows({entry["Reference3"]})

    def entries(self) -> list[dict[str, object]]:
        """Every entry with its lines, as the ledger holds it, in order of JdtNum."""
        context = self._context
        entry_type = context.schema.types["JournalEntry"]
        rows = with_collections(context.tables, context.schema, entry_type, context.tables.select(entry_type))
        return [context.renderer.row(entry_type, row, context.schema) for row in rows]

    def trial_balance(self) -> list[dict[str, object]]:
        """Debit, credit and balance of every account posted to, local currency."""
        return [
            {"account": each.account, "debit": each.debit, "credit": each.credit, "balance": each.balance}
            for each in self._context.journal.trial_balance()
        ]

    def refuse_by_procedure(self, entity_set: str, words: str = "") -> None:
        """The customer's own procedure in the database refuses whatever is posted to a set, with these words; "" ends that."""
        if words:
            self._context.notifications[entity_set] = words
        else:
            self._context.notifications.pop(entity_set, None)

    def forbid(self, entity_set: str, *, forbidden: bool = True) -> None:
        """Take the connector's user the right to a set away, or give it back (dossier, section 3.6)."""
        (self._context.forbidden.add if forbidden else self._context.forbidden.discard)(entity_set)

    def set_period(self, day: str, status: str = "ltLocked") -> None:
        """Set the status of the posting period that holds a day: ltLocked, ltUnlocked, ltUnlockedExceptSales, ltPeriodClosing."""
        member = self._context.schema.enums["PeriodStatusEnum"].member(status)
        cursor = self._context.tables.book.execute(
            'UPDATE {OFPR} SET "PeriodStatus" = ?, "Locked" = ? WHERE "PostingDateFrom" <= ? AND "PostingDateTo" >= ?',
            (member, "tYES" if member == "ltLocked" else "tNO", day, day),
        )
        if member is None or not cursor.rowcount:
            raise not_found()

    def freeze_account(self, code: str, *, frozen: bool = True) -> None:
        """Freeze an account, or thaw it."""
        account = self._context.schema.types["ChartOfAccount"]
        change: Row = {"FrozenFor": "tYES" if frozen else "tNO"}
        if not self._context.tables.update(account, {"Code": code}, change):
            raise not_found()

    def set_rate(self, currency: str, day: str, rate: Decimal | str | None) -> None:
        """The exchange rate of one day ("" for every other day); None takes it away."""
        set_rate(self._context.tables, currency, day, None if rate is None else Decimal(rate))

    def move_stock(self, item_code: str, warehouse: str, by: Decimal | str) -> None:
        """Goods come or go without a document that anybody here sees; the item's UpdateDate stays (switch)."""
        with self._context.tables.book.transaction():
            self._context.stock.move(item_code, warehouse, Decimal(by))

    def set_price(self, item_code: str, price_list: int, price: Decimal | str, currency: str = "USD") -> None:
        """A person changes a price in the price list; lists derived from it follow, the item's UpdateDate stays (switch)."""
        context = self._context
        with context.tables.book.transaction():
            context.prices.set_price(item_code, price_list, Decimal(price), currency)
            if context.switches.on("price_touches_items"):
                now: Row = {"UpdateDate": context.wall.day(), "UpdateTime": context.wall.time()}
                context.tables.update(context.schema.types["Item"], {"ItemCode": item_code}, now)

    def edit(self, entity_set: str, key: Mapping[str, object], changes: Mapping[str, object]) -> None:
        """A person changes a row of master data or the texts of a document, in the form of a PATCH body."""
        context = self._context
        kind = context.schema.sets[entity_set]
        entity = context.type_of(kind)
        with context.tables.book.transaction():
            row = context.tables.one(entity, dict(key))
            if row is None:
                raise not_found()
            sent = accepted(changes, entity, context.schema)
            if entity_set in DESK_SETS:
                context.desk.change(entity_set, row, sent)
            else:
                context.masters.change(kind, row, sent, replace_collections=False)

    def enter(self, entity_set: str, row: Mapping[str, object]) -> None:
        """A person enters a new row of master data, in the form of a POST body."""
        context = self._context
        kind = context.schema.sets[entity_set]
        with context.tables.book.transaction():
            context.masters.create(kind, accepted(row, context.type_of(kind), context.schema))

    def plant_document(self, entity_set: str, document: Mapping[str, object]) -> int:
        """A person types a document or payment by hand, in the form of a POST body; its DocEntry."""
        schema = self._context.schema
        with self._context.tables.book.transaction():
            sent = accepted(document, schema.of_set(entity_set), schema)
            return self._context.desk.create(entity_set, sent, by_person=True).entry

    def cancel_document(self, entity_set: str, doc_entry: int) -> None:
        """A person cancels a document or payment."""
        context = self._context
        with context.tables.book.transaction():
            row = context.tables.one(context.schema.of_set(entity_set), {"DocEntry": doc_entry})
            if row is None:
                raise not_found()
            context.desk.act(entity_set, row, "Cancel")

    def nudge_document(self, entity_set: str, doc_entry: int, by: Decimal | str = "0.01") -> None:
        """Change the total of a document or payment in the database itself; the books are not told."""
        with self._context.tables.book.transaction():
            self._context.accidents.nudge(entity_set, doc_entry, Decimal(by))

    def lose_document(self, entity_set: str, doc_entry: int, *, rows_too: bool = True) -> None:
        """The company's database was restored from an older copy, without this document, its entry and what it settled.

        Rows of user tables that are named as one of its user fields says are lost too, unless ``rows_too`` is false.
        """
        context = self._context
        with context.tables.book.transaction():
            row = context.tables.one(context.schema.of_set(entity_set), {"DocEntry": doc_entry}) or {}
            context.accidents.lose(entity_set, doc_entry)
            if rows_too:
                self._lose_rows({value for name, value in row.items() if name.startswith("U_") and value})

    def _lose_rows(self, names: Collection[object]) -> None:
        """Rows of user tables with these names were never there."""
        context = self._context
        for table in context.tables.select(context.schema.types["UserTablesMD"]):
            for name in names:
                context.tables.delete(f"U_{table['TableName']}", {"Name": name})

    def approve(
        self, doc_entry: int, entity_set: str = "Drafts", *, approved: bool = True, generate: bool = False
    ) -> int | None:
        """A person decides on a draft that waits and, where ``generate``, makes its document; its DocEntry."""
        with self._context.tables.book.transaction():
            return self._context.desk.approve(entity_set, doc_entry, approved=approved, generate=generate)

    def save_draft(self, doc_entry: int, entity_set: str = "Drafts") -> int | None:
        """A person opens a draft, one that no procedure holds back, and adds it as the document that it is of; its DocEntry."""
        with self._context.tables.book.transaction():
            return self._context.desk.save(entity_set, doc_entry)

    def remove_draft(self, doc_entry: int, entity_set: str = "Drafts") -> None:
        """A person throws a draft away: nothing is left of it."""
        context = self._context
        with context.tables.book.transaction():
            row = context.tables.one(context.schema.of_set(entity_set), {"DocEntry": doc_entry})
            if row is None:
                raise not_found()
            context.desk.remove(entity_set, row)

    def documents(self, entity_set: str, *, bare: bool = False) -> list[dict[str, object]]:
        """Every row of a set with its collections (``bare``: with none in them), as the database holds it, in order of its key."""
        context = self._context
        entity = context.schema.of_set(entity_set)
        rows = context.tables.select(entity)
        if bare:
            rows = [{**row, **{each.name: [] for each in entity.collections}} for row in rows]
        else:
            rows = with_collections(context.tables, context.schema, entity, rows)
        return [context.renderer.row(entity, row, context.schema) for row in rows]

    def lock_user(self, *, locked: bool = True) -> None:
        """Lock the connector's user, or unlock it."""
        self._sessions.lock(USERNAME, locked=locked)

    def change_password(self, password: str) -> None:
        """The connector's user gets another password."""
        self._context.tables.book.execute(
            'UPDATE {passwords} SET "Password" = ? WHERE "UserCode" = ?', (password, USERNAME)
        )

    def end_sessions(self) -> None:
        """Every session ends now."""
        self._sessions.end_all()

    def fail_over(self) -> None:
        """A node dies; its sessions go on, on the other one."""
        self._sessions.fail_over()

    def restart(self) -> None:
        """The server starts again: sessions end, new user tables and fields are seen."""
        self._sessions.end_all()
        self._context.catalog.restart()

    def drop_user_field(self, table: str, name: str) -> None:
        """A person removes a user field with everything it held."""
        field = self._context.tables.select(
            self._context.schema.types["UserFieldMD"], '"TableName" = ? AND "Name" = ?', [table, name]
        )
        if not field:
            raise not_found()
        with self._context.tables.book.transaction():
            self._context.catalog.remove_field({"TableName": table, "FieldID": field[0]["FieldID"]})
        self._context.catalog.restart()


def describe(acts: Mapping[str, Callable[..., object]]) -> dict[str, str]:
    """Each act with its arguments and its sentence."""
    return {
        name: f"{inspect.signature(act)}: {(inspect.getdoc(act) or '').splitlines()[0]}" for name, act in acts.items()
    }
