"""The simulated accounts receivable: invoice batches, posted documents, receipts and adjustments, and their ledger effect."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sage_client import Sage

FIELD = (409, "FieldInvalid")
SALE = [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 100}]


def ready(sage: Sage, said: Any) -> int:
    """The batch of an answer, marked ready."""
    number = int(said.json["BatchNumber"])
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"BatchStatus": "ReadyToPost"}).status == 204
    return number


def posted(sage: Sage, number: str = "114-1", **members: Any) -> None:
    """An invoice of 100 to AMZUS, posted."""
    said = sage.invoice(number=number, **{"InvoiceDetails": SALE, **members})
    assert said.status == 201, said.text
    assert sage.post_invoices(ready(sage, said)).status == 204


def due(sage: Sage, number: str) -> Any:
    """What is due on a posted document of AMZUS: a Decimal."""
    return sage.get(f"AR/ARPostedDocuments('AMZUS','{number}')").json["CustomerCurrencyAmountDue"]


def test_numbers_are_json_numbers_and_every_post_opens_a_batch() -> None:
    sage = Sage()
    first, second = sage.invoice(number="1").json, sage.invoice(number="2").json
    assert (first["BatchNumber"], second["BatchNumber"]) == (76, 77)
    entry = first["Invoices"][0]
    assert (entry["EntryNumber"], [row["LineNumber"] for row in entry["InvoiceDetails"]]) == (1, [20, 40])
    assert (first["BatchTotal"], first["NumberOfEntries"], first["BatchType"]) == (Decimal("65.97"), 1, "Entered")
    assert (entry["TransactionType"], entry["FiscalPeriod"]) == ("InvoiceSummaryIssued", "11")
    assert entry["InvoicePaymentSchedules"][0]["AmountDue"] == Decimal("65.97")


def test_a_batch_goes_from_open_to_ready_to_posted_and_leaves_a_document() -> None:
    sage = Sage()
    number = int(sage.invoice(OrderNumber="114-1", InvoiceDescription="Amazon order 114-1").json["BatchNumber"])
    assert sage.post_invoices(number).status == 204
    assert sage.get(f"AR/ARInvoiceBatches({number})").json["BatchStatus"] == "Open"
    assert sage.get("AR/ARPostedDocuments('AMZUS','114-1')").error == (404, "RecordNotFound")
    sage.patch(f"AR/ARInvoiceBatches({number})", {"BatchStatus": "ReadyToPost"})
    sage.post_invoices(number)
    batch = sage.get(f"AR/ARInvoiceBatches({number})", select="BatchStatus,PostingSequenceNumber,NumberOfErrors").json
    assert (batch["BatchStatus"], batch["NumberOfErrors"]) == ("Posted", 0)
    document = sage.get("AR/ARPostedDocuments('AMZUS','114-1')").json
    assert (document["OrderNumber"], document["DocumentType"], document["BatchNumber"]) == ("114-1", "Invoice", number)
    assert (document["CustomerCurrencyInvoiceAmount"], document["FullyPaid"]) == (Decimal("65.97"), "No")
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"Description": "X"}).error == (409, "General")


def test_posting_reaches_the_ledger_at_once_so_a_double_count_is_seen() -> None:
    sage = Sage()
    posted(sage)
    assert (sage.balance("4010"), sage.balance("1100")) == (-100, 429 - 100 - 20 + 100)
    batch = sage.control.batches("GL")[-1]
    assert (batch["SourceLedger"], batch["Status"]) == ("AR", "Posted")
    posted(sage, "114-2")
    assert sage.balance("4010") == -200
    assert sage.get("AR/ARCustomers('AMZUS')").json["BalanceDueInCustomerCurrency"] == 200


def test_the_ledger_may_get_an_open_batch_or_only_what_is_asked_for() -> None:
    sage = Sage(switches={"ledger_from_receivables": "open"})
    posted(sage)
    assert (sage.balance("4010"), sage.control.batches("GL")[-1]["Status"]) == (0, "Open")

    asked = Sage(switches={"ledger_from_receivables": "request"})
    posted(asked)
    assert asked.control.batches("GL") == []
    body = {"ProcessInvoiceBatch": "PostInvoicebatches", "InvoiceThroughPostingSequenceNumber": "999999"}
    assert asked.act("AR/ARCreateGLBatch", body).status == 204
    assert [batch["Status"] for batch in asked.control.batches("GL")] == ["Open", "Open"]  # the company's own and ours
    assert asked.act("AR/ARCreateGLBatch", body).status == 204
    assert len(asked.control.batches("GL")) == 2


@pytest.mark.parametrize(
    ("reading", "open_batch", "same_batch", "posted_one"),
    [("entry", 409, 409, 409), ("posted", 201, 201, 409), ("posting", 201, 201, 201)],
)
def test_when_a_second_number_is_seen_is_an_open_question(
    reading: str, open_batch: int, same_batch: int, posted_one: int
) -> None:
    sage = Sage(switches={"ar_duplicate": reading})
    first = sage.invoice()
    assert sage.invoice().status == open_batch
    entry = {"CustomerNumber": "AMZUS", "DocumentNumber": "7", "InvoiceDetails": SALE}
    assert sage.post("AR/ARInvoiceBatches", {"Invoices": [entry, entry]}).status == same_batch
    sage.post_invoices(ready(sage, first))
    again = sage.invoice()
    assert again.status == posted_one
    if posted_one == 409:
        assert "already exists" in again.words
        return
    sage.post_invoices(ready(sage, again))
    batch = sage.get(f"AR/ARInvoiceBatches({again.json['BatchNumber']})").json
    assert (batch["NumberOfErrors"], batch["Invoices"][0]["ErrorEntry"]) == (1, 1)
    assert sage.balance("4010") == Decimal("-59.98")


def test_the_code_of_a_second_number_is_an_open_question_and_other_customers_may_have_it() -> None:
    sage = Sage(switches={"ar_duplicate_code": "RecordDuplicate"})
    sage.invoice()
    assert sage.invoice().error == (409, "RecordDuplicate")
    assert sage.invoice(CustomerNumber="AMZDE").status == 201


def test_a_deleted_batch_gives_its_numbers_back_and_may_not_be_posted() -> None:
    sage = Sage()
    number = int(sage.invoice().json["BatchNumber"])
    sage.control.delete_batch("AR", number)
    assert sage.get(f"AR/ARInvoiceBatches({number})").json["BatchStatus"] == "Deleted"
    assert sage.invoice().status == 201
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"BatchStatus": "ReadyToPost"}).status == 409
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"BatchStatus": "Posted"}).status == 409


def test_posting_all_batches_posts_everybodys() -> None:
    sage = Sage()
    mine, theirs = ready(sage, sage.invoice(number="1")), ready(sage, sage.invoice(number="2"))
    waiting = int(sage.invoice(number="3").json["BatchNumber"])
    assert sage.act("AR/ARPostInvoices", {"PostAllBatches": "Postallbatches"}).status == 204
    states = [sage.get(f"AR/ARInvoiceBatches({number})").json["BatchStatus"] for number in (mine, theirs, waiting)]
    assert states == ["Posted", "Posted", "Open"]
    assert sage.act("AR/ARPostInvoices", {"PostBatchFrom": 9, "PostBatchTo": 1}).error == FIELD


@pytest.mark.parametrize(
    "members",
    [
        {"CustomerNumber": "NOBODY"}, {"CustomerNumber": ""}, {"InvoiceDetails": []}, {"DocumentDate": "2018-01-01"},
        {"PostingDate": "2026-06-30"}, {"InvoiceType": "Item"}, {"ApplytoDocument": "NONE"}, {"TaxGroup": "NONE"},
        {"InvoiceDetails": [{"ExtendedAmountWithTIP": 1}]}, {"InvoiceDetails": [{"DistributionCode": "NONE"}]},
        {"InvoiceDetails": [{"RevenueAccount": "8888"}]}, {"InvoiceDetails": [{"DistributionCode": "OLDFEE"}]},
        {"InvoiceDetails": [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": -1}]},
        {"InvoiceDetails": [{"ItemNumber": "X", "DistributionCode": "AMZSAL"}]},
        {"InvoiceOptionalFields": [{"OptionalField": "NONE", "Value": "x"}]},
    ],
)  # fmt: skip
def test_entries_that_the_rules_do_not_let_in(members: dict[str, Any]) -> None:
    assert Sage().invoice(**members).error == FIELD


def test_an_inactive_customer_is_refused() -> None:
    sage = Sage()
    sage.control.set_customer("AMZUS", {"Status": "Inactive"})
    assert sage.invoice().error == FIELD


def test_a_negative_line_is_taken_as_long_as_the_document_is_not_negative() -> None:
    lines = [*SALE, {"DistributionCode": "AMZPRO", "ExtendedAmountWithTIP": -20}]
    assert Sage().invoice(InvoiceDetails=lines).json["BatchTotal"] == 80


def test_taxes_are_computed_included_overridden_and_classed() -> None:
    sage = Sage()

    def totals(line: dict[str, object], **members: object) -> Any:
        entry = {"CustomerNumber": "1400", "InvoiceDetails": [{"DistributionCode": "CACCSE", **line}], **members}
        row = sage.post("AR/ARInvoiceBatches", {"Invoices": [entry]}).json["Invoices"][0]
        return row["DocumentTotalBeforeTax"], row["DocumentTotalIncludingTax"]

    assert totals({"ExtendedAmountWithTIP": 200}) == (200, 226)
    assert totals({"ExtendedAmountWithTIP": 113, "TaxIncluded1": "Yes", "TaxIncluded2": "Yes"}) == (100, 113)
    assert totals({"ExtendedAmountWithTIP": 200}, TaxClass1=2, TaxClass2=2) == (200, 200)
    assert totals({"ExtendedAmountWithTIP": 200, "TaxAmount1": 7}, DoNotCalculationTax="Yes") == (200, 207)
    assert sage.invoice(CustomerNumber="1400", TaxClass1=9).error == FIELD


def test_a_credit_note_lowers_what_is_due_on_the_invoice_it_names() -> None:
    sage = Sage()
    posted(sage)
    posted(
        sage,
        "114-1-R1",
        DocumentType="CreditNote",
        ApplytoDocument="114-1",
        InvoiceDetails=[{"DistributionCode": "AMZREF", "ExtendedAmountWithTIP": 30}],
    )
    assert (due(sage, "114-1"), due(sage, "114-1-R1")) == (70, 0)
    note = sage.get("AR/ARPostedDocuments('AMZUS','114-1-R1')").json
    assert (note["CustomerCurrencyInvoiceAmount"], note["DocumentType"]) == (-30, "CreditNote")
    assert (sage.balance("4050"), sage.balance("1100")) == (30, 309 + 70)


def test_a_credit_note_may_name_what_is_not_posted_where_nobody_asks() -> None:
    sage = Sage(switches={"applies_to_posted_only": False})
    assert sage.invoice(DocumentType="CreditNote", ApplytoDocument="LATER").status == 201


def test_documents_in_another_currency_are_converted_and_balance_in_the_ledger() -> None:
    sage = Sage()
    posted(
        sage,
        CustomerNumber="AMZDE",
        InvoiceDetails=[{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 33.33}] * 3,
    )
    document = sage.get("AR/ARPostedDocuments('AMZDE','114-1')").json
    assert (document["CustomerCurrencyInvoiceAmount"], document["FunctionalCurrencyInvoiceAmount"]) == (
        Decimal("99.99"),
        Decimal("108.33"),
    )
    assert sum(Decimal(str(each["balance"])) for each in sage.control.trial_balance()) == 0
    sage.control.set_rate("EUR", "2026-11-21", None)
    assert sage.invoice(CustomerNumber="AMZDE").error == FIELD


def test_a_failed_second_entry_leaves_nothing_or_the_first() -> None:
    good = {"CustomerNumber": "AMZUS", "DocumentNumber": "1", "InvoiceDetails": SALE}
    body = {"Description": "TWO", "Invoices": [good, {**good, "DocumentNumber": "2", "CustomerNumber": "NOBODY"}]}
    for reading, left in (("rolled_back", []), ("part_filled", [1])):
        sage = Sage(switches={"failed_batch": reading})
        assert sage.post("AR/ARInvoiceBatches", body).error == FIELD
        found = sage.get("AR/ARInvoiceBatches", filter="Description eq 'TWO'").value
        assert [int(batch["NumberOfEntries"]) for batch in found] == left


def test_entries_are_added_to_an_open_batch_by_operation() -> None:
    sage = Sage()
    number = int(sage.invoice(number="1").json["BatchNumber"])
    entry = {"UpdateOperation": "Insert", "CustomerNumber": "AMZUS", "DocumentNumber": "2", "InvoiceDetails": SALE}
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"Invoices": [entry]}).status == 204
    change = {
        "UpdateOperation": "Update",
        "EntryNumber": 2,
        "InvoiceDetails": [{"LineNumber": 20, "ExtendedAmountWithTIP": 90}],
    }
    assert sage.patch(f"AR/ARInvoiceBatches({number})", {"Invoices": [change]}).status == 204
    batch = sage.get(f"AR/ARInvoiceBatches({number})").json
    assert (batch["NumberOfEntries"], batch["BatchTotal"]) == (2, Decimal("155.97"))
    gone = {"UpdateOperation": "Delete", "EntryNumber": 1}
    sage.patch(f"AR/ARInvoiceBatches({number})", {"Invoices": [gone]})
    assert [row["DocumentNumber"] for row in sage.get(f"AR/ARInvoiceBatches({number})").json["Invoices"]] == ["2"]
    assert sage.invoice(number="1").status == 201  # its number is free again


def test_people_edit_lock_and_lose_invoice_batches() -> None:
    sage = Sage()
    number = int(sage.invoice(InvoiceDetails=SALE).json["BatchNumber"])
    sage.control.edit_batch("AR", number, by="0.01")
    assert sage.get(f"AR/ARInvoiceBatches({number})").json["BatchTotal"] == Decimal("100.01")
    sage.control.mark_batch("AR", number)
    sage.control.lock_batch("AR", number)
    assert sage.post_invoices(number).error == (409, "General")
    sage.control.lock_batch("AR", number, locked=False)
    sage.post_invoices(number)
    sage.control.lose_batch("AR", number)
    assert sage.get("AR/ARPostedDocuments('AMZUS','114-1')").status == 404
    assert sage.balance("4010") == 0


def test_an_invoice_can_be_posted_by_a_person_and_edited_quickly() -> None:
    sage = Sage(faults=[{"operation": "ARInvoiceBatches.POST", "fault": "person_edits", "nth": 1}])
    number = int(sage.invoice(InvoiceDetails=SALE).json["BatchNumber"])
    assert sage.get(f"AR/ARInvoiceBatches({number})").json["BatchTotal"] == Decimal("100.01")
    sage.control.post_batch("AR", number)
    assert due(sage, "114-1") == Decimal("100.01")


# --- receipts and adjustments ------------------------------------------------------------------------------------------


def receive(sage: Sage, word: str, value: object, applied: list[dict[str, object]], **members: object) -> Any:
    entry = {
        "CustomerNumber": "AMZUS",
        "ReceiptDateAdjustmentDate": "2026-11-20",
        "EntryDescription": "Amazon settlement 1",
        "BankReceiptAmount": value,
        "ReceiptTransactionType": word,
        "CheckReceiptNumber": "STL1",
        "AppliedReceiptsAdjustments": applied,
        **members,
    }
    body = {"BatchRecordType": "CA", "Description": "AMZ STL 1", "BankCode": "SEATAC", "ReceiptsAdjustments": [entry]}
    return sage.post("AR/ARReceiptAndAdjustmentBatches", body)


def post_receipts(sage: Sage, said: Any, kind: str = "CA") -> int:
    assert said.status == 201, said.text
    number = int(said.json["BatchNumber"])
    path = f"AR/ARReceiptAndAdjustmentBatches(BatchRecordType='{kind}',BatchNumber={number})"
    assert sage.patch(path, {"BatchStatus": "ReadyToPost"}).status == 204
    body = {"BatchType": kind, "PostAllBatches": "Donotpostallbatches", "PostBatchFrom": number, "PostBatchTo": number}
    assert sage.act("AR/ARPostReceiptsAndAdjustments", body).status == 204
    assert sage.get(path).json["BatchStatus"] == "Posted"
    return number


def test_a_prepayment_becomes_a_document_and_is_applied_later() -> None:
    sage = Sage()
    posted(sage)
    said = receive(sage, "Prepayment", 250, [{"CustomerReceiptAmount": 250}])
    number = said.json["ReceiptsAdjustments"][0]["DocumentNumber"]
    assert number.startswith("PP")
    post_receipts(sage, said)
    assert (due(sage, number), sage.balance("1020"), sage.balance("2100")) == (-250, 120 + 250, -250)

    applied = [{"DocumentNumber": "114-1", "ReceiptTransactionType": "ApplyDocument", "CustomerReceiptAmount": 100}]
    post_receipts(sage, receive(sage, "ApplyDocument", 0, applied, DocumentNumber=number, DocumentType="Prepayment"))
    assert (due(sage, number), due(sage, "114-1"), sage.balance("2100")) == (-150, 0, -150)
    assert sage.get("AR/ARPostedDocuments('AMZUS','114-1')").json["FullyPaid"] == "Yes"


def test_a_receipt_settles_documents_and_keeps_the_rest() -> None:
    sage = Sage()
    posted(sage)
    said = receive(sage, "Receipt", 130, [{"DocumentNumber": "114-1", "CustomerReceiptAmount": 100}])
    entry = said.json["ReceiptsAdjustments"][0]
    assert (entry["TotalCustomerAmountApplied"], entry["CustomerUnappliedAmount"]) == (100, 30)
    post_receipts(sage, said)
    assert (due(sage, "114-1"), due(sage, entry["DocumentNumber"])) == (0, -30)
    row = sage.get("AR/ARPostedReceipts", filter="CheckReceiptNumber eq 'STL1'").value[0]
    assert (row["BankReceiptAmount"], row["DocumentNumber"], row["BankCode"]) == (
        130,
        entry["DocumentNumber"],
        "SEATAC",
    )
    assert (sage.balance("1020"), sage.balance("1100")) == (120 + 130, 309 + 100 - 130)


def test_the_words_of_a_receipt_can_be_read_from_what_is_posted() -> None:
    for words in ("Receipt UnappliedCash", "OrdinaryReceipt Unapplied"):
        sage = Sage(switches={"receipt_words": words})
        first = sage.get("AR/ARReceiptAndAdjustmentBatches", filter="BatchRecordType eq 'CA'").value[0]
        found = [entry["ReceiptTransactionType"] for entry in first["ReceiptsAdjustments"]]
        assert found == words.split()
        post_receipts(sage, receive(sage, found[1], 10, []))
        assert receive(sage, "WrongWord", 10, []).error == FIELD


def test_an_adjustment_changes_what_is_due_against_an_account() -> None:
    sage = Sage()
    posted(sage)
    rows = [{"DistributionCode": "AMZPRO", "DistributionAmount": -15}]
    line = {"DocumentNumber": "114-1", "AdjustmentGLDistributions": rows}
    entry = {"CustomerNumber": "AMZUS", "ReceiptDateAdjustmentDate": "2026-11-20", "AppliedReceiptsAdjustments": [line]}
    said = sage.post("AR/ARReceiptAndAdjustmentBatches", {"BatchRecordType": "AD", "ReceiptsAdjustments": [entry]})
    post_receipts(sage, said, "AD")
    assert (due(sage, "114-1"), sage.balance("4060"), sage.balance("1100")) == (85, 15, 309 + 85)


def test_receipts_that_the_rules_do_not_let_in() -> None:
    sage = Sage()
    posted(sage)
    assert sage.post("AR/ARReceiptAndAdjustmentBatches", {"BankCode": "SEATAC"}).error == FIELD
    assert sage.post("AR/ARReceiptAndAdjustmentBatches", {"BatchRecordType": "CA", "BankCode": "NONE"}).error == FIELD
    assert receive(sage, "Receipt", 0, []).error == FIELD
    assert receive(sage, "Receipt", 10, [{"DocumentNumber": "114-1", "CustomerReceiptAmount": 11}]).error == FIELD
    assert receive(sage, "Receipt", 10, [{"DocumentNumber": "NONE", "CustomerReceiptAmount": 1}]).error == FIELD
    assert receive(sage, "ApplyDocument", 0, [], DocumentNumber="NONE").error == FIELD
    assert sage.act("AR/ARPostReceiptsAndAdjustments", {"PostBatchFrom": 1, "PostBatchTo": 1}).error == FIELD


def test_more_than_is_due_moves_the_receipt_to_an_error_batch() -> None:
    sage = Sage()
    posted(sage)
    applied = [{"DocumentNumber": "114-1", "CustomerReceiptAmount": 100}]
    first, second = (receive(sage, "Receipt", 100, applied) for _ in range(2))
    post_receipts(sage, first)
    number = post_receipts(sage, second)
    batches = {int(str(batch["BatchNumber"])): batch for batch in sage.control.batches("CA")}
    assert batches[number]["NumberOfErrors"] == 1
    assert batches[max(batches)]["BatchStatus"] == "Open"
    assert sage.balance("1020") == 120 + 100
