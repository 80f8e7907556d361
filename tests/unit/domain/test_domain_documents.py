"""A document is kept as bytes, and those bytes are what is hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from ml_connector.domain.documents import Document, Kind, label, label_of, named
from ml_connector.domain.errors import Inconsistent
from ml_connector.domain.stored_documents import SCHEMA, from_stored, store_form
from tests.support.entries import entry, line
from tests.support.trade import invoice, issue, payment, sales_line

#: Golden: what schema 1 looks like on disk. A change to it needs a new schema number and an upcaster.
GOLDEN = (
    b'{"branch":"","company":"","currency":"USD","depends_on":[],"document_date":"2026-10-26",'
    b'"key":"ABCD-JE-90000000011-2026P10","kind":"JE","lines":['
    b'{"account":"1120","category":"payout","credit":"0.00","debit":"85.79","dimensions":{},"rows":0,"rows_sha256":"",'
    b'"store":"Amazon.com","text":"payout Amazon.com"},'
    b'{"account":"4000","category":"product_sales","credit":"85.79","debit":"0.00","dimensions":{},"rows":0,'
    b'"rows_sha256":"","store":"Amazon.com","text":"product_sales Amazon.com"}],'
    b'"memo":"Amazon settlement 90000000011","period":"2026P10","posting_date":"2026-10-26","reference":"90000000011"}'
)


def test_the_stored_form_of_schema_1_does_not_change() -> None:
    stored = store_form(entry())
    assert (stored.schema, stored.canonical) == (1, GOLDEN)
    assert stored.sha256 == hashlib.sha256(GOLDEN).hexdigest()


def test_what_is_kept_reads_back_as_the_same_document() -> None:
    document = entry(lines=(line("payout", "1", debit="1.2345"), line("fees", "2", credit="1.2345")))
    stored = store_form(document)
    assert from_stored(stored.schema, stored.canonical) == document


def test_an_entry_that_does_not_balance_is_never_kept() -> None:
    with pytest.raises(Inconsistent, match=r"does not balance by 0\.01"):
        store_form(entry(lines=(line("payout", "1", debit="1.00"), line("fees", "2", credit="0.99"))))


def test_a_document_of_a_newer_schema_is_not_guessed_at() -> None:
    with pytest.raises(Inconsistent, match="schema 2"):
        from_stored(SCHEMA + 1, GOLDEN)


def test_amounts_are_text_in_the_stored_form() -> None:
    lines = json.loads(store_form(entry()).canonical)["lines"]
    assert all(isinstance(each[side], str) for each in lines for side in ("debit", "credit"))


def test_a_zero_line_is_kept_and_not_posted() -> None:
    zero = line("facilitator_tax_wash", "9")
    document = entry(lines=(line("payout", "1", debit="1"), line("fees", "2", credit="1"), zero))
    assert [each.posts for each in document.lines] == [True, True, False]
    assert document.total == Decimal(1)


def test_a_line_text_begins_with_a_label_that_can_be_recognised() -> None:
    text = label("product_sales", "Amazon.com")
    assert label_of(text) == text
    assert len(label("refund_administration_fees", "Amazon.com.mx with a very long name indeed")) <= 50


def test_the_hash_is_over_the_bytes_and_not_over_the_objects() -> None:
    document = entry()
    assert store_form(document).sha256 != store_form(replace(document, memo="other")).sha256


# --- the other kinds ---------------------------------------------------------------------------------------------------

#: Golden, as above: a receipt of 59.97 for one invoice, and 3.00 on account.
GOLDEN_RECEIPT = (
    b'{"account":"1130","applications":[{"amount":"59.97","document":"ABCD-INV-113-0000001-0000001"}],"branch":"",'
    b'"company":"","currency":"USD","customer":"AMAZON-US","document_date":"2026-10-26","key":"ABCD-RC-90000000011-2026P10",'
    b'"kind":"RC","memo":"Amazon settlement 90000000011","on_account":"3.00","posting_date":"2026-10-26",'
    b'"reference":"90000000011"}'
)

GOLDEN_INVOICE_LINE = (
    b'{"account":"","dimensions":{},"discount":"5.00","gross":"59.98","item":"MUG","quantity":"2","source":"","tax":"0.00",'
    b'"tax_code":"EX","text":"MUG of order 113-0000001-0000001","warehouse":""}'
)


def test_the_stored_form_of_sales_documents_and_payments_does_not_change() -> None:
    bill = invoice()
    assert store_form(payment((bill.key, "59.97"), on_account="3")).canonical == GOLDEN_RECEIPT
    assert GOLDEN_INVOICE_LINE in store_form(bill).canonical


@pytest.mark.parametrize(
    "document",
    [
        invoice(),
        replace(invoice(kind=Kind.CREDIT_MEMO), corrects=invoice().key, returns_stock=True),
        invoice(kind=Kind.SALES_ORDER),
        payment((invoice().key, "59.97")),
        payment((invoice(kind=Kind.CREDIT_MEMO).key, "10.00"), kind=Kind.REFUND_PAYMENT),
        replace(entry(), kind=Kind.BANK_TRANSFER),
        issue(),
    ],
    ids=lambda document: document.kind.value,
)
def test_every_kind_reads_back_as_it_was(document: Document) -> None:
    stored = store_form(document)
    assert from_stored(stored.schema, stored.canonical) == document


def test_an_invoice_comes_to_its_lines_less_promotions_and_with_the_sellers_own_tax() -> None:
    bill = invoice()
    assert bill.total == Decimal("59.97")
    assert replace(bill, lines=(replace(bill.lines[0], tax=Decimal("4.12")),)).total == Decimal("59.10")


def test_a_payment_names_what_it_pays_and_a_credit_memo_only_comes_after_its_invoice() -> None:
    bill = invoice()
    memo = replace(invoice(kind=Kind.CREDIT_MEMO), corrects=bill.key)
    assert named(payment((bill.key, "1"))) == (bill.key,)
    assert (memo.depends_on, named(memo)) == ((bill.key,), ())


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (payment(), "pays nothing"),
        (payment((invoice().key, "-1")), "not positive"),
        (payment((invoice().key, "1"), (invoice().key, "2")), "twice"),
        (replace(invoice(), lines=()), "no lines"),
        (replace(invoice(), lines=(sales_line(discount="60"),)), "negative amount"),
        (replace(invoice(), lines=(sales_line(quantity="0"),)), "without a quantity"),
        (replace(issue(), lines=()), "no positive quantity"),
    ],
)
def test_what_can_never_be_right_is_never_kept(document: Document, words: str) -> None:
    with pytest.raises(Inconsistent, match=words):
        store_form(document)
