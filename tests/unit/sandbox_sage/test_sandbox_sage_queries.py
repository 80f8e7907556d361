"""Reading from the simulated Sage 300: feeds, pages, filters, forms of dates and texts."""

from xml.etree import ElementTree

import pytest

from tests.support.sage_client import Sage

EDM = "{http://docs.oasis-open.org/odata/ns/edm}"


def numbers(sage: Sage, text: str) -> list[str]:
    said = sage.get("AR/ARCustomers", filter=text, select="CustomerNumber")
    assert said.status == 200, said.text
    return [row["CustomerNumber"] for row in said.value]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CustomerNumber eq 'AMZUS'", ["AMZUS"]),
        ("CustomerNumber eq 'amzus'", []),
        ("CurrencyCode eq 'EUR' and CustomerNumber ne 'AMZFR'", ["AMZDE"]),
        ("CustomerNumber eq '1200' or CustomerNumber eq '1400'", ["1200", "1400"]),
        ("CurrencyCode eq 'EUR' and CustomerNumber eq 'AMZDE' or CustomerNumber eq '1200'", ["1200", "AMZDE"]),
        ("startswith(CustomerNumber,'AMZ') and CurrencyCode eq 'USD'", ["AMZUS"]),
        ("endswith(CustomerNumber,'00') and CustomerNumber gt '1300'", ["1400", "1500"]),
        ("length(CustomerNumber) eq 4 and CustomerNumber le '1400'", ["1200", "1400"]),
        ("AccountType eq 'OpenItem' and CustomerNumber ge 'AMZUK'", ["AMZUK", "AMZUS"]),
        ("BalanceDueInCustomerCurrency gt 300.00", ["1200"]),
        ("BalanceDueInCustomerCurrency eq 429m", ["1200"]),
        ("DateOfLastActivity ge 2026-09-01T00:00:00Z", ["1200"]),
        ("DateOfLastActivity eq 2026-09-01T00:00:00Z", ["1200"]),
        ("CustomerName eq 'Mr. Ronald Black'", ["1200"]),
        ("CustomerName eq 'O''Neill'", []),
        ("SuppressIntegration eq true", []),
        ("NumberOfOptionalFields lt 1 and CustomerNumber eq 'AMZUS'", ["AMZUS"]),
    ],
)
def test_filters_on_properties_of_the_header(text: str, found: list[str]) -> None:
    assert numbers(Sage(), text) == found


@pytest.mark.parametrize(
    "text",
    [
        "", "CustomerNumber", "CustomerNumber eq", "CustomerNumber eq AMZUS", "Nothing eq 'X'", "CustomerNumber is 'X'",
        "CustomerOptionalFieldValues eq 'X'", "CustomerOptionalFieldValues/Value eq 'X'", "AccountType eq 'Wrong'",
        "DateOfLastActivity ge datetime'2026-09-01T00:00'", "DateOfLastActivity ge '2026-09-01'",
        "DateOfLastActivity ge 2026-09-01", "DateOfLastActivity ge 2026-13-01T00:00:00Z", "NumberOfOptionalFields eq 1.5",
        "CustomerNumber eq 1200", "startswith(AccountType,'Open')", "startswith(CustomerNumber 'A')", "length(CustomerNumber) eq 'x'",
        "CustomerNumber eq 'AMZUS' and", "CustomerNumber eq 'AMZUS' xor 1", "CustomerNumber eq 'A\u0000", "x" * 9000,
        "(CustomerNumber eq 'AMZUS')", "not CustomerNumber eq 'AMZUS'", "contains(CustomerNumber,'A')",
        "substringof('A',CustomerNumber)",
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused(text: str) -> None:
    assert Sage().get("AR/ARCustomers", filter=text).error == (400, "InvalidParameters")


def test_richer_queries_are_an_open_question() -> None:
    rich = Sage(switches={"rich_queries": True})
    assert numbers(rich, "(CustomerNumber eq 'AMZUS' or CustomerNumber eq '1200') and CurrencyCode eq 'USD'") == [
        "1200",
        "AMZUS",
    ]
    assert numbers(rich, "contains(CustomerNumber,'ZU')") == ["AMZUK", "AMZUS"]
    assert numbers(rich, "not (startswith(CustomerNumber,'AMZ'))") == ["1200", "1400", "1500"]
    ordered = rich.get("AR/ARCustomers", orderby="CurrencyCode desc,CustomerNumber", select="CustomerNumber")
    assert ordered.value[0] == {"CustomerNumber": "1200"}
    assert rich.get("AR/ARCustomers", orderby="CurrencyCode sideways").status == 400
    assert rich.get("AR/ARCustomers", filter="(" * 50 + "CustomerNumber eq 'A'" + ")" * 50).status == 400
    assert Sage().get("AR/ARCustomers", orderby="CustomerNumber").status == 400
    assert Sage(switches={"has_ge_le": False}).get("AR/ARCustomers", filter="CustomerNumber ge 'A'").status == 400


def test_select_names_properties_of_the_model() -> None:
    sage = Sage()
    row = sage.get("AR/ARCustomers('AMZUS')", select="CustomerNumber,CustomerOptionalFieldValues").json
    assert set(row) == {"@odata.context", "CustomerNumber", "CustomerOptionalFieldValues"}
    assert sage.get("AR/ARCustomers", select="Wrong").error == (400, "InvalidParameters")
    context = sage.get("AR/ARCustomers", select="CustomerNumber,City").json["@odata.context"]
    assert context == "http://localhost/Sage300WebApi/v1.0/-/SANDUS/AR/$metadata#ARCustomers(CustomerNumber,City)"


@pytest.mark.parametrize("options", ["$top=x", "$skip=-1", "$count=yes", "$search=a", "$apply=b", "$top=1&$top=2"])
def test_options_that_are_not_understood_are_refused(options: str) -> None:
    assert Sage().send("GET", f"AR/ARCustomers?{options}").error == (400, "InvalidParameters")


def test_a_page_has_a_hundred_rows_and_its_link_loses_everything_but_skip() -> None:
    sage = Sage()
    for number in range(120):
        sage.post("AR/ARDistributionCodes", {"DistributionCodeKey": f"D{number:04d}", "RevenueAccount": "4100"})
    first = sage.get(
        "AR/ARDistributionCodes",
        filter="startswith(DistributionCodeKey,'D0')",
        select="DistributionCodeKey",
        count="true",
    )
    assert len(first.value) == 100
    assert first.json["@odata.count"] == 120
    assert (
        first.json["@odata.nextLink"] == "http://localhost/Sage300WebApi/v1.0/-/SANDUS/AR/ARDistributionCodes?$skip=100"
    )
    rest = sage.get("AR/ARDistributionCodes", filter="startswith(DistributionCodeKey,'D0')", skip="100")
    assert [row["DistributionCodeKey"] for row in rest.value] == [f"D{number:04d}" for number in range(100, 120)]
    assert "@odata.nextLink" not in rest.json
    assert len(sage.get("AR/ARDistributionCodes", top="5").value) == 5
    assert len(sage.get("AR/ARDistributionCodes", top="500").value) == 100


def test_page_size_link_and_annotations_are_open_questions() -> None:
    sage = Sage(switches={"page_size": 4, "next_link": "keeps", "old_annotations": True})
    page = sage.get("AR/ARCustomers", filter="CustomerNumber ne 'X'", count="true").json
    assert page["odata.count"] == "9"
    assert page["odata.nextLink"].endswith("ARCustomers?$filter=CustomerNumber%20ne%20%27X%27&$count=true&$skip=4")


def test_dates_are_midnights_and_texts_are_bare_unless_switched() -> None:
    row = Sage().get("AR/ARPostedDocuments('1200','TR-INV-003')").json
    assert (row["DocumentDate"], row["CustomerNumber"], row["LastStatementDate"]) == (
        "2026-09-01T00:00:00Z",
        "1200",
        None,
    )

    padded = Sage(switches={"padded_text": True, "dates_with_z": False})
    row = padded.get("AR/ARPostedDocuments('1200','TR-INV-003')").json
    assert (row["DocumentDate"], row["CustomerNumber"]) == ("2026-09-01T00:00:00", "1200        ")
    assert numbers(padded, "CustomerNumber eq 'AMZUS'") == ["AMZUS       "]


def test_flags_are_words_in_receivables_and_booleans_in_order_entry() -> None:
    sage = Sage()
    sage.order()
    assert sage.get("AR/ARCustomers('AMZUS')").json["OnHold"] == "No"
    assert sage.get("OE/OEOrders", top="1").value[0]["OnHold"] is False
    assert sage.get("OE/OEOrders", top="1").value[0]["OrderFiscalPeriod"] == "Num11"


def test_numbers_of_batches_sort_as_numbers() -> None:
    sage = Sage()
    for _ in range(30):
        sage.invoice(number="")
    rows = sage.get("AR/ARInvoiceBatches", filter="BatchNumber gt 98", select="BatchNumber").value
    assert [int(row["BatchNumber"]) for row in rows] == [99, 100, 101, 102, 103, 104, 105]


def test_metadata_says_what_the_answers_hold() -> None:
    sage = Sage()
    said = sage.get("GL/$metadata")
    assert (said.status, said.header("content-type")) == (200, "application/xml")
    root = ElementTree.fromstring(said.text)
    sets = {each.get("Name") for each in root.iter(f"{EDM}EntitySet")}
    assert {"GLJournalBatches", "GLAccounts", "GLPostJournal"} <= sets and "GLAccountGroups" not in sets
    batch = next(each for each in root.iter(f"{EDM}EntityType") if each.get("Name") == "JournalBatch")
    assert [each.get("Name") for each in batch.iter(f"{EDM}PropertyRef")] == ["BatchNumber"]
    names = {each.get("Name") for each in batch.iter(f"{EDM}Property")}
    assert names == set(sage.get("GL/GLJournalBatches", top="1").value[0])
    assert any(each.get("Name") == "JournalDetail" for each in root.iter(f"{EDM}ComplexType"))
    assert any(each.get("Name") == "JournalBatchStatusEnum" for each in root.iter(f"{EDM}EnumType"))
    assert sage.send("POST", "GL/$metadata", {}).status == 405


def test_fiscal_calendars_are_read_by_year_and_may_show_locks() -> None:
    year = Sage().get("CS/CSFiscalCalendars('2026')").json
    assert (year["FiscalPeriod1StartDate"], year["FiscalPeriod12EndDate"]) == (
        "2026-01-01T00:00:00Z",
        "2026-12-31T00:00:00Z",
    )
    assert "FiscalPeriod1Status" not in year
    shown = Sage(switches={"calendar_shows_locks": True}).get("CS/CSFiscalCalendars('2026')").json
    assert [shown[f"FiscalPeriod{number}Status"] for number in (5, 6, 7)] == ["Open", "Locked", "Open"]
