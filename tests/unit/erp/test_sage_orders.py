"""Orders that ship and invoice themselves, sales orders, and credit notes with goods (invoice_mode OE)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from ml_connector.domain.documents import Kind, SalesDocument, SalesLine
from ml_connector.domain.keys import document_key
from ml_connector.domain.target import Absent, Many, Present, ReliabilityClass, Seen, Unclear, Unsupported, Working
from ml_connector.posting.decide import Decision, Done, Hold, Wait
from tests.support.sage_company import DAY, ORDER, Scene, receipt, sale
from tests.support.sage_company import play as play_in

T = TypeVar("T")

STOOLS = SalesLine(
    "STOOL45", "2 stools", Decimal(2), Decimal("59.98"), Decimal("5.00"), tax_code="AMZNTX", warehouse="FBA"
)
SHIPPING = SalesLine("AMZSHP", "Shipping", Decimal(1), Decimal("5.99"), tax_code="AMZNTX")


def play(act: Callable[[Scene], Awaitable[T]], **more: Any) -> T:
    return play_in(act, settings={"invoice_mode": "OE", **more.pop("settings", {})}, **more)


def invoice(*lines: SalesLine, kind: Kind = Kind.INVOICE, **change: Any) -> SalesDocument:
    """Two stools for 59.98 less 5.00 and 5.99 shipping: 60.97 in all."""
    return sale(kind, ORDER, *(lines or (STOOLS, SHIPPING)), **change)


async def posted(scene: Scene, document: SalesDocument) -> Decision:
    """Send it, let the company run its day end, look again."""
    first = await scene.post(document)
    scene.control.day_end(post=True)
    return first if isinstance(first, Hold) else await scene.post(document)


def stock(scene: Scene, item: str = "STOOL45", location: str = "FBA") -> Any:
    (row,) = [
        row
        for row in scene.control._all("ICLocationDetails")
        if (row["ItemNumber"], row["Location"]) == (item, location)
    ]
    return row["QuantityOnHand"]


# --- invoices ----------------------------------------------------------------------------------------------------------


def test_one_request_orders_ships_and_invoices_at_amazons_price() -> None:
    async def act(scene: Scene) -> tuple[Decision, dict[str, Any], dict[str, Any], Any]:
        before = stock(scene)
        decision = await scene.post(invoice())
        return decision, scene.control.orders()[0], scene.control.invoices()[0], before - stock(scene)

    decision, order, made, taken = play(act)

    assert isinstance(decision, Wait)
    assert decision.entered
    assert (order["OrderNumber"], order["OrderComment"]) == (ORDER, f"ABCD-INV-{ORDER}")
    assert (made["InvoiceNumber"], made["InvoiceTotalWithTax"]) == (order["LastInvoiceNumber"], Decimal("60.97"))
    assert str(made["InvoiceDate"]).startswith("2026-10-26")
    assert taken == 2


def test_an_invoice_waits_for_the_companys_day_end_and_then_counts_as_posted() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen, object]:
        await scene.post(invoice())
        before = await scene.seen(invoice())
        scene.control.day_end(post=True)
        return before, await scene.seen(invoice()), scene.target.project(invoice(), {})

    before, after, projected = play(act)

    assert isinstance(before, Working)
    assert before.by_person
    assert "day end" in before.why
    assert after == Present(
        (
            ("OrderUniquifier", "10021638"),
            ("OrderNumber", ORDER),
            ("InvoiceNumber", "IN000097"),
            ("DocumentNumber", "IN000097"),
        ),
        projected,  # type: ignore[arg-type]
    )


def test_day_end_is_never_started_by_us() -> None:
    async def act(scene: Scene) -> int:
        await scene.post(invoice())
        await scene.post(invoice())
        return len([row for row in scene.control.documents() if row["CustomerNumber"] == "AMZUS"])

    assert play(act) == 0


@pytest.mark.parametrize(("quantity", "gross"), [(3, "10.00"), (7, "100.00"), (11, "0.07"), (999, "1234.57")])
def test_an_order_whose_amounts_do_not_divide_by_quantity_posts_to_the_cent(quantity: int, gross: str) -> None:
    line = replace(STOOLS, quantity=Decimal(quantity), gross=Decimal(gross), discount=Decimal(0))

    async def act(scene: Scene) -> tuple[Decision, Any]:
        scene.control.set_stock("STOOL45", "FBA", "5000")
        decision = await posted(scene, invoice(line))
        return decision, scene.control.invoices()[0]["InvoiceTotalWithTax"]

    decision, total = play(act)

    assert isinstance(decision, Done)
    assert total == Decimal(gross)


def test_what_a_price_of_six_decimals_cannot_express_stands_on_a_charge_of_its_own() -> None:
    # given: 100,000.01 for 30,000 is 3.333334 each, which Sage extends to 100,000.02
    line = replace(STOOLS, quantity=Decimal(30_000), gross=Decimal("100000.01"), discount=Decimal(0))

    async def act(scene: Scene) -> tuple[Decision, dict[str, Any]]:
        scene.control.set_stock("STOOL45", "FBA", "80000")
        return await posted(scene, invoice(line)), scene.control.invoices()[0]

    async def without(scene: Scene) -> object:
        return scene.target.steps(invoice(line))

    decision, made = play(act, settings={"residual_charge": "AMZRES"})
    refused = play(without)

    assert isinstance(decision, Done)
    assert made["InvoiceTotalWithTax"] == Decimal("100000.01")
    assert [(each["MiscellaneousChargesCode"], each["ExtendedAmount"]) for each in made["InvoiceDetails"]] == [
        ("", Decimal("100000.02")),
        ("AMZRES", Decimal("-0.01")),
    ]
    assert isinstance(refused, Unsupported)
    assert "residual_charge" in refused.why


@pytest.mark.parametrize("code", ["RecordDuplicate", "FieldInvalid", "General"])
@pytest.mark.parametrize("fault", ["lost_reply", "reset", "error_after_commit"])
def test_whatever_becomes_of_the_answer_one_order_is_there(code: str, fault: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, int, int]:
        decision = await posted(scene, invoice())
        return decision, len(scene.control.orders()), len(scene.control.invoices())

    decision, orders, invoices = play(
        act, switches={"oe_duplicate_code": code}, faults=[{"operation": "OEOrders.POST", "fault": fault, "nth": 1}]
    )

    assert isinstance(decision, Done)
    assert (orders, invoices) == (1, 1)


@pytest.mark.parametrize(
    ("switches", "settings"),
    [
        ({"order_has_invoice_date": False}, {}),
        ({"invoice_date": "session"}, {}),
        ({"invoiced_by": "PostInvoice"}, {"order_invoices_by": "PostInvoice"}),
        ({"day_shift_hours": 8}, {"dates": "midday"}),
        ({"create_status": 200}, {}),
        ({"padded_text": True}, {}),
    ],
)
def test_open_readings_of_order_entry_end_alike(switches: dict[str, object], settings: dict[str, str]) -> None:
    decision = play(lambda scene: posted(scene, invoice()), switches=switches, settings=settings)

    assert isinstance(decision, Done)


def test_an_invoice_that_takes_the_days_date_is_held_as_a_conflict() -> None:
    decision = play(
        lambda scene: posted(scene, invoice()), switches={"invoice_date": "session", "order_has_invoice_date": False}
    )

    assert isinstance(decision, Hold)
    assert decision.code == "conflict"
    assert "dated 2026-11-21 instead of 2026-10-26" in decision.words


def test_an_order_that_made_no_invoice_waits_for_a_person() -> None:
    decision = play(lambda scene: scene.post(invoice()), switches={"invoiced_by": "PostInvoice"})

    assert isinstance(decision, Wait)
    assert "made no invoice" in decision.words


def test_goods_that_are_not_there_are_refused_and_nothing_is_sold() -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        scene.control.set_stock("STOOL45", "FBA", "1")
        return await scene.post(invoice()), len(scene.control.orders())

    decision, orders = play(act)

    assert isinstance(decision, Hold)
    assert "Negative inventory" in decision.words
    assert orders == 0


def test_while_day_end_runs_the_look_waits() -> None:
    async def act(scene: Scene) -> str:
        scene.control.set_day_end_running()
        with pytest.raises(Exception, match="Day End"):
            await scene.seen(invoice())
        scene.control.set_day_end_running(running=False)
        return type(await scene.seen(invoice())).__name__

    assert play(act) == "Absent"


def test_an_order_that_a_person_typed_under_the_same_number_is_foreign() -> None:
    async def act(scene: Scene) -> Seen:
        item = {"LineType": "Item", "Item": "STOOL45", "Location": "FBA", "QuantityOrdered": 1, "QuantityShipped": 1}
        order = {
            "CustomerNumber": "AMZUS",
            "OrderNumber": ORDER,
            "OrderDate": "2026-10-26",
            "InvoiceWillBeProduced": True,
        }
        scene.control.plant_order({**order, "OrderDetails": [item]})
        scene.control.day_end(post=True)
        return await scene.seen(invoice())

    seen = play(act)

    assert isinstance(seen, Present)
    assert not seen.ours


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (replace(STOOLS, tax=Decimal("1.00")), "computes taxes itself"),
        (replace(STOOLS, tax_code="CALIF"), "computes taxes itself"),
        (replace(STOOLS, tax_code=""), "computes taxes itself"),
        (replace(STOOLS, item="X" * 25), "no item of at most 24"),
    ],
)
def test_what_order_entry_would_make_something_else_of_is_not_sent(line: SalesLine, words: str) -> None:
    async def act(scene: Scene) -> object:
        return scene.target.steps(invoice(line))

    said = play(act)

    assert isinstance(said, Unsupported)
    assert words in said.why


def test_the_class_of_an_invoice_is_that_the_server_refuses_a_second() -> None:
    async def act(scene: Scene) -> list[tuple[str, str, bool]]:
        routes = scene.target.capabilities().routes
        found: list[tuple[str, str, bool]] = []
        for kind in (Kind.INVOICE, Kind.SALES_ORDER, Kind.CREDIT_MEMO):
            of_kind = routes[kind]
            assert not isinstance(of_kind, Unsupported)
            found += [(route.name, route.class_.value, route.relieves_stock) for route in of_kind]
        return found

    assert play(act) == [
        ("order", ReliabilityClass.REFUSED.value, True),
        ("order", ReliabilityClass.REFUSED.value, False),
        ("batch", ReliabilityClass.TWO_ACTS.value, False),
        ("note", ReliabilityClass.WINDOW.value, True),
    ]


# --- receipts ----------------------------------------------------------------------------------------------------------


def test_a_receipt_names_the_invoice_that_order_entry_made() -> None:
    async def act(scene: Scene) -> tuple[Decision, Any]:
        await posted(scene, invoice())
        decision = await scene.post(receipt((invoice(), "60.97")))
        (row,) = [row for row in scene.control.documents() if row["CustomerNumber"] == "AMZUS"]
        return decision, row["CustomerCurrencyAmountDue"]

    decision, due = play(act)

    assert isinstance(decision, Done)
    assert due == 0


# --- sales orders ------------------------------------------------------------------------------------------------------


def test_a_sales_order_ships_nothing_and_invoices_nothing() -> None:
    async def act(scene: Scene) -> tuple[Decision, Any, int]:
        before = stock(scene)
        decision = await scene.post(invoice(kind=Kind.SALES_ORDER))
        return decision, before - stock(scene), len(scene.control.invoices())

    decision, taken, invoices = play(act)

    assert isinstance(decision, Done)
    assert (taken, invoices) == (0, 0)


def test_sales_orders_need_order_entry() -> None:
    async def act(scene: Scene) -> object:
        return scene.target.steps(invoice(kind=Kind.SALES_ORDER))

    said = play_in(act, settings={"invoice_mode": "AR"})

    assert isinstance(said, Unsupported)
    assert "invoice_mode" in said.why


# --- credit memos ------------------------------------------------------------------------------------------------------


def memo(*lines: SalesLine, returns: bool, refund: str = "R1") -> SalesDocument:
    key = document_key("ABCD", "CM", ORDER, refund)
    one = replace(STOOLS, quantity=Decimal(1), gross=Decimal("27.49"), discount=Decimal(0))
    return replace(
        invoice(*(lines or (one, SHIPPING)), kind=Kind.CREDIT_MEMO),
        key=key,
        corrects=invoice().key,
        returns_stock=returns,
    )


def test_goods_that_came_back_are_in_stock_again_and_credited_after_day_end() -> None:
    async def act(scene: Scene) -> tuple[Decision, Seen, object, Any]:
        await posted(scene, invoice())
        before = stock(scene)
        decision = await posted(scene, memo(returns=True))
        seen = await scene.seen(memo(returns=True))
        return decision, seen, scene.target.project(memo(returns=True), {}), stock(scene) - before

    decision, seen, projected, back = play(act)

    assert isinstance(decision, Done)
    assert seen == Present(decision.ids, projected)  # type: ignore[arg-type]
    assert back == 1


def test_a_refund_without_goods_goes_through_receivables_against_the_invoice() -> None:
    line = SalesLine("AMZREF", "refund", Decimal(1), Decimal("10.00"), tax_code="AMZNTX", account="4050")

    async def act(scene: Scene) -> tuple[Decision, Any]:
        await posted(scene, invoice())
        decision = await scene.post(memo(line, returns=False))
        rows = {str(row["DocumentType"]): row for row in scene.control.documents() if row["CustomerNumber"] == "AMZUS"}
        return decision, rows["Invoice"]["CustomerCurrencyAmountDue"]

    decision, due = play(act)

    assert isinstance(decision, Done)
    assert due == Decimal("50.97")


@pytest.mark.parametrize("unique", [True, False])
@pytest.mark.parametrize("fault", ["lost_reply", "error_after_commit"])
def test_a_credit_note_is_there_once_even_where_its_number_is_not_unique(unique: bool, fault: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        await posted(scene, invoice())
        decision = await posted(scene, memo(returns=True))
        return decision, len(scene.control.notes())

    decision, notes = play(
        act,
        switches={"note_number_is_unique": unique},
        faults=[{"operation": "OECreditDebitNotes.POST", "fault": fault, "nth": 1}],
    )

    assert isinstance(decision, Done)
    assert notes == 1


def test_two_credit_notes_by_hand_for_one_order_are_both_named() -> None:
    async def act(scene: Scene) -> Seen:
        await posted(scene, invoice())
        fee = {
            "LineType": "Miscellaneous",
            "MiscellaneousChargesCode": "AMZSHP",
            "ExtendedAmountMiscellaneousCharge": 1,
        }
        note = {"CreditDebitNoteType": "CreditNote", "CustomerNumber": "AMZUS", "OrderNumber": ORDER}
        for _ in range(2):
            scene.control.plant_note({**note, "CreditDebitNoteDate": "2026-10-26", "CreditDebitDetails": [fee]})
        return await scene.seen(memo(returns=True))

    assert isinstance(play(act), Many)


# --- everything --------------------------------------------------------------------------------------------------------


def test_the_census_finds_orders_and_notes_by_their_keys() -> None:
    async def act(scene: Scene) -> list[tuple[str, bool]]:
        await posted(scene, invoice())
        await posted(scene, memo(returns=True))
        found = await scene.target.census("ABCD-", DAY, DAY)
        assert not isinstance(found, Unclear)
        return sorted((each.wire_key, each.counts) for each in found)

    assert play(act) == [(f"ABCD-CM-{ORDER}-R1", True), (f"ABCD-INV-{ORDER}", True)]


def test_without_the_right_in_order_entry_nothing_is_called_absent() -> None:
    async def act(scene: Scene) -> tuple[Seen, str]:
        scene.control.set_rights(["CS", "GL", "AR", "BK", "IC", "TX"])
        seen = await scene.seen(invoice())
        await scene.target.ping()
        return seen, scene.target.capabilities().unsupported(Kind.INVOICE)

    seen, said = play(act)

    assert isinstance(seen, Unclear)
    assert not isinstance(seen, Absent)
    assert "OE (Order Entry)" in said
