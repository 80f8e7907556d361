"""Incoming and outgoing payments: by which means, for which documents, and what they settle (dossier, section 6.4).

Sums of means are in the payment's currency, SumApplied in local currency, AppliedFC in the documents' (readings that the
dossier leaves open are switches). Every method that writes is called inside a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml_connector.sandbox.sap_business_one.catalog import Catalog
from ml_connector.sandbox.sap_business_one.checks import ZERO, Checks, money, rounded
from ml_connector.sandbox.sap_business_one.company import (
    LOCAL_CURRENCY,
    ROUNDING_ACCOUNT,
    TOTALS_ACCURACY,
    account_code,
)
from ml_connector.sandbox.sap_business_one.documents import Documents, open_amount
from ml_connector.sandbox.sap_business_one.errors import rejected
from ml_connector.sandbox.sap_business_one.journal import Journal, Origin
from ml_connector.sandbox.sap_business_one.kinds import CREDIT_NOTE, INVOICE, Kind
from ml_connector.sandbox.sap_business_one.numbering import Numbering
from ml_connector.sandbox.sap_business_one.postings import Amount
from ml_connector.sandbox.sap_business_one.schema import Row, Schema, Type
from ml_connector.sandbox.sap_business_one.tables import Tables
from ml_connector.sandbox.sap_business_one.values import filled, with_defaults
from ml_connector.sandbox.sap_business_one.wall import Wall
from ml_connector.sandbox.switches import Switches

_PAID = {"it_Invoice": INVOICE, "it_CredItnote": CREDIT_NOTE}
_APART = ("PaymentInvoices", "PaymentAccounts")
AMENDABLE = frozenset({"CounterReference", "JournalRemarks", "Reference1", "Reference2", "Remarks"})


@dataclass(frozen=True, slots=True)
class Flow:
    """One kind of payment. ``sign``: +1 where money comes in."""

    set: str
    table: str
    code: int
    object: str
    origin: str
    title: str
    sign: int
    first_entry: int


INCOMING = Flow("IncomingPayments", "ORCT", 24, "bopot_IncomingPayments", "ttReceipt", "Incoming Payments", 1, 812)
OUTGOING = Flow("VendorPayments", "OVPM", 46, "bopot_OutgoingPayments", "ttVendorPayment", "Outgoing Payments", -1, 144)
FLOWS = {flow.set: flow for flow in (INCOMING, OUTGOING)}
FLOWS_BY_OBJECT = {flow.object: flow for flow in (INCOMING, OUTGOING)}


@dataclass(frozen=True, slots=True)
class Applied:
    """A document that a payment settles, in part or wholly; ``amount`` at the document's own rate, always positive."""

    kind: Kind
    header: Row
    row: Row
    amount: Amount


@dataclass(frozen=True, slots=True)
class Complete:
    """A payment with everything filled in, not yet written. ``means``: (account, amount at the payment's rate)."""

    flow: Flow
    header: Row
    means: tuple[tuple[str, Amount], ...]
    applied: tuple[Applied, ...]
    accounts: tuple[Row, ...]

    def shown(self) -> Row:
        """The payment as one row with its collections."""
        return {**self.header, _APART[0]: [each.row for each in self.applied], _APART[1]: list(self.accounts)}


class Payments:
    """The payments of one company. Raises :class:`ServiceLayerError` where a rule says no."""

    def __init__(
        self,
        tables: Tables,
        catalog: Catalog,
        switches: Switches,
        checks: Checks,
        documents: Documents,
        journal: Journal,
        numbering: Numbering,
        wall: Wall,
    ) -> None:
        self._tables = tables
        self._catalog = catalog
        self._switches = switches
        self._checks = checks
        self._documents = documents
        self._journal = journal
        self._numbering = numbering
        self._wall = wall

    # --- completing ----------------------------------------------------------------------------------------------------

    def complete(self, flow: Flow, sent: Row) -> Complete:
        """Fill in and check everything, and write nothing."""
        header = filled(
            {name: value for name, value in sent.items() if name not in _APART}, self._type(flow.set), self._schema
        )
        partner = self._partner(flow, header)
        header["DocDate"] = header["DocDate"] or self._wall.day()
        for name in ("DueDate", "TaxDate"):
            header[name] = header[name] or header["DocDate"]
        header["VatDate"] = header["VatDate"] or header["TaxDate"]
        self._currency(flow, header, partner)
        header["BPLName"] = self._checks.branch(header["BPLID"], f"[{flow.table}.BPLId]")
        self._checks.project(header["ProjectCode"])
        means = self._means(flow, header)
        applied = self._applied(flow, header, _rows(sent, _APART[0]))
        accounts = self._accounts(flow, header, _rows(sent, _APART[1]))
        self._check_sums(flow, header, means, applied, accounts)
        return Complete(flow, header, tuple(means), tuple(applied), tuple(accounts))

    def _partner(self, flow: Flow, header: Row) -> Row:
        if header["DocType"] == "rAccount":
            return {}
        wanted = "cSupplier" if header["DocType"] == "rSupplier" else "cCustomer"
        code = header["CardCode"]
        partner = self._tables.one(self._schema.types["BusinessPartner"], {"CardCode": code})
        if partner is None or partner["CardType"] != wanted:
            raise rejected(f"Invalid BP code [{flow.table}.CardCode] , '{code or ''}'")
        header["CardName"] = header["CardName"] or partner["CardName"]
        header["ControlAccount"] = header["ControlAccount"] or partner["DebitorAccount"]
        return partner

    def _currency(self, flow: Flow, header: Row, partner: Row) -> None:
        own = partner.get("Currency") or LOCAL_CURRENCY
        currency = header["DocCurrency"] or (LOCAL_CURRENCY if own == "##" else own)
        where = f"[{flow.table}.DocCurr]"
        if partner and own != "##" and currency not in (own, LOCAL_CURRENCY):
            raise rejected(f"Payment currency differs from the business partner's {where} , '{currency}'")
        _, rate = self._checks.terms(str(currency), str(header["DocDate"]), where)
        header["DocCurrency"] = currency
        if currency == LOCAL_CURRENCY or not header["DocRate"]:
            header["DocRate"] = rate

    def _means(self, flow: Flow, header: Row) -> list[tuple[str, Amount]]:
        """Cash and bank transfer; at least one of them, each with its account."""
        means = []
        for sum_name, account_name in (("CashSum", "CashAccount"), ("TransferSum", "TransferAccount")):
            value = money(header, sum_name)
            if not value:
                continue
            where = f"[{flow.table}.{account_name}]"
            if value < 0:
                raise rejected(f"Specify a positive amount [{flow.table}.{sum_name}]")
            if self._foreign(header) and self._switches.text("foreign_transfer_sum") == "local":
                value /= money(header, "DocRate")
            account = self._checks.account(header[account_name], str(header["DocDate"]), where)
            self._checks.manual_account(account, self._foreign(header), where)
            means.append((str(account["Code"]), self._amount(header, value)))
        if not means:
            raise rejected(f"Specify at least one means of payment [{flow.table}.CashSum]")
        header["TransferDate"] = header["TransferDate"] or (header["DocDate"] if header["TransferSum"] else None)
        if self._foreign(header):
            header["CashSumFC"] = money(header, "CashSum")
        return means

    def _applied(self, flow: Flow, header: Row, sent: Sequence[Row]) -> list[Applied]:
        limit = self._switches.number("max_documents_in_payment")
        if len(sent) > limit:
            raise rejected(f"A payment settles at most {limit} documents [{flow.table}.PaymentInvoices]")
        found = [self._applied_row(flow, header, row, number) for number, row in enumerate(sent)]
        if len({(each.kind.set, each.row["DocEntry"]) for each in found}) < len(found):
            raise rejected("A document stands twice in the payment [PaymentInvoices.DocEntry]")
        return found

    def _applied_row(self, flow: Flow, header: Row, sent: Row, number: int) -> Applied:
        where = f"[PaymentInvoices.DocEntry][line: {number + 1}]"
        kind = _PAID.get(str(sent.get("InvoiceType") or "it_Invoice"))
        if kind is None or header["DocType"] != "rCustomer":
            raise rejected(f"This type of document cannot be paid here {where} , '{sent.get('InvoiceType')}'")
        document = self._tables.one(self._documents_type(kind), {"DocEntry": sent.get("DocEntry")})
        if document is None or document["CardCode"] != header["CardCode"]:
            raise rejected(f"Document does not exist or belongs to another business partner {where}")
        if document["CancelStatus"] != "csNo" or document["DocumentStatus"] == "bost_Close":
            raise rejected(f"Document is already closed {where}")
        if document["DocCurrency"] != header["DocCurrency"]:
            raise rejected(f"Document and payment have different currencies {where}")
        amount = self._amount_applied(header, document, sent, kind, where)
        row = filled(sent, self._schema.types["PaymentInvoice"], self._schema)
        # The sign is answered as it was understood.
        sign = -1 if kind is CREDIT_NOTE and self._switches.text("credit_note_sign") == "negative" else 1
        row.update(
            LineNum=number,
            DocNum=document["DocNum"],
            InvoiceType=sent.get("InvoiceType") or "it_Invoice",
            SumApplied=amount.local * sign,
            AppliedFC=amount.foreign * sign,
            AppliedSys=amount.local * sign,
            PaidSum=amount.local,
            DocRate=money(header, "DocRate") if amount.foreign else ZERO,
            LinkDate=header["DocDate"],
        )
        return Applied(kind, document, row, amount)

    def _amount_applied(self, header: Row, document: Row, sent: Row, kind: Kind, where: str) -> Amount:
        """What is applied of a document, at the document's rate; all that is open where no sum was sent."""
        foreign = self._foreign(header) is not None
        left = open_amount(document, foreign=foreign)
        asked = self._asked(header, sent, foreign=foreign)
        if asked is not None and kind is CREDIT_NOTE and self._switches.text("credit_note_sign") == "negative":
            asked = -asked
        asked = left if asked is None else asked
        if asked <= 0:
            raise rejected(f"Invalid amount {where} , '{asked}'")
        if asked > left:
            raise rejected(f"Amount exceeds what is open in the document {where} , '{asked}'")
        if not foreign:
            return Amount(asked)
        local = open_amount(document)
        # The last part takes whatever is left in local currency.
        share = local if asked == left else rounded(asked * money(document, "DocRate"), TOTALS_ACCURACY)
        return Amount(share, asked)

    def _asked(self, header: Row, sent: Row, *, foreign: bool) -> Decimal | None:
        if not foreign:
            return money(sent, "SumApplied") if sent.get("SumApplied") is not None else None
        if sent.get("AppliedFC") is not None:
            return money(sent, "AppliedFC")
        if sent.get("SumApplied") is None:
            return None
        if self._switches.text("foreign_sum_applied") == "document":
            return money(sent, "SumApplied")
        decimals, _ = self._checks.terms(
            str(header["DocCurrency"]), str(header["DocDate"]), "[PaymentInvoices.AppliedFC]"
        )
        return rounded(money(sent, "SumApplied") / money(header, "DocRate"), decimals)

    def _accounts(self, flow: Flow, header: Row, sent: Sequence[Row]) -> list[Row]:
        """Accounts that a payment without a partner is for."""
        if bool(sent) != (header["DocType"] == "rAccount"):
            raise rejected(f"Payments to accounts name accounts, others do not [{flow.table}.PaymentAccounts]")
        rows = []
        for number, each in enumerate(sent):
            where = f"[PaymentAccounts.AccountCode][line: {number + 1}]"
            account = self._checks.account(each.get("AccountCode"), str(header["DocDate"]), where)
            self._checks.manual_account(account, self._foreign(header), where)
            row = with_defaults(each, self._schema.types["PaymentAccount"])
            row.update(LineNum=number, AccountName=account["Name"])
            rows.append(row)
        return rows

    def _check_sums(
        self,
        flow: Flow,
        header: Row,
        means: Sequence[tuple[str, Amount]],
        applied: Sequence[Applied],
        accounts: Sequence[Row],
    ) -> None:
        """What is applied is at most what is paid; the rest is on account. A payment to accounts leaves no rest."""
        paid = sum((self._counted(header, amount) for _, amount in means), ZERO)
        settled = sum((self._counted(header, each.amount) * _direction(flow, each) for each in applied), ZERO)
        if settled < 0 or settled > paid:
            raise rejected(
                f"Amount applied differs from the amount paid [{flow.table}.TrsfrSum] , '{settled}' '{paid}'"
            )
        if accounts and sum((money(row, "SumPaid") for row in accounts), ZERO) != paid:
            raise rejected(f"Sum of accounts differs from the amount paid [{flow.table}.PaymentAccounts]")

    # --- writing -------------------------------------------------------------------------------------------------------

    def post(self, flow: Flow, sent: Row) -> int:
        """Write a payment that counts and return its DocEntry."""
        payment = self.complete(flow, sent)
        header = payment.header
        dates = (str(header["DocDate"]), str(header["DueDate"]), str(header["TaxDate"]))
        self._checks.period(*dates, (f"{flow.table}.DocDate", f"{flow.table}.DocDueDate", f"{flow.table}.TaxDate"))
        entry = self._numbering.entry(flow.set, flow.first_entry)
        series, number = self._numbering.take(flow.set, flow.code, sent)
        self.write(payment, self._type(flow.set), entry, series, number)
        for each in payment.applied:
            self._documents.settle(each.kind, each.header, each.amount)
        trans_num = self._journal.book(_entry_header(header), self._entry(payment), Origin(flow.origin, entry, number))
        self._remember(flow, entry, trans_num)
        return entry

    def write(self, payment: Complete, entity: Type, entry: int, series: int, number: int) -> None:
        """The rows of a payment under its numbers, with nothing that follows from it."""
        header, flow = payment.header, payment.flow
        header.update(DocEntry=entry, DocNum=number, Series=series, DocObjectCode=flow.object)
        header["JournalRemarks"] = header["JournalRemarks"] or f"{flow.title} - {header['CardCode'] or ''}"[:50]
        self._tables.insert(entity, header)
        for collection in entity.collections:
            rows = _rows(payment.shown(), collection.name)
            self._tables.insert_all(self._schema.child(entity, collection), rows, parent={"DocEntry": entry})

    def amend(self, flow: Flow, row: Row, changes: Row) -> None:
        """PATCH: texts only."""
        kept: Row = {name: value for name, value in changes.items() if name in AMENDABLE or name.startswith("U_")}
        if kept:
            self._tables.update(self._type(flow.set), {"DocEntry": row["DocEntry"]}, kept)

    def cancel(self, flow: Flow, row: Row, *, today: bool = False) -> None:
        """Take a payment back: the opposite entry, and what it settled is open again."""
        if row["Cancelled"] == "tYES":
            raise rejected("Document is already cancelled")
        entry = int(str(row["DocEntry"]))
        current = today or self._switches.text("cancellation_date") == "today"
        day = self._wall.day() if current else str(row["DocDate"])
        self._checks.period(day, day, day, (f"{flow.table}.DocDate",) * 3)
        self.unsettle(flow, row)
        self._journal.take_back(self.trans_num(flow, entry), day, Origin(flow.origin, entry, int(str(row["DocNum"]))))
        self._tables.update(self._type(flow.set), {"DocEntry": entry}, {"Cancelled": "tYES"})

    def unsettle(self, flow: Flow, row: Row) -> None:
        """What a payment settled is open again."""
        entity = self._type(flow.set)
        collection = next(each for each in entity.collections if each.name == _APART[0])
        members = self._tables.children(self._schema.child(entity, collection), entity.key, [row])
        for paid in members[(row["DocEntry"],)]:
            kind = _PAID[str(paid["InvoiceType"])]
            document = self._tables.one(self._documents_type(kind), {"DocEntry": paid["DocEntry"]})
            if document is not None:
                amount = Amount(abs(money(paid, "SumApplied")), abs(money(paid, "AppliedFC")))
                self._documents.settle(kind, document, amount.times(-1))

    # --- the entry -----------------------------------------------------------------------------------------------------

    def _entry(self, payment: Complete) -> list[Row]:
        """Means against what they settle; what two rates leave over is a conversion difference."""
        flow, header = payment.flow, payment.header
        lines = [self._line(header, account, amount.times(flow.sign)) for account, amount in payment.means]
        paid = _total(amount for _, amount in payment.means)
        if payment.accounts:
            for row in payment.accounts:
                amount = self._amount(header, money(row, "SumPaid"))
                lines.append(self._line(header, str(row["AccountCode"]), amount.times(-flow.sign)))
        else:
            settled = _total(each.amount.times(_direction(flow, each)) for each in payment.applied)
            # At the payment's own rate; the documents were booked at theirs.
            now = _total(self._amount_of(header, each).times(_direction(flow, each)) for each in payment.applied)
            rest = Amount(paid.local - now.local, paid.foreign - now.foreign)
            owed = Amount(settled.local + rest.local, settled.foreign + rest.foreign)
            account, card_code = str(header["ControlAccount"]), str(header["CardCode"])
            lines.append(self._line(header, account, owed.times(-flow.sign), card_code))
        difference = sum((money(line, "Debit") - money(line, "Credit") for line in lines), ZERO)
        if difference:
            account = account_code(self._switches, ROUNDING_ACCOUNT)
            lines.append(self._line(header, account, Amount(-difference)))
        return [line for line in lines if line["Debit"] or line["Credit"] or line["FCDebit"] or line["FCCredit"]]

    def _line(self, header: Row, account: str, amount: Amount, partner: str = "") -> Row:
        side, other = ("Debit", "Credit") if (amount.local or amount.foreign) > 0 else ("Credit", "Debit")
        return {
            "AccountCode": account,
            "ShortName": partner or account,
            side: abs(amount.local),
            other: ZERO,
            f"FC{side}": abs(amount.foreign),
            f"FC{other}": ZERO,
            "FCCurrency": header["DocCurrency"] if amount.foreign else None,
            "ProjectCode": header["ProjectCode"],
            "BPLID": header["BPLID"],
            "BPLName": header["BPLName"],
        }

    def _amount_of(self, header: Row, applied: Applied) -> Amount:
        """What is applied of a document, at the payment's rate."""
        return self._amount(header, applied.amount.foreign) if applied.amount.foreign else applied.amount

    def _amount(self, header: Row, value: Decimal) -> Amount:
        """A sum of the payment in both currencies."""
        if self._foreign(header) is None:
            return Amount(rounded(value, TOTALS_ACCURACY))
        decimals, _ = self._checks.terms(str(header["DocCurrency"]), str(header["DocDate"]), "[DocCurr]")
        rate = money(header, "DocRate")
        foreign = rounded(value, decimals)
        return Amount(rounded(foreign * rate, TOTALS_ACCURACY), foreign)

    def _counted(self, header: Row, amount: Amount) -> Decimal:
        """The side of an amount on which sums are compared: the payment's currency."""
        return amount.local if self._foreign(header) is None else amount.foreign

    def _foreign(self, header: Row) -> object:
        return None if header["DocCurrency"] == LOCAL_CURRENCY else header["DocCurrency"]

    # --- parts ---------------------------------------------------------------------------------------------------------

    def _remember(self, flow: Flow, entry: int, trans_num: int) -> None:
        """A payment shows no TransNum (dossier, section 6.4), but the company knows it."""
        self._tables.book.execute("INSERT INTO {payment_entries} VALUES (?, ?, ?)", (flow.set, entry, trans_num))

    def trans_num(self, flow: Flow, entry: int) -> int:
        """The JdtNum of a payment's entry."""
        row = self._tables.book.row(
            'SELECT "TransNum" FROM {payment_entries} WHERE "Set" = ? AND "DocEntry" = ?', (flow.set, entry)
        )
        if row is None:
            raise AssertionError(f"{flow.set}({entry}) has no entry")
        return int(row[0])

    @property
    def _schema(self) -> Schema:
        return self._catalog.schema

    def _type(self, set_name: str) -> Type:
        return self._catalog.schema.of_set(set_name)

    def _documents_type(self, kind: Kind) -> Type:
        return self._catalog.schema.of_set(kind.set)


def _direction(flow: Flow, applied: Applied) -> int:
    """+1 where a document is paid by money of this flow: invoices by money that comes in, credit notes by money that goes."""
    return flow.sign * applied.kind.receivable


def _total(amounts: Iterable[Amount]) -> Amount:
    found = list(amounts)
    return Amount(sum((each.local for each in found), ZERO), sum((each.foreign for each in found), ZERO))


def _entry_header(header: Mapping[str, object]) -> Row:
    """The header of the entry behind a payment."""
    return {
        "ReferenceDate": header["DocDate"],
        "DueDate": header["DueDate"],
        "TaxDate": header["TaxDate"],
        "VatDate": header["VatDate"],
        "Memo": header["JournalRemarks"],
        "Reference": str(header["DocNum"]),
        "Reference2": header["CounterReference"],
        "ProjectCode": header["ProjectCode"],
    }


def _rows(row: Row, name: str) -> list[Row]:
    rows = row.get(name)
    return rows if isinstance(rows, list) else []
