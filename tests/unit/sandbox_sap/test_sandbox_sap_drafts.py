"""Drafts count for nothing until they are saved, once; an approval procedure makes drafts of what is posted (section 7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sap_client import Said, Sap
from tests.support.sap_documents import STOOL, booked, post, stock

D = Decimal


def _draft(sap: Sap, **members: Any) -> Said:
    return post(sap, "Drafts", **{"DocObjectCode": "oInvoices", **members})


def _save(sap: Sap, entry: object, **changes: object) -> Said:
    return sap.send("POST", "DraftsService_SaveDraftToDocument", {"Document": {"DocEntry": str(entry), **changes}})


def _payment(**members: object) -> dict[str, object]:
    return {"CardCode": "C-AMZ-US", "TransferAccount": "114500", "TransferSum": 39.98, **members}


def test_a_draft_shows_totals_and_counts_for_nothing() -> None:
    sap = Sap()

    said = _draft(sap, NumAtCard="113-1")

    assert said.status == 201
    assert (said.json["DocEntry"], said.json["DocTotal"], said.json["DocObjectCode"]) == (301, D("39.98"), "oInvoices")
    assert (said.json["TransNum"], said.json["AuthorizationStatus"], said.json["DocumentStatus"]) == (
        None,
        "dasWithout",
        "bost_Open",
    )
    assert (sap.control.entries(), sap.control.documents("Invoices"), stock(sap)) == ([], [], (120, 0))


def test_a_draft_is_saved_once_and_gives_the_document_it_showed() -> None:
    sap = Sap()
    sap.send("POST", "UserFieldsMD", {"TableName": "OINV", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100})
    bare = {"ItemCode": "STOOL-OAK-45", "Quantity": 2, "WarehouseCode": "FBA-US"}
    draft = _draft(sap, U_ML_KEY="K1", lines=[bare]).json
    sap.control.set_price("STOOL-OAK-45", 2, "99")

    saved, again = _save(sap, 301, Comments="saved"), _save(sap, 301)

    assert (saved.status, saved.text, again.words) == (204, "", "Document is already closed")
    (invoice,) = sap.get("Invoices", filter="U_ML_KEY eq 'K1'").rows
    assert (invoice["DocTotal"], invoice["Comments"]) == (draft["DocTotal"], "saved")
    assert booked(sap, invoice["TransNum"])[("113000", "C-AMZ-US")] == 120
    assert sap.send("GET", "Drafts(301)").json["DocumentStatus"] == "bost_Close"


def test_a_draft_that_was_saved_may_be_gone() -> None:
    sap = Sap(switches={"saved_draft": "removed"})
    _draft(sap)

    assert (_save(sap, 301).status, _save(sap, 301).error) == (204, (404, "-2028"))
    assert _draft(sap).json["DocEntry"] == 302


def test_what_a_rule_refuses_is_refused_when_the_draft_is_saved() -> None:
    sap = Sap(switches={"block_negative_stock": True})
    assert _draft(sap, lines=[{**STOOL, "Quantity": 200}]).status == 201
    assert _draft(sap, DocDate="2026-06-15").status == 201
    assert _draft(sap, CardCode="NOBODY").status == 400

    assert (_save(sap, 301).error, _save(sap, 302).error, _save(sap, 9).error) == (
        (400, "-10"),
        (400, "-5002"),
        (404, "-2028"),
    )
    assert sap.send("GET", "Drafts(301)").json["DocumentStatus"] == "bost_Open"


def test_a_draft_may_change_and_be_removed() -> None:
    sap = Sap()
    _draft(sap, NumAtCard="113-1")
    _draft(sap)

    assert sap.send("PATCH", "Drafts(301)", {"DocumentLines": [{"LineNum": 0, "Quantity": 3}]}).status == 204
    assert sap.send("GET", "Drafts(301)").json["DocTotal"] == D("59.97")
    assert _save(sap, 301).status == 204
    assert sap.send("GET", "Invoices(4711)").json["NumAtCard"] == "113-1"
    assert sap.send("DELETE", "Drafts(302)").status == 204
    assert [row["DocEntry"] for row in sap.get("Drafts").rows] == [301]
    assert sap.send("POST", "Drafts(301)/Close").status == 400


def test_a_draft_says_what_it_is_to_become() -> None:
    sap = Sap()

    assert post(sap, "Drafts").status == 400
    assert _draft(sap, DocObjectCode="17").json["DocObjectCode"] == "oOrders"
    assert _save(sap, 301).status == 204
    assert len(sap.control.documents("Orders")) == 1


def test_a_draft_of_a_payment_is_saved_once() -> None:
    sap = Sap()
    post(sap)
    body = _payment(DocObjectCode="bopot_IncomingPayments", PaymentInvoices=[{"DocEntry": 4711, "SumApplied": 39.98}])

    draft = sap.send("POST", "PaymentDrafts", body)
    assert (draft.status, draft.json["DocEntry"]) == (201, 21)
    assert sap.send("GET", "Invoices(4711)").json["PaidToDate"] == 0

    saved = sap.send("POST", "PaymentDrafts(21)/SaveDraftToDocument")
    again = sap.send("POST", "PaymentDrafts(21)/SaveDraftToDocument")

    assert (saved.status, again.status) == (204, 400)
    assert sap.send("GET", "Invoices(4711)").json["DocumentStatus"] == "bost_Close"
    assert [row["TransferSum"] for row in sap.get("IncomingPayments").rows] == [D("39.98")]


def test_a_draft_of_a_payment_may_change_and_be_removed() -> None:
    sap = Sap()
    for _ in range(2):
        sap.send("POST", "PaymentDrafts", _payment(DocObjectCode="bopot_OutgoingPayments"))

    assert sap.send("PATCH", "PaymentDrafts(21)", {"TransferSum": 5, "Remarks": "less"}).status == 204
    assert sap.send("DELETE", "PaymentDrafts(22)").status == 204
    sap.send("POST", "PaymentDrafts(21)/SaveDraftToDocument")

    (payment,) = sap.get("VendorPayments").rows
    assert (payment["TransferSum"], payment["Remarks"]) == (5, "less")


@pytest.mark.parametrize(("reading", "left"), [("closed", ["bost_Close"]), ("removed", [])])
def test_a_person_makes_the_document_of_a_draft(reading: str, left: list[str]) -> None:
    sap = Sap(switches={"saved_draft": reading})
    _draft(sap, NumAtCard="113-1")

    assert sap.control.save_draft(301) == 4711

    assert [row["NumAtCard"] for row in sap.get("Invoices").rows] == ["113-1"]
    assert [row["DocumentStatus"] for row in sap.get("Drafts").rows] == left
    assert _save(sap, 301).status in (400, 404)


def test_a_person_makes_the_payment_of_a_draft() -> None:
    sap = Sap()
    sap.send("POST", "PaymentDrafts", _payment(DocObjectCode="bopot_IncomingPayments"))

    assert sap.control.save_draft(21, "PaymentDrafts") == 812

    assert sap.send("GET", "PaymentDrafts(21)").json["AuthorizationStatus"] == "pasGenerated"
    assert [row["TransferSum"] for row in sap.get("IncomingPayments").rows] == [D("39.98")]


def test_a_person_throws_drafts_away() -> None:
    sap = Sap()
    for _ in range(2):
        _draft(sap)
        sap.send("POST", "PaymentDrafts", _payment(DocObjectCode="bopot_IncomingPayments"))

    sap.control.remove_draft(301)
    sap.control.remove_draft(22, "PaymentDrafts")

    assert [row["DocEntry"] for row in sap.get("Drafts").rows] == [302]
    assert [row["DocEntry"] for row in sap.get("PaymentDrafts").rows] == [21]
    assert _save(sap, 301).error == (404, "-2028")


# --- approval ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reading", "status"), [("draft_201", 201), ("draft_204", 204)])
def test_what_is_posted_may_become_a_draft_that_waits(reading: str, status: int) -> None:
    sap = Sap(switches={"approval_procedure": reading})

    said = post(sap, NumAtCard="113-1")

    assert said.status == status
    assert said.header("location").endswith("/b1s/v2/Drafts(301)")
    assert sap.get("Invoices").rows == []
    (draft,) = sap.get("Drafts", filter="NumAtCard eq '113-1'").rows
    assert (draft["AuthorizationStatus"], draft["DocObjectCode"]) == ("dasPending", "oInvoices")
    assert "not approved" in _save(sap, 301).words


def test_an_approved_draft_is_saved_by_the_client_or_by_the_person() -> None:
    sap = Sap(switches={"approval_procedure": "draft_201"})
    for _ in range(3):
        post(sap)

    sap.control.approve(301)
    assert sap.send("GET", "Drafts(301)").json["AuthorizationStatus"] == "dasApproved"
    assert _save(sap, 301).status == 204
    assert sap.control.approve(302, generate=True) == 4712
    sap.control.approve(303, approved=False)

    assert _save(sap, 303).status == 400
    assert [row["AuthorizationStatus"] for row in sap.get("Drafts").rows] == [
        "dasGenerated",
        "dasGeneratedbyAuthorizer",
        "dasRejected",
    ]
    assert len(sap.get("Invoices").rows) == 2


def test_a_draft_that_is_saved_may_wait_for_approval_instead() -> None:
    sap = Sap(switches={"approval_procedure": "draft_201"})
    _draft(sap)

    assert _save(sap, 301).status == 204
    assert (sap.get("Invoices").rows, sap.send("GET", "Drafts(301)").json["AuthorizationStatus"]) == ([], "dasPending")
    assert sap.control.approve(301, generate=True) == 4711


def test_payments_wait_for_approval_too() -> None:
    sap = Sap(switches={"approval_procedure": "draft_201"})

    said = sap.send("POST", "IncomingPayments", _payment())

    assert (said.status, said.json["AuthorizationStatus"]) == (201, "pasPending")
    assert sap.get("IncomingPayments").rows == []
    assert sap.control.approve(21, "PaymentDrafts", generate=True) == 812
    assert sap.send("GET", "PaymentDrafts(21)").json["AuthorizationStatus"] == "pasGeneratedbyAuthorizer"


def test_a_person_needs_no_approval() -> None:
    sap = Sap(switches={"approval_procedure": "draft_201"})

    assert sap.control.plant_document("IncomingPayments", _payment(TransferSum="39.98")) == 812
