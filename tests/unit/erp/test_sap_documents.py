"""Promises about how our journal entries and Business One's become each other."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.documents import JournalLine
from ml_connector.domain.errors import BadAnswer
from ml_connector.domain.target import ShownLine
from ml_connector.erp.sap_business_one.documents import common, journal_entries, rooms
from ml_connector.erp.sap_business_one.odata import encode
from tests.support.entries import entry, line
from tests.support.sap import COMPANY, sap_entry, sap_line


def test_an_entry_in_local_currency_becomes_debits_and_credits_to_the_cent() -> None:
    # given
    document = entry(lines=(line("reserve", "1125", debit="20.00"), line("product_sales", "4000", credit="20.00")))

    # when
    body = encode(journal_entries.payload(document, COMPANY))

    # then
    assert body.decode() == (
        '{"ReferenceDate":"2026-10-26","DueDate":"2026-10-26","TaxDate":"2026-10-26",'
        '"Memo":"Amazon settlement 90000000011","Reference":"90000000011","Reference2":"2026P10",'
        '"Reference3":"ABCD-JE-90000000011-2026P10","U_ML_KEY":"ABCD-JE-90000000011-2026P10","JournalEntryLines":['
        '{"AccountCode":"1125","Debit":20.00,"Credit":0.00,"LineMemo":"reserve Amazon.com"},'
        '{"AccountCode":"4000","Debit":0.00,"Credit":20.00,"LineMemo":"product_sales Amazon.com"}]}'
    )


def test_an_entry_in_another_currency_leaves_the_local_amounts_to_business_ones_rate() -> None:
    # given
    document = entry(currency="EUR")

    # when
    first = journal_entries.payload(document, COMPANY)["JournalEntryLines"][0]

    # then
    assert first == {
        "AccountCode": "1120",
        "FCCurrency": "EUR",
        "FCDebit": Decimal("85.79"),
        "FCCredit": Decimal("0.00"),
        "LineMemo": "payout Amazon.com",
    }


def test_amounts_never_pass_through_a_binary_fraction() -> None:
    # given: sums of which no double holds the exact value
    document = entry(lines=(line("payout", "1", debit="9007199254740993.01"), line("suspense", "2", credit="0.1")))

    # when
    data = json.loads(encode(journal_entries.payload(document, COMPANY)), parse_float=str)

    # then
    assert data["JournalEntryLines"][0]["Debit"] == "9007199254740993.01"
    assert data["JournalEntryLines"][1]["Credit"] == "0.10"


def test_lines_without_an_amount_are_not_sent_and_not_expected() -> None:
    # given
    zero = line("facilitator_tax_wash", "2200")
    document = entry(lines=(line("payout", "1120", debit="1.00"), zero, line("product_sales", "4000", credit="1.00")))

    # when / then
    sent = [row["AccountCode"] for row in journal_entries.payload(document, COMPANY)["JournalEntryLines"]]
    assert sent == ["1120", "4000"]
    assert [row.what for row in journal_entries.project(document).lines] == ["1120", "4000"]
    assert journal_entries.line_number(document, 2) == 3
    assert journal_entries.line_number(document, 3) is None


def test_the_key_field_is_written_only_where_it_is_there() -> None:
    # when
    body = journal_entries.payload(entry(), replace(COMPANY, key_field=False))

    # then
    assert "U_ML_KEY" not in body
    assert body["Reference3"] == "ABCD-JE-90000000011-2026P10"


def test_the_references_of_a_document_are_those_that_are_written() -> None:
    for company in (COMPANY, replace(COMPANY, key_field=False)):
        written = journal_entries.payload(entry(), company)
        references = journal_entries.references(entry(), company)
        assert dict(references).items() <= written.items()
        assert [name for name, _ in references][:3] == ["Reference", "Reference2", "Reference3"]


def test_dimensions_and_branch_stand_on_every_line() -> None:
    # given
    lines = tuple(
        replace(each, dimensions=(("CostingCode", "AMZ"), ("ProjectCode", "P1")))
        for each in (line("payout", "1120", debit="1.00"), line("product_sales", "4000", credit="1.00"))
    )
    document = replace(entry(lines=lines), branch="3")
    company = replace(COMPANY, branches=("1", "3"))

    # when
    rows = journal_entries.payload(document, company)["JournalEntryLines"]

    # then
    assert rooms.unsupported(document, company) is None
    assert [(row["BPLID"], row["CostingCode"], row["ProjectCode"]) for row in rows] == [(3, "AMZ", "P1")] * 2


def test_texts_are_cut_at_business_ones_lengths_and_the_label_survives() -> None:
    # given
    text = "refund_administration_fees Amazon.com.mx | 1234 rows of 2026-10"
    long = JournalLine("refund_administration_fees", "Amazon.com.mx", "6", Decimal("1.00"), Decimal(0), text)
    document = replace(entry(lines=(long, line("payout", "1", credit="1.00"))), memo="m" * 80)

    # when
    body = journal_entries.payload(document, COMPANY)

    # then
    assert body["Memo"] == "m" * 50
    memo = body["JournalEntryLines"][0]["LineMemo"]
    assert memo == "refund_administration_fees Amazon.com.mx | 1234 ro"
    assert len(memo) == 50


def test_a_key_beyond_a_hundred_characters_is_shortened_with_its_hash() -> None:
    # given
    document = entry(settlement="9" * 120)

    # when
    key = common.wire_key(document)

    # then
    assert len(key) == 100
    assert journal_entries.payload(document, COMPANY)["Reference3"] == key
    assert common.claim(document)["Code"] == common.claim_code(key)
    assert len(common.claim(document)["Name"]) == 50


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"company": "OTHER"}, "company OTHER"),
        ({"currency": "SEK"}, "no currency with the international code SEK"),
        ({"branch": "7"}, "branch 7"),
        ({"reference": "9" * 101}, "longer than the 100 characters"),
        ({"lines": (line("payout", "1", debit="1.00"), line("suspense", "2"))}, "at least two lines"),
        ({"lines": tuple(replace(x, dimensions=(("Subaccount", "1"),)) for x in entry().lines)}, "Subaccount"),
    ],
)
def test_what_a_company_cannot_hold_is_said_in_a_sentence(change: dict[str, Any], words: str) -> None:
    # when
    why = rooms.unsupported(replace(entry(), **change), COMPANY)

    # then
    assert why is not None
    assert words in why


def test_a_company_with_branches_takes_no_entry_without_one() -> None:
    assert rooms.unsupported(entry(), replace(COMPANY, branches=("1",))) is not None


def test_what_is_shown_equals_what_was_projected() -> None:
    assert journal_entries.shown(sap_entry(98790), COMPANY) == journal_entries.project(entry())


def test_a_foreign_entry_is_shown_in_its_own_currency_and_saps_rounding_line_apart() -> None:
    # given
    zero = Decimal(0)
    sales = journal_entries.EntryLine(
        "4000", zero, Decimal("92.65"), "EUR", zero, Decimal("85.79"), "product_sales Amazon.de"
    )
    payout = journal_entries.EntryLine(
        "1120", Decimal("92.66"), zero, "EUR", Decimal("85.79"), zero, "payout Amazon.de"
    )
    rounding = sap_line("7990", credit="0.01", memo="Rounding")

    # when
    shown = journal_entries.shown(sap_entry(1, payout, sales, rounding), COMPANY)

    # then
    assert (shown.currency, shown.total) == ("EUR", Decimal("85.79"))
    assert [row.what for row in shown.lines] == ["1120", "4000"]
    assert shown.added == (ShownLine("7990", Decimal(0), Decimal("0.01")),)


def test_an_entry_is_read_from_business_ones_json() -> None:
    # given
    data = {
        "JdtNum": 98790,
        "Number": 4021,
        "ReferenceDate": "2026-10-26T00:00:00Z",
        "TaxDate": "2026-10-27T00:00:00Z",
        "Memo": "Amazon settlement",
        "Reference": "90000000011",
        "Reference2": None,
        "Reference3": "ABCD-JE-90000000011-2026P10",
        "U_ML_KEY": None,
        "JournalEntryLines": [
            {
                "Line_ID": 0,
                "AccountCode": "1120",
                "Debit": Decimal("0.30000000000000004"),
                "Credit": 0,
                "LineMemo": None,
            }
        ],
    }

    # when
    read = journal_entries.entry_from(data, COMPANY)

    # then
    assert read.ids == (("JdtNum", "98790"), ("Number", "4021"))
    assert (read.posting_date, read.document_date) == (date(2026, 10, 26), date(2026, 10, 27))
    assert read.document_key == "ABCD-JE-90000000011-2026P10"
    assert read.lines[0].debit == Decimal("0.3"), "what a double shows beyond six decimals is not data"


@pytest.mark.parametrize("gone", ["Reference3", "U_ML_KEY", "ReferenceDate", "JournalEntryLines"])
def test_an_entry_without_a_field_that_decides_is_not_read_at_all(gone: str) -> None:
    data = {name: None for name in (*journal_entries.ENTRY_FIELDS, "U_ML_KEY") if name != gone}

    with pytest.raises(BadAnswer, match=gone):
        journal_entries.entry_from(data, COMPANY)


def test_a_currency_is_found_by_its_international_code() -> None:
    assert COMPANY.currency("USD") == COMPANY.local
    assert COMPANY.iso("$") == "USD"
    assert COMPANY.iso("XXZ") == "XXZ"
    assert COMPANY.currency("GBP") is None
