"""v1 beside v2: one company, two dialects (dossier, section 4). What is not here is the same in both."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree

import pytest

from ml_connector.sandbox.clock import ManualClock
from ml_connector.sandbox.world import World
from tests.support.sap_client import LINES, NOON, Sap

V3 = "{http://schemas.microsoft.com/ado/2009/11/edm}"


def test_the_login_of_v1_is_annotated_as_documented() -> None:
    sap = Sap(sign_in=False, version="v1")

    said = sap.log_in()

    assert said.status == 200
    assert said.header("content-type") == "application/json;odata=minimalmetadata;charset=utf-8"
    assert said.json["odata.metadata"].endswith("/b1s/v1/$metadata#B1Sessions/@Element")
    assert said.json["SessionTimeout"] == 30


def test_both_versions_show_the_same_ledger() -> None:
    sap = Sap()
    sap.post_entry(Memo="made on v2")
    sap.version = "v1"
    sap.log_in()

    said = sap.get(
        "JournalEntries", filter="Memo eq 'made on v2'", inlinecount="allpages", select="JdtNum,ReferenceDate"
    )

    assert said.json == {
        "odata.metadata": "http://sandbox.test/sap_business_one/b1s/v1/$metadata#JournalEntries",
        "odata.count": "1",
        "value": [{"JdtNum": 98001, "ReferenceDate": "2026-11-20"}],
    }
    assert said.header("dataserviceversion") == "3.0"
    assert said.header("odata-version") == ""


def test_an_entry_made_on_v1_is_answered_in_its_words() -> None:
    said = Sap(version="v1").post_entry()

    assert said.status == 201
    assert said.header("location").endswith("/b1s/v1/JournalEntries(98001)")
    assert said.json["odata.metadata"].endswith("/b1s/v1/$metadata#JournalEntries/@Element")
    assert said.json["ReferenceDate"] == "2026-11-20"
    assert said.json["JournalEntryLines"][0]["Debit"] == Decimal("310.5")


def test_dates_of_v1_may_carry_a_midnight() -> None:
    entry = Sap(version="v1", switches={"dates_on_v1": "datetime"}).post_entry().json

    assert entry["ReferenceDate"] == "2026-11-20T00:00:00"


def test_pages_of_v1_link_by_its_own_annotation() -> None:
    sap = Sap(version="v1")

    said = sap.get("ChartOfAccounts", select="Code")

    assert said.json["odata.nextLink"] == "ChartOfAccounts?$select=Code&$skip=20"


@pytest.mark.parametrize(("version", "option"), [("v1", "count"), ("v2", "inlinecount")])
def test_each_version_counts_in_its_own_way(version: str, option: str) -> None:
    sap = Sap(version=version)

    assert sap.send("GET", "Currencies", params={f"${option}": "true"}).error == (400, "201")


def test_the_etag_of_v1_has_its_own_annotation() -> None:
    said = Sap(version="v1").send("GET", "AdditionalExpenses(1)")

    assert said.json["odata.etag"] == said.header("etag") == 'W/"356A192B7913B04C54574D18C28D46E6395428AB"'


def test_refusals_of_v1_hold_a_number_and_an_object() -> None:
    sap = Sap(version="v1")

    assert sap.send("GET", "JournalEntries(1)").json == {
        "error": {"code": -2028, "message": {"lang": "en-us", "value": "No matching records found (ODBC -2028)"}}
    }


@pytest.mark.parametrize(("reading", "code"), [("v1", 301), ("v2", "301")])
def test_a_lost_session_of_v1_may_be_worded_as_on_v2(reading: str, code: object) -> None:
    sap = Sap(version="v1", sign_in=False, switches={"expiry_body_on_v1": reading})

    assert sap.get("Currencies").json["error"]["code"] == code


@pytest.mark.parametrize(("shared", "status"), [(False, 401), (True, 200)])
def test_a_session_belongs_to_the_version_it_was_made_on(shared: bool, status: int) -> None:
    sap = Sap(switches={"session_on_both_versions": shared})
    sap.version = "v1"

    assert sap.get("Currencies").status == status
    sap.version = "v2"
    assert sap.get("Currencies").status == 200


def test_operations_of_v1_are_posted() -> None:
    sap = Sap(version="v1")

    assert sap.send("GET", "CompanyService_GetCompanyInfo").error == (400, "-5006")
    assert sap.send("POST", "CompanyService_GetCompanyInfo").json["Version"] == 1000280
    years = sap.send("POST", "CompanyService_GetPeriods").json["value"]
    year = sap.send("POST", "CompanyService_GetPeriod", {"PeriodCategoryParams": years[0]}).json
    assert (year["PeriodCategory"], "PeriodCategoryProperty" in year) == ("2025", False)


def test_the_year_has_another_name_on_v2() -> None:
    sap = Sap()
    year = sap.send("POST", "CompanyService_GetPeriod", {"PeriodCategoryParams": {"AbsoluteEntry": 1}}).json

    assert (year["PeriodCategoryProperty"], "PeriodCategory" in year) == ("2025", False)


def _batch(root: str, content_id: str) -> bytes:
    return (
        "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n"
        f"Content-Transfer-Encoding: binary\r\n{content_id}\r\nPOST {root}/JournalEntries HTTP/1.1\r\n"
        "Content-Type: application/json\r\n\r\n"
        '{"JournalEntryLines": [{"AccountCode": "611000", "Debit": 1}, {"AccountCode": "114100", "Credit": 1}]}\r\n'
        "--c--\r\n--b--\r\n"
    ).encode()


def test_a_batch_of_v1_answers_202_and_names_the_part_inside() -> None:
    sap = Sap(version="v1")
    headers = {"Content-Type": "multipart/mixed;boundary=b"}

    unnamed = sap.send("POST", "$batch", _batch("/b1s/v1", ""), headers=headers)
    named = sap.send("POST", "$batch", _batch("/b1s/v1", "Content-ID: 7\r\n"), headers=headers)

    assert (unnamed.status, named.status) == (202, 202)
    assert "HTTP/1.1 201 Created\r\nContent-ID: 7\r\nContent-Type: " in named.text.replace("\n", "\r\n").replace(
        "\r\r", "\r"
    )
    assert "\r\nDataServiceVersion: 3.0\r\nLocation: " in named.text.replace("\n", "\r\n").replace("\r\r", "\r")
    assert len(sap.control.entries()) == 2


def test_a_batch_of_v2_may_answer_202_too() -> None:
    sap = Sap(switches={"batch_status_on_v2": 202})

    said = sap.send(
        "POST",
        "$batch",
        _batch("/b1s/v2", "Content-ID: 7\r\n"),
        headers={"Content-Type": "multipart/mixed;boundary=b"},
    )

    assert said.status == 202


def test_the_metadata_of_v1_is_of_the_older_protocol() -> None:
    root = ElementTree.fromstring(Sap(version="v1").send("GET", "$metadata").text)

    types = {each.get("Type") for each in root.iter(f"{V3}Property")}
    imports = {each.get("Name") for each in root.iter(f"{V3}FunctionImport")}
    assert "Edm.DateTime" in types
    assert "Edm.DateTimeOffset" not in types
    assert {"Login", "Cancel", "CompanyService_GetCompanyInfo"} <= imports


def test_faults_are_named_alike_on_both_versions() -> None:
    sap = Sap(version="v1", faults=[{"operation": "JournalEntries.POST", "fault": "http_500", "nth": 1}])

    assert (sap.post_entry().status, sap.post_entry(JournalEntryLines=LINES).status) == (500, 201)


@pytest.mark.parametrize(("carried", "shown"), [(True, True), (False, False)])
def test_bodies_of_v1_may_lack_the_version_of_their_rows(carried: bool, shown: bool) -> None:
    sap = Sap(version="v1", switches={"etag_in_v1_bodies": carried})

    single = sap.send("GET", "Items('LANTERN-S')")
    assert ("odata.etag" in single.json) == shown
    assert ("odata.etag" in sap.get("Items").rows[0]) == shown
    assert single.header("etag") == 'W/"356A192B7913B04C54574D18C28D46E6395428AB"'


def test_a_scenario_says_which_address_the_credentials_name() -> None:
    def announced(**scenario: object) -> object:
        world = World(ManualClock(NOON), systems=["sap_business_one"], scenario={"sap_business_one": scenario})
        return world.credentials()["sap_business_one"]["base_url"]

    assert announced(version="v1") == "http://sandbox.test/sap_business_one/b1s/v1"
    assert announced() == "http://sandbox.test/sap_business_one/b1s/v2"
    with pytest.raises(ValueError, match="v1 or v2"):
        announced(version="v3")
