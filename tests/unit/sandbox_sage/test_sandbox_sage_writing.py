"""Writing to the simulated Sage 300: the order of puts, columns, dates, details by operation, master data, actions."""

from decimal import Decimal

import pytest

from tests.support.sage_client import Sage

INVALID = (400, "InvalidPayload")
FIELD = (409, "FieldInvalid")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{", b'{"Description": NaN}', b'{"Wrong": 1}', b'{"Description": 5}', b'{"JournalHeaders": {}}',
        b'{"JournalHeaders": [1]}', b'{"JournalHeaders": [{"Wrong": 1}]}', b'{"Status": "Wrong"}',
        b'{"JournalHeaders": [{"DocumentDate": "20.11.2026"}]}', b'{"JournalHeaders": [{"DocumentDate": "2026-02-30"}]}',
        b'{"JournalHeaders": [{"JournalDetails": [{"Amount": "12,5"}]}]}', b'{"JournalHeaders": [{"JournalDetails": [{"Amount": true}]}]}',
        b'{"JournalHeaders": [{"JournalDetails": [{"Amount": 1e15}]}]}', b'{"Description": "a\\u0000b"}', b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_does_not_fit_the_model_is_refused_before_anything_is_put(body: bytes) -> None:
    sage = Sage()
    assert sage.send("POST", "GL/GLJournalBatches", body).error == INVALID
    assert len(sage.control.batches("GL")) == 2  # the company's own


def test_annotations_in_a_body_are_passed_over_and_a_null_is_not_put() -> None:
    sage = Sage()
    said = sage.journal(**{"@odata.context": "x", "SourceLedger": None})
    assert said.status == 201


@pytest.mark.parametrize(
    ("sent", "plain", "west"),
    [
        ("2026-11-19", "2026-11-19", "2026-11-18"),
        ("2026-11-19T00:00:00Z", "2026-11-19", "2026-11-18"),
        ("2026-11-19T00:00:00", "2026-11-19", "2026-11-18"),
        ("2026-11-19T12:00:00.000Z", "2026-11-19", "2026-11-19"),
        ("2026-11-19T00:00:00-08:00", "2026-11-19", "2026-11-19"),
    ],
)
def test_a_server_west_of_utc_shifts_days_unless_they_are_anchored_at_midday(sent: str, plain: str, west: str) -> None:
    for shift, day in ((0, plain), (8, west)):
        entry = Sage(switches={"day_shift_hours": shift}).invoice(DocumentDate=sent).json["Invoices"][0]
        assert entry["DocumentDate"] == f"{day}T00:00:00Z"


def test_text_longer_than_its_column_is_refused_or_cut() -> None:
    assert Sage().journal(Description="D" * 61).error == FIELD
    assert Sage(switches={"text_length": 30}).journal(Description="D" * 31).error == FIELD
    cut = Sage(switches={"over_long_text": "cut"}).journal(Description="D" * 70).json
    assert cut["Description"] == "D" * 60
    assert Sage().invoice(number="1" * 23).error == FIELD


def test_numbers_with_more_decimals_than_their_column_or_currency_are_refused() -> None:
    lines = [{"AccountNumber": "6105", "Amount": 1.005}, {"AccountNumber": "1150", "Amount": -1.005}]
    entry = {"SourceLedger": "GL", "SourceType": "JE", "JournalDetails": lines}
    assert Sage().journal(JournalHeaders=[entry]).error == FIELD
    lines[0]["Amount"] = 1.00001
    assert Sage().journal(JournalHeaders=[entry]).error == FIELD
    assert (
        Sage().invoice(InvoiceDetails=[{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 0.015}]).error == FIELD
    )


def test_numbers_may_be_sent_as_text_and_members_by_number() -> None:
    lines = [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": "12.50"}]
    entry = Sage().invoice(InvoiceDetails=lines, DocumentType="2").json["Invoices"][0]
    assert (entry["DocumentTotalIncludingTax"], entry["DocumentType"]) == (Decimal("12.5"), "DebitNote")


def test_puts_follow_the_order_sent_so_a_customer_takes_back_what_stood_before_it() -> None:
    sage = Sage()
    lines = [{"DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 100}]
    after = {"CustomerNumber": "1400", "TaxGroup": "AMZNTX", "InvoiceDetails": lines}
    before = {"TaxGroup": "AMZNTX", "CustomerNumber": "1400", "InvoiceDetails": lines}
    totals = [
        sage.post("AR/ARInvoiceBatches", {"Invoices": [entry]}).json["Invoices"][0]["DocumentTotalIncludingTax"]
        for entry in (after, before)
    ]
    assert totals == [100, 113]

    due = {"DueDate": "2026-11-19", "DocumentDate": "2026-11-19"}
    late = sage.post("AR/ARInvoiceBatches", {"Invoices": [{"CustomerNumber": "1400", **due, "InvoiceDetails": lines}]})
    assert late.json["Invoices"][0]["DueDate"] == "2026-12-19T00:00:00Z"  # the document's date brought terms of 30 days


def test_an_account_put_before_its_distribution_code_is_lost() -> None:
    sage = Sage()
    first = {"RevenueAccount": "4022", "DistributionCode": "AMZSAL", "ExtendedAmountWithTIP": 1}
    last = {"DistributionCode": "AMZSAL", "RevenueAccount": "4022", "ExtendedAmountWithTIP": 1}
    lines = sage.invoice(InvoiceDetails=[first, last]).json["Invoices"][0]["InvoiceDetails"]
    assert [line["RevenueAccount"] for line in lines] == ["4010", "4022"]


def test_a_customer_is_created_from_its_group_and_only_once() -> None:
    sage = Sage()
    body = {"CustomerNumber": "amznl", "GroupCode": "AMZEUR", "CustomerName": "Amazon.nl", "TaxGroup": "AMZNTX"}
    said = sage.post("AR/ARCustomers", body)
    assert said.status == 201
    assert said.header("location") == "http://localhost/Sage300WebApi/v1.0/-/SANDUS/AR/ARCustomers('AMZNL')"
    row = sage.get("AR/ARCustomers('AMZNL')").json
    assert (row["CurrencyCode"], row["AccountSet"], row["Terms"]) == ("EUR", "AMZEUR", "COD")
    assert row["DateLastMaintained"] == "2026-11-21T00:00:00Z"
    assert sage.post("AR/ARCustomers", body).error == (409, "RecordDuplicate")
    assert sage.post("AR/ARCustomers", {"CustomerNumber": "X", "GroupCode": "NONE"}).error == FIELD
    assert sage.post("AR/ARCustomers", {"GroupCode": "AMZEUR", "TaxGroup": "AMZNTX"}).error == FIELD
    assert sage.post("AR/ARCustomers", {**body, "CustomerNumber": "Y", "CurrencyCode": "GBP"}).error == FIELD


def test_patch_merges_put_replaces_and_delete_removes() -> None:
    sage = Sage()
    path = "AR/ARCustomers('AMZUS')"
    optional = [{"OptionalField": "AMZORDER", "Value": "x"}]
    said = sage.patch(path, {"City": "Seattle", "CustomerOptionalFieldValues": optional})
    assert (said.status, said.text) == (204, "")
    row = sage.get(path).json
    assert (row["City"], row["CustomerName"]) == ("Seattle", "Amazon.com marketplace")
    assert row["CustomerOptionalFieldValues"][0]["Value"] == "x"

    assert sage.send("PUT", path, {"GroupCode": "AMZUSD", "TaxGroup": "AMZNTX", "CustomerName": "Amazon"}).status == 204
    row = sage.get(path).json
    assert (row["City"], row["CustomerName"], row["CustomerOptionalFieldValues"]) == ("", "Amazon", [])

    assert sage.send("DELETE", path).status == 204
    assert sage.get(path).status == sage.patch(path, {}).status == 404
    assert sage.send("DELETE", "AR/ARCustomers('1200')").error == (409, "General")  # it has documents


def test_details_follow_their_operation() -> None:
    sage = Sage()
    path = "AR/ARCustomers('AMZUS')"

    def values() -> list[str]:
        return [row["Value"] for row in sage.get(path).json["CustomerOptionalFieldValues"]]

    def change(operation: str | None, value: str = "x", field: str = "AMZORDER") -> tuple[int, list[str]]:
        row = {"OptionalField": field, "Value": value, **({"UpdateOperation": operation} if operation else {})}
        return sage.patch(path, {"CustomerOptionalFieldValues": [row]}).status, values()

    assert change("Update") == (409, [])
    assert change("Insert", "a") == (204, ["a"])
    assert change("Insert", "b") == (409, ["a"])
    assert change(None, "c") == (204, ["c"])
    assert change("Unspecified", "d", "UPSZONE") == (204, ["c", "d"])
    assert change("Update", "e") == (204, ["e", "d"])
    assert change("Delete") == (204, ["d"])
    assert change("Insert", "f", "UNKNOWN") == (409, ["d"])


def test_statuses_of_success_are_an_open_question() -> None:
    sage = Sage(switches={"create_status": 200, "change_status": 200})
    batch = sage.journal()
    assert batch.status == 200
    said = sage.patch(f"GL/GLJournalBatches('{batch.json['BatchNumber']}')", {"Description": "X"})
    assert (said.status, said.text) == (200, "")


def test_actions_are_quoted_words_and_templates_show_defaults() -> None:
    sage = Sage()
    assert sage.post("AR/ARPostInvoices('$template')", {}).json["PostAllBatches"] == "Donotpostallbatches"
    assert sage.post("AR/ARCustomers('$template')", {}).json["AccountType"] == "OpenItem"
    assert sage.post("AR/ARPostInvoices('$other')", {}).error == (400, "InvalidAction")
    assert sage.post("AR/ARPostInvoices", {}).error == (400, "InvalidAction")
    assert sage.post("AR/ARCustomers('$process')", {}).error == (400, "InvalidAction")
    assert sage.post("AR/ARCustomers('AMZUS')", {}).error == (400, "InvalidAction")
    assert sage.get("AR/ARPostInvoices").error == (405, "MethodNotAllowed")


def test_ship_to_locations_items_prices_and_charges_are_master_data() -> None:
    sage = Sage()
    place = {"CustomerNumber": "AMZUS", "ShipToLocationKey": "US", "City": "Reno"}
    assert sage.post("AR/ARShipToLocations", place).json["TaxGroup"] == "AMZNTX"
    assert sage.get("AR/ARShipToLocations('AMZUS','US')").json["City"] == "Reno"
    item = {"UnformattedItemNumber": "NEW1", "ItemNumber": "NEW-1", "StockingUnitOfMeasure": "Ea."}
    assert sage.post("IC/ICItems", item).status == 201
    price = {
        "CurrencyCode": "USD",
        "UnformattedItemNumber": "NEW1",
        "PriceListCode": "AMZ",
        "ItemPricingDetails": [{"PriceDetailType": "BasePriceQuantity", "QuantityUnit": "Ea.", "UnitPrice": 9.99}],
    }
    assert sage.post("IC/ICItemPricing", price).json["ItemPricingDetails"][0]["UnitPrice"] == Decimal("9.99")
    assert sage.post("IC/ICItemPricing", {**price, "UnformattedItemNumber": "NONE"}).error == FIELD
    charge = {"Currency": "USD", "MiscellaneousChargeCode": "NEW", "MiscellaneousChargeRevenueAccount": "4200"}
    assert sage.post("OE/OEMiscellaneousCharges", charge).status == 201
    assert sage.post("OE/OEMiscellaneousCharges", charge).error == (409, "RecordDuplicate")
