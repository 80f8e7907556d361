"""The simulated order entry and inventory: orders that invoice themselves, credit notes, stock, day end."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.sage_client import Sage

FIELD = (409, "FieldInvalid")


def item(**members: object) -> dict[str, Any]:
    """A line of two stools at 29.99."""
    line = {"LineType": "Item", "Item": "STOOL45", "Location": "FBA", "QuantityOrdered": 2, "QuantityShipped": 2}
    return {**line, "PriceOverride": True, "PricingUnitPrice": 29.99, **members}


def charge(value: object = 5.99, code: str = "AMZSHP") -> dict[str, Any]:
    return {"LineType": "Miscellaneous", "MiscellaneousChargesCode": code, "ExtendedAmount": value}


def invoices(sage: Sage, number: str = "114-1") -> list[dict[str, Any]]:
    return sage.get("OE/OEInvoices", filter=f"OrderNumber eq '{number}'").value


def on_hand(sage: Sage, place: str = "FBA") -> dict[str, Any]:
    row: dict[str, Any] = sage.get(f"IC/ICLocationDetails(ItemNumber='STOOL45',Location='{place}')").json
    return row


def test_an_order_ships_and_invoices_itself_in_one_request() -> None:
    sage = Sage()
    order = sage.order().json
    assert (order["OrderUniquifier"], order["OrderNumber"]) == (10021638, "114-1")
    assert (order["LastShipmentNumber"], order["LastInvoiceNumber"]) == ("SH000123", "IN000097")
    assert [line["LineNumber"] for line in order["OrderDetails"]] == [32, 64]
    assert order["OrderTotal"] == Decimal("65.97")
    (invoice,) = invoices(sage)
    assert (invoice["InvoiceNumber"], invoice["InvoiceTotalWithTax"]) == ("IN000097", Decimal("65.97"))
    assert [line["ExtendedAmount"] for line in invoice["InvoiceDetails"]] == [Decimal("59.98"), Decimal("5.99")]
    assert sage.get(f"OE/OEInvoices({invoice['InvoiceUniquifier']})").status == 200


def test_an_order_cannot_be_changed_or_removed_and_its_number_is_taken() -> None:
    sage = Sage()
    sage.order()
    for method in ("PATCH", "PUT", "DELETE"):
        assert sage.send(method, "OE/OEOrders(10021638)", {}).error == (405, "MethodNotAllowed")
    assert sage.order().error == (409, "RecordDuplicate")
    assert sage.order(OrderNumber="*** NEW ***").json["OrderNumber"] == "ORD000001"
    other = Sage(switches={"oe_duplicate_code": "FieldInvalid"})
    other.order()
    assert other.order().error == FIELD


@pytest.mark.parametrize(
    ("reading", "will_be", "post"),
    [("both", True, True), ("InvoiceWillBeProduced", True, False), ("PostInvoice", False, True)],
)
def test_what_makes_an_order_invoice_is_an_open_question(reading: str, will_be: bool, post: bool) -> None:
    sage = Sage(switches={"invoiced_by": reading})
    assert bool(sage.order("1").json["LastInvoiceNumber"]) is will_be
    assert bool(sage.order("2", InvoiceWillBeProduced=False, PostInvoice=True).json["LastInvoiceNumber"]) is post
    plain = sage.order("3", InvoiceWillBeProduced=False).json
    assert (plain["LastInvoiceNumber"], bool(plain["LastShipmentNumber"])) == ("", True)


def test_a_price_is_the_lists_unless_it_is_overridden_before_it_is_put() -> None:
    sage = Sage()
    listed = {"LineType": "Item", "Item": "STOOL45", "Location": "FBA", "QuantityOrdered": 2, "QuantityShipped": 2}

    def price(number: str, **members: object) -> Decimal:
        said = sage.order(number, OrderDetails=[{**listed, **members}])
        return Decimal(said.json["OrderDetails"][0]["PricingUnitPrice"])

    assert price("1") == Decimal("59.99")
    assert price("2", PricingUnitPrice=10) == Decimal("59.99")
    assert price("3", PricingUnitPrice=10, PriceOverride=True) == Decimal("59.99")
    assert price("4", PriceOverride=True, PricingUnitPrice=10) == 10
    assert price("5", PriceOverride=True, OrderUnitPrice=11) == 11
    early = sage.order("6", OrderDetails=[{"PriceOverride": True, "PricingUnitPrice": 10, **listed}]).json
    assert early["OrderDetails"][0]["PricingUnitPrice"] == Decimal("59.99")  # the item took the override back


def test_the_extension_is_rounded_so_an_amount_that_does_not_divide_leaves_a_residual() -> None:
    sage = Sage()
    lines = [item(QuantityOrdered=3, QuantityShipped=3, PricingUnitPrice="6.666667"), charge(-0.01, "AMZRES")]
    order = sage.order(OrderDetails=lines).json
    assert [line["ExtendedAmount"] for line in order["OrderDetails"]] == [20, Decimal("-0.01")]
    assert invoices(sage)[0]["InvoiceTotalWithTax"] == Decimal("19.99")
    assert sage.order("2", OrderDetails=[item(PricingUnitPrice="6.6666667")]).error == FIELD
    assert Sage(switches={"negative_charges": False}).order(OrderDetails=lines).error == FIELD


def test_items_are_known_by_either_number_and_an_unknown_one_has_a_warning_glued_on() -> None:
    sage = Sage()
    assert sage.order("1", OrderDetails=[item(Item="STOOL-45")]).json["OrderDetails"][0]["Item"] == "STOOL45"
    said = sage.order("2", OrderDetails=[item(Item="NONE")])
    assert said.error == FIELD
    assert said.words == "Item number NONE does not exist. Warning: the backorder quantity was not changed."


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"CustomerNumber": "NOBODY"}, FIELD),
        ({"CustomerNumber": ""}, FIELD),
        ({"OrderDate": "2018-01-01"}, FIELD),
        ({"OrderDate": "2026-06-30"}, FIELD),
        ({"OrderDetails": []}, FIELD),
        ({"OrderDetails": [item(Location="NOWHER")]}, FIELD),
        ({"OrderDetails": [item(Location="2")]}, FIELD),
        ({"OrderDetails": [item(QuantityOrdered=0)]}, FIELD),
        ({"OrderDetails": [item(QuantityShipped=3)]}, FIELD),
        ({"OrderDetails": [item(QuantityOrdered=999, QuantityShipped=999)]}, FIELD),
        ({"OrderDetails": [charge(code="NONE")]}, FIELD),
        ({"OrderDetails": [charge(0.001)]}, FIELD),
        ({"OrderDetails": [item(QuantityShipped=0)]}, FIELD),
        ({"OrderNumber": "1" * 23}, FIELD),
        ({"ShipToLocationCode": "NONE"}, FIELD),
        ({"OrderOptionalFields": [{"OptionalField": "NONE", "Value": "x"}]}, FIELD),
        ({"Wrong": 1}, (400, "InvalidPayload")),
    ],
)
def test_orders_that_the_rules_do_not_let_in(members: dict[str, Any], error: tuple[int, str]) -> None:
    sage = Sage()
    assert sage.order(**members).error == error
    assert sage.get("OE/OEOrders").value == []
    assert on_hand(sage)["QuantityOnHand"] == 500


def test_customers_may_be_inactive_on_hold_or_watch_their_purchase_orders() -> None:
    sage = Sage()
    sage.control.set_customer("AMZUS", {"CheckForDuplicatePOs": "Error"})
    assert sage.order("1", PurchaseOrderNumber="PO1").status == 201
    assert sage.order("2", PurchaseOrderNumber="PO1").error == (409, "General")
    sage.control.set_customer("AMZUS", {"OnHold": "Yes"})
    assert sage.order("3").error == (409, "General")
    sage.control.set_customer("AMZUS", {"OnHold": "No", "Status": "Inactive"})
    assert sage.order("4").error == FIELD


def test_the_ship_to_may_bring_address_and_taxes_and_a_tax_service_may_want_it_complete() -> None:
    sage = Sage(switches={"address_is_checked": True})
    assert sage.order("1").error == (409, "General")
    assert sage.order("2", ShipToZipPostalCode="89501").status == 201
    place = {
        "CustomerNumber": "AMZUS",
        "ShipToLocationKey": "US",
        "AddressLine1": "1 Way",
        "City": "Reno",
        "StateProvince": "NV",
        "TaxGroup": "CALIF",
    }
    sage.post("AR/ARShipToLocations", place)
    order = sage.order("3", ShipToLocationCode="US").json
    assert (order["ShipToCity"], order["OrderTotal"], order["OrderInclTaxTotal"]) == (
        "Reno",
        Decimal("65.97"),
        Decimal("70.75"),
    )
    assert invoices(sage, "3")[0]["TotalTaxAmount1"] == Decimal("4.78")


def test_the_invoices_date_is_the_orders_todays_or_what_is_sent() -> None:
    sage = Sage()
    sage.order("1")
    sage.order("2", InvoiceDate="2026-11-15", ShipmentDate="2026-11-14")
    assert invoices(sage, "1")[0]["InvoiceDate"] == "2026-11-19T00:00:00Z"
    assert invoices(sage, "2")[0]["InvoiceDate"] == "2026-11-15T00:00:00Z"
    assert invoices(sage, "2")[0]["ShipmentDate"] == "2026-11-14T00:00:00Z"

    session = Sage(switches={"invoice_date": "session", "order_has_invoice_date": False})
    session.order("1")
    assert invoices(session, "1")[0]["InvoiceDate"] == "2026-11-21T00:00:00Z"
    assert session.order("2", InvoiceDate="2026-11-15").error == (400, "InvalidPayload")


def test_shipped_goods_leave_and_ordered_goods_are_committed() -> None:
    sage = Sage()
    sage.order("1")
    sage.order("2", OrderDetails=[item(QuantityShipped=0), charge()])
    row = on_hand(sage)
    figures = (row["QuantityOnHand"], row["QuantityCommitted"], row["QuantityAvailableToShip"])
    assert figures == (498, 2, 496)
    whole = sage.get("IC/ICItems('STOOL45')").json
    assert (whole["QuantityOnHand"], whole["QuantityCommitted"], whole["QuantityAvailable"]) == (538, 2, 536)


def test_stock_below_zero_is_refused_unless_the_company_allows_it() -> None:
    short = item(Location="MAIN", QuantityOrdered=41, QuantityShipped=41)
    refused = Sage().order(OrderDetails=[short])
    assert refused.error == FIELD
    assert refused.words == 'Negative inventory levels are not allowed for item "STOOL45" at location "MAIN".'
    sage = Sage(switches={"negative_inventory": True})
    sage.order(OrderDetails=[short])
    assert on_hand(sage, "MAIN")["QuantityOnHand"] == -1


def test_stock_by_location_differs_by_version() -> None:
    absent = Sage(switches={"location_details": False})
    assert absent.get("IC/ICLocationDetails").error == (404, "ResourceNotFound")
    assert "ICLocationDetails" not in absent.get("IC/$metadata").text
    assert absent.get("IC/ICItems('STOOL45')").json["QuantityAvailable"] == 540

    poor = Sage(switches={"location_detail_has": "QuantityCommitted", "formatted_location_items": True})
    row = poor.get("IC/ICLocationDetails(ItemNumber='STOOL-45',Location='FBA')").json
    assert (row["QuantityOnHand"], "QuantityAvailableToShip" in row, row["QuantityCommitted"]) == (500, False, 0)

    lagging = Sage(switches={"on_hand_waits_for_day_end": True})
    lagging.order()
    row = on_hand(lagging)
    assert (row["QuantityOnHand"], row["QuantityAvailableToShip"]) == (500, 498)
    lagging.control.day_end()
    assert on_hand(lagging)["QuantityOnHand"] == 498


def test_a_person_counts_stock() -> None:
    sage = Sage()
    sage.control.set_stock("STOOL45", "MAIN", "7")
    assert on_hand(sage, "MAIN")["QuantityAvailableToShip"] == 7


def test_receivables_hear_of_an_order_at_day_end_only() -> None:
    sage = Sage()
    sage.order()
    assert sage.get("AR/ARPostedDocuments", filter="OrderNumber eq '114-1'").value == []
    assert sage.act("IC/ICDayEndProcessing", {"ClearHistory": False}).status == 204
    batch = sage.control.batches("AR")[-1]
    assert (batch["BatchStatus"], batch["SourceApplication"], batch["BatchTotal"]) == (
        "ReadyToPost",
        "OE",
        Decimal("65.97"),
    )
    sage.post_invoices(batch["BatchNumber"])
    document = sage.get("AR/ARPostedDocuments", filter="OrderNumber eq '114-1'").value[0]
    assert (document["DocumentNumber"], document["CustomerCurrencyInvoiceAmount"]) == ("IN000097", Decimal("65.97"))
    assert (sage.balance("4010"), sage.balance("4011")) == (Decimal("-59.98"), Decimal("-5.99"))
    assert sage.control.day_end() is None


def test_day_end_carries_taxes_over_to_the_cent() -> None:
    sage = Sage()
    sage.order(TaxGroup="CALIF", OrderDetails=[{**item(), "TaxIncluded1": True}, charge()])
    total = invoices(sage)[0]["InvoiceTotalWithTax"]
    sage.control.day_end(post=True)
    assert sage.get("AR/ARPostedDocuments('AMZUS','IN000097')").json["CustomerCurrencyInvoiceAmount"] == total
    assert sum(Decimal(str(each["balance"])) for each in sage.control.trial_balance()) == 0


def test_while_day_end_runs_orders_and_inventory_are_a_duplicate_by_their_code() -> None:
    sage = Sage()
    sage.control.set_day_end_running()
    said = sage.order()
    assert said.error == (409, "RecordDuplicate") and "Day End Processing" in said.words
    assert sage.get("IC/ICItems").status == 409
    assert sage.get("AR/ARCustomers").status == 200
    sage.control.set_day_end_running(running=False)
    assert sage.order().status == 201


# --- credit notes ------------------------------------------------------------------------------------------------------


def note(sage: Sage, number: str = "114-1-R1", **members: object) -> Any:
    line = {
        "LineType": "Item",
        "Item": "STOOL45",
        "Location": "FBA",
        "QuantityReturned": 1,
        "PriceOverride": True,
        "UnitPrice": 29.99,
    }
    fee = {"LineType": "Miscellaneous", "MiscellaneousChargesCode": "AMZSHP", "ExtendedAmountMiscellaneousCharge": 5.99}
    body = {
        "CreditDebitNoteNumber": number,
        "CreditDebitNoteType": "CreditNote",
        "CustomerNumber": "AMZUS",
        "CreditDebitNoteDate": "2026-11-20",
        "CreditDebitDetails": [line, fee],
        **members,
    }
    return sage.post("OE/OECreditDebitNotes", body)


def test_a_credit_note_takes_goods_back_and_reaches_receivables_at_day_end() -> None:
    sage = Sage()
    sage.order()
    sage.control.day_end(post=True)
    said = note(sage, OrderNumber="114-1", InvoiceNumber="IN000097")
    assert (said.json["CreditDebitNoteTotal"], said.json["CreditDebitNoteFiscalPeriod"]) == (Decimal("35.98"), "Num11")
    assert sage.get("OE/OECreditDebitNotes", filter="CreditDebitNoteNumber eq '114-1-R1'").value
    assert on_hand(sage)["QuantityOnHand"] == 499
    sage.control.day_end(post=True)
    assert sage.get("AR/ARPostedDocuments('AMZUS','IN000097')").json["CustomerCurrencyAmountDue"] == Decimal("29.99")
    assert sage.balance("4010") == Decimal("-29.99")


def test_money_only_refunds_leave_the_stock_alone() -> None:
    sage = Sage()
    line = {
        "LineType": "Item",
        "Item": "STOOL45",
        "Location": "FBA",
        "ReturnType": "PriceAdjustment",
        "QuantityReturned": 1,
        "UnitPrice": 3,
    }
    assert note(sage, CreditDebitDetails=[line]).json["CreditDebitNoteTotal"] == 3
    assert on_hand(sage)["QuantityOnHand"] == 500


def test_a_second_note_number_is_refused_where_numbers_are_unique() -> None:
    sage = Sage()
    assert note(sage).status == 201
    assert note(sage).error == (409, "RecordDuplicate")
    twice = Sage(switches={"note_number_is_unique": False})
    assert [note(twice).status, note(twice).status] == [201, 201]


@pytest.mark.parametrize(
    "members",
    [
        {"CustomerNumber": "NOBODY"}, {"OrderNumber": "NONE"}, {"InvoiceNumber": "NONE"}, {"CreditDebitDetails": []},
        {"CreditDebitNoteDate": "2026-06-30"}, {"CreditDebitDetails": [{"Item": "NONE", "QuantityReturned": 1}]},
        {"CreditDebitDetails": [{"Item": "STOOL45"}]},
        {"CreditDebitDetails": [{"LineType": "Miscellaneous", "MiscellaneousChargesCode": "NONE"}]},
    ],
)  # fmt: skip
def test_notes_that_the_rules_do_not_let_in(members: dict[str, Any]) -> None:
    assert note(Sage(), **members).error == FIELD
