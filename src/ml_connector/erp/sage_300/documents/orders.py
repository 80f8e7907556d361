"""Orders that ship and invoice themselves, sales orders, and credit notes of order entry (Sage dossier, sections 13, 17). Pure.

====================  =====================================  =========
field                 what we write                          characters
====================  =====================================  =========
OrderNumber           the Amazon order id                    22
PurchaseOrderNumber   the same                               22
OrderReference        the same                               60
OrderDescription      a sentence                             60
OrderComment          document key                           250
note: Number          the number (see ``sales``)             22
note: Description     document key                           60
note: Reference       the Amazon order id                    60
====================  =====================================  =========

A line is a miscellaneous charge where the company has one of that code in the document's currency, else an item. An item's price
is overridden with what the line costs by its quantity, in six decimals; where Sage's extension of it is not the line's amount,
the rest stands on a charge of its own. Sage computes taxes itself and cannot be told the amount, and an order counts at once: so
only lines whose tax is zero by their code are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from ml_connector.domain import keys, money
from ml_connector.domain.documents import Kind, SalesDocument, SalesLine
from ml_connector.domain.target import Shown, ShownLine
from ml_connector.erp.sage_300.company import Company
from ml_connector.erp.sage_300.documents import sales
from ml_connector.erp.sage_300.documents.sales import number_of, tax_group, tax_of
from ml_connector.erp.sage_300.values import day, list_of, number, plain, text, words, written

KEY_MAX: Final = 250
_ITEM_MAX: Final = 24
_CHARGE_MAX: Final = 6
_PRICE: Final = Decimal("0.000001")
ITEM: Final = "Item"
CHARGE: Final = "Miscellaneous"

ORDER_FIELDS: Final = (
    "OrderUniquifier",
    "OrderNumber",
    "OrderComment",
    "CustomerNumber",
    "OrderDate",
    "OrderSourceCurrency",
    "OrderTotal",
    "TaxGroup",
    "LastInvoiceNumber",
    "OrderDetails",
)
INVOICE_FIELDS: Final = (
    "InvoiceUniquifier",
    "InvoiceNumber",
    "OrderNumber",
    "CustomerNumber",
    "InvoiceDate",
    "InvoiceSourceCurrency",
    "InvoiceTotalWithTax",
    "TaxGroup",
    "InvoiceDetails",
)
NOTE_FIELDS: Final = (
    "CNUniquifier",
    "CreditDebitNoteNumber",
    "CreditDebitNoteType",
    "Description",
    "OrderNumber",
    "CustomerNumber",
    "CreditDebitNoteDate",
    "CreditDebitNoteSourceCurr",
    "CreditDebitNoteTotal",
    "TaxGroup",
    "CreditDebitDetails",
)


@dataclass(frozen=True, slots=True)
class Priced:
    """A line as order entry takes it. ``price`` is None for a charge, whose ``extended`` amount is sent as it is."""

    what: str
    quantity: Decimal | None
    price: Decimal | None
    extended: Decimal
    line: SalesLine | None = None


def wire_key(document: SalesDocument) -> str:
    """The document's key as OrderComment holds it; notes have 60 characters for it."""
    return keys.wire_key(document.key, sales.KEY_MAX if document.kind is Kind.CREDIT_MEMO else KEY_MAX)


def references(document: SalesDocument) -> tuple[tuple[str, str], ...]:
    """The fields by which a person finds the document in Sage."""
    if document.kind is Kind.CREDIT_MEMO:
        return (("CreditDebitNoteNumber", number_of(document)), ("Reference", document.reference))
    return (("OrderNumber", document.reference), ("PurchaseOrderNumber", document.reference))


def unsupported(document: SalesDocument, company: Company) -> str:
    """Why this company cannot hold ``document`` in order entry, as a sentence; "" where it can."""
    general = sales.unsupported(document, company)
    if general:
        return general
    long = next((line.item for line in document.lines if not line.item or len(line.item) > _ITEM_MAX), None)
    if long is not None:
        return f"{long!r} is no item of at most {_ITEM_MAX} characters."
    taxed = next(
        (
            line
            for line in document.lines
            if line.tax or not line.tax_code or tax_of(line.tax_code) not in company.untaxed
        ),
        None,
    )
    if taxed is not None:
        return (
            f"Order entry computes taxes itself, and what it makes counts at once: the tax code {taxed.tax_code!r} is not known to "
            f"be zero for every customer. Use a tax group without tax, or post invoices as receivables (invoice_mode AR)."
        )
    rest = residue(document, company)
    if rest and not company.config.residual_charge:
        return (
            f"A unit price of six decimals cannot express this document's amounts: {rest} is left over. Name a miscellaneous "
            f"charge for it in the connection's field residual_charge."
        )
    return ""


def priced(document: SalesDocument, company: Company) -> list[Priced]:
    """The lines as they are sent; the last one takes what prices leave over."""
    found = [_priced(line, document.currency, company) for line in document.lines]
    rest = _rest(document, found)
    if rest:
        found.append(Priced(company.config.residual_charge, None, None, rest))
    return found


def residue(document: SalesDocument, company: Company) -> Decimal:
    """What prices of six decimals cannot express: the document's total less Sage's extensions."""
    return _rest(document, [_priced(line, document.currency, company) for line in document.lines])


def order(document: SalesDocument, company: Company) -> dict[str, Any]:
    """The body of ``POST OE/OEOrders``. An invoice ships and invoices itself; a sales order does neither."""
    dates, invoices = company.config.dates, document.kind is Kind.INVOICE
    own_day = "InvoiceDate" in company.order_dates or not invoices
    ordered = document.document_date if own_day else document.posting_date
    body: dict[str, Any] = {
        "CustomerNumber": document.customer,
        "OrderNumber": document.reference,
        "PurchaseOrderNumber": document.reference,
        "OrderReference": words(document.reference, sales.TEXT_MAX),
        "OrderDescription": words(document.memo, sales.TEXT_MAX),
        "OrderComment": wire_key(document),
        "OrderDate": written(ordered if invoices else document.posting_date, dates),
        "ExpectedShipDate": written(document.posting_date, dates),
    }
    if invoices:
        body |= {name: written(document.posting_date, dates) for name in company.order_dates}
    body["TaxGroup"] = tax_group(document)
    if invoices:
        body[company.config.order_invoices_by] = True
    body["OrderDetails"] = [_order_line(each, ships=invoices) for each in priced(document, company)]
    return body


def note(document: SalesDocument, company: Company, order_number: str, invoice_number: str) -> dict[str, Any]:
    """The body of ``POST OE/OECreditDebitNotes``; both numbers are "" where the invoice is none of ours."""
    dates = company.config.dates
    body: dict[str, Any] = {
        "CreditDebitNoteNumber": number_of(document),
        "CreditDebitNoteType": "CreditNote",
        "CustomerNumber": document.customer,
    }
    body |= {name: value for name, value in (("OrderNumber", order_number), ("InvoiceNumber", invoice_number)) if value}
    return body | {
        "Reference": words(document.reference, sales.TEXT_MAX),
        "Description": wire_key(document),
        "CreditDebitNoteDate": written(document.posting_date, dates),
        "ReturnDate": written(document.posting_date, dates),
        "TaxGroup": tax_group(document),
        "CreditDebitDetails": [_note_line(each) for each in priced(document, company)],
    }


def project(document: SalesDocument, company: Company) -> Shown:
    """What Sage will show for ``document``."""
    group = tax_group(document)
    lines = tuple(
        ShownLine(
            plain(each.what) if each.price is not None else each.what,
            money.ZERO,
            each.extended,
            quantity=each.quantity,
            tax=group,
        )
        for each in priced(document, company)
    )
    return Shown.planned(document, lines)


def _priced(line: SalesLine, currency: str, company: Company) -> Priced:
    if (currency, line.item) in company.charges and not line.warehouse:
        return Priced(line.item, None, None, line.amount, line)
    price = (line.amount / line.quantity).quantize(_PRICE, rounding=ROUND_HALF_UP)
    unit = Decimal(1).scaleb(-money.minor_units(currency))
    extended = (price * line.quantity).quantize(unit, rounding=ROUND_HALF_UP)
    return Priced(line.item, line.quantity, price, extended, line)


def _rest(document: SalesDocument, found: list[Priced]) -> Decimal:
    wanted = sum((line.amount for line in document.lines), money.ZERO)
    return wanted - sum((each.extended for each in found), money.ZERO)


def _order_line(each: Priced, *, ships: bool) -> dict[str, Any]:
    if each.price is None or each.line is None:
        return _charge(each, "ExtendedAmount")
    data: dict[str, Any] = {"LineType": ITEM, ITEM: each.what}
    if each.line.warehouse:
        data["Location"] = each.line.warehouse
    data["QuantityOrdered"] = each.quantity
    if ships:
        data["QuantityShipped"] = each.quantity
    data |= {"PriceOverride": True, "PricingUnitPrice": each.price, "TaxClass1": tax_of(each.line.tax_code)[1]}
    return data


def _note_line(each: Priced) -> dict[str, Any]:
    if each.price is None or each.line is None:
        return _charge(each, "ExtendedAmountMiscellaneousCharge")
    data: dict[str, Any] = {"LineType": ITEM, ITEM: each.what}
    if each.line.warehouse:
        data["Location"] = each.line.warehouse
    return data | {
        "ReturnType": "ItemsReturnedToInventory",
        "QuantityReturned": each.quantity,
        "PriceOverride": True,
        "UnitPrice": each.price,
        "TaxClass1": tax_of(each.line.tax_code)[1],
    }


def _charge(each: Priced, name: str) -> dict[str, Any]:
    data: dict[str, Any] = {"LineType": CHARGE, "MiscellaneousChargesCode": each.what, name: each.extended}
    return data | ({"TaxClass1": tax_of(each.line.tax_code)[1]} if each.line is not None else {})


# --- Sage -> ours ------------------------------------------------------------------------------------------------------


def shown_order(row: Mapping[str, Any]) -> Shown:
    """An order as Sage shows it: quantities as ordered, the total without tax."""
    lines = _shown_lines(row, "OrderDetails", "QuantityOrdered", "ExtendedAmount")
    return _shown(row, "OrderDate", "OrderSourceCurrency", number(row.get("OrderTotal")), lines)


def shown_invoice(row: Mapping[str, Any], posted: Mapping[str, Any]) -> Shown:
    """An invoice with the total and the date under which receivables have it."""
    lines = _shown_lines(row, "InvoiceDetails", "QuantityShipped", "ExtendedAmount")
    total = abs(number(posted.get("CustomerCurrencyInvoiceAmount")))
    shown = _shown(row, "InvoiceDate", "InvoiceSourceCurrency", total, lines)
    return Shown(day(posted.get("PostingDate")), shown.document_date, shown.currency, total, lines, party=shown.party)


def shown_note(row: Mapping[str, Any], posted: Mapping[str, Any]) -> Shown:
    """A credit note with the total under which receivables have it."""
    lines = _shown_lines(row, "CreditDebitDetails", "QuantityReturned", "ExtendedAmountMiscellaneousCharge")
    total = abs(number(posted.get("CustomerCurrencyInvoiceAmount")))
    return _shown(row, "CreditDebitNoteDate", "CreditDebitNoteSourceCurr", total, lines)


def _shown_lines(row: Mapping[str, Any], name: str, quantity: str, extended: str) -> tuple[ShownLine, ...]:
    group = text(row.get("TaxGroup"))
    currency = text(
        row.get("OrderSourceCurrency") or row.get("InvoiceSourceCurrency") or row.get("CreditDebitNoteSourceCurr")
    )
    unit = Decimal(1).scaleb(-money.minor_units(currency))
    found = []
    for line in list_of(row, name):
        if text(line.get("LineType")) == CHARGE:
            value = number(line.get(extended))
            found.append(ShownLine(text(line.get("MiscellaneousChargesCode")), money.ZERO, value, tax=group))
            continue
        count = number(line.get(quantity), "a quantity")
        if name == "CreditDebitDetails":
            # Notes show the price of an item and no extension of it.
            value = (count * number(line.get("UnitPrice"), "a price")).quantize(unit, rounding=ROUND_HALF_UP)
        else:
            value = number(line.get(extended))
        found.append(ShownLine(plain(text(line.get(ITEM))), money.ZERO, value, quantity=count, tax=group))
    return tuple(found)


def _shown(row: Mapping[str, Any], dated: str, currency: str, total: Decimal, lines: tuple[ShownLine, ...]) -> Shown:
    when = day(row.get(dated))
    return Shown(when, when, text(row.get(currency)), total, lines, party=text(row.get("CustomerNumber")))
