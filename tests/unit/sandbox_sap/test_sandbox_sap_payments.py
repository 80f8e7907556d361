"""Payments: which sums fit together, what they settle, what the books then say (dossier, section 6.4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sap_client import Said, Sap
from tests.support.sap_documents import post

D = Decimal


def _pay(sap: Sap, entity_set: str = "IncomingPayments", **members: object) -> Said:
    """A bank transfer of 39.98 for C-AMZ-US on 2026-11-21, changed by ``members``."""
    body = {"CardCode": "C-AMZ-US", "DocDate": "2026-11-21", "TransferAccount": "114500", "TransferSum": 39.98}
    return sap.send("POST", entity_set, {**body, **members})


def _for(*rows: tuple[int, object], **members: object) -> list[dict[str, object]]:
    return [{"DocEntry": entry, "SumApplied": total, **members} for entry, total in rows]


def _entry(sap: Sap) -> dict[tuple[str, str], Any]:
    """Debit minus credit of the newest entry, by account and short name."""
    lines: Any = sap.control.entries()[-1]["JournalEntryLines"]
    return {(line["AccountCode"], line["ShortName"]): line["Debit"] - line["Credit"] for line in lines}


def _paid(sap: Sap, path: str = "Invoices(4711)") -> tuple[Any, str]:
    row = sap.send("GET", path).json
    return row["PaidToDate"], row["DocumentStatus"]


def _sap_with_invoice(**switches: object) -> Sap:
    """An invoice over 39.98, DocEntry 4711."""
    sap = Sap(switches=switches)
    assert post(sap).status == 201
    return sap


def test_a_receipt_closes_the_invoice_and_writes_its_own_entry() -> None:
    sap = _sap_with_invoice()

    said = _pay(sap, PaymentInvoices=_for((4711, 39.98)), TransferReference="AMZ 1", CounterReference="90000011")

    payment = said.json
    assert said.status == 201
    assert (payment["DocEntry"], payment["DocNum"], payment["DocType"]) == (812, 30000812, "rCustomer")
    assert (payment["TransferSum"], payment["Cancelled"], said.header("etag")) == (D("39.98"), "tNO", "")
    (row,) = payment["PaymentInvoices"]
    assert (row["DocEntry"], row["SumApplied"], row["InvoiceType"], row["InstallmentId"]) == (
        4711,
        D("39.98"),
        "it_Invoice",
        1,
    )
    assert _paid(sap) == (D("39.98"), "bost_Close")
    entry = sap.control.entries()[-1]
    assert (entry["OriginalJournal"], entry["Original"], entry["Memo"]) == (
        "ttReceipt",
        812,
        "Incoming Payments - C-AMZ-US",
    )
    assert _entry(sap) == {("114500", "114500"): D("39.98"), ("113000", "C-AMZ-US"): D("-39.98")}


def test_part_of_an_invoice_may_be_paid_and_the_rest_of_the_money_stays_on_account() -> None:
    sap = _sap_with_invoice()

    assert _pay(sap, TransferSum=50, PaymentInvoices=_for((4711, 30))).status == 201

    assert _paid(sap) == (30, "bost_Open")
    assert _entry(sap)[("113000", "C-AMZ-US")] == -50
    assert sap.send("GET", "BusinessPartners('C-AMZ-US')").json["CurrentAccountBalance"] == D("-10.02")


def test_what_is_open_is_applied_where_no_sum_is_sent() -> None:
    sap = _sap_with_invoice()

    assert _pay(sap, PaymentInvoices=[{"DocEntry": 4711}]).json["PaymentInvoices"][0]["SumApplied"] == D("39.98")


@pytest.mark.parametrize(
    "members",
    [
        {"CardCode": "NOBODY"},
        {"CardCode": "C-SHOP", "PaymentInvoices": _for((4711, 1))},
        {"TransferSum": 0},
        {"TransferSum": -5},
        {"TransferAccount": None},
        {"TransferAccount": "113000"},
        {"TransferAccount": "690000"},
        {"TransferAccount": "112100"},
        {"PaymentInvoices": _for((4711, 39.99))},
        {"PaymentInvoices": _for((4711, 0))},
        {"PaymentInvoices": _for((4711, -1))},
        {"PaymentInvoices": _for((9, 1))},
        {"PaymentInvoices": _for((4711, 1), (4711, 1))},
        {"PaymentInvoices": _for((4711, 39.98)), "TransferSum": 39.97},
        {"PaymentInvoices": _for((4711, 1), InvoiceType="it_JournalEntry")},
        {"PaymentAccounts": [{"AccountCode": "611000", "SumPaid": 39.98}]},
        {"DocCurrency": "EUR"},
        {"DocDate": "2026-06-15"},
        {"TransferReference": "x" * 28},
        {"CounterReference": "x" * 9},
        {"BPLID": 1},
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(members: dict[str, Any]) -> None:
    sap = _sap_with_invoice()

    assert _pay(sap, **members).status == 400
    assert (sap.control.documents("IncomingPayments"), len(sap.control.entries()), _paid(sap)) == (
        [],
        1,
        (0, "bost_Open"),
    )


def test_one_payment_settles_as_many_documents_as_the_company_allows() -> None:
    sap = _sap_with_invoice(max_documents_in_payment=2)
    for _ in range(2):
        post(sap)
    assert sap.send("GET", "CompanyService_GetCompanyInfo").json["MaxNumberOfDocumentsInPmt"] == 2
    rows = _for((4711, 10), (4712, 10), (4713, 10))

    assert "at most 2" in _pay(sap, PaymentInvoices=rows).words
    assert _pay(sap, PaymentInvoices=rows[:2]).status == 201


def test_a_paid_invoice_is_not_paid_again() -> None:
    sap = _sap_with_invoice()
    _pay(sap, PaymentInvoices=_for((4711, 39.98)))

    assert "closed" in _pay(sap, PaymentInvoices=_for((4711, 1))).words
    assert sap.send("POST", "Invoices(4711)/Cancel").status == 400


def test_cancelling_a_payment_opens_the_invoice_again() -> None:
    sap = _sap_with_invoice()
    _pay(sap, PaymentInvoices=_for((4711, 39.98)))

    assert sap.send("POST", "IncomingPayments(812)/Cancel").status == 204
    assert sap.send("POST", "IncomingPayments(812)/Cancel").status == 400

    assert (_paid(sap), sap.send("GET", "IncomingPayments(812)").json["Cancelled"]) == ((0, "bost_Open"), "tYES")
    assert sap.balance("114500") == 0
    assert sap.control.entries()[-1]["ReferenceDate"] == "2026-11-21T00:00:00Z"


def test_a_payment_may_be_cancelled_on_the_current_date() -> None:
    sap = _sap_with_invoice()
    _pay(sap, DocDate="2026-11-18")
    _pay(sap, DocDate="2026-11-18")

    sap.send("POST", "IncomingPayments(812)/Cancel")
    sap.send("POST", "IncomingPayments(813)/CancelbyCurrentSystemDate")

    dates = [entry["ReferenceDate"] for entry in sap.control.entries()[-2:]]
    assert dates == ["2026-11-18T00:00:00Z", "2026-11-21T00:00:00Z"]


@pytest.mark.parametrize("touched", [True, False])
def test_a_payment_may_touch_the_documents_it_settles(touched: bool) -> None:
    sap = _sap_with_invoice(payment_touches_documents=touched)
    sap.clock.advance(60)
    _pay(sap, PaymentInvoices=_for((4711, 39.98)))

    invoice = sap.send("GET", "Invoices(4711)").json
    assert (invoice["UpdateTime"], invoice["DataVersion"]) == (("12:01:00", 2) if touched else ("12:00:00", 1))


def test_texts_of_a_payment_may_change_and_it_is_never_removed() -> None:
    sap = _sap_with_invoice()
    _pay(sap)

    assert sap.send("PATCH", "IncomingPayments(812)", {"Remarks": "seen", "TransferSum": 1}).status == 204
    payment = sap.send("GET", "IncomingPayments(812)").json
    assert (payment["Remarks"], payment["TransferSum"]) == ("seen", D("39.98"))
    assert sap.send("DELETE", "IncomingPayments(812)").error == (400, "-5006")


def test_user_fields_of_payments_are_one_for_all_kinds() -> None:
    sap = Sap()
    sap.send("POST", "UserFieldsMD", {"TableName": "ORCT", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100})

    assert _pay(sap, U_ML_KEY="K1").json["U_ML_KEY"] == "K1"
    assert _pay(sap, "VendorPayments", U_ML_KEY="K2").json["U_ML_KEY"] == "K2"
    assert sap.get("IncomingPayments/$count", filter="U_ML_KEY eq 'K1' and Cancelled eq 'tNO'").text == "1"


def test_a_payment_may_be_for_accounts() -> None:
    sap = Sap()
    accounts = [{"AccountCode": "402200", "SumPaid": 39.98, "Decription": "Other income"}]

    said = _pay(sap, CardCode=None, DocType="rAccount", PaymentAccounts=accounts)

    assert said.json["PaymentAccounts"][0]["AccountName"] == "Amazon other income"
    assert _entry(sap) == {("114500", "114500"): D("39.98"), ("402200", "402200"): D("-39.98")}
    wrong = [{"AccountCode": "402200", "SumPaid": 39}]
    assert _pay(sap, CardCode=None, DocType="rAccount", PaymentAccounts=wrong).status == 400


def test_cash_and_transfer_together_pay() -> None:
    sap = _sap_with_invoice()

    assert (
        _pay(sap, CashAccount="112000", CashSum=10, TransferSum=29.98, PaymentInvoices=[{"DocEntry": 4711}]).status
        == 201
    )
    assert _entry(sap)[("112000", "112000")] == 10


# --- credit notes ------------------------------------------------------------------------------------------------------


def _sap_with_note(**switches: object) -> Sap:
    """A credit note over 39.98, DocEntry 611, beside the invoice."""
    sap = _sap_with_invoice(**switches)
    assert post(sap, "CreditNotes").status == 201
    return sap


def test_money_that_goes_out_pays_credit_notes() -> None:
    sap = _sap_with_note()

    said = _pay(sap, "VendorPayments", PaymentInvoices=_for((611, 39.98), InvoiceType="it_CredItnote"))

    assert (said.status, said.json["DocEntry"], said.json["DocNum"]) == (201, 144, 31000044)
    assert _paid(sap, "CreditNotes(611)") == (D("39.98"), "bost_Close")
    assert _entry(sap) == {("114500", "114500"): D("-39.98"), ("113000", "C-AMZ-US"): D("39.98")}
    assert sap.control.entries()[-1]["OriginalJournal"] == "ttVendorPayment"


@pytest.mark.parametrize(("reading", "good", "bad"), [("positive", 39.98, -39.98), ("negative", -39.98, 39.98)])
def test_the_sign_of_a_credit_note_is_an_open_question(reading: str, good: float, bad: float) -> None:
    sap = _sap_with_note(credit_note_sign=reading)

    refused = _pay(sap, "VendorPayments", PaymentInvoices=_for((611, bad), InvoiceType="it_CredItnote"))
    said = _pay(sap, "VendorPayments", PaymentInvoices=_for((611, good), InvoiceType="it_CredItnote"))

    assert (refused.status, said.status) == (400, 201)
    assert said.json["PaymentInvoices"][0]["SumApplied"] == D(str(good))
    assert _entry(sap)[("113000", "C-AMZ-US")] == D("39.98")


def test_a_credit_note_lowers_what_a_receipt_has_to_bring() -> None:
    sap = _sap_with_note()
    post(sap)
    rows = [*_for((4711, 39.98), (4712, 39.98)), *_for((611, 39.98), InvoiceType="it_CredItnote")]

    assert _pay(sap, PaymentInvoices=rows).status == 201
    assert [_paid(sap, path)[1] for path in ("Invoices(4711)", "Invoices(4712)", "CreditNotes(611)")] == [
        "bost_Close"
    ] * 3
    assert _pay(sap, PaymentInvoices=rows[2:]).status == 400


# --- other currencies --------------------------------------------------------------------------------------------------


def _sap_with_euros(**switches: object) -> Sap:
    """An invoice over 39.98 EUR at 1.10: 43.98 USD. The rate of the payment's day is 1.20."""
    sap = Sap(switches=switches)
    sap.control.set_rate("EUR", "2026-11-20", "1.10")
    sap.control.set_rate("EUR", "2026-11-21", "1.20")
    assert post(sap, CardCode="C-AMZ-DE").json["DocTotal"] == D("43.98")
    return sap


def test_a_foreign_receipt_applies_in_that_currency_and_books_the_difference_of_rates() -> None:
    sap = _sap_with_euros()

    said = _pay(sap, CardCode="C-AMZ-DE", PaymentInvoices=[{"DocEntry": 4711, "AppliedFC": 39.98}])

    assert (said.json["DocCurrency"], said.json["DocRate"]) == ("EUR", D("1.2"))
    invoice = sap.send("GET", "Invoices(4711)").json
    assert (invoice["PaidToDateFC"], invoice["PaidToDate"], invoice["DocumentStatus"]) == (
        D("39.98"),
        D("43.98"),
        "bost_Close",
    )
    assert _entry(sap) == {
        ("114500", "114500"): D("47.98"),
        ("113000", "C-AMZ-DE"): D("-43.98"),
        ("689000", "689000"): -4,
    }
    assert sap.send("GET", "BusinessPartners('C-AMZ-DE')").json["CurrentAccountBalance"] == 0


@pytest.mark.parametrize(("reading", "paid"), [("local", D("20")), ("document", D("24"))])
def test_a_local_sum_for_a_foreign_document_is_converted(reading: str, paid: Decimal) -> None:
    sap = _sap_with_euros(foreign_sum_applied=reading)

    _pay(sap, CardCode="C-AMZ-DE", PaymentInvoices=_for((4711, 24)))

    assert sap.send("GET", "Invoices(4711)").json["PaidToDateFC"] == paid


def test_the_sum_of_a_foreign_transfer_may_be_local() -> None:
    sap = _sap_with_euros(foreign_transfer_sum="local")

    _pay(sap, CardCode="C-AMZ-DE", TransferSum=47.98, PaymentInvoices=[{"DocEntry": 4711, "AppliedFC": 39.98}])

    assert _entry(sap)[("114500", "114500")] == D("47.98")


def test_an_invoice_is_paid_in_its_own_currency() -> None:
    sap = _sap_with_euros()

    said = _pay(sap, CardCode="C-AMZ-DE", DocCurrency="USD", PaymentInvoices=_for((4711, 10)))

    assert "different currencies" in said.words


# --- branches and people -----------------------------------------------------------------------------------------------


def test_with_branches_a_payment_names_one() -> None:
    sap = Sap(switches={"enable_branches": True})

    assert _pay(sap).status == 400
    assert _pay(sap, BPLID=1).json["BPLName"] == "US"


def test_people_cancel_change_and_lose_payments() -> None:
    sap = _sap_with_invoice()
    typed = {
        "CardCode": "C-AMZ-US",
        "TransferAccount": "114500",
        "TransferSum": "39.98",
        "PaymentInvoices": [{"DocEntry": 4711}],
    }
    planted = sap.control.plant_document("IncomingPayments", typed)
    sap.control.nudge_document("IncomingPayments", planted)
    assert sap.send("GET", f"IncomingPayments({planted})").json["TransferSum"] == D("39.99")

    sap.control.lose_document("IncomingPayments", planted)

    assert (_paid(sap), len(sap.control.entries())) == ((0, "bost_Open"), 1)
    sap.control.cancel_document("IncomingPayments", sap.control.plant_document("IncomingPayments", typed))
    assert _paid(sap) == (0, "bost_Open")
