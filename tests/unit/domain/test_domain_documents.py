"""A document is kept as bytes, and those bytes are what is hashed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from ml_connector.domain.documents import SCHEMA, from_stored, label, label_of, store_form
from ml_connector.domain.errors import Inconsistent
from tests.support.entries import entry, line

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
