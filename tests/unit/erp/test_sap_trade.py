"""Invoices, credit memos, payments, orders and goods issues in the simulated company, as posting carries them there."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.domain.documents import (
    InventoryIssue,
    IssueLine,
    Kind,
    Payment,
    SalesDocument,
    SalesLine,
    State,
)
from ml_connector.domain.keys import document_key
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Ended,
    Found,
    Move,
    Present,
    Receipt,
    Refused,
    Seen,
    Unclear,
    Unsupported,
    Working,
)
from ml_connector.posting.decide import Decision, Done, Hold, Rules, Wait
from tests.support.sap import OpenPermit
from tests.support.sap_scene import Scene, play
from tests.support.trade import DAY, ORDER, invoice, issue, payment

STOOL, SHIPPING = "STOOL-OAK-45", "SHIPPING"
DRAFTS = {"claims": "off"}
PLAIN = {"claims": "off", "drafts": "off"}


def goods(quantity: str = "2", gross: str = "40.00", **change: Any) -> SalesLine:
    """Two stools for 40.00, exempt, from Amazon's warehouse."""
    line = SalesLine(STOOL, f"{STOOL} of {ORDER}", Decimal(quantity), Decimal(gross), tax_code="EX", warehouse="FBA-US")
    return replace(line, **change)


def shipping(gross: str = "4.99") -> SalesLine:
    return SalesLine(SHIPPING, "Shipping", Decimal(1), Decimal(gross), tax_code="EX")


def sale(kind: Kind = Kind.INVOICE, *lines: SalesLine, order: str = ORDER, **change: Any) -> SalesDocument:
    """44.99 of the Amazon customer, unless other lines are given."""
    document = invoice(order, lines=lines or (goods(), shipping()), kind=kind)
    return replace(document, **{"customer": "C-AMZ-US", **change})


def refund(sold: SalesDocument, **change: Any) -> SalesDocument:
    """One stool of the invoice taken back: 20.00."""
    return replace(
        sale(Kind.CREDIT_MEMO, goods("1", "20.00")),
        key=document_key("ABCD", "CM", "113-0000001-0000001-R1"),
        corrects=sold.key,
        **change,
    )


def receipt(*paid: tuple[SalesDocument, str], kind: Kind = Kind.RECEIPT, on_account: str = "0") -> Payment:
    document = payment(*((each.key, amount) for each, amount in paid), kind=kind, on_account=on_account)
    # of 29 characters, which a transfer reference does not hold
    key = document_key("ABCD", kind.value, "90000000011", "2026P10", "1")
    return replace(document, key=key, customer="C-AMZ-US", account="114500")


def units() -> InventoryIssue:
    return replace(issue(), lines=(IssueLine(STOOL, Decimal(3), "FBA-US"),))


def stock(scene: Scene) -> Decimal:
    (item,) = [row for row in scene.control.documents("Items") if row["ItemCode"] == STOOL]
    places: Any = item["ItemWarehouseInfoCollection"]
    return Decimal(next(place["InStock"] for place in places if place["WarehouseCode"] == "FBA-US"))


def only(scene: Scene, entity_set: str) -> Mapping[str, Any]:
    (row,) = scene.control.documents(entity_set)
    return row


async def posted(scene: Scene, *documents: SalesDocument | Payment) -> None:
    for document in documents:
        done = await scene.carried(document)
        assert isinstance(done, Done), done


# --- invoices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "steps"),
    [({}, ["claim"]), (DRAFTS, ["draft", "save"]), (PLAIN, ["plain"])],
    ids=["claim", "draft", "plain"],
)
@pytest.mark.parametrize("prepare", [True, False])
def test_an_invoice_counts_once_by_every_route(
    both_versions: str, settings: dict[str, str], steps: list[str], prepare: bool
) -> None:
    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any], list[str], int]:
        done = await scene.carried(sale())
        return done, only(scene, "Invoices"), [each.step for each in scene.trail], len(scene.control.entries())

    done, row, tried, entries = play(act, settings=settings, prepare=prepare)

    assert isinstance(done, Done)
    assert done.state is State.POSTED
    assert done.ids == (("DocEntry", str(row["DocEntry"])), ("DocNum", str(row["DocNum"])))
    assert row["DocTotal"] == Decimal("44.99")
    assert row["NumAtCard"] == ORDER
    assert str(row["Comments"]).startswith(f"ABCD-INV-{ORDER} Amazon order")
    # without the table of claims a company that was never prepared takes drafts
    assert tried == (steps if prepare or settings else ["draft", "save"])
    assert entries == 1


def test_amounts_that_no_price_makes_post_to_the_cent() -> None:
    thirds = sale(Kind.INVOICE, goods("3", "10.00"), shipping())

    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any], list[str]]:
        return await scene.carried(thirds), only(scene, "Invoices"), [each.step for each in scene.trail]

    done, row, tried = play(act)

    assert isinstance(done, Done)
    assert row["DocTotal"] == Decimal("14.99")
    assert row["DocumentLines"][0]["LineTotal"] == Decimal("10.00")
    # SAP has to work with the total, so it is compared before it counts
    assert tried == ["draft", "save"]


def test_a_company_that_ignores_line_totals_is_held_before_anything_counts() -> None:
    thirds = sale(Kind.INVOICE, goods("3", "10.00"))

    async def act(scene: Scene) -> tuple[Decision, int, int]:
        held = await scene.carried(thirds)
        return held, len(scene.control.documents("Invoices")), len(scene.control.entries())

    held, invoices, entries = play(act, switches={"sent_line_total": "ignored"})

    assert isinstance(held, Hold)
    assert held.code == "differs"
    assert (invoices, entries) == (0, 0)


def test_a_customers_own_discount_does_not_apply_and_a_promotion_is_in_the_line_and_in_its_text() -> None:
    document = sale(Kind.INVOICE, goods(discount=Decimal("5.00")), customer="C-SHOP")

    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any]]:
        return await scene.carried(document), only(scene, "Invoices")

    done, row = play(act)

    assert isinstance(done, Done)
    assert row["DocTotal"] == Decimal("35.00")
    assert row["DocumentLines"][0]["FreeText"] == f"{STOOL} of {ORDER}, less promotion 5.00"


def test_tax_that_the_seller_owes_is_computed_by_sap_and_compared_before_it_counts() -> None:
    taxed = replace(goods(), tax=Decimal("3.30"), tax_code="TX8")

    async def act(scene: Scene) -> tuple[Decision, list[str], Decision, int]:
        done = await scene.carried(sale(Kind.INVOICE, taxed))
        wrong = sale(Kind.INVOICE, replace(taxed, tax=Decimal("3.31")), order="113-0000001-0000002")
        tried = [each.step for each in scene.trail]
        return done, tried, await scene.carried(wrong), len(scene.control.documents("Invoices"))

    done, tried, held, invoices = play(act)

    assert isinstance(done, Done)
    assert tried == ["draft", "save"]
    assert isinstance(held, Hold)
    assert held.code == "differs"
    assert "totals 43.30 USD instead of 43.31 USD" in held.words
    assert invoices == 1


@pytest.mark.parametrize("switches", [{}, {"gross_prices": "net_first"}, {"tax_rounding": "document"}])
def test_vat_inside_the_price_comes_out_as_amazon_computed_it(switches: dict[str, object]) -> None:
    # 2 x 59.99 with 19 % inside: 119.98 = 100.82 + 19.16
    inside = SalesLine(
        "HOCKER-EICHE-45",
        "Hocker",
        Decimal(2),
        Decimal("100.82"),
        tax=Decimal("19.16"),
        tax_code="O1",
        warehouse="FBA-EU",
    )
    document = sale(Kind.INVOICE, inside, customer="C-AMZ-DE", currency="EUR")

    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any]]:
        return await scene.carried(document), only(scene, "Invoices")

    done, row = play(act, switches={"tax_system": "vat", **switches})

    assert isinstance(done, Done), done
    assert row["DocTotalFc"] == Decimal("119.98")
    assert row["DocumentLines"][0]["VatGroup"] == "O1"


def test_a_foreign_invoice_is_in_its_own_currency_whatever_line_totals_mean_there() -> None:
    document = sale(Kind.INVOICE, goods("3", "10.00", warehouse="FBA-EU"), customer="C-AMZ-DE", currency="EUR")

    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any]]:
        return await scene.carried(document), only(scene, "Invoices")

    for reading in ("document", "local"):
        done, row = play(act, switches={"foreign_line_total": reading})
        assert isinstance(done, Done), done
        assert row["DocTotalFc"] == Decimal("10.00")


def test_with_branches_documents_stand_in_theirs() -> None:
    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any]]:
        return await scene.carried(sale(branch="1")), only(scene, "Invoices")

    done, row = play(act, switches={"enable_branches": True})

    assert isinstance(done, Done), done
    assert row["BPL_IDAssignedToInvoice"] == 1


# --- credit memos, payments, orders, issues ----------------------------------------------------------------------------


@pytest.mark.parametrize(("returns", "units"), [(False, "118"), (True, "119")])
def test_a_credit_memo_moves_stock_only_where_the_goods_came_back(returns: bool, units: str) -> None:
    sold = sale()

    async def act(scene: Scene) -> tuple[Mapping[str, Any], Mapping[str, Any], Decimal]:
        await posted(scene, sold, refund(sold, returns_stock=returns))
        return only(scene, "CreditNotes"), only(scene, "Invoices"), stock(scene)

    memo, invoiced, left = play(act)

    assert memo["DocTotal"] == Decimal("20.00")
    assert memo["NumAtCard"] == "ABCD-CM-113-0000001-0000001-R1"
    assert memo["Comments"] == (f"ABCD-CM-113-0000001-0000001-R1 Amazon order {ORDER} (invoice {invoiced['DocNum']})")
    # 120 in stock, two sold
    assert left == Decimal(units)


@pytest.mark.parametrize("settings", [{}, DRAFTS, PLAIN], ids=["claim", "draft", "plain"])
@pytest.mark.parametrize("prepare", [True, False])
def test_a_receipt_settles_its_invoices_and_leaves_the_rest_on_account(
    both_versions: str, settings: dict[str, str], prepare: bool
) -> None:
    first, second = sale(), sale(order="113-0000001-0000002")
    paid = receipt((first, "44.99"), (second, "40.00"), on_account="1.01")

    async def act(scene: Scene) -> tuple[Mapping[str, Any], list[Any]]:
        await posted(scene, first, second, paid)
        return only(scene, "IncomingPayments"), [
            (row["DocumentStatus"], row["PaidToDate"]) for row in scene.control.documents("Invoices")
        ]

    row, invoices = play(act, settings=settings, prepare=prepare)

    assert row["TransferSum"] == Decimal("86.00")
    assert row["TransferAccount"] == "114500"
    # 29 characters do not fit into 27
    assert str(row["TransferReference"]).startswith("ABCD-RC-900000-")
    assert len(str(row["TransferReference"])) == 27
    assert row["Remarks"] == "ABCD-RC-90000000011-2026P10-1 Amazon settlement 90000000011"
    assert invoices == [("bost_Close", Decimal("44.99")), ("bost_Open", Decimal("40.00"))]


def test_payments_in_foreign_currencies_are_off_until_what_their_sum_means_is_proven() -> None:
    """Read as local currency, 10.00 EUR would stand in the books as 10.00 USD, and nothing of the payment would show it."""
    paid = replace(receipt((sale(currency="EUR"), "10.00")), currency="EUR", customer="C-AMZ-DE")

    async def act(scene: Scene) -> tuple[object, object, tuple[str, ...]]:
        return scene.target.steps(paid), scene.target.steps(receipt((sale(), "44.99"))), await scene.target.prepare()

    refused, local, said = play(act)

    assert isinstance(refused, Unsupported)
    assert "set foreign_payments" in refused.why
    assert isinstance(local, tuple)
    assert any("foreign_payments" in sentence for sentence in said)


def test_a_proven_foreign_receipt_is_sent_and_booked_in_its_own_currency() -> None:
    sold = sale(Kind.INVOICE, goods("3", "10.00", warehouse="FBA-EU"), customer="C-AMZ-DE", currency="EUR")
    paid = replace(receipt((sold, "10.00")), currency="EUR", customer="C-AMZ-DE", account="114500")

    async def act(scene: Scene) -> list[Any]:
        await posted(scene, sold, paid)
        (entry,) = [row for row in scene.control.entries() if row["OriginalJournal"] == "ttReceipt"]
        lines: Any = entry["JournalEntryLines"]
        return [(line["AccountCode"], line["FCDebit"], line["FCCurrency"]) for line in lines if line["FCDebit"]]

    assert play(act, settings={"foreign_payments": "proven"}) == [("114500", Decimal("10.00"), "EUR")]


def test_a_receipt_of_more_documents_than_the_company_takes_is_unsupported() -> None:
    paid = receipt((sale(), "44.99"), (sale(order="113-0000001-0000002"), "44.99"))

    async def act(scene: Scene) -> tuple[object, int]:
        return scene.target.steps(paid), scene.target.capabilities().applications_max

    refused, most = play(act, switches={"max_documents_in_payment": 1})

    assert isinstance(refused, Unsupported)
    assert "takes 1 in one" in refused.why
    assert most == 1


def test_refund_payments_are_off_until_their_sign_is_proven() -> None:
    async def act(scene: Scene) -> tuple[str, object, tuple[str, ...]]:
        paid = receipt((sale(), "1.00"), kind=Kind.REFUND_PAYMENT)
        capabilities = scene.target.capabilities()
        return capabilities.unsupported(Kind.REFUND_PAYMENT), scene.target.steps(paid), await scene.target.prepare()

    why, refused, said = play(act)

    assert "refunds = journal" in why
    assert refused == Unsupported(why)
    assert any("credit_note_sign" in sentence for sentence in said)


@pytest.mark.parametrize("sign", ["positive", "negative"])
def test_a_refund_payment_closes_its_credit_memo_once_the_sign_is_proven(sign: str) -> None:
    sold = sale()
    memo = refund(sold)

    async def act(scene: Scene) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        await posted(scene, sold, memo, receipt((memo, "20.00"), kind=Kind.REFUND_PAYMENT))
        return only(scene, "VendorPayments"), only(scene, "CreditNotes")

    row, closed = play(act, switches={"credit_note_sign": sign}, settings={"credit_note_sign": sign})

    assert row["TransferSum"] == Decimal("20.00")
    assert closed["DocumentStatus"] == "bost_Close"


def test_a_wrong_sign_is_refused_and_nothing_counts() -> None:
    sold = sale()
    memo = refund(sold)

    async def act(scene: Scene) -> tuple[str, int]:
        await posted(scene, sold, memo)
        await scene.carried(receipt((memo, "20.00"), kind=Kind.REFUND_PAYMENT), writes=1)
        return scene.trail[-1].outcome.value, len(scene.control.documents("VendorPayments"))

    outcome, payments = play(act, switches={"credit_note_sign": "negative"}, settings={"credit_note_sign": "positive"})

    assert outcome == "refused"
    assert payments == 0


def test_an_order_is_entered_unconfirmed_and_confirmed_as_it_was_looked_at(both_versions: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, Mapping[str, Any], list[str]]:
        return await scene.carried(sale(Kind.SALES_ORDER)), only(scene, "Orders"), [each.step for each in scene.trail]

    done, row, tried = play(act)

    assert isinstance(done, Done)
    assert tried == ["order", "confirm"]
    assert (row["Confirmed"], row["DocTotal"]) == ("tYES", Decimal("44.99"))


def test_an_order_that_a_person_changed_before_its_confirmation_is_held() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        order = sale(Kind.SALES_ORDER)
        await scene.carried(order, writes=1)
        entry = only(scene, "Orders")["DocEntry"]
        lines = [{"ItemCode": STOOL, "Quantity": Decimal(3), "UnitPrice": Decimal("20.00")}]
        scene.control.edit("Orders", {"DocEntry": entry}, {"DocumentLines": lines})
        return await scene.carried(order, writes=0), only(scene, "Orders")["Confirmed"]

    held, confirmed = play(act)

    assert isinstance(held, Hold)
    assert held.code == "differs"
    assert confirmed == "tNO"


@pytest.mark.parametrize("settings", [{}, DRAFTS], ids=["claim", "draft"])
def test_a_goods_issue_takes_units_out_of_stock(settings: dict[str, str]) -> None:
    async def act(scene: Scene) -> tuple[Decision, Decimal]:
        return await scene.carried(units()), stock(scene)

    done, left = play(act, settings=settings)

    assert isinstance(done, Done)
    assert left == Decimal(117)


def test_a_goods_issue_needs_the_key_field() -> None:
    async def act(scene: Scene) -> object:
        return scene.target.steps(units())

    refused = play(act, prepare=False)

    assert isinstance(refused, Unsupported)
    assert "connection prepare" in refused.why


# --- what people do ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["draft_201", "draft_204"])
@pytest.mark.parametrize("settings", [{}, DRAFTS, PLAIN], ids=["claim", "draft", "plain"])
def test_what_an_approval_procedure_keeps_waits_for_a_person(answer: str, settings: dict[str, str]) -> None:
    async def act(scene: Scene) -> tuple[Decision, Seen, Decision]:
        waiting = await scene.carried(sale())
        seen = await scene.seen(sale())
        draft = only(scene, "Drafts")["DocEntry"]
        scene.control.approve(draft, generate=True)
        return waiting, seen, await scene.carried(sale())

    waiting, seen, done = play(act, switches={"approval_procedure": answer}, settings=settings)

    assert isinstance(waiting, Wait)
    assert waiting.entered
    assert isinstance(seen, Working)
    assert seen.by_person
    assert isinstance(done, Done)


def test_a_draft_that_a_person_rejects_ends_the_document() -> None:
    async def act(scene: Scene) -> tuple[Seen, int]:
        await scene.carried(sale())
        scene.control.approve(only(scene, "Drafts")["DocEntry"], approved=False)
        return await scene.seen(sale()), len(scene.control.documents("Invoices"))

    seen, invoices = play(act, switches={"approval_procedure": "draft_201"})

    assert isinstance(seen, Ended)
    assert "rejected" in seen.how
    assert invoices == 0


@pytest.mark.parametrize("copies", [True, False])
def test_a_cancelled_invoice_is_ended_and_its_cancellation_is_none(copies: bool) -> None:
    async def act(scene: Scene) -> tuple[Seen, int]:
        await posted(scene, sale())
        scene.control.cancel_document("Invoices", only(scene, "Invoices")["DocEntry"])
        return await scene.seen(sale()), len(scene.control.documents("Invoices"))

    seen, rows = play(act, switches={"cancellation_copies_fields": copies})

    assert isinstance(seen, Ended)
    assert rows == 2


def test_a_cancelled_receipt_is_ended() -> None:
    sold = sale()

    async def act(scene: Scene) -> Seen:
        paid = receipt((sold, "44.99"))
        await posted(scene, sold, paid)
        scene.control.cancel_document("IncomingPayments", only(scene, "IncomingPayments")["DocEntry"])
        return await scene.seen(paid)

    assert isinstance(play(act), Ended)


def typed(**change: Any) -> dict[str, Any]:
    """An invoice as a person types it."""
    body = {
        "CardCode": "C-AMZ-US",
        "DocDate": DAY.isoformat(),
        "DocDueDate": DAY.isoformat(),
        "TaxDate": DAY.isoformat(),
        "NumAtCard": ORDER,
        "DocumentLines": [
            {"ItemCode": STOOL, "Quantity": Decimal(2), "UnitPrice": Decimal("20.00"), "TaxCode": "EX"},
            {"ItemCode": SHIPPING, "Quantity": Decimal(1), "UnitPrice": Decimal("4.99"), "TaxCode": "EX"},
        ],
    }
    return body | change


def test_a_persons_invoice_of_the_order_is_never_taken_silently() -> None:
    async def act(scene: Scene) -> tuple[Decision, Decision, int]:
        scene.control.plant_document("Invoices", typed())
        held = await scene.carried(sale())
        adopted = await scene.carried(sale(), Rules(adopt_foreign=True))
        return held, adopted, len(scene.control.documents("Invoices"))

    held, adopted, invoices = play(act)

    assert isinstance(held, Hold)
    assert held.code == "foreign"
    assert isinstance(adopted, Done)
    assert adopted.adopted
    assert invoices == 1


def test_an_invoice_of_another_customer_with_the_same_reference_is_not_ours_to_judge() -> None:
    async def act(scene: Scene) -> Seen:
        scene.control.plant_document("Invoices", typed(CardCode="C-SHOP"))
        return await scene.seen(sale())

    assert isinstance(play(act), Absent)


def test_a_draft_that_a_person_changed_is_held_before_it_counts() -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        await scene.carried(sale(), writes=1)
        draft = only(scene, "Drafts")["DocEntry"]
        lines = [{"ItemCode": STOOL, "Quantity": Decimal(1), "UnitPrice": Decimal("44.99")}]
        scene.control.edit("Drafts", {"DocEntry": draft}, {"DocumentLines": lines})
        return await scene.carried(sale(), writes=0), len(scene.control.documents("Invoices"))

    held, invoices = play(act, settings=DRAFTS)

    assert isinstance(held, Hold)
    assert held.code == "differs"
    assert invoices == 0


def test_a_draft_that_landed_late_is_surplus_and_one_document_counts() -> None:
    async def act(scene: Scene) -> tuple[Decision, int, int]:
        await scene.carried(sale(), writes=1)
        # the same draft once more, as a request that was given up lands after its settle window
        await scene.post(sale())
        done = await scene.carried(sale())
        return done, len(scene.control.documents("Invoices")), len(scene.control.documents("Drafts"))

    done, invoices, drafts = play(act, settings=DRAFTS)

    assert isinstance(done, Done)
    assert (invoices, drafts) == (1, 2)


@pytest.mark.parametrize("saved", ["closed", "removed"])
def test_a_draft_whose_saving_was_not_answered_is_found_as_its_document(saved: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, list[str], int]:
        done = await scene.carried(sale())
        return done, [each.outcome.value for each in scene.trail], len(scene.control.documents("Invoices"))

    faults: list[dict[str, object]] = [
        {"operation": "DraftsService_SaveDraftToDocument", "fault": "lost_reply", "nth": 1}
    ]
    done, outcomes, invoices = play(act, settings=DRAFTS, switches={"saved_draft": saved}, faults=faults)

    assert isinstance(done, Done)
    assert outcomes == ["accepted", "unknown"]
    assert invoices == 1


def test_a_page_of_a_proxy_is_no_answer_to_a_saving_even_with_http_200() -> None:
    async def act(scene: Scene) -> tuple[Decision, list[str], int]:
        done = await scene.carried(sale())
        return done, [each.outcome.value for each in scene.trail], len(scene.control.documents("Invoices"))

    page: dict[str, object] = {"fault": "html_error", "status": 200, "nth": 1}
    faults = [{"operation": "DraftsService_SaveDraftToDocument", **page}]
    done, outcomes, invoices = play(act, settings=DRAFTS, faults=faults)

    assert isinstance(done, Done)
    assert outcomes == ["accepted", "unknown", "accepted"]
    assert invoices == 1


@pytest.mark.parametrize("saved", ["closed", "removed"])
def test_a_draft_that_is_saved_a_second_time_says_that_the_document_is_there(saved: str) -> None:
    async def act(scene: Scene) -> tuple[list[Receipt], int]:
        await scene.carried(sale(), writes=1)
        seen = await scene.seen(sale())
        steps = scene.target.steps(sale())
        assert not isinstance(steps, Unsupported)
        move = Move(scene.case(sale()), seen, steps[1])
        receipts = [(await scene.target.advance([move], OpenPermit()))[move.key] for _ in range(2)]
        return receipts, len(scene.control.documents("Invoices"))

    (first, second), invoices = play(act, settings=DRAFTS, switches={"saved_draft": saved})

    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert second.code == "duplicate"
    assert invoices == 1


def test_without_the_key_field_what_a_person_called_otherwise_is_found_by_its_comments() -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        await posted(scene, sale())
        scene.control.edit("Invoices", {"DocEntry": only(scene, "Invoices")["DocEntry"]}, {"NumAtCard": "Anna's"})
        return await scene.carried(sale()), len(scene.control.documents("Invoices"))

    again, invoices = play(act, settings=PLAIN, prepare=False)

    assert isinstance(again, Done), again
    assert invoices == 1


# --- what the company loses --------------------------------------------------------------------------------------------


def test_a_key_field_that_is_gone_is_unclear_and_after_a_new_sign_in_the_comments_tell() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen, object]:
        await posted(scene, sale())
        scene.control.drop_user_field("OINV", "ML_KEY")
        unclear = await scene.seen(sale())
        again = replace(scene, target=await scene.reconnect())
        found = await again.seen(sale())
        await again.target.close()
        return unclear, found, again.target.project(sale(), {})

    unclear, found, projected = play(act)

    assert isinstance(unclear, Unclear)
    assert isinstance(found, Present)
    assert found.ours
    assert found.shown == projected


def test_another_number_under_the_stored_entry_is_unclear() -> None:
    async def act(scene: Scene) -> Seen:
        await posted(scene, sale())
        ids = dict(scene.linked[sale().key]) | {"DocNum": "1"}
        case = replace(scene.case(sale()), ids=tuple(ids.items()))
        return (await scene.target.observe([case]))[case.key]

    seen = play(act)

    assert isinstance(seen, Unclear)
    assert "same company database" in seen.why


def test_a_claim_without_its_document_is_unclear() -> None:
    async def act(scene: Scene) -> Seen:
        await posted(scene, sale())
        scene.control.lose_document("Invoices", only(scene, "Invoices")["DocEntry"], rows_too=False)
        return await scene.seen(sale())

    seen = play(act)

    assert isinstance(seen, Unclear)
    assert "A/R invoices" in seen.why


@pytest.mark.parametrize("prepare", [True, False])
def test_the_census_finds_documents_and_open_drafts_by_the_beginning_of_their_key(prepare: bool) -> None:
    sold = sale()
    paid = receipt((sold, "44.99"))

    async def act(scene: Scene) -> list[Found]:
        await posted(scene, sold, paid)
        scene.control.plant_document("Invoices", typed(NumAtCard="113-0000009-0000009"))
        await scene.carried(sale(order="113-0000001-0000002"), writes=1)
        found = await scene.target.census("ABCD-", DAY, DAY)
        assert not isinstance(found, Unclear)
        return sorted(found, key=lambda each: (each.kind, each.counts))

    found = play(act, settings=DRAFTS, prepare=prepare)

    assert [(each.kind, each.wire_key, each.counts) for each in found] == [
        (Kind.INVOICE, "ABCD-INV-113-0000001-0000002", False),
        (Kind.INVOICE, f"ABCD-INV-{ORDER}", True),
        (Kind.RECEIPT, "ABCD-RC-90000000011-2026P10-1", True),
    ]
