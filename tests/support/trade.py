"""Small literal sales documents and payments for tests."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ml_connector.domain.documents import (
    Application,
    InventoryIssue,
    IssueLine,
    Kind,
    Payment,
    SalesDocument,
    SalesLine,
)
from ml_connector.domain.keys import DocumentKey, document_key

DAY = date(2026, 10, 26)
ORDER = "113-0000001-0000001"


def sales_line(item: str = "MUG", gross: str = "59.99", quantity: str = "1", discount: str = "0") -> SalesLine:
    return SalesLine(
        item=item,
        text=f"{item} of order {ORDER}",
        quantity=Decimal(quantity),
        gross=Decimal(gross),
        discount=Decimal(discount),
        tax_code="EX",
    )


def invoice(order: str = ORDER, *, lines: tuple[SalesLine, ...] = (), kind: Kind = Kind.INVOICE) -> SalesDocument:
    """Two mugs at 29.99 less 5.00 promotion and 4.99 shipping: 59.97 in all."""
    standard = (sales_line(gross="59.98", quantity="2", discount="5.00"), sales_line("SHIPPING", "4.99"))
    return SalesDocument(
        key=document_key("ABCD", kind.value, order),
        kind=kind,
        company="",
        branch="",
        posting_date=DAY,
        document_date=DAY,
        currency="USD",
        customer="AMAZON-US",
        reference=order,
        memo=f"Amazon order {order}",
        lines=lines or standard,
    )


def payment(*paid: tuple[DocumentKey, str], kind: Kind = Kind.RECEIPT, on_account: str = "0") -> Payment:
    return Payment(
        key=document_key("ABCD", kind.value, "90000000011", "2026P10"),
        kind=kind,
        company="",
        branch="",
        posting_date=DAY,
        document_date=DAY,
        currency="USD",
        customer="AMAZON-US",
        account="1130",
        reference="90000000011",
        memo="Amazon settlement 90000000011",
        applications=tuple(Application(key, Decimal(amount)) for key, amount in paid),
        on_account=Decimal(on_account),
    )


def issue() -> InventoryIssue:
    return InventoryIssue(
        key=document_key("ABCD", "II", "90000000011", "2026P10"),
        company="",
        branch="",
        posting_date=DAY,
        document_date=DAY,
        currency="USD",
        reference="90000000011",
        memo="Units of settlement 90000000011",
        lines=(IssueLine("MUG", Decimal(2), "FBA"),),
    )
