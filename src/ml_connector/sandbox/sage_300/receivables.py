"""Accounts receivable: invoice batches and the documents that posting makes of their entries (dossier, section 11).

Amounts of entries and documents are positive; the kind of document tells which way they count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import DELETED, POSTED, BatchRoom
from ml_connector.sandbox.sage_300.calendar import Calendar
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import SageError, field_invalid
from ml_connector.sandbox.sage_300.general_ledger import JournalBatches
from ml_connector.sandbox.sage_300.ledger_entries import LedgerEntry, LedgerLine, Subledger
from ml_connector.sandbox.sage_300.money import AUTHORITIES, RATE_TYPE, Money, Taxes
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.schema import Row, blank

BATCHES, DOCUMENTS = "ARInvoiceBatches", "ARPostedDocuments"
_ZERO = Decimal(0)
_LINE_STEP = 20
#: Source type, and the words of the transaction type, by kind of document.
_KINDS = {"Invoice": "IN", "DebitNote": "DN", "CreditNote": "CN", "4": "IT"}
TAX_ACCOUNT = "2200"


@dataclass(frozen=True, slots=True)
class Rooms:
    """What accounts receivable asks other rooms for."""

    calendar: Calendar
    money: Money
    taxes: Taxes
    ledger: JournalBatches
    subledger: Subledger


class InvoiceBatches(BatchRoom):
    """Invoice batches of one company. Batch, entry and line numbers are JSON numbers (dossier, section 17)."""

    resource = BATCHES
    entries = "Invoices"
    entry_model = "AR.Invoice"
    computed = frozenset(
        {
            "BatchNumber", "BatchStatus", "NumberOfEntries", "BatchTotal", "LastEntryNumber", "PostingSequenceNumber",
            "NumberOfErrors", "DateLastEdited", "BatchPrintedFlag", "SourceApplication", "BatchType",
        }
    )  # fmt: skip
    _entry_computed = frozenset(
        {
            "BatchNumber", "EntryNumber", "FiscalYear", "FiscalPeriod", "NumberOfDetails", "TaxTotal", "AmountDue",
            "DocumentTotalBeforeTax", "DocumentTotalIncludingTax", "ErrorBatch", "ErrorEntry", "EnteredBy", "TransactionType",
        }
    )  # fmt: skip
    _line_computed = frozenset({"BatchNumber", "EntryNumber", "LineNumber", "TaxTotal", "ExtendedAmountWithoutTIP"})

    def __init__(self, context: Context, rooms: Rooms) -> None:
        super().__init__(context)
        self._rooms = rooms
        book = context.records.book
        # Who has which number, posted or not, without reading every batch.
        book.create(
            "document_numbers", "customer TEXT, number TEXT, batch INTEGER, PRIMARY KEY (customer, number, batch)"
        )
        book.execute("CREATE INDEX IF NOT EXISTS {ix_document_numbers} ON {document_numbers} (batch)")
        context.records.index(BATCHES, "Description")
        context.records.index(DOCUMENTS, "OrderNumber")
        context.records.index(DOCUMENTS, "DocumentNumber")

    # --- a batch -------------------------------------------------------------------------------------------------------

    def _new(self, sent: Row) -> Row:
        batch = blank(self._context.schema.model_of(BATCHES))
        today = self._context.today()
        batch.update(BatchNumber=Decimal(self._records.next_number("AR invoice batch", 75)))
        batch.update(BatchDate=today, DateLastEdited=today, SourceApplication="AR")
        self._context.puts.put(batch, sent, self._context.schema.model_of(BATCHES), ignored=self.computed)
        return batch

    def _total(self, batch: Row) -> None:
        entries = each_row(batch, self.entries)
        batch.update(
            NumberOfEntries=Decimal(len(entries)),
            LastEntryNumber=max((amount(entry, "EntryNumber") for entry in entries), default=_ZERO),
            BatchTotal=sum((amount(entry, "DocumentTotalIncludingTax") for entry in entries), _ZERO),
        )
        self._remember_numbers(batch)

    def _remember_numbers(self, batch: Row) -> None:
        number = int(amount(batch, "BatchNumber"))
        self._forget_numbers(batch)
        for entry in each_row(batch, self.entries):
            values = (text(entry, "CustomerNumber"), text(entry, "DocumentNumber"), number)
            self._records.book.execute("INSERT OR IGNORE INTO {document_numbers} VALUES (?, ?, ?)", values)

    def set_status(self, batch: Row, status: str) -> None:
        super().set_status(batch, status)
        if status == DELETED:
            self._forget_numbers(batch)

    def _forget_numbers(self, batch: Row) -> None:
        number = int(amount(batch, "BatchNumber"))
        self._records.book.execute("DELETE FROM {document_numbers} WHERE batch = ?", (number,))

    # --- an entry ------------------------------------------------------------------------------------------------------

    def _entry(self, batch: Row, entry: Row, sent: Row) -> None:
        fresh = not entry["CustomerNumber"]
        if fresh:
            day = batch["BatchDate"]
            entry.update(DocumentDate=day, AsOfDate=day, PostingDate=day, DueDate=day, EnteredBy=self._context.user())
        self._context.puts.put(
            entry, sent, self._context.model("AR.Invoice"), self._cascade(), ignored=self._entry_computed
        )
        if not entry["CustomerNumber"]:
            raise field_invalid("CustomerNumber must be entered.")
        self._complete(batch, entry)
        if "InvoiceDetails" in sent:
            self._lines(entry, each_row(sent, "InvoiceDetails"))
        self._check_lines(entry)
        self._total_entry(entry)
        self._schedules(entry, sent)
        if "InvoiceOptionalFields" in sent:
            model = self._context.model("AR.InvoiceOptionalField")
            rows = each_row(entry, "InvoiceOptionalFields")
            self._context.puts.details(rows, each_row(sent, "InvoiceOptionalFields"), model, ("OptionalField",))

    def _cascade(self) -> Cascade:
        return {"CustomerNumber": self._customer, "DocumentDate": self._dated, "TaxGroup": self._tax_group}

    def _customer(self, entry: Row) -> None:
        """The customer brings everything that is then changed by later puts."""
        customer = self._context.demand("ARCustomers", text(entry, "CustomerNumber"))
        if customer["Status"] != "Active":
            raise field_invalid(f"Customer {customer['CustomerNumber']} is inactive.")
        entry.update({name: customer[name] for name in ("AccountSet", "Terms", "TaxGroup", "CurrencyCode", "RateType")})
        entry.update({f"TaxClass{number}": customer[f"TaxClassCode{number}"] for number in range(1, AUTHORITIES + 1)})
        self._tax_group(entry)

    def _tax_group(self, entry: Row) -> None:
        for number, authority in enumerate(self._rooms.taxes.authorities(text(entry, "TaxGroup")), start=1):
            entry[f"TaxAuthority{number}"] = authority

    def _dated(self, entry: Row) -> None:
        """The due date follows the document's date and the terms."""
        entry["AsOfDate"] = entry["DocumentDate"]
        terms = self._records.get("ARTerms", text(entry, "Terms")) if entry["Terms"] else None
        schedule = [] if terms is None else each_row(terms, "TermsPaymentSchedules")
        days = int(amount(schedule[0], "DueNumberOfDays")) if schedule else 0
        entry["DueDate"] = (date.fromisoformat(text(entry, "DocumentDate")) + timedelta(days=days)).isoformat()

    def _complete(self, batch: Row, entry: Row) -> None:
        self._rooms.calendar.period(text(entry, "DocumentDate"), "DocumentDate")
        year, period = self._rooms.calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        entry.update(FiscalYear=year, FiscalPeriod=period)
        if entry["InvoiceType"] != "Summary":
            raise field_invalid("This company has no A/R items; InvoiceType must be Summary.")
        if entry["RateOverridden"] != "Yes":
            currency, kind = text(entry, "CurrencyCode"), text(entry, "RateType") or RATE_TYPE
            entry["RateDate"] = entry["RateDate"] or entry["DocumentDate"]
            entry["ExchangeRate"] = self._rooms.money.rate(currency, kind, text(entry, "RateDate"))
        if amount(entry, "ExchangeRate") <= 0:
            raise field_invalid("ExchangeRate must be greater than zero.")
        kind = text(entry, "DocumentType")
        entry["TransactionType"] = "InterestCharge" if kind == "4" else f"{kind}SummaryIssued"
        if not entry["DocumentNumber"]:
            entry["DocumentNumber"] = f"AR{self._records.next_number('AR document'):08d}"
        self._check_number(batch, entry)
        if entry["ApplytoDocument"] and self._context.switches.on("applies_to_posted_only"):
            self._context.demand(DOCUMENTS, text(entry, "CustomerNumber"), text(entry, "ApplytoDocument"))

    def _check_number(self, batch: Row, entry: Row) -> None:
        """A number belongs to one document of a customer (dossier, section 11.6); when that is seen is open."""
        reading = self._context.switches.text("ar_duplicate")
        if reading == "posting":
            return
        customer, number = text(entry, "CustomerNumber"), text(entry, "DocumentNumber")
        taken = self._records.get(DOCUMENTS, customer, number) is not None
        if not taken and reading == "entry":
            others = [each for each in each_row(batch, self.entries) if each is not entry]
            taken = any((each["CustomerNumber"], each["DocumentNumber"]) == (customer, number) for each in others)
            taken = taken or self._elsewhere(customer, number, int(amount(batch, "BatchNumber")))
        if taken:
            raise self._taken(customer, number)

    def _elsewhere(self, customer: str, number: str, batch: int) -> bool:
        statement = "SELECT 1 FROM {document_numbers} WHERE customer = ? AND number = ? AND batch <> ?"
        return self._records.book.row(statement, (customer, number, batch)) is not None

    def _taken(self, customer: str, number: str) -> SageError:
        code = self._context.switches.text("ar_duplicate_code")
        return SageError(409, code, f"Document number '{number}' for customer {customer} already exists.")

    # --- lines ---------------------------------------------------------------------------------------------------------

    def _lines(self, entry: Row, sent: Sequence[Row]) -> None:
        model, rows = self._context.model("AR.InvoiceDetail"), each_row(entry, "InvoiceDetails")
        known = list(rows)
        for one in sent:
            # In a change the number names a line that was there before; in a new entry it is a placeholder.
            named = self._context.puts.existing(known, one, model, ("LineNumber",)) if known else None
            if named is not None and one.get("UpdateOperation") == "Delete":
                rows.remove(named)
                continue
            line = blank(model) if named is None else named
            if named is None:
                last = max((amount(row, "LineNumber") for row in rows), default=_ZERO)
                line.update(
                    BatchNumber=entry["BatchNumber"], EntryNumber=entry["EntryNumber"], LineNumber=last + _LINE_STEP
                )
                line.update({f"TaxClass{number}": 1 for number in range(1, AUTHORITIES + 1)})
            self._line(line, one)
            if named is None:
                rows.append(line)

    def _line(self, line: Row, sent: Row) -> None:
        cascade: Cascade = {"DistributionCode": self._distribution}
        self._context.puts.put(
            line, sent, self._context.model("AR.InvoiceDetail"), cascade, ignored=self._line_computed
        )
        if line["ItemNumber"]:
            raise field_invalid(f"A/R item {line['ItemNumber']} does not exist.")
        if "InvoiceDetailOptionalFields" in sent:
            model = self._context.model("AR.InvoiceDetailOptionalField")
            rows = each_row(line, "InvoiceDetailOptionalFields")
            self._context.puts.details(rows, each_row(sent, "InvoiceDetailOptionalFields"), model, ("OptionalField",))

    def _distribution(self, line: Row) -> None:
        """The code brings its account; an account put before it is lost."""
        if line["DistributionCode"]:
            found = self._context.demand("ARDistributionCodes", text(line, "DistributionCode"))
            line.update(RevenueAccount=found["RevenueAccount"], Description=line["Description"] or found["Description"])

    def _check_lines(self, entry: Row) -> None:
        if not each_row(entry, "InvoiceDetails"):
            raise field_invalid("The document has no details.")
        for line in each_row(entry, "InvoiceDetails"):
            if not line["RevenueAccount"]:
                raise field_invalid("DistributionCode or RevenueAccount must be entered.")
            account = self._rooms.ledger.account(text(line, "RevenueAccount"))
            line["RevenueAccount"] = account["UnformattedAccount"]
            if account["Status"] != "Active" and self._context.switches.text("inactive_account") == "entry":
                raise field_invalid(f"Account {account['AccountNumber']} is not active.")
            value = amount(line, "ExtendedAmountWithTIP")
            self._rooms.money.demand_exact(value, text(entry, "CurrencyCode"), "ExtendedAmountWithTIP")

    def _total_entry(self, entry: Row) -> None:
        """Taxes and totals (dossier, section 19); taxes are left alone where ``DoNotCalculationTax`` says so."""
        currency = text(entry, "CurrencyCode")
        taxed = entry["DoNotCalculationTax"] != "Yes" and entry["DocumentType"] != "4"
        before = after = _ZERO
        totals = [_ZERO] * AUTHORITIES
        authorities = [text(entry, f"TaxAuthority{number}") for number in range(1, AUTHORITIES + 1)]
        buyer = {number: int(str(entry[f"TaxClass{number}"])) for number in range(1, AUTHORITIES + 1)}
        for line in each_row(entry, "InvoiceDetails"):
            item = {number: int(str(line[f"TaxClass{number}"])) for number in range(1, AUTHORITIES + 1)}
            inside = frozenset(number for number in range(1, AUTHORITIES + 1) if line[f"TaxIncluded{number}"] == "Yes")
            value = amount(line, "ExtendedAmountWithTIP")
            if taxed:
                found = self._rooms.taxes.of_line(value, authorities, (buyer, item), inside, currency)
                line["ExtendedAmountWithoutTIP"] = found.net
                for number, tax in enumerate(found.amounts, start=1):
                    line[f"TaxAmount{number}"] = tax
                line["TaxTotal"] = found.total
            else:
                line["ExtendedAmountWithoutTIP"] = value
                line["TaxTotal"] = sum((amount(line, f"TaxAmount{n}") for n in range(1, AUTHORITIES + 1)), _ZERO)
            for place in range(AUTHORITIES):
                totals[place] += amount(line, f"TaxAmount{place + 1}")
            before += amount(line, "ExtendedAmountWithoutTIP")
            after += amount(line, "ExtendedAmountWithoutTIP") + amount(line, "TaxTotal")
        if after < 0:
            raise field_invalid("The document total is negative.")
        entry.update({f"TaxAmount{place + 1}": total for place, total in enumerate(totals)})
        entry.update(TaxTotal=sum(totals, _ZERO), DocumentTotalBeforeTax=before, DocumentTotalIncludingTax=after)
        entry.update(AmountDue=after, NumberOfDetails=Decimal(len(each_row(entry, "InvoiceDetails"))))

    def _schedules(self, entry: Row, sent: Row) -> None:
        """One payment of the whole sum, unless schedules are sent."""
        model, rows = self._context.model("AR.InvoicePaymentSchedule"), each_row(entry, "InvoicePaymentSchedules")
        if "InvoicePaymentSchedules" in sent:
            keys = {"BatchNumber", "EntryNumber"}
            self._context.puts.details(
                rows, each_row(sent, "InvoicePaymentSchedules"), model, ("PaymentNumber",), ignored=keys
            )
        elif len(rows) <= 1:
            row = blank(model) if not rows else rows[0]
            row.update(PaymentNumber=Decimal(1), DueDate=entry["DueDate"], AmountDue=entry["DocumentTotalIncludingTax"])
            rows[:] = [row]
        for row in rows:
            row.update(BatchNumber=entry["BatchNumber"], EntryNumber=entry["EntryNumber"])

    # --- posting -------------------------------------------------------------------------------------------------------

    def _check_posting(self, batch: Row, entry: Row) -> None:
        self._rooms.calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        customer, number = text(entry, "CustomerNumber"), text(entry, "DocumentNumber")
        if self._records.get(DOCUMENTS, customer, number) is not None or self._earlier(batch, entry):
            raise self._taken(customer, number)
        for line in each_row(entry, "InvoiceDetails"):
            if self._rooms.ledger.account(text(line, "RevenueAccount"))["Status"] != "Active":
                raise field_invalid("An account is not active.")

    def _earlier(self, batch: Row, entry: Row) -> bool:
        """Does an earlier entry of the batch have the same number?"""
        same = [each for each in each_row(batch, self.entries) if each["DocumentNumber"] == entry["DocumentNumber"]]
        return next(each for each in same if each["CustomerNumber"] == entry["CustomerNumber"]) is not entry

    def _post_entries(self, batch: Row, entries: Sequence[Row], sequence: int) -> None:
        for entry in entries:
            self._records.insert(DOCUMENTS, self._document(batch, entry, sequence))
            self._apply(entry)
            customer = self._context.demand("ARCustomers", text(entry, "CustomerNumber"))
            customer["DateOfLastActivity"] = entry["PostingDate"]
            sign = -1 if entry["DocumentType"] == "CreditNote" else 1
            for name in ("BalanceDueInCustomerCurrency", "BalanceDueInFunctionalCurrency"):
                customer[name] = amount(customer, name) + sign * amount(entry, "DocumentTotalIncludingTax")
            self._records.save("ARCustomers", customer)
        # From here on the posted documents hold the numbers; what could not be posted is numbered in its error batch.
        self._forget_numbers(batch)
        self._rooms.subledger.hand_over("invoice", sequence, [self._journal(each) for each in entries])

    def _document(self, batch: Row, entry: Row, sequence: int) -> Row:
        """What is left of an entry after posting (dossier, section 11.6)."""
        row = blank(self._context.schema.model_of(DOCUMENTS))
        same = (
            "CustomerNumber", "DocumentNumber", "OrderNumber", "PONumber", "DocumentDate", "PostingDate", "DueDate", "Terms",
            "CurrencyCode", "RateType", "ExchangeRate", "RateDate", "FiscalYear", "FiscalPeriod", "TaxGroup", "AccountSet",
            "TransactionType", "DocumentType", "InvoiceType", "ShipmentNumber", "EntryNumber", "BatchNumber",
        )  # fmt: skip
        row.update({name: entry[name] for name in same})
        row.update({f"TaxAuthority{n}": entry[f"TaxAuthority{n}"] for n in range(1, AUTHORITIES + 1)})
        row.update({f"TaxAmount{n}": entry[f"TaxAmount{n}"] for n in range(1, AUTHORITIES + 1)})
        sign = -1 if entry["DocumentType"] == "CreditNote" else 1
        total = sign * amount(entry, "DocumentTotalIncludingTax")
        rate, currency = amount(entry, "ExchangeRate"), text(entry, "CurrencyCode")
        home = self._rooms.money.home(total, currency, rate)
        row.update(
            BatchDate=batch["BatchDate"],
            AsofDate=entry["AsOfDate"],
            DocumentDescription=entry["InvoiceDescription"],
            SourceApplication=batch["SourceApplication"],
            PostingSequenceNumber=Decimal(sequence),
            LastActivityDate=entry["PostingDate"],
            CustomerCurrencyInvoiceAmount=total,
            CustomerCurrencyAmountDue=total,
            FunctionalCurrencyInvoiceAmount=home,
            FunctionalCurrencyAmountDue=home,
            PrepaymentApplytoDocumentNumber=entry["ApplytoDocument"],
            FullyPaid="Yes" if not total else "No",
        )
        return row

    def _apply(self, entry: Row) -> None:
        """A credit note that names an invoice lowers what is due on both."""
        if entry["DocumentType"] != "CreditNote" or not entry["ApplytoDocument"]:
            return
        customer = text(entry, "CustomerNumber")
        invoice = self._records.get(DOCUMENTS, customer, text(entry, "ApplytoDocument"))
        note = self._records.get(DOCUMENTS, customer, text(entry, "DocumentNumber"))
        if invoice is None or note is None:
            return
        applied = min(
            amount(entry, "DocumentTotalIncludingTax"), max(amount(invoice, "CustomerCurrencyAmountDue"), _ZERO)
        )
        for row, change in ((invoice, -applied), (note, applied)):
            settle(row, change, text(entry, "PostingDate"), self._rooms.money)
            self._records.save(DOCUMENTS, row)

    def _journal(self, entry: Row) -> LedgerEntry:
        """Receivables against revenue and taxes; the other way round for a credit note."""
        sign = -1 if entry["DocumentType"] == "CreditNote" else 1
        control = self._context.demand("ARAccountSets", text(entry, "AccountSet"))["ReceivablesControlAccount"]
        parts = [
            (text(line, "RevenueAccount"), -amount(line, "ExtendedAmountWithoutTIP"))
            for line in each_row(entry, "InvoiceDetails")
        ]
        if entry["TaxTotal"]:
            parts.append((TAX_ACCOUNT, -amount(entry, "TaxTotal")))
        currency, rate = text(entry, "CurrencyCode"), amount(entry, "ExchangeRate")
        lines = [
            LedgerLine(account, self._rooms.money.home(sign * value, currency, rate), sign * value)
            for account, value in parts
            if value
        ]
        # The control account takes what converting line by line leaves over.
        lines.insert(
            0,
            LedgerLine(
                str(control), -sum((each.home for each in lines), _ZERO), -sum((each.source for each in lines), _ZERO)
            ),
        )
        return LedgerEntry(
            "AR",
            _KINDS[text(entry, "DocumentType")],
            text(entry, "PostingDate"),
            text(entry, "InvoiceDescription") or text(entry, "CustomerNumber"),
            text(entry, "DocumentNumber"),
            currency,
            rate,
            tuple(lines),
        )

    def vanish(self, number: int) -> None:
        """The company's database is an older copy: the batch and its documents were never there."""
        batch = self.by_key_text(str(number))
        for entry in each_row(batch, self.entries) if batch["BatchStatus"] == POSTED else []:
            self._records.delete(DOCUMENTS, entry["CustomerNumber"], entry["DocumentNumber"])
        self._rooms.subledger.vanish("invoice", int(amount(batch, "PostingSequenceNumber")))
        self._forget_numbers(batch)
        self._records.delete(BATCHES, number)


def settle(document: Row, change: Decimal, day: str, money: Money) -> None:
    """Change what is due on a posted document, in both currencies."""
    due = amount(document, "CustomerCurrencyAmountDue") + change
    home = money.home(due, text(document, "CurrencyCode"), amount(document, "ExchangeRate"))
    document.update(CustomerCurrencyAmountDue=due, FunctionalCurrencyAmountDue=home, LastActivityDate=day)
    document.update(FullyPaid="No" if due else "Yes", DatePaid=None if due else day)
