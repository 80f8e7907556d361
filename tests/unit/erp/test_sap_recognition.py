"""Promises about which of Business One's entries is which of our documents."""

from dataclasses import replace
from datetime import date

from ml_connector.domain.target import Absent, Case, Ended, Many, Present, Seen
from ml_connector.erp.sap_business_one.documents.journal_entries import Entry
from ml_connector.erp.sap_business_one.routes.recognition import candidates, condition, judge, reversal_condition
from tests.support.entries import entry
from tests.support.sap import COMPANY, sap_entry, sap_line

KEY = "ABCD-JE-90000000011-2026P10"
CASE = Case(entry(), KEY)


def seen(*entries: Entry, reversals: tuple[Entry, ...] = (), case: Case = CASE) -> Seen:
    return judge(case, candidates(case, entries), reversals, COMPANY)


def test_an_entry_with_our_key_is_ours() -> None:
    for found in (sap_entry(98790, key=KEY), sap_entry(98790, reference3=KEY), sap_entry(98790, key=KEY, reference="")):
        result = seen(found)
        assert isinstance(result, Present)
        assert result.ours
        assert result.ids == (("JdtNum", "98790"), ("Number", "8790"))


def test_an_entry_with_another_key_of_ours_is_another_document() -> None:
    other = "ABCD-JE-90000000011-2026P11"

    assert isinstance(seen(sap_entry(98790, reference3=other)), Absent)
    assert isinstance(seen(sap_entry(98790, key=other, reference3=KEY)), Absent), "the field of ours decides"


def test_an_entry_with_only_the_settlement_id_is_a_persons() -> None:
    result = seen(sap_entry(98790, reference3="FEES"))

    assert isinstance(result, Present)
    assert not result.ours


def test_our_own_entry_comes_before_a_persons() -> None:
    result = seen(sap_entry(98780), sap_entry(98790, key=KEY))

    assert isinstance(result, Present)
    assert result.ours
    assert dict(result.ids)["JdtNum"] == "98790"


def test_a_persons_entry_of_the_same_day_comes_before_those_of_other_days() -> None:
    result = seen(sap_entry(98780, day=date(2026, 11, 14)), sap_entry(98790))

    assert isinstance(result, Present)
    assert dict(result.ids)["JdtNum"] == "98790"


def test_two_entries_of_one_document_are_many() -> None:
    assert isinstance(seen(sap_entry(1, key=KEY), sap_entry(2, key=KEY)), Many)
    assert isinstance(seen(sap_entry(1), sap_entry(2)), Many)


def test_a_reversed_entry_is_ended_whichever_way_the_company_reverses() -> None:
    original = sap_entry(98790, key=KEY)
    other_side = (sap_line("1120", credit="85.79"), sap_line("4000", debit="85.79"))
    negative = (sap_line("1120", debit="-85.79"), sap_line("4000", credit="-85.79"))

    for lines in (other_side, negative):
        mirror = sap_entry(98800, *lines, reference="", memo="Amazon settlement (Reversal) - 98790")
        result = seen(original, reversals=(mirror,))
        assert isinstance(result, Ended)
        assert result.ids == original.ids
        assert result.how == "reversed by journal entry 8800"


def test_a_reversal_that_copied_our_key_does_not_make_two() -> None:
    mirror = sap_entry(98800, sap_line("1120", credit="85.79"), sap_line("4000", debit="85.79"), key=KEY)

    assert isinstance(seen(sap_entry(98790, key=KEY), mirror), Ended)


def test_an_entry_posted_again_after_a_reversal_is_present() -> None:
    mirror = sap_entry(98800, sap_line("1120", credit="85.79"), sap_line("4000", debit="85.79"), key=KEY)

    result = seen(sap_entry(98790, key=KEY), mirror, sap_entry(98810, key=KEY))

    assert isinstance(result, Present)
    assert dict(result.ids)["JdtNum"] == "98810"


def test_another_amount_on_the_other_side_is_no_reversal() -> None:
    lines = (sap_line("1120", credit="85.78"), sap_line("4000", debit="85.78"))
    mirror = sap_entry(98800, *lines, memo="(Reversal) - 98790")

    assert isinstance(seen(sap_entry(98790, key=KEY), reversals=(mirror,)), Present)


def test_the_reversal_of_another_settlement_with_the_same_amounts_is_not_ours() -> None:
    lines = (sap_line("1120", credit="85.79"), sap_line("4000", debit="85.79"))
    mirror = sap_entry(98800, *lines, reference="", memo="Amazon settlement 90000000018 (Reversal) - 98765")

    assert isinstance(seen(sap_entry(98790, key=KEY), reversals=(mirror,)), Present)


def test_a_reference_that_only_looks_a_little_like_a_key_is_a_persons() -> None:
    result = seen(sap_entry(98790, reference3="AMZN-FEES-10"))

    assert isinstance(result, Present)
    assert not result.ours


def test_a_persons_entry_that_was_reversed_again_stands_for_nothing() -> None:
    mirror = sap_entry(98800, sap_line("1120", credit="85.79"), sap_line("4000", debit="85.79"))

    assert isinstance(seen(sap_entry(98790), mirror), Absent)


def test_a_stored_number_is_believed_only_with_our_key() -> None:
    # given: the ERP was restored, and the number now belongs to somebody else's entry
    case = replace(CASE, ids=(("JdtNum", "98790"),))

    # when / then
    assert isinstance(seen(sap_entry(98790, reference="rent"), case=case), Absent)


def test_a_look_asks_for_every_way_to_find_a_document_within_a_window() -> None:
    case = replace(CASE, ids=(("JdtNum", "98790"), ("Number", "4021")))

    assert condition([case], COMPANY) == (
        "ReferenceDate ge '2026-08-27' and ReferenceDate le '2026-12-25' and (JdtNum eq 98790 or "
        f"U_ML_KEY eq '{KEY}' or Reference3 eq '{KEY}' or Reference eq '90000000011')"
    )
    assert "U_ML_KEY" not in condition([case], replace(COMPANY, key_field=False))


def test_a_reversal_is_looked_for_by_the_number_that_ends_its_memo() -> None:
    assert reversal_condition([sap_entry(98790, key=KEY)]) == (
        "ReferenceDate ge '2026-10-26' and ReferenceDate le '2027-11-30' and JdtNum gt 98790 "
        "and (endswith(Memo,'98790') or contains(Memo,'90000000011'))"
    )
