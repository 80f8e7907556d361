"""Reading sets of the simulated Service Layer: pages, options, keys, versions of rows (dossier, sections 4 and 5)."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from urllib.parse import unquote

import pytest

from tests.support.sap_client import Sap


@pytest.fixture(scope="module")
def many() -> Sap:
    """45 entries, JdtNum 98001 to 98045."""
    sap = Sap()
    for number in range(45):
        sap.control.plant_entry(
            {
                "ReferenceDate": "2026-11-20",
                "Reference": f"R{number:02d}",
                "JournalEntryLines": [
                    {"AccountCode": "611000", "Debit": "1"},
                    {"AccountCode": "114100", "Credit": "1"},
                ],
            }
        )
    return sap


def _numbers(said: object) -> list[int]:
    return [row["JdtNum"] for row in said.json["value"]]  # type: ignore[attr-defined]


def test_a_page_holds_twenty_rows_and_links_to_the_next(many: Sap) -> None:
    first = many.get("JournalEntries", select="JdtNum")
    second = many.send("GET", unquote(first.json["@odata.nextLink"]))
    third = many.send("GET", unquote(second.json["@odata.nextLink"]))

    assert first.json["@odata.nextLink"] == "JournalEntries?$select=JdtNum&$skip=20"
    assert [len(_numbers(each)) for each in (first, second, third)] == [20, 20, 5]
    assert _numbers(first) + _numbers(second) + _numbers(third) == list(range(98001, 98046))
    assert "@odata.nextLink" not in third.json


def test_the_client_may_choose_the_page(many: Sap) -> None:
    preferred = many.get("JournalEntries", headers={"Prefer": "odata.maxpagesize=7", "B1S-PageSize": "3"})
    option = many.get("JournalEntries", headers={"B1S-PageSize": "3"})
    unlimited = many.get("JournalEntries", headers={"Prefer": "odata.maxpagesize=0"})

    assert (len(_numbers(preferred)), preferred.header("preference-applied")) == (7, "odata.maxpagesize=7")
    assert (len(_numbers(option)), option.header("preference-applied")) == (3, "")
    assert len(_numbers(unlimited)) == 45


def test_top_and_skip_and_order_and_count(many: Sap) -> None:
    said = many.get("JournalEntries", orderby="Reference desc", skip="2", top="3", count="true")

    assert _numbers(said) == [98043, 98042, 98041]
    assert said.json["@odata.count"] == 45
    assert "@odata.nextLink" not in said.json
    assert many.get("JournalEntries/$count").text == "45"
    assert _numbers(many.get("JournalEntries", top="0")) == []


def test_top_beyond_the_page_goes_on_in_the_next(many: Sap) -> None:
    first = many.get("JournalEntries", top="25", select="JdtNum")
    second = many.send("GET", unquote(first.json["@odata.nextLink"]))

    assert (len(_numbers(first)), len(_numbers(second))) == (20, 5)
    assert "@odata.nextLink" not in second.json


def test_pages_by_key_see_every_row_once(many: Sap) -> None:
    seen: list[int] = []
    while True:
        after = seen[-1] if seen else 0
        page = _numbers(many.get("JournalEntries", filter=f"JdtNum gt {after}", orderby="JdtNum", top="10"))
        seen += page
        if len(page) < 10:
            break

    assert seen == list(range(98001, 98046))


@pytest.mark.parametrize(
    ("reading", "link"),
    [("drops", "JournalEntries?$skip=20"), ("odd", "JournalEntries?&$filter=JdtNum%20gt%200&$skip=20")],
)
def test_the_next_link_may_look_otherwise(reading: str, link: str) -> None:
    sap = Sap(switches={"next_link": reading})
    for _ in range(21):
        sap.post_entry()

    assert sap.get("JournalEntries", filter="JdtNum gt 0").json["@odata.nextLink"] == link


@pytest.mark.parametrize(
    "options",
    [
        {"select": "NoSuch"},
        {"orderby": "NoSuch"},
        {"orderby": "JdtNum sideways"},
        {"expand": "JournalEntryLines"},
        {"apply": "aggregate(Number with sum as N)"},
        {"inlinecount": "allpages"},
        {"search": "x"},
        {"top": "-1"},
        {"skip": "x"},
    ],
)
def test_an_option_that_is_not_known_is_refused(many: Sap, options: dict[str, str]) -> None:
    params = {f"${name}": value for name, value in options.items()}

    assert many.send("GET", "JournalEntries", params=params).error == (400, "201")


def test_select_names_properties_and_collections(many: Sap) -> None:
    row = many.get("JournalEntries(98001)", select="JdtNum,JournalEntryLines").json

    assert set(row) == {"@odata.context", "JdtNum", "JournalEntryLines"}
    assert len(row["JournalEntryLines"]) == 2


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("JournalEntries(98001)", 200),
        ("JournalEntries(1)", 404),
        ("JournalEntries('98001')", 400),
        ("JournalEntries(98001,2)", 400),
        ("JournalEntries(99999999999999999999)", 400),
        ("JournalEntries()", 400),
        ("ChartOfAccounts('611000')", 200),
        ("ChartOfAccounts(Code='611000')", 200),
        ("ChartOfAccounts('a''b')", 404),
        ("ChartOfAccounts('a%2Fb%23c')", 404),
        ("ChartOfAccounts(611000)", 400),
        ("JournalEntries(98001)/Explode", 400),
    ],
)
def test_a_key_names_one_entity(many: Sap, path: str, status: int) -> None:
    assert many.send("GET" if "Explode" not in path else "POST", path).status == status


def test_the_order_of_properties_depends_on_the_world_so_nobody_reads_by_position() -> None:
    orders = {tuple(Sap(seed=seed).get("Currencies").json["value"][0]) for seed in range(1, 5)}

    assert len(orders) > 1


def test_a_url_that_is_too_long_is_refused_by_what_stands_in_front() -> None:
    said = Sap(switches={"url_characters_max": 300}).get("JournalEntries", filter="Memo eq '" + "x" * 300 + "'")

    assert (said.status, said.header("content-type")) == (414, "text/html; charset=iso-8859-1")


def test_the_count_may_be_text() -> None:
    assert Sap(switches={"count_as_text": True}).get("Currencies", count="true").json["@odata.count"] == "5"


# --- rows with a version -----------------------------------------------------------------------------------------------


def _etag(version: int) -> str:
    return 'W/"' + hashlib.sha1(str(version).encode()).hexdigest().upper() + '"'


def test_the_etag_is_the_hash_of_the_data_version_and_guards_changes() -> None:
    sap = Sap()
    read = sap.send("GET", "AdditionalExpenses(1)")
    assert (read.header("etag"), read.json["@odata.etag"]) == (_etag(1), 'W/"356A192B7913B04C54574D18C28D46E6395428AB"')

    changed = sap.send("PATCH", "AdditionalExpenses(1)", {"Name": "Freight"}, headers={"If-Match": _etag(1)})
    stale = sap.send("PATCH", "AdditionalExpenses(1)", {"Name": "Other"}, headers={"If-Match": _etag(1)})
    blind = sap.send("POST", "AdditionalExpenses(1)", {"Name": "Last"}, headers={"X-HTTP-Method-Override": "PATCH"})

    assert (changed.status, stale.error, blind.status) == (204, (412, "-2039"), 204)
    after = sap.send("GET", "AdditionalExpenses(1)").json
    assert (after["Name"], after["DataVersion"], after["@odata.etag"]) == ("Last", 3, _etag(3))


def test_a_set_that_is_only_read_refuses_writes() -> None:
    sap = Sap()

    assert sap.send("POST", "Currencies", {"Code": "CHF"}).error == (400, "-5006")
    assert sap.send("DELETE", "ChartOfAccounts('611000')").error == (400, "-5006")


# --- services ----------------------------------------------------------------------------------------------------------


def test_company_settings_are_read_by_get_and_post() -> None:
    sap = Sap()

    info = sap.send("GET", "CompanyService_GetCompanyInfo").json
    admin = sap.send("POST", "CompanyService_GetAdminInfo").json

    assert (info["CompanyName"], info["Version"], info["EnableAccountSegmentation"]) == (
        "Sandbox Trading Inc.",
        1000280,
        "tNO",
    )
    assert (admin["LocalCurrency"], admin["TotalsAccuracy"], admin["EnableBranches"]) == ("USD", 2, "tNO")


def test_company_settings_may_come_inside_a_member() -> None:
    info = Sap(switches={"company_info_wrapped": True}).send("GET", "CompanyService_GetCompanyInfo").json

    assert info["CompanyInfo"]["CompanyName"] == "Sandbox Trading Inc."


def test_periods_are_calendar_months_of_three_years_and_one_old_one_is_closed() -> None:
    sap = Sap()

    years = sap.send("POST", "CompanyService_GetPeriods").json["value"]
    periods = [
        period
        for year in years
        for period in sap.send(
            "POST",
            "CompanyService_GetFinancePeriods",
            {"PeriodCategoryParams": {"AbsoluteEntry": year["AbsoluteEntry"]}},
        ).json["value"]
    ]

    assert [(year, len(periods)) for year in [len(years)]] == [(3, 36)]
    assert periods[0]["PostingDateFrom"] == "2025-01-01T00:00:00Z"
    assert periods[-1]["PostingDateTo"] == "2027-12-31T00:00:00Z"
    assert [each["PeriodCode"] for each in periods if each["PeriodStatus"] != "ltUnlocked"] == ["2026-06"]
    february = next(each for each in periods if each["PeriodCode"] == "2026-02")
    assert february["PostingDateTo"] == "2026-02-28T00:00:00Z"
    one = sap.send(
        "POST",
        "CompanyService_GetFinancePeriod",
        {"FinancePeriodParams": {"AbsoluteEntry": february["AbsoluteEntry"]}},
    )
    assert one.json["PeriodCode"] == "2026-02"


def test_rates_are_read_and_set() -> None:
    sap = Sap()
    body = {"Currency": "EUR", "Date": "20261120"}

    standing = sap.send("POST", "SBOBobService_GetCurrencyRate", body).json
    assert (
        sap.send(
            "POST", "SBOBobService_SetCurrencyRate", {"Currency": "EUR", "Rate": "1.25", "RateDate": "20261120"}
        ).status
        == 204
    )

    assert standing["value"] == Decimal("1.0834")
    assert sap.send("POST", "SBOBobService_GetCurrencyRate", body).json["value"] == Decimal("1.25")
    assert sap.send("GET", "SBOBobService_GetLocalCurrency").json["value"] == "USD"
    assert sap.send("POST", "SBOBobService_GetCurrencyRate", {"Currency": "CHF", "Date": "20261120"}).status == 400


def test_a_scalar_result_may_come_bare() -> None:
    assert Sap(switches={"service_value_wrapped": False}).send("GET", "SBOBobService_GetLocalCurrency").json == "USD"
