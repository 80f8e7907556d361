"""Invoices, credit memos and receipts as batches of receivables (invoice_mode AR)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from ml_connector.domain.documents import Kind, SalesLine
from ml_connector.domain.keys import document_key
from ml_connector.domain.target import Absent, Many, Partial, Present, Refused, Seen, Unclear, Unsupported, Working
from ml_connector.posting.decide import Decision, Done, Hold
from tests.support.sage_company import ORDER, Scene, receipt, sale
from tests.support.sage_company import play as play_in

T = TypeVar("T")


def play(act: Callable[[Scene], Awaitable[T]], **more: Any) -> T:
    return play_in(act, settings={"invoice_mode": "AR", **more.pop("settings", {})}, **more)


def documents(scene: Scene) -> list[dict[str, Any]]:
    """What the company posted for AMZUS."""
    return [row for row in scene.control.documents() if row["CustomerNumber"] == "AMZUS"]


# --- invoices ----------------------------------------------------------------------------------------------------------


def test_an_invoice_is_posted_with_amazons_amounts_under_the_order_number() -> None:
    async def act(scene: Scene) -> tuple[Decision, Seen, object, list[dict[str, Any]]]:
        decision = await scene.post(sale())
        return decision, await scene.seen(sale()), scene.target.project(sale(), {}), documents(scene)

    decision, seen, projected, (posted,) = play(act)

    assert isinstance(decision, Done)
    assert dict(decision.ids)["DocumentNumber"] == ORDER
    assert seen == Present(decision.ids, projected)  # type: ignore[arg-type]
    assert (posted["DocumentNumber"], posted["OrderNumber"]) == (ORDER, ORDER)
    assert posted["CustomerCurrencyInvoiceAmount"] == Decimal("60.97")
    assert posted["DocumentDescription"] == f"ABCD-INV-{ORDER}"


@pytest.mark.parametrize(("customer", "currency", "gross"), [("AMZDE", "EUR", "19.99"), ("AMZJP", "JPY", "1999")])
def test_an_invoice_stands_in_the_customers_currency(customer: str, currency: str, gross: str) -> None:
    line = SalesLine("AMZSAL", "x", Decimal(3), Decimal(gross), tax_code="AMZNTX")

    decision = play(lambda scene: scene.post(sale(Kind.INVOICE, ORDER, line, customer=customer, currency=currency)))

    assert isinstance(decision, Done)


def test_a_customer_of_another_currency_holds_the_invoice_before_it_counts() -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        return await scene.post(sale(currency="EUR")), len(documents(scene))

    decision, posted = play(act)

    assert isinstance(decision, Hold)
    assert "is in USD instead of EUR" in decision.words
    assert posted == 0


def test_the_sellers_own_tax_is_amazons_to_the_cent_and_none_is_computed() -> None:
    # given: 19 % of 10.01 is 1.9019; Amazon charged 1.91
    line = SalesLine("AMZSAL", "x", Decimal(1), Decimal("10.01"), tax=Decimal("1.91"), tax_code="DEVAT")

    async def act(scene: Scene) -> tuple[Decision, Any]:
        decision = await scene.post(sale(Kind.INVOICE, ORDER, line, customer="AMZUS"))
        return decision, documents(scene)[0]["CustomerCurrencyInvoiceAmount"]

    decision, total = play(act)

    assert isinstance(decision, Done)
    assert total == Decimal("11.92")


def test_a_line_may_name_an_account_instead_of_a_distribution_code() -> None:
    line = SalesLine("ANY-ITEM-AT-ALL", "x", Decimal(1), Decimal("7.00"), account="4010", tax_code="AMZNTX")

    decision = play(lambda scene: scene.post(sale(Kind.INVOICE, ORDER, line)))

    assert isinstance(decision, Done)


def test_an_amount_that_does_not_divide_by_its_quantity_posts_to_the_cent() -> None:
    line = SalesLine("AMZSAL", "three for ten", Decimal(3), Decimal("10.00"), tax_code="AMZNTX")

    async def act(scene: Scene) -> tuple[Decision, Any]:
        decision = await scene.post(sale(Kind.INVOICE, ORDER, line))
        return decision, documents(scene)[0]["CustomerCurrencyInvoiceAmount"]

    decision, total = play(act)

    assert isinstance(decision, Done)
    assert total == Decimal("10.00")


@pytest.mark.parametrize("operation", ["ARInvoiceBatches.POST", "ARInvoiceBatches.PATCH", "ARPostInvoices.$process"])
@pytest.mark.parametrize("fault", ["lost_reply", "reset", "error_after_commit"])
def test_whatever_becomes_of_an_answer_one_invoice_is_posted(operation: str, fault: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, int, int]:
        decision = await scene.post(sale())
        batches = [batch for batch in scene.control.batches("AR") if batch["Description"] != "DESKS"]
        return decision, len(documents(scene)), len(batches)

    decision, posted, batches = play(act, faults=[{"operation": operation, "fault": fault, "nth": 1}])

    assert isinstance(decision, Done)
    assert (posted, batches) == (1, 1)


def test_a_document_that_a_person_typed_with_the_same_number_is_foreign() -> None:
    async def act(scene: Scene) -> Seen:
        entry = {
            "CustomerNumber": "AMZUS",
            "DocumentNumber": ORDER,
            "DocumentDate": "2026-10-26",
            "InvoiceDetails": [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 60}],
        }
        number = scene.control.plant_batch("AR", {"Description": "by hand", "Invoices": [entry]})
        scene.control.post_batch("AR", str(number))
        return await scene.seen(sale())

    seen = play(act)

    assert isinstance(seen, Present)
    assert not seen.ours
    assert seen.shown.total == Decimal(60)


def test_two_documents_of_one_order_by_hand_are_both_named() -> None:
    async def act(scene: Scene) -> Seen:
        for number in ("A-1", "A-2"):
            entry = {
                "CustomerNumber": "AMZUS",
                "DocumentNumber": number,
                "OrderNumber": ORDER,
                "DocumentDate": "2026-10-26",
                "InvoiceDetails": [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 1}],
            }
            batch = scene.control.plant_batch("AR", {"Description": "by hand", "Invoices": [entry]})
            scene.control.post_batch("AR", str(batch))
        return await scene.seen(sale())

    assert isinstance(play(act), Many)


@pytest.mark.parametrize("reading", ["entry", "posted", "posting"])
def test_a_number_that_an_unposted_batch_has_taken_holds_the_invoice_where_sage_looks_there(reading: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        entry = {
            "CustomerNumber": "AMZUS",
            "DocumentNumber": ORDER,
            "DocumentDate": "2026-10-26",
            "InvoiceDetails": [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 60}],
        }
        scene.control.plant_batch("AR", {"Description": "by hand", "Invoices": [entry]})
        return await scene.post(sale()), len(documents(scene))

    decision, posted = play(act, switches={"ar_duplicate": reading})

    if reading == "entry":
        assert isinstance(decision, Hold)
        assert decision.code == "duplicate_without_document"
        assert posted == 0
    else:
        # Nobody posted the other one: ours counts, and it is the other that Sage will refuse.
        assert isinstance(decision, Done)
        assert posted == 1


def test_a_posted_invoice_or_receipt_whose_batch_was_cleared_is_unclear_and_never_absent() -> None:
    async def act(scene: Scene) -> list[Seen]:
        await scene.post(sale())
        paid = receipt((sale(), "60.97"))
        await scene.post(paid)
        for document, kind in ((sale(), "AR"), (paid, "CA")):
            scene.control.purge_batch(dict(scene.ids[document.key])["BatchNumber"], kind)
        return [await scene.seen(sale()), await scene.seen(paid)]

    for seen in play(act):
        assert isinstance(seen, Unclear)
        assert "cleared" in seen.why


# --- credit memos ------------------------------------------------------------------------------------------------------


def memo(amount: str = "20.00", refund: str = "R1") -> Any:
    line = SalesLine("AMZREF", "refund", Decimal(1), Decimal(amount), tax_code="AMZNTX")
    key = document_key("ABCD", "CM", ORDER, refund)
    return replace(sale(Kind.CREDIT_MEMO, ORDER, line), key=key, corrects=sale().key)


def test_a_credit_memo_is_applied_to_its_invoice_and_lowers_what_is_due() -> None:
    async def act(scene: Scene) -> tuple[Decision, dict[str, Any]]:
        await scene.post(sale())
        decision = await scene.post(memo())
        return decision, {str(row["DocumentType"]): row for row in documents(scene)}

    decision, rows = play(act)

    assert isinstance(decision, Done)
    number = dict(decision.ids)["DocumentNumber"]
    assert number.startswith("11300000010000001")
    assert len(number) == 22
    assert rows["Invoice"]["CustomerCurrencyAmountDue"] == Decimal("40.97")
    assert rows["CreditNote"]["CustomerCurrencyInvoiceAmount"] == Decimal("-20.00")


def test_two_refunds_of_one_order_are_two_documents() -> None:
    async def act(scene: Scene) -> list[Decision]:
        await scene.post(sale())
        return [await scene.post(memo("20.00", "R1")), await scene.post(memo("5.00", "R2"))]

    first, second = play(act)

    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert dict(first.ids)["DocumentNumber"] != dict(second.ids)["DocumentNumber"]


# --- receipts ----------------------------------------------------------------------------------------------------------


def test_a_receipt_pays_the_invoices_it_is_applied_to() -> None:
    second = sale(order="113-0000002-0000002")

    async def act(scene: Scene) -> tuple[Decision, Seen, object, list[Any]]:
        for document in (sale(), second):
            await scene.post(document)
        paid = receipt((sale(), "60.97"), (second, "40.00"))
        decision = await scene.post(paid)
        case = scene.case(paid)
        due = [row["CustomerCurrencyAmountDue"] for row in documents(scene)]
        return decision, await scene.seen(paid), scene.target.project(paid, case.linked or {}), due

    decision, seen, projected, due = play(act)

    assert isinstance(decision, Done)
    assert seen == Present(decision.ids, projected)  # type: ignore[arg-type]
    assert due == [Decimal(0), Decimal("20.97")]


def test_what_no_invoice_is_paid_with_stays_on_account() -> None:
    async def act(scene: Scene) -> tuple[Decision, Any]:
        await scene.post(sale())
        decision = await scene.post(receipt((sale(), "60.97"), on_account="9.03"))
        return decision, sum(row["CustomerCurrencyAmountDue"] for row in documents(scene))

    decision, due = play(act)

    assert isinstance(decision, Done)
    assert due == Decimal("-9.03")


def test_cash_on_account_alone_has_a_word_of_its_own() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        decision = await scene.post(receipt(on_account="12.00"))
        entry: Any = scene.control.batches("CA")[-1]["ReceiptsAdjustments"]
        return decision, str(entry[0]["ReceiptTransactionType"])

    decision, word = play(act)

    assert isinstance(decision, Done)
    assert word == "UnappliedCash"


def test_the_words_of_receipts_are_read_from_a_batch_that_people_made() -> None:
    async def act(scene: Scene) -> Decision:
        await scene.post(sale())
        return await scene.post(receipt((sale(), "60.97")))

    assert isinstance(play(act, switches={"receipt_words": "CustomerReceipt OnAccount"}), Done)


@pytest.mark.parametrize("operation", ["ARReceiptAndAdjustmentBatches.POST", "ARPostReceiptsAndAdjustments.$process"])
@pytest.mark.parametrize("fault", ["lost_reply", "reset"])
def test_whatever_becomes_of_an_answer_one_receipt_is_posted(operation: str, fault: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, list[Any]]:
        await scene.post(sale())
        decision = await scene.post(receipt((sale(), "60.97")))
        return decision, [row["CustomerCurrencyAmountDue"] for row in documents(scene)]

    decision, due = play(act, faults=[{"operation": operation, "fault": fault, "nth": 1}])

    assert isinstance(decision, Done)
    assert due == [Decimal(0)]


def test_a_receipt_of_more_than_is_due_waits_for_a_person_in_its_error_batch() -> None:
    async def act(scene: Scene) -> Seen:
        await scene.post(sale())
        await scene.post(receipt((sale(), "99.99")))
        return await scene.seen(receipt((sale(), "99.99")))

    seen = play(act)

    assert isinstance(seen, Working)
    assert seen.by_person


def _copied(scene: Scene, description: str) -> str:
    """A person posts our last receipt once more, as cash on account: the invoice is paid. The number of the batch."""
    mine: Any = scene.control.batches("CA")[-1]
    entry = mine["ReceiptsAdjustments"][0]
    names = ("CustomerNumber", "EntryDescription", "EntryReference", "CheckReceiptNumber", "BankReceiptAmount")
    dated = {name: str(entry[name])[:10] for name in ("ReceiptDateAdjustmentDate", "PostingDate")}
    copy = {**{name: entry[name] for name in names}, **dated, "ReceiptTransactionType": "UnappliedCash"}
    batch = {"BatchRecordType": "CA", "BankCode": "SEATAC", "ReceiptsAdjustments": [copy]}
    number = str(scene.control.plant_batch("CA", {**batch, "Description": description or mine["Description"]}))
    scene.control.post_batch("CA", number)
    return number


@pytest.mark.parametrize("description", ["", "BANK 26.10."])
def test_two_receipts_that_count_under_our_key_are_held_and_both_named(description: str) -> None:
    async def act(scene: Scene) -> tuple[str, str, Decision]:
        await scene.post(sale())
        paid = receipt((sale(), "60.97"))
        await scene.post(paid)
        ours = dict(scene.ids[paid.key])["BatchNumber"]
        return ours, _copied(scene, description), await scene.post(paid)

    ours, copied, decision = play(act)

    assert isinstance(decision, Hold)
    assert decision.code == "many"
    assert f"BatchNumber {ours}" in decision.words
    assert f"BatchNumber {copied}" in decision.words


def test_a_copy_of_a_receipt_whose_batch_was_cleared_is_never_passed_over() -> None:
    async def act(scene: Scene) -> Decision:
        await scene.post(sale())
        paid = receipt((sale(), "60.97"))
        await scene.post(paid)
        scene.control.purge_batch(_copied(scene, "BANK 26.10."), "CA")
        return await scene.post(paid)

    decision = play(act)

    assert isinstance(decision, Hold)
    assert decision.code == "unclear"
    assert "cleared" in decision.words


def test_a_copy_that_sage_did_not_post_counts_for_nothing() -> None:
    async def act(scene: Scene) -> tuple[Decision, list[str]]:
        await scene.post(sale())
        paid = receipt((sale(), "60.97"))
        await scene.post(paid)
        mine: Any = scene.control.batches("CA")[-1]
        applied = [{"CustomerNumber": "AMZUS", "DocumentNumber": ORDER, "CustomerReceiptAmount": "60.97"}]
        entry = {
            "CustomerNumber": "AMZUS",
            "CheckReceiptNumber": mine["ReceiptsAdjustments"][0]["CheckReceiptNumber"],
            "BankReceiptAmount": "60.97",
            "AppliedReceiptsAdjustments": applied,
        }
        batch = {"BatchRecordType": "CA", "BankCode": "SEATAC", "Description": mine["Description"]}
        number = str(scene.control.plant_batch("CA", {**batch, "ReceiptsAdjustments": [entry]}))
        scene.control.post_batch("CA", number)
        return await scene.post(paid), [str(each["BatchStatus"]) for each in scene.control.batches("CA")]

    decision, statuses = play(act)

    # The people's own, ours, the copy that failed, and the batch that its entry was moved to.
    assert statuses == ["Posted", "Posted", "Posted", "Open"]
    assert isinstance(decision, Done)


def test_a_bank_that_is_none_or_of_another_currency_is_said_beforehand() -> None:
    async def act(scene: Scene) -> list[object]:
        return [
            scene.target.steps(replace(receipt(on_account="1"), account="NOBANK")),
            scene.target.steps(replace(receipt(on_account="1"), currency="EUR")),
        ]

    no_bank, other = play(act)

    assert isinstance(no_bank, Unsupported)
    assert "NOBANK" in no_bank.why
    assert isinstance(other, Unsupported)
    assert "kept in USD" in other.why


# --- what is not taken, and what cannot be seen ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"branch": "1"}, "no branches"),
        ({"currency": "XTS"}, "no currency XTS"),
        ({"customer": "A-CUSTOMER-TOO-LONG"}, "customer number"),
        ({"reference": "an order / by hand"}, "document number"),
        ({"company": "OTHER"}, "signed in to SANDUS"),
    ],
)
def test_what_the_company_cannot_hold_is_said_before_anything_is_written(change: dict[str, Any], words: str) -> None:
    async def act(scene: Scene) -> object:
        return scene.target.steps(replace(sale(), **change))

    said = play(act)

    assert isinstance(said, Unsupported)
    assert words in said.why


def test_an_unknown_distribution_code_is_refused_and_leaves_nothing() -> None:
    line = SalesLine("NOCODE", "x", Decimal(1), Decimal("1.00"), tax_code="AMZNTX")

    async def act(scene: Scene) -> tuple[object, Seen]:
        wanted = sale(Kind.INVOICE, ORDER, line)
        return await scene.do(wanted, Absent(""), "enter"), await scene.seen(wanted)

    received, seen = play(act)

    assert isinstance(received, Refused)
    assert isinstance(seen, Absent)


def test_without_the_right_in_receivables_nothing_is_called_absent() -> None:
    async def act(scene: Scene) -> Seen:
        scene.control.set_rights(["CS", "GL"])
        return await scene.seen(sale())

    assert isinstance(play(act), Unclear)


def test_the_census_finds_invoices_and_receipts_by_their_keys() -> None:
    async def act(scene: Scene) -> list[tuple[str, bool]]:
        await scene.post(sale())
        await scene.do(sale(order="113-0000002-0000002"), Absent(""), "enter")
        await scene.post(receipt((sale(), "60.97")))
        found = await scene.target.census("ABCD-", sale().posting_date, sale().posting_date)
        assert not isinstance(found, Unclear)
        return sorted((each.wire_key, each.counts) for each in found)

    assert play(act) == [
        ("ABCD-INV-113-0000001-0000001", True),
        ("ABCD-INV-113-0000002-0000002", False),
        ("ABCD-RC-90000000011", True),
    ]


def test_an_entered_invoice_shows_what_it_will_be() -> None:
    async def act(scene: Scene) -> tuple[Seen, object]:
        await scene.do(sale(), Absent(""), "enter")
        return await scene.seen(sale()), scene.target.project(sale(), {})

    seen, projected = play(act)

    assert isinstance(seen, Partial)
    assert seen.shown == projected
