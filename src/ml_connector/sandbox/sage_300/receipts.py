"""Accounts receivable: receipts (``CA``) and adjustments (``AD``), and what posting them settles (dossier, section 12)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ml_connector.sandbox.sage_300.batches import BatchRoom
from ml_connector.sandbox.sage_300.context import Context
from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.ledger_entries import LedgerEntry, LedgerLine
from ml_connector.sandbox.sage_300.money import RATE_TYPE
from ml_connector.sandbox.sage_300.puts import Cascade
from ml_connector.sandbox.sage_300.receivables import DOCUMENTS, Rooms, settle
from ml_connector.sandbox.sage_300.records import amount, each_row, text
from ml_connector.sandbox.sage_300.schema import Row, blank

BATCHES, RECEIPTS = "ARReceiptAndAdjustmentBatches", "ARPostedReceipts"
PREPAYMENT, APPLY = "Prepayment", "ApplyDocument"
_ZERO = Decimal(0)
_LINE_STEP = 20
_PREFIXES = {"Receipt": "PY", PREPAYMENT: "PP", "UnappliedCash": "UC", APPLY: "AP", "Adjustment": "AD"}


class ReceiptBatches(BatchRoom):
    """Receipt and adjustment batches of one company; ``BatchRecordType`` is part of their key."""

    resource = BATCHES
    entries = "ReceiptsAdjustments"
    entry_model = "AR.ReceiptsAdjustment"
    computed = frozenset(
        {
            "BatchNumber", "BatchRecordType", "BatchStatus", "NumberOfEntries", "BatchTotal", "LastEntryNumber",
            "PostingSequenceNumber", "NumberOfErrors", "DateLastEdited", "BatchPrintedFlag", "SourceApplication",
        }
    )  # fmt: skip
    _entry_computed = frozenset(
        {
            "BatchType", "BatchNumber", "EntryNumber", "TotalCustomerAmountApplied", "CustomerUnappliedAmount", "EnteredBy",
            "NumberOfDocumentsAppliedto", "FiscalYear", "FiscalPeriod", "ErrorBatch", "ErrorEntry", "LastLineNumber",
        }
    )  # fmt: skip
    _line_computed = frozenset({"BatchType", "BatchNumber", "EntryNumber", "LineNumber"})

    def __init__(self, context: Context, rooms: Rooms) -> None:
        super().__init__(context)
        self._rooms = rooms
        self._receipt, self._unapplied = context.switches.text("receipt_words").split()
        context.records.index(BATCHES, "Description")

    # --- a batch -------------------------------------------------------------------------------------------------------

    def _new(self, sent: Row) -> Row:
        kind = sent.get("BatchRecordType")
        if kind is None:
            raise field_invalid("BatchRecordType must be entered: CA or AD.")
        batch = blank(self._context.schema.model_of(BATCHES))
        today = self._context.today()
        batch.update(BatchRecordType=kind, BatchNumber=Decimal(self._records.next_number(f"AR {kind} batch", 65)))
        batch.update(BatchDate=today, DateLastEdited=today, SourceApplication="AR", BatchTypeClass=str(kind))
        self._context.puts.put(batch, sent, self._context.schema.model_of(BATCHES), ignored=self.computed)
        if kind == "CA":
            bank = self._context.demand("BKBanks", text(batch, "BankCode"))
            batch["DefaultBankCurrency"] = batch["DefaultBankCurrency"] or bank["StatementCurrency"]
        return batch

    def _total(self, batch: Row) -> None:
        entries = each_row(batch, self.entries)
        batch.update(
            NumberOfEntries=Decimal(len(entries)),
            LastEntryNumber=max((amount(entry, "EntryNumber") for entry in entries), default=_ZERO),
            BatchTotal=sum((amount(entry, "BankReceiptAmount") for entry in entries), _ZERO),
        )

    # --- an entry ------------------------------------------------------------------------------------------------------

    def _entry(self, batch: Row, entry: Row, sent: Row) -> None:
        if not entry["CustomerNumber"]:
            day = batch["BatchDate"]
            entry.update(ReceiptDateAdjustmentDate=day, PostingDate=day, EnteredBy=self._context.user())
            entry.update(BankCode=batch["BankCode"], BankCurrencyCode=batch["DefaultBankCurrency"])
            entry["ReceiptTransactionType"] = self._receipt if batch["BatchRecordType"] == "CA" else None
        cascade: Cascade = {
            "CustomerNumber": self._customer,
            "BankReceiptAmount": lambda row: row.update(CustomerReceiptAmount=row["BankReceiptAmount"]),
            "ReceiptDateAdjustmentDate": lambda row: row.update(PostingDate=row["ReceiptDateAdjustmentDate"]),
        }
        model = self._context.model("AR.ReceiptsAdjustment")
        self._context.puts.put(entry, sent, model, cascade, ignored=self._entry_computed)
        if not entry["CustomerNumber"]:
            raise field_invalid("CustomerNumber must be entered.")
        year, period = self._rooms.calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        entry.update(FiscalYear=year, FiscalPeriod=period)
        if "AppliedReceiptsAdjustments" in sent:
            self._lines(entry, each_row(sent, "AppliedReceiptsAdjustments"))
        if "ReceiptAdjustmentOptionalFiel" in sent:
            fields = each_row(entry, "ReceiptAdjustmentOptionalFiel")
            field_model = self._context.model("AR.ReceiptAdjustmentOptionalFiel")
            self._context.puts.details(
                fields, each_row(sent, "ReceiptAdjustmentOptionalFiel"), field_model, ("OptionalField",)
            )
        if batch["BatchRecordType"] == "CA":
            self._check_receipt(entry)
        else:
            self._check_adjustment(entry)
        self._number(entry, batch)

    def _customer(self, entry: Row) -> None:
        customer = self._context.demand("ARCustomers", text(entry, "CustomerNumber"))
        currency = text(customer, "CurrencyCode")
        entry.update(CustomerCurrencyCode=currency, AccountSet=customer["AccountSet"], Payer=customer["CustomerName"])
        rate = self._rooms.money.rate(currency, RATE_TYPE, text(entry, "PostingDate"))
        entry.update(CustomerExchangeRate=rate, BankExchangeRate=rate)

    def _number(self, entry: Row, batch: Row) -> None:
        if entry["DocumentNumber"] and entry["ReceiptTransactionType"] != APPLY:
            return
        if entry["ReceiptTransactionType"] == APPLY:
            # Here the number names the document that is applied (dossier, section 12).
            self._context.demand(DOCUMENTS, text(entry, "CustomerNumber"), text(entry, "DocumentNumber"))
            return
        words = {self._receipt: "Receipt", self._unapplied: "UnappliedCash", PREPAYMENT: PREPAYMENT}
        kind = words[text(entry, "ReceiptTransactionType")] if batch["BatchRecordType"] == "CA" else "Adjustment"
        entry["DocumentNumber"] = f"{_PREFIXES[kind]}{self._records.next_number(f'AR {kind}'):08d}"

    def _lines(self, entry: Row, sent: Sequence[Row]) -> None:
        model, rows = self._context.model("AR.AppliedReceiptsAdjustment"), each_row(entry, "AppliedReceiptsAdjustments")
        known = list(rows)
        for one in sent:
            named = self._context.puts.existing(known, one, model, ("LineNumber",)) if known else None
            if named is not None and one.get("UpdateOperation") == "Delete":
                rows.remove(named)
                continue
            line = blank(model) if named is None else named
            if named is None:
                last = max((amount(row, "LineNumber") for row in rows), default=_ZERO)
                line.update(
                    {name: entry[name] for name in ("BatchType", "BatchNumber", "EntryNumber", "CustomerNumber")}
                )
                line.update(
                    LineNumber=last + _LINE_STEP,
                    PaymentNumber=Decimal(1),
                    CustomerCurrencyCode=entry["CustomerCurrencyCode"],
                )
                rows.append(line)
            self._context.puts.put(line, one, model, ignored=self._line_computed)
            if "AdjustmentGLDistributions" in one:
                self._distributions(line, each_row(one, "AdjustmentGLDistributions"))

    def _distributions(self, line: Row, sent: Sequence[Row]) -> None:
        model = self._context.model("AR.AdjustmentGLDistribution")
        rows = each_row(line, "AdjustmentGLDistributions")
        cascade: Cascade = {"DistributionCode": self._distribution}
        for one in sent:
            row = blank(model)
            row.update({name: line[name] for name in ("BatchType", "BatchNumber", "EntryNumber", "LineNumber")})
            self._context.puts.put(row, one, model, cascade, ignored=self._line_computed)
            row["SequenceNumber"] = Decimal(len(rows) + 1)
            row["DistributionGLAccount"] = self._rooms.ledger.account(text(row, "DistributionGLAccount"))[
                "UnformattedAccount"
            ]
            rows.append(row)

    def _distribution(self, row: Row) -> None:
        if row["DistributionCode"]:
            found = self._context.demand("ARDistributionCodes", text(row, "DistributionCode"))
            row["DistributionGLAccount"] = found["RevenueAccount"]

    def _check_receipt(self, entry: Row) -> None:
        kind = entry["ReceiptTransactionType"]
        if kind not in (self._receipt, self._unapplied, PREPAYMENT, APPLY):
            raise field_invalid(f"Receipt transaction type {kind} does not exist.")
        currency = text(entry, "CustomerCurrencyCode")
        for name in ("BankReceiptAmount", "CustomerReceiptAmount"):
            self._rooms.money.demand_exact(amount(entry, name), currency, name)
        if kind != APPLY and amount(entry, "BankReceiptAmount") <= 0:
            raise field_invalid("BankReceiptAmount must be greater than zero.")
        lines = each_row(entry, "AppliedReceiptsAdjustments")
        applied = _ZERO
        for line in lines:
            if kind in (self._receipt, APPLY):
                self._invoice(line)
            applied += amount(line, "CustomerReceiptAmount")
        if kind != APPLY and applied > amount(entry, "CustomerReceiptAmount"):
            raise field_invalid("More is applied than was received.")
        unapplied = _ZERO if kind in (APPLY, PREPAYMENT) else amount(entry, "CustomerReceiptAmount") - applied
        entry.update(TotalCustomerAmountApplied=applied, CustomerUnappliedAmount=unapplied)
        entry["NumberOfDocumentsAppliedto"] = Decimal(len(lines))

    def _check_adjustment(self, entry: Row) -> None:
        for line in each_row(entry, "AppliedReceiptsAdjustments"):
            self._invoice(line)
            rows = each_row(line, "AdjustmentGLDistributions")
            line["CustomerAdjustmentTotal"] = sum((amount(row, "DistributionAmount") for row in rows), _ZERO)

    def _invoice(self, line: Row) -> Row:
        return self._context.demand(DOCUMENTS, text(line, "CustomerNumber"), text(line, "DocumentNumber"))

    # --- posting -------------------------------------------------------------------------------------------------------

    def _check_posting(self, batch: Row, entry: Row) -> None:
        self._rooms.calendar.open_period(text(entry, "PostingDate"), "PostingDate")
        if entry["ReceiptTransactionType"] not in (self._receipt, APPLY):
            return
        for line in each_row(entry, "AppliedReceiptsAdjustments"):
            if amount(self._invoice(line), "CustomerCurrencyAmountDue") < amount(line, "CustomerReceiptAmount"):
                raise field_invalid("More is applied than is due.")

    def _post_entries(self, batch: Row, entries: Sequence[Row], sequence: int) -> None:
        kind = "receipt" if batch["BatchRecordType"] == "CA" else "adjustment"
        journals = []
        for entry in entries:
            if kind == "receipt" and entry["ReceiptTransactionType"] != APPLY:
                self._records.insert(RECEIPTS, self._posted(batch, entry))
            journals.append(self._post_one(batch, entry, sequence, kind))
        self._rooms.subledger.hand_over(kind, sequence, [each for each in journals if each is not None])

    def _post_one(self, batch: Row, entry: Row, sequence: int, kind: str) -> LedgerEntry | None:
        accounts = self._context.demand("ARAccountSets", text(entry, "AccountSet"))
        control, deposits = text(accounts, "ReceivablesControlAccount"), text(accounts, "PrepaymentLiabilityAccount")
        applied = self._settle(entry, "CustomerReceiptAmount" if kind == "receipt" else "CustomerAdjustmentTotal")
        transaction = entry["ReceiptTransactionType"]
        if kind == "adjustment":
            rows = [
                row
                for line in each_row(entry, "AppliedReceiptsAdjustments")
                for row in each_row(line, "AdjustmentGLDistributions")
            ]
            parts = [(text(row, "DistributionGLAccount"), -amount(row, "DistributionAmount")) for row in rows]
            return self._journal(entry, "AD", [*parts, (control, -sum((value for _, value in parts), _ZERO))])
        if transaction == APPLY:
            self._use(entry, applied)
            return self._journal(entry, "PY", [(deposits, applied), (control, -applied)])
        received = amount(entry, "CustomerReceiptAmount")
        bank = text(self._context.demand("BKBanks", text(batch, "BankCode")), "BankAccount")
        rest = received if transaction == PREPAYMENT else received - applied
        if rest:
            self._records.insert(DOCUMENTS, self._credit(batch, entry, rest, sequence))
        against = deposits if transaction == PREPAYMENT else control
        return self._journal(entry, "PY", [(bank, received), (against, -received)])

    def _settle(self, entry: Row, name: str) -> Decimal:
        """Lower what is due on the documents the entry is applied to; the sum applied."""
        if entry["ReceiptTransactionType"] in (PREPAYMENT, self._unapplied):
            return _ZERO
        total = _ZERO
        for line in each_row(entry, "AppliedReceiptsAdjustments"):
            document, value = self._invoice(line), amount(line, name)
            change = -value if name == "CustomerReceiptAmount" else value
            settle(document, change, text(entry, "PostingDate"), self._rooms.money)
            self._records.save(DOCUMENTS, document)
            total += value
        return total

    def _use(self, entry: Row, applied: Decimal) -> None:
        """A prepayment that is applied is used up."""
        used = self._context.demand(DOCUMENTS, text(entry, "CustomerNumber"), text(entry, "DocumentNumber"))
        settle(used, applied, text(entry, "PostingDate"), self._rooms.money)
        self._records.save(DOCUMENTS, used)

    def _journal(self, entry: Row, kind: str, parts: Sequence[tuple[str, Decimal]]) -> LedgerEntry | None:
        currency, rate = text(entry, "CustomerCurrencyCode"), amount(entry, "CustomerExchangeRate")
        lines = [
            LedgerLine(account, self._rooms.money.home(value, currency, rate), value)
            for account, value in parts
            if value
        ]
        if not lines:
            return None
        day, number = text(entry, "PostingDate"), text(entry, "DocumentNumber")
        return LedgerEntry("AR", kind, day, text(entry, "EntryDescription"), number, currency, rate, tuple(lines))

    def _posted(self, batch: Row, entry: Row) -> Row:
        row = blank(self._context.schema.model_of(RECEIPTS))
        same = ("CustomerNumber", "BatchNumber", "EntryNumber", "CustomerReceiptAmount", "BankReceiptAmount", "PaymentCode",
                "FiscalYear", "FiscalPeriod", "Payer", "DocumentNumber", "PostingDate")  # fmt: skip
        row.update({name: entry[name] for name in same})
        row.update(
            BankCode=batch["BankCode"],
            CheckReceiptNumber=entry["CheckReceiptNumber"] or entry["DocumentNumber"],
            DepositLineNumber=self._records.next_number("deposit line"),
            ReceiptDate=entry["ReceiptDateAdjustmentDate"],
            BatchDate=batch["BatchDate"],
            CurrencyCode=entry["CustomerCurrencyCode"],
            BankExchangeRate=entry["BankExchangeRate"],
            DocumentType=entry["ReceiptTransactionType"],
        )
        return row

    def _credit(self, batch: Row, entry: Row, value: Decimal, sequence: int) -> Row:
        """A receipt that settles nothing yet is a document with a negative amount."""
        row = blank(self._context.schema.model_of(DOCUMENTS))
        same = ("CustomerNumber", "DocumentNumber", "CheckReceiptNumber", "BatchNumber", "EntryNumber", "PostingDate",
                "FiscalYear", "FiscalPeriod", "AccountSet", "BankCode")  # fmt: skip
        row.update({name: entry[name] for name in same})
        currency, rate = text(entry, "CustomerCurrencyCode"), amount(entry, "CustomerExchangeRate")
        home = self._rooms.money.home(-value, currency, rate)
        row.update(
            DocumentType=entry["ReceiptTransactionType"],
            TransactionType=entry["ReceiptTransactionType"],
            DocumentDescription=entry["EntryDescription"],
            DocumentDate=entry["ReceiptDateAdjustmentDate"],
            BatchDate=batch["BatchDate"],
            BatchType=batch["BatchRecordType"],
            CurrencyCode=currency,
            ExchangeRate=rate,
            CustomerCurrencyInvoiceAmount=-value,
            CustomerCurrencyAmountDue=-value,
            FunctionalCurrencyInvoiceAmount=home,
            FunctionalCurrencyAmountDue=home,
            PostingSequenceNumber=Decimal(sequence),
            LastActivityDate=entry["PostingDate"],
        )
        return row
