"""Marketing documents in the simulated company: what is let in, what it means (dossier, section 6.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sap_client import Sap
from tests.support.sap_documents import STOOL, booked, line, post, stock

D = Decimal


# --- invoices --------------------------------------------------------------------------------------------------------


def test_an_invoice_is_answered_with_what_the_server_filled_in() -> None:
    said = post(Sap(), NumAtCard="113-1", DocumentAdditionalExpenses=[{"ExpenseCode": 1, "LineTotal": 4.99}])

    invoice = said.json
    assert said.status == 201
    assert said.header("location").endswith("/b1s/v2/Invoices(4711)")
    assert said.header("etag") == invoice["@odata.etag"] == 'W/"356A192B7913B04C54574D18C28D46E6395428AB"'
    assert (invoice["DocEntry"], invoice["DocNum"], invoice["Series"]) == (4711, 20001234, 4)
    assert (invoice["DocTotal"], invoice["VatSum"], invoice["PaidToDate"]) == (D("44.97"), 0, 0)
    assert (invoice["DocCurrency"], invoice["DocRate"], invoice["CardName"]) == ("USD", 1, "Amazon.com")
    assert (invoice["DocumentStatus"], invoice["Cancelled"], invoice["CancelStatus"]) == ("bost_Open", "tNO", "csNo")
    assert (invoice["CreationDate"], invoice["UpdateDate"], invoice["UpdateTime"]) == (
        "2026-11-21T00:00:00Z",
        "2026-11-21T00:00:00Z",
        "12:00:00",
    )
    (line,) = invoice["DocumentLines"]
    assert (line["LineTotal"], line["Price"], line["TaxCode"], line["LineStatus"]) == (
        D("39.98"),
        D("19.99"),
        "EX",
        "bost_Open",
    )
    (freight,) = invoice["DocumentAdditionalExpenses"]
    assert (freight["ExpenseCode"], freight["LineTotal"], freight["LineNum"]) == (1, D("4.99"), 0)


def test_an_invoice_writes_its_own_entry_and_moves_stock() -> None:
    sap = Sap()

    invoice = post(sap, NumAtCard="113-1", DocumentAdditionalExpenses=[{"ExpenseCode": 1, "LineTotal": 4.99}]).json

    entry = sap.send("GET", f"JournalEntries({invoice['TransNum']})").json
    assert (entry["OriginalJournal"], entry["Original"], entry["BaseReference"]) == ("ttARInvoice", 4711, "20001234")
    assert (entry["Memo"], entry["Reference"], entry["Reference2"]) == ("A/R Invoices - C-AMZ-US", "20001234", "113-1")
    assert booked(sap, invoice["TransNum"]) == {
        ("113000", "C-AMZ-US"): D("44.97"),
        ("401000", "401000"): D("-39.98"),
        ("401100", "401100"): D("-4.99"),
        ("116000", "116000"): D("-43"),
        ("601000", "601000"): D("43"),
    }
    assert stock(sap) == (118, 0)
    assert sap.send("GET", "BusinessPartners('C-AMZ-US')").json["CurrentAccountBalance"] == D("44.97")


def test_the_entry_of_a_document_is_not_reversed_by_itself() -> None:
    sap = Sap()
    trans_num = post(sap).json["TransNum"]

    assert sap.send("POST", f"JournalEntries({trans_num})/Cancel").error == (400, "-5002")


def test_document_numbers_run_per_series_and_apart_from_entries() -> None:
    sap = Sap()

    made = [
        post(sap).json,
        post(sap, Series=40).json,
        post(sap).json,
        post(sap, Series=41, HandWritten="tYES", DocNum=77).json,
    ]

    assert [(each["DocEntry"], each["DocNum"], each["Series"]) for each in made] == [
        (4711, 20001234, 4),
        (4712, 50000001, 40),
        (4713, 20001235, 4),
        (4714, 77, 41),
    ]
    assert post(sap, Series=41, HandWritten="tYES", DocNum=77).error == (400, "-10")
    assert post(sap, Series=41).status == 400
    assert post(sap, Series=7).status == 400
    assert post(sap, DocNum=5).json["DocNum"] == 20001236


def test_what_is_shown_as_user_field_was_defined_on_any_marketing_document() -> None:
    sap = Sap()
    field = {"TableName": "OINV", "Name": "ML_KEY", "Type": "db_Alpha", "Size": 100, "Description": "key"}
    assert sap.send("POST", "UserFieldsMD", field).status == 201
    assert sap.send("POST", "UserFieldsMD", {**field, "TableName": "ORDR"}).error == (400, "-2035")
    assert sap.send("POST", "UserFieldsMD", {**field, "TableName": "INV1", "Name": "ML_ITEM"}).status == 201

    invoice = post(sap, U_ML_KEY="K1", lines=line(U_ML_ITEM="L1")).json
    order = post(sap, "Orders", U_ML_KEY="K2").json

    assert (invoice["U_ML_KEY"], invoice["DocumentLines"][0]["U_ML_ITEM"], order["U_ML_KEY"]) == ("K1", "L1", "K2")
    found = sap.get("Invoices", filter="U_ML_KEY eq 'K1'", select="DocEntry,U_ML_KEY").rows
    assert [row["DocEntry"] for row in found] == [4711]
    assert sap.get("CreditNotes", filter="U_ML_KEY eq 'K1'").rows == []


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"CardCode": "NOBODY"}, "Invalid BP code [OINV.CardCode] , 'NOBODY'"),
        ({"CardCode": "S-MAKER"}, "Invalid BP code"),
        ({"CardCode": "C-OLD"}, "inactive"),
        ({"DocumentLines": []}, "lines"),
        (
            {"DocumentLines": line(ItemCode=None)},
            "Item number is missing; specify an item number [DocumentLines.ItemCode][line: 1]",
        ),
        ({"DocumentLines": line(ItemCode="NONE")}, "Invalid item number"),
        ({"DocumentLines": line(ItemCode="STOOL-OLD")}, "inactive"),
        ({"DocumentLines": line(Quantity=0)}, "Quantity"),
        ({"DocumentLines": line(TaxCode="NONE")}, "Invalid tax code"),
        ({"DocumentLines": line(TaxCode="NY4")}, "Invalid tax code"),
        ({"DocumentLines": line(VatGroup="O1")}, "does not use VatGroup"),
        ({"DocumentLines": line(WarehouseCode="OLD")}, "Invalid warehouse"),
        ({"DocumentLines": line(AccountCode="690000")}, "frozen"),
        ({"DocumentLines": line(CostingCode="NONE")}, "Invalid distribution rule"),
        ({"DocumentLines": line(ItemCode="TEA-2027", WarehouseCode="01")}, "batch/serial numbers"),
        ({"DocumentLines": line(ItemCode="CAMERA-X", WarehouseCode="01")}, "batch/serial numbers"),
        ({"DocumentAdditionalExpenses": [{"ExpenseCode": 99, "LineTotal": 1}]}, "Invalid freight code"),
        ({"DocCurrency": "EUR"}, "Document currency differs"),
        ({"DocCurrency": "CHF"}, "Document currency differs"),
        ({"DocDate": "2026-06-15"}, "is locked [OINV.DocDate]"),
        ({"DocDate": "2030-01-01"}, "Date deviates from permissible range [OINV.DocDate]"),
        ({"Project": "NONE"}, "Project"),
        ({"BPL_IDAssignedToInvoice": 1}, "Branches are not enabled"),
        ({"NumAtCard": "x" * 101}, "Value too long in property 'NumAtCard'"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_leaves_nothing(members: dict[str, Any], words: str) -> None:
    sap = Sap()

    said = post(sap, **members)

    assert said.status == 400
    assert words in said.words
    assert (sap.control.documents("Invoices"), sap.control.entries(), stock(sap)) == ([], [], (120, 0))


def test_a_field_that_does_not_exist_is_refused() -> None:
    assert post(Sap(), lines=line(NoSuch=1)).error == (400, "201")


def test_a_period_closed_for_sales_refuses_documents_and_takes_journals() -> None:
    sap = Sap()
    sap.control.set_period("2026-11-20", "ltUnlockedExceptSales")

    assert (post(sap).status, sap.post_entry().status) == (400, 201)


def test_items_kept_by_batch_say_which_ones_go() -> None:
    sap = Sap()
    line = {"ItemCode": "TEA-2027", "Quantity": 3, "UnitPrice": 12, "WarehouseCode": "01"}
    batches = [{"BatchNumberProperty": "T1", "Quantity": 2}, {"BatchNumberProperty": "T2", "Quantity": 1}]

    said = post(sap, lines=[{**line, "BatchNumbers": batches}])

    assert said.status == 201
    assert [each["BatchNumberProperty"] for each in said.json["DocumentLines"][0]["BatchNumbers"]] == ["T1", "T2"]
    assert post(sap, lines=[{**line, "BatchNumbers": batches[:1]}]).status == 400


def test_batches_have_another_name_on_the_older_protocol() -> None:
    sap = Sap(version="v1")
    line = {"ItemCode": "TEA-2027", "Quantity": 1, "UnitPrice": 12, "WarehouseCode": "01"}

    said = post(sap, lines=[{**line, "BatchNumbers": [{"BatchNumber": "T1", "Quantity": 1}]}])

    assert said.json["DocumentLines"][0]["BatchNumbers"][0]["BatchNumber"] == "T1"
    assert (said.json["DocDate"], said.json["UpdateTime"]) == ("2026-11-20", "12:00:00")
    assert post(sap, lines=[{**line, "BatchNumbers": [{"BatchNumberProperty": "T1", "Quantity": 1}]}]).status == 400


def test_an_address_comes_back_as_it_was_sent() -> None:
    said = post(Sap(), AddressExtension={"ShipToCity": "Austin", "ShipToCountry": "US"})

    assert said.json["AddressExtension"]["ShipToCity"] == "Austin"
    assert said.json["AddressExtension"]["BillToCity"] is None


def test_a_service_invoice_names_accounts() -> None:
    sap = Sap()
    lines: list[dict[str, object]] = [{"ItemDescription": "Advice", "AccountCode": "402200", "LineTotal": 50.5}]

    invoice = post(sap, DocType="dDocument_Service", lines=lines).json

    assert invoice["DocTotal"] == D("50.5")
    assert booked(sap, invoice["TransNum"]) == {("113000", "C-AMZ-US"): D("50.5"), ("402200", "402200"): D("-50.5")}
    assert post(sap, DocType="dDocument_Service", lines=[{"LineTotal": 5}]).status == 400


def test_a_customer_reference_may_be_refused_the_second_time() -> None:
    assert [post(sap, NumAtCard="A").status for sap in [Sap()] for _ in range(2)] == [201, 201]
    sap = Sap(switches={"block_duplicate_references": True})

    assert (post(sap, NumAtCard="A").status, post(sap, NumAtCard="A").error) == (201, (400, "-10"))
    sap.control.cancel_document("Invoices", 4711)
    assert post(sap, NumAtCard="A").status == 201


# --- stock -----------------------------------------------------------------------------------------------------------


def test_stock_may_be_kept_from_falling_below_nothing() -> None:
    assert post(Sap(), lines=line(WarehouseCode="01")).status == 201

    said = post(Sap(switches={"block_negative_stock": True}), lines=line(WarehouseCode="01"))

    assert said.error == (400, "-10")
    assert "negative inventory" in said.words


@pytest.mark.parametrize(
    "members", [{"ItemCode": "GIFT-WRAP"}, {"WarehouseCode": "DROP"}, {"WithoutInventoryMovement": "tYES"}]
)
def test_services_and_goods_sent_by_others_move_no_stock(members: dict[str, object]) -> None:
    sap = Sap()

    invoice = post(sap, lines=line(**members)).json

    assert set(booked(sap, invoice["TransNum"])) == {("113000", "C-AMZ-US"), ("401000", "401000")}
    assert stock(sap) == (120, 0)


def test_a_row_without_movement_may_move_stock_all_the_same() -> None:
    sap = Sap(switches={"without_movement_honoured": False})
    post(sap, lines=line(WithoutInventoryMovement="tYES"))

    assert stock(sap) == (118, 0)


def test_without_perpetual_inventory_stock_moves_and_books_do_not() -> None:
    sap = Sap(switches={"perpetual_inventory": False})

    assert len(booked(sap, post(sap).json["TransNum"])) == 2
    assert stock(sap) == (118, 0)


def test_goods_are_issued_and_received_without_a_customer() -> None:
    sap = Sap()

    issue = sap.send(
        "POST", "InventoryGenExits", {"DocDate": "2026-11-20", "DocumentLines": [{**STOOL, "AccountCode": "601100"}]}
    )
    receipt = sap.send("POST", "InventoryGenEntries", {"DocumentLines": [{**STOOL, "Quantity": 5}]})

    assert (issue.status, receipt.status, stock(sap)) == (201, 201, (123, 0))
    assert booked(sap, issue.json["TransNum"]) == {("116000", "116000"): -43, ("601100", "601100"): 43}
    assert (
        sap.send("GET", f"JournalEntries({receipt.json['TransNum']})").json["OriginalJournal"]
        == "ttGeneralReceiptToStock"
    )


# --- branches and people ---------------------------------------------------------------------------------------------


def test_with_branches_document_warehouse_and_customer_belong_together() -> None:
    sap = Sap(switches={"enable_branches": True})

    assert "active branch" in post(sap).words
    assert post(sap, BPL_IDAssignedToInvoice=3).status == 400
    assert "Warehouse" in post(sap, BPL_IDAssignedToInvoice=1, lines=line(WarehouseCode="FBA-EU")).words
    assert "not assigned" in post(sap, BPL_IDAssignedToInvoice=2, lines=line(WarehouseCode="FBA-EU")).words
    invoice = post(sap, BPL_IDAssignedToInvoice=1).json
    assert invoice["BPLName"] == "US"
    lines = sap.send("GET", f"JournalEntries({invoice['TransNum']})").json["JournalEntryLines"]
    assert {line["BPLID"] for line in lines} == {1}


def test_with_segmented_accounts_the_entry_names_internal_codes() -> None:
    sap = Sap(switches={"account_segmentation": True})

    assert ("_SYS00000401000", "_SYS00000401000") in booked(sap, post(sap).json["TransNum"])


def test_people_are_quick_where_the_fault_plan_says_so() -> None:
    sap = Sap(
        faults=[
            {"operation": "Invoices.POST", "fault": "person_edits", "nth": 1},
            {"operation": "Invoices.POST", "fault": "person_cancels", "nth": 2},
            {"operation": "Invoices.POST", "fault": "closed_period", "nth": 3},
        ]
    )

    assert [post(sap).status for _ in range(3)] == [201, 201, 400]
    rows = sap.get("Invoices", select="DocTotal,CancelStatus").rows
    assert [(row["DocTotal"], row["CancelStatus"]) for row in rows] == [
        (D("39.99"), "csNo"),
        (D("39.98"), "csYes"),
        (D("39.98"), "csCancellation"),
    ]


def test_the_customers_own_procedure_refuses_with_its_own_words() -> None:
    sap = Sap()
    sap.control.refuse_by_procedure("Invoices", "Ask Mary first")

    said = post(sap)
    assert (said.error, said.words) == ((400, "-1"), "Ask Mary first")
    assert post(sap, "CreditNotes").status == 201
    sap.control.refuse_by_procedure("Invoices")
    assert post(sap).status == 201


def test_people_type_edit_and_cancel_documents_and_a_restore_loses_one() -> None:
    sap = Sap()
    typed = {**STOOL, "UnitPrice": "19.99"}
    planted = sap.control.plant_document(
        "Invoices", {"CardCode": "C-AMZ-US", "NumAtCard": "113-1", "DocumentLines": [typed]}
    )
    sap.control.edit("Invoices", {"DocEntry": planted}, {"Comments": "by hand"})
    assert sap.send("GET", f"Invoices({planted})").json["Comments"] == "by hand"

    sap.control.lose_document("Invoices", planted)

    assert (sap.control.documents("Invoices"), sap.control.entries(), stock(sap)) == ([], [], (120, 0))
    second = sap.control.plant_document("Invoices", {"CardCode": "C-AMZ-US", "DocumentLines": [typed]})
    assert second == planted + 1
    sap.control.cancel_document("Invoices", second)
    assert len(sap.control.documents("Invoices")) == 2


def test_a_claim_and_its_document_are_kept_together() -> None:
    sap = Sap()
    sap.send("POST", "UserTablesMD", {"TableName": "ML_LINK", "TableType": "bott_NoObject"})

    def batch(code: str) -> int:
        body = (
            "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n"
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 1\r\n\r\n"
            f'POST /b1s/v2/U_ML_LINK HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{{"Code":"{code}","Name":"x"}}\r\n'
            "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: 2\r\n\r\n"
            "POST /b1s/v2/Invoices HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
            '{"CardCode":"C-AMZ-US","DocumentLines":[{"ItemCode":"LANTERN-S","Quantity":1,"UnitPrice":5}]}\r\n'
            "--c--\r\n--b--\r\n"
        )
        sap.send("POST", "$batch", body.encode(), headers={"Content-Type": "multipart/mixed;boundary=b"})
        return len(sap.control.documents("Invoices"))

    assert [batch("k1"), batch("k1"), batch("k2")] == [1, 1, 2]
    assert len(sap.control.entries()) == 2
