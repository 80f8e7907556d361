"""The documents of the suite, made of a site's codes. Small enough to be checked by hand.

``number`` tells them apart, also by their amounts: a world may recognise a document in its ledger by content alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from ml_connector.conformance.world import Codes
from ml_connector.domain.documents import (
    LABEL_END,
    Application,
    Document,
    InventoryIssue,
    IssueLine,
    JournalEntry,
    JournalLine,
    Kind,
    Payment,
    SalesDocument,
    SalesLine,
    label,
)
from ml_connector.domain.keys import document_key

#: Which selling account the documents of the suite are of.
ACCOUNT = "CONF"
STORE = "Amazon.com"

#: Kinds with a customer, and those of them that move money.
SALES: Final = frozenset({Kind.INVOICE, Kind.CREDIT_MEMO, Kind.SALES_ORDER, Kind.RECEIPT, Kind.REFUND_PAYMENT})
PAYMENTS: Final = frozenset({Kind.RECEIPT, Kind.REFUND_PAYMENT})

#: Far enough from the numbers that rules give.
_SECOND: Final = 500

#: The decimals of the currency that everything plain is in.
_PLAIN: Final = 2


@dataclass(frozen=True, slots=True)
class Papers:
    """A document and what has to be posted before it can be written at all."""

    document: Document
    before: tuple[Document, ...] = ()


def papers(kind: Kind, codes: Codes, number: int = 1, decimals: int = 2, applications_max: int = 2) -> Papers:
    """A plain document of ``kind`` in the currency that the codes name first for ``decimals``. A receipt pays two invoices, or as
    many as one may."""
    match kind:
        case Kind.JOURNAL_ENTRY:
            return Papers(journal(codes, number, decimals=decimals))
        case Kind.BANK_TRANSFER:
            return Papers(transfer(codes, number, decimals=decimals))
        case Kind.INVOICE | Kind.SALES_ORDER:
            return Papers(sale(kind, codes, number, decimals=decimals))
        case Kind.CREDIT_MEMO:
            invoice = sale(Kind.INVOICE, codes, number, decimals=decimals)
            return Papers(_corrected(sale(kind, codes, number, decimals=decimals), invoice), (invoice,))
        case Kind.RECEIPT:
            numbers = (number, number + _SECOND)[:applications_max]
            invoices = tuple(sale(Kind.INVOICE, codes, each, decimals=decimals) for each in numbers)
            return Papers(payment(kind, codes, number, invoices, decimals=decimals), invoices)
        case Kind.REFUND_PAYMENT:
            invoice = sale(Kind.INVOICE, codes, number, decimals=decimals)
            memo = _corrected(sale(Kind.CREDIT_MEMO, codes, number, decimals=decimals), invoice)
            return Papers(payment(kind, codes, number, (memo,), decimals=decimals), (invoice, memo))
        case Kind.INVENTORY_ISSUE:
            return Papers(issue(codes, number))


def settlement(number: int) -> str:
    """The settlement id of the ``number``-th document."""
    return f"9000{number:07d}"


def order(number: int) -> str:
    """The Amazon order id of the ``number``-th document."""
    return f"113-{number:07d}-0000001"


def journal(codes: Codes, number: int = 1, *, decimals: int = 2, pairs: int = 1) -> JournalEntry:
    """Sales against payouts: 8572 and ``number`` of the smallest unit of a currency with ``decimals`` (the first: 85.73, 8573 or
    8.573), and one whole unit more in each pair that follows."""
    amount = Decimal(8572 + number).scaleb(-decimals)
    lines = [
        line
        for pair in range(pairs)
        for line in (
            _line("payout", codes.accounts[0], codes, debit=amount + pair),
            _line("product_sales", codes.accounts[1], codes, credit=amount + pair),
        )
    ]
    return _entry(Kind.JOURNAL_ENTRY, codes, number, codes.currencies[decimals], tuple(lines))


def transfer(codes: Codes, number: int = 1, *, decimals: int = 2) -> JournalEntry:
    """One payout of 9002 and ``number`` of the smallest unit arrives at the bank."""
    amount = Decimal(9002 + number).scaleb(-decimals)
    lines = (
        _line("payout", codes.accounts[0], codes, debit=amount),
        _line("payout", codes.accounts[1], codes, credit=amount),
    )
    return _entry(Kind.BANK_TRANSFER, codes, number, codes.currencies[decimals], lines)


def sale(kind: Kind, codes: Codes, number: int = 1, *, decimals: int = 2) -> SalesDocument:
    """Two of the goods at 30.00 less 5.00 promotion, and shipping of 4.99 and ``number`` cents: the first is 60.00 in all. In a
    currency with other decimals the same number of its smallest units."""

    def amount(smallest: int) -> Decimal:
        return Decimal(smallest).scaleb(-decimals)

    goods = SalesLine(
        item=codes.goods,
        text=f"{codes.goods} of order {order(number)}",
        quantity=Decimal(2),
        gross=amount(6000),
        discount=amount(500),
        tax_code=codes.tax_code,
        warehouse=codes.warehouse,
        dimensions=codes.dimensions,
        source=f"{number:014d}",
    )
    shipping = SalesLine(
        item=codes.service,
        text="Shipping",
        quantity=Decimal(1),
        gross=amount(499 + number),
        tax_code=codes.tax_code,
        dimensions=codes.dimensions,
    )
    return SalesDocument(
        key=document_key(ACCOUNT, kind.value, order(number)),
        kind=kind,
        company=codes.company,
        branch=codes.branch,
        posting_date=codes.day,
        document_date=codes.day,
        currency=codes.currencies[decimals],
        customer=codes.customer if decimals == _PLAIN else codes.customers[decimals],
        reference=order(number),
        memo=f"Amazon order {order(number)}",
        lines=(goods, shipping),
    )


def payment(kind: Kind, codes: Codes, number: int, paid: tuple[SalesDocument, ...], *, decimals: int = 2) -> Payment:
    """All of ``paid`` in full, in their currency."""
    return Payment(
        key=document_key(ACCOUNT, kind.value, settlement(number)),
        kind=kind,
        company=codes.company,
        branch=codes.branch,
        posting_date=codes.day,
        document_date=codes.day,
        currency=paid[0].currency,
        customer=paid[0].customer,
        account=codes.bank if decimals == _PLAIN else codes.banks[decimals],
        reference=settlement(number),
        memo=f"Amazon settlement {settlement(number)}",
        applications=tuple(Application(each.key, each.total) for each in paid),
    )


def issue(codes: Codes, number: int = 1) -> InventoryIssue:
    """Two of the goods leave the warehouse."""
    return InventoryIssue(
        key=document_key(ACCOUNT, Kind.INVENTORY_ISSUE.value, settlement(number)),
        company=codes.company,
        branch=codes.branch,
        posting_date=codes.day,
        document_date=codes.day,
        currency=codes.currencies[2],
        reference=settlement(number),
        memo=f"Units of settlement {settlement(number)}",
        lines=(IssueLine(codes.goods, Decimal(2), codes.warehouse),),
        account=codes.accounts[0],
    )


def _line(
    category: str, account: str, codes: Codes, *, debit: Decimal = Decimal(0), credit: Decimal = Decimal(0)
) -> JournalLine:
    return JournalLine(category, STORE, account, debit, credit, label(category, STORE), codes.dimensions)


def _entry(kind: Kind, codes: Codes, number: int, currency: str, lines: tuple[JournalLine, ...]) -> JournalEntry:
    period = _period(codes.day)
    return JournalEntry(
        key=document_key(ACCOUNT, kind.value, settlement(number), period),
        company=codes.company,
        branch=codes.branch,
        posting_date=codes.day,
        document_date=codes.day,
        period=period,
        currency=currency,
        reference=settlement(number),
        memo=f"Amazon settlement {settlement(number)}",
        lines=lines,
        kind=kind,
    )


def _period(day: date) -> str:
    """The fiscal period's key in a company whose periods are calendar months."""
    return f"{day.year}P{day.month:02d}"


def _corrected(memo: SalesDocument, invoice: SalesDocument) -> SalesDocument:
    """``memo`` as the credit memo that takes back ``invoice``, goods and all."""
    return replace(memo, corrects=invoice.key, returns_stock=True)


# --- changed ------------------------------------------------------------------------------------------------------------


def with_texts(document: Document, text: str) -> Document:
    """``text`` in the memo and in the text of every line."""
    match document:
        case JournalEntry(lines=lines):
            told = tuple(replace(line, text=f"{line.text}{LABEL_END}{text}") for line in lines)
            return replace(document, memo=text, lines=told)
        case SalesDocument(lines=sold):
            return replace(document, memo=text, lines=tuple(replace(line, text=text) for line in sold))
        case InventoryIssue(lines=issued):
            return replace(document, memo=text, lines=tuple(replace(line, text=text) for line in issued))
        case Payment():
            return replace(document, memo=text)


def renamed(document: Document, natural_id: str) -> Document:
    """Under another key."""
    return replace(document, key=document_key(ACCOUNT, document.kind.value, natural_id))


def dated(document: Document, day: date) -> Document:
    """Posted on ``day``."""
    moved = replace(document, posting_date=day, document_date=day)
    return replace(moved, period=_period(day)) if isinstance(moved, JournalEntry) else moved


def with_currency(document: Document, currency: str) -> Document:
    return replace(document, currency=currency)


def with_account(document: Document, account: str) -> Document:
    """The first line of an entry on another account."""
    if not isinstance(document, JournalEntry):
        raise LookupError("only entries name accounts line by line")
    return replace(document, lines=(replace(document.lines[0], account=account), *document.lines[1:]))


def with_item(document: Document, item: str) -> Document:
    """The first line of a document that names items with another one."""
    match document:
        case SalesDocument(lines=sold):
            return replace(document, lines=(replace(sold[0], item=item), *sold[1:]))
        case InventoryIssue(lines=issued):
            return replace(document, lines=(replace(issued[0], item=item), *issued[1:]))
        case _:
            raise LookupError("this kind names no items")


def refused(document: Document, codes: Codes) -> Document:
    """``document`` with something in it that is not there, whatever its kind names."""
    match document:
        case JournalEntry():
            return with_account(document, codes.no_account)
        case Payment():
            return with_currency(document, codes.no_currency)
        case _:
            return with_item(document, codes.no_item)
