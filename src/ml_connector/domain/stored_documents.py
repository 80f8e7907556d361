"""How a document is kept: (schema number, canonical bytes, sha256 of those bytes).

The hash is taken once, over the bytes that are stored, and never recomputed from objects: an old document stays what it was
when the classes move on. A kind that is new changes nothing of what is kept of the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain import money
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
)
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.keys import DocumentKey

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it is kept."""

    schema: int
    canonical: bytes
    sha256: str


def store_form(document: Document) -> Stored:
    """The canonical form. Raises :class:`Inconsistent` for a document that must never be kept: an entry that does not
    balance, a payment of nothing."""
    problem = document.problem()
    if problem:
        raise Inconsistent(f"{document.key} {problem}.")
    canonical = json.dumps(_to_data(document), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return Stored(SCHEMA, canonical, hashlib.sha256(canonical).hexdigest())


def from_stored(schema: int, canonical: bytes) -> Document:
    """Read a kept document of any schema, old ones through their upcasters."""
    if schema != SCHEMA:
        raise Inconsistent(f"A document of schema {schema} was found; this version reads up to {SCHEMA}.")
    data = json.loads(canonical)
    kind = Kind(data["kind"])
    return _READERS[kind](kind, data)


def entry_from_stored(schema: int, canonical: bytes) -> JournalEntry:
    """As :func:`from_stored`, where a journal entry is expected. Raises :class:`Inconsistent` for another kind."""
    return entry_of(from_stored(schema, canonical))


def entry_of(document: Document) -> JournalEntry:
    """``document`` as the journal entry it is. Raises :class:`Inconsistent` where it is another kind."""
    if not isinstance(document, JournalEntry):
        raise Inconsistent(f"{document.key} is no journal entry.")
    return document


def _to_data(document: Document) -> dict[str, Any]:
    def amount(value: Decimal) -> str:
        return money.text(value, document.currency)

    data = {
        "kind": document.kind.value,
        "key": document.key,
        "company": document.company,
        "branch": document.branch,
        "posting_date": document.posting_date.isoformat(),
        "document_date": document.document_date.isoformat(),
        "currency": document.currency,
        "reference": document.reference,
        "memo": document.memo,
    }
    match document:
        case JournalEntry():
            return data | {
                "period": document.period,
                "depends_on": list(document.depends_on),
                "lines": [_journal_line(line, amount) for line in document.lines],
            }
        case SalesDocument():
            return data | {
                "customer": document.customer,
                "corrects": document.corrects,
                "returns_stock": document.returns_stock,
                "lines": [_sales_line(line, amount) for line in document.lines],
            }
        case Payment():
            return data | {
                "customer": document.customer,
                "account": document.account,
                "on_account": amount(document.on_account),
                "applications": [
                    {"document": each.document, "amount": amount(each.amount)} for each in document.applications
                ],
            }
        case InventoryIssue():
            return data | {
                "account": document.account,
                "depends_on": list(document.depends_on),
                "lines": [
                    {
                        "item": line.item,
                        "quantity": _number(line.quantity),
                        "warehouse": line.warehouse,
                        "text": line.text,
                    }
                    for line in document.lines
                ],
            }


def _journal_line(line: JournalLine, amount: Callable[[Decimal], str]) -> dict[str, Any]:
    return {
        "category": line.category,
        "store": line.store,
        "account": line.account,
        "debit": amount(line.debit),
        "credit": amount(line.credit),
        "text": line.text,
        "dimensions": dict(line.dimensions),
        "rows": line.rows,
        "rows_sha256": line.rows_sha256,
    }


def _sales_line(line: SalesLine, amount: Callable[[Decimal], str]) -> dict[str, Any]:
    return {
        "item": line.item,
        "text": line.text,
        "quantity": _number(line.quantity),
        "gross": amount(line.gross),
        "discount": amount(line.discount),
        "tax": amount(line.tax),
        "tax_code": line.tax_code,
        "warehouse": line.warehouse,
        "account": line.account,
        "dimensions": dict(line.dimensions),
        "source": line.source,
    }


def _number(quantity: Decimal) -> str:
    """A quantity without trailing zeros: two units are ``2`` however they were written."""
    return f"{quantity.normalize():f}"


def _head(data: Mapping[str, Any]) -> dict[str, Any]:
    """What every kind has."""
    return {
        "key": DocumentKey(data["key"]),
        "company": data["company"],
        "branch": data["branch"],
        "posting_date": date.fromisoformat(data["posting_date"]),
        "document_date": date.fromisoformat(data["document_date"]),
        "currency": data["currency"],
        "reference": data["reference"],
        "memo": data["memo"],
    }


def _entry(kind: Kind, data: Mapping[str, Any]) -> JournalEntry:
    lines = tuple(
        JournalLine(
            category=line["category"],
            store=line["store"],
            account=line["account"],
            debit=money.amount(line["debit"]),
            credit=money.amount(line["credit"]),
            text=line["text"],
            dimensions=tuple(sorted(line["dimensions"].items())),
            rows=line["rows"],
            rows_sha256=line["rows_sha256"],
        )
        for line in data["lines"]
    )
    return JournalEntry(
        **_head(data),
        period=data["period"],
        lines=lines,
        depends_on=tuple(DocumentKey(key) for key in data["depends_on"]),
        kind=kind,
    )


def _sales(kind: Kind, data: Mapping[str, Any]) -> SalesDocument:
    lines = tuple(
        SalesLine(
            item=line["item"],
            text=line["text"],
            quantity=money.amount(line["quantity"]),
            gross=money.amount(line["gross"]),
            discount=money.amount(line["discount"]),
            tax=money.amount(line["tax"]),
            tax_code=line["tax_code"],
            warehouse=line["warehouse"],
            account=line["account"],
            dimensions=tuple(sorted(line["dimensions"].items())),
            source=line["source"],
        )
        for line in data["lines"]
    )
    return SalesDocument(
        **_head(data),
        kind=kind,
        customer=data["customer"],
        lines=lines,
        corrects=None if data["corrects"] is None else DocumentKey(data["corrects"]),
        returns_stock=data["returns_stock"],
    )


def _payment(kind: Kind, data: Mapping[str, Any]) -> Payment:
    return Payment(
        **_head(data),
        kind=kind,
        customer=data["customer"],
        account=data["account"],
        applications=tuple(
            Application(DocumentKey(each["document"]), money.amount(each["amount"])) for each in data["applications"]
        ),
        on_account=money.amount(data["on_account"]),
    )


def _issue(_kind: Kind, data: Mapping[str, Any]) -> InventoryIssue:
    return InventoryIssue(
        **_head(data),
        lines=tuple(
            IssueLine(line["item"], money.amount(line["quantity"]), line["warehouse"], line["text"])
            for line in data["lines"]
        ),
        account=data["account"],
        depends_on=tuple(DocumentKey(key) for key in data["depends_on"]),
    )


_READERS: Final[Mapping[Kind, Callable[[Kind, Mapping[str, Any]], Document]]] = {
    Kind.JOURNAL_ENTRY: _entry,
    Kind.BANK_TRANSFER: _entry,
    Kind.INVOICE: _sales,
    Kind.CREDIT_MEMO: _sales,
    Kind.SALES_ORDER: _sales,
    Kind.RECEIPT: _payment,
    Kind.REFUND_PAYMENT: _payment,
    Kind.INVENTORY_ISSUE: _issue,
}
