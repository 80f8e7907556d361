"""Invoices, credit memos and sales orders: ours into Business One's words, and back (SAP dossier, sections 6.3, 8, 11). Pure.

=============  ==================================================================  =========
field          what we write                                                       characters
=============  ==================================================================  =========
NumAtCard      the order id; a credit memo: its key, for refunds share the order   100
Comments       document key, then a sentence                                       254
U_ML_KEY       document key, where the field is there                              100
JournalMemo    a sentence                                                          50
FreeText       of a line: what it is for, and the promotion that was taken off     100
=============  ==================================================================  =========

SAP computes totals. So a line says its amount after promotions, and a price only where price times quantity is that amount to
the cent; discounts are sent as none, for a customer's or a special price's own would apply otherwise. Where the seller owes
VAT, the price is sent with the tax inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ml_connector.domain import money
from ml_connector.domain.documents import Kind, SalesDocument, SalesLine
from ml_connector.domain.keys import DocumentKey
from ml_connector.domain.target import Ids, Shown, ShownLine
from ml_connector.erp.sap_business_one.company import Company
from ml_connector.erp.sap_business_one.documents.common import (
    KEY_FIELD,
    MEMO_MAX,
    amount_of,
    remarks,
    stored,
    strange_dimension,
    wire_key,
)
from ml_connector.erp.sap_business_one.documents.places import PLACES
from ml_connector.erp.sap_business_one.values import day_of, rows_in, words

FREE_TEXT_MAX: Final = 100


def unsupported(document: SalesDocument) -> str | None:
    """Why Business One cannot hold ``document``, beyond what is true of every kind; None where it can."""
    if not document.customer:
        return "Business One takes no sales document without a customer."
    if not document.reference:
        return "The sales document has no order id, by which people and ml-connector find it in Business One."
    if any(not line.item for line in document.lines):
        return "A line has no item of Business One: complete the item mapping of this store."
    return strange_dimension({name for line in document.lines for name, _ in line.dimensions})


def computed(document: SalesDocument, company: Company) -> bool:
    """Whether SAP has to compute something: tax, or the total of a line of which we can send no exact price. Then a draft is
    compared before it counts."""
    return any(line.tax or _price(line.amount, line, company) is None for line in document.lines)


def payload(document: SalesDocument, company: Company, linked: Mapping[DocumentKey, Ids]) -> dict[str, Any]:
    """The body of a POST to the kind's set, or of its draft."""
    key, day = wire_key(document), document.posting_date.isoformat()
    body: dict[str, Any] = {
        "CardCode": document.customer,
        "DocDate": day,
        "DocDueDate": day,
        "TaxDate": document.document_date.isoformat(),
        "DocCurrency": company.code(document.currency),
        "DiscountPercent": 0,
        "NumAtCard": number_at_card(document),
        "JournalMemo": document.memo[:MEMO_MAX].rstrip(),
        "Comments": remarks(document, _sentence(document, linked)),
        "DocumentLines": [_line(line, document, company) for line in document.lines],
    }
    if PLACES[document.kind].set in company.trade.key_fields:
        body[KEY_FIELD] = key
    if document.branch:
        body["BPL_IDAssignedToInvoice"] = int(document.branch)
    if document.kind is Kind.SALES_ORDER:
        body["Confirmed"] = "tNO"
    return body


def number_at_card(document: SalesDocument) -> str:
    """The customer's reference number: what people search by."""
    return wire_key(document) if document.kind is Kind.CREDIT_MEMO else document.reference


def references(document: SalesDocument, company: Company) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the document in Business One."""
    fields = (("NumAtCard", number_at_card(document)), ("Comments", wire_key(document)))
    return (
        (*fields, (KEY_FIELD, wire_key(document))) if PLACES[document.kind].set in company.trade.key_fields else fields
    )


def project(document: SalesDocument) -> Shown:
    """What Business One will show for ``document``."""
    lines = tuple(
        ShownLine(line.item, money.ZERO, line.amount, quantity=line.quantity, tax=line.tax_code)
        for line in document.lines
    )
    return Shown.planned(document, lines)


def shown(row: Mapping[str, Any], document: SalesDocument, company: Company) -> Shown:
    """``row`` in the words all targets share, in the document's own currency. A tax code is shown where ``document`` names one
    for the item: where it does not, SAP determines it."""
    foreign = words(row["DocCurrency"]) != company.local.code
    silent = {line.item for line in document.lines if not line.tax_code}
    lines = []
    for line in rows_in(row, "DocumentLines"):
        item = words(line.get("ItemCode")) or words(line.get("AccountCode"))
        tax = words(line.get("TaxCode")) or words(line.get("VatGroup"))
        amount = stored(line.get("RowTotalFC" if foreign else "LineTotal"))
        quantity = stored(line.get("Quantity"))
        lines.append(ShownLine(item, money.ZERO, amount, quantity=quantity, tax="" if item in silent else tax))
    return Shown(
        day_of(row["DocDate"]),
        day_of(row["TaxDate"]),
        company.iso(words(row["DocCurrency"])),
        stored(row["DocTotalFc" if foreign else "DocTotal"]),
        tuple(lines),
        party=words(row["CardCode"]),
    )


def _sentence(document: SalesDocument, linked: Mapping[DocumentKey, Ids]) -> str:
    """The sentence in the comments. A credit memo names its invoice by the number that people see."""
    corrected = dict(linked.get(document.corrects, ())) if document.corrects is not None else {}
    number = corrected.get("DocNum", "")
    return f"{document.memo} (invoice {number})" if number else document.memo


def _line(line: SalesLine, document: SalesDocument, company: Company) -> dict[str, Any]:
    data: dict[str, Any] = {
        "ItemCode": line.item,
        "Quantity": line.quantity,
        "DiscountPercent": 0,
        **_amounts(line, document, company),
        "FreeText": _free_text(line),
        **dict(line.dimensions),
    }
    if line.tax_code:
        data["VatGroup" if line.tax_code in company.trade.vat_groups else "TaxCode"] = line.tax_code
    if line.warehouse:
        data["WarehouseCode"] = line.warehouse
    if line.account:
        data["AccountCode"] = line.account
    if document.kind is Kind.CREDIT_MEMO and not document.returns_stock:
        data["WithoutInventoryMovement"] = "tYES"
    return data


def _amounts(line: SalesLine, document: SalesDocument, company: Company) -> dict[str, Decimal]:
    """What the line costs. A foreign line's total has a field of its own; LineTotal there may be read as local currency."""
    if line.tax and line.tax_code in company.trade.vat_groups:
        gross = _price(line.amount + line.tax, line, company)
        if gross is not None:
            return {"PriceAfterVAT": gross}
    total = {
        "RowTotalFC" if company.foreign(document.currency) else "LineTotal": amount_of(line.amount, document.currency)
    }
    price = _price(line.amount, line, company)
    return total if price is None else {"UnitPrice": price, **total}


def _price(amount: Decimal, line: SalesLine, company: Company) -> Decimal | None:
    """The price of one unit that makes exactly ``amount``, None where the company's prices have too few decimals for it."""
    price = (amount / line.quantity).quantize(Decimal(1).scaleb(-company.trade.price_decimals))
    return price if price * line.quantity == amount else None


def _free_text(line: SalesLine) -> str:
    promotion = f", less promotion {line.discount}" if line.discount else ""
    return f"{line.text}{promotion}"[:FREE_TEXT_MAX].rstrip()
