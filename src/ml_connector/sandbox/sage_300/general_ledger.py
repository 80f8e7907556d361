"""The general ledger: journal batches, their lines, and what posting leaves behind (dossier, section 14).

A positive amount is a debit. An entry may be out of balance until it is posted. Nothing asks whether a batch is there
already: a second one counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import OPEN, POSTED, READY, BatchRoom
from ml_connector.sandbox.sage_300.calendar import Calendar
from ml_connector.sandbox.sage_300.context import HOME_CURRENCY, Context
from ml_connector.sandbox.sage_300.errors import field_invalid, no_record
from ml_connector.sandbox.sage_300.ledger_entries import LedgerEntry
from ml_connector.sandbox.sage_300.money import RATE_TYPE, Money
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.records import amount, column, each_row, text
from ml_connector.sandbox.sage_300.schema import Row, blank

BATCHES, ACCOUNTS, TRANSACTIONS, JOURNAL = (
    "GLJournalBatches",
    "GLAccounts",
    "GLPostedTransactions",
    "GLPostingJournalDetails",
)
_ZERO = Decimal(0)
_LINE_STEP = 20
_LEDGER = "GL"


@dataclass(frozen=True, slots=True)
class Balance:
    """One line of the trial balance in home currency; ``balance`` is debit minus credit."""

    account: str
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        return self.debit - self.credit


class JournalBatches(BatchRoom):
    """Journal batches of one company. Keys are zero-padded text (dossier, section 17)."""

    resource = BATCHES
    status = "Status"
    sequence = "PostingSequence"
    printed = "Printed"
    entries = "JournalHeaders"
    entry_model = "GL.JournalHeader"
    computed = frozenset(
        {
            "BatchNumber", "Status", "ReadyToPost", "DateCreated", "DateLastEdited", "PostingSequence", "Debits", "Credits",
            "NumberOfEntries", "NextEntryNumber", "NumberOfErrors", "OriginalStatus", "Printed", "LockBatchSwitch",
            "SourceLedger", "JournalBatchType", "EligibleForEditSwitch", "EligibleForDeleteSwitch",
            "EligibleForPostingSwitch", "EligibleForPrintingSwitch", "EligibleForProvisionalPostSwitch",
        }
    )  # fmt: skip
    _entry_computed = frozenset(
        {"BatchNumber", "EntryNumber", "FiscalYear", "FiscalPeriod", "Debits", "Credits", "OutOfBalanceBy", "ErrorBatch",
         "ErrorEntry", "NumberOfDetails", "EnteredBy", "SourceCodeDescription"}
    )  # fmt: skip
    _line_computed = frozenset({"BatchNumber", "EntryNumber", "TransactionNumber", "HomeCurrency", "AcctDescription"})

    def __init__(self, context: Context, calendar: Calendar, money: Money) -> None:
        super().__init__(context)
        self._calendar = calendar
        self._money = money
        self._ready_by = context.switches.text("gl_ready_by")
        context.records.index(BATCHES, "Description")
        context.records.index(TRANSACTIONS, "AccountNumber")
        context.records.index(TRANSACTIONS, "JournalDetailReference")

    # --- sub-ledgers ---------------------------------------------------------------------------------------------------

    def take(self, entries: Sequence[LedgerEntry], description: str, *, post: bool) -> str:
        """A batch of the company's own making from a sub-ledger; its number."""
        batch = self._new({"Description": description})
        batch.update(SourceLedger=entries[0].ledger, JournalBatchType="Subledger")
        for number, taken in enumerate(entries, start=1):
            each_row(batch, self.entries).append(self._taken(batch, taken, number))
        self._total(batch)
        self._records.insert(BATCHES, batch)
        if post:
            self.set_status(batch, READY)
            self.post(batch)
        return text(batch, "BatchNumber")

    def _taken(self, batch: Row, taken: LedgerEntry, number: int) -> Row:
        entry = blank(self._context.model("GL.JournalHeader"))
        year, period = self._calendar.period(taken.day, "PostingDate")
        entry.update(BatchNumber=batch["BatchNumber"], EntryNumber=_padded(number, 5), SourceLedger=taken.ledger)
        entry.update(SourceType=taken.source_type, Description=taken.description, DocumentDate=taken.day)
        entry.update(PostingDate=taken.day, FiscalYear=year, FiscalPeriod=period)
        for place, line in enumerate(taken.lines, start=1):
            row = blank(self._context.model("GL.JournalDetail"))
            row.update(BatchNumber=batch["BatchNumber"], EntryNumber=entry["EntryNumber"])
            row.update(TransactionNumber=_padded(place * _LINE_STEP, 10), AccountNumber=line.account, Amount=line.home)
            row.update(SourceCurrencyAmount=line.source, SourceCurrency=taken.currency, CurrencyRate=taken.rate)
            row.update(HomeCurrency=HOME_CURRENCY, Description=taken.description, Reference=taken.reference)
            row.update(SourceLedger=taken.ledger, SourceType=taken.source_type, JournalDate=taken.day)
            each_row(entry, "JournalDetails").append(row)
        _total_entry(entry)
        return entry

    # --- a batch -------------------------------------------------------------------------------------------------------

    def _new(self, sent: Row) -> Row:
        batch = blank(self._context.schema.model_of(BATCHES))
        today = self._context.today()
        batch.update(
            BatchNumber=_padded(self._records.next_number("GL batch"), 6),
            SourceLedger=_LEDGER,
            JournalBatchType="Entered",
            ActiveSwitch="Yes",
            DateCreated=today,
            DateLastEdited=today,
            NextEntryNumber=1,
        )
        self._context.puts.put(batch, sent, self._context.schema.model_of(BATCHES), ignored=self.computed)
        return batch

    def _wanted_status(self, sent: Row) -> str | None:
        """Which property counts is an open question; the other one is taken without effect (dossier, section 14.2)."""
        if self._ready_by in ("ReadyToPost", "both") and "ReadyToPost" in sent:
            return READY if sent["ReadyToPost"] == "Yes" else OPEN
        return str(sent["Status"]) if self._ready_by in ("Status", "both") and "Status" in sent else None

    def _mark(self, batch: Row, wanted: str | None) -> None:
        super()._mark(batch, wanted)
        batch["ReadyToPost"] = "Yes" if batch["Status"] == READY else "No"

    def _next_entry(self, batch: Row) -> object:
        return _padded(int(str(super()._next_entry(batch))), 5)

    def _entry_number(self, number: int) -> object:
        return _padded(number, 5)

    def _total(self, batch: Row) -> None:
        entries = each_row(batch, self.entries)
        batch.update(
            Debits=sum((amount(entry, "Debits") for entry in entries), _ZERO),
            Credits=sum((amount(entry, "Credits") for entry in entries), _ZERO),
            NumberOfEntries=len(entries),
            NextEntryNumber=int(str(super()._next_entry(batch))),
        )

    # --- an entry ------------------------------------------------------------------------------------------------------

    def _entry(self, batch: Row, entry: Row, sent: Row) -> None:
        if not entry["DocumentDate"]:
            today = self._context.today()
            entry.update(SourceLedger=_LEDGER, DocumentDate=today, PostingDate=today, EnteredBy=self._context.user())
        cascade: Cascade = {"DocumentDate": lambda row: row.update(PostingDate=row["DocumentDate"])}
        self._context.puts.put(
            entry, sent, self._context.model("GL.JournalHeader"), cascade, ignored=self._entry_computed
        )
        self._source_code(entry)
        year, period = self._calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        entry.update(FiscalYear=year, FiscalPeriod=period)
        if "JournalDetails" in sent:
            self._lines(entry, each_row(sent, "JournalDetails"))
        _total_entry(entry)

    def _source_code(self, entry: Row) -> None:
        ledger, kind = text(entry, "SourceLedger"), text(entry, "SourceType")
        if ledger != _LEDGER:
            raise field_invalid(f"Source ledger {ledger} cannot be entered in G/L.")
        entry["SourceCodeDescription"] = self._context.demand("GLSourceCodes", ledger, kind)["Description"]

    def _lines(self, entry: Row, sent: Sequence[Row]) -> None:
        model, rows = self._context.model("GL.JournalDetail"), each_row(entry, "JournalDetails")
        known = list(rows)
        for one in sent:
            # In a change the number names a line that was there before; in a new entry it is a placeholder.
            named = self._context.puts.existing(known, one, model, ("TransactionNumber",)) if known else None
            if named is not None and one.get("UpdateOperation") == "Delete":
                rows.remove(named)
                continue
            line = blank(model) if named is None else named
            if named is None:
                last = max((int(text(row, "TransactionNumber")) for row in rows), default=0)
                line.update(TransactionNumber=_padded(last + _LINE_STEP, 10), HomeCurrency=HOME_CURRENCY)
                line.update(BatchNumber=entry["BatchNumber"], EntryNumber=entry["EntryNumber"])
                line.update(SourceCurrency=HOME_CURRENCY, CurrencyRate=Decimal(1), CurrencyRateTable=RATE_TYPE)
                line.update(CurrencyRateDate=entry["PostingDate"], JournalDate=entry["PostingDate"])
            self._line(entry, line, one)
            if named is None:
                rows.append(line)

    def _line(self, entry: Row, line: Row, sent: Row) -> None:
        self._context.puts.put(line, sent, self._context.model("GL.JournalDetail"), ignored=self._line_computed)
        account = self.account(text(line, "AccountNumber"))
        line.update(AccountNumber=account["UnformattedAccount"], AcctDescription=account["Description"])
        line.update(SourceLedger=entry["SourceLedger"], SourceType=entry["SourceType"])
        if self._context.switches.text("inactive_account") == "entry":
            self._demand_active(account)
        if account["ControlAccount"] == "Yes" and self._context.switches.on("control_accounts_refuse"):
            raise field_invalid(f"Account {account['AccountNumber']} is a control account.")
        self._value(line, sent, account)
        if "JournalDetailOptionalFields" in sent:
            model = self._context.model("GL.JournalDetailOptionalField")
            fields = each_row(line, "JournalDetailOptionalFields")
            self._context.puts.details(fields, each_row(sent, "JournalDetailOptionalFields"), model, ("OptionalField",))

    def _value(self, line: Row, sent: Row, account: Row) -> None:
        """Amount in home currency, SourceCurrencyAmount in the line's; either may be left out (section 19)."""
        currency = text(line, "SourceCurrency")
        if currency != HOME_CURRENCY:
            self._demand_currency(account, currency)
        if "CurrencyRate" not in sent:
            line["CurrencyRate"] = self._money.rate(
                currency, text(line, "CurrencyRateTable"), text(line, "CurrencyRateDate")
            )
        rate = amount(line, "CurrencyRate")
        if rate <= 0:
            raise field_invalid("CurrencyRate must be greater than zero.")
        if "Amount" not in sent and "SourceCurrencyAmount" in sent:
            line["Amount"] = self._money.home(amount(line, "SourceCurrencyAmount"), currency, rate)
        elif "Amount" in sent and "SourceCurrencyAmount" not in sent:
            line["SourceCurrencyAmount"] = self._money.rounded(amount(line, "Amount") / rate, currency)
        self._money.demand_exact(amount(line, "Amount"), HOME_CURRENCY, "Amount")
        self._money.demand_exact(amount(line, "SourceCurrencyAmount"), currency, "SourceCurrencyAmount")
        if currency == HOME_CURRENCY and line["Amount"] != line["SourceCurrencyAmount"]:
            raise field_invalid("Amount and SourceCurrencyAmount differ in functional currency.")

    def account(self, number: str) -> Row:
        """An account by its formatted or unformatted number. Raises 409 ``FieldInvalid``."""
        return self._context.demand(ACCOUNTS, number.replace("-", "").upper())

    def _demand_active(self, account: Row) -> None:
        if account["Status"] != "Active":
            raise field_invalid(f"Account {account['AccountNumber']} is not active.")

    def _demand_currency(self, account: Row, currency: str) -> None:
        self._money.decimals(currency)
        allowed = [row["CurrencyCode"] for row in each_row(account, "AccountValidCurrencies")]
        if account["Multicurrency"] != "Yes" or (allowed and currency not in allowed):
            raise field_invalid(f"Account {account['AccountNumber']} does not take {currency}.")

    # --- posting -------------------------------------------------------------------------------------------------------

    def _check_posting(self, batch: Row, entry: Row) -> None:
        lines = each_row(entry, "JournalDetails")
        if not lines or sum((amount(line, "Amount") for line in lines), _ZERO):
            raise field_invalid("The entry is out of balance.")
        self._calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        for line in lines:
            self._demand_active(self.account(text(line, "AccountNumber")))

    def _post_entries(self, batch: Row, entries: Sequence[Row], sequence: int) -> None:
        count = 0
        for entry in entries:
            for line in each_row(entry, "JournalDetails"):
                count += 1
                self._write(entry, line, sequence, count)

    def _write(self, entry: Row, line: Row, sequence: int, count: int) -> None:
        """A line in the ledger, under the two names that the Web API has for it (dossier, section 14.3)."""
        row = blank(self._context.schema.model_of(TRANSACTIONS))
        number = int(text(line, "TransactionNumber"))
        row.update(
            {name: line[name] for name in ("AccountNumber", "BatchNumber", "JournalDate", "SourceCurrencyAmount")}
        )
        row.update({name: entry[name] for name in ("FiscalYear", "FiscalPeriod", "DocumentDate")})
        row.update(
            SourceCurrencyCode=line["SourceCurrency"],
            SourceLedgerCode=line["SourceLedger"],
            SourceTypeCode=line["SourceType"],
            PostingSequenceNumber=sequence,
            DetailCount=count,
            JournalEntryNumber=entry["EntryNumber"],
            JournalTransactionNumber=number,
            JournalDetailDescription=line["Description"],
            JournalDetailReference=line["Reference"],
            JournalTransactionAmount=line["Amount"],
            HomeCurrencyCode=HOME_CURRENCY,
            CurrencyRateForConversion=line["CurrencyRate"],
        )
        self._records.insert(TRANSACTIONS, row)
        twin = blank(self._context.schema.model_of(JOURNAL))
        by_name = {name.lower(): value for name, value in row.items()}
        names = [name for name in twin if name.lower() in by_name and name != "UpdateOperation"]
        twin.update({name: by_name[name.lower()] for name in names})
        twin.update(Sourcecurrencycode=line["SourceCurrency"], PostingDate=entry["PostingDate"])
        self._records.insert(JOURNAL, twin)

    def trial_balance(self) -> list[Balance]:
        """Every account that was ever posted to, in order; computed from the posted lines."""
        model = self._context.schema.model_of(TRANSACTIONS)
        account, value = column(model.by_name["AccountNumber"]), column(model.by_name["JournalTransactionAmount"])
        found = self._records.book.rows(
            f"SELECT {account} AS account, sum(max({value}, 0)) AS debit, sum(max(-{value}, 0)) AS credit "  # noqa: S608
            f"FROM {{{TRANSACTIONS}}} GROUP BY 1 ORDER BY 1"
        )
        million = Decimal(1_000_000)
        return [
            Balance(row["account"], Decimal(row["debit"]) / million, Decimal(row["credit"]) / million) for row in found
        ]

    # --- accidents -----------------------------------------------------------------------------------------------------

    def nudge(self, number: str, line: int, by: Decimal) -> None:
        """Change the amount of one line, counted from 0, of a batch's first entry, in the batch and in the ledger."""
        batch = self.by_key_text(number)
        entry = each_row(batch, self.entries)[0]
        detail = each_row(entry, "JournalDetails")[line]
        for name in ("Amount", "SourceCurrencyAmount"):
            detail[name] = amount(detail, name) + by
        _total_entry(entry)
        self._total(batch)
        self._records.save(BATCHES, batch)
        for row in self._posted(number):
            if row["JournalTransactionNumber"] == int(text(detail, "TransactionNumber")):
                row["JournalTransactionAmount"] = amount(row, "JournalTransactionAmount") + by
                row["SourceCurrencyAmount"] = amount(row, "SourceCurrencyAmount") + by
                self._records.save(TRANSACTIONS, row)

    def vanish(self, number: str) -> None:
        """The company's database is an older copy: the batch and what it posted were never there."""
        if not self._records.delete(BATCHES, number):
            raise no_record()
        for resource in (TRANSACTIONS, JOURNAL):
            batch = column(self._context.schema.model_of(resource).by_name["BatchNumber"])
            self._records.book.execute(f"DELETE FROM {{{resource}}} WHERE {batch} = ?", (number,))  # noqa: S608

    def reverse(self, number: str) -> str:
        """A person posts the opposite of a posted batch; the number of that batch."""
        batch = self.by_key_text(number)
        if batch["Status"] != POSTED:
            raise field_invalid("Only a posted batch is reversed.")
        new = self._new({"Description": batch["Description"]})
        for entry in each_row(batch, self.entries):
            for line in each_row(entry, "JournalDetails"):
                line.update({name: -amount(line, name) for name in ("Amount", "SourceCurrencyAmount")})
                line["BatchNumber"] = new["BatchNumber"]
            entry.update(BatchNumber=new["BatchNumber"], Description=f"REV {text(entry, 'Description')}"[:60])
            _total_entry(entry)
            each_row(new, self.entries).append(entry)
        self._total(new)
        self._records.insert(BATCHES, new)
        self.post(new)
        return text(new, "BatchNumber")

    def _posted(self, number: str) -> Iterable[Row]:
        return self._records.find(TRANSACTIONS, BatchNumber=number)


def _total_entry(entry: Row) -> None:
    values = [amount(line, "Amount") for line in each_row(entry, "JournalDetails")]
    debit = sum((value for value in values if value > 0), _ZERO)
    credit = -sum((value for value in values if value < 0), _ZERO)
    entry.update(Debits=debit, Credits=credit, OutOfBalanceBy=debit - credit, NumberOfDetails=len(values))


def _padded(number: int, digits: int) -> str:
    return f"{number:0{digits}d}"


def padded_batch(value: object) -> str:
    """A batch number as a key has it."""
    found = str(value).strip()
    return _padded(int(found), 6) if found.isdecimal() else found
