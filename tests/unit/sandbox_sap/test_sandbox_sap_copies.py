"""Documents made from documents, and what happens to them afterwards (dossier, sections 6.3 and 7)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.sap_client import Sap
from tests.support.sap_documents import STOOL, booked, line, post, stock

D = Decimal


# --- copying ---------------------------------------------------------------------------------------------------------


def _based(kind: int, entry: int, number: int = 0, **members: object) -> list[dict[str, object]]:
    return [{"BaseType": kind, "BaseEntry": entry, "BaseLine": number, **members}]


def test_an_order_promises_stock_until_it_is_delivered_and_a_delivery_is_invoiced_without_moving_it_again() -> None:
    sap = Sap()
    order = post(sap, "Orders").json
    assert (order["DocEntry"], order["TransNum"], stock(sap)) == (2001, None, (120, 2))

    delivery = post(sap, "DeliveryNotes", _based(17, 2001, Quantity=1)).json
    assert (delivery["DocTotal"], stock(sap)) == (D("19.99"), (119, 1))
    assert set(booked(sap, delivery["TransNum"])) == {("116000", "116000"), ("601000", "601000")}
    assert sap.send("GET", "Orders(2001)").json["DocumentLines"][0]["RemainingOpenQuantity"] == 1

    invoice = post(sap, "Invoices", _based(15, delivery["DocEntry"])).json
    assert set(booked(sap, invoice["TransNum"])) == {("113000", "C-AMZ-US"), ("401000", "401000")}
    assert sap.send("GET", f"DeliveryNotes({delivery['DocEntry']})").json["DocumentStatus"] == "bost_Close"

    post(sap, "Invoices", _based(17, 2001))
    assert sap.send("GET", "Orders(2001)").json["DocumentStatus"] == "bost_Close"
    assert stock(sap) == (118, 0)
    again = post(sap, "Invoices", _based(17, 2001))
    assert (again.error, again.words) == ((400, "-5002"), "One of the base documents has already been closed")


def test_a_copy_belongs_to_the_same_customer_and_to_a_document_that_is_there() -> None:
    sap = Sap()
    post(sap)

    assert post(sap, "CreditNotes", _based(13, 4711), CardCode="C-SHOP").words == (
        "Base document card and target document card do not match."
    )
    assert post(sap, "CreditNotes", _based(13, 9)).status == 400
    assert post(sap, "CreditNotes", _based(13, 4711, 5)).status == 400
    assert post(sap, "CreditNotes", _based(17, 4711)).status == 400


def test_a_credit_note_copied_from_an_open_invoice_takes_goods_back_and_is_set_off() -> None:
    sap = Sap()
    post(sap, lines=line(TaxCode="TX8"))

    note = post(sap, "CreditNotes", _based(13, 4711, Quantity=1)).json

    assert (note["DocTotal"], note["PaidToDate"], note["DocumentStatus"]) == (D("21.64"), D("21.64"), "bost_Close")
    invoice = sap.send("GET", "Invoices(4711)").json
    assert (invoice["PaidToDate"], invoice["DocumentStatus"]) == (D("21.64"), "bost_Open")
    assert booked(sap, note["TransNum"]) == {
        ("113000", "C-AMZ-US"): D("-21.64"),
        ("405000", "405000"): D("19.99"),
        ("222000", "222000"): D("1.65"),
        ("116000", "116000"): D("21.5"),
        ("601000", "601000"): D("-21.5"),
    }
    assert stock(sap) == (119, 0)


def test_a_copied_credit_note_may_stay_open_beside_its_invoice() -> None:
    sap = Sap(switches={"copied_credit_notes_settle": False})
    post(sap)

    note = post(sap, "CreditNotes", _based(13, 4711)).json

    assert (note["DocumentStatus"], sap.send("GET", "Invoices(4711)").json["PaidToDate"]) == ("bost_Open", 0)


def test_a_credit_note_for_the_price_alone_leaves_the_goods_with_the_customer() -> None:
    sap = Sap()

    note = post(sap, "CreditNotes", line(WithoutInventoryMovement="tYES"), NumAtCard="113-1").json

    assert (note["DocEntry"], note["DocumentStatus"], stock(sap)) == (611, "bost_Open", (120, 0))


@pytest.mark.parametrize(("refused", "status"), [(True, 400), (False, 201)])
def test_a_paid_invoice_may_refuse_to_be_copied(refused: bool, status: int) -> None:
    sap = Sap(switches={"paid_base_refused": refused})
    post(sap)
    sap.send(
        "POST",
        "IncomingPayments",
        {
            "CardCode": "C-AMZ-US",
            "TransferAccount": "114500",
            "TransferSum": 39.98,
            "PaymentInvoices": [{"DocEntry": 4711}],
        },
    )

    assert post(sap, "CreditNotes", _based(13, 4711)).status == status


# --- orders ----------------------------------------------------------------------------------------------------------


def test_an_order_names_its_delivery_date() -> None:
    assert post(Sap(), "Orders", DocDueDate=None).status == 400


@pytest.mark.parametrize(("commits", "promised"), [(False, 0), (True, 2)])
def test_an_order_may_be_entered_unconfirmed_and_confirmed_once_by_version(commits: bool, promised: int) -> None:
    sap = Sap(switches={"unconfirmed_commits": commits})
    made = post(sap, "Orders", Confirmed="tNO")
    assert (made.json["Confirmed"], stock(sap)[1]) == ("tNO", promised)

    etag = made.header("etag")
    first = sap.send("PATCH", "Orders(2001)", {"Confirmed": "tYES"}, headers={"If-Match": etag})
    second = sap.send("PATCH", "Orders(2001)", {"Confirmed": "tYES"}, headers={"If-Match": etag})

    assert (first.status, second.error, stock(sap)[1]) == (204, (412, "-2039"), 2)
    assert sap.send("GET", "Orders(2001)").json["Confirmed"] == "tYES"


def test_an_open_order_may_change_its_lines() -> None:
    sap = Sap()
    post(sap, "Orders")

    changed = sap.send(
        "PATCH", "Orders(2001)", {"DocumentLines": [{"LineNum": 0, "Quantity": 5}, {**STOOL, "Quantity": 1}]}
    )

    order = sap.send("GET", "Orders(2001)").json
    assert changed.status == 204
    assert (order["DocTotal"], order["DocNum"], order["DataVersion"], stock(sap)[1]) == (D("119.94"), 23000501, 2, 6)


def test_orders_are_closed_opened_again_and_cancelled() -> None:
    sap = Sap()
    post(sap, "Orders")

    assert sap.send("POST", "Orders(2001)/Close").status == 204
    assert (sap.send("GET", "Orders(2001)").json["DocumentStatus"], stock(sap)) == ("bost_Close", (120, 0))
    assert sap.send("POST", "Orders(2001)/Close").words == "Document is already closed"
    assert sap.send("POST", "Orders(2001)/Reopen").status == 204
    assert stock(sap) == (120, 2)
    assert sap.send("POST", "Orders(2001)/Cancel").status == 204
    order = sap.send("GET", "Orders(2001)").json
    assert (order["Cancelled"], order["CancelStatus"], order["DocumentStatus"], stock(sap)) == (
        "tYES",
        "csYes",
        "bost_Close",
        (120, 0),
    )
    assert len(sap.control.documents("Orders")) == 1
    assert sap.send("POST", "Orders(2001)/Cancel").status == 400


# --- after posting ---------------------------------------------------------------------------------------------------


def test_a_posted_document_changes_its_texts_only() -> None:
    sap = Sap()
    post(sap)
    sap.clock.advance(120)

    changes = {
        "Comments": "seen",
        "DocTotal": 1,
        "CardCode": "C-SHOP",
        "DocDate": "2026-11-01",
        "DocumentLines": [{"LineNum": 0, "Quantity": 9, "FreeText": "note"}],
    }
    assert sap.send("PATCH", "Invoices(4711)", changes).status == 204

    invoice = sap.send("GET", "Invoices(4711)").json
    assert (invoice["Comments"], invoice["DocTotal"], invoice["CardCode"]) == ("seen", D("39.98"), "C-AMZ-US")
    assert (invoice["DocDate"], invoice["UpdateTime"], invoice["DataVersion"]) == (
        "2026-11-20T00:00:00Z",
        "12:02:00",
        2,
    )
    assert (invoice["DocumentLines"][0]["Quantity"], invoice["DocumentLines"][0]["FreeText"]) == (2, "note")
    assert sap.send("DELETE", "Invoices(4711)").error == (400, "-5006")
    assert sap.send("POST", "Invoices(4711)/Close").error == (400, "-5006")


def test_cancelling_writes_a_document_of_its_own_once() -> None:
    sap = Sap()
    post(sap, NumAtCard="113-1")

    assert sap.send("POST", "Invoices(4711)/Cancel").status == 204
    assert sap.send("POST", "Invoices(4711)/Cancel").status == 400
    assert sap.send("POST", "Invoices(4712)/Cancel").status == 400

    original, cancelling = sap.get("Invoices").rows
    assert (original["Cancelled"], original["CancelStatus"], original["DocumentStatus"]) == (
        "tYES",
        "csYes",
        "bost_Close",
    )
    assert (cancelling["CancelStatus"], cancelling["NumAtCard"], cancelling["DocTotal"]) == (
        "csCancellation",
        "113-1",
        D("39.98"),
    )
    line = cancelling["DocumentLines"][0]
    assert (line["BaseType"], line["BaseEntry"], line["BaseLine"]) == (13, 4711, 0)
    assert stock(sap) == (120, 0)
    assert all(row["balance"] == 0 for row in sap.control.trial_balance())
    assert sap.get("Invoices/$count", filter="NumAtCard eq '113-1' and CancelStatus eq 'csNo'").text == "0"


def test_a_cancellation_may_carry_other_fields_and_another_date() -> None:
    sap = Sap(switches={"cancellation_date": "today", "cancellation_copies_fields": False})
    sap.send("POST", "UserFieldsMD", {"TableName": "OINV", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100})
    post(sap, U_ML_KEY="K1")

    said = sap.send("POST", "InvoicesService_Cancel2", {"Document": {"DocEntry": 4711, "Comments": "by mistake"}})

    cancelling = sap.send("GET", "Invoices(4712)").json
    assert said.status == 204
    assert (cancelling["U_ML_KEY"], cancelling["Comments"]) == (None, "by mistake")
    assert cancelling["DocDate"] == "2026-11-21T00:00:00Z"


@pytest.mark.parametrize(("persists", "count"), [(False, 1), (True, 2)])
def test_a_cancellation_may_be_prefilled_only(persists: bool, count: int) -> None:
    sap = Sap(switches={"create_cancellation_persists": persists})
    post(sap)

    said = sap.send("POST", "Invoices(4711)/CreateCancellationDocument")

    assert (said.status, said.json["CancelStatus"]) == (200, "csCancellation")
    assert (said.json["DocEntry"] is None) != persists
    assert len(sap.control.documents("Invoices")) == count


def test_a_copied_document_is_not_cancelled_and_its_copy_opens_it_again() -> None:
    sap = Sap()
    post(sap, "DeliveryNotes")
    entry = post(sap, "Invoices", _based(15, 901)).json["DocEntry"]
    assert sap.send("POST", "DeliveryNotes(901)/Cancel").status == 400

    assert sap.send("POST", f"Invoices({entry})/Cancel").status == 204
    assert sap.send("GET", "DeliveryNotes(901)").json["DocumentStatus"] == "bost_Open"
    assert sap.send("POST", "DeliveryNotes(901)/Cancel").status == 204
    assert stock(sap) == (120, 0)
