"""The documents of the suite, made of a site's codes. Small enough to be checked by hand; ``number`` tells them apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from ml_connector.conformance.world import Codes
from ml_connector.domain.documents import (
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


@dataclass(frozen=True, slots=True)
class Papers:
    """A document and what has to be posted before it can be written at all."""

    document: Document
    before: tuple[Document, ...] = ()


def papers(kind: Kind, codes: Codes, number: int = 1) -> Papers:
    """A plain document of ``kind``, in the currency with two decimals."""
    match kind:
        case Kind.JOURNAL_ENTRY:
            return Papers(journal(codes, number))
        case Kind.BANK_TRANSFER:
            return Papers(transfer(codes, number))
        case Kind.INVOICE | Kind.SALES_ORDER:
            return Papers(sale(kind, codes, number))
        case Kind.CREDIT_MEMO:
            invoice = sale(Kind.INVOICE, codes, number)
            return Papers(_corrected(sale(kind, codes, number), invoice), (invoice,))
        case Kind.RECEIPT:
            invoices = (sale(Kind.INVOICE, codes, number), sale(Kind.INVOICE, codes, number + 500))
            return Papers(payment(kind, codes, number, invoices), invoices)
        case Kind.REFUND_PAYMENT:
            invoice = sale(Kind.INVOICE, codes, number)
            memo = _corrected(sale(Kind.CREDIT_MEMO, codes, number), invoice)
            return Papers(payment(kind, codes, number, (memo,)), (invoice, memo))
        case Kind.INVENTORY_ISSUE:
            return Papers(issue(codes, number))


def settlement(number: int) -> str:
    """The settlement id of the ``number``-th document."""
    return f"9000{number:07d}"


def order(number: int) -> str:
    """The Amazon order id of the ``number``-th document."""
    return f"113-{number:07d}-0000001"


def journal(codes: Codes, number: int = 1, *, decimals: int = 2, pairs: int = 1) -> JournalEntry:
    """Sales against payouts: 8579 of the smallest unit of a currency with ``decimals`` (85.79, 8579 or 8.579), and one whole unit
    more in each pair that follows."""
    amount = Decimal(8579).scaleb(-decimals)
    lines = [
        line
        for pair in range(pairs)
        for line in (
            _line("payout", codes.accounts[0], codes, debit=amount + pair),
            _line("product_sales", codes.accounts[1], codes, credit=amount + pair),
        )
    ]
    return _entry(Kind.JOURNAL_ENTRY, codes, number, codes.currencies[decimals], tuple(lines))


def transfer(codes: Codes, number: int = 1) -> JournalEntry:
    """One payout of 85.79 arrives at the bank."""
    amount = Decimal("85.79")
    lines = (
        _line("payout", codes.accounts[0], codes, debit=amount),
        _line("payout", codes.accounts[1], codes, credit=amount),
    )
    return _entry(Kind.BANK_TRANSFER, codes, number, codes.currencies[2], lines)


def sale(kind: Kind, codes: Codes, number: int = 1, *, decimals: int = 2) -> SalesDocument:
    """Two of the goods at 30.00 less 5.00 promotion, and 4.99 shipping: 59.99 in all."""
    unit = Decimal(10).scaleb(2 - decimals)
    goods = SalesLine(
        item=codes.goods,
        text=f"{codes.goods} of order {order(number)}",
        quantity=Decimal(2),
        gross=Decimal("6.000") * unit,
        discount=Decimal("0.500") * unit,
        tax_code=codes.tax_code,
        warehouse=codes.warehouse,
        dimensions=codes.dimensions,
        source=f"{number:014d}",
    )
    shipping = SalesLine(
        item=codes.service,
        text="Shipping",
        quantity=Decimal(1),
        gross=Decimal("0.499") * unit,
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
        customer=codes.customer,
        reference=order(number),
        memo=f"Amazon order {order(number)}",
        lines=(goods, shipping),
    )


def payment(kind: Kind, codes: Codes, number: int, paid: tuple[Document, ...]) -> Payment:
    """All of ``paid`` in full."""
    return Payment(
        key=document_key(ACCOUNT, kind.value, settlement(number)),
        kind=kind,
        company=codes.company,
        branch=codes.branch,
        posting_date=codes.day,
        document_date=codes.day,
        currency=codes.currencies[2],
        customer=codes.customer,
        account=codes.bank,
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
    period = f"{codes.day.year}P{codes.day.month:02d}"
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


def _corrected(memo: SalesDocument, invoice: SalesDocument) -> SalesDocument:
    """``memo`` as the credit memo that takes back ``invoice``, goods and all."""
    return replace(memo, corrects=invoice.key, returns_stock=True)
