"""What all batches of documents have in common: numbers, entries, their life cycle, posting (dossier, sections 1, 11, 14).

Open -> ReadyToPost -> (PostInProgress) -> Posted; a person may delete a batch that is not posted. Creating is not posting,
and whoever posts "all ready batches" posts everybody's. Entries that cannot be posted go to a new open batch.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta

from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import SageError, field_invalid, no_record, rejected
from ml_connector.sandbox.sage_300.records import each_row
from ml_connector.sandbox.sage_300.schema import Row, blank

OPEN, READY, POSTED, IN_PROGRESS, DELETED = "Open", "ReadyToPost", "Posted", "PostInProgress", "Deleted"


class BatchRoom(ABC):
    """Batches of one resource. Every method is called inside a transaction."""

    resource: str
    status = "BatchStatus"
    sequence = "PostingSequenceNumber"
    printed = "BatchPrintedFlag"
    entries: str
    entry_model: str
    edited = "DateLastEdited"
    #: What a client may send and the company computes itself, placeholders of keys among it.
    computed: frozenset[str]

    def __init__(self, context: Context) -> None:
        self._context = context
        self._records = context.records
        context.records.book.create("postings", "resource TEXT, key TEXT, due TEXT, PRIMARY KEY (resource, key)")
        context.records.book.create("locked_batches", "resource TEXT, key TEXT, PRIMARY KEY (resource, key)")

    # --- what differs --------------------------------------------------------------------------------------------------

    @abstractmethod
    def _new(self, sent: Row) -> Row:
        """A batch with its number and the header as sent, without entries."""

    @abstractmethod
    def _entry(self, batch: Row, entry: Row, sent: Row) -> None:
        """Put an entry, new or known, and see that the rules let it in. Raises :class:`SageError`."""

    @abstractmethod
    def _total(self, batch: Row) -> None:
        """Totals of a batch whose entries changed."""

    @abstractmethod
    def _check_posting(self, batch: Row, entry: Row) -> None:
        """See that an entry can be posted now. Raises :class:`SageError`."""

    @abstractmethod
    def _post_entries(self, batch: Row, entries: Sequence[Row], sequence: int) -> None:
        """Write what posting these entries means."""

    # --- what a client does --------------------------------------------------------------------------------------------

    def create(self, sent: Row, *, fails_at: int | None = None) -> Row:
        """A new batch; every POST opens one (dossier, section 11.2). Its keys are the company's own.

        ``fails_at``: the entry, counted from 0, at which something goes wrong (fault ``partial_batch``).
        """
        batch = self._new(sent)
        self._records.insert(self.resource, batch)
        try:
            for number, one in enumerate(_sent_rows(sent, self.entries)):
                if number == fails_at:
                    raise rejected("The entry was not accepted.")
                self._add_entry(batch, one)
        except SageError as error:
            self._total(batch)
            self._records.save(self.resource, batch)
            kept = self._context.switches.text("failed_batch") == "part_filled"
            raise SageError(error.status, error.code, error.message, keeps=kept) from error
        self._total(batch)
        if self._context.switches.on("ready_in_post"):
            self._mark(batch, self._wanted_status(sent))
        self._records.save(self.resource, batch)
        return batch

    def change(self, batch: Row, sent: Row) -> None:
        """PATCH: header, entries by ``UpdateOperation``, and the status. Raises 409 once the batch is posted."""
        self._demand_unlocked(batch)
        if batch[self.status] not in (OPEN, READY):
            raise rejected(f"The batch is {batch[self.status]} and cannot be changed.")
        header = {name: value for name, value in sent.items() if name not in (self.status, "ReadyToPost")}
        if batch[self.status] == READY and self._wanted_status(sent) != OPEN and set(header) - self.computed:
            raise rejected("The batch is ready to post and cannot be changed.")
        self._context.puts.put(batch, header, self._context.schema.model_of(self.resource), ignored=self.computed)
        for one in _sent_rows(sent, self.entries):
            self._change_entry(batch, one)
        self._total(batch)
        self._mark(batch, self._wanted_status(sent))
        batch[self.edited] = self._context.today()
        self._records.save(self.resource, batch)

    def process(self, first: str, last: str, now: datetime) -> None:
        """Post the batches from key ``first`` to ``last`` that are ready; others are passed over (section 11.4).

        Keys are as the ledger sorts them, both inclusive.
        """
        found = self._records.select(self.resource, "key BETWEEN ? AND ?", [first, last])
        ready = [row for row in found if row[self.status] == READY]
        for batch in ready:
            self._demand_unlocked(batch)
            if self._context.switches.on("print_before_posting") and batch[self.printed] != "Yes":
                raise rejected("The batch must be printed before it is posted.")
        seconds = self._context.switches.number("posting_s")
        for batch in ready:
            if not seconds:
                self.post(batch)
                continue
            batch[self.status] = IN_PROGRESS
            self._records.save(self.resource, batch)
            due = (now + timedelta(seconds=seconds)).isoformat()
            self._records.book.execute(
                "INSERT OR REPLACE INTO {postings} VALUES (?, ?, ?)", (self.resource, self.key_text(batch), due)
            )

    # --- what the company does -----------------------------------------------------------------------------------------

    def finish_due(self, now: datetime) -> None:
        """Postings in progress whose time is over are done."""
        found = self._records.book.rows(
            "SELECT key FROM {postings} WHERE resource = ? AND due <= ?", (self.resource, now.isoformat())
        )
        for row in found:
            self._records.book.execute(
                "DELETE FROM {postings} WHERE resource = ? AND key = ?", (self.resource, row["key"])
            )
            self.post(self.by_key_text(row["key"]))

    def post(self, batch: Row) -> None:
        """Post a batch: good entries are written, the others move to a new open batch."""
        good: list[Row] = []
        bad: list[Row] = []
        for entry in each_row(batch, self.entries):
            try:
                self._check_posting(batch, entry)
            except SageError:
                bad.append(entry)
            else:
                good.append(entry)
        number = self._records.next_number(f"{self.resource} posting")
        self._post_entries(batch, good, number)
        if bad:
            self._move_to_error_batch(batch, bad)
        batch.update({self.status: POSTED, self.sequence: number, "NumberOfErrors": len(bad)})
        batch[self.edited] = self._context.today()
        self._records.save(self.resource, batch)

    def set_status(self, batch: Row, status: str) -> None:
        """A person's or the company's own change of status."""
        batch[self.status] = status
        batch[self.edited] = self._context.today()
        self._records.save(self.resource, batch)

    def lock(self, batch: Row, *, locked: bool) -> None:
        """Somebody has the batch open on a screen, or has closed it."""
        values = (self.resource, self.key_text(batch))
        if locked:
            self._records.book.execute("INSERT OR IGNORE INTO {locked_batches} VALUES (?, ?)", values)
        else:
            self._records.book.execute("DELETE FROM {locked_batches} WHERE resource = ? AND key = ?", values)

    def key_text(self, batch: Row) -> str:
        """The batch's key as one text."""
        return " ".join(str(batch[name]) for name in self._context.schema.resources[self.resource].key)

    def by_key_text(self, key: str) -> Row:
        """The batch with that key. Raises 404."""
        found = self._records.get(self.resource, *self._typed(key.split(" ")))
        if found is None:
            raise no_record()
        return found

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _typed(self, key: Sequence[str]) -> list[object]:
        model = self._context.schema.model_of(self.resource)
        names = self._context.schema.resources[self.resource].key
        return [
            int(part) if model.by_name[name].kind == "decimal" else part for name, part in zip(names, key, strict=True)
        ]

    def _wanted_status(self, sent: Row) -> str | None:
        """The status that a body asks for, None where it asks for none."""
        wanted = sent.get(self.status)
        return None if wanted is None else str(wanted)

    def _mark(self, batch: Row, wanted: str | None) -> None:
        if wanted is None or wanted == batch[self.status]:
            return
        if {wanted, batch[self.status]} != {OPEN, READY}:
            raise field_invalid(f"A batch cannot go from {batch[self.status]} to {wanted}.")
        batch[self.status] = wanted

    def _add_entry(self, batch: Row, sent: Row) -> None:
        entry = blank(self._context.model(self.entry_model))
        entry["EntryNumber"] = self._next_entry(batch)
        for name in ("BatchNumber", "BatchType"):
            if name in entry:
                entry[name] = batch.get("BatchRecordType", entry[name]) if name == "BatchType" else batch[name]
        self._entry(batch, entry, sent)
        each_row(batch, self.entries).append(entry)

    def _next_entry(self, batch: Row) -> object:
        """Entry numbers count from 1 and are not used again."""
        return 1 + max((int(str(entry["EntryNumber"])) for entry in each_row(batch, self.entries)), default=0)

    def _change_entry(self, batch: Row, sent: Row) -> None:
        model = self._context.model(self.entry_model)
        found = self._context.puts.existing(each_row(batch, self.entries), sent, model, ("EntryNumber",))
        if found is None:
            self._add_entry(batch, sent)
        elif sent.get("UpdateOperation") == "Delete":
            each_row(batch, self.entries).remove(found)
        else:
            self._entry(batch, found, sent)

    def _demand_unlocked(self, batch: Row) -> None:
        values = (self.resource, self.key_text(batch))
        if self._records.book.row("SELECT 1 FROM {locked_batches} WHERE resource = ? AND key = ?", values) is not None:
            raise rejected("The batch is being edited by another user.")

    def _move_to_error_batch(self, batch: Row, entries: Sequence[Row]) -> None:
        """The entry that stays behind names batch and entry of its copy (dossier, section 11.4)."""
        model = self._context.schema.model_of(self.resource)
        sent: Row = {name: batch[name] for name in ("BatchRecordType", "BankCode") if name in model.by_name}
        new = self._new({**sent, "Description": batch["Description"]})
        for number, entry in enumerate(entries, start=1):
            moved = copy.deepcopy(entry)
            _renumber(moved, new["BatchNumber"], self._entry_number(number))
            each_row(new, self.entries).append(moved)
            entry.update(ErrorBatch=int(str(new["BatchNumber"])), ErrorEntry=number)
        self._total(new)
        self._records.insert(self.resource, new)

    def _entry_number(self, number: int) -> object:
        return number


def _renumber(row: Row, batch: object, entry: object) -> None:
    """An entry and every row in it belong to another batch from now on."""
    row.update({name: value for name, value in (("BatchNumber", batch), ("EntryNumber", entry)) if name in row})
    for rows in row.values():
        for each in rows if isinstance(rows, list) else ():
            _renumber(each, batch, entry)


def _sent_rows(sent: Row, name: str) -> list[Row]:
    return each_row(sent, name) if name in sent else []
