"""Documents: what should exist in a target, created once, never edited. How they are kept: :mod:`stored_documents`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from ml_connector.domain import money
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.mapping import CATEGORIES

#: The longest label. SAP Business One's LineMemo is the shortest line text we write (SAP dossier, section 8: 50).
LABEL_LENGTH_MAX = 50

#: Between the label and what else a line's text says.
LABEL_END = " | "


def label(category: str, store: str) -> str:
    """What a line's text begins with: ``product_sales Amazon.com``. At most :data:`LABEL_LENGTH_MAX` characters.

    A journal read back is compared by it (ACCOUNTING 1), so it survives a field that cuts at that length and a server
    that folds white space: runs of white space become one space, and ``|`` cannot occur.
    """
    return " ".join(f"{category} {store}".replace("|", " ").split())[:LABEL_LENGTH_MAX].rstrip()


def label_of(text: str) -> str:
    """The label at the beginning of a line's text, however much of the rest was cut off; "" where it is not ours."""
    words = text.partition("|")[0].split()
    if not words or words[0] not in CATEGORIES:
        return ""
    return " ".join(words)[:LABEL_LENGTH_MAX].rstrip()


class Kind(StrEnum):
    """Document kinds (ACCOUNTING 11). The value stands in the document key."""

    INVOICE = "INV"
    CREDIT_MEMO = "CM"
    RECEIPT = "RC"
    REFUND_PAYMENT = "RP"
    JOURNAL_ENTRY = "JE"
    SALES_ORDER = "SO"
    BANK_TRANSFER = "BT"
    INVENTORY_ISSUE = "II"


class State(StrEnum):
    """``planned -> approved -> posting -> entered -> posted | held | dropped`` (DESIGN 2).

    ``entered``: in the ERP, not yet in its ledger. ``held``: stopped with a reason; a person replays it.
    """

    PLANNED = "planned"
    APPROVED = "approved"
    POSTING = "posting"
    ENTERED = "entered"
    POSTED = "posted"
    HELD = "held"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One planned line. Exactly one of ``debit`` and ``credit`` is positive, or both are zero: such a line is kept with
    its lineage, and not posted. Amounts in the entry's transaction currency.

    ``category`` and ``store`` name the line within its entry; ``text`` begins with them. ``rows`` and ``rows_sha256`` say
    which file rows the line carries (the ranges are stored beside the document); a computed line has zero rows and "".
    """

    category: str
    store: str
    account: str
    debit: Decimal
    credit: Decimal
    text: str
    dimensions: tuple[tuple[str, str], ...] = ()
    rows: int = 0
    rows_sha256: str = ""

    @property
    def posts(self) -> bool:
        return bool(self.debit or self.credit)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A balanced entry in one currency, one company, one branch ("" where the ERP has none).

    ``reference`` is the settlement id, ``memo`` a sentence for people, ``period`` the fiscal period's key. A
    ``BANK_TRANSFER`` is an entry of two lines: debit the bank's account, credit payouts in transit.
    """

    key: DocumentKey
    company: str
    branch: str
    posting_date: date
    document_date: date
    period: str
    currency: str
    reference: str
    memo: str
    lines: tuple[JournalLine, ...]
    depends_on: tuple[DocumentKey, ...] = ()
    kind: Kind = Kind.JOURNAL_ENTRY

    @property
    def total(self) -> Decimal:
        """Sum of debits, which equals the sum of credits."""
        return sum((line.debit for line in self.lines), money.ZERO)

    def imbalance(self) -> Decimal:
        """Debits minus credits: zero in every entry that may be stored."""
        return sum((line.debit - line.credit for line in self.lines), money.ZERO)

    def problem(self) -> str:
        """Why it must never be kept, as the rest of a sentence; "" where it may."""
        return f"does not balance by {self.imbalance()}" if self.imbalance() else ""


@dataclass(frozen=True, slots=True)
class SalesLine:
    """One line of a sales document. Amounts in the document's currency, without tax, positive on every kind of document.

    ``item`` is the ERP's own item id: goods, or the non-stock item that stands for shipping, gift wrap or a fee. ``gross`` is
    what the line cost, ``discount`` what the seller's promotion took off it. ``tax`` is the tax that the seller owes himself:
    zero where Amazon remits it, and then ``tax_code`` is a code of zero. ``source`` is Amazon's order item id.
    """

    item: str
    text: str
    quantity: Decimal
    gross: Decimal
    discount: Decimal = money.ZERO
    tax: Decimal = money.ZERO
    tax_code: str = ""
    warehouse: str = ""
    account: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    source: str = ""

    @property
    def amount(self) -> Decimal:
        """What the line adds to the document's total before tax."""
        return self.gross - self.discount


@dataclass(frozen=True, slots=True)
class SalesDocument:
    """An ``INVOICE``, ``CREDIT_MEMO`` or ``SALES_ORDER`` (``kind``) of one customer.

    ``reference`` is the Amazon order id (with the package part where there are several), the words by which a person finds
    it. ``corrects`` is the invoice that a credit memo takes back, where it is one of ours. ``returns_stock``: the goods of a
    credit memo came back into ``warehouse``.
    """

    key: DocumentKey
    kind: Kind
    company: str
    branch: str
    posting_date: date
    document_date: date
    currency: str
    customer: str
    reference: str
    memo: str
    lines: tuple[SalesLine, ...]
    corrects: DocumentKey | None = None
    returns_stock: bool = False

    @property
    def depends_on(self) -> tuple[DocumentKey, ...]:
        return () if self.corrects is None else (self.corrects,)

    @property
    def total(self) -> Decimal:
        """What the customer owes (or is owed, by a credit memo), tax included. Positive."""
        return sum((line.amount + line.tax for line in self.lines), money.ZERO)

    def problem(self) -> str:
        """Why it must never be kept, as the rest of a sentence; "" where it may."""
        if self.kind not in {Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER}:
            return f"is no sales document but {self.kind.value}"
        if not self.lines:
            return "has no lines"
        if any(line.quantity <= 0 or line.discount < 0 or line.gross < 0 or line.amount < 0 for line in self.lines):
            return "has a line with a negative amount or without a quantity"
        return ""


@dataclass(frozen=True, slots=True)
class Application:
    """How much of a payment goes to one document. ``amount`` is positive, in the payment's currency."""

    document: DocumentKey
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """A ``RECEIPT`` (applied to invoices) or a ``REFUND_PAYMENT`` (applied to credit memos), between a customer and Amazon
    clearing. Always positive (ACCOUNTING 6).

    ``account`` is the bank side, in the ERP's own words: a G/L account or a bank code. ``on_account`` is what no document is
    paid with. ``reference`` is the settlement id.
    """

    key: DocumentKey
    kind: Kind
    company: str
    branch: str
    posting_date: date
    document_date: date
    currency: str
    customer: str
    account: str
    reference: str
    memo: str
    applications: tuple[Application, ...]
    on_account: Decimal = money.ZERO

    @property
    def depends_on(self) -> tuple[DocumentKey, ...]:
        return tuple(application.document for application in self.applications)

    @property
    def total(self) -> Decimal:
        """What is paid."""
        return sum((application.amount for application in self.applications), self.on_account)

    def problem(self) -> str:
        """Why it must never be kept, as the rest of a sentence; "" where it may."""
        if self.kind not in {Kind.RECEIPT, Kind.REFUND_PAYMENT}:
            return f"is no payment but {self.kind.value}"
        if self.on_account < 0 or any(application.amount <= 0 for application in self.applications):
            return "applies an amount that is not positive"
        if len({application.document for application in self.applications}) != len(self.applications):
            return "applies to one document twice"
        return "" if self.total > 0 else "pays nothing"


@dataclass(frozen=True, slots=True)
class IssueLine:
    """Units that left a warehouse. ``quantity`` is positive, in the item's own unit."""

    item: str
    quantity: Decimal
    warehouse: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class InventoryIssue:
    """Units sold, lost or disposed of, taken out of stock at the ERP's own cost (ACCOUNTING 10). It carries no amount:
    ``currency`` is the company's own and ``total`` is zero. ``account`` takes the cost, "" for the item's own.
    """

    key: DocumentKey
    company: str
    branch: str
    posting_date: date
    document_date: date
    currency: str
    reference: str
    memo: str
    lines: tuple[IssueLine, ...]
    account: str = ""
    depends_on: tuple[DocumentKey, ...] = ()

    @property
    def kind(self) -> Kind:
        return Kind.INVENTORY_ISSUE

    @property
    def total(self) -> Decimal:
        return money.ZERO

    def problem(self) -> str:
        """Why it must never be kept, as the rest of a sentence; "" where it may."""
        return "issues no positive quantity" if any(line.quantity <= 0 for line in self.lines) or not self.lines else ""


Document = JournalEntry | SalesDocument | Payment | InventoryIssue


def named(document: Document) -> tuple[DocumentKey, ...]:
    """The documents without whose own numbers ``document`` cannot even be written down in a target, as opposed to what it
    merely comes after. Always a part of ``depends_on``."""
    return document.depends_on if isinstance(document, Payment) else ()
